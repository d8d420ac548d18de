//! What a user goes back to when Microsoft refuses a change that upstream has not been told was taken.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::Error;
use super::mark::Marked as _;
use super::refusal::{Failure, Refusal};
use super::users::{remove_user, set_resource};
use crate::store::bindings::{self, Binding};
use crate::store::queue::Lane;
use crate::store::users::{self, User};
use crate::store::{Sealed, Tx};

/// The state before the first change that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rollback {
    /// There was no user.
    Remove,
    /// There was this one.
    Restore {
        /// The SCIM resource.
        resource: Value,
        /// Its version.
        version: i64,
        /// Its `meta.lastModified`.
        updated_at: i64,
        /// The sealed password that waited to be set then.
        #[serde(default)]
        password: Option<Vec<u8>>,
    },
}

/// What became of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It is what it was, or gone as it was.
    RolledBack,
    /// Upstream had been told that the change was taken, so it stays, marked as failed.
    Kept,
}

impl Rollback {
    /// The state of `user` now, with the password that waits in its binding.
    pub fn to(user: &User, password: Option<&Sealed>) -> Self {
        Self::Restore {
            resource: user.resource.clone(),
            version: user.version,
            updated_at: user.updated_at,
            password: password.map(|sealed| sealed.as_bytes().to_vec()),
        }
    }

    /// As it is stored with the user.
    pub fn stored(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }

    /// Whether the user would be removed: its create was not acknowledged.
    pub fn removes(user: &User) -> bool {
        matches!(user.rollback.clone().map(serde_json::from_value), Some(Ok(Self::Remove)))
    }

    /// Whether what `user` would go back to is older than the state of `version`.
    pub fn is_older(user: &User, version: i64) -> bool {
        match user.rollback.clone().map(serde_json::from_value) {
            Some(Ok(Self::Restore { version: kept, .. })) => kept < version,
            Some(_) => true,
            None => false,
        }
    }
}

/// How long after a refusal a leaver is tried again, in milliseconds.
const REFUSED_LEAVER: i64 = 60 * 60 * 1000;

/// Undoes what was not acknowledged, after Microsoft has refused it. The binding keeps what Graph was given
/// meanwhile and stays dirty, so that a half of a change that did arrive is taken back as well.
///
/// A create goes without a trace. What it found in Microsoft 365 stays as it was found: an account that existed
/// before is not ours to block. Only where `compensate` says that the create itself has brought the account back
/// from among the deleted does a tombstone stay, to send it there again.
pub async fn undo(
    tx: &Tx,
    mut user: User,
    mut binding: Binding,
    refusal: &Refusal,
    compensate: bool,
    now: i64,
) -> Result<Undone, Error> {
    let target = user.rollback.take().map(serde_json::from_value).transpose()?;
    let taken_back = match target {
        Some(Rollback::Remove) if !compensate => {
            remove_user(
                tx,
                user.organization,
                user.id,
                binding.account_id.as_deref(),
                binding.request.as_ref(),
                now,
            )
            .await?;
            return Ok(Undone::RolledBack);
        }
        Some(Rollback::Remove) => {
            user.deleted_at = Some(now);
            binding.sealed_password = None;
            true
        }
        Some(Rollback::Restore { resource, version, updated_at, password }) => {
            let name_taken = is_taken(tx, &user, &resource).await?;
            if name_taken && user.deleted_at.is_some() {
                // The name, and with it the account, was given to another user: there is nothing to bring back.
                remove_user(
                    tx,
                    user.organization,
                    user.id,
                    binding.account_id.as_deref(),
                    binding.request.as_ref(),
                    now,
                )
                .await?;
                return Ok(Undone::RolledBack);
            }
            if !name_taken {
                set_resource(&mut user, resource);
                user.version = version;
                user.updated_at = updated_at;
                user.deleted_at = None;
                binding.sealed_password = password.map(Sealed::from);
            }
            !name_taken
        }
        None => false,
    };
    users::update(tx, &user).await?;
    if taken_back {
        binding.mark_anew(Lane::Security, now);
    } else {
        binding.failure = serde_json::to_value(Failure::Refused { sentence: refusal.sentence.clone() }).ok();
        // Upstream can push nothing any more for one who is gone: until it succeeds it is tried again.
        let is_gone = user.deleted_at.is_some();
        binding.lane = is_gone.then_some(Lane::Security);
        binding.next_attempt_at = now.saturating_add(REFUSED_LEAVER);
    }
    bindings::update(tx, &binding).await?;
    Ok(if taken_back { Undone::RolledBack } else { Undone::Kept })
}

/// Whether another living user has the name that the user would get back.
async fn is_taken(tx: &Tx, user: &User, resource: &Value) -> Result<bool, Error> {
    let name = resource.get("userName").and_then(Value::as_str).unwrap_or_default();
    let holder = users::by_user_name(tx, user.organization, name).await?;
    Ok(holder.is_some_and(|(holder, _)| holder.id != user.id))
}
