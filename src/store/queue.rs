//! The queue of the work that is left: the bindings of users and of groups, as one. The two tables have the same columns
//! for it, so that each statement is written once.

use std::fmt;

use entity::account_binding::Column;
use sea_orm::sea_query::{
    CaseStatement, Expr, ExprTrait as _, LockBehavior, LockType, Order, Query, SelectStatement,
    UpdateStatement,
};
use sea_orm::{ConnectionTrait as _, QueryResult};
use serde_json::Value;
use uuid::Uuid;

use super::{Error, Reads, Tx, dialect};
use crate::ids::{BindingId, ConnectionId, GroupBindingId};

/// Which work goes first: a leaver is blocked before any update, whatever the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Block, revoke sessions, passwords.
    Security = 0,
    /// Changes of what exists.
    Update = 1,
    /// New accounts and groups.
    Create = 2,
    /// Imports and drift.
    Background = 3,
}

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WorkId {
    /// A user's binding.
    Account(BindingId),
    /// A group's binding.
    Group(GroupBindingId),
}

/// What [`claim`] asks for.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The worker that takes them.
    pub owner: Uuid,
    /// Now.
    pub now: i64,
    /// Until when the worker holds them.
    pub lease_until: i64,
    /// Only these lanes.
    pub lanes: &'a [Lane],
    /// None of these connections.
    pub paused: &'a [ConnectionId],
    /// Of these connections only what is in the security lane: they have places enough.
    pub crowded: &'a [ConnectionId],
    /// At most so many.
    pub limit: u64,
}

/// Takes at most `limit` bindings that are due at `now` for `owner` until `lease_until`: lane by lane, the oldest first,
/// none that another holds, only of these `lanes`, none of the `paused` connections nor of those that are not active.
pub async fn claim(tx: &Tx, claim: &Claim<'_>) -> Result<Vec<(WorkId, ConnectionId)>, Error> {
    let mut paused = super::connections::at_rest(tx).await?;
    paused.extend_from_slice(claim.paused);
    let claim = &Claim { paused: &paused, ..*claim };
    let mut due = Vec::new();
    for table in Table::BOTH {
        for row in tx.db().query_all(&table.due(claim)).await? {
            due.push(Due::of(table, &row)?);
        }
    }
    due.sort_unstable();
    // On PostgreSQL the others stay locked for the moment until this commits, and are passed over meanwhile.
    due.truncate(usize::try_from(claim.limit).unwrap_or(usize::MAX));
    let taken: Vec<WorkId> = due.iter().map(|due| due.work).collect();
    each_table(tx, &taken, |update| {
        update.value(Column::LeaseOwner, claim.owner).value(Column::LeaseUntil, claim.lease_until);
    })
    .await?;
    Ok(due.into_iter().map(|due| (due.work, ConnectionId(due.connection))).collect())
}

/// The earliest time after `now` at which a waiting binding becomes due: its back-off ends or its lease runs out.
pub async fn next_due(reads: &impl Reads, now: i64) -> Result<Option<i64>, Error> {
    let due = || {
        CaseStatement::new()
            .case(
                Expr::col(Column::NextAttemptAt).gt(Expr::col(Column::LeaseUntil)),
                Expr::col(Column::NextAttemptAt),
            )
            .finally(Expr::col(Column::LeaseUntil))
    };
    let mut earliest: Option<i64> = None;
    for table in Table::BOTH {
        let select = Query::select()
            .expr_as(Expr::expr(due()).min(), "due")
            .from(table.name())
            .and_where(Expr::col(Column::Lane).is_not_null())
            .and_where(Expr::expr(due()).gt(now))
            .to_owned();
        let Some(row) = reads.executor().query_one(&select).await? else {
            continue;
        };
        let found: Option<i64> = row.try_get("", "due")?;
        earliest = earliest.into_iter().chain(found).min();
    }
    Ok(earliest)
}

/// Work that is put off for longer is no backlog (ms): a leaver's account can wait for days on purpose.
pub(super) const SOON: i64 = 2 * 60 * 60 * 1000;

/// How many bindings wait in each lane that has any, in the lanes' order; without what is put off for hours.
pub async fn backlog(reads: &impl Reads, now: i64) -> Result<Vec<(Lane, i64)>, Error> {
    let mut waiting = [0_i64; Lane::ALL.len()];
    for table in Table::BOTH {
        let select = Query::select()
            .column(Column::Lane)
            .expr_as(Expr::col(Column::Id).count(), "waiting")
            .from(table.name())
            .and_where(Expr::col(Column::Lane).is_not_null())
            .and_where(Expr::col(Column::NextAttemptAt).lt(now.saturating_add(SOON)))
            .group_by_col(Column::Lane)
            .to_owned();
        for row in reads.executor().query_all(&select).await? {
            let lane = Lane::from_column(row.try_get("", "lane")?)?;
            waiting[lane as usize] += row.try_get::<i64>("", "waiting")?;
        }
    }
    Ok(Lane::ALL.into_iter().zip(waiting).filter(|(_, waiting)| *waiting > 0).collect())
}

