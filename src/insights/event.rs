//! What one event says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{ConnectionId, EventId, OrganizationId};

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened. The first four are the contract of provisioning: each is written once for each success.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventType {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in documents and queries.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

event_types! {
    /// An account was created, adopted or restored.
    UserCreateProvision = "user_create_provision",
    /// Attributes of an account changed, or its sign-in was unblocked.
    UserUpdateProvision = "user_update_provision",
    /// An account got a new password.
    UserPasswordUpdateProvision = "user_password_update_provision",
    /// An account's sign-in was blocked, or the account soft-deleted.
    UserDeprovision = "user_deprovision",
    /// A group was created.
    GroupCreateProvision = "group_create_provision",
    /// A group's attributes or members changed.
    GroupUpdateProvision = "group_update_provision",
    /// A group was deleted.
    GroupDeleteProvision = "group_delete_provision",
    /// An account was looked for, to adopt it or to settle whether a call had taken effect.
    UserLookupProvision = "user_lookup_provision",
    /// An account differs from what Gangway gave it.
    UserDriftDetected = "user_drift_detected",
    /// A group differs from what Gangway gave it.
    GroupDriftDetected = "group_drift_detected",
    /// A connection started to carry changes.
    ConnectionActivate = "connection_activate",
    /// A connection stopped; its bindings were cleared.
    ConnectionDeactivate = "connection_deactivate",
    /// What was granted to a connection is good no longer; an administrator must grant it anew.
    ConnectionNeedsAuthorization = "connection_needs_authorization",
    /// An administrator has granted a connection access to the tenant.
    ConnectionAuthorized = "connection_authorized",
    /// A connection claimed an e-mail domain.
    DomainAdd = "domain_add",
    /// A connection gave up an e-mail domain.
    DomainRemove = "domain_remove",
    /// An account became a SCIM user.
    ImportUser = "import_user",
    /// A guard held a change back.
    GuardHold = "guard_hold",
    /// An administrator let a held change go on.
    GuardRelease = "guard_release",
    /// An administrator signed in.
    AdminLogin = "admin_login",
    /// A token was made.
    TokenCreate = "token_create",
    /// A token was revoked.
    TokenRevoke = "token_revoke",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no event type's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no event type {0:?}; a known one is, for example, user_create_provision")]
pub struct UnknownEventType(pub String);

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownEventType(text.to_owned()))
    }
}

/// One step that was taken, or failed; [`Event::document`] is how it is kept and given out.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// A UUIDv7; with `at` the place in the order of events.
    pub id: EventId,
    /// Whose event it is.
    pub organization: OrganizationId,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// What happened.
    pub event_type: EventType,
    /// Whether it took effect.
    pub outcome: Outcome,
    /// Who asked for it.
    pub initiated_by: Initiator,
    /// The object here that it is about.
    pub resource: ResourceRef,
    /// The object in Microsoft 365, once it is known.
    pub target: Option<TargetRef>,
    /// The connection through which it went.
    pub application: Option<Application>,
    /// The kind of directory behind the connection.
    pub provider: Option<String>,
    /// What was changed.
    pub changes: Vec<Change>,
    /// What the directory answered, of interest when it refused.
    pub chain: Option<MessageChain>,
    /// The ids under which the same act is found elsewhere.
    pub correlation: Correlation,
    /// The address from which the request came.
    pub client_ip: Option<String>,
    /// The `User-Agent` of the request.
    pub useragent: Option<String>,
}

/// Whether it took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Success,
    /// It did not.
    Failure {
        /// Why, and what can be done, in plain words; never a password.
        reason: String,
    },
}

/// Who asked for it. Kept while work waits, hence readable from JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initiator {
    /// What kind of party.
    #[serde(rename = "type")]
    pub kind: InitiatorKind,
    /// Its id: an upstream's, an administrator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// By which way it asked: `scim`, `admin`, `cli`, `worker` ….
    pub source: String,
    /// More about the way, such as the upstream's name; no secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_metadata: Option<Value>,
}

/// The kinds of parties that ask for changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitiatorKind {
    /// An identity system with its token.
    Upstream,
    /// An administrator.
    Admin,
    /// Gangway itself.
    System,
}

impl InitiatorKind {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Admin => "admin",
            Self::System => "system",
        }
    }
}

/// The kinds of objects that events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A connection to a tenant.
    Connection,
    /// An e-mail domain.
    Domain,
    /// An upstream's token.
    Token,
    /// An administrator.
    Admin,
}

impl ResourceKind {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Connection => "connection",
            Self::Domain => "domain",
            Self::Token => "token",
            Self::Admin => "admin",
        }
    }

    /// The object of this kind with that id and name.
    pub fn named(self, id: impl fmt::Display, name: Option<&str>) -> ResourceRef {
        ResourceRef { kind: self, id: id.to_string(), username: name.map(str::to_owned) }
    }
}

