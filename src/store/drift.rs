//! What others change in a tenant, set against the bindings: which of them an object id belongs to, which are to be
//! looked at again, and who is in a group, or is not, against what was given.

use entity::{account_binding, group_binding, member_drift, scim_group, scim_user};
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::bindings::Binding;
use super::group_bindings::GroupBinding;
use super::groups::Group;
use super::users::User;
use super::{AT_ONCE, Error, Reads, Tx, dialect};
use crate::ids::{BindingId, ConnectionId, GroupBindingId};

mod members;

pub use members::{Known, Membership, given_members, known, memberships, put_again, take_out};

/// That somebody is in a group, or is not, against what was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDrift {
    /// The object's id in Microsoft Graph.
    pub object: String,
    /// Whether others put it in; else they took it out.
    pub inside: bool,
    /// Whether an event has told it.
    pub told: bool,
    /// When it was seen first.
    pub seen_at: i64,
}

/// The bindings of a connection that have these accounts, with their users.
pub async fn accounts(
    reads: &impl Reads,
    connection: ConnectionId,
    ids: &[String],
) -> Result<Vec<(Binding, User)>, Error> {
    let mut found = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let rows = account_binding::Entity::find()
            .filter(account_binding::COLUMN.connection_id.eq(connection.0))
            .filter(account_binding::Column::AccountId.is_in(ids))
            .find_both_related(scim_user::Entity)
            .all(&reads.executor())
            .await?;
        for (binding, user) in rows {
            found.push((binding.try_into()?, user.into()));
        }
    }
    Ok(found)
}

/// The bindings of a connection that have these groups, with their SCIM groups.
pub async fn groups(
    reads: &impl Reads,
    connection: ConnectionId,
    ids: &[String],
) -> Result<Vec<(GroupBinding, Group)>, Error> {
    let mut found = Vec::new();
    for ids in ids.chunks(AT_ONCE) {
        let rows = group_binding::Entity::find()
            .filter(group_binding::COLUMN.connection_id.eq(connection.0))
            .filter(group_binding::Column::ObjectId.is_in(ids))
            .find_both_related(scim_group::Entity)
            .all(&reads.executor())
            .await?;
        for (binding, group) in rows {
            found.push((binding.try_into()?, group.into()));
        }
    }
    Ok(found)
}

