//! The link from a SCIM user to one account: what Microsoft Graph was given, and the work that is left.

use sea_orm::entity::prelude::*;

/// One binding.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account_binding")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The tenant that the account is in.
    pub connection_id: Uuid,
    /// The user; it has at most one binding.
    #[sea_orm(unique)]
    pub user_id: Uuid,
    /// The account's object id, once it is known.
    pub account_id: Option<String>,
    /// The properties that Graph was last given.
    #[sea_orm(column_type = "JsonBinary")]
    pub given: Json,
    /// The user's version that is wanted in the tenant.
    pub wanted_version: i64,
    /// The user's version that Graph was last given.
    pub given_version: i64,
    /// Which lane the work waits in; NULL when there is nothing to do.
    pub lane: Option<i16>,
    /// Since when it waits.
    pub queued_at: i64,
    /// How often it was tried without success.
    pub attempts: i32,
    /// Not to be tried before.
    pub next_attempt_at: i64,
    /// The worker that holds it.
    pub lease_owner: Option<Uuid>,
    /// Until when that worker holds it.
    pub lease_until: i64,
    /// The password to set, sealed; erased once used.
    pub sealed_password: Option<Vec<u8>>,
    /// Who asked for the waiting work, for its event.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub request: Option<Json>,
    /// Why the last try failed.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub failure: Option<Json>,
    /// When Graph was last given something.
    pub given_at: Option<i64>,
    /// What others were seen to have changed.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub drift: Option<Json>,
    /// Since when it is not known whether Graph shows what it was given.
    pub unverified_at: Option<i64>,
    /// The user's row.
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<super::scim_user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
