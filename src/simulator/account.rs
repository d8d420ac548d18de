//! A user object and how Graph shows it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::object::Object;
use super::password::Hash;
use super::photo::Photo;
use super::roles;
use super::schema::{self, Entity};
use crate::clock;

/// A user object: what Graph shows, and what it keeps to itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) id: Uuid,
    /// The properties that have a value, by Graph's names.
    pub(super) properties: Map<String, Value>,
    pub(super) password: Option<Hash>,
    /// `forceChangePasswordNextSignIn`.
    pub(super) must_change: bool,
    /// Whether it holds an administrator role that outranks the application.
    pub(super) privileged: bool,
    /// The directory roles that it holds, by their names.
    #[serde(default)]
    pub(super) roles: Vec<String>,
    pub(super) manager: Option<Uuid>,
    #[serde(default)]
    pub(super) licences: Vec<Licence>,
    #[serde(default, with = "shared")]
    pub(super) photo: Option<Arc<Photo>>,
    /// When it was deleted, in milliseconds since the Unix epoch.
    pub(super) deleted: Option<i64>,
}

/// A licence of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Licence {
    pub(super) sku: Uuid,
    /// The plans that are switched off.
    pub(super) disabled: Vec<Uuid>,
    /// The group that it is inherited from.
    pub(super) group: Option<Uuid>,
    /// Why it does not work, e.g. `CountViolation`.
    pub(super) error: Option<String>,
    /// When it was given, in milliseconds since the Unix epoch.
    pub(super) since: i64,
}

/// A photo that clones of an account share, in a journal.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::Photo;

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(photo: &Option<Arc<Photo>>, to: S) -> Result<S::Ok, S::Error> {
        photo.as_deref().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Arc<Photo>>, D::Error> {
        Ok(Option::<Photo>::deserialize(from)?.map(Arc::new))
    }
}

impl Account {
    /// An object without properties.
    pub(super) fn new(id: Uuid) -> Self {
        Self {
            id,
            properties: Map::new(),
            password: None,
            must_change: false,
            privileged: false,
            roles: Vec::new(),
            manager: None,
            licences: Vec::new(),
            photo: None,
            deleted: None,
        }
    }

    /// The property `name` if it is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    /// The user name.
    pub(super) fn upn(&self) -> &str {
        self.text("userPrincipalName").unwrap_or_default()
    }

    /// Whether the object is mastered on-premises.
    pub(super) fn synced(&self) -> bool {
        self.properties.get("onPremisesSyncEnabled") == Some(&Value::Bool(true))
    }

    /// Whether the person may sign in at all.
    pub(super) fn enabled(&self) -> bool {
        self.properties.get("accountEnabled") == Some(&Value::Bool(true))
    }

