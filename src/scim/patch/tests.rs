use rstest::rstest;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::scim::{GROUP, USER};

mod properties;
mod random;
mod types;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub(super) fn before() -> Value {
    json!({
        "userName": "ann",
        "name": {"familyName": "Berg", "givenName": "Ann"},
        "active": true,
        "emails": [
            {"value": "ann@x.example", "type": "work", "primary": true},
            {"value": "ann@home.example", "type": "home"},
        ],
        ENTERPRISE: {"department": "it", "manager": {"value": "m1", "$ref": "https://x.example/Users/m1"}},
    })
}

fn run(operations: &Value, dialect: Dialect) -> Result<Patched, Error> {
    let user = Resource::parse(&USER, before(), dialect).unwrap().resource;
    let body = json!({"schemas": [PATCH_OP], "Operations": operations});
    let request = PatchRequest::parse(body, dialect)?;
    let untouched = user.clone();
    let patched = apply(&USER, &user, &request, dialect);
    assert_eq!(user, untouched, "a PATCH works on a copy");
    patched
}

fn object(resource: &Resource) -> Value {
    Value::Object(resource.as_map().clone())
}

/// `before()` with these attributes laid over; null takes one away.
fn with(more: Value) -> Value {
    let (Value::Object(mut user), Value::Object(more)) = (before(), more) else { panic!("objects") };
    for (name, value) in more {
        match value {
            Value::Null => user.shift_remove(&name),
            value => user.insert(name, value),
        };
    }
    Value::Object(user)
}

#[rstest]
// §3.5.2.1 add
#[case(json!({"op": "add", "path": "title", "value": "Boss"}), json!({"title": "Boss"}))]
#[case(json!({"op": "ADD", "path": "name.middleName", "value": "M"}), json!({"name": {"familyName": "Berg", "givenName": "Ann", "middleName": "M"}}))]
#[case(json!({"op": "add", "path": "name", "value": {"middleName": "M"}}), json!({"name": {"familyName": "Berg", "givenName": "Ann", "middleName": "M"}}))]
#[case(json!({"op": "add", "path": "emails", "value": {"value": "c@x"}}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": true}, {"value": "ann@home.example", "type": "home"}, {"value": "c@x"}]}))]
#[case(json!({"op": "add", "path": "emails", "value": [{"value": "ann@x.example"}]}), json!({}))]
#[case(json!({"op": "add", "path": "emails", "value": [{"value": "ann@home.example", "type": "home", "display": "D"}]}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": true}, {"value": "ann@home.example", "type": "home", "display": "D"}]}))]
// One primary: the new one takes it from the old (RFC 7643 §2.4).
#[case(json!({"op": "add", "path": "emails", "value": [{"value": "c@x", "primary": true}]}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": false}, {"value": "ann@home.example", "type": "home"}, {"value": "c@x", "primary": true}]}))]
#[case(json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": false}, {"value": "ann@home.example", "type": "home", "primary": true}]}))]
#[case(json!({"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": false}, {"value": "ann@home.example", "type": "home", "primary": true}]}))]
// A value path that matches nothing is made, as Entra needs it.
#[case(json!({"op": "Add", "path": "addresses[type eq \"work\"].postalCode", "value": "0150"}), json!({"addresses": [{"postalCode": "0150", "type": "work"}]}))]
#[case(json!({"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "buyer"}), json!({"roles": [{"value": "buyer", "primary": true}]}))]
#[case(json!({"op": "add", "path": "phoneNumbers[type eq \"work\"]", "value": {"value": "1"}}), json!({"phoneNumbers": [{"value": "1", "type": "work"}]}))]
#[case(json!({"op": "replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "1"}), json!({"phoneNumbers": [{"value": "1", "type": "work"}]}))]
#[case(json!({"op": "replace", "path": "emails[type eq \"other\" and primary eq true].value", "value": "o@x"}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": false}, {"value": "ann@home.example", "type": "home"}, {"value": "o@x", "type": "other", "primary": true}]}))]
#[case(json!({"op": "add", "path": "ims.value", "value": "ann"}), json!({"ims": [{"value": "ann"}]}))]
// §3.5.2.2 remove
#[case(json!({"op": "remove", "path": "active"}), json!({"active": null}))]
#[case(json!({"op": "Remove", "path": "NAME.familyname"}), json!({"name": {"givenName": "Ann"}}))]
#[case(json!({"op": "remove", "path": "title"}), json!({}))]
#[case(json!({"op": "remove", "path": "emails"}), json!({"emails": null}))]
#[case(json!({"op": "remove", "path": "emails[type eq \"work\"]"}), json!({"emails": [{"value": "ann@home.example", "type": "home"}]}))]
#[case(json!({"op": "remove", "path": "emails[type eq \"pager\"]"}), json!({}))]
#[case(json!({"op": "remove", "path": "emails[type eq \"work\"].primary"}),
       json!({"emails": [{"value": "ann@x.example", "type": "work"}, {"value": "ann@home.example", "type": "home"}]}))]
