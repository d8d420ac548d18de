//! The bodies of POST and PATCH of a user, and what those of a group share with them: closed, typed, bounded. What needs the directory is checked there.

pub(super) mod group;

use std::fmt;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::account;
use super::refusal::Refusal;
use super::schema::{self, Entity, Kind, Property};
use crate::clock;

/// Which request a body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Create,
    Update,
}

/// What a body asks for.
#[derive(Default)]
pub(super) struct Change {
    /// New values; null clears.
    pub(super) properties: Map<String, Value>,
    pub(super) password: Option<NewPassword>,
    /// `manager@odata.bind`.
    pub(super) manager: Option<Uuid>,
}

/// `passwordProfile`.
#[derive(Default)]
pub(super) struct NewPassword {
    pub(super) password: Option<String>,
    pub(super) must_change: Option<bool>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("properties", &self.properties)
            .field("password", &self.password.is_some())
            .finish_non_exhaustive()
    }
}

impl Change {
    /// The names of the properties that it touches.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let password = self.password.as_ref().map(|_| "passwordProfile");
        self.properties.keys().map(String::as_str).chain(password)
    }
}

/// Reads the body of a POST or PATCH of a user.
pub(super) fn parse(body: &Value, purpose: Purpose) -> Result<Change, Refusal> {
    let members = members_of(body)?;
    let mut change = Change::default();
    for (name, value) in members {
        member(&mut change, name, value, purpose)?;
    }
    match purpose {
        Purpose::Create => required(&change)?,
        Purpose::Update if members.is_empty() => return Err(empty()),
        Purpose::Update => {}
    }
    Ok(change)
}

/// The members of a body that is an object.
fn members_of(body: &Value) -> Result<&Map<String, Value>, Refusal> {
    body.as_object().ok_or_else(|| {
        Refusal::new(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
        )
    })
}

fn empty() -> Refusal {
    Refusal::new(400, "BadRequest", "Empty Payload. JSON content expected.")
}

fn required(change: &Change) -> Result<(), Refusal> {
    if let Some(missing) = schema::REQUIRED.iter().find(|&&name| !change.names().any(|have| have == name)) {
        return Err(Refusal::required(Entity::User, missing));
    }
    match change.password.as_ref().and_then(|new| new.password.as_ref()) {
        Some(_) => Ok(()),
        None => Err(Refusal::required(Entity::User, "passwordProfile")),
    }
}

fn member(change: &mut Change, name: &str, value: &Value, purpose: Purpose) -> Result<(), Refusal> {
    if name == "@odata.type" {
        return Ok(());
    }
    if name == "manager@odata.bind" && purpose == Purpose::Create {
        change.manager = Some(reference(value, &["users"])?);
        return Ok(());
    }
    if schema::is_extension(name) {
        change.properties.insert(name.to_owned(), extension(name, value)?);
        return Ok(());
    }
    if Entity::User.is_read_only(name) {
        return Err(Refusal::read_only(name));
    }
    let Some(property) = Entity::User.writable(name) else {
        return Err(Refusal::undeclared(name, Entity::User.kind()));
    };
    if property.kind == Kind::PasswordProfile {
        change.password = Some(password_profile(value)?);
        return Ok(());
    }
    change.properties.insert(name.to_owned(), checked(property, value)?);
    Ok(())
}

/// The id in a reference to an object of one of `sets`, such as `https://graph.microsoft.com/v1.0/users/{id}`.
pub(super) fn reference(value: &Value, sets: &[&str]) -> Result<Uuid, Refusal> {
    let text = value.as_str().unwrap_or_default();
    let mut parts = text.rsplit('/');
    let id = parts.next().unwrap_or_default();
    let known = parts.next().is_some_and(|set| set == "directoryObjects" || sets.contains(&set));
    if !known || !text.contains("/v1.0/") {
        return Err(Refusal::bad("Invalid URL format specified in @odata.id or @odata.bind."));
    }
    Uuid::parse_str(id).map_err(|_| Refusal::bad(format!("Invalid object identifier '{id}'.")))
}

