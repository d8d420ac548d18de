//! What is sent to Microsoft Graph and what comes back.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::id::AccountId;
use super::property::Property;

/// The properties to write, and nothing else: what is not in it is not touched. It cannot hold a password, since
/// `accountEnabled` and `passwordProfile` must not travel together: without the permission for passwords Graph would
/// refuse both, and the account would stay enabled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserPatch(BTreeMap<Property, Value>);

impl UserPatch {
    /// Nothing to write.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value`; null clears. The value is taken as it is: see [`Property::check`].
    #[must_use]
    pub fn with(mut self, property: Property, value: impl Into<Value>) -> Self {
        self.set(property, value);
        self
    }

    /// Writes `value`; null clears.
    pub fn set(&mut self, property: Property, value: impl Into<Value>) {
        self.0.insert(property, value.into());
    }

    /// What would be written to `property`.
    pub fn get(&self, property: Property) -> Option<&Value> {
        self.0.get(&property)
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The properties with their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (Property, &Value)> {
        self.0.iter().map(|(property, value)| (*property, value))
    }

    /// The JSON object for Graph. `employeeOrgData` is completed: Graph sets a part that is left out to null anyway,
    /// and so the request says what happens.
    pub(super) fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        for (property, value) in self.iter() {
            let value = match (property, value) {
                (Property::EmployeeOrgData, Value::Object(parts)) => json!({
                    "costCenter": parts.get("costCenter"),
                    "division": parts.get("division"),
                }),
                _ => value.clone(),
            };
            body.insert(property.name().to_owned(), value);
        }
        body
    }
}

impl From<BTreeMap<Property, Value>> for UserPatch {
    fn from(properties: BTreeMap<Property, Value>) -> Self {
        Self(properties)
    }
}

impl FromIterator<(Property, Value)> for UserPatch {
    fn from_iter<I: IntoIterator<Item = (Property, Value)>>(properties: I) -> Self {
        Self(properties.into_iter().collect())
    }
}

impl IntoIterator for UserPatch {
    type Item = (Property, Value);
    type IntoIter = std::collections::btree_map::IntoIter<Property, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// An account to create: all that Graph demands ("Create user"), and more properties at will.
#[derive(Clone, Debug)]
pub struct NewUser {
    properties: UserPatch,
    password: SecretString,
    force_change: bool,
}

/// Graph would refuse the account for the lack of this property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("An account needs {0}: give it a value and try again.")]
pub struct MissingProperty(pub Property);

impl NewUser {
    /// What an account cannot be without, beside its password.
    pub const REQUIRED: [Property; 4] = [
        Property::AccountEnabled,
        Property::DisplayName,
        Property::MailNickname,
        Property::UserPrincipalName,
    ];

    /// An account with these properties. Nulls are left out, since there is nothing to clear. The person is not made to
    /// change the password at the first sign-in, unless [`NewUser::forcing_change`] says so.
    pub fn new(properties: UserPatch, password: SecretString) -> Result<Self, MissingProperty> {
        let properties: UserPatch = properties.into_iter().filter(|(_, value)| !value.is_null()).collect();
        for property in Self::REQUIRED {
            properties.get(property).ok_or(MissingProperty(property))?;
        }
        Ok(Self { properties, password, force_change: false })
    }

    /// The same, but the person must change the password at the first sign-in.
    #[must_use]
    pub fn forcing_change(mut self) -> Self {
        self.force_change = true;
        self
    }

    /// The properties, without the password.
    pub fn properties(&self) -> &UserPatch {
        &self.properties
    }

    pub(super) fn password(&self) -> &SecretString {
        &self.password
    }

    pub(super) fn body(&self) -> Value {
        let mut body = self.properties.body();
        body.extend(password_profile(&self.password, self.force_change));
        Value::Object(body)
    }
}

/// An account that was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The account as Graph answered it.
    pub user: User,
    /// What Graph accepted and yet answered with another value, so that it must be looked at again.
    pub not_applied: Vec<Property>,
}

impl NewUser {
    /// The properties that Graph says to have another value than was sent.
    pub(super) fn not_applied(&self, created: &User) -> Vec<Property> {
        let differs = |(property, sent): (Property, &Value)| {
            let got = created.get(property)?;
            (!property.is_same(sent, got)).then_some(property)
        };
        self.properties.iter().filter_map(differs).collect()
    }
}

