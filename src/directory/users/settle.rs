//! The wait of a request for the worker, and what it is answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::UserView;
use super::change::Written;
use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::error::Error;
use crate::directory::handover::{Outcome, Watch};
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::directory::rollback::Rollback;
use crate::ids::{BindingId, UserId};
use crate::insights::EventType;
use crate::store::Tx;
use crate::store::bindings::{self, Binding};
use crate::store::users::{self, User};

/// How long the worker may take to tell what it has written.
const TELLING: Duration = Duration::from_millis(500);

/// How long a request waits for Microsoft 365.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// At most so long; then it is answered as pending.
    AtMost(Duration),
    /// Not at all (`Prefer: respond-async`, RFC 7240 §4.1): what is written is acknowledged.
    Not,
}

/// How a change was taken.
#[derive(Clone, Debug)]
pub enum Pushed {
    /// Microsoft 365 has it, or there is nothing for Microsoft 365 to have.
    Settled(UserView),
    /// It is durable and will be carried out.
    Pending(UserView),
}

impl Wait {
    pub(super) fn is_awaited(self) -> bool {
        matches!(self, Self::AtMost(_))
    }
}

impl Pushed {
    /// The user as it is answered.
    pub fn view(self) -> UserView {
        match self {
            Self::Settled(view) | Self::Pending(view) => view,
        }
    }
}

impl Directory {
    pub(super) async fn settle(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        name: Option<String>,
        written: Result<Written, Error>,
        watch: Watch,
        wait: Wait,
    ) -> Result<Pushed, Error> {
        let written = match written {
            Ok(written) => written,
            Err(error) => {
                self.report_refused_password(who, id, name, &error).await;
                return Err(error);
            }
        };
        let Written { user, binding, dirty } = written;
        let Some(mut binding) = binding.filter(|_| dirty) else {
            // Unbound or unchanged: nothing for the worker.
            let (user, binding) = match users::get(&self.store, who.organization, id).await? {
                Some(current) => current,
                None => (user, None),
            };
            return Ok(Pushed::Settled(UserView::new(user, binding)));
        };
        self.handover.wake();
        let Wait::AtMost(longest) = wait else {
            return Ok(Pushed::Pending(UserView::new(user, Some(binding))));
        };
        let version = binding.wanted_version;
        if self.handover.rests(binding.connection, self.clock.millis() + millis(longest)) {
            return self.acknowledge(user, binding, watch).await;
        }
        match self.outcome(watch, version, longest).await {
            (Some(Outcome::Settled(settled)), _) => {
                binding = Arc::unwrap_or_clone(settled);
                Ok(Pushed::Settled(UserView::new(user, Some(binding))))
            }
            (Some(Outcome::Refused { refusal, .. }), _) => Err(Error::Refused(refusal)),
            (_, watch) => self.acknowledge(user, binding, watch).await,
        }
    }

    /// The outcome, when there is one in time. A deferral beyond the deadline ends the wait.
    async fn outcome(&self, mut watch: Watch, version: i64, longest: Duration) -> (Option<Outcome>, Watch) {
        let deadline = Instant::now() + longest;
        let last = self.clock.millis().saturating_add(millis(longest));
        loop {
            match timeout_at(deadline, watch.reached(version)).await {
                Ok(Some(Outcome::Deferred { until })) if until < last => {}
                Ok(outcome) => return (outcome, watch),
                Err(_) => return (None, watch),
            }
        }
    }

    /// Makes it final that upstream is told "taken, pending": from here on Microsoft's refusal no longer takes
    /// the change back. If the outcome came in this very moment, it is the answer.
    async fn acknowledge(&self, told: User, binding: Binding, mut watch: Watch) -> Result<Pushed, Error> {
        let (id, wanted) = (binding.id, binding.wanted_version);
        let ours = told.clone();
        let acknowledged =
            self.store.write(move |tx| Box::pin(async move { acknowledge(tx, &ours, id).await })).await?;
        match acknowledged {
            Acknowledged::Kept(binding) => {
                // A password is no part of the version: that it was taken back shows only here.
                if binding.wanted_version > wanted
                    && let Ok(Some(Outcome::Refused { refusal, .. })) =
                        timeout(TELLING, watch.reached(wanted)).await
                {
                    return Err(Error::Refused(refusal));
                }
                let settled = binding.given_version >= wanted;
                let view = UserView::new(told, Some(*binding));
                Ok(if settled { Pushed::Settled(view) } else { Pushed::Pending(view) })
            }
            Acknowledged::Gone => Ok(Pushed::Settled(UserView::new(told, Some(binding)))),
            Acknowledged::TakenBack => Err(Error::Refused(reason(watch, wanted).await)),
        }
    }

    /// A password that was refused leaves a failure event, though nothing was changed. `name` is that of a user who
    /// is not there yet.
    async fn report_refused_password(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        name: Option<String>,
        error: &Error,
    ) {
        let Error::Password(violation) = error else {
            return;
        };
        let (this, caller, sentence) = (Arc::clone(self), who.clone(), violation.to_string());
        let report = async move |tx: &Tx| {
            let found = users::get(tx, caller.organization, id).await?;
            let name = name.or_else(|| found.map(|(user, _)| user.user_name));
            let event_type = EventType::UserPasswordUpdateProvision;
            this.append_failure(tx, &caller, event_type, id, name.as_deref(), &sentence).await
        };
        let reported = self.store.write(move |tx| Box::pin(async move { report(tx).await })).await;
        if let Err(error) = reported {
            tracing::warn!(user = %id, %error, "a refused password could not be recorded as an event");
        }
    }
}

/// What was found when a change was to be acknowledged.
enum Acknowledged {
    /// The change stands.
    Kept(Box<Binding>),
    /// The user was to be deleted, and is gone.
    Gone,
    /// Microsoft has refused the change in the meantime, and it was taken back.
    TakenBack,
}

/// Ends the way back of what `told` says. A later change that still waits keeps one: to what is told now.
async fn acknowledge(tx: &Tx, told: &User, id: BindingId) -> Result<Acknowledged, Error> {
    let Some((binding, user)) = bindings::lock(tx, id).await? else {
        let deleted = told.deleted_at.is_some();
        return Ok(if deleted { Acknowledged::Gone } else { Acknowledged::TakenBack });
    };
    if user.version < told.version || user.deleted_at.is_none() && told.deleted_at.is_some() {
        return Ok(Acknowledged::TakenBack);
    }
    if user.rollback.is_some() {
        let later = user.version > told.version || (user.deleted_at.is_some() && told.deleted_at.is_none());
        if !later {
            users::set_rollback(tx, user.organization, user.id, None).await?;
        } else if Rollback::is_older(&user, told.version) {
            let rollback = Rollback::to(told, binding.sealed_password.as_ref()).stored();
            users::set_rollback(tx, user.organization, user.id, rollback).await?;
        }
    }
    Ok(Acknowledged::Kept(Box::new(binding)))
}

/// Why a change was taken back. The worker of this process says so at this very moment; that of another one
/// has left it in the events.
async fn reason(mut watch: Watch, wanted: i64) -> Refusal {
    match timeout(TELLING, watch.reached(wanted)).await {
        Ok(Some(Outcome::Refused { refusal, .. })) => refusal,
        _ => Refusal {
            kind: RefusalKind::InvalidValue,
            sentence:
                "Microsoft 365 refused the change, so nothing of it took effect; the failure event of this \
                       user says why"
                    .to_owned(),
            code: None,
        },
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
