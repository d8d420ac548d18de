//! Writing down how the work ended: the given state, the events and what follows, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use serde_json::Value;
use uuid::Uuid;

use super::carry::{Finished, gives_way};
use super::describe::{Report, Target};
use super::end::{End, Later};
use super::given::{Given, Owed};
use super::worker::Inner;
use crate::directory::caller::Origin;
use crate::directory::error::Error;
use crate::directory::events;
use crate::directory::groups::leave_groups;
use crate::directory::handover::Outcome;
use crate::directory::refusal::Failure;
use crate::directory::rollback::{self, Rollback};
use crate::directory::users::remove_user;
use crate::graph::GroupId;
use crate::ids::{BindingId, ConnectionId, OrganizationId};
use crate::insights::{self, Event, ResourceKind, ResourceRef};
use crate::store::Tx;
use crate::store::bindings::{self, Binding};
use crate::store::queue::Lane;
use crate::store::users::{self, User};
use crate::store::{group_bindings, memberships};

const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

/// The connection of a run that may have to rest.
pub(super) struct Resting {
    pub(super) connection: ConnectionId,
    /// How often the work was tried before.
    pub(super) attempts: i32,
    /// When the run began, in milliseconds since the Unix epoch.
    pub(super) began_at: i64,
}

impl Inner {
    /// Writes the end of a run; tells who waits. None when the claim was lost meanwhile: whoever has it now
    /// finds the same difference and closes it.
    pub(super) async fn record(self: &Arc<Self>, finished: Finished, began_at: i64) -> Result<(), Error> {
        let user = finished.user.id;
        let (connection, attempts) = (finished.began.connection, finished.began.attempts);
        let resting = Resting { connection, attempts, began_at };
        self.rest_after(&finished.end, finished.user.organization, resting).await;
        let this = Arc::clone(self);
        let account = finished.account.map(|account| account.to_string());
        let is_news = self.store.is_shared() && finished.began.account_id != account;
        let news = is_news.then(|| (finished.user.clone(), account));
        let outcome =
            self.store.write(move |tx| Box::pin(async move { this.write(tx, finished).await })).await?;
        if let Some(outcome) = outcome {
            self.follow_up(&outcome);
            self.handover.users.tell(user, &outcome);
        }
        if let Some((user, account)) = news
            && let Err(error) = self.look_again(user, account).await
        {
            tracing::warn!(%error, "groups and reports that may wait for a new account could not be looked for");
        }
        Ok(())
    }

    /// Who refers to a new account in a transaction that was under way, and so saw none, was not to be seen either:
    /// after the commit it is.
    async fn look_again(self: &Arc<Self>, user: User, account: Option<String>) -> Result<(), Error> {
        let this = Arc::clone(self);
        let look = async move |tx: &Tx| {
            let now = this.clock.millis();
            this.tell_who_refers(tx, &user, account.as_deref(), None, now).await
        };
        self.store.write(move |tx| Box::pin(async move { look(tx).await })).await
    }

    /// Lets the connection rest where the end of a run that began at `began_at` (ms) says so.
    pub(super) async fn rest_after(&self, end: &End, whose: OrganizationId, of: Resting) {
        let End::Later(later) = end else {
            return;
        };
        if later.pause {
            let wait = later.after.unwrap_or_else(|| delay(of.attempts));
            self.handover.rest(of.connection, self.clock.millis() + millis(wait));
        }
        if later.unauthorized {
            let noted =
                self.directory.needs_authorization(whose, of.connection, &later.sentence, of.began_at).await;
            if let Err(error) = noted {
                tracing::warn!(%error, "it could not be noted that a connection must be authorized anew");
            }
        }
    }

