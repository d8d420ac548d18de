//! Bindings: what Microsoft Graph was given, and the queue of the work that is left.

use entity::account_binding::{COLUMN, Column, Entity, Model};
use entity::scim_user;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use serde_json::Value;
use uuid::Uuid;

use super::users::User;
use super::{Error, Reads, Sealed, Tx, Unique, dialect};
use crate::ids::{BindingId, ConnectionId, OrganizationId, UserId};

/// Which work goes first: a leaver is blocked before any update, whatever the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Block, revoke sessions, passwords.
    Security = 0,
    /// Changes of accounts that exist.
    Update = 1,
    /// New accounts.
    Create = 2,
    /// Imports and drift.
    Background = 3,
}

/// The link from a user to one account.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The tenant that the account is in.
    pub connection: ConnectionId,
    /// The user; it has at most one binding.
    pub user: UserId,
    /// The account's object id, once it is known.
    pub account_id: Option<String>,
    /// The properties that Graph was last given; a JSON object.
    pub given: Value,
    /// The user's version that is wanted in the tenant.
    pub wanted_version: i64,
    /// The user's version that Graph was last given.
    pub given_version: i64,
    /// Where the work waits; `None` when there is nothing to do.
    pub lane: Option<Lane>,
    /// Since when it waits: within a lane the oldest goes first.
    pub queued_at: i64,
    /// How often it was tried without success.
    pub attempts: i32,
    /// Not to be tried before.
    pub next_attempt_at: i64,
    /// The worker that holds it.
    pub lease_owner: Option<Uuid>,
    /// Until when that worker holds it; 0 when none does.
    pub lease_until: i64,
    /// The password to set; erased once used.
    pub sealed_password: Option<Sealed>,
    /// Who asked for the waiting work, for its event.
    pub request: Option<Value>,
    /// Why the last try failed.
    pub failure: Option<Value>,
    /// When Graph was last given something.
    pub given_at: Option<i64>,
}

/// Adds a binding; [`Error::Taken`] when the user has one.
pub async fn insert(tx: &Tx, binding: &Binding) -> Result<(), Error> {
    Entity::insert(row(binding).into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await
        .map_err(Error::unique(Unique::Binding))?;
    Ok(())
}

/// Writes the whole row by its id; [`Error::Missing`] when it is gone. Hold it with [`lock`] or
/// [`users::lock`](super::users::lock) first, or another's lease is overwritten.
pub async fn update(tx: &Tx, binding: &Binding) -> Result<(), Error> {
    let changed = Entity::update_many()
        .set(row(binding).into_active_model().reset_all())
        .filter(COLUMN.id.eq(binding.id.0))
        .exec(tx.db())
        .await?;
    match changed.rows_affected {
        0 => Err(Error::Missing("binding")),
        _ => Ok(()),
    }
}

/// Removes the row; false when there was none.
pub async fn remove(tx: &Tx, organization: OrganizationId, id: BindingId) -> Result<bool, Error> {
    let gone = Entity::delete_many()
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .exec(tx.db())
        .await?;
    Ok(gone.rows_affected > 0)
}

/// The binding and its user, a deleted one too: for the worker, which serves all organizations.
pub async fn get(reads: &impl Reads, id: BindingId) -> Result<Option<(Binding, User)>, Error> {
    let found = Entity::find_by_id(id.0).find_both_related(scim_user::Entity).one(&reads.executor()).await?;
    found.map(|(binding, user)| Ok((binding.try_into()?, user.into()))).transpose()
}

/// Like [`get`], holding both rows until the unit of work ends.
pub async fn lock(tx: &Tx, id: BindingId) -> Result<Option<(Binding, User)>, Error> {
    // The user's row first, as everybody does, so that no two wait for each other.
    let found = get(tx, id).await?;
    let Some((_, user)) = found.as_ref().filter(|_| dialect::commits_concurrently(tx.db())) else {
        return Ok(found);
    };
    let user = scim_user::Entity::find_by_id(user.id.0).lock_exclusive().one(tx.db()).await?;
    let binding = Entity::find_by_id(id.0).lock_exclusive().one(tx.db()).await?;
    let (Some(user), Some(binding)) = (user, binding) else {
        return Ok(None);
    };
    Ok(Some((binding.try_into()?, user.into())))
}

/// The binding of a user.
pub async fn by_user(
    reads: &impl Reads,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<Binding>, Error> {
    Entity::find()
        .filter(COLUMN.user_id.eq(user.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .one(&reads.executor())
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// The binding that has this account of a connection, and its user, a deleted one too.
pub async fn holder_of(
    reads: &impl Reads,
    connection: ConnectionId,
    account_id: &str,
) -> Result<Option<(BindingId, User)>, Error> {
    let found = Entity::find()
        .filter(COLUMN.connection_id.eq(connection.0))
        .filter(Column::AccountId.eq(account_id))
        .find_both_related(scim_user::Entity)
        .one(&reads.executor())
        .await?;
    Ok(found.map(|(binding, user)| (BindingId(binding.id), user.into())))
}

/// Takes at most `limit` bindings that are due at `now` for `owner` until `lease_until`: lane by lane, the oldest first,
/// none that another holds, only of these `lanes`, none of the `paused` connections.
pub async fn claim(tx: &Tx, claim: &Claim<'_>) -> Result<Vec<BindingId>, Error> {
    let mut due = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(COLUMN.lane.is_not_null())
        .filter(COLUMN.lane.is_in(claim.lanes.iter().map(|lane| lane.column())))
        .filter(COLUMN.next_attempt_at.lte(claim.now))
        .filter(COLUMN.lease_until.lte(claim.now));
    if !claim.paused.is_empty() {
        due = due.filter(COLUMN.connection_id.is_not_in(claim.paused.iter().map(|id| id.0)));
    }
    let ids: Vec<Uuid> = due
        .order_by_asc(Column::Lane)
        .order_by_asc(Column::QueuedAt)
        .order_by_asc(Column::Id)
        .limit(claim.limit)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .into_tuple()
        .all(tx.db())
        .await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Entity::update_many()
        .col_expr(Column::LeaseOwner, Expr::value(claim.owner))
        .col_expr(Column::LeaseUntil, Expr::value(claim.lease_until))
        .filter(COLUMN.id.is_in(ids.iter().copied()))
        .exec(tx.db())
        .await?;
    Ok(ids.into_iter().map(BindingId).collect())
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
    /// At most so many.
    pub limit: u64,
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
    let earliest: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Expr::expr(due()).min(), "due")
        .filter(COLUMN.lane.is_not_null())
        .filter(Expr::expr(due()).gt(now))
        .into_tuple()
        .one(&reads.executor())
        .await?;
    Ok(earliest.flatten())
}

/// How many bindings wait in each lane that has any, in the lanes' order.
pub async fn backlog(reads: &impl Reads) -> Result<Vec<(Lane, i64)>, Error> {
    let counts: Vec<(i16, i64)> = Entity::find()
        .select_only()
        .column(Column::Lane)
        .column_as(Column::Id.count(), "count")
        .filter(COLUMN.lane.is_not_null())
        .group_by(Column::Lane)
        .order_by_asc(Column::Lane)
        .into_tuple()
        .all(&reads.executor())
        .await?;
    counts.into_iter().map(|(lane, count)| Ok((Lane::from_column(lane)?, count))).collect()
}

/// Holds what `owner` has among `ids` until `lease_until`; how many those are. Fewer than `ids`: a lease was lost.
pub async fn renew(tx: &Tx, owner: Uuid, ids: &[BindingId], lease_until: i64) -> Result<u64, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::LeaseUntil, Expr::value(lease_until))
        .filter(COLUMN.lease_owner.eq(owner))
        .filter(COLUMN.id.is_in(ids.iter().map(|id| id.0)))
        .exec(tx.db())
        .await?;
    Ok(changed.rows_affected)
}

/// Gives back all that `owner` holds, at an orderly stop; how many those were.
pub async fn release_all(tx: &Tx, owner: Uuid) -> Result<u64, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::LeaseOwner, Expr::value(None::<Uuid>))
        .col_expr(Column::LeaseUntil, Expr::value(0_i64))
        // What is still held has been begun.
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(COLUMN.lease_owner.eq(owner))
        .exec(tx.db())
        .await?;
    Ok(changed.rows_affected)
}

