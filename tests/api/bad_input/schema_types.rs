//! Every wrong JSON type at every attribute of every schema, generated from what the running server announces.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_group, a_settled_user};
use crate::support::{Answer, Backend, GANGWAY_GROUP, GROUP, Gangway, gangway, group, patch, user};

/// One wrong value at one place.
struct Wrong {
    /// What is laid over a body, or is the value of a PATCH without a path.
    body: Value,
    /// Where a PATCH names the attribute.
    path: String,
    value: Value,
}

/// An attribute of a schema, as `/Schemas` tells it.
struct Place<'a> {
    /// The schema's URN where the schema is an extension.
    extension: Option<&'a str>,
    attribute: &'a Value,
}

impl Place<'_> {
    fn name(&self) -> &str {
        self.attribute["name"].as_str().unwrap()
    }

    fn path(&self) -> String {
        self.extension.map_or_else(|| self.name().to_owned(), |urn| format!("{urn}:{}", self.name()))
    }

    fn wrong(&self, path: String, sent: &Value, value: Value) -> Wrong {
        let own = json!({ self.name(): sent });
        let body = self.extension.map_or_else(|| own.clone(), |urn| json!({ urn: own }));
        Wrong { body, path, value }
    }

    /// Every wrong value at this attribute and at each of its sub-attributes.
    fn all(&self) -> Vec<Wrong> {
        let mut all: Vec<Wrong> = wrong_values(self.attribute)
            .into_iter()
            .map(|value| self.wrong(self.path(), &value.clone(), value))
            .collect();
        let is_list = self.attribute["multiValued"] == true;
        for sub in self.attribute["subAttributes"].as_array().into_iter().flatten() {
            if sub["mutability"] == "readOnly" || is_said_by_the_server(self.name(), sub) {
                continue;
            }
            let name = sub["name"].as_str().unwrap();
            for value in wrong_values(sub) {
                let element = json!({ name: value });
                let sent = if is_list { json!([element]) } else { element };
                all.push(self.wrong(format!("{}.{name}", self.path()), &sent, value));
            }
        }
        all
    }
}

/// Clients send these of a member along with its `value`, and the server has its own: they are passed over, whatever they are.
fn is_said_by_the_server(attribute: &str, sub: &Value) -> bool {
    attribute == "members" && sub["name"] != "value"
}

/// Values that no reading of this attribute's type allows. `"true"` for true, a list of one for its element and the reverse,
/// and a text for a complex value that has a `value` are what clients send; null and `[]` unassign.
fn wrong_values(attribute: &Value) -> Vec<Value> {
    let single = match attribute["type"].as_str().unwrap() {
        "string" | "reference" => vec![json!(42), json!(1.5), json!(true), json!({"x": 1}), json!([[]])],
        "boolean" => vec![json!("maybe"), json!(1), json!(0), json!({"x": 1}), json!([[]])],
        "binary" => vec![json!(42), json!(true), json!("!"), json!({"x": 1}), json!([[]])],
        "dateTime" => vec![json!(42), json!(true), json!("yesterday"), json!({"x": 1})],
        "integer" | "decimal" => vec![json!("many"), json!(true), json!({"x": 1})],
        "complex" => {
            let subs = attribute["subAttributes"].as_array().unwrap();
            let has_value = subs.iter().any(|sub| sub["name"] == "value");
            let text = (!has_value).then(|| json!("text"));
            [json!(42), json!(true), json!([[]])].into_iter().chain(text).collect()
        }
        other => panic!("no wrong value is known for the type {other:?}"),
    };
    let twice = |value: &Value| json!([value, value]);
    let lists: Vec<Value> = single.iter().map(twice).collect();
    let two_of_one = match (attribute["multiValued"] == true, attribute["type"].as_str().unwrap()) {
        (true, _) => None,
        (false, "boolean") => Some(json!([true, false])),
        (false, "complex") => Some(json!([{"x": 1}, {"x": 2}])),
        (false, _) => Some(json!(["a", "b"])),
    };
    single.into_iter().chain(lists).chain(two_of_one).collect()
}

