//! Users and groups that no connection takes, to be bound.

use entity::{account_binding, group_binding, scim_group, scim_user};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};

use super::groups::Group;
use super::users::User;
use super::{Error, Reads};
use crate::ids::{GroupId, OrganizationId, UserId};

/// The living users behind `after` that have no binding, in the order of their ids, at most `limit`.
pub async fn users(
    reads: &impl Reads,
    organization: OrganizationId,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<User>, Error> {
    let binding = Query::select()
        .expr(Expr::val(1))
        .from(account_binding::Entity)
        .and_where(
            Expr::col((account_binding::Entity, account_binding::Column::UserId))
                .eq(Expr::col((scim_user::Entity, scim_user::Column::Id))),
        )
        .to_owned();
    let mut users = super::users::living(organization)
        .filter(Expr::exists(binding).not())
        .order_by_asc(scim_user::Column::Id)
        .limit(limit);
    if let Some(after) = after {
        users = users.filter(scim_user::Column::Id.gt(after.0));
    }
    Ok(users.all(&reads.executor()).await?.into_iter().map(Into::into).collect())
}

/// The living groups behind `after` that have no binding, in the order of their ids, at most `limit`.
pub async fn groups(
    reads: &impl Reads,
    organization: OrganizationId,
    after: Option<GroupId>,
    limit: u64,
) -> Result<Vec<Group>, Error> {
    let binding = Query::select()
        .expr(Expr::val(1))
        .from(group_binding::Entity)
        .and_where(
            Expr::col((group_binding::Entity, group_binding::Column::GroupId))
                .eq(Expr::col((scim_group::Entity, scim_group::Column::Id))),
        )
        .to_owned();
    let mut groups = super::groups::living(organization)
        .filter(Expr::exists(binding).not())
        .order_by_asc(scim_group::Column::Id)
        .limit(limit);
    if let Some(after) = after {
        groups = groups.filter(scim_group::Column::Id.gt(after.0));
    }
    Ok(groups.all(&reads.executor()).await?.into_iter().map(Into::into).collect())
}
