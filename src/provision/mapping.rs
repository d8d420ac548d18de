//! Which SCIM attribute is which property of a Graph user: product knowledge, as data. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::directory::Address;
use crate::graph::{InvalidProperty, Property};
use crate::scim::Resource;
use crate::scim::schema::{ENTERPRISE_USER, GANGWAY_USER, Schema};
use crate::settings::{OnLockout, OnPasswordExpired, Settings};

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Where the value stands in the SCIM resource.
    pub from: From,
    /// The property that gets it.
    pub to: Property,
    /// When it is sent.
    pub on: On,
}

/// When a row is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// With every change; cannot be switched off.
    Always,
    /// Only when the account is created.
    Create,
    /// With every change, unless the connection switches it off.
    Rule,
}

/// Where a value stands in the SCIM resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The address that routing made of `userName`.
    Address,
    /// The extension's `mailNickname`, else the local part of the address, cleaned.
    Nickname,
    /// `active`, unless a suspension holds.
    SignIn,
    /// `displayName`, else `name.formatted`, else "given family", else `userName`.
    DisplayName,
    /// A text of the core schema.
    Text(&'static str),
    /// A sub-attribute of the address of type "work".
    WorkAddress(&'static str),
    /// The phone number of a type.
    Phone(&'static str),
    /// The phone number of a type, as a list of one.
    PhoneList(&'static str),
    /// All e-mail addresses of type "other".
    OtherMails,
    /// A text of the enterprise extension.
    Enterprise(&'static str),
    /// The enterprise extension's `costCenter` and `division` together.
    OrgData,
    /// A text of Gangway's extension.
    Extension(&'static str),
    /// Gangway's `usageLocation`, in capitals; else the connection's own.
    UsageLocation,
    /// The connection's `password.policies`, where it says any.
    PasswordPolicies,
    /// Gangway's `employeeHireDate`, as the date and time in UTC that Graph takes.
    HireDate,
}

const fn row(from: From, to: Property, on: On) -> Row {
    Row { from, to, on }
}

/// The whole table (product contract, section 2), without password, manager and licences, which are no
/// properties to be set.
pub const TABLE: &[Row] = &[
    row(From::Address, Property::UserPrincipalName, On::Always),
    row(From::Nickname, Property::MailNickname, On::Create),
    row(From::SignIn, Property::AccountEnabled, On::Always),
    row(From::Text("name.givenName"), Property::GivenName, On::Always),
    row(From::Text("name.familyName"), Property::Surname, On::Always),
    row(From::DisplayName, Property::DisplayName, On::Always),
    row(From::PasswordPolicies, Property::PasswordPolicies, On::Always),
    row(From::Text("title"), Property::JobTitle, On::Rule),
    row(From::Text("userType"), Property::EmployeeType, On::Rule),
    row(From::Text("preferredLanguage"), Property::PreferredLanguage, On::Rule),
    row(From::WorkAddress("streetAddress"), Property::StreetAddress, On::Rule),
    row(From::WorkAddress("locality"), Property::City, On::Rule),
    row(From::WorkAddress("region"), Property::State, On::Rule),
    row(From::WorkAddress("postalCode"), Property::PostalCode, On::Rule),
    row(From::WorkAddress("country"), Property::Country, On::Rule),
    row(From::PhoneList("work"), Property::BusinessPhones, On::Rule),
    row(From::Phone("mobile"), Property::MobilePhone, On::Rule),
    row(From::Phone("fax"), Property::FaxNumber, On::Rule),
    row(From::OtherMails, Property::OtherMails, On::Rule),
    row(From::Enterprise("employeeNumber"), Property::EmployeeId, On::Rule),
    row(From::Enterprise("department"), Property::Department, On::Rule),
    row(From::Enterprise("organization"), Property::CompanyName, On::Rule),
    row(From::OrgData, Property::EmployeeOrgData, On::Rule),
    row(From::Extension("officeLocation"), Property::OfficeLocation, On::Rule),
    row(From::UsageLocation, Property::UsageLocation, On::Rule),
    row(From::HireDate, Property::EmployeeHireDate, On::Rule),
    row(From::Extension("onPremisesImmutableId"), Property::OnPremisesImmutableId, On::Rule),
];

/// The properties that Graph refuses to clear: where upstream clears one, the last value stays.
const NEVER_CLEARED: [Property; 6] = [
    Property::UserPrincipalName,
    Property::MailNickname,
    Property::AccountEnabled,
    Property::DisplayName,
    Property::UsageLocation,
    // Left as it is where the connection says nothing.
    Property::PasswordPolicies,
];

/// What the account must have, and what of it Microsoft 365 cannot take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapped {
    /// The properties. Cleared ones are there as null, or as an empty list.
    pub properties: BTreeMap<Property, Value>,
    /// Optional properties whose value breaks a rule that Microsoft documents. They are left out, so that one
    /// long employee number does not keep a person from working; the account keeps what it has.
    pub left_out: Vec<InvalidProperty>,
}

/// The properties that the account must have.
pub fn properties(resource: &Resource, address: &Address, settings: &Settings) -> Mapped {
    map(rows(settings).filter(|row| row.on != On::Create), resource, address, settings)
}

/// The properties for a new account: those with a value, and what only a create can set.
pub fn new_properties(
    resource: &Resource,
    address: &Address,
    settings: &Settings,
) -> BTreeMap<Property, Value> {
    let mut mapped = map(rows(settings), resource, address, settings);
    mapped.properties.retain(|_, value| !is_empty(value));
    mapped.properties
}

fn map<'a>(
    rows: impl Iterator<Item = &'a Row>,
    resource: &Resource,
    address: &Address,
    settings: &Settings,
) -> Mapped {
    let mut mapped = Mapped::default();
    for row in rows {
        let Some((property, value)) = value(row, resource, address, settings) else {
            continue;
        };
        match property.check(&value) {
            Err(invalid) if row.on == On::Rule => mapped.left_out.push(invalid),
            // What cannot be left out goes to Graph, whose refusal is the answer.
            _ => {
                mapped.properties.insert(property, value);
            }
        }
    }
    mapped
}

/// Whether sign-in is allowed: `active`, and no suspension that the settings ask for.
pub fn may_sign_in(resource: &Resource, settings: &Settings) -> bool {
    let expired = resource.flag(&GANGWAY_USER, "passwordExpired");
    let locked = resource.flag(&GANGWAY_USER, "locked");
    resource.is_active()
        && !(expired && settings.on_password_expired == OnPasswordExpired::Suspend)
        && !(locked && settings.on_lockout == OnLockout::Suspend)
}

fn rows(settings: &Settings) -> impl Iterator<Item = &'static Row> + '_ {
    let off = |row: &Row| row.on == On::Rule && settings.rules_off.iter().any(|name| name == row.to.name());
    TABLE.iter().filter(move |row| !off(row))
}

fn value(
    row: &Row,
    resource: &Resource,
    address: &Address,
    settings: &Settings,
) -> Option<(Property, Value)> {
    let found = match row.from {
        From::Address => Some(json!(address.as_str())),
        From::Nickname => Some(json!(nickname(resource, address))),
        From::SignIn => Some(json!(may_sign_in(resource, settings))),
        From::DisplayName => Some(json!(display_name(resource))),
        From::Text(path) => resource.get(path).cloned(),
        From::WorkAddress(sub) => {
            typed(resource, "addresses", "work").and_then(|found| found.get(sub)).cloned()
        }
        From::Phone(kind) => phone(resource, kind),
        From::PhoneList(kind) => phone(resource, kind).map(|number| json!([number])),
        From::OtherMails => Some(other_mails(resource)),
        From::Enterprise(name) => extension(resource, &ENTERPRISE_USER, name),
        From::OrgData => org_data(resource),
        From::Extension(name) => extension(resource, &GANGWAY_USER, name),
        From::HireDate => extension(resource, &GANGWAY_USER, "employeeHireDate").map(hire_date),
        From::UsageLocation => extension(resource, &GANGWAY_USER, "usageLocation")
            .and_then(|value| value.as_str().map(|code| json!(code.to_ascii_uppercase())))
            .or_else(|| settings.usage_location.as_ref().map(|code| json!(code.as_str()))),
        From::PasswordPolicies => settings.password.policies.map(|policies| json!(policies.as_str())),
    };
    let found = found.filter(|value| value.as_str() != Some(""));
    match found {
        Some(value) => Some((row.to, value)),
        None if NEVER_CLEARED.contains(&row.to) => None,
        None if row.to == Property::BusinessPhones => Some((row.to, json!([]))),
        None => Some((row.to, Value::Null)),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn extension(resource: &Resource, schema: &Schema, name: &str) -> Option<Value> {
    resource.extension(schema.id)?.get(name).cloned()
}

fn typed<'a>(resource: &'a Resource, attribute: &str, kind: &str) -> Option<&'a Map<String, Value>> {
    let of_kind = |element: &&Value| {
        element.get("type").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(kind))
    };
    resource.elements(attribute).iter().find(of_kind).and_then(Value::as_object)
}

fn phone(resource: &Resource, kind: &str) -> Option<Value> {
    typed(resource, "phoneNumbers", kind)?.get("value").cloned()
}

fn other_mails(resource: &Resource) -> Value {
    let other = |element: &&Value| {
        element.get("type").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case("other"))
    };
    resource.elements("emails").iter().filter(other).filter_map(|email| email.get("value").cloned()).collect()
}

fn org_data(resource: &Resource) -> Option<Value> {
    let cost_center = extension(resource, &ENTERPRISE_USER, "costCenter");
    let division = extension(resource, &ENTERPRISE_USER, "division");
    if cost_center.is_none() && division.is_none() {
        return None;
    }
    Some(json!({ "costCenter": cost_center, "division": division }))
}

/// Graph wants a date with a time and zone; upstreams have a date, or leave the zone out.
fn hire_date(value: Value) -> Value {
    let Some(text) = value.as_str() else {
        return value;
    };
    match text.len() {
        10 => json!(format!("{text}T00:00:00Z")),
        19 => json!(format!("{text}Z")),
        _ => value,
    }
}

fn display_name(resource: &Resource) -> String {
    let named = resource.text("displayName").or_else(|| resource.text("name.formatted"));
    if let Some(name) = named.filter(|name| !name.trim().is_empty()) {
        return name.to_owned();
    }
    let parts = [resource.text("name.givenName"), resource.text("name.familyName")];
    let joined = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if joined.trim().is_empty() { resource.user_name().unwrap_or_default().to_owned() } else { joined }
}

/// Microsoft's characters for a mailNickname: ASCII without `@ ( ) \ [ ] " ; : < > , . / '` and blank.
fn nickname(resource: &Resource, address: &Address) -> String {
    let own = extension(resource, &GANGWAY_USER, "mailNickname");
    let source = own.as_ref().and_then(Value::as_str).unwrap_or(address.as_str());
    let local = source.split('@').next().unwrap_or_default();
    let allowed = |c: &char| c.is_ascii_graphic() && !"@()\\[]\";:<>,/'".contains(*c);
    local.chars().filter(allowed).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::{Dialect, USER};

    fn resource(body: Value) -> Resource {
        Resource::parse(&USER, body, Dialect::Auto).unwrap().resource
    }

    fn map(body: Value) -> BTreeMap<Property, Value> {
        let address = Address::parse("ann.berg@contoso.example").unwrap();
        let mapped = properties(&resource(body), &address, &Settings::default());
        assert_eq!(mapped.left_out, []);
        mapped.properties
    }

    #[test]
    fn every_row_carries_its_attribute() {
        let mapped = map(json!({
            "userName": "ann.berg@contoso.example", "active": true, "displayName": "Ann B",
            "name": {"givenName": "Ann", "familyName": "Berg"}, "title": "Buyer", "userType": "Employee",
            "preferredLanguage": "nb-NO",
            "addresses": [{"type": "home", "locality": "Moss"}, {"type": "work", "streetAddress": "Gate 1",
                "locality": "Oslo", "region": "Oslo", "postalCode": "0150", "country": "NO"}],
            "phoneNumbers": [{"type": "work", "value": "+47 1"}, {"type": "mobile", "value": "+47 2"},
                {"type": "fax", "value": "+47 3"}],
            "emails": [{"type": "work", "value": "a@b.example"}, {"type": "other", "value": "o@b.example"}],
            (ENTERPRISE_USER.id): {"employeeNumber": "4711", "department": "Sales", "organization": "Contoso",
                "costCenter": "100", "division": "North"},
            (GANGWAY_USER.id): {"officeLocation": "B2", "usageLocation": "no", "employeeHireDate": "2026-01-31"},
        }));
        let expected = json!({
            "userPrincipalName": "ann.berg@contoso.example", "accountEnabled": true, "givenName": "Ann",
            "surname": "Berg", "displayName": "Ann B", "jobTitle": "Buyer", "employeeType": "Employee",
            "preferredLanguage": "nb-NO", "streetAddress": "Gate 1", "city": "Oslo", "state": "Oslo",
            "postalCode": "0150", "country": "NO", "businessPhones": ["+47 1"], "mobilePhone": "+47 2",
            "faxNumber": "+47 3", "otherMails": ["o@b.example"], "employeeId": "4711", "department": "Sales",
            "companyName": "Contoso", "employeeOrgData": {"costCenter": "100", "division": "North"},
            "officeLocation": "B2", "usageLocation": "NO", "employeeHireDate": "2026-01-31T00:00:00Z",
            "onPremisesImmutableId": null,
        });
        assert_eq!(serde_json::to_value(mapped).unwrap(), expected);
    }

    #[test]
    fn what_upstream_does_not_say_is_cleared_except_what_graph_never_clears() {
        let mapped = map(json!({"userName": "ann.berg@contoso.example"}));
        assert_eq!(mapped[&Property::JobTitle], Value::Null);
        assert_eq!(mapped[&Property::BusinessPhones], json!([]));
        assert_eq!(mapped[&Property::OtherMails], json!([]));
        assert!(!mapped.contains_key(&Property::UsageLocation));
        assert!(!mapped.contains_key(&Property::MailNickname));
    }

    #[test]
    fn a_display_name_is_found_in_this_order() {
        let shown = |body| map(body)[&Property::DisplayName].clone();
        let user = "ann.berg@contoso.example";
        let name = json!({"formatted": "Dr Ann Berg", "givenName": "Ann", "familyName": "Berg"});
        assert_eq!(shown(json!({"userName": user, "displayName": "AB", "name": name})), "AB");
        assert_eq!(shown(json!({"userName": user, "name": name})), "Dr Ann Berg");
        assert_eq!(
            shown(json!({"userName": user, "name": {"givenName": "Ann", "familyName": "Berg"}})),
            "Ann Berg"
        );
        assert_eq!(shown(json!({"userName": user})), user);
    }

    #[test]
    fn a_suspension_blocks_sign_in_only_where_the_settings_say_so() {
        let expired =
            resource(json!({"userName": "a@b.example", (GANGWAY_USER.id): {"passwordExpired": true}}));
        let locked = resource(json!({"userName": "a@b.example", (GANGWAY_USER.id): {"locked": true}}));
        let defaults = Settings::default();
        assert!(!may_sign_in(&expired, &defaults));
        assert!(may_sign_in(&locked, &defaults));
        let other = Settings {
            on_password_expired: OnPasswordExpired::Maintain,
            on_lockout: OnLockout::Suspend,
            ..Settings::default()
        };
        assert!(may_sign_in(&expired, &other));
        assert!(!may_sign_in(&locked, &other));
    }

    #[test]
    fn a_rule_that_is_off_leaves_the_last_value() {
        let settings = Settings {
            rules_off: vec!["jobTitle".to_owned(), "givenName".to_owned()],
            ..Settings::default()
        };
        let address = Address::parse("a@b.example").unwrap();
        let user = resource(json!({"userName": "a@b.example", "title": "X"}));
        let mapped = properties(&user, &address, &settings).properties;
        assert!(!mapped.contains_key(&Property::JobTitle));
        assert!(mapped.contains_key(&Property::GivenName), "an always row cannot be switched off");
    }

    #[test]
    fn an_optional_value_that_microsoft_cannot_take_is_left_out_and_named() {
        let address = Address::parse("a@b.example").unwrap();
        let body = json!({"userName": "a@b.example", "title": "X",
            (ENTERPRISE_USER.id): {"employeeNumber": "12345678901234567"}});
        let mapped = properties(&resource(body), &address, &Settings::default());
        assert!(!mapped.properties.contains_key(&Property::EmployeeId));
        assert_eq!(mapped.properties[&Property::JobTitle], "X");
        assert_eq!(mapped.left_out.len(), 1);
        assert!(mapped.left_out[0].to_string().contains("employeeId"), "{}", mapped.left_out[0]);
    }

    #[test]
    fn the_connection_says_what_upstream_does_not() {
        let settings = Settings::default()
            .overridden_by(
                &json!({"usage_location": "SE", "password": {"policies": "DisablePasswordExpiration"}}),
            )
            .unwrap();
        let address = Address::parse("a@b.example").unwrap();
        let mapped = |extension: Value| {
            let user = resource(json!({"userName": "a@b.example", (GANGWAY_USER.id): extension}));
            properties(&user, &address, &settings).properties
        };
        assert_eq!(mapped(json!({}))[&Property::UsageLocation], "SE");
        assert_eq!(mapped(json!({"usageLocation": "no"}))[&Property::UsageLocation], "NO");
        assert_eq!(mapped(json!({}))[&Property::PasswordPolicies], "DisablePasswordExpiration");
    }

    #[test]
    fn a_new_account_has_values_only_and_a_nickname() {
        let address = Address::parse("o'hara.x@contoso.example").unwrap();
        let made = new_properties(
            &resource(json!({"userName": "o'hara.x@contoso.example"})),
            &address,
            &Settings::default(),
        );
        assert_eq!(made[&Property::MailNickname], "ohara.x");
        assert!(made.values().all(|value| !is_empty(value)), "{made:?}");
    }
}
