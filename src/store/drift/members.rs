//! Whom an object id stands for, and what a group has of it.

use entity::membership::{COLUMN, Column, Entity, Model};
use entity::{account_binding, group_binding, scim_group, scim_user};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use crate::ids::{ConnectionId, GroupId, OrganizationId};
use crate::store::memberships::{self, MemberKind};
use crate::store::{AT_ONCE, Error, Reads, Tx};

/// Whom an object id stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The object's id in Microsoft Graph.
    pub object: String,
    /// The SCIM id.
    pub member: Uuid,
    /// What it is.
    pub kind: MemberKind,
    /// A user's `userName`, a group's `displayName`.
    pub name: String,
}

/// What a group has of one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The SCIM id.
    pub member: Uuid,
    /// Whether upstream wants it.
    pub wanted: bool,
    /// The object id that Graph was given.
    pub given_as: Option<String>,
}

/// The users and groups of a connection that these objects stand for; whoever has none here is left out.
pub async fn known(
    reads: &impl Reads,
    connection: ConnectionId,
    objects: &[String],
) -> Result<Vec<Known>, Error> {
    let mut found = Vec::new();
    for objects in objects.chunks(AT_ONCE) {
        let users: Vec<(Option<String>, Uuid, String)> = account_binding::Entity::find()
            .inner_join(scim_user::Entity)
            .select_only()
            .column(account_binding::Column::AccountId)
            .column(account_binding::Column::UserId)
            .column(scim_user::Column::UserName)
            .filter(account_binding::COLUMN.connection_id.eq(connection.0))
            .filter(account_binding::Column::AccountId.is_in(objects))
            .into_tuple()
            .all(&reads.executor())
            .await?;
        let groups: Vec<(Option<String>, Uuid, String)> = group_binding::Entity::find()
            .inner_join(scim_group::Entity)
            .select_only()
            .column(group_binding::Column::ObjectId)
            .column(group_binding::Column::GroupId)
            .column(scim_group::Column::DisplayName)
            .filter(group_binding::COLUMN.connection_id.eq(connection.0))
            .filter(group_binding::Column::ObjectId.is_in(objects))
            .into_tuple()
            .all(&reads.executor())
            .await?;
        let of = |kind| {
            move |(object, member, name): (Option<String>, Uuid, String)| {
                Some(Known { object: object?, member, kind, name })
            }
        };
        found.extend(users.into_iter().filter_map(of(MemberKind::User)));
        found.extend(groups.into_iter().filter_map(of(MemberKind::Group)));
    }
    Ok(found)
}

/// The rows of these members of a group, of those that have one.
pub async fn memberships(
    reads: &impl Reads,
    group: GroupId,
    members: &[Uuid],
) -> Result<Vec<Membership>, Error> {
    let mut found = Vec::new();
    for members in members.chunks(AT_ONCE) {
        let rows = Entity::find()
            .filter(COLUMN.group_id.eq(group.0))
            .filter(COLUMN.member_id.is_in(members.iter().copied()))
            .all(&reads.executor())
            .await?;
        found.extend(rows.into_iter().map(Membership::from));
    }
    Ok(found)
}

/// At most `limit` members of a group behind `after` that are wanted and that Graph was given, in the order of their ids.
pub async fn given_members(
    reads: &impl Reads,
    group: GroupId,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Membership>, Error> {
    let mut rows = Entity::find()
        .filter(COLUMN.group_id.eq(group.0))
        .filter(COLUMN.given_as.is_not_null())
        .filter(Expr::col((Entity, Column::Wanted)));
    if let Some(after) = after {
        rows = rows.filter(COLUMN.member_id.gt(after));
    }
    let rows = rows.order_by_asc(Column::MemberId).limit(limit).all(&reads.executor()).await?;
    Ok(rows.into_iter().map(Membership::from).collect())
}

/// Notes that Graph does not have these members any more, though they are wanted: they are to be added again. Hold the
/// group's row.
pub async fn put_again(tx: &Tx, group: GroupId, members: &[Uuid]) -> Result<(), Error> {
    for members in members.chunks(AT_ONCE) {
        Entity::update_many()
            .col_expr(Column::GivenAs, Expr::value(None::<String>))
            .filter(COLUMN.group_id.eq(group.0))
            .filter(COLUMN.member_id.is_in(members.iter().copied()))
            .filter(Expr::col((Entity, Column::Wanted)))
            .exec(tx.db())
            .await?;
    }
    Ok(())
}

/// Notes that Graph has these, each by its object id, though nobody wants them in the group: they are to be taken out.
/// One that has a row already is passed over. Hold the group's row.
pub async fn take_out(
    tx: &Tx,
    organization: OrganizationId,
    group: GroupId,
    members: &[Known],
) -> Result<(), Error> {
    for members in members.chunks(AT_ONCE) {
        let rows = members.iter().map(|known| {
            let row = Model {
                wanted: false,
                given_as: Some(known.object.clone()),
                ..memberships::row(organization, group, known.member, known.kind)
            };
            row.into_active_model().reset_all()
        });
        let has_one = OnConflict::columns([Column::GroupId, Column::MemberId]).do_nothing().to_owned();
        Entity::insert_many(rows).on_conflict(has_one).exec_without_returning(tx.db()).await?;
    }
    Ok(())
}

impl From<Model> for Membership {
    fn from(row: Model) -> Self {
        Self { member: row.member_id, wanted: row.wanted, given_as: row.given_as }
    }
}