/// At most `limit` accounts of a connection of which it is not known since `since` or longer whether Graph shows what they
/// were given, the longest first.
pub async fn unverified_accounts(
    reads: &impl Reads,
    connection: ConnectionId,
    since: i64,
    limit: u64,
) -> Result<Vec<Binding>, Error> {
    let rows = account_binding::Entity::find()
        .filter(account_binding::COLUMN.connection_id.eq(connection.0))
        .filter(account_binding::COLUMN.unverified_at.is_not_null())
        .filter(account_binding::COLUMN.unverified_at.lte(since))
        .order_by_asc(account_binding::Column::UnverifiedAt)
        .limit(limit)
        .all(&reads.executor())
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// At most `limit` groups of a connection of which that is not known since `since` or longer, the longest first.
pub async fn unverified_groups(
    reads: &impl Reads,
    connection: ConnectionId,
    since: i64,
    limit: u64,
) -> Result<Vec<GroupBinding>, Error> {
    let rows = group_binding::Entity::find()
        .filter(group_binding::COLUMN.connection_id.eq(connection.0))
        .filter(group_binding::COLUMN.unverified_at.is_not_null())
        .filter(group_binding::COLUMN.unverified_at.lte(since))
        .order_by_asc(group_binding::Column::UnverifiedAt)
        .limit(limit)
        .all(&reads.executor())
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// At most `limit` bindings of a connection behind `after` that have an account, in the order of their ids.
pub async fn bound_accounts(
    reads: &impl Reads,
    connection: ConnectionId,
    after: Option<BindingId>,
    limit: u64,
) -> Result<Vec<Binding>, Error> {
    let mut rows = account_binding::Entity::find()
        .filter(account_binding::COLUMN.connection_id.eq(connection.0))
        .filter(account_binding::Column::AccountId.is_not_null());
    if let Some(after) = after {
        rows = rows.filter(account_binding::COLUMN.id.gt(after.0));
    }
    let rows = rows.order_by_asc(account_binding::Column::Id).limit(limit).all(&reads.executor()).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// At most `limit` bindings of a connection behind `after` that have a group, in the order of their ids.
pub async fn bound_groups(
    reads: &impl Reads,
    connection: ConnectionId,
    after: Option<GroupBindingId>,
    limit: u64,
) -> Result<Vec<GroupBinding>, Error> {
    let mut rows = group_binding::Entity::find()
        .filter(group_binding::COLUMN.connection_id.eq(connection.0))
        .filter(group_binding::Column::ObjectId.is_not_null());
    if let Some(after) = after {
        rows = rows.filter(group_binding::COLUMN.id.gt(after.0));
    }
    let rows = rows.order_by_asc(group_binding::Column::Id).limit(limit).all(&reads.executor()).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Notes that these accounts were seen as they were given: they need not be looked at. Each goes with the time for which
/// that holds: one that was given something meanwhile is passed over, and so is one that somebody works on at this moment.
pub async fn verified(tx: &Tx, seen: &[(BindingId, i64)]) -> Result<(), Error> {
    for seen in seen.chunks(AT_ONCE) {
        let ids = seen.iter().map(|(id, _)| id.0);
        let mut rows = account_binding::Entity::find()
            .select_only()
            .columns([account_binding::Column::Id, account_binding::Column::UnverifiedAt])
            .filter(account_binding::COLUMN.id.is_in(ids))
            .filter(account_binding::Column::Lane.is_null())
            .order_by_asc(account_binding::Column::Id);
        if dialect::commits_concurrently(tx.db()) {
            // Whoever has the row finds out by itself; waiting here, with other rows held, two could wait for each other.
            rows = rows.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
        }
        let rows: Vec<(Uuid, Option<i64>)> = rows.into_tuple().all(tx.db()).await?;
        let same =
            |(id, at): &(Uuid, Option<i64>)| seen.iter().any(|one| one.0.0 == *id && Some(one.1) == *at);
        let ids: Vec<Uuid> = rows.iter().filter(|row| same(row)).map(|(id, _)| *id).collect();
        account_binding::Entity::update_many()
            .col_expr(account_binding::Column::UnverifiedAt, Expr::value(None::<i64>))
            .filter(account_binding::COLUMN.id.is_in(ids))
            .exec(tx.db())
            .await?;
    }
    Ok(())
}

/// What is remembered of these objects in a group.
pub async fn member_drift(
    reads: &impl Reads,
    group: GroupBindingId,
    objects: &[String],
) -> Result<Vec<MemberDrift>, Error> {
    let mut found = Vec::new();
    for objects in objects.chunks(AT_ONCE) {
        let rows = member_drift::Entity::find()
            .filter(member_drift::COLUMN.group_binding_id.eq(group.0))
            .filter(member_drift::Column::ObjectId.is_in(objects))
            .all(&reads.executor())
            .await?;
        found.extend(rows.into_iter().map(MemberDrift::from));
    }
    Ok(found)
}

/// At most `limit` of what is remembered of a group and was not told yet, in the order of the objects' ids.
pub async fn untold(
    reads: &impl Reads,
    group: GroupBindingId,
    limit: u64,
) -> Result<Vec<MemberDrift>, Error> {
    let rows = member_drift::Entity::find()
        .filter(member_drift::COLUMN.group_binding_id.eq(group.0))
        .filter(Expr::col((member_drift::Entity, member_drift::Column::Told)).not())
        .order_by_asc(member_drift::Column::ObjectId)
        .limit(limit)
        .all(&reads.executor())
        .await?;
    Ok(rows.into_iter().map(MemberDrift::from).collect())
}

/// Remembers these of a group, in place of what was remembered of the same objects.
pub async fn remember(tx: &Tx, group: GroupBindingId, members: &[MemberDrift]) -> Result<(), Error> {
    use member_drift::{Column, Entity, Model};
    for members in members.chunks(AT_ONCE) {
        let rows = members.iter().map(|member| {
            let row = Model {
                group_binding_id: group.0,
                object_id: member.object.clone(),
                inside: member.inside,
                told: member.told,
                seen_at: member.seen_at,
            };
            row.into_active_model().reset_all()
        });
        let known = OnConflict::columns([Column::GroupBindingId, Column::ObjectId])
            .update_columns([Column::Inside, Column::Told, Column::SeenAt])
            .to_owned();
        Entity::insert_many(rows).on_conflict(known).exec_without_returning(tx.db()).await?;
    }
    Ok(())
}

/// Forgets what is remembered of these objects in a group: they are as they were given.
pub async fn forget(tx: &Tx, group: GroupBindingId, objects: &[String]) -> Result<(), Error> {
    for objects in objects.chunks(AT_ONCE) {
        member_drift::Entity::delete_many()
            .filter(member_drift::COLUMN.group_binding_id.eq(group.0))
            .filter(member_drift::Column::ObjectId.is_in(objects))
            .exec(tx.db())
            .await?;
    }
    Ok(())
}

/// Forgets all that is remembered of a group's members.
pub async fn forget_all(tx: &Tx, group: GroupBindingId) -> Result<(), Error> {
    member_drift::Entity::delete_many()
        .filter(member_drift::COLUMN.group_binding_id.eq(group.0))
        .exec(tx.db())
        .await?;
    Ok(())
}

impl From<member_drift::Model> for MemberDrift {
    fn from(row: member_drift::Model) -> Self {
        Self { object: row.object_id, inside: row.inside, told: row.told, seen_at: row.seen_at }
    }
}

#[cfg(test)]
mod tests;