/// Gives back one that `owner` holds, to be tried again from `next_attempt_at` on.
pub async fn give_back(tx: &Tx, owner: Uuid, id: BindingId, next_attempt_at: i64) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::LeaseOwner, Expr::value(None::<Uuid>))
        .col_expr(Column::LeaseUntil, Expr::value(0_i64))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::NextAttemptAt, Expr::value(next_attempt_at))
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.lease_owner.eq(owner))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Gives back what anybody holds: for the start of the only process that works on the database, when every claim is that
/// of a process which is gone. How many those were.
pub async fn release_dead(tx: &Tx) -> Result<u64, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::LeaseOwner, Expr::value(None::<Uuid>))
        .col_expr(Column::LeaseUntil, Expr::value(0_i64))
        // What was held has been begun.
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(COLUMN.lease_owner.is_not_null())
        .exec(tx.db())
        .await?;
    Ok(changed.rows_affected)
}

impl Lane {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Security, Self::Update, Self::Create, Self::Background];

    fn column(self) -> i16 {
        self as i16
    }

    fn from_column(lane: i16) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|known| known.column() == lane)
            .ok_or_else(|| Error::Unreadable { table: "binding", what: format!("the lane {lane}") })
    }
}

fn row(binding: &Binding) -> Model {
    Model {
        id: binding.id.0,
        organization_id: binding.organization.0,
        connection_id: binding.connection.0,
        user_id: binding.user.0,
        account_id: binding.account_id.clone(),
        given: binding.given.clone(),
        wanted_version: binding.wanted_version,
        given_version: binding.given_version,
        lane: binding.lane.map(Lane::column),
        queued_at: binding.queued_at,
        attempts: binding.attempts,
        next_attempt_at: binding.next_attempt_at,
        lease_owner: binding.lease_owner,
        lease_until: binding.lease_until,
        sealed_password: binding.sealed_password.clone().map(Vec::from),
        request: binding.request.clone(),
        failure: binding.failure.clone(),
        given_at: binding.given_at,
    }
}

impl TryFrom<Model> for Binding {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            id: BindingId(row.id),
            organization: OrganizationId(row.organization_id),
            connection: ConnectionId(row.connection_id),
            user: UserId(row.user_id),
            account_id: row.account_id,
            given: row.given,
            wanted_version: row.wanted_version,
            given_version: row.given_version,
            lane: row.lane.map(Lane::from_column).transpose()?,
            queued_at: row.queued_at,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            lease_owner: row.lease_owner,
            lease_until: row.lease_until,
            sealed_password: row.sealed_password.map(Sealed::from),
            request: row.request,
            failure: row.failure,
            given_at: row.given_at,
        })
    }
}

#[cfg(test)]
mod tests;
