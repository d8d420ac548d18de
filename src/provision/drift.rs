//! Drift: what others change in a tenant, found by Microsoft Graph's delta queries, told as events, and repaired where the
//! connection asks for it.
//!
//! For each connection there are rounds: [`round`] reads the changes of the accounts and of the groups page by page.
//! [`compare`], [`memory`], [`judge`] and [`members`] are pure; [`accounts`] and [`groups`] write down what they find, each
//! object in a transaction of its own with its event: what was told is remembered there, so that a page which is read
//! again after a crash tells nothing twice. Only then the place in the stream moves on, so that nothing is lost.
//! [`verify`] reads what the changes left in doubt, among it what Gangway wrote and Graph never showed; [`missing`] looks for
//! what a complete round did not show.

mod accounts;
pub mod compare;
mod groups;
mod judge;
mod members;
pub mod memory;
mod missing;
mod repair;
mod round;
mod tell;
mod verify;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::clients::{ClientError, Clients};
use super::deleted::Deleted;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::directory::handover::Handover;
use crate::graph::{self, Call, Graph, Priority};
use crate::ids::ConnectionId;
use crate::settings::{DriftSettings, Settings as Rules};
use crate::store::connections::{self, Connection, ConnectionState};
use crate::store::delta;
use crate::store::{self, Store};

/// So long a change of Gangway's own may take to be seen everywhere, and so long a difference is doubted: two rounds, but
/// not longer than Microsoft's replicas need.
const LONGEST_LAG: Duration = Duration::from_mins(10);

/// How often it is looked whether a round is due, at least and at most.
const LOOKS: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(10)];

/// How the watcher works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a process has a stream of changes without reading a page of it; then another one may take it.
    pub lease: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lease: Duration::from_mins(2) }
    }
}

/// Watches the tenants of one process. Clones share it.
#[derive(Clone, Debug)]
pub struct Watcher(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    directory: Arc<Directory>,
    clients: Arc<Clients>,
    deleted: Arc<Deleted>,
    handover: Handover,
    settings: Settings,
    owner: Uuid,
    busy: Mutex<HashSet<ConnectionId>>,
    troubles: Mutex<HashMap<(ConnectionId, delta::Stream), Trouble>>,
}

/// Why the changes of a tenant are not read at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The connection.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// What happened and what to do, in a sentence.
    pub sentence: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub since: i64,
}

/// One connection in a round.
#[derive(Debug)]
struct Tenant {
    connection: Connection,
    settings: Rules,
    graph: Graph,
    /// How long a difference is doubted (ms).
    lag: i64,
}

/// Why a round did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{}", .0.advice())]
    Graph(#[from] graph::Error),
    #[error(transparent)]
    Directory(#[from] crate::directory::error::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("what is remembered of drift cannot be written: {0}")]
    Memory(#[from] serde_json::Error),
    /// Another process reads the stream by now.
    #[error("another replica has taken the round over")]
    Lost,
}

impl Watcher {
    /// A watcher that does nothing until [`Watcher::run`].
    pub fn new(
        store: Store,
        clock: Clock,
        directory: Arc<Directory>,
        clients: Arc<Clients>,
        deleted: Arc<Deleted>,
        handover: Handover,
        settings: Settings,
    ) -> Self {
        let owner = clock.uuid();
        let (busy, troubles) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner {
            store,
            clock,
            directory,
            clients,
            deleted,
            handover,
            settings,
            owner,
            busy,
            troubles,
        }))
    }

    /// Why the changes of some tenants are not read at the moment; empty when all is well.
    pub fn troubles(&self) -> Vec<Trouble> {
        let troubles = self.0.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.values().cloned().collect()
    }

    /// Watches until `stop`. A round that is under way then is left where it is, and goes on from there later.
    pub async fn run(&self, stop: CancellationToken) {
        let inner = &self.0;
        inner.release_dead().await;
        let tracker = TaskTracker::new();
        while !stop.is_cancelled() {
            let wait = match inner.look(&tracker, &stop).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "the connections could not be read; drift is looked for later");
                    LOOKS[1]
                }
            };
            stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        }
        tracker.close();
        tracker.wait().await;
        let owner = inner.owner;
        if let Err(error) = inner.store.write(move |tx| Box::pin(delta::release_all(tx, owner))).await {
            tracing::warn!(%error, "streams of changes could not be given back; their leases run out by themselves");
        }
    }
}

