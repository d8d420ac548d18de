//! What another process arranges besides users and groups.

use serde_json::{Value, json};

use super::client::{Client, Reply, send, user};

async fn control(client: &Client, head: &str, body: Value) -> Reply {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    send(&client.simulator.url(), &head.replace(" /", " /_simulator/"), &[], &text).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_come_and_go() {
    let client = Client::rough().await;
    let domain = json!({"name": "new.example", "verified": true, "isDefault": true});
    assert_eq!(control(&client, "PUT /domains", domain).await.status, 204);
    let shown = client.get("/domains/new.example").await.json();
    assert_eq!((&shown["isDefault"], &shown["authenticationType"]), (&json!(true), &json!("Managed")));
    let before = client.get("/domains/contoso.example").await.json();
    assert_eq!(before["isDefault"], false);
    let mut body = user("ann");
    body["userPrincipalName"] = json!("ann@new.example");
    assert_eq!(client.call("POST /users", body.clone()).await.status, 201);
    assert_eq!(control(&client, "DELETE /domains/new.example", Value::Null).await.status, 204);
    assert_eq!(control(&client, "DELETE /domains/new.example", Value::Null).await.status, 404);
    body["userPrincipalName"] = json!("bob@new.example");
    assert!(client.call("POST /users", body).await.error().2.contains("verified domain names"));
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_are_bought_and_licences_are_put() {
    let client = Client::rough().await;
    let mut sku = control(&client, "GET /skus", Value::Null).await.json()["value"][2].clone();
    assert_eq!((&sku["partNumber"], &sku["enabled"]), (&json!("POWER_BI_PRO"), &json!(1)));
    sku["enabled"] = json!(3);
    assert_eq!(control(&client, "PUT /skus", sku).await.status, 204);
    let skus = client.get("/subscribedSkus").await.json();
    assert_eq!(skus["value"][2]["prepaidUnits"]["enabled"], 3);
    let seed = json!({
        "properties": {"userPrincipalName": "ann@contoso.example"},
        "licenses": [{"sku": "POWER_BI_PRO"}],
        "roles": ["Reports Reader"],
        "photo": "/9j/",
    });
    let made = control(&client, "PUT /users", seed).await.json();
    assert_eq!((&made["roles"], made["photo"].is_string()), (&json!(["Reports Reader"]), true));
    assert_eq!(client.get("/subscribedSkus").await.json()["value"][2]["consumedUnits"], 1);
    let wrong =
        json!({"properties": {"userPrincipalName": "bob@contoso.example"}, "licenses": [{"sku": "NONE"}]});
    assert_eq!(control(&client, "PUT /users", wrong).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn deltas_audits_and_mails() {
    let client = Client::rough().await;
    let settings = json!({"pageSize": 1, "noise": true});
    assert_eq!(control(&client, "PUT /delta", settings.clone()).await.status, 204);
    assert_eq!(control(&client, "GET /delta", Value::Null).await.json(), settings);
    let first = client.get("/users/delta?$deltatoken=latest").await.json();
    let link = first["@odata.deltaLink"].as_str().unwrap().split_once("/v1.0").unwrap().1.to_owned();
    assert_eq!(control(&client, "POST /expire-deltas", Value::Null).await.status, 204);
    assert_eq!(client.get(&link).await.error().0, 410);
    client.create("ann").await;
    let audits = control(&client, "GET /audits", Value::Null).await.json();
    assert_eq!(audits["value"][0]["activityDisplayName"], "Add user");
    assert_eq!(control(&client, "DELETE /audits", Value::Null).await.status, 204);
    assert_eq!(control(&client, "GET /audits", Value::Null).await.json(), json!({"value": []}));
    assert_eq!(control(&client, "GET /mails", Value::Null).await.json(), json!({"value": []}));
}
