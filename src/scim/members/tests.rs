use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::scim::patch;
use crate::scim::resource::Resource;

const URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn patch(operations: &Value, dialect: Dialect) -> Result<GroupPatch, Error> {
    GroupPatch::parse(json!({"schemas": [patch::PATCH_OP], "Operations": operations}), dialect)
}

fn changes(operations: &Value, dialect: Dialect) -> Value {
    let patched = patch(operations, dialect).unwrap_or_else(|error| panic!("{operations}: {error}"));
    assert!(patched.attributes.is_none(), "{operations}");
    patched.members.iter().map(shown).collect()
}

fn shown(change: &MemberChange) -> Value {
    match change {
        MemberChange::Add(ids) => json!({"add": ids}),
        MemberChange::Remove(ids) => json!({"remove": ids}),
        MemberChange::Clear => json!("clear"),
        MemberChange::ReplaceAll(ids) => json!({"all": ids}),
        MemberChange::RemoveWhere(_) => json!("where"),
        MemberChange::ReplaceWhere { with, .. } => json!({"where": with}),
    }
}

#[rstest]
// add
#[case(json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "u1"}]}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": "members", "value": {"value": " u1 ", "display": "a", "type": "User"}}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": "MEMBERS", "value": ["u2", "u1", "u2"]}), json!([{"add": ["u2", "u1"]}]))]
#[case(json!({"op": "add", "path": "members", "value": "u1"}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": format!("{URN}:members"), "value": [{"value": "u1"}]}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": format!("{}:Members", URN.to_uppercase()), "value": [{"VALUE": "u1"}]}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "value": {"members": [{"value": "u1"}]}}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "value": [{"Members": {"value": "u1"}}]}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": URN, "value": {"members": ["u1"]}}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": "members", "value": [{"$ref": "https://x.example/scim/v2/Users/u1"}, {"$ref": "../Groups/g1"}]}), json!([{"add": ["u1", "g1"]}]))]
#[case(json!({"op": "add", "path": "members", "value": []}), json!([]))]
#[case(json!({"op": "add", "path": "members", "value": null}), json!([]))]
#[case(json!({"op": "add", "path": "members[value eq \"u1\"]", "value": {"display": "a"}}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": "members[value eq \"u1\"]", "value": {"value": "u1"}}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": "members[value eq \"u1\"].value", "value": "u1"}), json!([{"add": ["u1"]}]))]
#[case(json!({"op": "add", "path": "members[type eq \"User\"]", "value": {"display": "x"}}), json!([]))]
// remove
#[case(json!({"op": "remove", "path": "members"}), json!(["clear"]))]
#[case(json!({"op": "remove", "path": "members", "value": null}), json!(["clear"]))]
#[case(json!({"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u1"}]}), json!([{"remove": ["u1"]}]))]
#[case(json!({"op": "remove", "path": "members", "value": ["u1", {"value": "u2"}]}), json!([{"remove": ["u1", "u2"]}]))]
#[case(json!({"op": "remove", "path": "members", "value": {"value": "u1"}}), json!([{"remove": ["u1"]}]))]
#[case(json!({"op": "remove", "path": "members", "value": []}), json!([]))]
#[case(json!({"op": "remove", "path": "members[value eq \"u1\"]"}), json!([{"remove": ["u1"]}]))]
#[case(json!({"op": "remove", "path": format!("{URN}:members[ VALUE EQ \"u1\" ]")}), json!([{"remove": ["u1"]}]))]
#[case(json!({"op": "remove", "path": "members[value eq \"u1\" or (value eq \"u2\" or value eq \"u1\")]"}), json!([{"remove": ["u1", "u2"]}]))]
#[case(json!({"op": "remove", "path": "members[type eq \"Group\"]"}), json!(["where"]))]
#[case(json!({"op": "remove", "path": "members[$ref eq null and value eq \"u1\"]"}), json!(["where"]))]
#[case(json!({"op": "remove", "path": "members[value eq \"u1\" or display eq \"a\"]"}), json!(["where"]))]
#[case(json!({"op": "remove", "path": "members[value eq \"u1\"].type"}), json!([]))]
// replace
#[case(json!({"op": "replace", "path": "members", "value": [{"value": "u1", "display": "a"}, {"value": "u2", "display": "b"}]}), json!([{"all": ["u1", "u2"]}]))]
#[case(json!({"op": "replace", "value": {"members": [{"value": "u1"}]}}), json!([{"all": ["u1"]}]))]
#[case(json!({"op": "replace", "path": "members", "value": []}), json!(["clear"]))]
#[case(json!({"op": "replace", "path": "members", "value": null}), json!(["clear"]))]
#[case(json!({"op": "replace", "value": {"members": []}}), json!(["clear"]))]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"]", "value": {"value": "u2"}}), json!([{"where": ["u2"]}]))]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"]", "value": {"display": "a"}}), json!([]))]
#[case(json!({"op": "replace", "path": "members[type eq \"User\"]", "value": []}), json!(["where"]))]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u1"}), json!([]))]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"].type", "value": "User"}), json!([]))]
#[case(json!({"op": "replace", "value": {"members[value eq \"u1\"].type": "User"}}), json!([]))]
fn members_are_taken_out_in_every_shape(#[case] operation: Value, #[case] expected: Value) {
    assert_eq!(changes(&json!([operation]), Dialect::Auto), expected);
}

