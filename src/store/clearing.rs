//! Forgetting what a connection was given, lot by lot, so that no transaction is long however many bindings there are.

use entity::{account_binding, group_binding, scim_group, scim_user};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

use super::{AT_ONCE, Error, Reads, Tx, dialect, groups, memberships};
use crate::ids::{ConnectionId, GroupId, OrganizationId, UserId};

/// A group may have very many members.
const GROUPS_AT_ONCE: u64 = 50;

/// One whose binding is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared<T> {
    /// The user or group.
    pub id: T,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it is in Microsoft 365, and stays.
    pub object: Option<String>,
    /// Whether upstream has deleted it: then nobody needs its row any more.
    pub is_deleted: bool,
}

/// How many users and groups are bound in a connection.
pub async fn bound(reads: &impl Reads, connection: ConnectionId) -> Result<u64, Error> {
    let db = reads.executor();
    let accounts = account_binding::Entity::find()
        .filter(account_binding::COLUMN.connection_id.eq(connection.0))
        .count(&db)
        .await?;
    let groups = group_binding::Entity::find()
        .filter(group_binding::COLUMN.connection_id.eq(connection.0))
        .count(&db)
        .await?;
    Ok(accounts + groups)
}

/// Deletes a lot of the users' bindings of a connection; none is left when it is empty. Their users belong to no
/// connection any more, and go back to nothing.
pub async fn accounts(tx: &Tx, connection: ConnectionId) -> Result<Vec<Cleared<UserId>>, Error> {
    let rows: Vec<(Uuid, Option<String>)> = account_binding::Entity::find()
        .select_only()
        .columns([account_binding::Column::UserId, account_binding::Column::AccountId])
        .filter(account_binding::COLUMN.connection_id.eq(connection.0))
        .limit(AT_ONCE as u64)
        .into_tuple()
        .all(tx.db())
        .await?;
    clear_accounts(tx, connection, rows).await
}

/// Deletes the binding that one user has in a connection.
pub async fn account(tx: &Tx, connection: ConnectionId, user: UserId) -> Result<(), Error> {
    clear_accounts(tx, connection, vec![(user.0, None)]).await?;
    Ok(())
}

async fn clear_accounts(
    tx: &Tx,
    connection: ConnectionId,
    mut rows: Vec<(Uuid, Option<String>)>,
) -> Result<Vec<Cleared<UserId>>, Error> {
    // The users' rows first and in the order of their ids, as everybody does, so that no two wait for each other.
    rows.sort_unstable();
    let ids = || rows.iter().map(|(id, _)| *id);
    let mut users = scim_user::Entity::find()
        .select_only()
        .columns([scim_user::Column::Id, scim_user::Column::OrganizationId])
        .expr_as(Expr::col(scim_user::Column::DeletedAt).is_not_null(), "is_deleted")
        .filter(scim_user::COLUMN.id.is_in(ids()))
        .order_by_asc(scim_user::Column::Id);
    if dialect::commits_concurrently(tx.db()) {
        users = users.lock_exclusive();
    }
    let users: Vec<(Uuid, Uuid, bool)> = users.into_tuple().all(tx.db()).await?;
    account_binding::Entity::delete_many()
        .filter(account_binding::COLUMN.user_id.is_in(ids()))
        .filter(account_binding::COLUMN.connection_id.eq(connection.0))
        .exec(tx.db())
        .await?;
    scim_user::Entity::update_many()
        .col_expr(scim_user::Column::ConnectionId, Expr::value(None::<Uuid>))
        .col_expr(scim_user::Column::Rollback, Expr::value(None::<serde_json::Value>))
        .filter(scim_user::COLUMN.id.is_in(ids()))
        .exec(tx.db())
        .await?;
    Ok(cleared(users, &rows).map(|cleared| cleared.of(UserId)).collect())
}

/// Deletes a lot of the groups' bindings of a connection, and forgets what it was given of their members; none is left
/// when it is empty. Who was to be taken out of a group is remembered until the group is bound again.
pub async fn groups(tx: &Tx, connection: ConnectionId) -> Result<Vec<Cleared<GroupId>>, Error> {
    let rows: Vec<(Uuid, Option<String>)> = group_binding::Entity::find()
        .select_only()
        .columns([group_binding::Column::GroupId, group_binding::Column::ObjectId])
        .filter(group_binding::COLUMN.connection_id.eq(connection.0))
        .limit(GROUPS_AT_ONCE)
        .into_tuple()
        .all(tx.db())
        .await?;
    clear_groups(tx, connection, rows).await
}

/// Deletes the binding that one group has in a connection.
pub async fn group(tx: &Tx, connection: ConnectionId, group: GroupId) -> Result<(), Error> {
    clear_groups(tx, connection, vec![(group.0, None)]).await?;
    Ok(())
}

async fn clear_groups(
    tx: &Tx,
    connection: ConnectionId,
    mut rows: Vec<(Uuid, Option<String>)>,
) -> Result<Vec<Cleared<GroupId>>, Error> {
    rows.sort_unstable();
    let ids: Vec<Uuid> = rows.iter().map(|(id, _)| *id).collect();
    groups::hold(tx, &ids).await?;
    let found: Vec<(Uuid, Uuid, bool)> = scim_group::Entity::find()
        .select_only()
        .columns([scim_group::Column::Id, scim_group::Column::OrganizationId])
        .expr_as(Expr::col(scim_group::Column::DeletedAt).is_not_null(), "is_deleted")
        .filter(scim_group::COLUMN.id.is_in(ids.iter().copied()))
        .order_by_asc(scim_group::Column::Id)
        .into_tuple()
        .all(tx.db())
        .await?;
    group_binding::Entity::delete_many()
        .filter(group_binding::COLUMN.group_id.is_in(ids.iter().copied()))
        .filter(group_binding::COLUMN.connection_id.eq(connection.0))
        .exec(tx.db())
        .await?;
    memberships::unlearn(tx, &ids).await?;
    scim_group::Entity::update_many()
        .col_expr(scim_group::Column::ConnectionId, Expr::value(None::<Uuid>))
        .col_expr(scim_group::Column::Rollback, Expr::value(None::<serde_json::Value>))
        .filter(scim_group::COLUMN.id.is_in(ids.iter().copied()))
        .exec(tx.db())
        .await?;
    Ok(cleared(found, &rows).map(|cleared| cleared.of(GroupId)).collect())
}

/// The rows that were found, each with its object.
fn cleared(
    found: Vec<(Uuid, Uuid, bool)>,
    objects: &[(Uuid, Option<String>)],
) -> impl Iterator<Item = Cleared<Uuid>> {
    found.into_iter().map(|(id, organization, is_deleted)| {
        let at = objects.binary_search_by_key(&id, |(id, _)| *id).ok();
        let object = at.and_then(|at| objects[at].1.clone());
        Cleared { id, organization: OrganizationId(organization), object, is_deleted }
    })
}

impl Cleared<Uuid> {
    fn of<T>(self, id: impl FnOnce(Uuid) -> T) -> Cleared<T> {
        let Self { id: plain, organization, object, is_deleted } = self;
        Cleared { id: id(plain), organization, object, is_deleted }
    }
}