fn extension(name: &str, value: &Value) -> Result<Value, Refusal> {
    match value {
        Value::String(text) if text.chars().count() > 256 => Err(Refusal::length(name)),
        Value::Object(_) | Value::Array(_) => Err(Refusal::value(name)),
        _ => Ok(value.clone()),
    }
}

fn checked(property: &Property, value: &Value) -> Result<Value, Refusal> {
    let Property { name, kind, nullable } = *property;
    match kind {
        Kind::Denied | Kind::Delegated => return Err(Refusal::denied()),
        _ if value.is_null() && nullable => return Ok(Value::Null),
        _ if value.is_null() => return Err(Refusal::value(name)),
        Kind::Boolean => return boolean(name, value).map(Value::Bool),
        Kind::Texts(count, length) => return texts(name, value, count, length),
        Kind::Texted(names) => return texted(name, value, names),
        Kind::Identities => return identities(value),
        _ => {}
    }
    let text = text(name, value)?;
    match kind {
        Kind::Text(Some(limit)) if text.chars().count() > limit => Err(Refusal::length(name)),
        Kind::Time => time(name, text),
        _ if well_formed(kind, text) => Ok(value.clone()),
        Kind::UserName => Err(Refusal::user_name()),
        _ => Err(Refusal::value(name)),
    }
}

fn well_formed(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Word(words) => words.contains(&text),
        Kind::UserName => user_name(text),
        Kind::Nickname => nickname(text),
        Kind::Mail => mail(text),
        Kind::Country => text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase()),
        Kind::ImmutableId => !text.contains(['$', '_']),
        Kind::Policies => policies(text),
        // The directory takes null for "no value" and refuses an empty text.
        _ => !text.is_empty(),
    }
}

/// `A-Z a-z 0-9 ' . - _ ! # ^ ~`, 64 before and 48 after the `@`, no `.` at either end of the first part.
fn user_name(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let local_char = |c: char| c.is_ascii_alphanumeric() || "'.-_!#^~".contains(c);
    let domain_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    (1..=64).contains(&local.len())
        && (1..=48).contains(&domain.len())
        && local.chars().all(local_char)
        && domain.chars().all(domain_char)
        && !local.starts_with('.')
        && !local.ends_with('.')
}

fn nickname(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_graphic() && !"\"(),:;<>@[\\]".contains(c))
}

fn mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && text.chars().all(|c| c.is_ascii_graphic())
}

fn policies(text: &str) -> bool {
    let known = ["DisableStrongPassword", "DisablePasswordExpiration"];
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    text == "None" || (words.len() <= 2 && words.iter().all(|word| known.contains(word)))
}

fn convert(value: &Value, kind: &str) -> Refusal {
    // The value itself may be a password: the words of the OData library without the literal.
    let found = match value {
        Value::Bool(_) => "Edm.Boolean",
        Value::Number(_) => "Edm.Decimal",
        Value::String(_) => "Edm.String",
        Value::Array(_) => "a collection",
        Value::Object(_) => "an object",
        Value::Null => "null",
    };
    Refusal::bad(format!("Cannot convert a value of the type {found} to the expected type '{kind}'."))
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Refusal> {
    let text = value.as_str().ok_or_else(|| typed(convert(value, "Edm.String"), name))?;
    if name == "displayName" && text.is_empty() {
        return Err(Refusal::value(name));
    }
    Ok(text)
}

fn boolean(name: &str, value: &Value) -> Result<bool, Refusal> {
    value.as_bool().ok_or_else(|| typed(convert(value, "Edm.Boolean"), name))
}

fn typed(mut refusal: Refusal, name: &str) -> Refusal {
    refusal.details.push(json!({ "code": "InvalidValue", "message": refusal.message, "target": name }));
    refusal
}

fn texts(name: &str, value: &Value, count: usize, length: usize) -> Result<Value, Refusal> {
    let items = value.as_array().ok_or_else(|| typed(convert(value, "Collection(Edm.String)"), name))?;
    if items.len() > count {
        return Err(Refusal::value(name));
    }
    for item in items {
        let item = text(name, item)?;
        if item.is_empty() || (name == "otherMails" && !mail(item)) {
            return Err(Refusal::value(name));
        }
        if item.chars().count() > length {
            return Err(Refusal::length(name));
        }
    }
    Ok(value.clone())
}

/// The members of `value` if it is an object that holds nothing but these.
pub(super) fn object<'a>(
    value: &'a Value,
    name: &str,
    kind: &str,
    allowed: &[&str],
) -> Result<&'a Map<String, Value>, Refusal> {
    let members = value.as_object().ok_or_else(|| typed(convert(value, kind), name))?;
    match members.keys().find(|key| key.as_str() != "@odata.type" && !allowed.contains(&key.as_str())) {
        Some(unknown) => Err(Refusal::undeclared(unknown, kind)),
        None => Ok(members),
    }
}