/// The object here that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRef {
    /// What it is.
    pub kind: ResourceKind,
    /// Its id here.
    pub id: String,
    /// A user's `userName`, another object's name.
    pub username: Option<String>,
}

/// The object in Microsoft 365.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetRef {
    /// What it is.
    pub kind: ResourceKind,
    /// Its id there.
    pub id: String,
}

/// The connection through which a change went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The connection's id.
    pub id: ConnectionId,
    /// The connection's name.
    pub name: String,
}

/// What the directory answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageChain {
    /// The HTTP status.
    pub response_code: u16,
    /// Graph's error code, such as `Request_BadRequest`, or the status' phrase.
    pub response_message: String,
    /// Graph's message.
    pub message_details: Option<String>,
}

/// The ids under which the same act is found elsewhere. Kept while work waits, hence readable from JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlation {
    /// Our request id (`X-Request-Id`).
    pub id: String,
    /// Graph's `request-id`: the one that Entra's audit log shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph_request_id: Option<String>,
    /// The `client-request-id` that was sent to Graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
}

/// One attribute's change. It cannot hold a password: [`Change::new`] sees to that.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    field: String,
    from: Value,
    to: Value,
}

impl Change {
    /// The change of `field`; nothing when the field is a password, and no password inside structured values.
    pub fn new(field: impl Into<String>, mut from: Value, mut to: Value) -> Option<Self> {
        let field = field.into();
        if names_password(&field) {
            return None;
        }
        remove_passwords(&mut from);
        remove_passwords(&mut to);
        Some(Self { field, from, to })
    }

    /// The attribute, under its SCIM or Graph name.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The value before; null when there was none.
    pub fn from(&self) -> &Value {
        &self.from
    }

    /// The value after; null when there is none.
    pub fn to(&self) -> &Value {
        &self.to
    }
}

/// Whether any part of a path, such as `urn:…:User:password` or `passwordProfile.password`, is a password's name.
fn names_password(field: &str) -> bool {
    field
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|part| part.eq_ignore_ascii_case("password") || part.eq_ignore_ascii_case("passwordProfile"))
}

fn remove_passwords(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !names_password(key));
            map.values_mut().for_each(remove_passwords);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_passwords),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_is_read_as_it_is_written() {
        assert_eq!(EventType::ALL.len(), 22);
        for kind in EventType::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
        }
        assert_eq!(
            "user_delete".parse::<EventType>().unwrap_err().to_string(),
            r#"there is no event type "user_delete"; a known one is, for example, user_create_provision"#
        );
    }

    #[test]
    fn who_asked_is_read_as_it_is_kept() {
        let initiator = Initiator {
            kind: InitiatorKind::Upstream,
            id: Some("u1".to_owned()),
            source: "scim".to_owned(),
            source_metadata: Some(json!({"name": "okta"})),
        };
        let kept =
            json!({"type": "upstream", "id": "u1", "source": "scim", "source_metadata": {"name": "okta"}});
        assert_eq!(serde_json::to_value(&initiator).unwrap(), kept);
        assert_eq!(serde_json::from_value::<Initiator>(kept).unwrap(), initiator);
        let system = json!({"type": "system", "source": "worker"});
        let initiator: Initiator = serde_json::from_value(system.clone()).unwrap();
        assert_eq!(serde_json::to_value(initiator).unwrap(), system);
    }

    #[test]
    fn a_password_is_no_change() {
        for field in
            ["password", "PASSWORD", "passwordProfile", "passwordProfile.password", "urn:x:2.0:User:password"]
        {
            assert_eq!(Change::new(field, Value::Null, json!("x")), None, "{field}");
        }
        for field in ["passwordExpired", "lastPasswordChangeDateTime", "title"] {
            assert!(Change::new(field, Value::Null, json!("x")).is_some(), "{field}");
        }
        let change =
            Change::new("user", Value::Null, json!([{"title": "x", "PasswordProfile": {"password": "y"}}]));
        assert_eq!(change.unwrap().to(), &json!([{"title": "x"}]));
    }

    proptest! {
        #[test]
        fn no_place_in_a_change_holds_a_password(
            path in proptest::collection::vec("[a-z]{1,6}|password|Password|passwordProfile", 1..4),
            separator in "[.:/]",
        ) {
            let mut value = json!("Secret-7");
            for key in path.iter().rev() {
                value = json!({ key.as_str(): [value] });
            }
            let secret = path.iter().any(|part| part.to_lowercase().starts_with("password"));
            let nested = Change::new("x", value.clone(), value).unwrap();
            let shown = format!("{} {}", nested.from(), nested.to());
            prop_assert_eq!(shown.contains("Secret-7"), !secret);
            let flat = Change::new(path.join(&separator), Value::Null, json!("Secret-7"));
            prop_assert_eq!(flat.is_none(), secret);
        }
    }
}