    /// Sets, or with null removes, a property.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        if value.is_null() {
            self.properties.shift_remove(name);
        } else {
            self.properties.insert(name.to_owned(), value);
        }
    }

    /// The object as it is among the deleted ones. Its user name is freed: it gets the id, without dashes, in front.
    pub(super) fn soft_deleted(&self, now: i64) -> Self {
        let mut account = self.clone();
        account.deleted = Some(now);
        account.set("userPrincipalName", json!(format!("{}{}", self.id.simple(), self.upn())));
        account
    }

    /// The values that no other object may have, as (property, value in lower case).
    pub(super) fn unique(&self) -> BTreeSet<(&'static str, String)> {
        let mut keys = BTreeSet::new();
        for name in ["userPrincipalName", "onPremisesImmutableId"] {
            if let Some(value) = self.text(name) {
                keys.insert((name, value.to_lowercase()));
            }
        }
        let proxies = self.properties.get("proxyAddresses").and_then(Value::as_array);
        for proxy in proxies.into_iter().flatten().filter_map(Value::as_str) {
            keys.insert(("proxyAddresses", proxy.to_lowercase()));
        }
        keys
    }

    /// The directory roles that it holds, by their names.
    pub(super) fn held_roles(&self) -> Vec<String> {
        match self.roles.as_slice() {
            [] if self.privileged => vec![roles::HIGHEST.to_owned()],
            held => held.to_vec(),
        }
    }

    /// The subscriptions that it has, directly or through a group.
    pub(super) fn skus(&self) -> BTreeSet<Uuid> {
        self.licences.iter().filter(|licence| licence.error.is_none()).map(|licence| licence.sku).collect()
    }

    /// The plans of a subscription that are switched off in every licence for it.
    pub(super) fn disabled_plans(&self, sku: Uuid) -> Vec<Uuid> {
        let mut all = self.licences.iter().filter(|licence| licence.sku == sku && licence.error.is_none());
        let mut disabled = all.next().map(|licence| licence.disabled.clone()).unwrap_or_default();
        for licence in all {
            disabled.retain(|plan| licence.disabled.contains(plan));
        }
        disabled
    }

    fn assigned_licenses(&self) -> Value {
        let all = self.skus().into_iter();
        all.map(|sku| json!({ "disabledPlans": self.disabled_plans(sku), "skuId": sku })).collect()
    }

    fn license_states(&self) -> Value {
        let state = |licence: &Licence| {
            json!({
                "skuId": licence.sku,
                "disabledPlans": licence.disabled,
                "assignedByGroup": licence.group,
                "state": if licence.error.is_some() { "Error" } else { "Active" },
                "error": licence.error.as_deref().unwrap_or("None"),
                "lastUpdatedDateTime": seconds(licence.since),
            })
        };
        self.licences.iter().map(state).collect()
    }

    fn identities(&self, issuer: &str) -> Value {
        let mut all = vec![json!({
            "signInType": "userPrincipalName",
            "issuer": issuer,
            "issuerAssignedId": self.upn(),
        })];
        let more = self.properties.get("identities").and_then(Value::as_array);
        all.extend(more.into_iter().flatten().cloned());
        all.into()
    }

    fn extension_attributes(&self) -> Value {
        let stored = self.properties.get("onPremisesExtensionAttributes");
        let all: Map<String, Value> = (1..=15)
            .map(|n| {
                let name = format!("extensionAttribute{n}");
                let value = stored.and_then(|all| all.get(&name)).cloned().unwrap_or_default();
                (name, value)
            })
            .collect();
        all.into()
    }

    /// The object with the properties `select`, or with Graph's default set.
    pub(super) fn view(&self, select: Option<&[String]>, issuer: &str) -> Map<String, Value> {
        match select {
            Some(names) => names
                .iter()
                .filter(|name| Entity::User.exists(name))
                .map(|name| (name.clone(), self.shown(name, issuer)))
                .collect(),
            None => schema::DEFAULT.iter().map(|&name| (name.to_owned(), self.shown(name, issuer))).collect(),
        }
    }
}

impl Object for Account {
    fn id(&self) -> Uuid {
        self.id
    }

    fn stored(&self, name: &str) -> Option<&Value> {
        self.properties.get(name).filter(|_| name != "identities")
    }

    fn shown(&self, name: &str, issuer: &str) -> Value {
        match name {
            "id" => json!(self.id),
            "deletedDateTime" => self.deleted.map_or(Value::Null, |at| json!(seconds(at))),
            "identities" => self.identities(issuer),
            "assignedLicenses" if !self.licences.is_empty() => self.assigned_licenses(),
            "licenseAssignmentStates" if !self.licences.is_empty() => self.license_states(),
            "onPremisesExtensionAttributes" => self.extension_attributes(),
            _ => match self.properties.get(name) {
                Some(value) => value.clone(),
                None if Entity::User.is_collection(name) => json!([]),
                None => Value::Null,
            },
        }
    }
}

/// A time as the directory writes it: UTC, whole seconds.
pub(super) fn seconds(millis: i64) -> String {
    let text = clock::rfc3339(millis);
    let cut = text.find('.').unwrap_or(text.len());
    format!("{}Z", text.get(..cut).unwrap_or_default())
}
