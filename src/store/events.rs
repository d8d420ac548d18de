//! Directory-insights events.

use entity::event::{Entity, Model};
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _};
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
pub async fn append(tx: &Tx, events: &[EventRow]) -> Result<(), Error> {
    for some in events.chunks(AT_ONCE) {
        Entity::insert_many(
            some.iter()
                .map(|event| row(event).into_active_model().reset_all()),
        )
        .exec_without_returning(tx.db())
        .await?;
    }
    Ok(())
}

/// Rows in one statement: well below the parameters that either database takes (SQLite: 32,766).
const AT_ONCE: usize = 500;

fn row(event: &EventRow) -> Model {
    Model {
        id: event.id.0,
        organization_id: event.organization.0,
        at: event.at,
        event_type: event.event_type.clone(),
        service: event.service.clone(),
        success: event.success,
        resource_id: event.resource_id.clone(),
        username: event.username.clone(),
        document: event.document.clone(),
    }
}
