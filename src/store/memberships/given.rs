//! What Microsoft Graph was given of a group's members, and what is left to give.

use entity::membership::{COLUMN, Column, Entity, Model};
use entity::{account_binding, group_binding};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, OnConflict, Order, SelectStatement};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait as _, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QueryResult, QuerySelect as _,
};
use uuid::Uuid;

use super::{MemberKind, alive, distinct, row, wanted, with_members};
use crate::ids::{ConnectionId, GroupId, OrganizationId};
use crate::store::{AT_ONCE, Error, Reads, Tx, groups};

/// A membership that Graph has yet to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The SCIM id of the user or group.
    pub member: Uuid,
    /// Which of them it is.
    pub kind: MemberKind,
    /// Its object id in the connection; of one to take out the id that Graph was given, where it was given one.
    /// `None`: Graph cannot have it, and only the row is to go.
    pub object_id: Option<String>,
}

/// At most `limit` that are no longer wanted, in the order of their ids.
pub async fn pending_removals(
    reads: &impl Reads,
    group: GroupId,
    connection: ConnectionId,
    limit: u64,
) -> Result<Vec<Pending>, Error> {
    let mut removals = with_objects(group, connection);
    removals.and_where(wanted().not());
    pending(reads, removals, limit).await
}

/// At most `limit` that are wanted and not given, in the order of their ids: only those that live and have an object id
/// in the connection.
pub async fn pending_additions(
    reads: &impl Reads,
    group: GroupId,
    connection: ConnectionId,
    limit: u64,
) -> Result<Vec<Pending>, Error> {
    let mut additions = not_given(group, connection);
    additions.and_where(Expr::expr(object_id()).is_not_null());
    pending(reads, additions, limit).await
}

/// At most `limit` that Graph was given, wanted or not, in the order of their ids: for a group that goes.
pub async fn given_to(reads: &impl Reads, group: GroupId, limit: u64) -> Result<Vec<Pending>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.group_id.eq(group.0))
        .filter(COLUMN.given_as.is_not_null())
        .order_by_asc(Column::MemberId)
        .limit(limit)
        .all(&reads.executor())
        .await?;
    rows.into_iter()
        .map(|row| {
            let kind = MemberKind::from_column(&row.member_kind)?;
            Ok(Pending { member: row.member_id, kind, object_id: row.given_as })
        })
        .collect()
}

/// How many are wanted and live, but have no object id in the connection yet; `most` stands for any higher number, so
/// that not all of very many are looked at.
pub async fn waiting(
    reads: &impl Reads,
    group: GroupId,
    connection: ConnectionId,
    most: u64,
) -> Result<u64, Error> {
    let mut waiting = not_given(group, connection);
    waiting.and_where(Expr::expr(object_id()).is_null()).column((Entity, Column::MemberId)).limit(most);
    Ok(reads.executor().query_all(&waiting).await?.len() as u64)
}

/// Notes that Graph has these members, each by its object id. One whose row is gone meanwhile gets a row that is not
/// wanted, so that it is taken out again.
pub async fn given(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    members: &[(Uuid, MemberKind, String)],
) -> Result<(), Error> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_unstable_by_key(|(id, ..)| *id);
    members.dedup_by_key(|(id, ..)| *id);
    for members in members.chunks(AT_ONCE) {
        let rows = members.iter().map(|(id, kind, object)| {
            let row = Model {
                wanted: false,
                given_as: Some(object.clone()),
                ..row(organization, group, *id, *kind)
            };
            row.into_active_model().reset_all()
        });
        let known = OnConflict::columns([Column::GroupId, Column::MemberId])
            .update_column(Column::GivenAs)
            .to_owned();
        Entity::insert_many(rows).on_conflict(known).exec_without_returning(tx.db()).await?;
    }
    Ok(())
}

/// Notes that Graph no longer has these members: their rows go. Those that are wanted again meanwhile are to be added
/// once more.
pub async fn gone(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    members: &[Uuid],
) -> Result<(), Error> {
    for ids in distinct(members).chunks(AT_ONCE) {
        taken_out(tx, organization, group, Some(ids)).await?;
    }
    Ok(())
}

/// Notes that the group is gone in Graph, and all its members with it.
pub async fn forget_given(tx: &Tx, organization: OrganizationId, group: GroupId) -> Result<(), Error> {
    taken_out(tx, organization, group, None).await
}