#[case(json!({"op": "remove", "path": "emails.type"}), json!({"emails": [{"value": "ann@x.example", "primary": true}, {"value": "ann@home.example"}]}))]
#[case(json!({"op": "remove", "path": "emails", "value": [{"value": "ann@x.example"}]}), json!({"emails": [{"value": "ann@home.example", "type": "home"}]}))]
#[case(json!({"op": "remove", "path": "emails", "value": {"type": "home"}}), json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": true}]}))]
#[case(json!({"op": "remove", "path": "emails", "value": []}), json!({}))]
#[case(json!({"op": "remove", "path": "emails", "value": [{}]}), json!({}))]
#[case(json!({"op": "remove", "path": "emails", "value": "nobody@x.example"}), json!({}))]
#[case(json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"}), json!({ENTERPRISE: null}))]
#[case(json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"}), json!({ENTERPRISE: {"department": "it"}}))]
#[case(json!({"op": "remove", "path": "password"}), json!({}))]
// §3.5.2.3 replace
#[case(json!({"op": "replace", "path": "active", "value": "False"}), json!({"active": false}))]
#[case(json!({"op": "replace", "path": "name", "value": {"familyName": "Lind"}}), json!({"name": {"familyName": "Lind", "givenName": "Ann"}}))]
#[case(json!({"op": "replace", "path": "emails", "value": [{"value": "c@x"}]}), json!({"emails": [{"value": "c@x"}]}))]
#[case(json!({"op": "replace", "path": "emails", "value": []}), json!({"emails": null}))]
#[case(json!({"op": "replace", "path": "emails", "value": [{"value": "ann@home.example", "type": "home"}, {"value": "ann@x.example", "type": "work", "primary": true}]}), json!({}))]
#[case(json!({"op": "replace", "path": "emails.display", "value": "D"}),
       json!({"emails": [{"value": "ann@x.example", "type": "work", "primary": true, "display": "D"}, {"value": "ann@home.example", "type": "home", "display": "D"}]}))]
#[case(json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@x"}),
       json!({"emails": [{"value": "b@x", "type": "work", "primary": true}, {"value": "ann@home.example", "type": "home"}]}))]
#[case(json!({"op": "replace", "path": "EMAILS[TYPE EQ \"WORK\" and primary eq true].VALUE", "value": "b@x"}),
       json!({"emails": [{"value": "b@x", "type": "work", "primary": true}, {"value": "ann@home.example", "type": "home"}]}))]
#[case(json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "b@x"}}),
       json!({"emails": [{"value": "b@x", "type": "work"}, {"value": "ann@home.example", "type": "home"}]}))]
#[case(json!({"op": "replace", "path": "emails[value pr]", "value": {"value": "b@x"}}), json!({"emails": [{"value": "b@x"}]}))]
#[case(json!({"op": "replace", "path": "name.givenName", "value": null}), json!({"name": {"familyName": "Berg"}}))]
#[case(json!({"op": "replace", "path": "active", "value": null}), json!({"active": null}))]
// Whole schemas, and values without a path.
#[case(json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:title", "value": "Boss"}), json!({"title": "Boss"}))]
#[case(json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User", "value": {"title": "Boss"}}), json!({"title": "Boss"}))]
#[case(json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "value": {"department": "hr", "manager": null}}), json!({ENTERPRISE: {"department": "hr"}}))]
#[case(json!({"op": "replace", "value": {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "hr", "manager.value": null}}}),
       json!({ENTERPRISE: {"department": "hr"}}))]
#[case(json!({"op": "replace", "value": {"id": "x", "schemas": [], "meta": {}, "groups": [], "shoe": 1, "title": "Boss"}}), json!({"title": "Boss"}))]
#[case(json!({"op": "replace", "value": {"name.givenName": "Bo", "name": {"familyName": "Lind"}, "emails[type eq \"home\"].value": "h@x", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "hr"}}),
       json!({"name": {"familyName": "Lind", "givenName": "Bo"},
              "emails": [{"value": "ann@x.example", "type": "work", "primary": true}, {"value": "h@x", "type": "home"}],
              ENTERPRISE: {"department": "hr", "manager": {"value": "m1", "$ref": "https://x.example/Users/m1"}}}))]
