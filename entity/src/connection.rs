//! A Microsoft 365 tenant that an organization has authorised.

use sea_orm::entity::prelude::*;

/// One connection.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connection")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// Unique in the organization.
    pub name: String,
    /// Which of Microsoft's clouds.
    pub cloud: String,
    /// The login host, where it is not the cloud's own.
    pub login_url: Option<String>,
    /// The Graph host, where it is not the cloud's own.
    pub graph_url: Option<String>,
    /// The tenant's id or domain.
    pub tenant: String,
    /// The application's id in the tenant.
    pub client_id: String,
    /// The application's credential, sealed.
    pub credential: Option<Vec<u8>>,
    /// What an admin has set.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Json,
    /// The domain for users that have none.
    pub default_domain: Option<String>,
    /// Whether it is in use.
    pub state: String,
    /// When it was made.
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
