//! A SCIM user: what upstream wants.

use sea_orm::entity::prelude::*;

/// One user, or the tombstone of one.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scim_user")]
pub struct Model {
    /// UUIDv7; the `id` that upstream sees.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The connection that it belongs to, by its domain.
    pub connection_id: Option<Uuid>,
    /// Grows by one with each change of what is wanted.
    pub version: i64,
    /// `userName` as it was sent.
    pub user_name: String,
    /// `userName` folded: unique in the organization among the living.
    pub user_name_key: String,
    /// `externalId`, compared exactly.
    pub external_id: Option<String>,
    /// `displayName` folded.
    pub display_name_key: Option<String>,
    /// `active`.
    pub active: bool,
    /// `manager.value` of the enterprise extension, where it can be a user's id.
    pub manager_id: Option<Uuid>,
    /// The SCIM resource.
    #[sea_orm(column_type = "JsonBinary")]
    pub resource: Json,
    /// `meta.created`.
    pub created_at: i64,
    /// `meta.lastModified`.
    pub updated_at: i64,
    /// When upstream deleted it; the row stays until the account is blocked.
    pub deleted_at: Option<i64>,
    /// What to go back to when Microsoft refuses the wanted state.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub rollback: Option<Json>,
    /// Its account, when there is one.
    #[sea_orm(has_one)]
    pub binding: HasOne<super::account_binding::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