    pub(super) fn follow_up<B>(self: &Arc<Self>, outcome: &Outcome<B>) {
        match outcome {
            Outcome::Deferred { until } => {
                let wait = u64::try_from(until - self.clock.millis()).unwrap_or(0);
                let wait = Duration::from_millis(wait);
                // Longer ones are found by the sweep.
                if wait < self.settings.sweep.saturating_mul(2) {
                    let handover = self.handover.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(wait).await;
                        handover.wake();
                    });
                }
            }
            Outcome::Settled { .. } | Outcome::Refused { .. } => self.handover.wake(),
        }
    }

    async fn write(&self, tx: &Tx, mut finished: Finished) -> Result<Option<Outcome<Binding>>, Error> {
        // Before any row is held: whoever waits for the events' order would hold up those who wait for the row.
        crate::store::events::announce(tx).await?;
        let Some((mut binding, user)) = bindings::lock(tx, finished.began.id).await? else {
            tracing::warn!(binding = %finished.began.id, "a binding went while it was carried out");
            return Ok(None);
        };
        if binding.lease_owner != Some(self.owner) {
            tracing::warn!(binding = %binding.id, "a claim ran out while it was carried out; another has it");
            return Ok(None);
        }
        let now = self.clock.millis();
        let planned = finished.began.wanted_version;
        let overtaken = binding.wanted_version != planned;
        if overtaken {
            drop_repeated(&mut finished.reports, &finished.end);
        }
        if is_told(&binding, &finished) {
            finished.reports.retain(|report| report.outcome == insights::Outcome::Success);
        }
        self.append(tx, &finished, now).await?;
        let stays = !matches!(finished.end, End::Refused(_)) || !Rollback::removes(&user);
        if let Some(holder) = finished.released.filter(|_| stays) {
            release(tx, holder, now).await?;
        }

        let account = finished.account.map(|account| account.to_string());
        if binding.account_id != account {
            self.tell_who_refers(tx, &user, account.as_deref(), binding.request.as_ref(), now).await?;
            binding.account_id = account;
        }
        regain(tx, &user, &binding, &finished.regained, now).await?;
        let mut given = finished.given.clone();
        if finished.account.is_none() {
            // A rename meanwhile has added the address that this run has tried.
            given.tried.extend(Given::stored(binding.given.clone())?.tried);
        }
        let given = serde_json::to_value(&given)?;
        if binding.given != given {
            binding.given_at = Some(now);
        }
        if finished.unverified {
            binding.unverified_at = Some(now);
        }
        binding.given = given;
        binding.lease_owner = None;
        binding.lease_until = 0;
        if finished.password_used && binding.sealed_password == finished.began.sealed_password {
            binding.sealed_password = None;
        }
        match finished.end {
            End::Done => {
                binding.given_version = planned;
                binding.attempts = 0;
                settle_failure(&mut binding, finished.left_out);
                if user.deleted_at.is_some() && !overtaken {
                    let (account, request) = (finished.began.account_id.as_deref(), binding.request.as_ref());
                    remove_user(tx, user.organization, user.id, account, request, now).await?;
                    return Ok(Some(settled(binding)));
                }
                if !overtaken {
                    binding.lane = None;
                }
                if user.rollback.is_some() && !overtaken {
                    users::set_rollback(tx, user.organization, user.id, None).await?;
                } else if overtaken && Rollback::is_older(&user, finished.user.version) {
                    // A later change waits: what has arrived is what it goes back to.
                    let rollback = Rollback::to(&finished.user, None).stored();
                    users::set_rollback(tx, user.organization, user.id, rollback).await?;
                }
                bindings::update(tx, &binding).await?;
                Ok(Some(settled(binding)))
            }
            End::Grace { until } => {
                binding.given_version = planned;
                binding.attempts = 0;
                settle_failure(&mut binding, finished.left_out);
                if !overtaken {
                    await_grace(tx, &user, &mut binding, until, now).await?;
                }
                bindings::update(tx, &binding).await?;
                Ok(Some(settled(binding)))
            }
            End::More => {
                bindings::update(tx, &binding).await?;
                Ok(Some(Outcome::Deferred { until: now }))
            }
            End::Later(later) => {
                let until = defer(&mut binding, later, now);
                bindings::update(tx, &binding).await?;
                Ok(Some(Outcome::Deferred { until }))
            }
            // The change that was refused has been overtaken: the newer one may be free of the fault.
            End::Refused(_) if overtaken => {
                bindings::update(tx, &binding).await?;
                Ok(Some(Outcome::Deferred { until: now }))
            }
            End::Refused(refusal) => {
                let compensate = finished.given.owed.contains(&Owed::Restored);
                let undone = rollback::undo(tx, user, binding, &refusal, compensate, now).await?;
                tracing::info!(?undone, sentence = %refusal.sentence, "Microsoft 365 refused a change");
                Ok(Some(Outcome::Refused { version: planned, refusal }))
            }
        }
    }

    async fn append(&self, tx: &Tx, finished: &Finished, now: i64) -> Result<(), Error> {
        let target = Target {
            kind: ResourceKind::User,
            connection: finished.began.connection,
            connection_name: &finished.connection_name,
            id: finished
                .account
                .map(|account| account.to_string())
                .or_else(|| finished.began.account_id.clone()),
        };
        let user = &finished.user;
        let about = ResourceKind::User.named(user.id, Some(&user.user_name));
        self.append_reports(tx, &finished.reports, now, &finished.origin, user.organization, &about, &target)
            .await
    }

    /// Groups that have the user as a member, and those whose manager the user is, have waited for the account, or
    /// must do without it.
    async fn tell_who_refers(
        &self,
        tx: &Tx,
        user: &User,
        account: Option<&str>,
        request: Option<&Value>,
        now: i64,
    ) -> Result<(), Error> {
        // Accounts before groups, as everybody does, so that no two wait for each other.
        bindings::mark_reports(tx, user.organization, user.id, request, now).await?;
        let groups = memberships::object_changed(tx, user.organization, user.id.0, account).await?;
        group_bindings::mark(tx, &groups, Lane::Update, request, now).await?;
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is what an event says")]
    pub(super) async fn append_reports(
        &self,
        tx: &Tx,
        reports: &[Report],
        now: i64,
        origin: &Origin,
        organization: OrganizationId,
        about: &ResourceRef,
        target: &Target<'_>,
    ) -> Result<(), Error> {
        let events: Vec<Event> = reports
            .iter()
            .map(|report| report.clone().event(self.event_id(), now, origin, organization, about, target))
            .filter(|event| self.directory.records(event))
            .collect();
        if events.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = events.iter().map(events::row).collect();
        Ok(crate::store::events::append(tx, &rows).await?)
    }

    fn event_id(&self) -> Uuid {
        self.clock.uuid()
    }
}