/// Holds what `owner` has among `ids` until `lease_until`; how many those are. Fewer than `ids`: a lease was lost.
pub async fn renew(tx: &Tx, owner: Uuid, ids: &[WorkId], lease_until: i64) -> Result<u64, Error> {
    each_table(tx, ids, |update| {
        update.value(Column::LeaseUntil, lease_until).and_where(Expr::col(Column::LeaseOwner).eq(owner));
    })
    .await
}

/// Gives back all that `owner` holds, at an orderly stop; how many those were.
pub async fn release_all(tx: &Tx, owner: Uuid) -> Result<u64, Error> {
    release(tx, &Expr::col(Column::LeaseOwner).eq(owner)).await
}

/// Gives back what anybody holds: for the start of the only process that works on the database, when every claim is that
/// of a process which is gone. How many those were.
pub async fn release_dead(tx: &Tx) -> Result<u64, Error> {
    release(tx, &Expr::col(Column::LeaseOwner).is_not_null()).await
}

/// Gives back one that `owner` holds, to be tried again from `next_attempt_at` on.
pub async fn give_back(tx: &Tx, owner: Uuid, id: WorkId, next_attempt_at: i64) -> Result<(), Error> {
    each_table(tx, &[id], |update| {
        freed(update)
            .value(Column::NextAttemptAt, next_attempt_at)
            .and_where(Expr::col(Column::LeaseOwner).eq(owner));
    })
    .await?;
    Ok(())
}

/// Makes what waits in a connection due at `now`, whatever its back-off; how many those are.
pub async fn due_now(tx: &Tx, connection: ConnectionId, now: i64) -> Result<u64, Error> {
    let mut changed = 0;
    for table in Table::BOTH {
        let which = Expr::col(Column::ConnectionId)
            .eq(connection.0)
            .and(Expr::col(Column::Lane).is_not_null())
            .and(Expr::col(Column::NextAttemptAt).gt(now));
        table.hold(tx, &which).await?;
        let mut update = table.update();
        update.value(Column::NextAttemptAt, now).and_where(which);
        changed += tx.db().execute(&update).await?.rows_affected();
    }
    Ok(changed)
}

async fn release(tx: &Tx, held: &Expr) -> Result<u64, Error> {
    let mut released = 0;
    for table in Table::BOTH {
        let mut update = table.update();
        freed(&mut update).and_where(held.clone());
        released += tx.db().execute(&update).await?.rows_affected();
    }
    Ok(released)
}

/// What is held has been begun, and counts as an attempt.
fn freed(update: &mut UpdateStatement) -> &mut UpdateStatement {
    update
        .value(Column::LeaseOwner, None::<Uuid>)
        .value(Column::LeaseUntil, 0_i64)
        .value(Column::Attempts, Expr::col(Column::Attempts).add(1))
}

/// Changes those of `ids` in either table; how many rows that were.
async fn each_table(tx: &Tx, ids: &[WorkId], change: impl Fn(&mut UpdateStatement)) -> Result<u64, Error> {
    let mut changed = 0;
    for table in Table::BOTH {
        let ids: Vec<Uuid> = ids.iter().filter_map(|id| table.id(*id)).collect();
        if ids.is_empty() {
            continue;
        }
        let mut update = table.update();
        change(&mut update);
        update.and_where(Expr::col(Column::Id).is_in(ids));
        changed += tx.db().execute(&update).await?.rows_affected();
    }
    Ok(changed)
}

/// Makes bindings dirty; see [`group_bindings::mark`](super::group_bindings::mark).
pub(super) struct Mark<'a> {
    pub(super) lane: Lane,
    pub(super) request: Option<&'a Value>,
    pub(super) now: i64,
}

