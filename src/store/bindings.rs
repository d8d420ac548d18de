//! Bindings: what Microsoft Graph was given of each user. The work that is left is in [`queue`](super::queue).

use entity::account_binding::{COLUMN, Column, Entity, Model};
use entity::scim_user;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QuerySelect as _, QueryTrait as _,
};
use serde_json::Value;
use uuid::Uuid;

use super::queue::{Mark, Table};
use super::users::User;
use super::{Error, Reads, Sealed, Tx, Unique, dialect};
use crate::ids::{BindingId, ConnectionId, OrganizationId, UserId};

pub use super::queue::Lane;

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
    /// What others were seen to have changed, so that it is told once; a JSON object.
    pub drift: Option<Value>,
    /// Since when it is not known whether Graph shows what it was given: it is looked at some time later, unless it was
    /// seen before.
    pub unverified_at: Option<i64>,
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

/// Makes the bindings of those whose manager this user is dirty, as [`group_bindings::mark`](super::group_bindings::mark)
/// does; how many those are.
pub async fn mark_reports(
    tx: &Tx,
    organization: OrganizationId,
    manager: UserId,
    request: Option<&Value>,
    now: i64,
) -> Result<u64, Error> {
    let reports = super::users::living(organization)
        .select_only()
        .column(scim_user::Column::Id)
        .filter(scim_user::Column::ManagerId.eq(manager.0))
        .into_query();
    let which = Expr::col(Column::UserId).in_subquery(reports);
    Mark { lane: Lane::Update, request, now }.set(tx, Table::Accounts, which).await
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
        drift: binding.drift.clone(),
        unverified_at: binding.unverified_at,
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
            drift: row.drift,
            unverified_at: row.unverified_at,
        })
    }
}

#[cfg(test)]
mod tests;
