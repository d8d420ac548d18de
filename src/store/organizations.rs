//! Organizations: the isolated customers of the installation.

use super::{Error, Reads, Tx};
use crate::ids::OrganizationId;

/// One organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Unique in the installation.
    pub name: String,
    /// When it was made.
    pub created_at: i64,
}

/// Adds an organization; [`Error::Taken`] when the name is in use.
pub async fn insert(tx: &Tx, organization: &Organization) -> Result<(), Error> { todo!() }
/// The organization of that name.
pub async fn by_name(reads: &impl Reads, name: &str) -> Result<Option<Organization>, Error> { todo!() }
/// All of them, by name.
pub async fn list(reads: &impl Reads) -> Result<Vec<Organization>, Error> { todo!() }
