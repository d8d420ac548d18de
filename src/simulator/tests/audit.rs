//! The audit log, the mail, and what else a tenant tells of itself.

use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;
use super::*;

impl Client {
    /// The names of what the audit log finds, newest first.
    async fn audited(&self, filter: &str) -> Vec<String> {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let reply = self.get(&format!("/auditLogs/directoryAudits?$filter={filter}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let entries = reply.json()["value"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["activityDisplayName"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_is_in_the_log() {
    let client = Client::plain().await;
    let id = client.create("ann").await;
    let user = format!("/users/{id}");
    let sent = "8a256a2b-b617-496d-b51b-e76466e88db0";
    let body = json!({"jobTitle": "Pilot"});
    client.try_call(&format!("PATCH {user}"), &[("client-request-id", sent)], &body).await;
    client.call(&format!("PATCH {user}"), json!({"accountEnabled": false})).await;
    let password = json!({"passwordProfile": {"password": "Correct-Horse-2"}});
    client.call(&format!("PATCH {user}"), password).await;
    client.call(&format!("POST {user}/revokeSignInSessions"), Value::Null).await;
    client.call(&format!("DELETE {user}"), Value::Null).await;
    client.call(&format!("POST /directory/deletedItems/{id}/restore"), Value::Null).await;
    let concerning = format!("targetResources/any(t:t/id eq '{id}')");
    let expected = [
        "Restore user",
        "Delete user",
        "Update StsRefreshTokenValidFrom Timestamp",
        "Reset user password",
        "Disable account",
        "Update user",
        "Add user",
    ];
    assert_eq!(client.audited(&concerning).await, expected);
    let log = client.simulator.directory().audits();
    assert!(!json!(log).to_string().contains("Correct-Horse"));
    let change = log.iter().find(|entry| entry["activityDisplayName"] == "Update user").unwrap();
    assert_eq!((&change["correlationId"], &change["result"]), (&json!(sent), &json!("success")));
    assert_eq!(change["initiatedBy"]["app"]["displayName"], "Gangway");
    let modified = json!([{"displayName": "JobTitle", "oldValue": "[]", "newValue": "[\"Pilot\"]"}]);
    assert_eq!(change["targetResources"][0]["modifiedProperties"], modified);
    assert_eq!(change["targetResources"][0]["userPrincipalName"], "ann@contoso.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_ordered_and_paged() {
    let clock = Clock::fixed(1_790_000_000_000);
    let client = Client::start(Options::default(), clock.clone()).await;
    let ann = client.create("ann").await;
    clock.advance(60_000);
    let group =
        json!({"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true});
    let group = client.call("POST /groups", group).await.json()["id"].as_str().unwrap().to_owned();
    let reference = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{ann}")});
    client.call(&format!("POST /groups/{group}/members/$ref"), reference).await;
    client.call(&format!("DELETE /groups/{group}/members/{ann}/$ref"), Value::Null).await;
    assert_eq!(
        client.audited("activityDateTime ge 2026-09-21T14:14:20Z").await,
        ["Remove member from group", "Add member to group", "Add group"]
    );
    assert_eq!(client.audited("activityDateTime le 2026-09-21T14:13:20Z").await, ["Add user"]);
    let both = format!("targetResources/any(t:t/id eq '{ann}') and startswith(activityDisplayName,'Add')");
    assert_eq!(client.audited(&both).await, ["Add member to group", "Add user"]);
    let path = "/auditLogs/directoryAudits?$top=2&$orderby=activityDateTime&$select=id,activityDisplayName";
    let page = client.get(path).await.json();
    assert_eq!(page["value"][0]["activityDisplayName"], "Add user");
    assert_eq!(page["value"][0].get("result"), None);
    let next = page["@odata.nextLink"].as_str().unwrap().split_once("/v1.0").unwrap().1.to_owned();
    let page = client.get(&next).await.json();
    assert_eq!((page["value"].as_array().unwrap().len(), page.get("@odata.nextLink")), (2, None));
    let refused = client.get("/auditLogs/directoryAudits?$filter=resultReason%20eq%20'x'").await;
    assert_eq!(refused.error().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_is_a_failure_in_the_log() {
    let client = Client::rough().await;
    let seed = UserSeed { privileged: Some(true), ..UserSeed::new("chief@contoso.example") };
    let id = client.simulator.directory().put(&seed).unwrap().id;
    client.call(&format!("PATCH /users/{id}"), json!({"accountEnabled": false})).await;
    let entry = client.simulator.directory().audits().pop().unwrap();
    assert_eq!((&entry["result"], &entry["targetResources"][0]["id"]), (&json!("failure"), &json!(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_kept_for_who_looks() {
    let mut client = Client::plain().await;
    let app = TenantSeed::contoso().apps[0].client_id;
    client.simulator.directory().change_app(app, |app| app.permissions.push("Mail.Send".to_owned()));
    client.authorize().await;
    let id = client.create("desk").await;
    let message = json!({
        "subject": "Welcome",
        "body": {"contentType": "text", "content": "Hello"},
        "toRecipients": [{"emailAddress": {"address": "ann@contoso.example"}}],
    });
    let reply = client
        .call(&format!("POST /users/{id}/sendMail"), json!({"message": message, "saveToSentItems": false}))
        .await;
    assert_eq!((reply.status, reply.text.as_str()), (202, ""));
    let kept = client.simulator.directory().mails();
    assert_eq!(kept, [json!({"from": "desk@contoso.example", "message": message})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_tells_its_records() {
    let client = Client::plain().await;
    let records = client.get("/domains/contoso.example/serviceConfigurationRecords").await.json();
    assert_eq!(records["value"][0]["recordType"], "Mx");
    let nowhere = client.get("/domains/nowhere.example/serviceConfigurationRecords").await;
    assert_eq!(nowhere.error().0, 404);
    assert!(Uuid::parse_str(client.create("ann").await.as_str()).is_ok());
}
