//! The login host, the quotas and the replicas, driven over HTTP; and permissions as a client meets them.

use serde_json::{Value, json};

use super::client::{Client, Reply, send, user};
use super::*;

async fn control(client: &Client, head: &str, body: Value) -> Reply {
    let (method, path) = head.split_once(' ').unwrap();
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!("{method} /_simulator{path}");
    send(&client.simulator.url(), &head, &[("content-type", "application/json")], &text).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_taken_away_is_missed_by_the_next_token() {
    let mut client = Client::plain().await;
    let app = format!("/apps/{}", app().0);
    let shown = control(&client, "GET /apps", Value::Null).await.json();
    assert!(shown["value"][0]["permissions"].as_array().unwrap().len() > 10);
    assert!(!shown.to_string().contains("simulator-secret"));
    let fewer = json!({"permissions": ["User.Read.All"], "roles": []});
    assert_eq!(control(&client, &format!("PATCH {app}"), fewer).await.status, 200);
    assert_eq!(client.call("POST /users", user("still")).await.status, 201, "a token keeps what it holds");
    client.authorize().await;
    let refused = client.call("POST /users", user("not")).await.error();
    let text = "Insufficient privileges to complete the operation.";
    assert_eq!(refused, (403, "Authorization_RequestDenied".to_owned(), text.to_owned()));
    assert_eq!(client.get("/users").await.status, 200);
    let requests = json!({"requests": [{"id": "1", "method": "GET", "url": "/domains"}]});
    let batch = client.call("POST /$batch", requests).await.json();
    assert_eq!(batch["responses"][0]["status"], 403);

    assert_eq!(control(&client, &format!("PATCH {app}"), json!({"colour": 1})).await.status, 400);
    assert_eq!(control(&client, "PATCH /apps/nobody", json!({})).await.status, 404);
    control(&client, &format!("PATCH {app}"), json!({"disabled": true})).await;
    assert_eq!(client.get("/users").await.error().1, "Authorization_IdentityNotFound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_takes_the_role_as_well() {
    let client = Client::plain().await;
    let id = client.create("adele").await;
    let change =
        json!({"passwordProfile": {"password": "Another-Horse-2", "forceChangePasswordNextSignIn": false}});
    let head = format!("PATCH /users/{id}");
    assert_eq!(client.call(&head, change.clone()).await.status, 204);
    control(&client, &format!("PATCH /apps/{}", app().0), json!({"roles": []})).await;
    assert_eq!(client.call(&head, change).await.error().0, 403, "roles count at once");
    assert_eq!(client.call(&head, json!({"department": "Sales"})).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_application_has_its_own_secret_and_permissions() {
    let mut client = Client::plain().await;
    let id = "6a7e57a9-0000-4000-8000-c0a705000009";
    let app = json!({"clientId": id, "clientSecret": "another", "permissions": ["Domain.Read.All"]});
    assert_eq!(control(&client, "PUT /apps", app).await.status, 200);
    let reply = client.grant(&[("client_id", id), ("client_secret", "another")]).await;
    client.token = reply.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!((client.get("/domains").await.status, client.get("/users").await.status), (200, 403));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_quotas_and_the_lag_are_set_over_http() {
    let client = Client::plain().await;
    let rules = json!({"obstacle": "conditionalAccess"});
    assert_eq!(control(&client, "PUT /sign-in", rules).await.status, 204);
    assert_eq!(control(&client, "GET /sign-in", Value::Null).await.json()["obstacle"], "conditionalAccess");
    let (id, secret) = app();
    let reply = client.grant(&[("client_id", &id), ("client_secret", secret)]).await;
    assert_eq!(reply.json()["error_codes"], json!([53_003]));
    control(&client, "PUT /sign-in", json!({})).await;

    let limits = json!({"units": {"amount": 1, "seconds": 60}});
    assert_eq!(control(&client, "PUT /limits", limits).await.status, 204);
    assert_eq!(control(&client, "GET /limits", Value::Null).await.json()["writes"]["amount"], 3000);
    assert_eq!((client.get("/domains").await.status, client.get("/domains").await.status), (200, 429));
    assert_eq!(control(&client, "DELETE /limits", Value::Null).await.status, 204);
    assert_eq!(client.get("/domains").await.status, 200);

    assert_eq!(control(&client, "PUT /replication", json!({"millis": 3_600_000})).await.status, 204);
    assert_eq!(control(&client, "GET /replication", Value::Null).await.json()["millis"], 3_600_000);
    let new = client.create("late").await;
    assert_eq!(client.get(&format!("/users/{new}")).await.status, 404);
    assert_eq!(control(&client, "POST /revoke-refresh-tokens", Value::Null).await.status, 204);
    assert_eq!(control(&client, "POST /expire-tokens", Value::Null).await.status, 204);
    assert_eq!(client.get("/domains").await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_tenant_and_its_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(folder.path().join("state.jsonl"));
    let first = Client::start(Options { state: state.clone(), ..Options::default() }, Clock::system()).await;
    first.create("kept").await;
    let address = first.simulator.url().socket_addrs(|| None).unwrap()[0];
    let token = first.token.clone();
    first.simulator.stop().await;
    let again = Options { state, listen: address, ..Options::default() };
    let mut second = Client::start(again, Clock::system()).await;
    second.token = token;
    let users = second.get("/users?$select=userPrincipalName").await.json();
    assert_eq!(users["value"].as_array().unwrap().len(), 2, "the administrator is not made twice: {users}");
}