/// A leaver whom Microsoft refuses to block is tried again and again; the reason is told once.
fn is_told(binding: &Binding, finished: &Finished) -> bool {
    let End::Refused(refusal) = &finished.end else {
        return false;
    };
    let failure = binding.failure.clone().and_then(|failure| serde_json::from_value(failure).ok());
    let known = matches!(failure, Some(Failure::Refused { sentence }) if sentence == refusal.sentence);
    finished.user.deleted_at.is_some() && known
}

/// A leaver gives the account up to the user who has the address now.
async fn release(tx: &Tx, holder: BindingId, now: i64) -> Result<(), Error> {
    let Some((binding, user)) = bindings::lock(tx, holder).await? else {
        return Ok(());
    };
    if !gives_way(&binding, now) {
        // His own work goes on at this moment. The claim is given back, and the account is looked at again.
        return Err(crate::store::Error::Busy.into());
    }
    let (account, request) = (binding.account_id.as_deref(), binding.request.as_ref());
    Ok(remove_user(tx, user.organization, user.id, account, request, now).await?)
}

/// A leaver is out of everything but his account, which waits for the end of the days of grace.
async fn await_grace(tx: &Tx, user: &User, binding: &mut Binding, until: i64, now: i64) -> Result<(), Error> {
    binding.lane = Some(Lane::Security);
    binding.next_attempt_at = until;
    let sentence = "the account waits for the end of the days of grace".to_owned();
    binding.failure = Some(serde_json::to_value(Failure::Grace { sentence })?);
    users::set_rollback(tx, user.organization, user.id, None).await?;
    let (account, request) = (binding.account_id.as_deref(), binding.request.as_ref());
    Ok(leave_groups(tx, user.organization, user.id.0, account, request, now).await?)
}

