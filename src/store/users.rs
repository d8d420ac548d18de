//! SCIM users: what upstream wants.

use serde_json::Value;

use super::bindings::Binding;
use super::{Error, Reads, Tx};
use crate::ids::{ConnectionId, OrganizationId, UserId};

/// One user, or the tombstone of one.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Its id, which upstream sees.
    pub id: UserId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The connection that it belongs to, by its domain.
    pub connection: Option<ConnectionId>,
    /// Grows with each change of what is wanted; the ETag is made from it.
    pub version: i64,
    /// `userName`; unique among the organization's living users without regard to case.
    pub user_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// `active`.
    pub active: bool,
    /// The SCIM resource as JSON. `displayName` and `emails[].value` are taken from it to look up by.
    pub resource: Value,
    /// `meta.created`.
    pub created_at: i64,
    /// `meta.lastModified`.
    pub updated_at: i64,
    /// When upstream deleted it: from then on no finder but the worker's sees it, and its name is free.
    pub deleted_at: Option<i64>,
    /// What to go back to when Microsoft refuses the wanted state.
    pub rollback: Option<Value>,
}

/// A page of users (RFC 7644 §3.4.2.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// How many users match, on all pages.
    pub total: u64,
    /// This page's users with their bindings, oldest first.
    pub items: Vec<(User, Option<Binding>)>,
}

/// Adds a user; [`Error::Taken`] when a living one has the name. The transaction stays usable after that error.
pub async fn insert(tx: &Tx, user: &User) -> Result<(), Error> { todo!() }
/// Writes the whole row by its id, of a tombstone too; [`Error::Missing`] when it is gone, [`Error::Taken`] when another
/// living user has the new name. After `Taken` the unit of work must end with an error: PostgreSQL refuses to go on.
pub async fn update(tx: &Tx, user: &User) -> Result<(), Error> { todo!() }
/// Removes the row, its addresses and its binding; false when there was none.
pub async fn remove(tx: &Tx, organization: OrganizationId, id: UserId) -> Result<bool, Error> { todo!() }
/// The living user with that id.
pub async fn get(reads: &impl Reads, organization: OrganizationId, id: UserId) -> Result<Option<(User, Option<Binding>)>, Error> { todo!() }
/// Like [`get`], holding both rows until the unit of work ends: take this before a change that depends on what was read.
pub async fn lock(tx: &Tx, organization: OrganizationId, id: UserId) -> Result<Option<(User, Option<Binding>)>, Error> { todo!() }
/// The living user of that name, in any case of letters.
pub async fn by_user_name(reads: &impl Reads, organization: OrganizationId, user_name: &str) -> Result<Option<(User, Option<Binding>)>, Error> { todo!() }
/// The newest tombstone of that name, held like in [`lock`].
pub async fn deleted_with_user_name(tx: &Tx, organization: OrganizationId, user_name: &str) -> Result<Option<(User, Option<Binding>)>, Error> { todo!() }
