//! Who is in which group, a row for each: what upstream wants here, what Microsoft Graph was given in `given`, and the way
//! up from a member to its groups in `nesting`.
//!
//! A member of the SCIM group is a row that is wanted and whose user or group lives. Nothing reads or rewrites all rows to
//! change one. Whoever changes rows holds the group's row ([`groups::lock`](super::groups::lock)); what changes them from
//! the member's side does so itself. Ids go to the database in pieces that it can take, however many there are.

use std::collections::HashSet;

use entity::membership::{COLUMN, Column, Entity, Model};
use entity::{scim_group, scim_user};
use sea_orm::sea_query::{BinOper, Expr, ExprTrait as _, Func, OnConflict, Order, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QueryResult, QuerySelect as _, UpdateMany,
};
use uuid::Uuid;

use super::{AT_ONCE, Error, Reads, Tx};
use crate::ids::{GroupId, OrganizationId};

mod given;
mod nesting;
mod regained;

pub(super) use given::unlearn;
pub use given::{
    Pending, forget_given, given, given_to, gone, object_changed, pending_additions, pending_removals,
    waiting,
};
pub use nesting::{GroupRef, groups_of, member_gone};
pub use regained::regained;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberKind {
    /// A user.
    User,
    /// A group.
    Group,
}

impl MemberKind {
    /// The name of its resource type: `members.type` (RFC 7643 §8.7.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }
}

/// A living member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The SCIM id of the user or group.
    pub id: Uuid,
    /// Which of them it is.
    pub kind: MemberKind,
    /// The name to show: `displayName`, else `userName`.
    pub display: Option<String>,
}