/// Graph gives a restored account all groups that it was in; it is taken out of those of ours that upstream wants it out of.
async fn regain(tx: &Tx, user: &User, binding: &Binding, objects: &[GroupId], now: i64) -> Result<(), Error> {
    let Some(account) = binding.account_id.as_deref().filter(|_| !objects.is_empty()) else {
        return Ok(());
    };
    let objects: Vec<String> = objects.iter().map(ToString::to_string).collect();
    let regained = memberships::regained(tx, binding.connection, user.id, account, &objects).await?;
    group_bindings::mark(tx, &regained, Lane::Update, binding.request.as_ref(), now).await?;
    Ok(())
}

/// A refusal that a newer change has overtaken is no end: if the newer one is refused as well, that is told.
pub(super) fn drop_repeated(reports: &mut Vec<Report>, end: &End) {
    if matches!(end, End::Refused(_)) {
        reports.retain(|report| report.outcome == insights::Outcome::Success);
    }
}

fn settled(binding: Binding) -> Outcome<Binding> {
    Outcome::Settled { version: binding.given_version, binding: Arc::new(binding) }
}

fn defer(binding: &mut Binding, later: Later, now: i64) -> i64 {
    let skipped = binding.failure.take_if(|failure| is_password_skipped(Some(failure)));
    let until =
        put_off(later, &mut binding.attempts, &mut binding.next_attempt_at, &mut binding.failure, now);
    // What was left out of the last push stays told.
    if skipped.is_some() {
        binding.failure = skipped;
    }
    until
}

/// Puts a binding's next try off, and says why; until when.
pub(super) fn put_off(
    later: Later,
    attempts: &mut i32,
    next_attempt_at: &mut i64,
    failure: &mut Option<Value>,
    now: i64,
) -> i64 {
    let wait = later.after.unwrap_or_else(|| delay(*attempts));
    *attempts = attempts.saturating_add(1);
    *next_attempt_at = now + millis(wait);
    *failure = serde_json::to_value(Failure::Waiting { sentence: later.sentence }).ok();
    *next_attempt_at
}

/// A password that was left out stays told until the next push.
fn settle_failure(binding: &mut Binding, left_out: Option<String>) {
    if !is_password_skipped(binding.failure.as_ref()) {
        binding.failure =
            left_out.and_then(|sentence| serde_json::to_value(Failure::LeftOut { sentence }).ok());
    }
}

fn is_password_skipped(failure: Option<&Value>) -> bool {
    let failure = failure.cloned().and_then(|failure| serde_json::from_value(failure).ok());
    matches!(failure, Some(Failure::PasswordSkipped { .. }))
}

/// Doubling from a quarter of a second to five minutes, each by up to a fifth off, so that many do not return at once.
fn delay(attempts: i32) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(0).min(16);
    let base = FIRST_DELAY.saturating_mul(1 << doublings).min(LONGEST_DELAY);
    base.mul_f64(rand::rng().random_range(0.8..1.2))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_and_is_bounded() {
        for attempts in [0, 1, 5, 30, i32::MAX] {
            let delay = delay(attempts);
            assert!(delay >= FIRST_DELAY.mul_f64(0.8) && delay <= LONGEST_DELAY.mul_f64(1.2), "{delay:?}");
        }
        assert!(delay(6) > delay(2));
    }
}
