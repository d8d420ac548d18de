//! What administrators have granted in the browser to connections that act for a person.

use entity::authorization_grant::{COLUMN, Column, Entity, Model};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::{Error, Reads, Sealed, Tx};
use crate::ids::ConnectionId;

/// The grant of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The connection.
    pub connection: ConnectionId,
    /// The newest refresh token; it opens with the connection's id.
    pub refresh_token: Sealed,
    /// The administrator's object id in the tenant.
    pub user_id: String,
    /// The administrator's name in the tenant.
    pub user_name: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
    /// When the administrator granted it.
    pub granted_at: i64,
}

/// The grant of a connection.
pub async fn get(reads: &impl Reads, connection: ConnectionId) -> Result<Option<Grant>, Error> {
    let row = Entity::find_by_id(connection.0).one(&reads.executor()).await?;
    Ok(row.map(Into::into))
}

/// Keeps a grant in place of the one that there may be.
pub async fn put(tx: &Tx, grant: &Grant) -> Result<(), Error> {
    let row = Model {
        connection_id: grant.connection.0,
        refresh_token: grant.refresh_token.clone().into(),
        user_id: grant.user_id.clone(),
        user_name: grant.user_name.clone(),
        scopes: grant.scopes.join(" "),
        granted_at: grant.granted_at,
    };
    let renewed = OnConflict::column(Column::ConnectionId)
        .update_columns([
            Column::RefreshToken,
            Column::UserId,
            Column::UserName,
            Column::Scopes,
            Column::GrantedAt,
        ])
        .to_owned();
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(renewed)
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}

/// Keeps the refresh token that has come in place of the last one; [`Error::Missing`] when there is no grant.
pub async fn rotate(tx: &Tx, connection: ConnectionId, refresh_token: &Sealed) -> Result<(), Error> {
    let changed = Entity::update_many()
        .col_expr(Column::RefreshToken, Expr::value(refresh_token.as_bytes().to_vec()))
        .filter(COLUMN.connection_id.eq(connection.0))
        .exec(tx.db())
        .await?;
    match changed.rows_affected {
        0 => Err(Error::Missing("grant")),
        _ => Ok(()),
    }
}

impl From<Model> for Grant {
    fn from(row: Model) -> Self {
        Self {
            connection: ConnectionId(row.connection_id),
            refresh_token: row.refresh_token.into(),
            user_id: row.user_id,
            user_name: row.user_name,
            scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
            granted_at: row.granted_at,
        }
    }
}