#[case(json!({"op": "add", "value": {"emails": [], "title": null, "nickName": "A"}}), json!({"nickName": "A"}))]
#[case(json!({"op": "add", "value": [{"title": "Boss"}]}), json!({"title": "Boss"}))]
// A manager as a bare string; the old reference does not stay behind.
#[case(json!({"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "m2"}),
       json!({ENTERPRISE: {"department": "it", "manager": {"value": "m2"}}}))]
#[case(json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", "value": "m2"}),
       json!({ENTERPRISE: {"department": "it", "manager": {"value": "m2"}}}))]
#[case(json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": {"value": "m1"}}), json!({}))]
fn operations_do_what_the_rfc_says(#[case] operation: Value, #[case] expected: Value) {
    let patched =
        run(&json!([operation]), Dialect::Auto).unwrap_or_else(|error| panic!("{operation}: {error}"));
    let expected_user = Resource::parse(&USER, with(expected.clone()), Dialect::Auto).unwrap().resource;
    assert_eq!(object(&patched.resource), object(&expected_user), "{operation}");
    assert_eq!(patched.changed, expected != json!({}), "{operation}");
    assert!(patched.password.is_none());
}

#[rstest]
#[case(json!({"op": "remove", "path": "userName"}), "mutability", "userName")]
#[case(json!({"op": "replace", "path": "id", "value": "x"}), "mutability", "id")]
#[case(json!({"op": "replace", "path": "meta.created", "value": "2024-01-01T00:00:00Z"}), "mutability", "meta.created")]
#[case(json!({"op": "remove", "path": "schemas"}), "mutability", "schemas")]
#[case(json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}), "mutability", "groups")]
#[case(json!({"op": "remove", "path": "groups[value eq \"g\"]"}), "mutability", "groups")]
#[case(json!({"op": "add", "path": "urn:ietf:params:scim:schemas:extension:gangway:2.0:User:syncStatus", "value": "synced"}), "mutability", "syncStatus")]
#[case(json!({"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName", "value": "M"}), "mutability", "manager.displayName")]
#[case(json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}), "mutability", "core schema")]
#[case(json!({"op": "replace", "path": "userName", "value": null}), "invalidValue", "userName")]
#[case(json!({"op": "replace", "path": "userName", "value": " "}), "invalidValue", "userName")]
#[case(json!({"op": "replace", "value": {"userName": ""}}), "invalidValue", "userName")]
#[case(json!({"op": "replace", "path": "active", "value": "maybe"}), "invalidValue", "active")]
#[case(json!({"op": "replace", "path": "name", "value": "Ann Berg"}), "invalidValue", "name")]
#[case(json!({"op": "replace", "path": "name.givenName", "value": {"a": 1}}), "invalidValue", "name.givenName")]
#[case(json!({"op": "add", "path": "emails", "value": [{"value": 7}]}), "invalidValue", "emails.value")]
#[case(json!({"op": "add", "path": "title"}), "invalidValue", "value")]
#[case(json!({"op": "add", "value": "x"}), "invalidValue", "object")]
#[case(json!({"op": "replace", "path": "emails.primary", "value": true}), "invalidValue", "primary")]
#[case(json!({"op": "add", "path": "emails", "value": [{"value": "c", "primary": true}, {"value": "d", "primary": true}]}), "invalidValue", "primary")]
#[case(json!({"op": "replace", "value": {"title": "a", "TITLE": "b"}}), "invalidSyntax", "TITLE")]
#[case(json!({"op": "remove"}), "noTarget", "path")]
#[case(json!({"op": "remove", "path": ""}), "noTarget", "path")]
#[case(json!({"op": "replace", "path": "addresses[type eq \"work\"].formatted", "value": "x"}), "noTarget", "addresses")]
#[case(json!({"op": "replace", "path": "emails[type eq \"pager\"]", "value": {"value": "x"}}), "noTarget", "emails")]
#[case(json!({"op": "replace", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "x"}), "noTarget", "emails")]
#[case(json!({"op": "add", "path": "emails[value eq \"absent@x.example\"].display", "value": "x"}), "noTarget", "emails")]
#[case(json!({"op": "replace", "path": "emails[value eq \"absent@x.example\"].value", "value": "x"}), "noTarget", "emails")]
#[case(json!({"op": "add", "path": "shoeSize", "value": 44}), "invalidPath", "shoeSize")]
#[case(json!({"op": "add", "path": "emails[type eq \"work\"].shoe", "value": "x"}), "invalidPath", "shoe")]
#[case(json!({"op": "add", "path": "emails[type eq", "value": "x"}), "invalidPath", "emails[type eq")]
#[case(json!({"op": "add", "path": "name[givenName eq \"Ann\"].familyName", "value": "x"}), "invalidPath", "name")]
#[case(json!({"op": "add", "path": "title[value eq \"x\"]", "value": "x"}), "invalidPath", "title")]
#[case(json!({"op": "add", "path": "emails[type eq work].value", "value": "x"}), "invalidPath", "work")]
#[case(json!({"op": "add", "path": "emails[primary gt true].value", "value": "x"}), "invalidFilter", "emails.primary")]
#[case(json!({"op": "add", "path": 7, "value": "x"}), "invalidPath", "path")]
#[case(json!({"op": "delete", "path": "title"}), "invalidSyntax", "delete")]
#[case(json!({"path": "title", "value": "x"}), "invalidSyntax", "op")]
#[case(json!({"op": "add", "OP": "remove", "path": "title", "value": "x"}), "invalidSyntax", "op")]
#[case(json!("add"), "invalidSyntax", "operation")]
fn wrong_operations_are_refused(#[case] operation: Value, #[case] scim_type: &str, #[case] named: &str) {
    let error = run(&json!([operation]), Dialect::Auto).expect_err(&operation.to_string());
    assert_eq!(error.scim_type(), Some(scim_type), "{operation}: {error}");
    assert!(error.detail.contains(named), "{operation}: {error}");
}

