use proptest::prelude::*;
use rstest::rstest;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::scim::render::tests::identity;
use crate::scim::schema::{Attribute, Kind, Schema};
use crate::scim::{GROUP, USER, render};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GANGWAY: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User";

fn parse(body: Value) -> Result<Input, Error> {
    Resource::parse(&USER, body, Dialect::Auto)
}

fn with(more: Value) -> Value {
    let mut body = json!({"userName": "ann"});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

/// What is kept of `body`, beside `userName`.
fn kept(body: &Value) -> Value {
    let input = parse(with(body.clone())).unwrap_or_else(|error| panic!("{body}: {error}"));
    let mut map = input.resource.as_map().clone();
    assert_eq!(map.shift_remove("userName"), Some("ann".into()));
    Value::Object(map)
}

#[rstest]
// Names in any case (RFC 7643 §2.1).
#[case(json!({"DISPLAYNAME": "Ann", "NAME": {"GIVENNAME": "Ann"}}), json!({"name": {"givenName": "Ann"}, "displayName": "Ann"}))]
#[case(json!({"URN:IETF:params:scim:schemas:extension:ENTERPRISE:2.0:user": {"DEPARTMENT": "it"}}), json!({ENTERPRISE: {"department": "it"}}))]
// Null and the empty list are unassigned (RFC 7643 §2.5).
#[case(json!({"title": null, "emails": [], "name": {"givenName": null}, ENTERPRISE: null}), json!({}))]
#[case(json!({"emails": [null, {}, {"value": null}]}), json!({}))]
#[case(json!({ENTERPRISE: {"manager": {}}}), json!({}))]
// An empty string is a value.
#[case(json!({"title": "", "name": {"middleName": ""}}), json!({"name": {"middleName": ""}, "title": ""}))]
// One for a list, a list for one.
#[case(json!({"emails": {"value": "a@x", "type": "work"}}), json!({"emails": [{"value": "a@x", "type": "work"}]}))]
#[case(json!({"title": ["Boss"], "active": [], "name": [{"givenName": "A"}]}), json!({"name": {"givenName": "A"}, "title": "Boss"}))]
// Bare strings.
#[case(json!({"emails": ["a@x", "b@x"], "roles": "buyer"}), json!({"emails": [{"value": "a@x"}, {"value": "b@x"}], "roles": [{"value": "buyer"}]}))]
#[case(json!({ENTERPRISE: {"manager": "m1"}}), json!({ENTERPRISE: {"manager": {"value": "m1"}}}))]
// Booleans as strings.
#[case(json!({"active": "False", "emails": [{"value": "a@x", "primary": "true"}]}), json!({"active": false, "emails": [{"value": "a@x", "primary": true}]}))]
#[case(json!({GANGWAY: {"locked": "TRUE"}}), json!({GANGWAY: {"locked": true}}))]
// The same pair of type and value is folded (RFC 7643 §2.4).
#[case(
    json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "a@x", "type": "home"}, {"type": "work", "value": "a@x", "display": "A"}]}),
    json!({"emails": [{"value": "a@x", "type": "work", "display": "A"}, {"value": "a@x", "type": "home"}]})
)]
#[case(json!({"addresses": [{"locality": "Oslo"}, {"locality": "Oslo"}, {"locality": "Bergen"}]}), json!({"addresses": [{"locality": "Oslo"}, {"locality": "Bergen"}]}))]
// Flattened keys.
#[case(json!({"name.givenName": "Ann", "name": {"familyName": "Berg"}}), json!({"name": {"familyName": "Berg", "givenName": "Ann"}}))]
#[case(json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "it"}), json!({ENTERPRISE: {"department": "it"}}))]
#[case(json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": "m1"}), json!({ENTERPRISE: {"manager": {"value": "m1"}}}))]
#[case(json!({"name.givenName": null}), json!({}))]
// Syntax of the special types.
#[case(json!({GANGWAY: {"employeeHireDate": "2024-03-01T00:00:00"}}), json!({GANGWAY: {"employeeHireDate": "2024-03-01T00:00:00"}}))]
#[case(json!({"x509Certificates": [{"value": "MIID+_8="}]}), json!({"x509Certificates": [{"value": "MIID+_8="}]}))]
#[case(json!({"profileUrl": "https://x.example/a?b=c#d"}), json!({"profileUrl": "https://x.example/a?b=c#d"}))]
// Suggested values are suggestions.
#[case(json!({"emails": [{"value": "a@x", "type": "pigeon"}]}), json!({"emails": [{"value": "a@x", "type": "pigeon"}]}))]
fn bodies_become_canonical(#[case] body: Value, #[case] expected: Value) {
    assert_eq!(kept(&body), expected);
}

