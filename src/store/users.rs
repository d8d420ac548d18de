//! SCIM users: what upstream wants.

use entity::scim_user::{COLUMN, Column, Entity, Model};
use entity::{account_binding, user_email};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use serde_json::Value;

use super::bindings::Binding;
use super::{Error, Reads, Tx, Unique};
use crate::ids::{ConnectionId, OrganizationId, UserId};
use crate::scim::filter::fold;
use crate::scim::schema::ENTERPRISE_USER;

mod page;

pub use page::{UserRow, page};

/// One user, or the tombstone of one.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Its id, which upstream sees.
    pub id: UserId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The connection that it belongs to, by its domain.
    pub connection: Option<ConnectionId>,
    /// Grows with each change of what is wanted; the `ETag` is made from it.
    pub version: i64,
    /// `userName`; unique among the organization's living users without regard to case.
    pub user_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// `active`.
    pub active: bool,
    /// The SCIM resource as JSON. `displayName` and `emails[].value` are taken from it to look up by.
    pub resource: Value,
    /// `meta.created`.
    pub created_at: i64,
    /// `meta.lastModified`.
    pub updated_at: i64,
    /// When upstream deleted it: from then on no finder but the worker's sees it, and its name is free.
    pub deleted_at: Option<i64>,
    /// What to go back to when Microsoft refuses the wanted state.
    pub rollback: Option<Value>,
}

/// Adds a user; [`Error::Taken`] when a living one has the name. The transaction stays usable after that error.
pub async fn insert(tx: &Tx, user: &User) -> Result<(), Error> {
    // `DO NOTHING` in place of an error: PostgreSQL refuses to go on in a transaction in which a statement failed.
    let added = Entity::insert(row(user).into_active_model().reset_all())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.db())
        .await?;
    if added == 0 {
        return Err(Error::Taken(Unique::UserName));
    }
    insert_emails(tx, user).await
}

/// Writes the whole row by its id, of a tombstone too; [`Error::Missing`] when it is gone, [`Error::Taken`] when another
/// living user has the new name. After `Taken` the unit of work must end with an error: PostgreSQL refuses to go on.
pub async fn update(tx: &Tx, user: &User) -> Result<(), Error> {
    let changed = Entity::update_many()
        .set(row(user).into_active_model().reset_all())
        .filter(COLUMN.id.eq(user.id.0))
        .filter(COLUMN.organization_id.eq(user.organization.0))
        .exec(tx.db())
        .await
        .map_err(Error::unique(Unique::UserName))?;
    if changed.rows_affected == 0 {
        return Err(Error::Missing("user"));
    }
    let stored: Vec<String> = user_email::Entity::find()
        .select_only()
        .column(user_email::Column::ValueKey)
        .filter(user_email::COLUMN.user_id.eq(user.id.0))
        .order_by_asc(user_email::Column::Position)
        .into_tuple()
        .all(tx.db())
        .await?;
    if stored.iter().map(String::as_str).eq(email_keys(user).iter().map(String::as_str)) {
        return Ok(());
    }
    user_email::Entity::delete_many().filter(user_email::COLUMN.user_id.eq(user.id.0)).exec(tx.db()).await?;
    insert_emails(tx, user).await
}

/// Sets what the user goes back to when Microsoft refuses, and nothing else.
pub async fn set_rollback(
    tx: &Tx,
    organization: OrganizationId,
    id: UserId,
    rollback: Option<Value>,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Rollback, Expr::value(rollback))
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Removes the row, its addresses and its binding; false when there was none.
pub async fn remove(tx: &Tx, organization: OrganizationId, id: UserId) -> Result<bool, Error> {
    let gone = Entity::delete_many()
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .exec(tx.db())
        .await?;
    Ok(gone.rows_affected > 0)
}

