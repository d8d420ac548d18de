//! An e-mail domain and the one connection that has it.

use sea_orm::entity::prelude::*;

/// One domain.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domain")]
pub struct Model {
    /// In lower case; unique in the installation, as it is in Microsoft 365.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The connection that has it.
    pub connection_id: Uuid,
    /// Whether it is the connection's own default.
    pub is_default: bool,
    /// Whether another identity provider signs its users in.
    pub federated: bool,
    /// When it was claimed.
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