#[test]
fn what_the_client_may_not_write_is_passed_over_and_named() {
    let input = parse(json!({
        "schemas": ["urn:scim:schemas:core:1.0"], "id": "x", "meta": {"resourceType": "User"}, "groups": [{"value": "g"}],
        "userName": "ann", "shoeSize": 44, "emails": [{"value": "a@x", "colour": "red"}],
        ENTERPRISE: {"manager": {"value": "m", "displayName": "Max"}, "desk": 7},
        GANGWAY: {"syncStatus": "synced", "accountId": 5},
        "urn:ietf:params:scim:schemas:extension:elsewhere:2.0:User": {"mailNickname": "ann"},
    }))
    .unwrap();
    assert_eq!(
        Value::Object(input.resource.as_map().clone()),
        json!({"userName": "ann", "emails": [{"value": "a@x"}], ENTERPRISE: {"manager": {"value": "m"}}})
    );
    let mut ignored = input.ignored;
    ignored.sort_unstable();
    assert_eq!(
        ignored,
        [
            "emails.colour".to_owned(),
            "groups".to_owned(),
            "id".to_owned(),
            "meta".to_owned(),
            "shoeSize".to_owned(),
            "urn:ietf:params:scim:schemas:extension:elsewhere:2.0:User".to_owned(),
            format!("{ENTERPRISE}:desk"),
            format!("{ENTERPRISE}:manager.displayName"),
            format!("{GANGWAY}:accountId"),
            format!("{GANGWAY}:syncStatus"),
        ]
    );
}

#[rstest]
#[case(json!([]), "invalidSyntax", "User")]
#[case(json!("ann"), "invalidSyntax", "User")]
#[case(json!({}), "invalidValue", "userName")]
#[case(json!({"userName": null}), "invalidValue", "userName")]
#[case(json!({"userName": " \t"}), "invalidValue", "userName")]
#[case(json!({"userName": "a", "USERNAME": "b"}), "invalidSyntax", "userName")]
#[case(json!({"userName": "a", "name": {"givenName": "a", "givenname": "b"}}), "invalidSyntax", "name.givenName")]
#[case(json!({"userName": "a", GANGWAY: {"locked": true, "LOCKED": true}}), "invalidSyntax", "gangway:2.0:User:locked")]
#[case(json!({"userName": "a", "emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}), "invalidValue", "emails")]
#[case(json!({"userName": "a", "title": ["x", "y"]}), "invalidValue", "title")]
#[case(json!({"userName": "a", "title": "x\u{0}"}), "invalidValue", "title")]
#[case(json!({"userName": "a", ENTERPRISE: "it"}), "invalidValue", ENTERPRISE)]
#[case(json!({"userName": "a", "schemas": 5}), "invalidValue", "schemas")]
#[case(json!({"userName": "a", "schemas": [5]}), "invalidValue", "schemas")]
fn wrong_bodies_are_refused_by_name(#[case] body: Value, #[case] scim_type: &str, #[case] named: &str) {
    let error = parse(body.clone()).expect_err(&body.to_string());
    assert_eq!(error.scim_type(), Some(scim_type), "{error}");
    assert!(error.detail.contains(named), "{body}: {error}");
}

#[test]
fn a_group_needs_its_name() {
    let error = Resource::parse(&GROUP, json!({"members": []}), Dialect::Auto).unwrap_err();
    assert!(error.detail.contains("displayName"), "{error}");
}

