//! The worker: takes dirty bindings, the most urgent first, carries each out and records how it ended.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::clients::Clients;
use super::deleted::Deleted;
use super::licenses::Catalogues;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::directory::handover::Handover;
use crate::ids::ConnectionId;
use crate::secret::MasterKey;
use crate::store::queue::{self, Claim, Lane, WorkId};
use crate::store::{self, Store, replicas};

/// So many are claimed at once: between two claims it is looked which connections have places enough.
const LOT: usize = 16;
/// How often a process shows that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// After so long without a sign of life a process no longer has a share of a connection's quota.
const DEAD_AFTER: i64 = 35 * 1000;

const ALL_LANES: [Lane; 4] = [Lane::Security, Lane::Update, Lane::Create, Lane::Background];

/// How the worker works.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Resources at the same time.
    pub concurrency: usize,
    /// Further places for the security lane alone, so that a leaver never waits for a place.
    pub security_reserve: usize,
    /// How long a claim lasts; it is renewed while the work goes on.
    pub lease: Duration,
    /// How often the database is looked through for work that nobody handed over.
    pub sweep: Duration,
    /// How long running work may take to finish at a stop; then it is left for the next start.
    pub grace: Duration,
}

/// The provisioning worker of one process. Clones share it.
#[derive(Clone, Debug)]
pub struct Worker(Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) key: MasterKey,
    pub(super) directory: Arc<Directory>,
    pub(super) clients: Arc<Clients>,
    pub(super) handover: Handover,
    pub(super) settings: Settings,
    pub(super) owner: Uuid,
    pub(super) catalogues: Catalogues,
    pub(super) deleted: Arc<Deleted>,
    running: AtomicUsize,
    held: Mutex<HashMap<WorkId, ConnectionId>>,
    /// How many processes share the quota of each connection.
    share: AtomicU32,
    freed: Notify,
    abandon: CancellationToken,
    alive: AtomicBool,
    last_sweep: AtomicI64,
}

impl Worker {
    /// A worker that does nothing until [`Worker::run`].
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts that only the wiring in one place puts together"
    )]
    pub fn new(
        store: Store,
        clock: Clock,
        key: MasterKey,
        directory: Arc<Directory>,
        clients: Arc<Clients>,
        deleted: Arc<Deleted>,
        handover: Handover,
        settings: Settings,
    ) -> Self {
        let owner = clock.uuid();
        Self(Arc::new(Inner {
            store,
            clock,
            key,
            directory,
            clients,
            handover,
            settings,
            owner,
            catalogues: Catalogues::default(),
            deleted,
            running: AtomicUsize::new(0),
            held: Mutex::default(),
            share: AtomicU32::new(1),
            freed: Notify::new(),
            abandon: CancellationToken::new(),
            alive: AtomicBool::new(false),
            last_sweep: AtomicI64::new(0),
        }))
    }

    /// Whether the worker runs and looked for work lately.
    pub fn is_alive(&self) -> bool {
        let inner = &self.0;
        let age = inner.clock.millis() - inner.last_sweep.load(Ordering::Relaxed);
        let patience = inner.settings.sweep.saturating_mul(5).max(Duration::from_secs(30));
        inner.alive.load(Ordering::Relaxed) && u128::try_from(age).unwrap_or(0) < patience.as_millis()
    }

    /// Works until `stop`; then finishes what is running and gives back what is claimed.
    pub async fn run(&self, stop: CancellationToken) {
        let inner = &self.0;
        let tracker = TaskTracker::new();
        inner.release_dead().await;
        inner.alive.store(true, Ordering::Relaxed);
        let mut next_renewal = Instant::now() + inner.settings.lease / 3;
        let mut next_beat = Instant::now();
        while !stop.is_cancelled() {
            if let Err(error) = inner.dispatch(&tracker).await {
                tracing::warn!(%error, "work could not be claimed; it is tried again");
            }
            if Instant::now() >= next_renewal {
                inner.renew().await;
                next_renewal = Instant::now() + inner.settings.lease / 3;
            }
            if Instant::now() >= next_beat {
                inner.beat().await;
                next_beat = Instant::now() + BEAT;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = inner.handover.work() => {}
                () = inner.freed.notified() => {}
                () = sleep_until(Instant::now() + inner.settings.sweep) => {}
            }
        }
        inner.alive.store(false, Ordering::Relaxed);
        tracker.close();
        if timeout(inner.settings.grace, tracker.wait()).await.is_err() {
            tracing::warn!("work that does not end in time is left for the next start");
            inner.abandon.cancel();
            tracker.wait().await;
        }
        let owner = inner.owner;
        let released = inner.store.write(move |tx| {
            Box::pin(async move {
                replicas::leave(tx, owner).await?;
                queue::release_all(tx, owner).await
            })
        });
        let released = released.await;
        if let Err(error) = released {
            tracing::warn!(%error, "claims could not be given back; they run out by themselves");
        }
    }
}

