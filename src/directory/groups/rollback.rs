//! What a group goes back to when Microsoft refuses a change that upstream has not been told was taken.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::change::{leave_groups, set_resource};
use super::nickname::TRIED;
use crate::directory::error::Error;
use crate::directory::mark::Marked as _;
use crate::directory::refusal::{Failure, Refusal};
use crate::directory::rollback::Undone;
use crate::store::Tx;
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups::{self, Group};
use crate::store::memberships::{self, MemberKind};
use crate::store::queue::Lane;

/// Members whose old state is kept at most. A change of more is acknowledged when it is written: what cannot be
/// taken back must not be told as refused.
pub(super) const MOST_MEMBERS: usize = 10_000;

/// The state before the first change that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Rollback {
    /// There was no group.
    Remove,
    /// There was this one.
    Restore {
        /// The SCIM resource without members.
        resource: Value,
        /// Its version.
        version: i64,
        /// Its `meta.lastModified`.
        updated_at: i64,
        /// Those whose membership has changed since, as it was.
        members: Vec<WasMember>,
    },
}

/// Whether somebody was a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WasMember {
    /// The user or group.
    pub(super) id: Uuid,
    /// Which of the two.
    pub(super) is_group: bool,
    /// Whether it was a member.
    pub(super) wanted: bool,
}

impl Rollback {
    pub(super) fn to(group: &Group) -> Self {
        Self::Restore {
            resource: group.resource.clone(),
            version: group.version,
            updated_at: group.updated_at,
            members: Vec::new(),
        }
    }

    pub(super) fn read(group: &Group) -> Option<Self> {
        group.rollback.clone().and_then(|stored| serde_json::from_value(stored).ok())
    }

    pub(super) fn stored(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }

    /// Adds members that change now; what is kept of an earlier change is older, and stays. False when there are too
    /// many to keep.
    pub(super) fn remember(&mut self, changed: impl Iterator<Item = WasMember>) -> bool {
        let Self::Restore { members, .. } = self else {
            return true;
        };
        let known: std::collections::HashSet<Uuid> = members.iter().map(|member| member.id).collect();
        members.extend(changed.filter(|member| !known.contains(&member.id)));
        members.len() <= MOST_MEMBERS
    }

    /// Whether what `group` would go back to is older than the state of `version`.
    pub(super) fn is_older(group: &Group, version: i64) -> bool {
        match Self::read(group) {
            Some(Self::Restore { version: kept, .. }) => kept < version,
            Some(Self::Remove) => true,
            None => false,
        }
    }
}

/// Whether what `group` would go back to is older than the state of `version`.
pub fn goes_back_behind(group: &Group, version: i64) -> bool {
    Rollback::is_older(group, version)
}

/// Undoes what was not acknowledged, after Microsoft has refused it. The binding keeps what Graph was given meanwhile
/// and stays dirty, so that a half of a change that did arrive is taken back as well: a group that was made is
/// deleted again.
pub async fn undo(
    tx: &Tx,
    mut group: Group,
    mut binding: GroupBinding,
    refusal: &Refusal,
    now: i64,
) -> Result<Undone, Error> {
    let target = Rollback::read(&group);
    group.rollback = None;
    let taken_back = match target {
        Some(Rollback::Remove) if binding.object_id.is_none() && !may_exist(&binding) => {
            leave_groups(tx, group.organization, group.id.0, None, binding.request.as_ref(), now).await?;
            groups::remove(tx, group.organization, group.id).await?;
            return Ok(Undone::RolledBack);
        }
        Some(Rollback::Remove) => {
            group.deleted_at = Some(now);
            true
        }
        Some(Rollback::Restore { resource, .. }) if is_taken(tx, &group, &resource).await? => {
            if group.deleted_at.is_some() {
                // Its name was given to another group: there is nothing to bring back.
                let object = binding.object_id.as_deref();
                leave_groups(tx, group.organization, group.id.0, object, binding.request.as_ref(), now)
                    .await?;
                groups::remove(tx, group.organization, group.id).await?;
                return Ok(Undone::RolledBack);
            }
            false
        }
        Some(Rollback::Restore { resource, version, updated_at, members }) => {
            set_resource(&mut group, resource);
            group.version = version;
            group.updated_at = updated_at;
            group.deleted_at = None;
            let rows: Vec<(Uuid, MemberKind, bool)> = members.into_iter().map(row).collect();
            memberships::set_wanted(tx, group.organization, group.id, &rows).await?;
            true
        }
        None => false,
    };
    groups::update(tx, &group).await?;
    if taken_back {
        binding.mark_anew(Lane::Update, now);
    } else {
        binding.lane = None;
        binding.failure = serde_json::to_value(Failure::Refused { sentence: refusal.sentence.clone() }).ok();
    }
    group_bindings::update(tx, &binding).await?;
    Ok(if taken_back { Undone::RolledBack } else { Undone::Kept })
}

/// Whether a create may have been carried out though no answer came.
fn may_exist(binding: &GroupBinding) -> bool {
    binding.given.get(TRIED).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether another living group has the name and the externalId that the group would get back.
async fn is_taken(tx: &Tx, group: &Group, resource: &Value) -> Result<bool, Error> {
    let mut before = group.clone();
    set_resource(&mut before, resource.clone());
    Ok(groups::has_namesake(tx, &before).await?)
}

fn row(member: WasMember) -> (Uuid, MemberKind, bool) {
    let kind = if member.is_group { MemberKind::Group } else { MemberKind::User };
    (member.id, kind, member.wanted)
}
