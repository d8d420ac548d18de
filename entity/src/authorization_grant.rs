//! What an administrator has granted in the browser: the newest refresh token of a delegated connection.

use sea_orm::entity::prelude::*;

/// The grant of one connection.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_grant")]
pub struct Model {
    /// The connection that it is for.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: Uuid,
    /// The refresh token, sealed.
    pub refresh_token: Vec<u8>,
    /// The administrator's object id.
    pub user_id: String,
    /// The administrator's name in the tenant.
    pub user_name: String,
    /// What was granted: words with blanks between.
    pub scopes: String,
    /// When it was granted.
    pub granted_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
