//! Bad input: a clear SCIM error, and nothing changes, here or in Microsoft 365.

mod access;
mod bodies;
mod bulk;
mod extremes;
mod groups;
mod names;
mod pages;
mod passwords;
mod patches;
mod routes;
mod schema_types;

use std::collections::BTreeMap;

use gangway::simulator::{SimulatedGroup, UserRecord};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, ENTERPRISE, Gangway, group, user};

/// Everything that a refused request must leave as it was.
#[derive(Debug, PartialEq)]
struct World {
    users: Value,
    groups: Value,
    accounts: Vec<UserRecord>,
    given: Vec<SimulatedGroup>,
    calls: BTreeMap<String, u64>,
    events: Vec<Value>,
}

impl World {
    async fn of(gangway: &Gangway) -> Self {
        let users = gangway.scim().get("/Users?count=1000").await.expect(200);
        let groups = gangway.scim().get("/Groups?count=1000").await.expect(200);
        Self {
            users: users.body,
            groups: groups.body,
            accounts: gangway.simulator().users(),
            given: gangway.simulator().groups(),
            calls: gangway.simulator().counts(),
            events: gangway.events().await,
        }
    }
}

/// The path of a user that has an account and a value in many places.
async fn a_settled_user(gangway: &Gangway) -> String {
    let mut body = user("ann.berg");
    body["externalId"] = json!("ext-1");
    body["title"] = json!("Engineer");
    body["emails"] = json!([{"type": "work", "value": "ann.berg@contoso.example", "primary": true}]);
    body[ENTERPRISE] = json!({"department": "Sales"});
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    created.path()
}

/// The path of a group that is in Microsoft 365 with a member.
async fn a_settled_group(gangway: &Gangway) -> String {
    let ann = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let mut body = group("Sales", &[&ann.id()]);
    body["externalId"] = json!("gext-1");
    let created = gangway.scim().post("/Groups", &body).await.expect(201);
    assert_eq!(gangway.group_settled(&created.path()).await, "synced");
    created.path()
}

/// The three verbs that take a body, each at its place.
fn writes(path: &str) -> [(Method, &str); 3] {
    [(Method::POST, "/Users"), (Method::PUT, path), (Method::PATCH, path)]
}

async fn send_text(client: &Client, method: &Method, path: &str, body: &str) -> Answer {
    let bytes = body.as_bytes().to_vec();
    client.send_bytes(method.clone(), path, Some(bytes)).await.unwrap()
}

/// Checks a refusal: status, `scimType`, the error's shape, and what its sentence must say.
#[track_caller]
fn refused(answer: &Answer, status: u16, scim_type: Option<&str>, says: &str, of: &str) {
    assert_eq!(answer.status, status, "{of}: {}", answer.text);
    let detail = answer.detail();
    assert_eq!(answer.body.get("scimType").and_then(Value::as_str), scim_type, "{of}: {}", answer.text);
    assert!(detail.contains(says), "{of}: {says:?} is not in {detail:?}");
}