/// Forgets what Graph was given of the members that are wanted in these groups, as they are bound to nothing any more;
/// hold the groups' rows.
pub(in crate::store) async fn unlearn(tx: &Tx, groups: &[Uuid]) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::GivenAs, Expr::value(None::<String>))
        .filter(COLUMN.group_id.is_in(groups.iter().copied()))
        .filter(wanted())
        .filter(COLUMN.given_as.is_not_null())
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Of all members, or of `ids`.
async fn taken_out(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    ids: Option<&[Uuid]>,
) -> Result<(), Error> {
    let mut which =
        Condition::all().add(COLUMN.group_id.eq(group.0)).add(COLUMN.organization_id.eq(organization.0));
    if let Some(ids) = ids {
        which = which.add(COLUMN.member_id.is_in(ids.iter().copied()));
    }
    Entity::delete_many().filter(which.clone()).filter(wanted().not()).exec(tx.db()).await?;
    Entity::update_many()
        .col_expr(Column::GivenAs, Expr::value(None::<String>))
        .filter(which)
        .filter(wanted())
        .filter(COLUMN.given_as.is_not_null())
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Notes that a member has another object id, or none any more: what Graph was given by an older one is forgotten. The
/// groups in which something is to be done for it.
pub async fn object_changed(
    tx: &Tx,
    organization: OrganizationId,
    member: Uuid,
    new: Option<&str>,
) -> Result<Vec<GroupId>, Error> {
    let outdated = match new {
        Some(new) => Column::GivenAs.ne(new),
        None => Column::GivenAs.is_not_null(),
    };
    let of_member =
        || Condition::all().add(COLUMN.member_id.eq(member)).add(COLUMN.organization_id.eq(organization.0));
    let known: Vec<Uuid> = ids_of_groups(tx, of_member().add(outdated.clone())).await?;
    for ids in known.chunks(AT_ONCE) {
        groups::hold(tx, ids).await?;
        Entity::update_many()
            .col_expr(Column::GivenAs, Expr::value(None::<String>))
            .filter(of_member())
            .filter(COLUMN.group_id.is_in(ids.iter().copied()))
            .filter(outdated.clone())
            .exec(tx.db())
            .await?;
    }
    let dirty = Condition::any().add(wanted().not()).add(Column::GivenAs.is_null());
    let dirty = ids_of_groups(tx, of_member().add(dirty)).await?;
    Ok(dirty.into_iter().map(GroupId).collect())
}

pub(super) async fn ids_of_groups(reads: &impl Reads, which: Condition) -> Result<Vec<Uuid>, Error> {
    let groups = Entity::find().select_only().column(Column::GroupId).filter(which);
    Ok(groups.order_by_asc(Column::GroupId).into_tuple().all(&reads.executor()).await?)
}

async fn pending(reads: &impl Reads, mut rows: SelectStatement, limit: u64) -> Result<Vec<Pending>, Error> {
    rows.column((Entity, Column::MemberId))
        .column((Entity, Column::MemberKind))
        .expr_as(object_id(), "object_id")
        .order_by((Entity, Column::MemberId), Order::Asc)
        .limit(limit);
    let rows = reads.executor().query_all(&rows).await?;
    rows.iter().map(Pending::of).collect()
}

pub(super) fn not_given(group: GroupId, connection: ConnectionId) -> SelectStatement {
    with_objects(group, connection)
        .and_where(wanted())
        .and_where(Expr::col((Entity, Column::GivenAs)).is_null())
        .and_where(alive())
        .to_owned()
}

/// The group's rows, each with the object that the member is in the connection.
pub(super) fn with_objects(group: GroupId, connection: ConnectionId) -> SelectStatement {
    let member = || Expr::col((Entity, Column::MemberId));
    let account = |column| Expr::col((account_binding::Entity, column));
    let nested = |column| Expr::col((group_binding::Entity, column));
    with_members()
        .left_join(
            account_binding::Entity,
            account(account_binding::Column::UserId)
                .eq(member())
                .and(account(account_binding::Column::ConnectionId).eq(connection.0)),
        )
        .left_join(
            group_binding::Entity,
            nested(group_binding::Column::GroupId)
                .eq(member())
                .and(nested(group_binding::Column::ConnectionId).eq(connection.0)),
        )
        .and_where(Expr::col((Entity, Column::GroupId)).eq(group.0))
        .to_owned()
}

/// The id that Graph was given, else the one that the member has now.
fn object_id() -> impl Into<Expr> {
    Func::coalesce([
        Expr::col((Entity, Column::GivenAs)),
        Expr::col((account_binding::Entity, account_binding::Column::AccountId)),
        Expr::col((group_binding::Entity, group_binding::Column::ObjectId)),
    ])
}

impl Pending {
    fn of(row: &QueryResult) -> Result<Self, Error> {
        Ok(Self {
            member: row.try_get("", "member_id")?,
            kind: MemberKind::from_column(&row.try_get::<String>("", "member_kind")?)?,
            object_id: row.try_get("", "object_id")?,
        })
    }
}
