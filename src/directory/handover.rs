//! The hand-over between the request that writes what is wanted and the worker that carries it out: the
//! request wakes the worker, the worker tells the request how it ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::ids::{ConnectionId, GroupId, UserId};
use crate::store::bindings::Binding;
use crate::store::group_bindings::GroupBinding;

mod registry;

pub use registry::{Outcome, Registry, Turn, Watch};

/// Clones share one hand-over.
#[derive(Clone, Debug, Default)]
pub struct Handover {
    /// Who waits for users.
    pub users: Registry<UserId, Binding>,
    /// Who waits for groups.
    pub groups: Registry<GroupId, GroupBinding>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    wake: Notify,
    resting: Mutex<HashMap<ConnectionId, i64>>,
}

impl Handover {
    /// Tells the worker that there is work.
    pub fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Waits until there is work.
    pub async fn work(&self) {
        self.shared.wake.notified().await;
    }

    /// Tells that nothing is carried out in this connection before `until` (ms).
    pub fn rest(&self, connection: ConnectionId, until: i64) {
        let mut resting = self.shared.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let at = resting.entry(connection).or_insert(until);
        *at = until.max(*at);
    }

    /// Tells that something may be carried out in this connection at once.
    pub fn resume(&self, connection: ConnectionId) {
        self.shared.resting.lock().unwrap_or_else(PoisonError::into_inner).remove(&connection);
        self.wake();
    }

    /// The connections that rest at `now`.
    pub fn resting(&self, now: i64) -> Vec<ConnectionId> {
        let mut resting = self.shared.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|_, until| *until > now);
        resting.keys().copied().collect()
    }

    /// Whether the connection rests beyond `time` (ms): there is no use in waiting for it until then.
    pub fn rests(&self, connection: ConnectionId, time: i64) -> bool {
        let resting = self.shared.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(&connection).is_some_and(|until| *until > time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

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
        handover.rest(one, 200);
        handover.resume(one);
        assert!(!handover.rests(one, 150));
    }

    #[tokio::test]
    async fn a_wake_before_the_wait_is_not_lost() {
        let handover = Handover::default();
        handover.wake();
        handover.work().await;
    }
}