fn texted(name: &str, value: &Value, names: &[&str]) -> Result<Value, Refusal> {
    let members = object(value, name, &format!("microsoft.graph.{name}"), names)?;
    let mut all = Map::new();
    for (key, item) in members.iter().filter(|(key, _)| key.as_str() != "@odata.type") {
        if !item.is_null() && text(name, item)?.chars().count() > 1024 {
            return Err(Refusal::length(name));
        }
        all.insert(key.clone(), item.clone());
    }
    if name == "employeeOrgData" {
        // Both are replaced together: what is left out becomes null.
        for key in names {
            all.entry(*key).or_insert(Value::Null);
        }
    }
    Ok(all.into())
}

fn identities(value: &Value) -> Result<Value, Refusal> {
    let name = "identities";
    let kind = "microsoft.graph.objectIdentity";
    let items = value.as_array().ok_or_else(|| typed(convert(value, kind), name))?;
    for item in items {
        let members = object(item, name, kind, &["issuer", "issuerAssignedId", "signInType"])?;
        for (_, part) in members.iter().filter(|(_, part)| !part.is_null()) {
            text(name, part)?;
        }
    }
    Ok(value.clone())
}

fn time(name: &str, text: &str) -> Result<Value, Refusal> {
    let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| Refusal::value(name))?;
    Ok(json!(account::seconds(clock::millis(at))))
}

fn password_profile(value: &Value) -> Result<NewPassword, Refusal> {
    let name = "passwordProfile";
    let kind = "microsoft.graph.passwordProfile";
    if value.is_null() {
        return Err(Refusal::value(name));
    }
    let force = "forceChangePasswordNextSignIn";
    let mfa = "forceChangePasswordNextSignInWithMfa";
    let members = object(value, name, kind, &["password", force, mfa])?;
    let flag = |key: &str| match members.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => boolean(key, value).map(Some),
    };
    let must_change = flag(force)?.or(flag(mfa)?);
    let password = match members.get("password") {
        None => None,
        Some(value) => Some(text("password", value)?.to_owned()),
    };
    Ok(NewPassword { password, must_change })
}

/// What the body of a restore asks for.
#[derive(Debug)]
pub(super) struct Restoration {
    pub(super) upn: Option<String>,
    pub(super) reconcile: bool,
}

/// Reads the body of `POST /directory/deletedItems/{id}/restore`.
pub(super) fn restoration(body: &Value) -> Result<Restoration, Refusal> {
    let names = ["newUserPrincipalName", "autoReconcileProxyConflict"];
    let members = object(body, "restore", "microsoft.graph.restore", &names)?;
    let reconcile = match members.get("autoReconcileProxyConflict") {
        None | Some(Value::Null) => false,
        Some(value) => boolean("autoReconcileProxyConflict", value)?,
    };
    let upn = match members.get("newUserPrincipalName") {
        None | Some(Value::Null) => None,
        Some(value) => Some(text("newUserPrincipalName", value)?.to_owned()),
    };
    match upn {
        Some(name) if !user_name(&name) => Err(Refusal::user_name()),
        upn => Ok(Restoration { upn, reconcile }),
    }
}

#[cfg(test)]
mod tests;
