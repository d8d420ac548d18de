//! The event as a JSON document.

use serde_json::{Map, Value, json};

use super::SERVICE;
use super::event::{Change, Correlation, Event, Initiator, MessageChain, Outcome};
use crate::clock;

impl Event {
    /// The document of product.md §4: what is kept, queried and given out. What is absent is left out;
    /// `error_message` is there only for a failure, `changes` always.
    pub fn document(&self) -> Value {
        let (success, reason) = match &self.outcome {
            Outcome::Success => (true, None),
            Outcome::Failure { reason } => (false, Some(reason)),
        };
        let target = self.target.as_ref();
        let application = self.application.as_ref();
        object([
            ("id", Some(json!(self.id))),
            ("@version", Some(json!("1"))),
            ("event_type", Some(json!(self.event_type.as_str()))),
            ("timestamp", Some(json!(clock::rfc3339(self.at)))),
            ("service", Some(json!(SERVICE))),
            ("organization", Some(json!(self.organization))),
            ("provider", text(self.provider.as_ref())),
            ("success", Some(json!(success))),
            ("error_message", text(reason)),
            ("initiated_by", Some(initiator(&self.initiated_by))),
            (
                "resource",
                Some(object([
                    ("type", Some(json!(self.resource.kind.as_str()))),
                    ("id", Some(json!(self.resource.id))),
                    ("username", text(self.resource.username.as_ref())),
                ])),
            ),
            ("target_resource", target.map(|target| json!({"type": target.kind.as_str(), "id": target.id}))),
            ("application", application.map(|app| json!({"id": app.id, "name": app.name}))),
            ("changes", Some(self.changes.iter().map(change).collect())),
            ("message_chain", self.chain.as_ref().map(chain)),
            ("correlation", Some(correlation(&self.correlation))),
            ("client_ip", text(self.client_ip.as_ref())),
            ("useragent", text(self.useragent.as_ref())),
        ])
    }
}

fn initiator(initiator: &Initiator) -> Value {
    object([
        ("type", Some(json!(initiator.kind.as_str()))),
        ("id", text(initiator.id.as_ref())),
        ("source", Some(json!(initiator.source))),
        ("source_metadata", initiator.source_metadata.clone()),
    ])
}

fn change(change: &Change) -> Value {
    json!({"field": change.field(), "from": change.from(), "to": change.to()})
}

fn chain(chain: &MessageChain) -> Value {
    object([
        ("response_code", Some(json!(chain.response_code))),
        ("response_message", Some(json!(chain.response_message))),
        ("message_details", text(chain.message_details.as_ref())),
    ])
}

fn correlation(correlation: &Correlation) -> Value {
    object([
        ("id", Some(json!(correlation.id))),
        ("type", Some(json!("request"))),
        ("graph_request_id", text(correlation.graph_request_id.as_ref())),
        ("client_request_id", text(correlation.client_request_id.as_ref())),
    ])
}

fn text(text: Option<&String>) -> Option<Value> {
    text.map(|text| Value::String(text.clone()))
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let present = members.into_iter().filter_map(|(key, value)| value.map(|value| (key.to_owned(), value)));
    Value::Object(present.collect::<Map<_, _>>())
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::{ConnectionId, EventId, OrganizationId};
    use crate::insights::{Application, EventType, InitiatorKind, ResourceKind, ResourceRef, TargetRef};

    /// An event in which nothing is absent.
    pub(crate) fn full() -> Event {
        Event {
            id: EventId(Uuid::from_u128(1)),
            organization: OrganizationId(Uuid::from_u128(2)),
            at: 1_700_000_000_120,
            event_type: EventType::UserUpdateProvision,
            outcome: Outcome::Failure { reason: "the domain is not verified; verify it".to_owned() },
            initiated_by: Initiator {
                kind: InitiatorKind::Upstream,
                id: Some("up-1".to_owned()),
                source: "scim".to_owned(),
                source_metadata: Some(json!({"name": "okta"})),
            },
            resource: ResourceRef {
                kind: ResourceKind::User,
                id: "u-1".to_owned(),
                username: Some("ann@contoso.example".to_owned()),
            },
            target: Some(TargetRef { kind: ResourceKind::User, id: "m-1".to_owned() }),
            application: Some(Application {
                id: ConnectionId(Uuid::from_u128(3)),
                name: "Contoso".to_owned(),
            }),
            provider: Some("microsoft_365".to_owned()),
            changes: Change::new("jobTitle", Value::Null, json!("Boss")).into_iter().collect(),
            chain: Some(MessageChain {
                response_code: 400,
                response_message: "Request_BadRequest".to_owned(),
                message_details: Some("Invalid value".to_owned()),
            }),
            correlation: Correlation {
                id: "r-1".to_owned(),
                graph_request_id: Some("g-1".to_owned()),
                client_request_id: Some("c-1".to_owned()),
            },
            client_ip: Some("192.0.2.7".to_owned()),
            useragent: Some("Okta SCIM Client 1.0.0".to_owned()),
        }
    }

    #[test]
    fn a_full_document_has_every_field_in_order() {
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "@version": "1",
            "event_type": "user_update_provision",
            "timestamp": "2023-11-14T22:13:20.120Z",
            "service": "directory",
            "organization": "00000000-0000-0000-0000-000000000002",
            "provider": "microsoft_365",
            "success": false,
            "error_message": "the domain is not verified; verify it",
            "initiated_by": {"type": "upstream", "id": "up-1", "source": "scim", "source_metadata": {"name": "okta"}},
            "resource": {"type": "user", "id": "u-1", "username": "ann@contoso.example"},
            "target_resource": {"type": "user", "id": "m-1"},
            "application": {"id": "00000000-0000-0000-0000-000000000003", "name": "Contoso"},
            "changes": [{"field": "jobTitle", "from": null, "to": "Boss"}],
            "message_chain": {
                "response_code": 400, "response_message": "Request_BadRequest", "message_details": "Invalid value"
            },
            "correlation": {"id": "r-1", "type": "request", "graph_request_id": "g-1", "client_request_id": "c-1"},
            "client_ip": "192.0.2.7",
            "useragent": "Okta SCIM Client 1.0.0",
        });
        assert_eq!(full().document().to_string(), expected.to_string());
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let event = Event {
            event_type: EventType::TokenCreate,
            outcome: Outcome::Success,
            initiated_by: Initiator {
                kind: InitiatorKind::System,
                id: None,
                source: "first_start".to_owned(),
                source_metadata: None,
            },
            resource: ResourceRef { kind: ResourceKind::Token, id: "t-1".to_owned(), username: None },
            target: None,
            application: None,
            provider: None,
            changes: Vec::new(),
            chain: None,
            correlation: Correlation { id: "r-1".to_owned(), ..Correlation::default() },
            client_ip: None,
            useragent: None,
            ..full()
        };
        let expected = json!({
            "id": "00000000-0000-0000-0000-000000000001",
            "@version": "1",
            "event_type": "token_create",
            "timestamp": "2023-11-14T22:13:20.120Z",
            "service": "directory",
            "organization": "00000000-0000-0000-0000-000000000002",
            "success": true,
            "initiated_by": {"type": "system", "source": "first_start"},
            "resource": {"type": "token", "id": "t-1"},
            "changes": [],
            "correlation": {"id": "r-1", "type": "request"},
        });
        assert_eq!(event.document().to_string(), expected.to_string());
    }
}