impl Inner {
    /// Begins the rounds that may be due; how long to wait before the next look.
    async fn look(
        self: &Arc<Self>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Duration, Fault> {
        let mut wait = LOOKS[1];
        let resting = self.handover.resting(self.clock.millis());
        for connection in connections::all(&self.store).await? {
            if connection.state != ConnectionState::Active || resting.contains(&connection.id) {
                continue;
            }
            let settings = self.directory.settings(&connection.settings)?;
            wait = wait.min(settings.drift.interval / 5);
            let busy = Busy::new(self, connection.id);
            if let Some(busy) = busy {
                let stop = stop.clone();
                tracker.spawn(async move {
                    stop.run_until_cancelled(busy.inner.watch(connection, settings)).await;
                });
            }
        }
        Ok(wait.clamp(LOOKS[0], LOOKS[1]))
    }

    async fn watch(self: &Arc<Self>, connection: Connection, settings: Rules) {
        for stream in delta::Stream::BOTH {
            let began_at = self.clock.millis();
            let walked = self.round(&connection, &settings, stream).await;
            if let Err(Fault::Graph(error)) = &walked
                && error.needs_authorization()
            {
                self.unauthorized(&connection, &error.advice(), began_at).await;
            }
            self.note(&connection, stream, walked.err());
        }
    }

    /// Also where nobody pushes anything it is noted that an administrator must authorize the connection anew.
    async fn unauthorized(&self, connection: &Connection, reason: &str, began_at: i64) {
        let noted = self
            .directory
            .needs_authorization(connection.organization, connection.id, reason, began_at)
            .await;
        if let Err(error) = noted {
            tracing::warn!(%error, "it could not be noted that a connection must be authorized anew");
        }
    }

    /// A failure is told once, and so is its end.
    fn note(&self, connection: &Connection, stream: delta::Stream, fault: Option<Fault>) {
        let (key, name) = ((connection.id, stream), &connection.name);
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(fault) = fault else {
            if troubles.remove(&key).is_some() {
                tracing::info!(connection = %name, stream = stream.as_str(), "changes of the tenant are read again");
            }
            return;
        };
        if matches!(fault, Fault::Lost) {
            return;
        }
        let sentence = fault.to_string();
        let known = troubles.get(&key);
        if known.is_none_or(|known| known.sentence != sentence) {
            tracing::warn!(connection = %name, stream = stream.as_str(), %sentence, "changes of the tenant cannot be read");
        }
        let since = known.map_or_else(|| self.clock.millis(), |known| known.since);
        let trouble = Trouble { connection: connection.id, name: name.clone(), sentence, since };
        troubles.insert(key, trouble);
    }

    /// Leases of processes that are gone need not run out where this one works alone.
    async fn release_dead(&self) {
        if self.store.is_shared() {
            return;
        }
        if let Err(error) = self.store.write(|tx| Box::pin(delta::release_dead(tx))).await {
            tracing::warn!(%error, "leases of the last run could not be given back; they run out by themselves");
        }
    }

    /// Nobody waits for it.
    fn call(&self) -> Call {
        Call::new(&self.clock).with_priority(Priority::Background)
    }

    fn lease_until(&self) -> i64 {
        self.clock.millis().saturating_add(millis(self.settings.lease))
    }
}

/// One connection's round in this process; dropping it, also by a panic, lets the next one begin.
struct Busy {
    inner: Arc<Inner>,
    id: ConnectionId,
}

impl Busy {
    /// None while a round of the connection is under way.
    fn new(inner: &Arc<Inner>, id: ConnectionId) -> Option<Self> {
        let mut busy = inner.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(id).then(|| Self { inner: Arc::clone(inner), id })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.inner.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// How long a difference is doubted: what Gangway gave may not be seen everywhere yet (ms).
fn lag(settings: DriftSettings) -> i64 {
    millis(settings.interval.saturating_mul(2).min(LONGEST_LAG))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_doubted_for_two_rounds_but_not_for_ever() {
        let every = |interval| lag(DriftSettings { interval, ..DriftSettings::default() });
        assert_eq!(every(Duration::from_mins(5)), 600_000);
        assert_eq!(every(Duration::from_secs(1)), 2_000);
        assert_eq!(every(Duration::from_hours(24)), 600_000);
    }
}