impl Inner {
    /// Claims what is due for every free place and starts it.
    async fn dispatch(self: &Arc<Self>, tracker: &TaskTracker) -> Result<(), store::Error> {
        self.last_sweep.store(self.clock.millis(), Ordering::Relaxed);
        loop {
            let running = self.running.load(Ordering::Acquire);
            let general = self.settings.concurrency.saturating_sub(running);
            let (lanes, places): (&'static [Lane], usize) = if general > 0 {
                (&ALL_LANES, general)
            } else {
                let all = self.settings.concurrency + self.settings.security_reserve;
                (&ALL_LANES[..1], all.saturating_sub(running))
            };
            let places = places.min(LOT);
            if places == 0 {
                return Ok(());
            }
            let claimed = self.claim(lanes, places).await?;
            let full = claimed.len() == places;
            for (work, connection) in claimed {
                self.start(tracker, work, connection);
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn claim(
        &self,
        lanes: &'static [Lane],
        places: usize,
    ) -> Result<Vec<(WorkId, ConnectionId)>, store::Error> {
        let now = self.clock.millis();
        let (owner, paused, crowded) = (self.owner, self.handover.resting(now), self.crowded());
        let lease = i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let claim = Claim {
                        owner,
                        now,
                        lease_until: now.saturating_add(lease),
                        lanes,
                        paused: &paused,
                        crowded: &crowded,
                        limit: places as u64,
                    };
                    queue::claim(tx, &claim).await
                })
            })
            .await
    }

    /// The connections that have three of four places: what waits for one tenant's quota must leave places to the others.
    fn crowded(&self) -> Vec<ConnectionId> {
        let mut places: HashMap<ConnectionId, usize> = HashMap::new();
        for connection in self.held.lock().unwrap_or_else(PoisonError::into_inner).values() {
            *places.entry(*connection).or_default() += 1;
        }
        let most = (self.settings.concurrency * 3 / 4).max(1);
        places.into_iter().filter(|(_, held)| *held >= most).map(|(connection, _)| connection).collect()
    }

    /// Shows that this process lives, and counts those that share the quota of each connection with it.
    async fn beat(&self) {
        if !self.store.is_shared() {
            return;
        }
        let (owner, now) = (self.owner, self.clock.millis());
        let counted = self.store.write(move |tx| {
            Box::pin(async move {
                replicas::beat(tx, owner, now).await?;
                replicas::live(tx, now - DEAD_AFTER).await
            })
        });
        match counted.await {
            Ok(live) => self.share.store(u32::try_from(live).unwrap_or(u32::MAX).max(1), Ordering::Relaxed),
            Err(error) => tracing::warn!(%error, "the processes that share the work could not be counted"),
        }
    }

    /// How many processes share the quota of each connection.
    pub(super) fn share(&self) -> NonZeroU32 {
        NonZeroU32::new(self.share.load(Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN)
    }

    fn start(self: &Arc<Self>, tracker: &TaskTracker, id: WorkId, connection: ConnectionId) {
        self.running.fetch_add(1, Ordering::AcqRel);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id, connection);
        let place = Place { inner: Arc::clone(self), id };
        tracker.spawn(async move {
            let carried = tokio::select! {
                carried = place.inner.carry(place.id) => carried,
                () = place.inner.abandon.cancelled() => Ok(()),
            };
            if let Err(error) = carried {
                place.inner.give_back(place.id).await;
                tracing::error!(work = %place.id, %error, "work could not be recorded; its claim runs out and it is taken up again");
            }
        });
    }

    /// Claims of processes that are gone need not run out where this one works alone.
    async fn release_dead(&self) {
        if self.store.is_shared() {
            return;
        }
        if let Err(error) = self.store.write(|tx| Box::pin(queue::release_dead(tx))).await {
            tracing::warn!(%error, "claims of the last run could not be given back; they run out by themselves");
        }
    }

    /// Work that could not be recorded is done again from what is recorded: the plan finds what is there by now.
    async fn give_back(&self, id: WorkId) {
        let (owner, next) = (self.owner, self.clock.millis().saturating_add(1000));
        let given_back = self
            .store
            .write(move |tx| Box::pin(async move { queue::give_back(tx, owner, id, next).await }))
            .await;
        if let Err(error) = given_back {
            tracing::warn!(work = %id, %error, "a claim could not be given back; it runs out by itself");
        }
    }

    async fn renew(&self) {
        let held: Vec<WorkId> =
            self.held.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect();
        if held.is_empty() {
            return;
        }
        let lease = i64::try_from(self.settings.lease.as_millis()).unwrap_or(i64::MAX);
        let (owner, until) = (self.owner, self.clock.millis().saturating_add(lease));
        let renewed = self
            .store
            .write(move |tx| Box::pin(async move { queue::renew(tx, owner, &held, until).await }))
            .await;
        if let Err(error) = renewed {
            tracing::warn!(%error, "claims could not be renewed");
        }
    }
}

/// A place among those that work; dropping it, also by a panic, frees it.
struct Place {
    inner: Arc<Inner>,
    id: WorkId,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.inner.running.fetch_sub(1, Ordering::AcqRel);
        self.inner.freed.notify_one();
    }
}
