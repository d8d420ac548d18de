//! `/Bulk` (RFC 7644 §3.7).

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, ENTERPRISE, Gangway, gangway, group, replace, user};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

fn bulk(operations: impl IntoIterator<Item = Value>) -> Value {
    json!({"schemas": [BULK_REQUEST], "Operations": operations.into_iter().collect::<Vec<_>>()})
}

fn post(path: &str, bulk_id: &str, data: &Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data})
}

/// The operations of an answer, whose shape is checked.
#[track_caller]
fn operations(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["schemas"], json!([BULK_RESPONSE]));
    let operations = answer.body["Operations"].as_array().unwrap().clone();
    assert!(operations.iter().all(|one| one["status"].is_string()), "{}", answer.text);
    operations
}

fn statuses(operations: &[Value]) -> Vec<&str> {
    operations.iter().map(|one| one["status"].as_str().unwrap()).collect()
}

fn id(operation: &Value) -> &str {
    operation["location"].as_str().expect("a location").rsplit('/').next().unwrap()
}

async fn manager(gangway: &Gangway, user: &str) -> Value {
    let user = gangway.scim().get(&format!("/Users/{user}")).await.expect(200);
    user.body[ENTERPRISE]["manager"]["value"].clone()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn every_verb_works_in_bulk(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(3).await;
    let path = |n: usize| format!("/Users/{}", people[n]);
    let mut put = user("p1.berg");
    put["title"] = json!("Buyer");
    let request = bulk([
        post("/Users", "new", &user("ann.berg")),
        json!({"method": "PUT", "path": path(1), "data": put}),
        json!({"method": "patch", "path": path(0), "version": "W/\"1\"", "data": replace("title", "Seller")}),
        json!({"method": "DELETE", "path": path(2)}),
        post("/Groups", "group", &group("Sales", &[&people[0], "bulkId:new"])),
    ]);
    let done = operations(&gangway.scim().post("/Bulk", &request).await);
    assert_eq!(statuses(&done), ["201", "200", "200", "204", "201"]);
    assert_eq!((&done[0]["bulkId"], &done[0]["method"]), (&json!("new"), &json!("POST")));
    assert_eq!(done[2]["version"], "W/\"2\"");
    assert!(done.iter().all(|one| one.get("response").is_none()), "{done:?}");
    gangway.quiet().await;
    assert_eq!(gangway.account("p1.berg").get("jobTitle"), "Buyer");
    assert_eq!(gangway.account("p0.berg").get("jobTitle"), "Seller");
    assert_eq!(gangway.account("p2.berg").get("accountEnabled"), false);
    gangway.has_members(&format!("/Groups/{}", id(&done[4])), &[&people[0], id(&done[0])]).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn references_work_in_any_order_and_in_circles(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let reporting = |local: &str, boss: &str| {
        let mut body = user(local);
        body[ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{boss}")}});
        body
    };
    let request = bulk([
        post("/Groups", "g1", &group("First", &["bulkId:g2", "bulkId:a"])),
        post("/Groups", "g2", &group("Second", &["bulkId:g1", "bulkId:c"])),
        post("/Users", "a", &reporting("ann.berg", "b")),
        post("/Users", "b", &reporting("bo.lind", "c")),
        post("/Users", "c", &reporting("cy.dahl", "a")),
        json!({"method": "PATCH", "path": "/Users/bulkId:b", "data": replace("title", "Buyer")}),
    ]);
    let done = operations(&gangway.scim().post("/Bulk", &request).await);
    assert_eq!(statuses(&done), ["201", "201", "201", "201", "201", "200"], "{done:?}");
    let names: Vec<&str> = done.iter().filter_map(|one| one["bulkId"].as_str()).collect();
    assert_eq!(names[..5], ["g1", "g2", "a", "b", "c"], "the answers keep the order of the request");
    let ids: Vec<&str> = done.iter().map(id).collect();
    assert_eq!(manager(&gangway, ids[2]).await, ids[3]);
    assert_eq!(manager(&gangway, ids[3]).await, ids[4]);
    assert_eq!(manager(&gangway, ids[4]).await, ids[2]);
    gangway.quiet().await;
    let first = gangway.members(&format!("/Groups/{}", ids[0])).await;
    assert_eq!(first, [ids[1], ids[2]].map(str::to_owned).into());
    let second = gangway.members(&format!("/Groups/{}", ids[1])).await;
    assert_eq!(second, [ids[0], ids[4]].map(str::to_owned).into());
    let ann = gangway.account("ann.berg");
    assert_eq!(ann.manager, Some(gangway.account("bo.lind").id));
    assert_eq!(gangway.account("bo.lind").get("jobTitle"), "Buyer");
    assert!(gangway.graph_group("First").members.contains(&ann.id));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn each_failure_is_its_own_and_fail_on_errors_stops(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let ann = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let attempts = [
        post("/Users", "taken", &user("ann.berg")),
        json!({"method": "PATCH", "path": ann.path(), "version": "W/\"9\"", "data": replace("title", "x")}),
        json!({"method": "DELETE", "path": format!("/Users/{}", uuid::Uuid::nil())}),
        post("/Groups", "missing", &group("Sales", &["bulkId:taken"])),
        post("/Users", "good", &user("bo.lind")),
    ];
    let done = operations(&gangway.scim().post("/Bulk", &bulk(attempts.clone())).await);
    assert_eq!(statuses(&done)[..3], ["409", "412", "404"]);
    assert!(["400", "409"].contains(&statuses(&done)[3]), "{done:?}");
    assert_eq!(statuses(&done)[4], "201");
    for failed in &done[..4] {
        assert_eq!(failed["response"]["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(failed["response"]["status"], failed["status"]);
        assert!(failed["response"]["detail"].as_str().is_some_and(|text| !text.is_empty()));
    }
    assert_eq!(done[0]["response"]["scimType"], "uniqueness");
    assert_eq!(gangway.scim().get("/Groups").await.expect(200).body["totalResults"], 0);

    let mut stopping = bulk(attempts);
    stopping["failOnErrors"] = json!(2);
    stopping["Operations"][4] = post("/Users", "never", &user("cy.dahl"));
    let done = operations(&gangway.scim().post("/Bulk", &stopping).await);
    assert_eq!(statuses(&done), ["409", "412"]);
    assert_eq!(gangway.scim().get("/Users").await.expect(200).body["totalResults"], 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_limits_are_announced_and_held(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let config = scim.get("/ServiceProviderConfig").await.expect(200).body["bulk"].clone();
    assert_eq!(config["supported"], true);
    let most = usize::try_from(config["maxOperations"].as_u64().unwrap()).unwrap();
    let bytes = usize::try_from(config["maxPayloadSize"].as_u64().unwrap()).unwrap();
    let nothing = |n: usize| json!({"method": "DELETE", "path": format!("/Users/{n}")});
    let refused = scim.post("/Bulk", &bulk((0..=most).map(nothing))).await.expect(413);
    assert!(refused.detail().contains(&most.to_string()), "{}", refused.text);
    let done = operations(&scim.post("/Bulk", &bulk((0..most).map(nothing))).await);
    assert!(done.len() == most && done.iter().all(|one| one["status"] == "404"));
    let mut large = bulk([nothing(1)]);
    large["x"] = json!("x".repeat(bytes));
    scim.post("/Bulk", &large).await.expect(413).detail();
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_in_itself_is_not_made(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let body = bulk([post("/Groups", "a", &group("Sales", &["bulkId:a"]))]);
    let answer = gangway.scim().post("/Bulk", &body).await;
    assert_eq!(statuses(&operations(&answer)), ["400"], "{}", answer.text);
    assert_eq!(gangway.scim().get("/Groups").await.expect(200).body["totalResults"], 0);
    assert_eq!(gangway.simulator().groups(), []);
}