#[rstest]
#[case(json!([]))]
#[case(json!({}))]
#[case(json!({"Operations": []}))]
#[case(json!({"Operations": "add"}))]
#[case(json!({"Operations": [{"op": "remove", "path": "title"}], "operations": []}))]
#[case(json!({"Operations": vec![json!({"op": "remove", "path": "title"}); MAX_OPERATIONS + 1]}))]
fn wrong_requests_are_invalid_syntax(#[case] body: Value) {
    let error = PatchRequest::parse(body, Dialect::Auto).unwrap_err();
    assert_eq!(error.scim_type(), Some("invalidSyntax"), "{error}");
}

#[test]
fn operations_may_be_written_small_and_be_many() {
    let operation = json!({"OP": "replace", "PATH": "title", "VALUE": "x"});
    let body = json!({"operations": vec![operation; MAX_OPERATIONS]});
    let request = PatchRequest::parse(body, Dialect::Auto).unwrap();
    assert_eq!(request.operations().len(), MAX_OPERATIONS);
    assert_eq!(request.operations()[0].kind(), OperationKind::Replace);
    assert_eq!(request.operations()[0].path(), Some("title"));
}

#[test]
fn the_comparisons_of_all_paths_together_are_bounded() {
    let path = vec!["value co \"a\""; 250].join(" or ");
    let operation = json!({"op": "replace", "path": format!("emails[{path}].display"), "value": "x"});
    let body = |count: usize| json!({"Operations": vec![operation.clone(); count]});
    assert!(PatchRequest::parse(body(MAX_COMPARISONS / 250), Dialect::Auto).is_ok());
    let error = PatchRequest::parse(body(MAX_COMPARISONS / 250 + 1), Dialect::Auto).unwrap_err();
    assert_eq!(error.scim_type(), Some("tooMany"));
}

#[test]
fn one_refused_operation_refuses_all_and_is_named() {
    let operations = json!([
        {"op": "replace", "path": "title", "value": "Boss"},
        {"op": "remove", "path": "userName"},
    ]);
    let error = run(&operations, Dialect::Auto).unwrap_err();
    assert_eq!(error.scim_type(), Some("mutability"));
    assert!(error.detail.starts_with("Operation 2: "), "{error}");
}

#[test]
fn a_list_does_not_grow_beyond_its_bound() {
    let mails =
        |letter: &str| -> Value { (0..600).map(|n| json!({"value": format!("{letter}{n}")})).collect() };
    let operations = json!([
        {"op": "add", "path": "emails", "value": mails("a")},
        {"op": "add", "path": "emails", "value": mails("b")},
    ]);
    let error = run(&operations, Dialect::Auto).unwrap_err();
    assert_eq!(error.scim_type(), Some("invalidValue"));
    assert!(error.detail.starts_with("Operation 2: emails would have 1202 values"), "{error}");
}

