//! A SCIM group: what upstream wants. Its members are rows of their own.

use sea_orm::entity::prelude::*;

/// One group, or the tombstone of one.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scim_group")]
pub struct Model {
    /// UUIDv7; the `id` that upstream sees.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The connection that it belongs to.
    pub connection_id: Option<Uuid>,
    /// Grows by one with each change of what is wanted.
    pub version: i64,
    /// `displayName` as it was sent.
    pub display_name: String,
    /// `displayName` folded.
    pub display_name_key: String,
    /// `externalId`, compared exactly.
    pub external_id: Option<String>,
    /// The SCIM resource without its members.
    #[sea_orm(column_type = "JsonBinary")]
    pub resource: Json,
    /// `meta.created`.
    pub created_at: i64,
    /// `meta.lastModified`.
    pub updated_at: i64,
    /// When upstream deleted it; the row stays until Microsoft Graph has deleted its group.
    pub deleted_at: Option<i64>,
    /// What to go back to when Microsoft refuses the wanted state.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub rollback: Option<Json>,
    /// Its group in Microsoft Graph, when there is one.
    #[sea_orm(has_one)]
    pub binding: HasOne<super::group_binding::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
