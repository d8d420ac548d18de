//! The hand-over between the request that writes what is wanted and the worker that carries it out: the
//! request wakes the worker, the worker tells the request how it ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedMutexGuard, mpsc};
use tokio::time::timeout;

use super::refusal::Refusal;
use crate::ids::{ConnectionId, UserId};
use crate::store::bindings::Binding;

/// How the work on one user ended, as of a wanted version.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Microsoft 365 has what was wanted.
    Settled(Arc<Binding>),
    /// Microsoft refused for good what was wanted up to this version.
    Refused {
        /// The wanted version that was tried.
        version: i64,
        /// Why.
        refusal: Refusal,
    },
    /// It will be tried again, not before this time (ms): there is no use in waiting longer than that.
    Deferred {
        /// When the next try is due.
        until: i64,
    },
}

/// Clones share one hand-over.
#[derive(Clone, Debug, Default)]
pub struct Handover(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wake: Notify,
    watchers: Mutex<HashMap<UserId, Vec<Watcher>>>,
    resting: Mutex<HashMap<ConnectionId, i64>>,
    turns: Mutex<HashMap<UserId, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug)]
struct Watcher {
    serial: usize,
    tell: mpsc::UnboundedSender<Outcome>,
}

/// What a request holds while it waits. It hears of everything from its making on.
#[derive(Debug)]
pub struct Watch {
    user: UserId,
    serial: usize,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
    shared: Arc<Shared>,
}

/// The right to change a user, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    user: UserId,
    /// None where the wait for it took too long, and the change goes on without.
    guard: Option<OwnedMutexGuard<()>>,
    shared: Arc<Shared>,
}

impl Handover {
    /// Waits for one's turn to change a user, at most `longest`: a change begins when the one before it is answered,
    /// so that what Microsoft refuses of one takes nothing of the other back.
    pub async fn turn(&self, user: UserId, longest: Duration) -> Turn {
        let lock = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(user).or_default())
        };
        let guard = timeout(longest, lock.lock_owned()).await.ok();
        Turn { user, guard, shared: Arc::clone(&self.0) }
    }

    /// Watches a user. Made before the change is written, so that no outcome is missed.
    pub fn watch(&self, user: UserId) -> Watch {
        let (tell, outcomes) = mpsc::unbounded_channel();
        let mut watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let list = watchers.entry(user).or_default();
        let serial = list.last().map_or(0, |last| last.serial + 1);
        list.push(Watcher { serial, tell });
        Watch { user, serial, outcomes, shared: Arc::clone(&self.0) }
    }

    /// Tells the worker that there is work.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Waits until there is work.
    pub async fn work(&self) {
        self.0.wake.notified().await;
    }

    /// Tells that nothing is carried out in this connection before `until` (ms).
    pub fn rest(&self, connection: ConnectionId, until: i64) {
        let mut resting = self.0.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = resting.entry(connection).or_insert(until);
        *at = until.max(*at);
    }

    /// The connections that rest at `now`.
    pub fn resting(&self, now: i64) -> Vec<ConnectionId> {
        let mut resting = self.0.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, until| *until > now);
        resting.keys().copied().collect()
    }

    /// Whether the connection rests beyond `time` (ms): there is no use in waiting for it until then.
    pub fn rests(&self, connection: ConnectionId, time: i64) -> bool {
        let resting = self.0.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(&connection).is_some_and(|until| *until > time)
    }

    /// Tells whoever waits for this user.
    pub fn tell(&self, user: UserId, outcome: &Outcome) {
        let watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.get(&user).into_iter().flatten() {
            // A receiver that is gone has been answered already.
            let _ = watcher.tell.send(outcome.clone());
        }
    }
}

impl Watch {
    /// The next outcome that concerns `version`.
    pub async fn reached(&mut self, version: i64) -> Option<Outcome> {
        loop {
            let outcome = self.outcomes.recv().await?;
            if concerns(&outcome, version) {
                return Some(outcome);
            }
        }
    }

    /// An outcome that has come already.
    pub fn already(&mut self, version: i64) -> Option<Outcome> {
        while let Ok(outcome) = self.outcomes.try_recv() {
            if concerns(&outcome, version) {
                return Some(outcome);
            }
        }
        None
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = self.shared.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = watchers.get_mut(&self.user) {
            list.retain(|watcher| watcher.serial != self.serial);
            if list.is_empty() {
                watchers.remove(&self.user);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.get(&self.user).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.user);
        }
    }
}

fn concerns(outcome: &Outcome, wanted: i64) -> bool {
    match outcome {
        Outcome::Settled(binding) => binding.given_version >= wanted,
        Outcome::Refused { version, .. } => *version >= wanted,
        Outcome::Deferred { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::refusal::RefusalKind;
    use uuid::Uuid;

    fn refused(version: i64) -> Outcome {
        let refusal = Refusal { kind: RefusalKind::Forbidden, sentence: "no".to_owned(), code: None };
        Outcome::Refused { version, refusal }
    }

    #[tokio::test]
    async fn an_outcome_reaches_every_watcher_of_that_user_and_version() {
        let handover = Handover::default();
        let (user, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let (mut one, mut two, mut stranger) =
            (handover.watch(user), handover.watch(user), handover.watch(other));
        handover.tell(user, &refused(1));
        handover.tell(user, &refused(2));
        assert!(matches!(one.reached(2).await, Some(Outcome::Refused { version: 2, .. })));
        assert!(matches!(two.reached(1).await, Some(Outcome::Refused { version: 1, .. })));
        assert!(stranger.already(0).is_none());
    }

    #[tokio::test]
    async fn a_watch_that_is_dropped_leaves_nothing_behind() {
        let handover = Handover::default();
        let user = UserId(Uuid::from_u128(1));
        let kept = handover.watch(user);
        drop(handover.watch(user));
        drop(kept);
        assert!(handover.0.watchers.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn turns_come_one_after_another_and_leave_nothing_behind() {
        let handover = Handover::default();
        let user = UserId(Uuid::from_u128(1));
        let first = handover.turn(user, Duration::from_secs(5)).await;
        let impatient = handover.turn(user, Duration::ZERO).await;
        assert!(first.guard.is_some() && impatient.guard.is_none());
        let next = handover.turn(user, Duration::from_secs(5));
        let (next, ()) = tokio::join!(next, async { drop(first) });
        assert!(next.guard.is_some());
        drop((next, impatient));
        assert!(handover.0.turns.lock().unwrap().is_empty());
    }

    #[test]
    fn a_connection_rests_until_its_time_and_alone() {
        let handover = Handover::default();
        let (one, two) = (ConnectionId(Uuid::from_u128(1)), ConnectionId(Uuid::from_u128(2)));
        handover.rest(one, 100);
        handover.rest(one, 50);
        handover.rest(two, 40);
        assert!(handover.rests(one, 99) && !handover.rests(one, 100));
        assert_eq!(handover.resting(60), [one]);
        assert!(handover.resting(100).is_empty());
    }

    #[tokio::test]
    async fn a_wake_before_the_wait_is_not_lost() {
        let handover = Handover::default();
        handover.wake();
        handover.work().await;
    }
}
