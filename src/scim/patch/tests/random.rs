//! Random resources under random patches, made of the schemas' own words: what the fuzz target `patch` asserts, in every
//! run of the tests.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::*;
use crate::scim::{GROUP, GroupInput, GroupPatch, ResourceType, USER};

/// Every name there is: attributes, sub-attributes, URNs, and some that are none.
fn names(rt: &ResourceType) -> Vec<String> {
    let mut names: Vec<String> =
        ["shoe", "", "$ref", "meta", "id", "externalId", "schemas"].map(str::to_owned).to_vec();
    for schema in rt.schemas() {
        names.push(schema.id.to_owned());
        for attribute in schema.attributes {
            names.push(attribute.name.to_owned());
            names.push(attribute.name.to_uppercase());
            names.push(format!("{}:{}", schema.id, attribute.name));
            names.extend(attribute.sub_attributes.iter().map(|sub| sub.name.to_owned()));
            names.extend(
                attribute.sub_attributes.iter().map(|sub| format!("{}.{}", attribute.name, sub.name)),
            );
        }
    }
    names
}

fn value(rt: &'static ResourceType) -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        "(work|home|true|False|a|B|ü\u{0}?|https://x/Users/1|2026-01-31T08:00:00Z)?".prop_map(Value::from),
    ];
    let name = prop::sample::select(names(rt));
    scalar.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|parts| Value::Object(Map::from_iter(parts))),
        ]
    })
}

fn path(rt: &'static ResourceType) -> impl Strategy<Value = String> {
    let name = prop::sample::select(names(rt));
    (
        name.clone(),
        prop::option::of((name.clone(), "(eq|ne|co|gt|pr)", "(\"work\"|true|null|7)?")),
        prop::option::of(name),
    )
        .prop_map(|(name, filter, sub)| {
            let filter = filter.map(|(by, op, with)| format!("[{by} {op} {with}]")).unwrap_or_default();
            let sub = sub.map(|sub| format!(".{sub}")).unwrap_or_default();
            format!("{name}{filter}{sub}")
        })
}

fn operations(rt: &'static ResourceType) -> impl Strategy<Value = Value> {
    let operation =
        (prop::sample::select(vec!["add", "remove", "replace"]), prop::option::of(path(rt)), value(rt))
            .prop_map(|(op, path, value)| json!({"op": op, "path": path, "value": value}));
    prop::collection::vec(operation, 1..4).prop_map(Value::from)
}

fn body(rt: &'static ResourceType) -> impl Strategy<Value = Value> {
    prop::collection::vec((prop::sample::select(names(rt)), value(rt)), 0..5).prop_map(|parts| {
        let mut body = Map::from_iter(parts);
        body.insert("userName".to_owned(), "ann".into());
        body.insert("displayName".to_owned(), "Ann".into());
        Value::Object(body)
    })
}

/// What a PATCH leaves is what a body with the same content would be read as.
fn stands(rt: &'static ResourceType, patched: &Patched) -> Result<(), TestCaseError> {
    let body = Value::Object(patched.resource.as_map().clone());
    let read = Resource::parse(rt, body.clone(), Dialect::Auto);
    let read = read.map_err(|error| TestCaseError::fail(format!("{body}: {error}")))?;
    prop_assert!(read.resource.same_as(&patched.resource), "{}", body);
    prop_assert!(read.ignored.is_empty(), "{:?}", read.ignored);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn a_user_stays_a_user(body in body(&USER), operations in operations(&USER)) {
        let before = Resource::parse(&USER, body, Dialect::Auto).map(|input| input.resource);
        let before = before.unwrap_or_else(|_| Resource::from(json!({"userName": "ann"})));
        let Ok(request) = PatchRequest::parse(json!({"Operations": operations}), Dialect::Auto) else { return Ok(()) };
        let Ok(patched) = apply(&USER, &before, &request, Dialect::Auto) else { return Ok(()) };
        stands(&USER, &patched)?;
        prop_assert_eq!(patched.changed, !patched.resource.same_as(&before));
    }

    #[test]
    fn a_group_stays_a_group(body in body(&GROUP), operations in operations(&GROUP)) {
        let before = GroupInput::parse(body, Dialect::Auto).map(|input| input.resource);
        let before = before.unwrap_or_else(|_| Resource::from(json!({"displayName": "Sales"})));
        prop_assert_eq!(before.get("members"), None);
        let Ok(split) = GroupPatch::parse(json!({"Operations": operations}), Dialect::Entra) else { return Ok(()) };
        let Some(request) = split.attributes else { return Ok(()) };
        let Ok(patched) = apply(&GROUP, &before, &request, Dialect::Entra) else { return Ok(()) };
        stands(&GROUP, &patched)?;
        prop_assert_eq!(patched.resource.get("members"), None);
    }
}
