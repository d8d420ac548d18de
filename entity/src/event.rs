//! A directory-insights event.

use sea_orm::entity::prelude::*;

/// One event; it outlives what it tells of, so it has no foreign keys.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// When it happened.
    pub at: i64,
    /// One of the names of the contract, such as `user_create_provision`.
    pub event_type: String,
    /// The service that it belongs to, such as `directory`.
    pub service: String,
    /// Whether what it tells of succeeded.
    pub success: bool,
    /// The SCIM id of what it is about.
    pub resource_id: Option<String>,
    /// The user name of what it is about.
    pub username: Option<String>,
    /// The whole event as it is answered.
    #[sea_orm(column_type = "JsonBinary")]
    pub document: Json,
}

impl ActiveModelBehavior for ActiveModel {}
