//! Events that the directory itself writes, and how an event becomes a row.

use super::Directory;
use super::caller::Caller;
use super::error::Error;
use crate::ids::OrganizationId;
use crate::insights::{Event, EventType, Outcome, Query, ResourceRef};
use crate::store::events::{self, EventRow, Page};
use crate::store::queue::{self, Lane};
use crate::store::{self, Tx};
use crate::telemetry::names;

const LANES: [(Lane, &str); 4] = [
    (Lane::Security, "security"),
    (Lane::Update, "update"),
    (Lane::Create, "create"),
    (Lane::Background, "background"),
];

impl Directory {
    /// A page of an organization's events.
    pub async fn events(&self, organization: OrganizationId, query: &Query) -> Result<Page, store::Error> {
        let mut query = query.clone();
        if let Some(settled) = events::settled(&self.store, &self.clock).await? {
            query.end = Some(query.end.map_or(settled, |end| end.min(settled)));
        }
        events::page(&self.store, organization, &query).await
    }

    /// How much waits in each lane, by the lane's name; an empty lane counts 0.
    pub async fn backlog(&self) -> Result<Vec<(&'static str, i64)>, store::Error> {
        let waiting = queue::backlog(&self.store, self.clock.millis()).await?;
        let of = |lane| waiting.iter().find(|(found, _)| *found == lane).map_or(0, |(_, count)| *count);
        Ok(LANES.iter().map(|(lane, name)| (*name, of(*lane))).collect())
    }

    /// Whether an event is recorded: failures only where the installation says so.
    pub fn records(&self, event: &Event) -> bool {
        self.record_failures || matches!(event.outcome, Outcome::Success)
    }

    pub(super) async fn append_failure(
        &self,
        tx: &Tx,
        who: &Caller,
        event_type: EventType,
        resource: ResourceRef,
        sentence: &str,
    ) -> Result<(), Error> {
        events::announce(tx).await?;
        let outcome = Outcome::Failure { reason: sentence.to_owned() };
        let (id, now) = (self.clock.uuid(), self.clock.millis());
        let event = who.origin.event(id, now, event_type, outcome, who.organization, resource);
        if self.records(&event) {
            events::append(tx, &[row(&event)]).await?;
        }
        Ok(())
    }
}

/// The event as it is stored. Counted here, once for each event.
pub fn row(event: &Event) -> EventRow {
    let success = event.outcome == Outcome::Success;
    metrics::counter!(names::EVENTS, "type" => event.event_type.as_str(), "success" => success.to_string())
        .increment(1);
    EventRow::from(event)
}