/// Those of `ids` that are living users or groups of the organization.
pub async fn known(
    reads: &impl Reads,
    organization: OrganizationId,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, MemberKind)>, Error> {
    let db = reads.executor();
    let mut known = Vec::new();
    for ids in distinct(ids).chunks(AT_ONCE) {
        let users: Vec<Uuid> = super::users::living(organization)
            .select_only()
            .column(scim_user::Column::Id)
            .filter(scim_user::COLUMN.id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(&db)
            .await?;
        let groups: Vec<Uuid> = super::groups::living(organization)
            .select_only()
            .column(scim_group::Column::Id)
            .filter(scim_group::COLUMN.id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(&db)
            .await?;
        known.extend(users.into_iter().map(|id| (id, MemberKind::User)));
        known.extend(groups.into_iter().map(|id| (id, MemberKind::Group)));
    }
    Ok(known)
}

/// Wants these members in the group; those that were not wanted before, in the order of their ids. What Graph was given
/// of these is forgotten: they are to be added again.
pub async fn add(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    members: &[(Uuid, MemberKind)],
) -> Result<Vec<Uuid>, Error> {
    let mut seen = HashSet::new();
    let mut rows: Vec<Model> = members
        .iter()
        .filter(|(id, _)| seen.insert(*id))
        .map(|(id, kind)| row(organization, group, *id, *kind))
        .collect();
    // In the order of the keys, as they are stored.
    rows.sort_unstable_by_key(|row| row.member_id);
    let mut added = Vec::new();
    for rows in rows.chunks(AT_ONCE) {
        let wanted = OnConflict::columns([Column::GroupId, Column::MemberId])
            .value(Column::Wanted, true)
            // Graph may be taking it out at this moment: whether it is there is not known until it is added again.
            .value(Column::GivenAs, Expr::value(None::<String>))
            .action_and_where(Expr::col((Entity, Column::Wanted)).not())
            .to_owned();
        let rows = rows.iter().map(|row| row.clone().into_active_model().reset_all());
        let keys = Entity::insert_many(rows).on_conflict(wanted).exec_with_returning_keys(tx.db()).await?;
        added.extend(keys.into_iter().map(|(_, member)| member));
    }
    added.sort_unstable();
    Ok(added)
}

/// Wants these out of the group; those that were wanted before, in the order of their ids.
pub async fn remove(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    members: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let mut removed = Vec::new();
    for ids in distinct(members).chunks(AT_ONCE) {
        let rows = removal(organization, group, ids).exec_with_returning(tx.db()).await?;
        removed.extend(rows.into_iter().map(|row| row.member_id));
    }
    removed.sort_unstable();
    Ok(removed)
}

fn removal(organization: OrganizationId, group: GroupId, ids: &[Uuid]) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::Wanted, Expr::value(false))
        .filter(COLUMN.group_id.eq(group.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.member_id.is_in(ids.iter().copied()))
        .filter(wanted())
}

/// Wants all out of the group but `keep`; those that were wanted before.
pub async fn retain(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    keep: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let keep: HashSet<Uuid> = keep.iter().copied().collect();
    let mut removed = Vec::new();
    let mut last = None;
    loop {
        let mut rows = Entity::find()
            .select_only()
            .column(Column::MemberId)
            .filter(COLUMN.group_id.eq(group.0))
            .filter(wanted())
            .order_by_asc(Column::MemberId)
            .limit(AT_ONCE as u64);
        if let Some(last) = last {
            rows = rows.filter(COLUMN.member_id.gt(last));
        }
        let ids: Vec<Uuid> = rows.into_tuple().all(tx.db()).await?;
        let others: Vec<Uuid> = ids.iter().copied().filter(|id| !keep.contains(id)).collect();
        removed.extend(remove(tx, organization, group, &others).await?);
        last = ids.last().copied();
        if ids.len() < AT_ONCE {
            return Ok(removed);
        }
    }
}

/// Wants each of these in the group or out of it, for a change that is taken back; how many rows changed.
pub async fn set_wanted(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    members: &[(Uuid, MemberKind, bool)],
) -> Result<u64, Error> {
    let inside = members.iter().filter(|(.., wanted)| *wanted).map(|(id, kind, _)| (*id, *kind));
    let outside = members.iter().filter(|(.., wanted)| !*wanted).map(|(id, ..)| *id);
    let added = add(tx, organization, group, &inside.collect::<Vec<_>>()).await?;
    let removed = remove(tx, organization, group, &outside.collect::<Vec<_>>()).await?;
    Ok((added.len() + removed.len()) as u64)
}

/// The living members behind `after` in the order of their ids, at most `limit`.
pub async fn page(
    reads: &impl Reads,
    organization: OrganizationId,
    group: GroupId,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Member>, Error> {
    let display_name = Expr::col((scim_user::Entity, scim_user::Column::Resource))
        .binary(BinOper::Custom("->>"), Expr::cust("'displayName'"));
    let user_name = Expr::col((scim_user::Entity, scim_user::Column::UserName));
    let group_name = Expr::col((scim_group::Entity, scim_group::Column::DisplayName));
    let mut page = living(organization, group);
    page.column((Entity, Column::MemberId))
        .column((Entity, Column::MemberKind))
        .expr_as(Func::coalesce([display_name, user_name, group_name]), "display")
        .order_by((Entity, Column::MemberId), Order::Asc)
        .limit(limit);
    if let Some(after) = after {
        page.and_where(Expr::col((Entity, Column::MemberId)).gt(after));
    }
    let rows = reads.executor().query_all(&page).await?;
    rows.iter().map(Member::of).collect()
}

/// The ids of the groups that have this living member, for a condition on groups.
pub(super) fn groups_having(organization: OrganizationId, member: Uuid) -> SelectStatement {
    with_members()
        .column((Entity, Column::GroupId))
        .and_where(Expr::col((Entity, Column::MemberId)).eq(member))
        .and_where(Expr::col((Entity, Column::OrganizationId)).eq(organization.0))
        .and_where(wanted())
        .and_where(alive())
        .to_owned()
}

/// The rows of the members that are wanted and live.
fn living(organization: OrganizationId, group: GroupId) -> SelectStatement {
    with_members()
        .and_where(Expr::col((Entity, Column::GroupId)).eq(group.0))
        .and_where(Expr::col((Entity, Column::OrganizationId)).eq(organization.0))
        .and_where(wanted())
        .and_where(alive())
        .to_owned()
}

/// Memberships, each with the living user or group that it is about.
fn with_members() -> SelectStatement {
    let user = |column| Expr::col((scim_user::Entity, column));
    let group = |column| Expr::col((scim_group::Entity, column));
    Query::select()
        .from(Entity)
        .left_join(
            scim_user::Entity,
            user(scim_user::Column::Id)
                .eq(Expr::col((Entity, Column::MemberId)))
                .and(user(scim_user::Column::DeletedAt).is_null()),
        )
        .left_join(
            scim_group::Entity,
            group(scim_group::Column::Id)
                .eq(Expr::col((Entity, Column::MemberId)))
                .and(group(scim_group::Column::DeletedAt).is_null()),
        )
        .to_owned()
}

fn alive() -> Expr {
    let user = Expr::col((scim_user::Entity, scim_user::Column::Id)).is_not_null();
    user.or(Expr::col((scim_group::Entity, scim_group::Column::Id)).is_not_null())
}

/// The column by itself, as in the indexes of the dirty rows: SQLite takes these for no other condition.
fn wanted() -> Expr {
    Expr::col((Entity, Column::Wanted))
}

pub(super) fn row(organization: OrganizationId, group: GroupId, member: Uuid, kind: MemberKind) -> Model {
    Model {
        group_id: group.0,
        member_id: member,
        organization_id: organization.0,
        member_kind: kind.column().to_owned(),
        wanted: true,
        given_as: None,
    }
}

fn distinct(ids: &[Uuid]) -> Vec<Uuid> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Member {
    fn of(row: &QueryResult) -> Result<Self, Error> {
        Ok(Self {
            id: row.try_get("", "member_id")?,
            kind: MemberKind::from_column(&row.try_get::<String>("", "member_kind")?)?,
            display: row.try_get("", "display")?,
        })
    }
}

impl MemberKind {
    const fn column(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    fn from_column(kind: &str) -> Result<Self, Error> {
        match kind {
            "user" => Ok(Self::User),
            "group" => Ok(Self::Group),
            _ => Err(Error::Unreadable { table: "membership", what: format!("the member kind {kind:?}") }),
        }
    }
}

#[cfg(test)]
mod tests;