/// The one property `passwordProfile`, as an object of its own.
pub(super) fn password_profile(password: &SecretString, force_change: bool) -> Map<String, Value> {
    let profile = json!({
        "password": password.expose_secret(),
        "forceChangePasswordNextSignIn": force_change,
    });
    Map::from_iter([("passwordProfile".to_owned(), profile)])
}

/// An account as Graph tells it. Only `id` is certain: Graph sends what was selected, and a value of a kind that we do
/// not expect is left out rather than refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The account's id.
    pub id: AccountId,
    /// `onPremisesSyncEnabled`: true when it is mastered on-premises, so that most of it cannot be changed here.
    pub on_premises_sync_enabled: Option<bool>,
    /// `userType`: `Member` or `Guest`.
    pub user_type: Option<String>,
    /// `createdDateTime`.
    pub created: Option<OffsetDateTime>,
    /// `deletedDateTime`, of an account among the deleted.
    pub deleted: Option<OffsetDateTime>,
    /// `lastPasswordChangeDateTime`.
    pub last_password_change: Option<OffsetDateTime>,
    /// The writable properties that were sent; null where Graph said that there is no value.
    pub properties: BTreeMap<Property, Value>,
}

impl User {
    /// The value of `property`, if Graph sent it.
    pub fn get(&self, property: Property) -> Option<&Value> {
        self.properties.get(&property)
    }

    /// `userPrincipalName`.
    pub fn user_principal_name(&self) -> Option<&str> {
        self.get(Property::UserPrincipalName)?.as_str()
    }

    /// `accountEnabled`; unknown unless it was selected.
    pub fn account_enabled(&self) -> Option<bool> {
        self.get(Property::AccountEnabled)?.as_bool()
    }

    /// Whether it is mastered on-premises.
    pub fn is_synced(&self) -> bool {
        self.on_premises_sync_enabled == Some(true)
    }

    /// Whether this deleted account had the user name `upn`: Entra puts the id without dashes before it, so that the
    /// name is free for another account.
    pub(super) fn was_called(&self, upn: &str) -> bool {
        let Some(name) = self.user_principal_name() else {
            return false;
        };
        let upn = upn.to_lowercase();
        let name = name.to_lowercase();
        name == upn || name == format!("{}{upn}", self.id.without_dashes())
    }
}

impl<'de> Deserialize<'de> for User {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Map::deserialize(deserializer)?;
        let id = object
            .get("id")
            .and_then(Value::as_str)
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| D::Error::custom("an account without a GUID as its id"))?;
        let date = |name: &str| {
            let text = object.get(name)?.as_str()?;
            OffsetDateTime::parse(text, &Rfc3339).ok()
        };
        Ok(Self {
            id,
            on_premises_sync_enabled: object.get("onPremisesSyncEnabled").and_then(Value::as_bool),
            user_type: object.get("userType").and_then(Value::as_str).map(str::to_owned),
            created: date("createdDateTime"),
            deleted: date("deletedDateTime"),
            last_password_change: date("lastPasswordChangeDateTime"),
            properties: Property::ALL
                .into_iter()
                .filter_map(|property| Some((property, object.remove(property.name())?)))
                .collect(),
        })
    }
}

/// A domain of the tenant (resource `domain`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// The domain's name: Graph uses it as the id.
    #[serde(rename = "id")]
    pub name: String,
    /// `Managed` or `Federated`.
    #[serde(default)]
    pub authentication_type: Option<String>,
    /// Whether the tenant has proved that it owns the domain; only then do accounts get addresses in it.
    #[serde(default)]
    pub is_verified: bool,
    /// Whether it is the tenant's default.
    #[serde(default)]
    pub is_default: bool,
    /// Whether it is the one that Microsoft made (`….onmicrosoft.com`).
    #[serde(default)]
    pub is_initial: bool,
}

impl Domain {
    /// Whether another identity provider signs its people in, so that Entra keeps no passwords for them.
    pub fn is_federated(&self) -> bool {
        self.authentication_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("federated"))
    }
}

