use rstest::rstest;
use serde_json::{Map, Value, json};

use super::*;
use crate::scim::render::tests::identity;
use crate::scim::{Dialect, Resource, USER, render};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> Map<String, Value> {
    let body = json!({
        "userName": "ann", "name": {"givenName": "Ann", "familyName": "Berg"},
        "emails": [{"value": "a@x.example", "type": "work"}, {"value": "b@x.example"}],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "m1"}},
    });
    let resource = Resource::parse(&USER, body, Dialect::Auto).unwrap().resource;
    render(&USER, &resource, &identity(), Map::new())
}

fn project(attributes: &[&str], excluded: &[&str]) -> Value {
    let projection = Projection::parse(&USER, attributes, excluded).unwrap();
    let mut out = projection.apply(user());
    // Present in every answer; asserted here, so that the tables show the rest.
    assert!(out.shift_remove("schemas").is_some());
    assert!(out.shift_remove("id").is_some());
    Value::Object(out)
}

#[rstest]
#[case(&["userName"], json!({"userName": "ann"}))]
#[case(&["USERNAME,name.givenname"], json!({"userName": "ann", "name": {"givenName": "Ann"}}))]
#[case(&["emails.type"], json!({"emails": [{"type": "work"}]}))]
#[case(&["emails.type", "emails"], json!({"emails": [{"value": "a@x.example", "type": "work"}, {"value": "b@x.example"}]}))]
#[case(&["urn:ietf:params:scim:schemas:core:2.0:User:userName"], json!({"userName": "ann"}))]
#[case(&["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"], json!({ENTERPRISE: {"department": "Sales"}}))]
#[case(&["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"], json!({ENTERPRISE: {"manager": {"value": "m1"}}}))]
#[case(&["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"], json!({ENTERPRISE: {"department": "Sales", "manager": {"value": "m1"}}}))]
#[case(&["meta.location"], json!({"meta": {"location": "https://bridge.example/scim/v2/Users/2819c223"}}))]
#[case(&["shoeSize", "password"], json!({}))]
fn attributes_chooses(#[case] attributes: &[&str], #[case] expected: Value) {
    assert_eq!(project(attributes, &[]), expected);
}

#[rstest]
#[case("userName")]
#[case("emails.type")]
#[case("emails")]
#[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department")]
#[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")]
#[case("meta")]
fn excluded_attributes_takes_away_that_and_nothing_else(#[case] name: &str) {
    let without = project(&[], &[name]);
    let only = project(&[name], &[]);
    assert_ne!(only, json!({}), "{name} is there");
    assert_ne!(without, project(&[], &[]), "{name} went");
    let text = without.to_string();
    for (key, value) in only.as_object().unwrap() {
        assert_ne!(without.get(key), Some(value), "{name} still in {text}");
    }
    let others = ["externalId", "name", "displayName"];
    for other in others.iter().filter(|other| !name.starts_with(**other)) {
        assert_eq!(without.get(other), user().get(*other));
    }
}

#[test]
fn what_is_always_returned_cannot_be_excluded() {
    let projection = Projection::parse(&USER, &[] as &[&str], &["id", "schemas"]).unwrap();
    assert_eq!(projection.apply(user()), user());
}

#[test]
fn a_password_never_gets_out() {
    let mut leaky = user();
    leaky.insert("password".to_owned(), "Secret-123".into());
    let none: &[&str] = &[];
    for projection in [
        Projection::standard(&USER),
        Projection::parse(&USER, &["password", "userName"], none).unwrap(),
        Projection::parse(&USER, &[USER.schema.id], none).unwrap(),
        Projection::parse(&USER, none, &["userName"]).unwrap(),
    ] {
        let out = Value::Object(projection.apply(leaky.clone())).to_string();
        assert!(!out.contains("Secret"), "{projection:?}: {out}");
    }
}

#[test]
fn both_parameters_at_once_are_refused() {
    let error = Projection::parse(&USER, &["userName"], &["emails"]).unwrap_err();
    assert_eq!(error.scim_type(), Some("invalidValue"));
}