#[rstest]
#[case(json!({"userName": "ann", "password": "Ab3-xY7q"}))]
#[case(json!({"userName": "ann", "PASSWORD": ["Ab3-xY7q"]}))]
#[case(json!({"userName": "ann", "urn:ietf:params:scim:schemas:core:2.0:User:password": "Ab3-xY7q"}))]
fn a_password_goes_its_own_way(#[case] body: Value) {
    let input = parse(body).unwrap();
    let debugged = format!("{input:?}");
    assert!(!debugged.contains("Ab3"), "{debugged}");
    assert_eq!(input.password.unwrap().expose_secret(), "Ab3-xY7q");
    assert_eq!(Value::Object(input.resource.as_map().clone()), json!({"userName": "ann"}));
}

#[test]
fn an_error_about_a_password_does_not_hold_it() {
    let error = parse(json!({"userName": "a", "password": {"value": "Ab3-xY7q"}})).unwrap_err();
    assert!(error.detail.contains("password"));
    assert!(!error.detail.contains("Ab3"), "{error}");
    let error = parse(json!({"userName": "a", "password": "Ab3-xY7q\u{0}"})).unwrap_err();
    assert!(!error.detail.contains("Ab3"), "{error}");
}

#[test]
fn a_long_list_is_folded_like_a_short_one() {
    let emails = |count: usize| -> Vec<Value> {
        (0..count)
            .flat_map(|n| {
                [json!({"value": format!("u{n}")}), json!({"display": "d", "value": format!("u{n}")})]
            })
            .collect()
    };
    for count in [3, 500] {
        let user = parse(with(json!({"emails": emails(count)}))).unwrap().resource;
        assert_eq!(user.elements("emails").len(), count);
        assert_eq!(user.elements("emails")[1], json!({"value": "u1", "display": "d"}));
    }
}

#[test]
fn a_list_is_bounded_but_members_are_not() {
    let values = |count: usize| -> Value { (0..count).map(|n| json!({"value": n.to_string()})).collect() };
    parse(with(json!({"emails": values(1_000)}))).unwrap();
    let error = parse(with(json!({"emails": values(1_001)}))).unwrap_err();
    assert!(error.detail.starts_with("emails would have 1001 values"), "{error}");
    let body = json!({"displayName": "All", "members": values(1_001)});
    let group = Resource::parse(&GROUP, body, Dialect::Auto).unwrap().resource;
    assert_eq!(group.elements("members").len(), 1_001);
}

/// A value of another type than `kind`, for each such type.
pub(in crate::scim) fn misfits(kind: Kind) -> Vec<Value> {
    let mut misfits = vec![json!([["nested"]]), json!([[{"value": "nested"}]])];
    if kind != Kind::Complex {
        misfits.push(json!({"a": 1}));
    }
    if kind != Kind::Boolean {
        misfits.push(json!(true));
    }
    if !matches!(kind, Kind::Integer | Kind::Decimal) {
        misfits.push(json!(7));
    }
    match kind {
        Kind::Boolean => misfits.push(json!("yes")),
        Kind::DateTime => misfits.push(json!("2024-13-45")),
        Kind::Binary => misfits.extend([json!("not base64"), json!("abcde"), json!("ab=cd")]),
        Kind::Reference => misfits.push(json!("not a uri")),
        Kind::Integer => misfits.push(json!(1.5)),
        Kind::String | Kind::Decimal | Kind::Complex => {}
    }
    misfits
}

fn refuses(schema: &Schema, attribute: &Attribute, name: &str, value: Value) {
    let mut body = json!({"userName": "ann"});
    if schema.is_extension() {
        body[schema.id][attribute.name] = value;
    } else {
        body[attribute.name] = value;
    }
    let full = if schema.is_extension() { format!("{}:{name}", schema.id) } else { name.to_owned() };
    let error = parse(body.clone()).expect_err(&body.to_string());
    assert_eq!(error.scim_type(), Some("invalidValue"), "{body}");
    assert!(error.detail.starts_with(&format!("{full} ")), "{body}: {error} does not name {full}");
}

