//! Who waits for what: watchers that hear how the work ended, and turns to change it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio::time::timeout;

use crate::directory::refusal::Refusal;

/// How the work on one user or group ended, as of a wanted version.
#[derive(Debug)]
pub enum Outcome<B> {
    /// Microsoft 365 has what was wanted.
    Settled {
        /// Up to this wanted version.
        version: i64,
        /// The binding as it is now.
        binding: Arc<B>,
    },
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

/// The watchers and turns of one kind of resource. Clones share them.
#[derive(Debug)]
pub struct Registry<K, B>(Arc<Shared<K, B>>);

#[derive(Debug)]
struct Shared<K, B> {
    watchers: Mutex<HashMap<K, Vec<Watcher<B>>>>,
    turns: Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Debug)]
struct Watcher<B> {
    serial: usize,
    tell: mpsc::UnboundedSender<Outcome<B>>,
}

/// What a request holds while it waits. It hears of everything from its making on.
#[derive(Debug)]
pub struct Watch<K: Eq + Hash, B> {
    key: K,
    serial: usize,
    outcomes: mpsc::UnboundedReceiver<Outcome<B>>,
    shared: Arc<Shared<K, B>>,
}

/// The right to change a resource, until it is dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash, B> {
    key: K,
    /// None where the wait for it took too long, and the change goes on without.
    guard: Option<OwnedMutexGuard<()>>,
    shared: Arc<Shared<K, B>>,
}

// Not derived: neither asks anything of `B` or `K`.
impl<K, B> Clone for Registry<K, B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, B> Default for Registry<K, B> {
    fn default() -> Self {
        Self(Arc::new(Shared { watchers: Mutex::default(), turns: Mutex::default() }))
    }
}

impl<B> Clone for Outcome<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Settled { version, binding } => {
                Self::Settled { version: *version, binding: Arc::clone(binding) }
            }
            Self::Refused { version, refusal } => {
                Self::Refused { version: *version, refusal: refusal.clone() }
            }
            Self::Deferred { until } => Self::Deferred { until: *until },
        }
    }
}

impl<B> Outcome<B> {
    fn concerns(&self, wanted: i64) -> bool {
        match self {
            Self::Settled { version, .. } | Self::Refused { version, .. } => *version >= wanted,
            Self::Deferred { .. } => true,
        }
    }
}

impl<K: Copy + Eq + Hash, B> Registry<K, B> {
    /// Waits for one's turn to change a resource, at most `longest`: a change begins when the one before it is
    /// answered, so that what Microsoft refuses of one takes nothing of the other back.
    pub async fn turn(&self, key: K, longest: Duration) -> Turn<K, B> {
        let lock = {
            let mut turns = self.0.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(key).or_default())
        };
        let guard = timeout(longest, lock.lock_owned()).await.ok();
        Turn { key, guard, shared: Arc::clone(&self.0) }
    }

    /// Watches a resource. Made before the change is written, so that no outcome is missed.
    pub fn watch(&self, key: K) -> Watch<K, B> {
        let (tell, outcomes) = mpsc::unbounded_channel();
        let mut watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        let list = watchers.entry(key).or_default();
        let serial = list.last().map_or(0, |last| last.serial + 1);
        list.push(Watcher { serial, tell });
        Watch { key, serial, outcomes, shared: Arc::clone(&self.0) }
    }

    /// Tells whoever waits for this resource.
    pub fn tell(&self, key: K, outcome: &Outcome<B>) {
        let watchers = self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        for watcher in watchers.get(&key).into_iter().flatten() {
            // A receiver that is gone has been answered already.
            let _ = watcher.tell.send(outcome.clone());
        }
    }
}

impl<K: Eq + Hash, B> Watch<K, B> {
    /// The next outcome that concerns `version`.
    pub async fn reached(&mut self, version: i64) -> Option<Outcome<B>> {
        loop {
            let outcome = self.outcomes.recv().await?;
            if outcome.concerns(version) {
                return Some(outcome);
            }
        }
    }
}

impl<K: Eq + Hash, B> Drop for Watch<K, B> {
    fn drop(&mut self) {
        let mut watchers = self.shared.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = watchers.get_mut(&self.key) {
            list.retain(|watcher| watcher.serial != self.serial);
            if list.is_empty() {
                watchers.remove(&self.key);
            }
        }
    }
}

impl<K: Eq + Hash, B> Drop for Turn<K, B> {
    fn drop(&mut self) {
        self.guard = None;
        let mut turns = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::refusal::RefusalKind;

    fn refused(version: i64) -> Outcome<()> {
        let refusal = Refusal { kind: RefusalKind::Forbidden, sentence: "no".to_owned(), code: None };
        Outcome::Refused { version, refusal }
    }

    #[tokio::test]
    async fn an_outcome_reaches_every_watcher_of_that_resource_and_version() {
        let registry = Registry::<u8, ()>::default();
        let (mut one, mut two, mut stranger) = (registry.watch(1), registry.watch(1), registry.watch(2));
        registry.tell(1, &refused(1));
        registry.tell(1, &refused(2));
        assert!(matches!(one.reached(2).await, Some(Outcome::Refused { version: 2, .. })));
        assert!(matches!(two.reached(1).await, Some(Outcome::Refused { version: 1, .. })));
        assert!(stranger.outcomes.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_watch_that_is_dropped_leaves_nothing_behind() {
        let registry = Registry::<u8, ()>::default();
        let kept = registry.watch(1);
        drop(registry.watch(1));
        drop(kept);
        assert!(registry.0.watchers.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn turns_come_one_after_another_and_leave_nothing_behind() {
        let registry = Registry::<u8, ()>::default();
        let first = registry.turn(1, Duration::from_secs(5)).await;
        let impatient = registry.turn(1, Duration::ZERO).await;
        assert!(first.guard.is_some() && impatient.guard.is_none());
        let next = registry.turn(1, Duration::from_secs(5));
        let (next, ()) = tokio::join!(next, async { drop(first) });
        assert!(next.guard.is_some());
        drop((next, impatient));
        assert!(registry.0.turns.lock().unwrap().is_empty());
    }
}
