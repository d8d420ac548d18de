//! A group object and how Graph shows it. Its members are kept beside it, so that a change of one copies no list.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::account;
use super::object::Object;
use super::schema::{self, Entity};

/// A group object without its members.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) id: Uuid,
    /// The properties that have a value, by Graph's names.
    pub(super) properties: Map<String, Value>,
    /// The owners' ids.
    #[serde(default)]
    pub(super) owners: BTreeSet<Uuid>,
    /// When it was deleted, in milliseconds since the Unix epoch.
    #[serde(default)]
    pub(super) deleted: Option<i64>,
}

/// What kind a group is, as far as it matters for who may change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GroupKind {
    /// A security group of the cloud with assigned members.
    #[default]
    Security,
    /// A Microsoft 365 group.
    Microsoft365,
    /// A security group with an address, read-only in Graph.
    MailEnabledSecurity,
    /// A distribution list, read-only in Graph.
    Distribution,
    /// A security group whose members follow a rule.
    Dynamic,
    /// A security group that is mastered on-premises.
    OnPremises,
    /// A security group that can hold administrator roles.
    RoleAssignable,
}

impl GroupKind {
    /// The properties that make a group one of this kind.
    pub(super) fn properties(self) -> Map<String, Value> {
        let (mail, security) = match self {
            Self::Microsoft365 | Self::Distribution => (true, false),
            Self::MailEnabledSecurity => (true, true),
            Self::Security | Self::Dynamic | Self::OnPremises | Self::RoleAssignable => (false, true),
        };
        let types = match self {
            Self::Microsoft365 => json!(["Unified"]),
            Self::Dynamic => json!(["DynamicMembership"]),
            _ => json!([]),
        };
        let mut properties = Map::new();
        properties.insert("groupTypes".to_owned(), types);
        properties.insert("mailEnabled".to_owned(), json!(mail));
        properties.insert("securityEnabled".to_owned(), json!(security));
        match self {
            Self::Dynamic => {
                properties.insert("membershipRule".to_owned(), json!("user.department -eq \"Sales\""));
                properties.insert("membershipRuleProcessingState".to_owned(), json!("On"));
            }
            Self::OnPremises => {
                properties.insert("onPremisesSyncEnabled".to_owned(), json!(true));
            }
            Self::RoleAssignable => {
                properties.insert("isAssignableToRole".to_owned(), json!(true));
            }
            _ => {}
        }
        properties
    }
}

impl Group {
    /// An object without properties.
    pub(super) fn new(id: Uuid) -> Self {
        Self { id, properties: Map::new(), owners: BTreeSet::new(), deleted: None }
    }

    /// The property `name` if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    fn is(&self, name: &str) -> bool {
        self.properties.get(name) == Some(&Value::Bool(true))
    }

    fn has_type(&self, name: &str) -> bool {
        let types = self.properties.get("groupTypes").and_then(Value::as_array);
        types.into_iter().flatten().any(|found| found == name)
    }

    /// Its kind. What restricts most comes first.
    pub(super) fn kind(&self) -> GroupKind {
        if self.is("onPremisesSyncEnabled") {
            return GroupKind::OnPremises;
        }
        if self.is("isAssignableToRole") {
            return GroupKind::RoleAssignable;
        }
        if self.has_type("DynamicMembership") {
            return GroupKind::Dynamic;
        }
        if self.has_type("Unified") {
            return GroupKind::Microsoft365;
        }
        match (self.is("mailEnabled"), self.is("securityEnabled")) {
            (true, true) => GroupKind::MailEnabledSecurity,
            (true, false) => GroupKind::Distribution,
            (false, _) => GroupKind::Security,
        }
    }

    /// Whether it is a Microsoft 365 group, also a dynamic one.
    pub(super) fn is_unified(&self) -> bool {
        self.has_type("Unified")
    }

    /// Sets, or with null removes, a property.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        if value.is_null() {
            self.properties.shift_remove(name);
        } else {
            self.properties.insert(name.to_owned(), value);
        }
    }

    /// The object with the properties `select`, or with Graph's default set.
    pub(super) fn view(&self, select: Option<&[String]>) -> Map<String, Value> {
        match select {
            Some(names) => names
                .iter()
                .filter(|name| Entity::Group.exists(name))
                .map(|name| (name.clone(), self.shown(name, "")))
                .collect(),
            None => {
                schema::group::DEFAULT.iter().map(|&name| (name.to_owned(), self.shown(name, ""))).collect()
            }
        }
    }
}

impl Object for Group {
    fn id(&self) -> Uuid {
        self.id
    }

    fn stored(&self, name: &str) -> Option<&Value> {
        self.properties.get(name)
    }

    fn shown(&self, name: &str, _issuer: &str) -> Value {
        match name {
            "id" => json!(self.id),
            "deletedDateTime" => self.deleted.map_or(Value::Null, |at| json!(account::seconds(at))),
            _ => match self.properties.get(name) {
                Some(value) => value.clone(),
                None if Entity::Group.is_collection(name) => json!([]),
                None => Value::Null,
            },
        }
    }
}
