//! The bodies of POST and PATCH of a group.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Purpose, Refusal, checked, empty, extension, members_of, reference};
use crate::simulator::schema::{self, Entity};

/// How many members one request may name.
const MOST: usize = 20;

/// What a body asks for.
#[derive(Debug, Default)]
pub(in crate::simulator) struct GroupChange {
    /// New values; null clears.
    pub(in crate::simulator) properties: Map<String, Value>,
    /// `members@odata.bind`: to be added, all or none.
    pub(in crate::simulator) members: BTreeSet<Uuid>,
    /// `owners@odata.bind`: to be added, all or none.
    pub(in crate::simulator) owners: BTreeSet<Uuid>,
}

/// Reads the body of a POST or PATCH of a group.
pub(in crate::simulator) fn parse(body: &Value, purpose: Purpose) -> Result<GroupChange, Refusal> {
    let members = members_of(body)?;
    let mut change = GroupChange::default();
    for (name, value) in members {
        member(&mut change, name, value, purpose).map_err(Refusal::of_group)?;
    }
    let references = change.members.len() + change.owners.len();
    if references > MOST {
        return Err(too_many(references));
    }
    match purpose {
        Purpose::Create => required(&change)?,
        Purpose::Update if members.is_empty() => return Err(empty()),
        Purpose::Update => {}
    }
    Ok(change)
}

fn required(change: &GroupChange) -> Result<(), Refusal> {
    match schema::group::REQUIRED.iter().find(|&&name| !change.properties.contains_key(name)) {
        Some(missing) => Err(Refusal::required(Entity::Group, missing)),
        None => Ok(()),
    }
}

fn member(change: &mut GroupChange, name: &str, value: &Value, purpose: Purpose) -> Result<(), Refusal> {
    match name {
        "@odata.type" => return Ok(()),
        "members@odata.bind" => {
            change.members = bound(value)?;
            return Ok(());
        }
        "owners@odata.bind" => {
            change.owners = bound(value)?;
            return Ok(());
        }
        // Labels are for persons: an application's token is refused (unverified words).
        "assignedLabels" => return Err(Refusal::denied()),
        _ => {}
    }
    if schema::is_extension(name) {
        change.properties.insert(name.to_owned(), extension(name, value)?);
        return Ok(());
    }
    if Entity::Group.is_read_only(name) {
        return Err(Refusal::read_only(name));
    }
    let Some(property) = Entity::Group.writable(name) else {
        return Err(Refusal::undeclared(name, Entity::Group.kind()));
    };
    if purpose == Purpose::Update && schema::group::AT_CREATE_ONLY.contains(&name) {
        return Err(Refusal::value(name));
    }
    if name == "groupTypes" && !known_types(value) {
        return Err(Refusal::value(name));
    }
    change.properties.insert(name.to_owned(), checked(property, value)?);
    Ok(())
}

fn known_types(value: &Value) -> bool {
    let types = value.as_array().into_iter().flatten();
    types.filter_map(Value::as_str).all(|kind| matches!(kind, "Unified" | "DynamicMembership"))
}

/// That it is refused is documented ("Update group"); its words are not.
fn too_many(references: usize) -> Refusal {
    Refusal::bad(format!(
        "The request names {references} references; at most {MOST} can be added in one request."
    ))
}

/// The ids in a list of references to members.
fn bound(value: &Value) -> Result<BTreeSet<Uuid>, Refusal> {
    let items = value.as_array().ok_or_else(|| Refusal::value("members"))?;
    if items.len() > MOST {
        return Err(too_many(items.len()));
    }
    let mut ids = BTreeSet::new();
    for item in items {
        if !ids.insert(member_reference(item)?) {
            return Err(Refusal::duplicates());
        }
    }
    Ok(ids)
}

