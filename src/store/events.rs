//! Directory-insights events.

use entity::event::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _,
    Order as SqlOrder, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use serde_json::Value;

use super::{Error, Reads, Tx};
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

/// Which events to read, in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Of these services; of all when there is none.
    pub services: Vec<String>,
    /// From this time on.
    pub start: i64,
    /// Before this time, so that of two windows that meet no event is in both.
    pub end: Option<i64>,
    /// At most so many.
    pub limit: u64,
    /// Without the first so many.
    pub skip: u64,
    /// In which direction.
    pub order: Order,
    /// Only those behind this event, in the direction of `order`.
    pub after: Option<(i64, EventId)>,
}

/// By time, and among equal times by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Ascending,
    /// The newest first.
    Descending,
}

/// The documents of a page of events. Going on after the last one of a page meets each event exactly once.
pub async fn page(
    reads: &impl Reads,
    organization: OrganizationId,
    selection: &Selection,
) -> Result<Vec<Value>, Error> {
    let direction = match selection.order {
        Order::Ascending => SqlOrder::Asc,
        Order::Descending => SqlOrder::Desc,
    };
    let mut events = within(organization, selection);
    if let Some(after) = selection.after {
        events = events.filter(behind(selection.order, after));
    }
    let documents = events
        .select_only()
        .column(Column::Document)
        .order_by(Column::At, direction.clone())
        .order_by(Column::Id, direction)
        .offset(selection.skip)
        .limit(selection.limit)
        .into_tuple()
        .all(&reads.executor())
        .await?;
    Ok(documents)
}

/// How many events there are on all pages, whatever the limit, the skip and the place.
pub async fn count(
    reads: &impl Reads,
    organization: OrganizationId,
    selection: &Selection,
) -> Result<u64, Error> {
    Ok(within(organization, selection).count(&reads.executor()).await?)
}

fn within(organization: OrganizationId, selection: &Selection) -> Select<Entity> {
    let mut events = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.at.gte(selection.start));
    if let Some(end) = selection.end {
        events = events.filter(COLUMN.at.lt(end));
    }
    if !selection.services.is_empty() {
        events = events.filter(Column::Service.is_in(&selection.services));
    }
    events
}

/// The first part lets the index find the place, the second decides among equal times.
fn behind(order: Order, (at, id): (i64, EventId)) -> Condition {
    let (near, later, further) = match order {
        Order::Ascending => (COLUMN.at.gte(at), COLUMN.at.gt(at), COLUMN.id.gt(id.0)),
        Order::Descending => (COLUMN.at.lte(at), COLUMN.at.lt(at), COLUMN.id.lt(id.0)),
    };
    Condition::all()
        .add(near)
        .add(Condition::any().add(later).add(further))
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

#[cfg(test)]
mod tests;
