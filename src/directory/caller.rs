//! Who asks, and what of it the events remember.

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::ids::{EventId, OrganizationId, UpstreamId};
use crate::insights::{Correlation, Event, EventType, Initiator, InitiatorKind, Outcome, ResourceRef};
use crate::scim::Dialect;

/// An authenticated caller and the request that it makes.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose resources it may touch.
    pub organization: OrganizationId,
    /// The upstream that the token belongs to.
    pub upstream: Option<(UpstreamId, String)>,
    /// How that upstream deviates from the RFC.
    pub dialect: Dialect,
    /// Where the request came from.
    pub origin: Origin,
}

/// What is remembered of a request while its work waits, for the event that reports it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// Who asked.
    pub initiated_by: Initiator,
    /// Our id of the request.
    pub request_id: Uuid,
    /// The caller's address.
    pub client_ip: Option<String>,
    /// The caller's program.
    pub useragent: Option<String>,
    /// Attributes of the request that were left out, by name.
    #[serde(default)]
    pub ignored: Vec<String>,
}

impl Origin {
    /// An event about `resource` that this request has caused, without what Microsoft 365 has to do with it.
    pub fn event(
        &self,
        id: Uuid,
        at: i64,
        event_type: EventType,
        outcome: Outcome,
        organization: OrganizationId,
        resource: ResourceRef,
    ) -> Event {
        Event {
            id: EventId(id),
            organization,
            at,
            event_type,
            outcome,
            initiated_by: self.initiator(),
            resource,
            target: None,
            application: None,
            provider: None,
            changes: Vec::new(),
            chain: None,
            correlation: Correlation {
                id: self.request_id.to_string(),
                graph_request_id: None,
                client_request_id: None,
            },
            client_ip: self.client_ip.clone(),
            useragent: self.useragent.clone(),
        }
    }

    /// Who asked, with the attributes of the request that were left out, so that nobody looks for them in vain.
    fn initiator(&self) -> Initiator {
        let mut initiator = self.initiated_by.clone();
        if !self.ignored.is_empty() {
            let metadata = initiator.source_metadata.get_or_insert_with(|| json!({}));
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert("ignored_attributes".to_owned(), json!(self.ignored));
            }
        }
        initiator
    }

    /// Work that nobody asked for by a request, such as a resync.
    pub fn system(request_id: Uuid) -> Self {
        Self::by(InitiatorKind::System, "gangway", request_id)
    }

    /// What an administrator has asked for on the command line.
    pub fn command_line(request_id: Uuid) -> Self {
        Self::by(InitiatorKind::Admin, "cli", request_id)
    }

    fn by(kind: InitiatorKind, source: &str, request_id: Uuid) -> Self {
        let initiated_by = Initiator { kind, id: None, source: source.to_owned(), source_metadata: None };
        Self { initiated_by, request_id, client_ip: None, useragent: None, ignored: Vec::new() }
    }
}