#[test]
fn every_attribute_of_every_schema_refuses_other_types_by_its_full_name() {
    let mut checked = 0;
    for schema in USER.schemas() {
        let writable = |attribute: &&Attribute| !attribute.is_read_only();
        for attribute in schema.attributes.iter().filter(writable) {
            for value in misfits(attribute.kind) {
                refuses(schema, attribute, attribute.name, value);
                checked += 1;
            }
            for sub in attribute.sub_attributes.iter().filter(writable) {
                for value in misfits(sub.kind) {
                    let name = format!("{}.{}", attribute.name, sub.name);
                    refuses(schema, attribute, &name, json!({sub.name: value}));
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 300, "{checked}");
}

#[test]
fn order_among_elements_has_no_meaning() {
    let read = |emails: Value| parse(with(json!({"emails": emails}))).unwrap().resource;
    let one = read(json!([{"value": "a"}, {"value": "b", "type": "work"}]));
    let other = read(json!([{"type": "work", "value": "b"}, {"value": "a"}]));
    assert!(one.same_as(&other));
    assert!(!one.same_as(&read(json!([{"value": "a"}, {"value": "a", "type": "work"}]))));
    assert!(!one.same_as(&read(json!([{"value": "a"}]))));
}

#[test]
fn accessors_reach_what_they_name() {
    let mut user = parse(json!({
        "userName": "ann", "externalId": "e", "displayName": "Ann", "name": {"givenName": "A"},
        "emails": ["a@x"], ENTERPRISE: {"department": "it"},
    }))
    .unwrap()
    .resource;
    assert_eq!(user.user_name(), Some("ann"));
    assert_eq!(user.external_id(), Some("e"));
    assert_eq!(user.display_name(), Some("Ann"));
    assert_eq!(user.text("name.givenName"), Some("A"));
    assert_eq!(user.text("name.familyName"), None);
    assert_eq!(user.elements("emails"), [json!({"value": "a@x"})]);
    assert_eq!(user.elements("roles"), [] as [Value; 0]);
    assert_eq!(user.extension(ENTERPRISE).unwrap().get("department"), Some(&"it".into()));
    assert_eq!(user.active(), None);
    user.set_active(Some(false));
    assert_eq!(user.active(), Some(false));
    user.set_active(None);
    assert_eq!(user.active(), None);
}

/// JSON whose names are often attributes' names.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "userName",
        "USERNAME",
        "name",
        "givenName",
        "emails",
        "value",
        "type",
        "primary",
        "active",
        "password",
        "schemas",
        "id",
        "meta",
        "manager",
        "x509Certificates",
        "name.givenName",
        "$ref",
        "shoe",
        "",
        "a.b:c[d]",
        ENTERPRISE,
        GANGWAY,
        "employeeHireDate",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(Value::from("true")),
        Just(Value::from("2024-01-01T00:00:00Z")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|entries| {
                Value::Object(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_panics_and_what_was_read_reads_back_the_same(body in any_json()) {
        for rt in [&USER, &GROUP] {
            let mut named = body.clone();
            if let Value::Object(named) = &mut named {
                named.insert("userName".to_owned(), "ann".into());
                named.insert("displayName".to_owned(), "Ann".into());
                named.shift_remove("USERNAME");
            }
            let Ok(input) = Resource::parse(rt, named, Dialect::Auto) else { continue };
            let rendered = render(rt, &input.resource, &identity(), Map::new());
            let again = Resource::parse(rt, Value::Object(rendered), Dialect::Auto).unwrap();
            prop_assert_eq!(&again.resource, &input.resource);
            let stored = serde_json::to_string(&input.resource).unwrap();
            prop_assert_eq!(serde_json::from_str::<Resource>(&stored).unwrap(), input.resource);
            prop_assert!(again.password.is_none());
        }
        let _ = parse(body);
    }
}
