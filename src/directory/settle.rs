//! The wait of a request for the worker, and what it is answered: the same for users and groups.

use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::{self, timeout, timeout_at};

use super::Directory;
use super::caller::Caller;
use super::error::Error;
use super::handover::{Handover, Outcome, Registry, Turn, Watch};
use super::refusal::{Refusal, RefusalKind};
use crate::ids::{ConnectionId, OrganizationId};
use crate::store::{self, Store, Tx};

/// How long the worker may take to tell what it has written.
const TELLING: Duration = Duration::from_millis(500);

/// How long a push that does not want to wait for Microsoft waits for the one before it to be answered.
const LONGEST_TURN: Duration = Duration::from_secs(5);

/// The versions that `If-Match` asks for (RFC 7644 §3.14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// No header.
    #[default]
    None,
    /// `*`, or one of these versions; an entity tag that is none of ours matches nothing.
    OneOf(Vec<i64>),
}

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
pub enum Pushed<V> {
    /// Microsoft 365 has it, or there is nothing for Microsoft 365 to have.
    Settled(V),
    /// It is durable and will be carried out.
    Pending(V),
}

/// A row and what belongs to it, if they are there.
type Found<A, B> = Result<Option<(A, B)>, store::Error>;

/// What upstream can want, a user or a group: what the wait for Microsoft needs to know of its row.
pub(super) trait Subject: Clone + Send + Sync + Sized + 'static {
    /// Its id.
    type Id: Copy + Eq + Hash + Send + Sync + 'static;
    /// Its link to Microsoft 365.
    type Binding: Bound;
    /// As it is answered.
    type View;

    /// Who waits for its kind.
    fn registry(handover: &Handover) -> &Registry<Self::Id, Self::Binding>;
    /// Its version.
    fn version(&self) -> i64;
    /// Whether it is a tombstone.
    fn is_deleted(&self) -> bool;
    /// What it goes back to when Microsoft refuses.
    fn rollback(&self) -> Option<&Value>;
    /// The way back to what it is now, for a later change. None where there is none.
    fn way_back(&self, binding: &Self::Binding) -> Option<Value>;
    /// Whether what it would go back to is older than `version`.
    fn goes_back_behind(&self, version: i64) -> bool;
    /// As it is answered.
    fn view(self, binding: Option<Self::Binding>) -> Self::View;
    /// The living one with that id.
    fn get(
        store: &Store,
        organization: OrganizationId,
        id: Self::Id,
    ) -> impl Future<Output = Found<Self, Option<Self::Binding>>> + Send;
    /// The row and its binding, held until the unit of work ends.
    fn lock(tx: &Tx, binding: &Self::Binding) -> impl Future<Output = Found<Self::Binding, Self>> + Send;
    /// Sets what it goes back to.
    fn set_rollback(
        &self,
        tx: &Tx,
        rollback: Option<Value>,
    ) -> impl Future<Output = Result<(), store::Error>> + Send;
}

/// The link to Microsoft 365.
pub(super) trait Bound: Clone + Send + Sync + 'static {
    /// The tenant.
    fn connection(&self) -> ConnectionId;
    /// The version that is wanted there.
    fn wanted_version(&self) -> i64;
    /// The version that is there.
    fn given_version(&self) -> i64;
}

/// What a transaction wrote.
pub(super) struct Written<S: Subject> {
    /// The row as it is now.
    pub(super) row: S,
    /// Its binding as it is now.
    pub(super) binding: Option<S::Binding>,
    /// Whether there is anything to wait for.
    pub(super) dirty: bool,
    /// Whether it has been acknowledged with the writing: then a refusal takes nothing back.
    pub(super) is_final: bool,
}

impl Precondition {
    pub(super) fn check(&self, current: i64) -> Result<(), Error> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current) => Err(Error::Stale { current }),
            _ => Ok(()),
        }
    }
}

impl Wait {
    pub(super) fn is_awaited(self) -> bool {
        matches!(self, Self::AtMost(_))
    }
}

impl<V> Pushed<V> {
    /// The resource as it is answered.
    pub fn view(self) -> V {
        match self {
            Self::Settled(view) | Self::Pending(view) => view,
        }
    }

    /// The resource as it is answered.
    pub fn view_mut(&mut self) -> &mut V {
        match self {
            Self::Settled(view) | Self::Pending(view) => view,
        }
    }
}

impl<S: Subject> Written<S> {
    /// Something that Microsoft 365 has nothing to do with.
    pub(super) fn settled(row: S) -> Self {
        Self { row, binding: None, dirty: false, is_final: false }
    }

    pub(super) fn dirty(row: S, binding: S::Binding) -> Self {
        Self { row, binding: Some(binding), dirty: true, is_final: false }
    }
}

impl Directory {
    /// Waits for the change before this one to be answered. What the wait takes is no longer there for Microsoft.
    pub(super) async fn take_turn<S: Subject>(
        &self,
        id: S::Id,
        wait: Wait,
    ) -> (Turn<S::Id, S::Binding>, Wait) {
        let began = Instant::now();
        let longest = match wait {
            Wait::AtMost(longest) => longest / 2,
            Wait::Not => LONGEST_TURN,
        };
        let turn = S::registry(&self.handover).turn(id, longest).await;
        let left = match wait {
            Wait::AtMost(longest) => Wait::AtMost(longest.saturating_sub(began.elapsed())),
            Wait::Not => Wait::Not,
        };
        (turn, left)
    }

