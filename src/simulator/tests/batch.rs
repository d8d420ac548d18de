//! Several requests in one.

use serde_json::{Value, json};

use super::client::{Client, user};
use super::*;

/// The answers of a batch, by their ids.
async fn batch(client: &Client, requests: Value) -> impl Fn(&str) -> Value {
    let reply = client.call("POST /$batch", json!({ "requests": requests })).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let responses = reply.json()["responses"].as_array().unwrap().clone();
    move |id: &str| responses.iter().find(|one| one["id"] == id).cloned().unwrap_or_default()
}

fn with_body(id: &str, method: &str, url: &str, body: Value) -> Value {
    let mut one =
        json!({"id": id, "method": method, "url": url, "headers": {"Content-Type": "application/json"}});
    one["body"] = body;
    one
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_of_a_batch_is_answered_by_itself() {
    let client = Client::plain().await;
    let id = client.create("ann").await;
    let answers = batch(
        &client,
        json!([
            with_body("1", "POST", "/users", user("bob")),
            with_body("2", "PATCH", &format!("/users/{id}"), json!({"jobTitle": "Pilot"})),
            {"id": "3", "method": "GET", "url": "/users/00000000-0000-0000-0000-000000000009"},
            {"id": "4", "method": "DELETE", "url": "/users/nobody@contoso.example"},
        ]),
    )
    .await;
    assert_eq!((&answers("1")["status"], &answers("1")["body"]["displayName"]), (&json!(201), &json!("bob")));
    assert!(answers("1")["headers"]["Location"].is_string());
    assert_eq!((&answers("2")["status"], answers("2").get("body")), (&json!(204), None));
    assert_eq!(answers("3")["body"]["error"]["code"], "Request_ResourceNotFound");
    assert_eq!(answers("4")["status"], 404);
    let directory = client.simulator.directory();
    assert_eq!(directory.user(&id).unwrap().get("jobTitle"), "Pilot");
    assert_eq!((directory.count("POST /$batch"), directory.count("PATCH /users/{id}")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_depends_on_a_failure_fails_too() {
    let client = Client::plain().await;
    let id = client.create("ann").await;
    let mut second = with_body("2", "PATCH", &format!("/users/{id}"), json!({"jobTitle": "Pilot"}));
    second["dependsOn"] = json!(["1"]);
    let mut third = with_body("3", "PATCH", &format!("/users/{id}"), json!({"city": "Ulm"}));
    third["dependsOn"] = json!(["2"]);
    let first = json!({"id": "1", "method": "DELETE", "url": "/users/nobody@contoso.example"});
    let answers = batch(&client, json!([first, second, third])).await;
    assert_eq!(["1", "2", "3"].map(|id| answers(id)["status"].clone()), [404, 424, 424].map(Value::from));
    assert_eq!(client.simulator.directory().user(&id).unwrap().get("jobTitle"), &Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_come_in_any_order() {
    let client = Client::plain().await;
    let requests: Vec<Value> =
        (0..20).map(|n| json!({"id": n.to_string(), "method": "GET", "url": "/users?$select=id"})).collect();
    let reply = client.call("POST /$batch", json!({ "requests": requests })).await.json();
    let ids: Vec<u32> = reply["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().parse().unwrap())
        .collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..20).collect::<Vec<u32>>());
    assert_ne!(sorted, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_may_spoil_one_request_of_a_batch() {
    let client = Client::rough().await;
    let id = client.create("ann").await;
    let action = Action::Answer {
        status: 429,
        code: "TooManyRequests".to_owned(),
        message: "Please retry after".to_owned(),
        retry_after: Some(7),
    };
    client.simulator.directory().add_fault(FaultRule {
        method: Some("PATCH".to_owned()),
        path: "/users/*".to_owned(),
        when: When::Nth(1),
        action,
    });
    let nested = with_body("3", "POST", "/$batch", json!({"requests": []}));
    let answers = batch(
        &client,
        json!([
            with_body("1", "PATCH", &format!("/users/{id}"), json!({"city": "Ulm"})),
            {"id": "2", "method": "GET", "url": format!("/users/{id}")},
            nested,
        ]),
    )
    .await;
    assert_eq!(
        (&answers("1")["status"], &answers("1")["headers"]["Retry-After"]),
        (&json!(429), &json!("7"))
    );
    assert_eq!((&answers("2")["status"], &answers("3")["status"]), (&json!(200), &json!(400)));
    let twice =
        json!([{"id": "a", "method": "GET", "url": "/me"}, {"id": "A", "method": "GET", "url": "/me"}]);
    let refused = client.call("POST /$batch", json!({ "requests": twice })).await;
    assert_eq!(refused.error().0, 400);
}
