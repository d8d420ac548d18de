//! The dirty mark of a user: that there is something to carry out, who asked for it, and the password that waits.

use secrecy::SecretString;
use serde_json::Value;

use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::connections::Place;
use crate::directory::error::Error;
use crate::directory::mark::{Marked, request};
use crate::directory::password::{Password, Violation};
use crate::directory::refusal::Failure;
use crate::directory::sync::failure_in;
use crate::ids::{BindingId, ConnectionId};
use crate::insights::{EventType, ResourceKind};
use crate::settings::OnViolation;
use crate::store::Tx;
use crate::store::bindings::Binding;
use crate::store::queue::Lane;
use crate::store::users::User;

/// Why a binding becomes dirty.
pub(super) struct Mark<'a> {
    pub(super) who: &'a Caller,
    /// Attributes of the request that were left out.
    pub(super) ignored: Vec<String>,
    pub(super) password: Checked,
    pub(super) lane: Lane,
    pub(super) now: i64,
}

/// A password of a request, held to the rules.
pub(super) enum Checked {
    None,
    Set(Password),
    Skipped(Violation),
}

impl<'a> Mark<'a> {
    /// A mark without a password.
    pub(super) fn plain(who: &'a Caller, lane: Lane, now: i64) -> Self {
        Self { who, ignored: Vec::new(), password: Checked::None, lane, now }
    }
}

impl Checked {
    /// Holds a password to the rules of the user's place. A violation is an error, unless the settings skip it.
    pub(super) fn new(place: &Place, password: Option<SecretString>, user_name: &str) -> Result<Self, Error> {
        let Some(secret) = password else {
            return Ok(Self::None);
        };
        let rules = place.settings.password;
        let parsed = match &place.federated {
            Some(domain) => Err(Violation::Federated(domain.clone())),
            None => Password::parse(secret, rules.length, user_name),
        };
        match parsed {
            Ok(password) => Ok(Self::Set(password)),
            Err(violation) if rules.on_violation == OnViolation::Skip => Ok(Self::Skipped(violation)),
            Err(violation) => Err(violation.into()),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn is_set(&self) -> bool {
        matches!(self, Self::Set(_))
    }
}

impl Directory {
    /// A binding to which nothing was given yet.
    pub(super) fn new_binding(&self, user: &User, connection: ConnectionId, now: i64) -> Binding {
        Binding {
            id: BindingId(self.clock.uuid()),
            organization: user.organization,
            connection,
            user: user.id,
            account_id: None,
            given: Value::Null,
            // Versions that were made while no connection took the user are used up.
            wanted_version: user.version - 1,
            given_version: 0,
            lane: None,
            queued_at: now,
            attempts: 0,
            next_attempt_at: now,
            lease_owner: None,
            lease_until: 0,
            sealed_password: None,
            request: None,
            failure: None,
            given_at: None,
            drift: None,
            unverified_at: None,
        }
    }

    /// Makes the binding of the user named `user_name` dirty.
    pub(super) async fn mark(
        &self,
        tx: &Tx,
        binding: &mut Binding,
        user_name: &str,
        mark: Mark<'_>,
    ) -> Result<(), Error> {
        let Mark { who, ignored, password, lane, now } = mark;
        self.ensure_events(tx, who).await?;
        Marked::mark(binding, lane, now);
        binding.request = Some(request(who, &ignored)?);
        match password {
            // What was left out stays told until the work has looked at it again.
            Checked::None
                if matches!(failure_in(binding.failure.as_ref()), Some(Failure::LeftOut { .. })) => {}
            Checked::None => binding.failure = None,
            Checked::Set(password) => {
                binding.sealed_password = Some(self.key.seal(password.secret(), binding.id.0));
                binding.failure = None;
            }
            Checked::Skipped(violation) => {
                let sentence = violation.to_string();
                let event_type = EventType::UserPasswordUpdateProvision;
                let user = ResourceKind::User.named(binding.user, Some(user_name));
                self.append_failure(tx, who, event_type, user, &sentence).await?;
                binding.failure = Some(serde_json::to_value(Failure::PasswordSkipped { sentence })?);
            }
        }
        Ok(())
    }
}
