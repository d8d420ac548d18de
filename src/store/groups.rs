//! SCIM groups: what upstream wants. Who is in them is in [`memberships`](super::memberships).

use entity::group_binding;
use entity::scim_group::{COLUMN, Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use serde_json::Value;
use uuid::Uuid;

use super::group_bindings::GroupBinding;
use super::{Error, Reads, Tx, Unique, dialect};
use crate::ids::{ConnectionId, GroupId, OrganizationId};
use crate::scim::filter::fold;

mod page;

pub use page::page;

/// One group, or the tombstone of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its id, which upstream sees.
    pub id: GroupId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The connection that it belongs to.
    pub connection: Option<ConnectionId>,
    /// Grows with each change of what is wanted, of its members too; the `ETag` is made from it.
    pub version: i64,
    /// `displayName`; several groups may share one.
    pub display_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The SCIM resource as JSON, without its members.
    pub resource: Value,
    /// `meta.created`.
    pub created_at: i64,
    /// `meta.lastModified`.
    pub updated_at: i64,
    /// When upstream deleted it: from then on no finder but the worker's sees it.
    pub deleted_at: Option<i64>,
    /// What to go back to when Microsoft refuses the wanted state.
    pub rollback: Option<Value>,
}

/// Adds a group; [`Error::Taken`] when a living one has the name and the externalId. The transaction stays usable after
/// that error.
pub async fn insert(tx: &Tx, group: &Group) -> Result<(), Error> {
    // As for users: PostgreSQL refuses to go on in a transaction in which a statement failed.
    let added = Entity::insert(row(group).into_active_model().reset_all())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.db())
        .await?;
    if added == 0 {
        return Err(Error::Taken(Unique::Group));
    }
    Ok(())
}

/// Writes the whole row by its id, of a tombstone too; [`Error::Missing`] when it is gone, [`Error::Taken`] when another
/// living group has the name and the externalId: then the unit of work must end. Its members are left alone.
pub async fn update(tx: &Tx, group: &Group) -> Result<(), Error> {
    let mut set = row(group).into_active_model().reset_all();
    // Were the id among what is set, SQLite would look through all members to see that none refers to an older one.
    set.id = ActiveValue::NotSet;
    let changed = Entity::update_many()
        .set(set)
        .filter(COLUMN.id.eq(group.id.0))
        .filter(COLUMN.organization_id.eq(group.organization.0))
        .exec(tx.db())
        .await
        .map_err(Error::unique(Unique::Group))?;
    match changed.rows_affected {
        0 => Err(Error::Missing("group")),
        _ => Ok(()),
    }
}

/// Whether another living group has this one's `displayName` and `externalId`.
pub async fn has_namesake(reads: &impl Reads, group: &Group) -> Result<bool, Error> {
    let external_id = match &group.external_id {
        Some(external_id) => Expr::col(Column::ExternalId).eq(external_id.as_str()),
        None => Expr::col(Column::ExternalId).is_null(),
    };
    let namesake = living(group.organization)
        .filter(COLUMN.display_name_key.eq(fold(&group.display_name)))
        .filter(external_id)
        .filter(COLUMN.id.ne(group.id.0));
    Ok(namesake.one(&reads.executor()).await?.is_some())
}

/// Sets what the group goes back to when Microsoft refuses, and nothing else.
pub async fn set_rollback(
    tx: &Tx,
    organization: OrganizationId,
    id: GroupId,
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

/// Removes the row, its binding and the rows of its members; false when there was none. Where it is a member itself, see
/// [`memberships::member_gone`](super::memberships::member_gone).
pub async fn remove(tx: &Tx, organization: OrganizationId, id: GroupId) -> Result<bool, Error> {
    let gone = Entity::delete_many()
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .exec(tx.db())
        .await?;
    Ok(gone.rows_affected > 0)
}

/// The living group with that id.
pub async fn get(
    reads: &impl Reads,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<(Group, Option<GroupBinding>)>, Error> {
    living(organization)
        .filter(COLUMN.id.eq(id.0))
        .find_also_related(group_binding::Entity)
        .one(&reads.executor())
        .await?
        .map(both)
        .transpose()
}

/// Like [`get`], holding both rows until the unit of work ends: take this before a change that depends on what was read,
/// and before any change of its members.
pub async fn lock(
    tx: &Tx,
    organization: OrganizationId,
    id: GroupId,
) -> Result<Option<(Group, Option<GroupBinding>)>, Error> {
    let group = living(organization).filter(COLUMN.id.eq(id.0)).lock_exclusive().one(tx.db()).await?;
    let Some(group) = group else {
        return Ok(None);
    };
    let binding = group_binding::Entity::find()
        .filter(group_binding::COLUMN.group_id.eq(group.id))
        .lock_exclusive()
        .one(tx.db())
        .await?;
    both((group, binding)).map(Some)
}

/// Holds the rows of these groups until the unit of work ends, in the order of their ids, so that no two wait for each
/// other.
pub(super) async fn hold(tx: &Tx, ids: &[Uuid]) -> Result<(), Error> {
    if dialect::commits_concurrently(tx.db()) {
        let rows =
            Entity::find().select_only().column(Column::Id).filter(COLUMN.id.is_in(ids.iter().copied()));
        let rows = rows.order_by_asc(Column::Id).lock_exclusive().into_tuple::<Uuid>();
        rows.all(tx.db()).await?;
    }
    Ok(())
}

/// One version more for each of these groups, whose members have changed.
pub(super) async fn changed(tx: &Tx, ids: &[Uuid], now: i64) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .filter(COLUMN.id.is_in(ids.iter().copied()))
        .exec(tx.db())
        .await?;
    Ok(())
}

pub(super) fn living(organization: OrganizationId) -> Select<Entity> {
    Entity::find().filter(COLUMN.organization_id.eq(organization.0)).filter(COLUMN.deleted_at.is_null())
}

pub(super) fn both(
    (group, binding): (Model, Option<group_binding::Model>),
) -> Result<(Group, Option<GroupBinding>), Error> {
    Ok((group.into(), binding.map(TryInto::try_into).transpose()?))
}

fn row(group: &Group) -> Model {
    Model {
        id: group.id.0,
        organization_id: group.organization.0,
        connection_id: group.connection.map(|id| id.0),
        version: group.version,
        display_name: group.display_name.clone(),
        display_name_key: fold(&group.display_name),
        external_id: group.external_id.clone(),
        resource: group.resource.clone(),
        created_at: group.created_at,
        updated_at: group.updated_at,
        deleted_at: group.deleted_at,
        rollback: group.rollback.clone(),
    }
}

impl From<Model> for Group {
    fn from(row: Model) -> Self {
        Self {
            id: GroupId(row.id),
            organization: OrganizationId(row.organization_id),
            connection: row.connection_id.map(ConnectionId),
            version: row.version,
            display_name: row.display_name,
            external_id: row.external_id,
            resource: row.resource,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
            rollback: row.rollback,
        }
    }
}

#[cfg(test)]
mod tests;