#[rstest]
#[case(json!([{"op": "replace", "path": "password", "value": "Zx9-qwerty"}]))]
#[case(json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:PASSWORD", "value": "Zx9-qwerty"}]))]
#[case(json!([{"op": "replace", "value": {"password": "Zx9-qwerty"}}]))]
#[case(json!([{"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:User:password": "Zx9-qwerty"}}]))]
#[case(json!([{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User", "value": {"Password": "Zx9-qwerty"}}]))]
#[case(json!([{"op": "replace", "path": "password", "value": "Other-1"}, {"op": "add", "value": {"password": ["Zx9-qwerty"]}}]))]
fn a_password_in_any_shape_goes_its_own_way(#[case] operations: Value) {
    let patched = run(&operations, Dialect::Auto).unwrap();
    assert!(!patched.changed);
    assert!(!format!("{patched:?}").contains("Zx9"));
    assert!(!object(&patched.resource).to_string().contains("Zx9"));
    assert_eq!(patched.password.unwrap().expose_secret(), "Zx9-qwerty");
}

#[test]
fn debug_shows_no_value() {
    let body = json!({"Operations": [
        {"op": "replace", "path": "password", "value": "Zx9-qwerty"},
        {"op": "replace", "value": {"password": "Zx9-qwerty"}},
    ]});
    let request = PatchRequest::parse(body, Dialect::Auto).unwrap();
    let shown = format!("{request:?}");
    assert!(shown.contains("password") && !shown.contains("Zx9"), "{shown}");
}

#[test]
fn what_was_passed_over_is_named() {
    let value =
        json!({"id": "x", "shoe": 1, "emails": [{"value": "c", "colour": "red"}], ENTERPRISE: {"desk": 1}});
    let patched = run(&json!([{"op": "add", "value": value}]), Dialect::Auto).unwrap();
    assert_eq!(
        patched.ignored,
        ["id".to_owned(), "shoe".to_owned(), "emails.colour".to_owned(), format!("{ENTERPRISE}:desk")]
    );
}

fn group(operation: &Value, dialect: Dialect) -> Result<Value, Error> {
    let body = json!({"displayName": "Sales", "members": [
        {"value": "u1", "$ref": "https://x.example/Users/u1", "type": "User"}, {"value": "u2"},
    ]});
    let group = Resource::parse(&GROUP, body, dialect).unwrap().resource;
    let request = PatchRequest::parse(json!({"Operations": [operation]}), dialect)?;
    let members: Vec<Value> = apply(&GROUP, &group, &request, dialect)?
        .resource
        .elements("members")
        .iter()
        .map(|member| member["value"].clone())
        .collect();
    Ok(members.into())
}

#[rstest]
#[case(json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "u1"}]}), json!(["u1", "u2"]))]
#[case(json!({"op": "Add", "path": "members", "value": [{"value": "u3", "display": "c"}]}), json!(["u1", "u2", "u3"]))]
#[case(json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u1"}]}), json!(["u2"]))]
#[case(json!({"op": "remove", "path": "members", "value": ["u1", "u9"]}), json!(["u2"]))]
#[case(json!({"op": "remove", "path": "members[value eq \"u2\"]"}), json!(["u1"]))]
#[case(json!({"op": "remove", "path": "members[value eq \"u9\"]"}), json!(["u1", "u2"]))]
#[case(json!({"op": "remove", "path": "members[value eq u2]"}), json!(["u1"]))]
#[case(json!({"op": "remove", "path": "members"}), json!([]))]
#[case(json!({"op": "replace", "path": "members", "value": []}), json!([]))]
#[case(json!({"op": "replace", "value": {"id": "g", "displayName": "Sales EU"}}), json!(["u1", "u2"]))]
fn members_change_as_clients_mean_it(#[case] operation: Value, #[case] expected: Value) {
    assert_eq!(group(&operation, Dialect::Entra).unwrap(), expected);
}

#[rstest]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u7"}), "mutability")]
#[case(json!({"op": "add", "path": "members[value eq \"u9\"].type", "value": "User"}), "noTarget")]
#[case(json!({"op": "remove", "path": "members[value eq u2]"}), "invalidPath")]
fn a_member_is_not_made_or_turned_into_another(#[case] operation: Value, #[case] scim_type: &str) {
    let error = group(&operation, Dialect::Auto).unwrap_err();
    assert_eq!(error.scim_type(), Some(scim_type));
}
