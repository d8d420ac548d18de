//! The bindings of groups: what Microsoft Graph was given of a group itself. What it was given of the members is in
//! [`memberships`](super::memberships), and the work that is left in [`queue`](super::queue).

use entity::group_binding::{COLUMN, Column, Entity, Model};
use entity::scim_group;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QuerySelect as _,
};
use serde_json::Value;
use uuid::Uuid;

use super::groups::Group;
use super::queue::{Lane, Mark, Table};
use super::{AT_ONCE, Error, Reads, Tx, Unique, dialect};
use crate::ids::{ConnectionId, GroupBindingId, GroupId, OrganizationId};

/// The link from a SCIM group to one group in Microsoft Graph.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupBinding {
    /// Its id.
    pub id: GroupBindingId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The tenant that the group is in.
    pub connection: ConnectionId,
    /// The SCIM group; it has at most one binding.
    pub group: GroupId,
    /// The object id in Microsoft Graph, once it is known.
    pub object_id: Option<String>,
    /// The properties that Graph was last given; a JSON object.
    pub given: Value,
    /// The version that is wanted in the tenant; it counts changes of the members too.
    pub wanted_version: i64,
    /// The version that Graph was last given.
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

/// Adds a binding; [`Error::Taken`] when the group has one.
pub async fn insert(tx: &Tx, binding: &GroupBinding) -> Result<(), Error> {
    Entity::insert(row(binding).into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await
        .map_err(Error::unique(Unique::GroupBinding))?;
    Ok(())
}

/// Writes the whole row by its id; [`Error::Missing`] when it is gone, [`Error::Taken`] when another group of the
/// connection has that object. Hold it with [`lock`] or [`groups::lock`](super::groups::lock) first, or another's lease is
/// overwritten.
pub async fn update(tx: &Tx, binding: &GroupBinding) -> Result<(), Error> {
    let changed = Entity::update_many()
        .set(row(binding).into_active_model().reset_all())
        .filter(COLUMN.id.eq(binding.id.0))
        .exec(tx.db())
        .await
        .map_err(Error::unique(Unique::GroupBinding))?;
    match changed.rows_affected {
        0 => Err(Error::Missing("binding")),
        _ => Ok(()),
    }
}

/// The binding and its group, a deleted one too: for the worker, which serves all organizations.
pub async fn get(reads: &impl Reads, id: GroupBindingId) -> Result<Option<(GroupBinding, Group)>, Error> {
    let found = Entity::find_by_id(id.0).find_both_related(scim_group::Entity).one(&reads.executor()).await?;
    found.map(|(binding, group)| Ok((binding.try_into()?, group.into()))).transpose()
}

/// Like [`get`], holding both rows until the unit of work ends.
pub async fn lock(tx: &Tx, id: GroupBindingId) -> Result<Option<(GroupBinding, Group)>, Error> {
    // The group's row first, as everybody does, so that no two wait for each other.
    let found = get(tx, id).await?;
    let Some((_, group)) = found.as_ref().filter(|_| dialect::commits_concurrently(tx.db())) else {
        return Ok(found);
    };
    let group = scim_group::Entity::find_by_id(group.id.0).lock_exclusive().one(tx.db()).await?;
    let binding = Entity::find_by_id(id.0).lock_exclusive().one(tx.db()).await?;
    let (Some(group), Some(binding)) = (group, binding) else {
        return Ok(None);
    };
    Ok(Some((binding.try_into()?, group.into())))
}

/// The binding that has this group of a connection, and its SCIM group, a deleted one too.
pub async fn holder_of(
    reads: &impl Reads,
    connection: ConnectionId,
    object_id: &str,
) -> Result<Option<(GroupBindingId, Group)>, Error> {
    let found = Entity::find()
        .filter(COLUMN.connection_id.eq(connection.0))
        .filter(Column::ObjectId.eq(object_id))
        .find_both_related(scim_group::Entity)
        .one(&reads.executor())
        .await?;
    Ok(found.map(|(binding, group)| (GroupBindingId(binding.id), group.into())))
}

/// Makes the bindings of these groups dirty: one version more is wanted, due at once, in `lane` unless a more urgent one
/// has it already, in its old place in the queue if it waits already. `request` says who asked; `None` leaves what is
/// there. How many bindings those are: a group without one is passed over.
pub async fn mark(
    tx: &Tx,
    groups: &[GroupId],
    lane: Lane,
    request: Option<&Value>,
    now: i64,
) -> Result<u64, Error> {
    let mut ids: Vec<Uuid> = groups.iter().map(|id| id.0).collect();
    ids.sort_unstable();
    let mark = Mark { lane, request, now };
    let mut marked = 0;
    for ids in ids.chunks(AT_ONCE) {
        let which = Expr::col(Column::GroupId).is_in(ids.iter().copied());
        marked += mark.set(tx, Table::Groups, which).await?;
    }
    Ok(marked)
}

fn row(binding: &GroupBinding) -> Model {
    Model {
        id: binding.id.0,
        organization_id: binding.organization.0,
        connection_id: binding.connection.0,
        group_id: binding.group.0,
        object_id: binding.object_id.clone(),
        given: binding.given.clone(),
        wanted_version: binding.wanted_version,
        given_version: binding.given_version,
        lane: binding.lane.map(Lane::column),
        queued_at: binding.queued_at,
        attempts: binding.attempts,
        next_attempt_at: binding.next_attempt_at,
        lease_owner: binding.lease_owner,
        lease_until: binding.lease_until,
        request: binding.request.clone(),
        failure: binding.failure.clone(),
        given_at: binding.given_at,
        drift: binding.drift.clone(),
        unverified_at: binding.unverified_at,
    }
}

impl TryFrom<Model> for GroupBinding {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        Ok(Self {
            id: GroupBindingId(row.id),
            organization: OrganizationId(row.organization_id),
            connection: ConnectionId(row.connection_id),
            group: GroupId(row.group_id),
            object_id: row.object_id,
            given: row.given,
            wanted_version: row.wanted_version,
            given_version: row.given_version,
            lane: row.lane.map(Lane::from_column).transpose()?,
            queued_at: row.queued_at,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            lease_owner: row.lease_owner,
            lease_until: row.lease_until,
            request: row.request,
            failure: row.failure,
            given_at: row.given_at,
            drift: row.drift,
            unverified_at: row.unverified_at,
        })
    }
}