#[rstest]
#[case("members[value eq 123abc]", "123abc")]
#[case("members[value eq 4711]", "4711")]
#[case("members[value eq 01930000-0000-7000-8000-000000000001]", "01930000-0000-7000-8000-000000000001")]
#[case("members[value eq 11111111-2222-7000-8000-000000000001]", "11111111-2222-7000-8000-000000000001")]
fn entra_may_leave_the_quotes_out(#[case] path: &str, #[case] id: &str) {
    let operation = json!([{"op": "Remove", "path": path}]);
    assert_eq!(changes(&operation, Dialect::Entra), json!([{"remove": [id]}]));
    assert!(patch(&operation, Dialect::Auto).is_err());
}

#[test]
fn a_reference_by_path_is_passed_over_and_noted() {
    let operation = json!([{"op": "add", "path": "members[value eq 123abc].$ref", "value": "User"}]);
    let patched = patch(&operation, Dialect::Entra).unwrap();
    assert!(patched.members.is_empty() && patched.attributes.is_none());
    assert_eq!(patched.ignored, ["members.$ref"]);
}

#[test]
fn the_order_is_kept_and_neighbours_are_joined() {
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "u1"}]},
        {"op": "add", "path": "members", "value": [{"value": "u2"}, {"value": "u1"}]},
        {"op": "remove", "path": "members[value eq \"u1\"]"},
        {"op": "remove", "path": "members[value eq \"u3\"]"},
        {"op": "add", "path": "members", "value": "u1"},
    ]);
    let expected = json!([{"add": ["u1", "u2"]}, {"remove": ["u1", "u3"]}, {"add": ["u1"]}]);
    assert_eq!(changes(&operations, Dialect::Auto), expected);
}

