//! What was done, told as directory-insights events.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use super::plan::Step;
use crate::directory::caller::Origin;
use crate::graph::{self, Property, Reply};
use crate::ids::{ConnectionId, OrganizationId};
use crate::insights::{
    Application, Change, Correlation, Event, EventType, MessageChain, Outcome, ResourceKind, ResourceRef,
    TargetRef,
};

/// One event to be written.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) event_type: EventType,
    pub(super) outcome: Outcome,
    pub(super) changes: Vec<Change>,
    pub(super) trace: Trace,
}

/// What Graph answered last, so that an administrator finds the same act in Entra's audit log.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    chain: Option<MessageChain>,
    graph_request_id: Option<String>,
    client_request_id: Option<String>,
}

impl Trace {
    pub(super) fn of_reply<T>(reply: &Reply<T>) -> Self {
        let chain = MessageChain {
            response_code: reply.status,
            response_message: "Success".to_owned(),
            message_details: None,
        };
        Self {
            chain: Some(chain),
            graph_request_id: reply.request_id.clone(),
            client_request_id: Some(reply.client_request_id.to_string()),
        }
    }

    pub(super) fn of_error(error: &graph::Error) -> Self {
        let Some(failure) = error.failure() else {
            return Self::default();
        };
        let chain = MessageChain {
            response_code: failure.status,
            response_message: failure.code.clone(),
            message_details: Some(failure.message.clone()),
        };
        Self {
            chain: Some(chain),
            graph_request_id: failure.request_id.clone(),
            client_request_id: Some(failure.client_request_id.to_string()),
        }
    }
}

/// Which event a step is reported as.
pub(super) fn event_type(step: &Step) -> EventType {
    match step {
        Step::Bind => EventType::UserCreateProvision,
        Step::Update(_)
        | Step::SetManager(_)
        | Step::RemoveManager
        | Step::ChangeLicenses { .. }
        | Step::TakeLicenses
        | Step::SetPhoto => EventType::UserUpdateProvision,
        Step::SetPassword => EventType::UserPasswordUpdateProvision,
        Step::Block | Step::Find | Step::RevokeSessions | Step::Delete => EventType::UserDeprovision,
    }
}

/// The changed properties, from what Graph had to what it got.
pub(super) fn changes(before: &BTreeMap<Property, Value>, after: &BTreeMap<Property, Value>) -> Vec<Change> {
    after
        .iter()
        .filter_map(|(property, to)| {
            let from = before.get(property).cloned().unwrap_or(Value::Null);
            if from == *to { None } else { Change::new(property.name(), from, to.clone()) }
        })
        .collect()
}

/// Where the work was done.
pub(super) struct Target<'a> {
    pub(super) connection: ConnectionId,
    pub(super) connection_name: &'a str,
    pub(super) kind: ResourceKind,
    pub(super) id: Option<String>,
}

impl Report {
    /// The event, as it is stored.
    pub(super) fn event(
        self,
        id: Uuid,
        at: i64,
        origin: &Origin,
        organization: OrganizationId,
        about: &ResourceRef,
        target: &Target<'_>,
    ) -> Event {
        let mut event = origin.event(id, at, self.event_type, self.outcome, organization, about.clone());
        event.provider = Some("office_365".to_owned());
        event.target = target.id.clone().map(|id| TargetRef { kind: target.kind, id });
        event.application =
            Some(Application { id: target.connection, name: target.connection_name.to_owned() });
        event.changes = self.changes;
        event.chain = self.trace.chain;
        event.correlation = Correlation {
            id: event.correlation.id,
            graph_request_id: self.trace.graph_request_id,
            client_request_id: self.trace.client_request_id,
        };
        event
    }
}