/// The schemas of a resource type: its own, and its extensions by their URNs.
async fn schemas(gangway: &Gangway, resource_type: &str) -> Vec<(Option<String>, Value)> {
    let kind = gangway.scim().get(&format!("/ResourceTypes/{resource_type}")).await.expect(200).body;
    let own = kind["schema"].as_str().unwrap();
    let extensions = kind["schemaExtensions"].as_array().into_iter().flatten();
    let extensions = extensions.map(|extension| extension["schema"].as_str().unwrap());
    let mut schemas = vec![(None, own.to_owned())];
    schemas.extend(extensions.map(|urn| (Some(urn.to_owned()), urn.to_owned())));
    let mut found = Vec::new();
    for (extension, urn) in schemas {
        let schema = gangway.scim().get(&format!("/Schemas/{urn}")).await.expect(200).body;
        found.push((extension, schema["attributes"].clone()));
    }
    found
}

/// What is wrong with the answer to a wrong value, if anything.
fn complaint(answer: &Answer, of: &str) -> Option<String> {
    let scim_type = answer.body["scimType"].as_str().unwrap_or_default();
    let known = ["invalidValue", "invalidPath", "invalidSyntax", "mutability", "noTarget"];
    let good = answer.status == 400 && known.contains(&scim_type) && !answer.detail().is_empty();
    (!good).then(|| format!("{of}: {} {}", answer.status, answer.text))
}

/// Sends every wrong value in every way to a resource and its endpoint. Returns how many requests those were.
async fn try_all(gangway: &Gangway, resource_type: &str, path: &str, body: &Value) -> usize {
    let scim = gangway.scim();
    let endpoint = format!("/{resource_type}s");
    let (mut count, mut complaints) = (0, Vec::new());
    for (extension, attributes) in schemas(gangway, resource_type).await {
        for attribute in attributes.as_array().unwrap() {
            let place = Place { extension: extension.as_deref(), attribute };
            for wrong in place.all() {
                let change = |op: &str| json!({"op": op, "path": wrong.path, "value": wrong.value});
                let mut requests = vec![
                    (Method::PATCH, path, patch([change("replace")])),
                    (Method::PATCH, path, patch([change("add")])),
                ];
                // In a body, what the server alone says is passed over (RFC 7644 §3.5.1).
                if attribute["mutability"] != "readOnly" {
                    let without_path = patch([json!({"op": "replace", "value": wrong.body})]);
                    let mut whole = body.clone();
                    whole.as_object_mut().unwrap().extend(wrong.body.as_object().unwrap().clone());
                    requests.push((Method::PATCH, path, without_path));
                    requests.push((Method::POST, &endpoint, whole.clone()));
                    requests.push((Method::PUT, path, whole));
                }
                for (method, path, body) in requests {
                    let answer = scim.send(method.clone(), path, Some(&body)).await;
                    complaints.extend(complaint(&answer, &format!("{method} {body}")));
                    count += 1;
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{} of {count}:\n{}", complaints.len(), complaints.join("\n"));
    count
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_type_at_every_attribute_of_a_user_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let count = try_all(&gangway, "User", &path, &user("x")).await;
    assert!(count > 2_000, "only {count} requests were made of the schemas");
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn every_wrong_type_at_every_attribute_of_a_group_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    let before = World::of(&gangway).await;
    let announced = schemas(&gangway, "Group").await;
    assert_eq!(announced.len(), 2, "{GROUP} and {GANGWAY_GROUP}");
    let count = try_all(&gangway, "Group", &path, &group("Other", &[])).await;
    assert!(count > 100, "only {count} requests were made of the schemas");
    assert_eq!(World::of(&gangway).await, before);
}
