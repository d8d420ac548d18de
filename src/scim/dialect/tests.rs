use std::collections::BTreeMap;

use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::scim::patch::{self, PatchRequest};
use crate::scim::{ErrorKind, GROUP, GroupInput, GroupPatch, MemberChange, Resource, USER, filter};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GANGWAY: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User";
const MICROSOFT: &str = "urn:ietf:params:scim:schemas:extension:Microsoft:Entra:2.0:User";

#[test]
fn names_read_back_and_serde_agrees() {
    for dialect in Dialect::ALL {
        assert_eq!(dialect.to_string().parse(), Ok(dialect));
        assert_eq!(serde_json::to_value(dialect).unwrap(), serde_json::json!(dialect.as_str()));
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let error = "adfs".parse::<Dialect>().unwrap_err().to_string();
    for dialect in Dialect::ALL {
        assert!(error.contains(dialect.as_str()), "{dialect} not in {error}");
    }
}

fn body(dialect: Dialect, mut more: Value) -> Result<Value, ErrorKind> {
    more["userName"] = "ann".into();
    let mut user = Value::from(Resource::parse(&USER, more, dialect).map_err(|error| error.kind)?.resource);
    user.as_object_mut().unwrap().shift_remove("userName");
    Ok(user)
}

fn changed(dialect: Dialect, before: Value, operation: &Value) -> Result<Value, ErrorKind> {
    let user = Resource::parse(&USER, before, dialect).map_err(|error| error.kind)?.resource;
    let request =
        PatchRequest::parse(json!({"operations": [operation]}), dialect).map_err(|error| error.kind)?;
    let patched = patch::apply(&USER, &user, &request, dialect).map_err(|error| error.kind)?;
    let mut user = Value::from(patched.resource);
    user.as_object_mut().unwrap().shift_remove("userName");
    Ok(user)
}

fn found(dialect: Dialect, filter: &str) -> Result<Value, ErrorKind> {
    let user = json!({
        "userName": "ann", "externalId": "annb", "active": true,
        "emails": [{"value": "ann@x.example", "type": "work", "primary": true}, {"value": "b", "type": "home"}],
    });
    let predicate = filter::parse(&USER, filter, dialect).map_err(|error| error.kind)?;
    Ok(predicate.matches(user.as_object().unwrap()).into())
}

fn members(dialect: Dialect, operation: &Value) -> Result<Value, ErrorKind> {
    let patched =
        GroupPatch::parse(json!({"Operations": [operation]}), dialect).map_err(|error| error.kind)?;
    Ok(format!("{:?}", patched.members).into())
}

/// An example of the habit, and what is understood by it.
fn example(habit: Habit, dialect: Dialect) -> (Result<Value, ErrorKind>, Value) {
    let ann = json!({"userName": "ann"});
    match habit {
        Habit::UnquotedStrings => (found(dialect, "externalId eq annb"), json!(true)),
        Habit::BooleansAsText => (body(dialect, json!({"active": "False"})), json!({"active": false})),
        Habit::NamesInAnyCase => (
            changed(dialect, ann, &json!({"OP": "Replace", "Path": "TITLE", "value": "x"})),
            json!({"title": "x"}),
        ),
        Habit::Blanks => (
            changed(
                dialect,
                ann,
                &json!({"op": "add", "path": " emails[ type  eq \"work\" ].value ", "value": "x"}),
            ),
            json!({"emails": [{"value": "x", "type": "work"}]}),
        ),
        Habit::FlattenedKeys => (
            body(dialect, json!({"name.givenName": "Ann", (format!("{ENTERPRISE}:department")): "it"})),
            json!({"name": {"givenName": "Ann"}, ENTERPRISE: {"department": "it"}}),
        ),
        Habit::BareReferences => (
            body(dialect, json!({ENTERPRISE: {"manager": "m1"}})),
            json!({ENTERPRISE: {"manager": {"value": "m1"}}}),
        ),
        Habit::OneOrList => (
            body(dialect, json!({"emails": {"value": "x"}, "title": ["t"]})),
            json!({"title": "t", "emails": [{"value": "x"}]}),
        ),
        Habit::MissingValueMade => (
            changed(
                dialect,
                ann,
                &json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"}),
            ),
            json!({"emails": [{"value": "x", "type": "work"}]}),
        ),
        Habit::RemoveByValue => (
            members(dialect, &json!({"op": "remove", "path": "members", "value": [{"value": "u1"}]})),
            json!("[Remove([\"u1\"])]"),
        ),
        Habit::MemberDetails => (
            members(
                dialect,
                &json!({"op": "add", "path": "members", "value": [{"$ref": null, "value": "u1", "display": "a"}]}),
            ),
            json!("[Add([\"u1\"])]"),
        ),
        Habit::ComplexCompared => (found(dialect, "emails eq \"ann@x.example\""), json!(true)),
        Habit::ComparedBehindBrackets => {
            (found(dialect, "emails[type eq \"home\"].value eq \"ann@x.example\""), json!(false))
        }
        Habit::BooleansInQuotes => (found(dialect, "emails[primary eq \"True\"]"), json!(true)),
        Habit::ForeignSchemas => {
            (body(dialect, json!({"schemas": ["urn:scim:schemas:core:1.0"]})), json!({}))
        }
        Habit::PassedOver => {
            (body(dialect, json!({"id": "x", "meta": {}, "groups": [], "shoe": 1})), json!({}))
        }
        Habit::EntraExtension => (
            body(dialect, json!({MICROSOFT: {"mailNickname": "a"}, GANGWAY: {"usageLocation": "NO"}})),
            json!({GANGWAY: {"mailNickname": "a", "usageLocation": "NO"}}),
        ),
        Habit::BlankForNothing => (
            body(dialect, json!({"x509Certificates": [{"value": "", "type": "a"}]})),
            json!({"x509Certificates": [{"type": "a"}]}),
        ),
    }
}

#[test]
fn every_rule_is_held_by_an_example() {
    for rule in Dialect::rules() {
        for dialect in Dialect::ALL {
            let (understood, expected) = example(rule.habit, dialect);
            if dialect.allows(rule.habit) {
                assert_eq!(understood, Ok(expected), "{dialect}: {}", rule.what);
            } else {
                assert!(understood.is_err(), "{dialect}: {}", rule.what);
                assert!(rule.named_only && !rule.clients.contains(&dialect));
            }
        }
    }
}

#[test]
fn every_rule_is_told_once_and_in_sentences() {
    for rule in Dialect::rules() {
        assert_eq!(Dialect::rules().iter().filter(|other| other.habit == rule.habit).count(), 1);
        assert!(rule.what.ends_with('.') && rule.why.ends_with('.') && !rule.clients.is_empty(), "{rule:?}");
        assert!(!Dialect::Auto.allows(rule.habit) || !rule.named_only);
    }
}

#[rstest]
#[case(json!({"op": "add", "path": format!("{MICROSOFT}:usageLocation"), "value": "NO"}))]
#[case(json!({"op": "add", "path": MICROSOFT, "value": {"usageLocation": "NO"}}))]
#[case(json!({"op": "replace", "value": {MICROSOFT.to_lowercase(): {"usageLocation": "NO"}}}))]
#[case(json!({"op": "replace", "value": {format!("{MICROSOFT}:usageLocation"): "NO"}}))]
fn entras_urn_means_ours_in_a_patch(#[case] operation: Value) {
    let after = changed(Dialect::Auto, json!({"userName": "ann"}), &operation);
    assert_eq!(after, Ok(json!({GANGWAY: {"usageLocation": "NO"}})));
}

/// A request of a known client, with what it must come to.
#[derive(Deserialize)]
struct Recorded {
    client: String,
    name: String,
    method: String,
    path: String,
    body: Value,
    expect: BTreeMap<String, Value>,
}

impl Recorded {
    fn dialect(&self) -> Dialect {
        match self.client.as_str() {
            "keycloak-mitodl" => Dialect::Keycloak,
            "ms-scim-client" => Dialect::Entra,
            "any" => Dialect::Auto,
            name => name.parse().unwrap(),
        }
    }

    fn read(&self) {
        let dialect = self.dialect();
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let is_group = path.starts_with("/Groups");
        match self.method.as_str() {
            "GET" => self.filter(if is_group { &GROUP } else { &USER }, query),
            "PATCH" if is_group => self.members(dialect),
            "PATCH" => self.patched(dialect),
            "POST" | "PUT" if is_group => {
                let input = GroupInput::parse(self.body.clone(), dialect).unwrap();
                assert_eq!(input.resource.display_name(), Some("Sales"), "{}", self.name);
            }
            "POST" | "PUT" => self.body(dialect),
            _ => {}
        }
    }

    fn filter(&self, rt: &crate::scim::ResourceType, query: &str) {
        let filter = query.split('&').find_map(|pair| pair.strip_prefix("filter="));
        if let Some(text) = filter {
            let text = text.replace("%20", " ").replace("%22", "\"").replace("%40", "@");
            filter::parse(rt, &text, self.dialect()).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        }
    }

    fn body(&self, dialect: Dialect) {
        let input = Resource::parse(&USER, self.body.clone(), dialect).unwrap();
        assert_eq!(input.resource.get("userName"), self.body.get("userName"), "{}", self.name);
        assert_eq!(
            input.resource.active().map(Value::from).as_ref(),
            self.body.get("active"),
            "{}",
            self.name
        );
        if let Some(own) = self.body.get(MICROSOFT) {
            assert_eq!(input.resource.extension(GANGWAY), own.as_object(), "{}", self.name);
        }
    }

    fn patched(&self, dialect: Dialect) {
        let before = json!({
            "userName": "ann.berg@contoso.example", "active": self.expect.get("active") != Some(&json!(true)),
            "emails": [{"value": "old@contoso.example", "type": "work", "primary": true}],
        });
        let user = Resource::parse(&USER, before, dialect).unwrap().resource;
        let request = PatchRequest::parse(self.body.clone(), dialect).unwrap();
        let patched = patch::apply(&USER, &user, &request, dialect);
        let patched = patched.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let manager = patched.resource.extension(ENTERPRISE).and_then(|own| own.get("manager")?.get("value"));
        for (what, expected) in &self.expect {
            let found = match what.as_str() {
                "status" | "scimType" => continue,
                "event" => {
                    assert!(patched.password.is_some(), "{}", self.name);
                    continue;
                }
                "manager" => manager,
                "postalCode" => patched.resource.elements("addresses")[0].get("postalCode"),
                "emails.work" => patched.resource.elements("emails")[0].get("value"),
                path => patched.resource.get(path),
            };
            assert_eq!(found, Some(expected), "{}: {what}", self.name);
        }
    }

    fn members(&self, dialect: Dialect) {
        let before = ["{{user1}}", "{{user2}}", "other"];
        let patched = GroupPatch::parse(self.body.clone(), dialect).unwrap();
        let mut after: Vec<String> = before.map(str::to_owned).to_vec();
        for change in patched.members {
            match change {
                MemberChange::Add(ids) => {
                    after.retain(|id| !ids.contains(id));
                    after.extend(ids);
                }
                MemberChange::Remove(ids) => after.retain(|id| !ids.contains(id)),
                MemberChange::Clear => after.clear(),
                MemberChange::ReplaceAll(ids) => after = ids,
                other => panic!("{}: {other:?}", self.name),
            }
        }
        let Some(expected) = self.expect.get("members").and_then(Value::as_str) else {
            panic!("{}: members are not spoken of", self.name);
        };
        let refused = self.expect.get("status") == Some(&json!(400));
        if let Some(exactly) = expected.strip_prefix("exactly ") {
            let exactly: Vec<String> = exactly.split(',').map(|name| format!("{{{{{name}}}}}")).collect();
            assert_eq!(after, exactly, "{}", self.name);
        } else if expected.starts_with("none") {
            assert!(after.is_empty(), "{}", self.name);
        } else if expected == "unchanged" && !refused {
            assert_eq!(after, before, "{}", self.name);
        } else {
            for word in expected.split(' ').filter(|word| word.contains("user")) {
                let id = format!("{{{{{}}}}}", word.trim_start_matches(['+', '-']));
                let count = after.iter().filter(|own| **own == id).count();
                assert_eq!(count, usize::from(!word.starts_with('-')), "{}: {word}", self.name);
            }
            assert!(refused || after.iter().any(|id| id == "other"), "{}", self.name);
        }
    }
}

#[test]
fn every_recorded_request_is_understood() {
    let recorded: Vec<Recorded> =
        serde_json::from_str(include_str!("../../../tests/api/fixtures/client-requests.json")).unwrap();
    assert!(recorded.len() >= 26);
    recorded.iter().for_each(Recorded::read);
}