impl Mark<'_> {
    /// Marks the bindings of `table` that `which` selects; how many those are.
    pub(super) async fn set(&self, tx: &Tx, table: Table, which: Expr) -> Result<u64, Error> {
        table.hold(tx, &which).await?;
        let lane = self.lane.column();
        let waits = || Expr::col(Column::Lane).is_not_null();
        let sooner = waits().and(Expr::col(Column::Lane).lt(lane));
        let mut update = table.update();
        update
            .value(Column::WantedVersion, Expr::col(Column::WantedVersion).add(1))
            .value(
                Column::Lane,
                CaseStatement::new().case(sooner, Expr::col(Column::Lane)).finally(Expr::value(lane)),
            )
            .value(
                Column::QueuedAt,
                CaseStatement::new()
                    .case(waits(), Expr::col(Column::QueuedAt))
                    .finally(Expr::value(self.now)),
            )
            .value(Column::Attempts, 0)
            .value(Column::NextAttemptAt, self.now)
            .and_where(which);
        if let Some(request) = self.request {
            // Work that waits already is told as that of the one who asked for it.
            let known = CaseStatement::new().case(waits(), Expr::col(Column::Request));
            update.value(Column::Request, known.finally(Expr::value(request.clone())));
        }
        Ok(tx.db().execute(&update).await?.rows_affected())
    }
}

/// The tables of the queue. They share the names of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Accounts,
    Groups,
}

impl Table {
    const BOTH: [Self; 2] = [Self::Accounts, Self::Groups];

    const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "account_binding",
            Self::Groups => "group_binding",
        }
    }

    fn work(self, id: Uuid) -> WorkId {
        match self {
            Self::Accounts => WorkId::Account(BindingId(id)),
            Self::Groups => WorkId::Group(GroupBindingId(id)),
        }
    }

    /// The id, when it is one of this table.
    fn id(self, work: WorkId) -> Option<Uuid> {
        match (self, work) {
            (Self::Accounts, WorkId::Account(id)) => Some(id.0),
            (Self::Groups, WorkId::Group(id)) => Some(id.0),
            _ => None,
        }
    }

    fn update(self) -> UpdateStatement {
        Query::update().table(self.name()).to_owned()
    }

    /// Holds the rows in the order of the ids, so that no two that change the same wait for each other.
    async fn hold(self, tx: &Tx, which: &Expr) -> Result<(), Error> {
        if dialect::commits_concurrently(tx.db()) {
            let hold = Query::select()
                .column(Column::Id)
                .from(self.name())
                .and_where(which.clone())
                .order_by(Column::Id, Order::Asc)
                .lock(LockType::Update)
                .to_owned();
            tx.db().query_all(&hold).await?;
        }
        Ok(())
    }

    fn due(self, claim: &Claim<'_>) -> SelectStatement {
        let mut due = Query::select()
            .columns([Column::Lane, Column::QueuedAt, Column::Id, Column::ConnectionId])
            .from(self.name())
            .and_where(Expr::col(Column::Lane).is_not_null())
            .and_where(Expr::col(Column::Lane).is_in(claim.lanes.iter().map(|lane| lane.column())))
            .and_where(Expr::col(Column::NextAttemptAt).lte(claim.now))
            .and_where(Expr::col(Column::LeaseUntil).lte(claim.now))
            .order_by(Column::Lane, Order::Asc)
            .order_by(Column::QueuedAt, Order::Asc)
            .order_by(Column::Id, Order::Asc)
            .limit(claim.limit)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .to_owned();
        if !claim.paused.is_empty() {
            let paused = claim.paused.iter().map(|id| id.0);
            due.and_where(Expr::col(Column::ConnectionId).is_not_in(paused));
        }
        if !claim.crowded.is_empty() {
            let crowded = claim.crowded.iter().map(|id| id.0);
            let urgent = Expr::col(Column::Lane).eq(Lane::Security.column());
            due.and_where(urgent.or(Expr::col(Column::ConnectionId).is_not_in(crowded)));
        }
        due
    }
}

/// One that is due; they are compared in the order in which they are taken.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    lane: i16,
    queued_at: i64,
    id: Uuid,
    work: WorkId,
    connection: Uuid,
}

impl Due {
    fn of(table: Table, row: &QueryResult) -> Result<Self, Error> {
        let id = row.try_get("", "id")?;
        Ok(Self {
            lane: row.try_get("", "lane")?,
            queued_at: row.try_get("", "queued_at")?,
            id,
            work: table.work(id),
            connection: row.try_get("", "connection_id")?,
        })
    }
}

impl Lane {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Security, Self::Update, Self::Create, Self::Background];

    pub(super) fn column(self) -> i16 {
        self as i16
    }

    pub(super) fn from_column(lane: i16) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|known| known.column() == lane)
            .ok_or_else(|| Error::Unreadable { table: "binding", what: format!("the lane {lane}") })
    }
}

impl fmt::Display for WorkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