#[rstest]
#[case(json!({"op": "add", "path": "members", "value": 7}), "invalidValue", "members")]
#[case(json!({"op": "add", "path": "members", "value": ["u1", true]}), "invalidValue", "Value 2 of members")]
#[case(json!({"op": "add", "path": "members", "value": [["u1"]]}), "invalidValue", "Value 1 of members")]
#[case(json!({"op": "add", "path": "members", "value": [{"value": "u1"}, {"display": "b"}]}), "invalidValue", "Value 2 of members: members.value")]
#[case(json!({"op": "add", "path": "members", "value": [{"value": 7}]}), "invalidValue", "members.value")]
#[case(json!({"op": "add", "path": "members", "value": [{"value": "u1", "VALUE": "u2"}]}), "invalidSyntax", "value")]
#[case(json!({"op": "add", "path": "members", "value": [{"value": "u1", "type": 7}]}), "invalidValue", "members.type")]
#[case(json!({"op": "add", "path": "members", "value": [{"$ref": "https://x.example/Users/"}]}), "invalidValue", "members.value")]
#[case(json!({"op": "add", "path": "members", "value": "  "}), "invalidValue", "blank")]
#[case(json!({"op": "add", "path": "members", "value": "u\u{0}1"}), "invalidValue", "U+0000")]
#[case(json!({"op": "add", "path": "members", "value": "u".repeat(MAX_ID + 1)}), "invalidValue", "512")]
#[case(json!({"op": "add", "path": "members"}), "invalidValue", "value")]
#[case(json!({"op": "add", "value": {"members": ["u1"], "MEMBERS": ["u2"]}}), "invalidSyntax", "MEMBERS")]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"].value", "value": "u7"}), "mutability", "members.value")]
#[case(json!({"op": "replace", "path": "members.value", "value": "u7"}), "mutability", "members.value")]
#[case(json!({"op": "remove", "path": "members[value eq \"u1\"].value"}), "mutability", "members.value")]
#[case(json!({"op": "add", "path": "members[value eq \"u1\"]", "value": {"value": "u2"}}), "mutability", "members.value")]
#[case(json!({"op": "add", "path": "members[type eq \"User\"]", "value": {"value": "u2"}}), "mutability", "members.value")]
#[case(json!({"op": "replace", "path": "members[type eq \"User\"]", "value": {"display": "x"}}), "invalidValue", "members.value")]
#[case(json!({"op": "replace", "path": "members[value eq \"u1\"].display", "value": "Ann"}), "mutability", "members.display")]
#[case(json!({"op": "remove", "path": "members[colour"}), "invalidPath", "members")]
#[case(json!({"op": "remove", "path": "members.colour"}), "invalidPath", "members.colour")]
#[case(json!({"op": "remove", "path": "members[value gt true]"}), "invalidFilter", "members.value")]
#[case(json!({"op": "remove"}), "noTarget", "path")]
fn what_cannot_be_is_refused(#[case] operation: Value, #[case] scim_type: &str, #[case] named: &str) {
    let error = patch(&json!([operation]), Dialect::Auto).expect_err(&operation.to_string());
    assert_eq!(error.scim_type(), Some(scim_type), "{operation}: {error}");
    assert!(error.detail.contains(named), "{operation}: {error}");
}

#[test]
fn an_error_names_the_operation_by_its_place_in_the_whole_body() {
    let operations = json!([
        {"op": "add", "path": "members", "value": ["u1"]},
        {"op": "replace", "path": "displayName", "value": "EU"},
        {"op": "remove", "path": "displayName"},
        {"op": "add", "path": "members", "value": [7]},
    ]);
    let error = patch(&operations, Dialect::Auto).unwrap_err();
    assert!(error.detail.starts_with("Operation 4: Value 1 of members: "), "{error}");

    let Value::Array(mut operations) = operations else { panic!("a list") };
    operations.pop();
    let patched = patch(&operations.into(), Dialect::Auto).unwrap();
    let group = Resource::parse(&GROUP, json!({"displayName": "Sales"}), Dialect::Auto).unwrap().resource;
    let error = patch::apply(&GROUP, &group, &patched.attributes.unwrap(), Dialect::Auto).unwrap_err();
    assert!(error.detail.starts_with("Operation 3: "), "{error}");
}

#[test]
fn attributes_and_members_part_ways() {
    let operations = json!([
        {"op": "remove", "path": "members"},
        {"op": "replace", "value": {"id": "g1", "displayName": "EU", "members": [{"value": "u1", "shoe": 1}], "hat": 2}},
        {"op": "replace", "path": "externalId", "value": "kcg-1"},
    ]);
    let patched = patch(&operations, Dialect::Auto).unwrap();
    assert_eq!(patched.members.iter().map(shown).collect::<Value>(), json!(["clear", {"all": ["u1"]}]));
    assert_eq!(patched.ignored, ["members.shoe"]);

    let group = Resource::parse(&GROUP, json!({"displayName": "Sales"}), Dialect::Auto).unwrap().resource;
    let applied = patch::apply(&GROUP, &group, &patched.attributes.unwrap(), Dialect::Auto).unwrap();
    assert_eq!(applied.ignored, ["id", "hat"]);
    assert_eq!(Value::from(applied.resource), json!({"externalId": "kcg-1", "displayName": "EU"}));
}

