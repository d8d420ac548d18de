//! The events of connections and of their domains.

use crate::directory::Directory;
use crate::directory::caller::Origin;
use crate::directory::events::row;
use crate::ids::{EventId, OrganizationId};
use crate::insights::{Application, Change, Event, EventType, Outcome, ResourceKind, ResourceRef};
use crate::store::connections::Connection;
use crate::store::{self, Tx, events};

/// What became of a connection.
pub(super) struct Tale {
    event_type: EventType,
    outcome: Outcome,
    about: Option<ResourceRef>,
    changes: Vec<Change>,
}

impl Tale {
    pub(super) fn success(event_type: EventType) -> Self {
        Self { event_type, outcome: Outcome::Success, about: None, changes: Vec::new() }
    }

    pub(super) fn failure(event_type: EventType, reason: &str) -> Self {
        let outcome = Outcome::Failure { reason: reason.to_owned() };
        Self { outcome, ..Self::success(event_type) }
    }

    /// About a domain, not the connection itself.
    pub(super) fn of_domain(self, name: &str) -> Self {
        Self { about: Some(ResourceKind::Domain.named(name, Some(name))), ..self }
    }

    pub(super) fn with(mut self, change: Option<Change>) -> Self {
        self.changes.extend(change);
        self
    }
}

impl Directory {
    /// Fails closed, and tells the order of events that some are coming: first thing in a transaction.
    pub(super) async fn prepare_tale(
        &self,
        tx: &Tx,
        organization: OrganizationId,
    ) -> Result<(), store::Error> {
        events::announce(tx).await?;
        events::ensure_writable(tx, organization, EventId(self.clock.uuid())).await
    }

    pub(super) async fn tell(
        &self,
        tx: &Tx,
        connection: &Connection,
        origin: &Origin,
        tale: Tale,
    ) -> Result<(), store::Error> {
        let Tale { event_type, outcome, about, changes } = tale;
        let about =
            about.unwrap_or_else(|| ResourceKind::Connection.named(connection.id, Some(&connection.name)));
        let (id, now) = (self.clock.uuid(), self.clock.millis());
        let event = origin.event(id, now, event_type, outcome, connection.organization, about);
        let application = Application { id: connection.id, name: connection.name.clone() };
        let event = Event {
            application: Some(application),
            provider: Some("office_365".to_owned()),
            changes,
            ..event
        };
        if self.records(&event) {
            events::append(tx, &[row(&event)]).await?;
        }
        Ok(())
    }
}
