//! Upstreams: the identity systems that push.

use super::{Error, Reads, Tx};
use crate::ids::{OrganizationId, UpstreamId};

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its id.
    pub id: UpstreamId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub name: String,
    /// Which client's habits the SCIM server allows for, by the dialect's name.
    pub dialect: String,
    /// When it was made.
    pub created_at: i64,
}

/// Adds an upstream; [`Error::Taken`] when the organization has one of that name.
pub async fn insert(tx: &Tx, upstream: &Upstream) -> Result<(), Error> { todo!() }
/// The upstream with that id.
pub async fn get(reads: &impl Reads, organization: OrganizationId, id: UpstreamId) -> Result<Option<Upstream>, Error> { todo!() }
/// The upstream of that name.
pub async fn by_name(reads: &impl Reads, organization: OrganizationId, name: &str) -> Result<Option<Upstream>, Error> { todo!() }
/// All of the organization's, by name.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<Upstream>, Error> { todo!() }