#[rstest]
#[case(json!({"displayName": "S"}), None)]
#[case(json!({"displayName": "S", "members": []}), Some(vec![]))]
#[case(json!({"displayName": "S", "members": null}), Some(vec![]))]
#[case(json!({"displayName": "S", "members": [{"value": "u1", "type": "User"}, {"value": "u1", "$ref": "User"}, "u2"]}), Some(vec!["u1", "u2"]))]
#[case(json!({"DISPLAYNAME": "S", "MEMBERS": {"value": "u1"}}), Some(vec!["u1"]))]
#[case(json!({"displayName": "S", (format!("{URN}:members")): "u1"}), Some(vec!["u1"]))]
fn a_body_is_taken_apart(#[case] body: Value, #[case] expected: Option<Vec<&str>>) {
    let input = GroupInput::parse(body, Dialect::Auto).unwrap();
    let expected: Option<Vec<String>> = expected.map(|ids| ids.into_iter().map(str::to_owned).collect());
    assert_eq!(input.members, expected);
    assert_eq!(Value::from(input.resource), json!({"displayName": "S"}));
    assert!(input.ignored.is_empty(), "{:?}", input.ignored);
}

#[rstest]
#[case(json!("group"), "invalidSyntax")]
#[case(json!({"members": []}), "invalidValue")]
#[case(json!({"displayName": "S", "members": [{"value": ""}]}), "invalidValue")]
#[case(json!({"displayName": "S", "members": 7}), "invalidValue")]
#[case(json!({"displayName": "S", "members": [], "Members": []}), "invalidSyntax")]
fn a_wrong_body_is_refused(#[case] body: Value, #[case] scim_type: &str) {
    assert_eq!(GroupInput::parse(body, Dialect::Auto).unwrap_err().scim_type(), Some(scim_type));
}

#[rstest]
#[case("members[type eq \"group\"]", true)]
#[case("members[value eq \"U1\" and $ref pr]", true)]
#[case("members[$ref eq null and value eq \"u1\"]", false)]
#[case("members[not (display sw \"sal\")]", false)]
fn a_condition_is_asked_of_one_member_alone(#[case] path: &str, #[case] matches: bool) {
    let patched = patch(&json!([{"op": "remove", "path": path}]), Dialect::Auto).unwrap();
    let [MemberChange::RemoveWhere(predicate)] = patched.members.as_slice() else { panic!("{patched:?}") };
    let member = json!({"members": [
        {"value": "u1", "$ref": "https://x.example/Groups/u1", "type": "Group", "display": "Sales"},
    ]});
    assert_eq!(predicate.matches(member.as_object().unwrap()), matches);
}

/// A value of `members` in any of the shapes, and some that are none.
fn value() -> impl Strategy<Value = Value> {
    let member = prop_oneof![
        4 => "[ab ]{0,2}".prop_map(|id| json!({"value": id, "$ref": null})),
        2 => "[ab]{1,2}".prop_map(Value::from),
        1 => Just(json!({"display": "x"})),
        1 => any::<Option<bool>>().prop_map(Value::from),
    ];
    prop_oneof![prop::collection::vec(member.clone(), 0..4).prop_map(Value::from), member]
}

proptest! {
    #[test]
    fn no_request_panics_and_lists_name_each_id_once(
        operations in prop::collection::vec(("add|remove|replace", "(members|MEMBERS|displayName)?(\\[value eq \"[ab]\"\\])?(\\.value|\\.display)?", value()), 1..5),
    ) {
        let operations: Vec<Value> = operations
            .into_iter()
            .map(|(op, path, value)| json!({"op": op, "path": path, "value": value}))
            .collect();
        let Ok(patched) = patch(&operations.into(), Dialect::Auto) else { return Ok(()) };
        for change in &patched.members {
            let (MemberChange::Add(ids) | MemberChange::Remove(ids) | MemberChange::ReplaceAll(ids)
                | MemberChange::ReplaceWhere { with: ids, .. }) = change else { continue };
            prop_assert!(!ids.is_empty());
            prop_assert_eq!(&fold(ids.clone()), ids);
            prop_assert!(ids.iter().all(|id| id == id.trim() && !id.is_empty()));
        }
    }

    #[test]
    fn no_text_of_a_path_panics(path in ".{0,30}", key in "members.{0,12}", value in value()) {
        let operations = json!([{"op": "add", "path": path, "value": value.clone()}, {"op": "replace", "value": {key: value}}]);
        let _ = patch(&operations, Dialect::Entra);
    }
}
