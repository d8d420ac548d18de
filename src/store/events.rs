//! Directory-insights events.

use serde_json::Value;

use super::{Error, Tx};
use crate::ids::{EventId, OrganizationId};

/// An event to store: the document, and what it is looked up by.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// When it happened.
    pub at: i64,
    /// One of the contract's names, such as `user_create_provision`.
    pub event_type: String,
    /// The service that it belongs to, such as `directory`.
    pub service: String,
    /// Whether what it tells of succeeded.
    pub success: bool,
    /// The SCIM id of what it is about.
    pub resource_id: Option<String>,
    /// The user name of what it is about.
    pub username: Option<String>,
    /// The whole event as it is answered.
    pub document: Value,
}

/// Writes events, in the transaction of what they tell of.
pub async fn append(tx: &Tx, events: &[EventRow]) -> Result<(), Error> { todo!() }
