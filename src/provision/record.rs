//! Writing down how the work ended: the given state, the events and what follows, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use uuid::Uuid;

use super::carry::{End, Finished, Later};
use super::describe::Target;
use super::given::{Given, Owed};
use super::worker::Inner;
use crate::directory::caller::About;
use crate::directory::error::Error;
use crate::directory::events;
use crate::directory::handover::Outcome;
use crate::directory::refusal::Failure;
use crate::directory::rollback::{self, Rollback};
use crate::insights::Event;
use crate::store::Tx;
use crate::store::bindings::{self, Binding};
use crate::store::users;

const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_mins(5);

impl Inner {
    /// Writes the end of a run; tells who waits. None when the claim was lost meanwhile: whoever has it now
    /// finds the same difference and closes it.
    pub(super) async fn record(self: &Arc<Self>, finished: Finished) -> Result<(), Error> {
        let user = finished.user.id;
        let connection = finished.began.connection;
        if let End::Later(later) = &finished.end
            && later.pause
        {
            let wait = later.after.unwrap_or_else(|| delay(finished.began.attempts));
            self.handover.rest(connection, self.clock.millis() + millis(wait));
        }
        let this = Arc::clone(self);
        let outcome =
            self.store.write(move |tx| Box::pin(async move { this.write(tx, finished).await })).await?;
        if let Some(outcome) = outcome {
            self.follow_up(&outcome);
            self.handover.tell(user, &outcome);
        }
        Ok(())
    }

    fn follow_up(self: &Arc<Self>, outcome: &Outcome) {
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
            Outcome::Settled(_) | Outcome::Refused { .. } => self.handover.wake(),
        }
    }

    async fn write(&self, tx: &Tx, finished: Finished) -> Result<Option<Outcome>, Error> {
        let Some((mut binding, user)) = bindings::lock(tx, finished.began.id).await? else {
            tracing::warn!(binding = %finished.began.id, "a binding went while it was carried out");
            return Ok(None);
        };
        if binding.lease_owner != Some(self.owner) {
            tracing::warn!(binding = %binding.id, "a claim ran out while it was carried out; another has it");
            return Ok(None);
        }
        crate::store::events::announce(tx).await?;
        let now = self.clock.millis();
        self.append(tx, &finished, now).await?;

        binding.account_id = finished.account.map(|account| account.to_string());
        let mut given = finished.given.clone();
        if finished.account.is_none() {
            // A rename meanwhile has added the address that this run has tried.
            given.tried.extend(Given::stored(binding.given.clone())?.tried);
        }
        let given = serde_json::to_value(&given)?;
        if binding.given != given {
            binding.given_at = Some(now);
        }
        binding.given = given;
        binding.lease_owner = None;
        binding.lease_until = 0;
        if finished.password_used && binding.sealed_password == finished.began.sealed_password {
            binding.sealed_password = None;
        }
        let planned = finished.began.wanted_version;
        let overtaken = binding.wanted_version != planned;
        match finished.end {
            End::Done => {
                binding.given_version = planned;
                binding.attempts = 0;
                settle_failure(&mut binding, finished.left_out);
                if user.deleted_at.is_some() && !overtaken {
                    users::remove(tx, user.organization, user.id).await?;
                    return Ok(Some(Outcome::Settled(Arc::new(binding))));
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
                Ok(Some(Outcome::Settled(Arc::new(binding))))
            }
            End::Later(later) => {
                let until = Self::defer(&mut binding, later, now);
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

    fn defer(binding: &mut Binding, later: Later, now: i64) -> i64 {
        let wait = later.after.unwrap_or_else(|| delay(binding.attempts));
        binding.attempts = binding.attempts.saturating_add(1);
        binding.next_attempt_at = now + millis(wait);
        if !is_password_skipped(binding) {
            binding.failure = serde_json::to_value(Failure::Waiting { sentence: later.sentence }).ok();
        }
        binding.next_attempt_at
    }

    async fn append(&self, tx: &Tx, finished: &Finished, now: i64) -> Result<(), Error> {
        let about = About {
            organization: finished.user.organization,
            user: finished.user.id,
            username: Some(&finished.user.user_name),
        };
        let known = finished.began.account_id.as_deref().and_then(|id| id.parse().ok());
        let target = Target {
            connection: finished.began.connection,
            connection_name: &finished.connection_name,
            account: finished.account.or(known),
        };
        let events: Vec<Event> = finished
            .reports
            .iter()
            .map(|report| report.clone().event(self.event_id(), now, &finished.origin, about, &target))
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

/// A password that was left out stays told until the next push.
fn settle_failure(binding: &mut Binding, left_out: Option<String>) {
    if !is_password_skipped(binding) {
        binding.failure =
            left_out.and_then(|sentence| serde_json::to_value(Failure::LeftOut { sentence }).ok());
    }
}

fn is_password_skipped(binding: &Binding) -> bool {
    let failure = binding.failure.clone().and_then(|failure| serde_json::from_value(failure).ok());
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