/// The tenant itself (resource `organization`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// The tenant's id.
    pub id: Uuid,
    /// Its name for people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Whether its directory is synchronised from on-premises.
    #[serde(default)]
    pub on_premises_sync_enabled: Option<bool>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ID: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";

    fn properties() -> UserPatch {
        UserPatch::new()
            .with(Property::AccountEnabled, true)
            .with(Property::DisplayName, "Ada Lovelace")
            .with(Property::MailNickname, "ada")
            .with(Property::UserPrincipalName, "ada@contoso.example")
    }

    #[test]
    fn a_new_account_has_its_password_in_the_body_and_nowhere_else() {
        let user = NewUser::new(properties(), "Sesame-0pen!".into()).unwrap();
        assert_eq!(
            user.body(),
            json!({
                "accountEnabled": true, "displayName": "Ada Lovelace", "mailNickname": "ada",
                "userPrincipalName": "ada@contoso.example",
                "passwordProfile": {"password": "Sesame-0pen!", "forceChangePasswordNextSignIn": false},
            })
        );
        assert!(!format!("{user:?}").contains("Sesame"));
        assert_eq!(
            user.forcing_change().body()["passwordProfile"]["forceChangePasswordNextSignIn"],
            json!(true)
        );
    }

    #[rstest]
    #[case(json!({}), &[])]
    #[case(json!({"displayName": "Ada Lovelace", "userPrincipalName": "Ada@Contoso.example", "surname": "Byron"}), &[])]
    #[case(json!({"displayName": "ada lovelace"}), &[Property::DisplayName])]
    #[case(json!({"displayName": null, "accountEnabled": false}), &[Property::AccountEnabled, Property::DisplayName])]
    fn what_was_accepted_and_not_applied_is_told(#[case] mut created: Value, #[case] told: &[Property]) {
        created["id"] = json!(ID);
        let user = NewUser::new(properties(), "Sesame-0pen!".into()).unwrap();
        assert_eq!(user.not_applied(&serde_json::from_value(created).unwrap()), told);
    }

    #[rstest]
    #[case(Property::AccountEnabled)]
    #[case(Property::DisplayName)]
    #[case(Property::MailNickname)]
    #[case(Property::UserPrincipalName)]
    fn a_new_account_without_a_required_property_is_refused(#[case] missing: Property) {
        let user = NewUser::new(properties().with(missing, Value::Null), "Sesame-0pen!".into());
        assert_eq!(user.unwrap_err(), MissingProperty(missing));
    }

    #[test]
    fn org_data_is_sent_whole() {
        let patch = UserPatch::new().with(Property::EmployeeOrgData, json!({"division": "North"}));
        assert_eq!(
            Value::Object(patch.body()),
            json!({"employeeOrgData": {"costCenter": null, "division": "North"}})
        );
    }

    #[test]
    fn a_user_of_odd_kinds_is_still_read() {
        let user: User = serde_json::from_value(json!({
            "@odata.context": "x", "id": ID, "accountEnabled": null, "createdDateTime": 7, "city": "Zürich",
            "deletedDateTime": "2026-01-02T03:04:05Z", "onPremisesSyncEnabled": "yes", "unheardOf": {},
        }))
        .unwrap();
        assert_eq!(user.id.to_string(), ID);
        assert_eq!((user.account_enabled(), user.created), (None, None));
        assert!(user.deleted.is_some() && !user.is_synced());
        assert_eq!(user.get(Property::City), Some(&json!("Zürich")));
        assert_eq!(user.get(Property::Surname), None);
        assert!(serde_json::from_value::<User>(json!({"id": "7"})).is_err());
    }

    #[rstest]
    #[case("Ada@contoso.example", true)]
    #[case("6E7B768E07E248108459485F84F8F204ada@contoso.example", true)]
    #[case("11111111111111111111111111111111ada@contoso.example", false)]
    #[case("xada@contoso.example", false)]
    fn a_deleted_account_is_known_by_its_id_before_the_name(#[case] name: &str, #[case] known: bool) {
        let user: User = serde_json::from_value(json!({"id": ID, "userPrincipalName": name})).unwrap();
        assert_eq!(user.was_called("ADA@contoso.example"), known);
    }
}
