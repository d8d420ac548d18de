//! Reads that lag behind writes.

use serde_json::{Value, json};

use super::client::Client;
use super::*;

const LAG: i64 = 5_000;

async fn lagging() -> (Client, Clock) {
    let clock = Clock::fixed(1_790_000_000_000);
    let options = Options { replication: Duration::from_secs(5), ..Options::default() };
    (Client::start(options, clock.clone()).await, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_is_there_for_writes_at_once_and_for_reads_later() {
    let (client, clock) = lagging().await;
    let id = client.create("fresh").await;
    let path = format!("/users/{id}?$select=id,department");
    assert_eq!(client.get(&path).await.error().0, 404);
    assert_eq!(client.call(&format!("PATCH /users/{id}"), json!({"department": "Sales"})).await.status, 204);
    let taken = client.call("POST /users", super::client::user("fresh")).await;
    assert_eq!(taken.status, 400, "a name is taken at once");
    assert!(client.simulator.directory().user(&id).is_some());
    clock.advance(LAG - 1);
    assert_eq!(client.get(&path).await.status, 404);
    clock.advance(1);
    assert_eq!(client.get(&path).await.json()["department"], "Sales");

    client.call(&format!("PATCH /users/{id}"), json!({"department": "Stock"})).await;
    clock.advance(1000);
    client.call(&format!("PATCH /users/{id}"), json!({"department": "Shop"})).await;
    let mut seen = Vec::new();
    for step in [0, LAG - 1000, 1000] {
        clock.advance(step);
        seen.push(client.get(&path).await.json()["department"].as_str().unwrap().to_owned());
    }
    assert_eq!(seen, ["Sales", "Stock", "Shop"], "each change in its own time");
    client.call(&format!("DELETE /users/{id}"), Value::Null).await;
    assert_eq!(client.get(&path).await.status, 200);
    clock.advance(LAG);
    assert_eq!(client.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advanced_query_lags_twice_as_far() {
    let (client, clock) = lagging().await;
    client.create("fresh").await;
    let count = async || client.eventual("/users/$count").await.text;
    let listed = async || client.get("/users?$select=id").await.json()["value"].as_array().unwrap().len();
    clock.advance(LAG);
    assert_eq!((listed().await, count().await), (2, "1".to_owned()), "with the administrator");
    clock.advance(LAG);
    assert_eq!(count().await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_a_moment_ago_cannot_be_referred_to() {
    let (client, clock) = lagging().await;
    let old = client.create("old").await;
    let group = json!({"displayName": "Fresh", "mailEnabled": false, "mailNickname": "fresh", "securityEnabled": true});
    clock.advance(LAG);
    let group = client.call("POST /groups", group).await.json()["id"].as_str().unwrap().to_owned();
    let base = client.simulator.url();
    let reference = json!({"@odata.id": format!("{base}v1.0/directoryObjects/{old}")});
    let add = async || client.call(&format!("POST /groups/{group}/members/$ref"), reference.clone()).await;
    let text = "The source resource object or one of the objects being referenced don't exist.";
    assert_eq!(add().await.error(), (400, "Request_BadRequest".to_owned(), text.to_owned()));
    let bind = json!({"members@odata.bind": [format!("{base}v1.0/directoryObjects/{old}")]});
    assert_eq!(client.call(&format!("PATCH /groups/{group}"), bind).await.error().2, text);
    let named = client.call(&format!("PATCH /groups/{group}"), json!({"description": "x"})).await;
    assert_eq!(named.status, 204, "its own properties are changed at once");
    clock.advance(LAG);
    assert_eq!(add().await.status, 204);

    let boss = client.create("boss").await;
    let manager = json!({"@odata.id": format!("{base}v1.0/users/{boss}")});
    let head = format!("PUT /users/{old}/manager/$ref");
    assert_eq!(client.call(&head, manager.clone()).await.error().0, 404);
    client.call(&format!("PATCH /users/{old}"), json!({"usageLocation": "DE"})).await;
    let sku = TenantSeed::contoso().skus[0].sku_id;
    let licence = json!({"addLicenses": [{"skuId": sku, "disabledPlans": []}], "removeLicenses": []});
    let assign = async || client.call(&format!("POST /users/{old}/assignLicense"), licence.clone()).await;
    let text = "License assignment cannot be done for user with invalid usage location.";
    assert_eq!(assign().await.error().2, text);
    clock.advance(LAG);
    assert_eq!(client.call(&head, manager).await.status, 204);
    assert_eq!(assign().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_can_be_changed_while_it_runs() {
    let clock = Clock::fixed(1_790_000_000_000);
    let client = Client::start(Options::default(), clock.clone()).await;
    let first = client.create("first").await;
    let directory = client.simulator.directory();
    directory.set_replication(Duration::from_secs(1));
    assert_eq!(directory.replication(), Duration::from_secs(1));
    let second = client.create("second").await;
    assert_eq!(client.get(&format!("/users/{first}")).await.status, 200);
    assert_eq!(client.get(&format!("/users/{second}")).await.status, 404);
    directory.set_replication(Duration::ZERO);
    assert_eq!(client.get(&format!("/users/{second}")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_round_sees_what_reads_see() {
    let (client, clock) = lagging().await;
    let start = client.get("/users/delta?$deltatoken=latest").await.json();
    let link = start["@odata.deltaLink"].as_str().unwrap().to_owned();
    let path = link.split_once("/v1.0").unwrap().1.to_owned();
    client.create("fresh").await;
    assert_eq!(client.get(&path).await.json()["value"], json!([]));
    clock.advance(LAG);
    assert_eq!(client.get(&path).await.json()["value"].as_array().unwrap().len(), 1);
}