    pub(super) async fn settle<S: Subject>(
        self: &Arc<Self>,
        who: &Caller,
        id: S::Id,
        written: Written<S>,
        watch: Watch<S::Id, S::Binding>,
        wait: Wait,
    ) -> Result<Pushed<S::View>, Error> {
        let Written { row, binding, dirty, is_final } = written;
        let Some(binding) = binding.filter(|_| dirty) else {
            // Unbound or unchanged: nothing for the worker.
            let (row, binding) = match S::get(&self.store, who.organization, id).await? {
                Some(current) => current,
                None => (row, None),
            };
            return Ok(Pushed::Settled(row.view(binding)));
        };
        self.handover.wake();
        let Wait::AtMost(longest) = wait else {
            return Ok(Pushed::Pending(row.view(Some(binding))));
        };
        if is_final {
            return Ok(Pushed::Pending(row.view(Some(binding))));
        }
        let version = binding.wanted_version();
        let place = (who.organization, id);
        if self.handover.rests(binding.connection(), self.clock.millis() + millis(longest)) {
            return self.acknowledge(place, row, binding, watch).await;
        }
        match self.outcome(watch, version, longest).await {
            (Some(Outcome::Settled { binding, .. }), _) => {
                Ok(Pushed::Settled(row.view(Some(Arc::unwrap_or_clone(binding)))))
            }
            (Some(Outcome::Refused { refusal, .. }), _) => Err(Error::Refused(refusal)),
            (_, watch) => self.acknowledge(place, row, binding, watch).await,
        }
    }

    /// The outcome, when there is one in time. A deferral beyond the deadline ends the wait.
    async fn outcome<K: Eq + Hash, B>(
        &self,
        mut watch: Watch<K, B>,
        version: i64,
        longest: Duration,
    ) -> (Option<Outcome<B>>, Watch<K, B>) {
        let deadline = time::Instant::now() + longest;
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
    async fn acknowledge<S: Subject>(
        &self,
        (organization, id): (OrganizationId, S::Id),
        told: S,
        binding: S::Binding,
        mut watch: Watch<S::Id, S::Binding>,
    ) -> Result<Pushed<S::View>, Error> {
        let wanted = binding.wanted_version();
        let (ours, bound) = (told.clone(), binding.clone());
        let acknowledged =
            self.store.write(move |tx| Box::pin(async move { acknowledge(tx, &ours, &bound).await })).await?;
        match acknowledged {
            Acknowledged::Kept(binding) => {
                // A password is no part of the version: that it was taken back shows only here.
                if binding.wanted_version() > wanted
                    && let Ok(Some(Outcome::Refused { refusal, .. })) =
                        timeout(TELLING, watch.reached(wanted)).await
                {
                    return Err(Error::Refused(refusal));
                }
                let settled = binding.given_version() >= wanted;
                let view = told.view(Some(*binding));
                Ok(if settled { Pushed::Settled(view) } else { Pushed::Pending(view) })
            }
            Acknowledged::Gone => Ok(Pushed::Settled(told.view(Some(binding)))),
            Acknowledged::TakenBack => match S::get(&self.store, organization, id).await? {
                // Not refused: its connection was switched off meanwhile.
                Some((row, None)) if row.version() >= told.version() => Ok(Pushed::Settled(row.view(None))),
                _ => Err(Error::Refused(reason(watch, wanted).await)),
            },
        }
    }
}

/// What was found when a change was to be acknowledged.
enum Acknowledged<B> {
    /// The change stands.
    Kept(Box<B>),
    /// The resource was to be deleted, and is gone.
    Gone,
    /// Microsoft has refused the change in the meantime, and it was taken back.
    TakenBack,
}

/// Ends the way back of what `told` says. A later change that still waits keeps one: to what is told now.
async fn acknowledge<S: Subject>(
    tx: &Tx,
    told: &S,
    binding: &S::Binding,
) -> Result<Acknowledged<S::Binding>, Error> {
    let Some((binding, row)) = S::lock(tx, binding).await? else {
        return Ok(if told.is_deleted() { Acknowledged::Gone } else { Acknowledged::TakenBack });
    };
    if row.version() < told.version() || !row.is_deleted() && told.is_deleted() {
        return Ok(Acknowledged::TakenBack);
    }
    if row.rollback().is_some() {
        let later = row.version() > told.version() || (row.is_deleted() && !told.is_deleted());
        if !later {
            row.set_rollback(tx, None).await?;
        } else if row.goes_back_behind(told.version()) {
            row.set_rollback(tx, told.way_back(&binding)).await?;
        }
    }
    Ok(Acknowledged::Kept(Box::new(binding)))
}

/// Why a change was taken back. The worker of this process says so at this very moment; that of another one
/// has left it in the events.
async fn reason<K: Eq + Hash, B>(mut watch: Watch<K, B>, wanted: i64) -> Refusal {
    match timeout(TELLING, watch.reached(wanted)).await {
        Ok(Some(Outcome::Refused { refusal, .. })) => refusal,
        _ => Refusal {
            kind: RefusalKind::InvalidValue,
            sentence:
                "Microsoft 365 refused the change, so nothing of it took effect; the failure event of this \
                       user or group says why"
                    .to_owned(),
            code: None,
        },
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
