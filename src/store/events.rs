//! Directory-insights events.

use std::time::Duration;

use entity::event::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, EntityTrait as _, IntoActiveModel as _,
    Order as SqlOrder, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Error, Reads, Store, Tx, dialect};
use crate::clock::Clock;
use crate::ids::{EventId, OrganizationId};
use crate::insights::{self, Cursor, Event, Order, Outcome, Query, Services};

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

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            organization: event.organization,
            at: event.at,
            event_type: event.event_type.as_str().to_owned(),
            service: insights::SERVICE.to_owned(),
            success: matches!(event.outcome, Outcome::Success),
            resource_id: Some(event.resource.id.clone()),
            username: event.resource.username.clone(),
            document: event.document(),
        }
    }
}

/// Announces that this unit of work will write events. Take their times and ids after it, not before: from then on
/// nobody who asks [`settled`] is told a time that lies behind them.
pub async fn announce(tx: &Tx) -> Result<(), Error> {
    Ok(dialect::share_events(tx.db()).await?)
}

/// The latest time up to which no further event will come, by `clock`. None where units of work are committed one
/// after another, so that events appear in the order of their times anyway.
///
/// Without it a collector that goes on from the last event it has seen would pass over one whose transaction took a
/// little longer. Those who write are waited for, and new ones wait, for about a millisecond.
pub async fn settled(store: &Store, clock: &Clock) -> Result<Option<i64>, Error> {
    let db = store.connection();
    if !dialect::commits_concurrently(db) {
        return Ok(None);
    }
    let transaction = dialect::begin(db).await?;
    dialect::hold_events(&transaction).await?;
    let now = clock.millis();
    // Bounded, for a clock that stands.
    for _ in 0..10 {
        if clock.millis() > now {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    transaction.commit().await?;
    Ok(Some(now))
}

/// Makes sure that an event could be stored: one is written and taken away again.
pub async fn ensure_writable(tx: &Tx, organization: OrganizationId, id: EventId) -> Result<(), Error> {
    let probe = Model {
        id: id.0,
        organization_id: organization.0,
        at: 0,
        event_type: String::new(),
        service: String::new(),
        success: false,
        resource_id: None,
        username: None,
        document: Value::Null,
    };
    Entity::insert(probe.into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
    Entity::delete_by_id(id.0).exec(tx.db()).await?;
    Ok(())
}

/// Writes events, in the transaction of what they tell of.
pub async fn append(tx: &Tx, events: &[EventRow]) -> Result<(), Error> {
    for some in events.chunks(AT_ONCE) {
        Entity::insert_many(some.iter().map(|event| row(event).into_active_model().reset_all()))
            .exec_without_returning(tx.db())
            .await?;
    }
    Ok(())
}

/// A page of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The documents, in the query's order.
    pub documents: Vec<Value>,
    /// The place of the last one: going on behind it meets each event exactly once.
    pub last: Option<Cursor>,
}

/// The events that the query asks for: whole documents, its `fields` are left to [`Query::project`].
pub async fn page(reads: &impl Reads, organization: OrganizationId, query: &Query) -> Result<Page, Error> {
    let direction = match query.order {
        Order::Ascending => SqlOrder::Asc,
        Order::Descending => SqlOrder::Desc,
    };
    let mut events = asked_for(organization, query);
    if let Some(after) = query.after {
        events = events.filter(behind(query.order, after));
    }
    let rows: Vec<(i64, Uuid, Value)> = events
        .select_only()
        .columns([Column::At, Column::Id, Column::Document])
        .order_by(Column::At, direction.clone())
        .order_by(Column::Id, direction)
        .offset(query.skip)
        .limit(u64::from(query.limit))
        .into_tuple()
        .all(&reads.executor())
        .await?;
    let last = rows.last().map(|(at, id, _)| Cursor { at: *at, id: EventId(*id) });
    let documents = rows.into_iter().map(|(_, _, document)| document).collect();
    Ok(Page { documents, last })
}

/// How many events there are on all pages, whatever the limit, the skip and the place.
pub async fn count(reads: &impl Reads, organization: OrganizationId, query: &Query) -> Result<u64, Error> {
    Ok(asked_for(organization, query).count(&reads.executor()).await?)
}

fn asked_for(organization: OrganizationId, query: &Query) -> Select<Entity> {
    let mut events =
        Entity::find().filter(COLUMN.organization_id.eq(organization.0)).filter(COLUMN.at.gte(query.start));
    if let Some(end) = query.end {
        events = events.filter(COLUMN.at.lte(end));
    }
    if let Services::Named(services) = &query.services {
        events = events.filter(Column::Service.is_in(services.iter().copied()));
    }
    events
}

/// The first part lets the index find the place, the second decides among equal times.
fn behind(order: Order, Cursor { at, id }: Cursor) -> Condition {
    let (near, later, further) = match order {
        Order::Ascending => (COLUMN.at.gte(at), COLUMN.at.gt(at), COLUMN.id.gt(id.0)),
        Order::Descending => (COLUMN.at.lte(at), COLUMN.at.lt(at), COLUMN.id.lt(id.0)),
    };
    Condition::all().add(near).add(Condition::any().add(later).add(further))
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
