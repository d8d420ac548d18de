//! A user's life, and what a client may rely on in every answer.

use serde_json::{Value, json};

use super::client::{Client, user};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_made_read_changed_and_deleted() {
    let client = Client::plain().await;
    let made = client.call("POST /users", user("adele")).await;
    assert_eq!(made.status, 201);
    let body = made.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(body["businessPhones"], json!([]));
    assert!(body["@odata.context"].as_str().unwrap().ends_with("/v1.0/$metadata#users/$entity"));
    assert!(body.get("accountEnabled").is_none(), "not in the default set");
    assert!(!made.text.contains("passwordProfile"));

    let changed =
        client.call(&format!("PATCH /users/{id}"), json!({"jobTitle": "Pilot", "givenName": "Adele"})).await;
    assert_eq!((changed.status, changed.text.as_str()), (204, ""));
    let read = client
        .get("/users/ADELE@contoso.example?$select=jobTitle,accountEnabled,userType,createdDateTime")
        .await;
    let read = read.json();
    assert_eq!(
        (&read["jobTitle"], &read["accountEnabled"], &read["userType"]),
        (&json!("Pilot"), &json!(true), &json!("Member"))
    );
    let cleared = client.call(&format!("PATCH /users/{id}"), json!({"jobTitle": null})).await;
    assert_eq!(cleared.status, 204);
    assert_eq!(client.get(&format!("/users/{id}?$select=jobTitle")).await.json()["jobTitle"], Value::Null);

    assert_eq!(client.call(&format!("DELETE /users/{id}"), Value::Null).await.status, 204);
    let gone = client.get(&format!("/users/{id}")).await;
    let text = format!(
        "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
    );
    assert_eq!(gone.error(), (404, "Request_ResourceNotFound".to_owned(), text));
    assert_eq!(client.simulator.directory().count("POST /users"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_request_ids() {
    let client = Client::plain().await;
    let sent = "8a256a2b-b617-496d-b51b-e76466e88db0";
    let reply =
        client.try_call("GET /users/nobody", &[("client-request-id", sent)], &Value::Null).await.unwrap();
    let inner = &reply.json()["error"]["innerError"];
    assert_eq!(reply.header("client-request-id"), Some(sent));
    assert_eq!(inner["client-request-id"], sent);
    assert_eq!(inner["request-id"].as_str(), reply.header("request-id"));
    let date = inner["date"].as_str().unwrap();
    assert_eq!((date.len(), date.ends_with('Z')), (19, false), "{date}");
    assert_eq!(reply.header("odata-version"), Some("4.0"));
    assert!(reply.header("date").is_some());
    let diagnostic: Value = serde_json::from_str(reply.header("x-ms-ags-diagnostic").unwrap()).unwrap();
    assert!(diagnostic["ServerInfo"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_frees_its_name_and_comes_back() {
    let client = Client::plain().await;
    let id = client.create("lee").await;
    client.call(&format!("DELETE /users/{id}"), Value::Null).await;
    let list = client
        .get("/directory/deletedItems/microsoft.graph.user?$select=id,userPrincipalName,deletedDateTime")
        .await;
    let deleted = &list.json()["value"][0];
    assert_eq!(deleted["userPrincipalName"], format!("{}lee@contoso.example", id.replace('-', "")));
    assert!(deleted["deletedDateTime"].is_string());
    let found = client
        .eventual("/directory/deletedItems/microsoft.graph.user?$count=true&$filter=endsWith(userPrincipalName,'lee@contoso.example')")
        .await
        .json();
    assert_eq!((&found["@odata.count"], &found["value"][0]["id"]), (&json!(1), &json!(id)));
    let one = client.get(&format!("/directory/deletedItems/{id}")).await.json();
    assert_eq!(one["@odata.type"], "#microsoft.graph.user");

    let other = client.create("lee").await;
    let taken = client.call(&format!("POST /directory/deletedItems/{id}/restore"), Value::Null).await;
    let text = "Another object with the same value for property userPrincipalName already exists.";
    assert_eq!(taken.error(), (400, "Request_BadRequest".to_owned(), text.to_owned()));
    assert_eq!(taken.json()["error"]["details"][1]["target"], format!("User_{other}"));

    let body = json!({"newUserPrincipalName": "lee2@contoso.example", "autoReconcileProxyConflict": true});
    let back = client.call(&format!("POST /directory/deletedItems/{id}/restore"), body).await;
    assert_eq!((back.status, &back.json()["userPrincipalName"]), (200, &json!("lee2@contoso.example")));
    assert_eq!(client.get(&format!("/users/{id}")).await.status, 200);
    let plain = client.create("sam").await;
    client.call(&format!("DELETE /users/{plain}"), Value::Null).await;
    let back = client.call(&format!("POST /directory/deletedItems/{plain}/restore"), Value::Null).await;
    assert_eq!(back.json()["userPrincipalName"], "sam@contoso.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_user_is_gone_for_good_and_so_is_one_after_thirty_days() {
    let clock = Clock::fixed(1_790_000_000_000);
    let mut client = Client::start(Options::default(), clock.clone()).await;
    let (first, second) = (client.create("first").await, client.create("second").await);
    for id in [&first, &second] {
        client.call(&format!("DELETE /users/{id}"), Value::Null).await;
    }
    assert_eq!(
        client.call(&format!("DELETE /directory/deletedItems/{first}"), Value::Null).await.status,
        204
    );
    assert_eq!(client.get(&format!("/directory/deletedItems/{first}")).await.status, 404);
    clock.advance(30 * 24 * 3600 * 1000 - 1);
    client.authorize().await;
    assert_eq!(client.get(&format!("/directory/deletedItems/{second}")).await.status, 200);
    clock.advance(1);
    assert_eq!(client.get(&format!("/directory/deletedItems/{second}")).await.status, 404);
    let bad = client.get("/directory/deletedItems/x").await;
    assert_eq!(
        bad.error(),
        (400, "Request_BadRequest".to_owned(), "Invalid object identifier 'x'.".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_revoked_from_now_on() {
    let clock = Clock::fixed(1_790_000_000_000);
    let client = Client::start(Options::default(), clock.clone()).await;
    let id = client.create("nia").await;
    clock.advance(60_000);
    let reply = client.call(&format!("POST /users/{id}/revokeSignInSessions"), Value::Null).await;
    assert_eq!((reply.status, &reply.json()["value"]), (200, &json!(true)));
    let times = "signInSessionsValidFromDateTime,lastPasswordChangeDateTime";
    let user = client.get(&format!("/users/{id}?$select={times}")).await.json();
    assert_eq!(user["signInSessionsValidFromDateTime"], "2026-09-21T14:14:20Z");
    assert_eq!(user["lastPasswordChangeDateTime"], "2026-09-21T14:13:20Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_is_set_shown_and_removed() {
    let client = Client::plain().await;
    let (boss, worker) = (client.create("boss").await, client.create("worker").await);
    let none = client.get(&format!("/users/{worker}/manager")).await;
    assert_eq!(none.error().0, 404);
    let reference = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/users/{boss}")});
    let reply = client.call(&format!("PUT /users/{worker}/manager/$ref"), reference).await;
    assert_eq!(reply.status, 204);
    assert_eq!(client.get(&format!("/users/{worker}/manager")).await.json()["id"], boss);
    let expanded =
        client.get(&format!("/users/{worker}?$select=id&$expand=manager($select=id)")).await.json();
    assert_eq!(expanded["manager"]["id"], boss);
    assert_eq!(client.call(&format!("DELETE /users/{worker}/manager/$ref"), Value::Null).await.status, 204);
    assert_eq!(client.call(&format!("DELETE /users/{worker}/manager/$ref"), Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_tells_its_domains() {
    let client = Client::plain().await;
    let domains = client.get("/domains").await.json();
    let names: Vec<&str> =
        domains["value"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["contoso.example", "contoso.onmicrosoft.example", "fabrikam.example", "federated.example"]
    );
    let one = client.get("/domains/federated.example?$select=id,authenticationType,isVerified").await.json();
    assert_eq!((&one["authenticationType"], &one["isVerified"]), (&json!("Federated"), &json!(true)));
    let organization = client.get("/organization?$select=id,verifiedDomains").await.json();
    assert_eq!(organization["value"][0]["verifiedDomains"].as_array().unwrap().len(), 3);
    assert_eq!(client.get("/domains/nowhere.example").await.error().0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graph_has_not() {
    let client = Client::rough().await;
    let error = |status, code: &str, message: &str| (status, code.to_owned(), message.to_owned());
    let reply = client.get("/colours").await.error();
    assert_eq!(reply, error(400, "BadRequest", "Resource not found for the segment 'colours'."));
    let reply = client.call("PUT /users", json!({})).await.error();
    let text = "Specified HTTP method is not allowed for the request target.";
    assert_eq!(reply, error(405, "Request_BadRequest", text));
    let reply = client.get("/me").await.error();
    assert_eq!(
        reply,
        error(400, "BadRequest", "/me request is only valid with delegated authentication flow.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state: Some(folder.path().join("state.jsonl")), ..Options::default() };
    let client = Client::start(options.clone(), Clock::system()).await;
    let (kept, gone) = (client.create("kept").await, client.create("gone").await);
    client.call(&format!("DELETE /users/{gone}"), Value::Null).await;
    let before = client.simulator.directory().users();
    // Nothing is written at a stop: leaving the first one running is a crash.
    let again = Client::start(options, Clock::system()).await;
    assert_eq!(again.simulator.directory().users(), before);
    assert!(again.simulator.directory().signs_in(&kept, "Correct-Horse-1"));
    assert_eq!(again.get("/users/kept@contoso.example").await.json()["id"], kept);
    let taken = again.call("POST /users", user("kept")).await;
    assert_eq!(taken.status, 400, "the index is there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_can_be_written_can_be_read_again() {
    let client = Client::plain().await;
    let written = json!({
        "ageGroup": "Adult",
        "businessPhones": ["+1 555 0100"],
        "city": "Berlin",
        "companyName": "Contoso",
        "consentProvidedForMinor": "Granted",
        "country": "Germany",
        "department": "Flight",
        "employeeHireDate": "2026-01-01T00:00:00Z",
        "employeeId": "1234567890123456",
        "employeeOrgData": {"costCenter": "C1", "division": null},
        "employeeType": "Employee",
        "faxNumber": "+1 555 0101",
        "givenName": "Adele",
        "jobTitle": "Pilot",
        "mail": "adele@contoso.example",
        "mobilePhone": "+1 555 0102",
        "officeLocation": "18/2111",
        "onPremisesImmutableId": "i-1",
        "otherMails": ["adele@home.example"],
        "passwordPolicies": "DisablePasswordExpiration",
        "postalCode": "10115",
        "preferredLanguage": "de-DE",
        "state": "Berlin",
        "streetAddress": "Street 1",
        "surname": "Vance",
        "usageLocation": "DE",
        "userType": "Member",
    });
    let mut body = user("adele");
    body.as_object_mut().unwrap().extend(written.as_object().unwrap().clone());
    let id = client.call("POST /users", body).await.json()["id"].as_str().unwrap().to_owned();
    let names: Vec<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
    let path = format!("/users/{id}?$select={}", names.join(","));
    let mut read = client.get(&path).await.json();
    read.as_object_mut().unwrap().shift_remove("@odata.context");
    assert_eq!(read, written);

    let nullable = ["city", "employeeId", "employeeOrgData", "jobTitle", "onPremisesImmutableId", "state"];
    let nulls: Value =
        nullable.iter().map(|&name| (name.to_owned(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(client.call(&format!("PATCH /users/{id}"), nulls.clone()).await.status, 204);
    let mut read = client.get(&format!("/users/{id}?$select={}", nullable.join(","))).await.json();
    read.as_object_mut().unwrap().shift_remove("@odata.context");
    assert_eq!(read, nulls);
    let service = "proxyAddresses,identities,assignedLicenses,assignedPlans,onPremisesExtensionAttributes,passwordProfile,onPremisesSyncEnabled,deletedDateTime,imAddresses,licenseAssignmentStates";
    let read = client.get(&format!("/users/{id}?$select={service}")).await.json();
    assert_eq!(read["proxyAddresses"], json!(["SMTP:adele@contoso.example"]));
    assert_eq!(read["identities"][0]["issuerAssignedId"], "adele@contoso.example");
    assert_eq!(read["passwordProfile"], Value::Null);
}
