//! `/Bulk` (RFC 7644 §3.7).

use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Answer, Backend, ENTERPRISE, gangway, gangway_with, group, hold, members, replace, user,
};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

fn bulk(operations: impl Into<Value>) -> Value {
    let operations: Value = operations.into();
    json!({"schemas": [BULK_REQUEST], "Operations": operations})
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    let mut operation = json!({"method": "POST", "path": path, "bulkId": bulk_id});
    operation["data"] = data;
    operation
}

#[track_caller]
fn statuses(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.body["schemas"], json!([BULK_RESPONSE]), "{}", answer.text);
    let operations = answer.body["Operations"].as_array().unwrap();
    operations.iter().map(|one| one["status"].as_str().unwrap()).collect()
}

/// The path of the resource that an operation made.
fn path_of(answer: &Answer, n: usize) -> String {
    let location = answer.body["Operations"][n]["location"].as_str().unwrap();
    location.split_once("/scim/v2").unwrap().1.to_owned()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn operations_of_all_kinds_do_what_single_requests_do(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let ann = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let bo = scim.post("/Users", &user("bo.vik")).await.expect(201);
    let sales = scim.post("/Groups", &group("Sales", &[&ann.id()])).await.expect(201);
    let mut replaced = user("ann.berg");
    replaced["title"] = json!("Boss");
    let url = gangway.url();
    let body = bulk(json!([
            post("/Users", "cy", user("cy.dahl")),
            {"method": "put", "path": ann.path(), "data": replaced, "version": "W/\"1\""},
            {"method": "PATCH", "path": format!("{url}/scim/v2{}", sales.path()), "data": members("add", &["bulkId:cy", &bo.id()])},
            post("/Groups", "all", group("All", &[&sales.id(), "bulkId:cy"])),
            {"method": "DELETE", "path": bo.path()},
    ]));
    let answer = scim.post("/Bulk", &body).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "200", "200", "201", "204"], "{}", answer.text);
    assert_eq!(
        answer.body["Operations"][1],
        json!({
            "location": ann.header("location"), "method": "put", "version": "W/\"2\"", "status": "200"
        })
    );
    let operation = &answer.body["Operations"][0];
    assert_eq!((&operation["bulkId"], &operation["method"]), (&json!("cy"), &json!("POST")));
    assert_eq!(scim.get(&ann.path()).await.expect(200).body["title"], "Boss");
    assert_eq!(scim.get(&bo.path()).await.status, 404);
    let cy = scim.get(&path_of(&answer, 0)).await.expect(200);
    let in_groups: Vec<&Value> =
        cy.body["groups"].as_array().unwrap().iter().map(|group| &group["display"]).collect();
    assert_eq!(in_groups.len(), 2, "{}", cy.text);
    let members = scim.get(&sales.path()).await.expect(200);
    assert_eq!(members.body["members"].as_array().unwrap().len(), 2, "one is deleted: {}", members.text);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Boss");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn references_are_resolved_in_any_order_and_in_circles(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let led_by = |name: &str, boss: &str| {
        let mut body = user(name);
        body[ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{boss}")}});
        body
    };
    let body = bulk(json!([
        post("/Groups", "g", group("Sales", &["bulkId:ann"])),
        post("/Users", "ann", led_by("ann.berg", "bo")),
        post("/Users", "bo", led_by("bo.vik", "ann")),
    ]));
    let answer = scim.post("/Bulk", &body).await.expect(200);
    assert_eq!(statuses(&answer), ["201", "201", "201"], "{}", answer.text);
    let [group, ann, bo] = [0, 1, 2].map(|n| path_of(&answer, n));
    let id = |path: &str| json!(path.rsplit('/').next().unwrap());
    let read = async |path: &str| scim.get(path).await.expect(200).body;
    assert_eq!(read(&group).await["members"][0]["value"], id(&ann));
    assert_eq!(read(&ann).await[ENTERPRISE]["manager"]["value"], id(&bo));
    assert_eq!(read(&bo).await[ENTERPRISE]["manager"]["value"], id(&ann));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn errors_are_told_where_they_happen_and_end_the_bulk_where_it_says_so(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let ann = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let mut weak = user("bo.vik");
    weak["password"] = json!("weak-Secret-is-long-1234");
    let nobody = "/Users/0197a0d4-0000-7000-8000-000000000000";
    let operations = json!([
        post("/Users", "twice", user("ann.berg")),
        post("/Users", "weak", weak),
        {"method": "PATCH", "path": nobody, "data": replace("title", "x")},
        {"method": "DELETE", "path": ann.path(), "version": "W/\"7\""},
        {"method": "GET", "path": ann.path()},
        post("/Nothing", "n", json!({})),
        post("/Groups", "g", group("Sales", &["bulkId:twice"])),
        post("/Users", "cy", user("cy.dahl")),
    ]);
    let answer = scim.post("/Bulk", &bulk(operations.clone())).await.expect(200);
    assert_eq!(
        statuses(&answer),
        ["409", "400", "404", "412", "400", "400", "409", "201"],
        "{}",
        answer.text
    );
    assert!(!answer.text.contains("weak-Secret"), "{}", answer.text);
    for operation in answer.body["Operations"].as_array().unwrap() {
        let response = &operation["response"];
        if operation["status"] == "201" {
            assert_eq!(response, &Value::Null);
            continue;
        }
        assert_eq!(response["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(response["status"], operation["status"]);
        assert!(response["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{operation}");
    }
    assert_eq!(answer.body["Operations"][0]["response"]["scimType"], "uniqueness");
    scim.get(&ann.path()).await.expect(200);

    let mut ended = bulk(operations);
    ended["failOnErrors"] = json!(2);
    ended["Operations"][7]["data"] = user("di.eng");
    let answer = scim.post("/Bulk", &ended).await.expect(200);
    assert_eq!(statuses(&answer), ["409", "400"], "{}", answer.text);
    let found = scim.get("/Users?filter=userName sw \"di\"").await.expect(200);
    assert_eq!(found.body["totalResults"], 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_that_is_none_or_too_much_is_refused_whole(#[case] backend: Backend) {
    let adjust = |config: &mut gangway::config::Config| config.max_body_bytes = 200_000;
    let Some(gangway) = gangway_with(backend, adjust).await else {
        return;
    };
    let scim = gangway.scim();
    let config = scim.get("/ServiceProviderConfig").await.expect(200).body["bulk"].clone();
    assert_eq!(config, json!({"supported": true, "maxOperations": 1_000, "maxPayloadSize": 200_000}));
    let one = post("/Users", "a", user("ann.berg"));
    let many = vec![json!({"method": "DELETE", "path": "/Users/1"}); 1_001];
    for (body, status, says) in [
        (bulk(json!([one, one])), 400, "a"),
        (bulk(json!({})), 400, "Operations"),
        (json!({"schemas": [BULK_REQUEST]}), 400, "Operations"),
        (json!({"Operations": [one], "failOnErrors": 0}), 400, "failOnErrors"),
        (bulk(many.clone()), 413, "1000"),
        (json!({"Operations": [one], "x": "y".repeat(200_000)}), 413, "max_body_bytes"),
    ] {
        let refused = scim.post("/Bulk", &body).await.expect(status);
        assert!(refused.detail().contains(says), "{}", refused.text);
    }
    assert_eq!(scim.get("/Users").await.expect(200).body["totalResults"], 0);
    let most = scim.post("/Bulk", &bulk(many[1..].to_vec())).await.expect(200);
    assert_eq!(statuses(&most), ["404"; 1_000]);
    scim.clone().without("authorization").post("/Bulk", &bulk(json!([one]))).await.expect(401);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn all_operations_together_wait_no_longer_than_one(#[case] backend: Backend) {
    let longest = Duration::from_millis(700);
    let Some(gangway) = gangway_with(backend, |config| config.settle_deadline = longest).await else {
        return;
    };
    let scim = gangway.scim();
    gangway.simulator().add_fault(hold("POST", "/users"));
    let began = Instant::now();
    let operations: Vec<Value> =
        (0..20).map(|n| post("/Users", &n.to_string(), user(&format!("p{n}")))).collect();
    let answer = scim.post("/Bulk", &bulk(operations)).await.expect(200);
    assert!(began.elapsed() < 10 * longest, "{:?}", began.elapsed());
    assert_eq!(statuses(&answer), ["201"; 20]);
    let asynchronous = scim.clone().with("prefer", "respond-async");
    let taken = asynchronous.post("/Bulk", &bulk(json!([post("/Users", "q", user("q1"))]))).await.expect(200);
    assert_eq!(statuses(&taken), ["202"]);
    gangway.simulator().clear_faults();
    gangway.simulator().release();
    gangway.quiet().await;
    assert_eq!(gangway.simulator().users().len(), 21);
}
