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
    /// How the application proves who it is, or whom it acts for.
    pub grant_kind: String,
    /// The application's credential, sealed.
    pub credential: Option<Vec<u8>>,
    /// What an admin has set.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Json,
    /// The domain for users that have none.
    pub default_domain: Option<String>,
    /// Whether it is in use.
    pub state: String,
    /// Why it is in that state, or what an administrator should know.
    pub state_detail: Option<String>,
    /// Whether its bindings are cleared while it is inactive.
    pub clearing: bool,
    /// The domains that an administrator named; NULL for all that the tenant has verified.
    #[sea_orm(column_type = "JsonBinary", nullable)]
    pub wished_domains: Option<Json>,
    /// The default domain that an administrator named.
    pub wished_default: Option<String>,
    /// When the tenant's domains were last read.
    pub domains_read_at: Option<i64>,
    /// When it was made.
    pub created_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
