//! E-mail domains, each of one connection.

use super::{Error, Reads, Tx};
use crate::ids::{ConnectionId, OrganizationId};

/// One domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Unique in the installation; kept in lower case.
    pub name: String,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The connection that has it.
    pub connection: ConnectionId,
    /// Whether it is the tenant's own default.
    pub is_default: bool,
    /// When it was claimed.
    pub created_at: i64,
}

/// Claims a domain; [`Error::Taken`] when a connection has it already.
pub async fn insert(tx: &Tx, domain: &Domain) -> Result<(), Error> { todo!() }
/// Gives a domain up; false when the organization did not have it.
pub async fn remove(tx: &Tx, organization: OrganizationId, name: &str) -> Result<bool, Error> { todo!() }
/// The connection that has the domain, in any case of letters.
pub async fn connection_of(reads: &impl Reads, organization: OrganizationId, name: &str) -> Result<Option<ConnectionId>, Error> { todo!() }
/// The organization's domains, by name.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<Domain>, Error> { todo!() }