/// The id in a reference to a member.
pub(in crate::simulator) fn member_reference(value: &Value) -> Result<Uuid, Refusal> {
    reference(value, &["users", "groups"])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn body() -> Value {
        json!({"displayName": "Nurses", "mailEnabled": false, "mailNickname": "nurses", "securityEnabled": true})
    }

    #[rstest]
    #[case("displayName")]
    #[case("mailEnabled")]
    #[case("mailNickname")]
    #[case("securityEnabled")]
    fn a_create_needs(#[case] name: &str) {
        let mut without = body();
        without.as_object_mut().unwrap().shift_remove(name);
        let refusal = parse(&without, Purpose::Create).unwrap_err();
        let message = format!("A value is required for property '{name}' of resource 'Group'.");
        assert_eq!((refusal.status, refusal.message), (400, message));
    }

    #[rstest]
    #[case("displayName", json!("x".repeat(257)), "InvalidLength")]
    #[case("displayName", json!(""), "InvalidValue")]
    #[case("displayName", json!(null), "InvalidValue")]
    #[case("description", json!("x".repeat(1025)), "InvalidLength")]
    #[case("description", json!(""), "InvalidValue")]
    #[case("mailNickname", json!("a b"), "InvalidValue")]
    #[case("mailNickname", json!("é"), "InvalidValue")]
    #[case("mailNickname", json!("x".repeat(65)), "InvalidValue")]
    #[case("groupTypes", json!(["Security"]), "InvalidValue")]
    #[case("isAssignableToRole", json!(true), "InvalidValue")]
    fn a_value_that_a_property_cannot_have(#[case] name: &str, #[case] value: Value, #[case] code: &str) {
        let refusal = parse(&json!({ name: value }), Purpose::Update).unwrap_err();
        let message = format!("Invalid value specified for property '{name}' of resource 'Group'.");
        assert_eq!(refusal.details, [json!({"code": code, "message": message, "target": name})]);
        assert_eq!((refusal.status, refusal.message), (400, message));
    }

    #[rstest]
    #[case("id", json!("x"), 400, "Property 'id' is read-only and cannot be set.")]
    #[case("colour", json!("red"), 400, "The property 'colour' does not exist on type 'microsoft.graph.group'. Make sure to only use property names that are defined by the type.")]
    #[case("hideFromAddressLists", json!(true), 403, "Insufficient privileges to complete the operation.")]
    #[case("owners@odata.bind", json!(1), 400, "Invalid value specified for property 'members' of resource 'Group'.")]
    #[case("assignedLabels", json!([]), 403, "Insufficient privileges to complete the operation.")]
    fn a_body_that_does_not_fit(
        #[case] name: &str,
        #[case] value: Value,
        #[case] status: u16,
        #[case] message: &str,
    ) {
        let refusal = parse(&json!({ name: value }), Purpose::Update).unwrap_err();
        assert_eq!((refusal.status, refusal.message.as_str()), (status, message));
    }

    fn bind(ids: impl Iterator<Item = u128>) -> Value {
        let url = |id| format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", Uuid::from_u128(id));
        json!({ "members@odata.bind": ids.map(url).collect::<Vec<_>>() })
    }

    #[test]
    fn twenty_members_at_most_and_none_twice() {
        assert_eq!(parse(&bind(0..20), Purpose::Update).unwrap().members.len(), 20);
        assert_eq!(parse(&bind(0..21), Purpose::Update).unwrap_err().status, 400);
        let twice = parse(&bind([1, 2, 1].into_iter()), Purpose::Update).unwrap_err();
        assert_eq!(twice.message, "Request contains a property with duplicate values.");
        let nobody = json!({"members@odata.bind": ["https://graph.microsoft.com/v1.0/users/adele"]});
        let refusal = parse(&nobody, Purpose::Update).unwrap_err();
        assert_eq!(refusal.message, "Invalid object identifier 'adele'.");
    }

    #[test]
    fn an_empty_change_is_none() {
        assert_eq!(parse(&json!({}), Purpose::Update).unwrap_err().code, "BadRequest");
        assert_eq!(parse(&json!([]), Purpose::Create).unwrap_err().code, "BadRequest");
    }
}