/// The living user with that id.
pub async fn get(
    reads: &impl Reads,
    organization: OrganizationId,
    id: UserId,
) -> Result<Option<(User, Option<Binding>)>, Error> {
    living(organization)
        .filter(COLUMN.id.eq(id.0))
        .find_also_related(account_binding::Entity)
        .one(&reads.executor())
        .await?
        .map(both)
        .transpose()
}

/// Like [`get`], holding both rows until the unit of work ends: take this before a change that depends on what was read.
pub async fn lock(
    tx: &Tx,
    organization: OrganizationId,
    id: UserId,
) -> Result<Option<(User, Option<Binding>)>, Error> {
    held(tx, living(organization).filter(COLUMN.id.eq(id.0))).await
}

/// The living user of that name, in any case of letters.
pub async fn by_user_name(
    reads: &impl Reads,
    organization: OrganizationId,
    user_name: &str,
) -> Result<Option<(User, Option<Binding>)>, Error> {
    living(organization)
        .filter(COLUMN.user_name_key.eq(fold(user_name)))
        .find_also_related(account_binding::Entity)
        .one(&reads.executor())
        .await?
        .map(both)
        .transpose()
}

pub(super) fn living(organization: OrganizationId) -> Select<Entity> {
    Entity::find().filter(COLUMN.organization_id.eq(organization.0)).filter(COLUMN.deleted_at.is_null())
}

/// The user's row first, then the binding's, as everybody does, so that no two wait for each other.
async fn held(tx: &Tx, user: Select<Entity>) -> Result<Option<(User, Option<Binding>)>, Error> {
    let Some(user) = user.lock_exclusive().one(tx.db()).await? else {
        return Ok(None);
    };
    let binding = account_binding::Entity::find()
        .filter(account_binding::COLUMN.user_id.eq(user.id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    both((user, binding)).map(Some)
}

pub(super) fn both(
    (user, binding): (Model, Option<account_binding::Model>),
) -> Result<(User, Option<Binding>), Error> {
    Ok((user.into(), binding.map(TryInto::try_into).transpose()?))
}

async fn insert_emails(tx: &Tx, user: &User) -> Result<(), Error> {
    let rows = (0..).zip(email_keys(user)).map(|(position, value_key)| {
        user_email::Model { user_id: user.id.0, position, organization_id: user.organization.0, value_key }
            .into_active_model()
            .reset_all()
    });
    user_email::Entity::insert_many(rows).exec_without_returning(tx.db()).await?;
    Ok(())
}

fn email_keys(user: &User) -> Vec<String> {
    let emails = user.resource.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().filter_map(|email| email.get("value")?.as_str().map(fold)).collect()
}

/// The manager, where `manager.value` can be the id of a user.
fn manager(user: &User) -> Option<UserId> {
    let manager = user.resource.get(ENTERPRISE_USER.id)?.get("manager")?;
    manager.get("value")?.as_str()?.parse().ok()
}

fn row(user: &User) -> Model {
    Model {
        id: user.id.0,
        organization_id: user.organization.0,
        connection_id: user.connection.map(|id| id.0),
        version: user.version,
        user_name: user.user_name.clone(),
        user_name_key: fold(&user.user_name),
        external_id: user.external_id.clone(),
        display_name_key: user.resource.get("displayName").and_then(Value::as_str).map(fold),
        active: user.active,
        manager_id: manager(user).map(|id| id.0),
        resource: user.resource.clone(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        deleted_at: user.deleted_at,
        rollback: user.rollback.clone(),
    }
}

impl From<Model> for User {
    fn from(row: Model) -> Self {
        Self {
            id: UserId(row.id),
            organization: OrganizationId(row.organization_id),
            connection: row.connection_id.map(ConnectionId),
            version: row.version,
            user_name: row.user_name,
            external_id: row.external_id,
            active: row.active,
            resource: row.resource,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            rollback: row.rollback,
        }
    }
}

#[cfg(test)]
mod page_tests;
#[cfg(test)]
mod tests;
