//! Connections: the Microsoft 365 tenants that an organization has authorised.

use serde_json::Value;

use super::{Error, Reads, Sealed, Tx};
use crate::ids::{ConnectionId, OrganizationId};

/// Whether a connection is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Work is carried out in it.
    Active,
    /// An admin has switched it off: every account stays as it is.
    Inactive,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub name: String,
    /// Which of Microsoft's clouds.
    pub cloud: String,
    /// The login host, where it is not the cloud's own.
    pub login_url: Option<String>,
    /// The Graph host, where it is not the cloud's own.
    pub graph_url: Option<String>,
    /// The tenant's id or one of its domains.
    pub tenant: String,
    /// The application's id in the tenant.
    pub client_id: String,
    /// The application's credential.
    pub credential: Option<Sealed>,
    /// What an admin has set; a JSON object.
    pub settings: Value,
    /// The domain for users that have none.
    pub default_domain: Option<String>,
    /// Whether it is in use.
    pub state: ConnectionState,
    /// When it was made.
    pub created_at: i64,
}

/// Adds a connection; [`Error::Taken`] when the organization has one of that name.
pub async fn insert(tx: &Tx, connection: &Connection) -> Result<(), Error> { todo!() }
/// Writes the whole row; [`Error::Missing`] when it is gone.
pub async fn update(tx: &Tx, connection: &Connection) -> Result<(), Error> { todo!() }
/// The connection with that id.
pub async fn get(reads: &impl Reads, organization: OrganizationId, id: ConnectionId) -> Result<Option<Connection>, Error> { todo!() }
/// The connection of that name.
pub async fn by_name(reads: &impl Reads, organization: OrganizationId, name: &str) -> Result<Option<Connection>, Error> { todo!() }
/// The organization's connections, by name.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<Connection>, Error> { todo!() }
/// Those of all organizations: for the worker, which serves them all.
pub async fn all(reads: &impl Reads) -> Result<Vec<Connection>, Error> { todo!() }
