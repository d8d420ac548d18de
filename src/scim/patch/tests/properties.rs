//! What holds for every PATCH, whatever it says.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use crate::scim::USER;

fn text() -> impl Strategy<Value = String> {
    "[a-cüß ]{1,4}"
}

fn element() -> impl Strategy<Value = Value> {
    (
        text(),
        prop::option::of(prop::sample::select(vec!["work", "home", "other"])),
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(value, label, primary)| json!({"value": value, "type": label, "primary": primary}))
}

fn user() -> impl Strategy<Value = Resource> {
    (
        prop::collection::vec(element(), 0..4),
        prop::option::of(text()),
        prop::option::of(text()),
        prop::option::of(any::<bool>()),
    )
        .prop_map(|(mut emails, title, given, active)| {
            let mut seen = false;
            for email in &mut emails {
                if email["primary"] == true && std::mem::replace(&mut seen, true) {
                    email["primary"] = false.into();
                }
            }
            let body = json!({
                "userName": "ann", "emails": emails, "title": title, "name": {"givenName": given}, "active": active,
            });
            Resource::parse(&USER, body, Dialect::Auto)
                .unwrap()
                .resource
        })
}

fn path() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "title",
        "active",
        "name",
        "name.givenName",
        "emails",
        "emails.display",
        "emails[type eq \"work\"]",
        "emails[type eq \"home\"].value",
        "emails[type eq \"other\"].display",
        "emails[primary eq true].value",
        "emails[type eq \"work\" and primary eq true].value",
        "emails[value sw \"a\"]",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        "groups",
        "password",
    ])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        element(),
        prop::collection::vec(element(), 0..3).prop_map(Value::from),
        text().prop_map(|given| json!({"givenName": given, "department": given})),
        Just(Value::Null),
    ]
}

fn operation() -> impl Strategy<Value = Value> {
    let op = prop::sample::select(vec!["add", "Replace", "REMOVE"]);
    prop_oneof![
        4 => (op, path(), prop::option::of(value())).prop_map(|(op, path, value)| match value {
            Some(value) => json!({"op": op, "path": path, "value": value}),
            None => json!({"op": op, "path": path}),
        }),
        1 => (path(), value()).prop_map(|(path, value)| json!({"op": "replace", "value": {path: value}})),
    ]
}

fn patch(user: &Resource, operations: &[Value]) -> Result<Patched, Error> {
    let request = PatchRequest::parse(json!({"Operations": operations}), Dialect::Auto)?;
    apply(&USER, user, &request, Dialect::Auto)
}

fn primaries(user: &Resource) -> usize {
    let primary = |email: &&Value| email.get("primary") == Some(&Value::Bool(true));
    user.elements("emails").iter().filter(primary).count()
}

proptest! {
    #[test]
    fn the_result_is_a_resource_like_any_other(user in user(), operations in prop::collection::vec(operation(), 1..5)) {
        let Ok(patched) = patch(&user, &operations) else { return Ok(()) };
        let body = Value::Object(patched.resource.as_map().clone());
        let read = Resource::parse(&USER, body, Dialect::Auto).unwrap();
        prop_assert_eq!(&read.resource, &patched.resource);
        prop_assert!(read.ignored.is_empty(), "{:?}", read.ignored);
        prop_assert!(primaries(&patched.resource) <= 1);
        prop_assert_eq!(patched.changed, !patched.resource.same_as(&user));
    }

    #[test]
    fn twice_is_once(user in user(), path in path(), op in prop::sample::select(vec!["add", "replace", "remove"]), value in value()) {
        let operation = [json!({"op": op, "path": path, "value": value})];
        let Ok(once) = patch(&user, &operation) else { return Ok(()) };
        // The filter may no longer match what the operation has changed: then the second time has no target.
        match patch(&once.resource, &operation) {
            Ok(twice) => {
                // Only a filter on the part that is set can make the second time differ (another element comes first).
                prop_assert!(!twice.changed || path.contains('['), "{} then {}",
                    serde_json::to_string(&once.resource).unwrap(), serde_json::to_string(&twice.resource).unwrap());
            }
            Err(error) => prop_assert_eq!(error.kind, ErrorKind::NoTarget),
        }
    }

    #[test]
    fn what_was_added_can_be_removed(user in user(), title in text(), mail in "new-[a-z]{1,5}") {
        let added = patch(&user, &[json!({"op": "add", "path": "emails", "value": {"value": mail}})]).unwrap();
        prop_assert!(added.changed);
        let removed = patch(&added.resource, &[json!({"op": "remove", "path": format!("emails[value eq \"{mail}\"]")})]).unwrap();
        prop_assert_eq!(&removed.resource, &user);
        let removed = patch(&added.resource, &[json!({"op": "remove", "path": "emails", "value": [{"value": mail}]})]).unwrap();
        prop_assert_eq!(&removed.resource, &user);

        let bare = patch(&user, &[json!({"op": "remove", "path": "title"})]).unwrap().resource;
        let added = patch(&bare, &[json!({"op": "add", "path": "title", "value": title})]).unwrap();
        let removed = patch(&added.resource, &[json!({"op": "remove", "path": "title"})]).unwrap();
        prop_assert_eq!(removed.resource, bare);
    }

    #[test]
    fn operations_one_by_one_are_the_same_as_together(user in user(), operations in prop::collection::vec(operation(), 2..5)) {
        let Ok(together) = patch(&user, &operations) else { return Ok(()) };
        let mut one_by_one = user;
        for operation in &operations {
            one_by_one = patch(&one_by_one, std::slice::from_ref(operation)).unwrap().resource;
        }
        prop_assert!(one_by_one.same_as(&together.resource));
    }

    #[test]
    fn no_request_panics(operations in prop::collection::vec((".{0,12}", ".{0,20}", value()), 0..3)) {
        let operations: Vec<Value> = operations
            .into_iter()
            .map(|(op, path, value)| json!({"op": if op.len() < 3 { "add" } else { op.as_str() }, "path": path, "value": value}))
            .collect();
        let user = Resource::parse(&USER, super::before(), Dialect::Auto).unwrap().resource;
        let _ = patch(&user, &operations);
    }
}
