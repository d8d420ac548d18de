//! The control endpoint, the handle and the recording.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::client::{Client, Reply, send, user};
use super::*;

async fn control(client: &Client, head: &str, body: Value) -> Reply {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    send(&client.simulator.url(), &head.replace(" /", " /_simulator/"), &[], &text).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_drives_it_by_http() {
    let client = Client::plain().await;
    let seed = json!({
        "properties": {"userPrincipalName": "glass@contoso.example", "displayName": "Glass", "accountEnabled": true},
        "password": "Break-Glass-1",
        "privileged": true,
    });
    let made = control(&client, "PUT /users", seed).await;
    assert_eq!((made.status, &made.json()["privileged"]), (200, &json!(true)));
    assert!(!made.text.contains("Break-Glass-1"));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(control(&client, "GET /users/glass@contoso.example", Value::Null).await.json()["id"], id);
    for (password, right) in [("Break-Glass-1", true), ("Break-Glass-2", false)] {
        let body = json!({"user": id, "password": password});
        assert_eq!(control(&client, "POST /check-password", body).await.json(), json!({"signsIn": right}));
    }
    let refused = client.call(&format!("PATCH /users/{id}"), json!({"accountEnabled": false})).await;
    assert_eq!(refused.error().0, 403);

    let rule = json!({"method": "GET", "path": "/users*", "action": "hold"});
    assert_eq!(control(&client, "POST /faults", rule).await.json(), json!({"id": 1}));
    assert_eq!(
        control(&client, "GET /faults", Value::Null).await.json()["value"][0]["rule"]["action"],
        "hold"
    );
    let (held, waited) = tokio::join!(client.get("/users"), async {
        let waited = control(&client, "GET /held?count=1", Value::Null).await.status;
        control(&client, "POST /release", Value::Null).await;
        waited
    });
    assert_eq!((held.status, waited), (200, 204));
    assert_eq!(control(&client, "DELETE /faults/1", Value::Null).await.status, 204);
    assert_eq!(control(&client, "DELETE /faults/1", Value::Null).await.status, 404);

    let counts = control(&client, "GET /counts", Value::Null).await.json();
    assert_eq!((&counts["PATCH /users/{id}"], &counts["GET /users"]), (&json!(1), &json!(1)));
    assert_eq!(control(&client, &format!("DELETE /users/{id}"), Value::Null).await.status, 204);
    let users = control(&client, "GET /users", Value::Null).await.json();
    assert!(users["value"][0]["deleted"].is_number());
    assert_eq!(control(&client, &format!("DELETE /users/{id}?purge=true"), Value::Null).await.status, 204);
    assert_eq!(control(&client, "GET /users", Value::Null).await.json(), json!({"value": []}));
    assert_eq!(control(&client, "PUT /users", json!({"colour": 1})).await.status, 400);
    assert_eq!(control(&client, "GET /nonsense", Value::Null).await.status, 404);
    assert_eq!(control(&client, "POST /expire-tokens", Value::Null).await.status, 204);
    assert_eq!(client.get("/users").await.error().0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_driven_by_http_too() {
    let client = Client::plain().await;
    let ann = client.create("ann").await;
    let seed = json!({"kind": "microsoft365", "properties": {"displayName": "All Staff"}, "members": [ann]});
    let made = control(&client, "PUT /groups", seed).await.json();
    let expected = json!({"id": made["id"], "displayName": "All Staff", "description": null,
        "mailNickname": "AllStaff", "kind": "microsoft365", "members": [ann]});
    assert_eq!(made, expected);
    assert_eq!(control(&client, "GET /groups/all%20staff", Value::Null).await.json(), expected);
    let id = made["id"].as_str().unwrap();
    let change = json!({"id": id, "kind": "security", "properties": {"description": "x"}, "members": []});
    let changed = control(&client, "PUT /groups", change).await.json();
    assert_eq!((&changed["kind"], &changed["members"]), (&json!("security"), &json!([])));
    assert_eq!(control(&client, &format!("GET /groups/{id}"), Value::Null).await.json(), changed);
    let nobody = json!({"properties": {"displayName": "x"}, "members": [uuid::Uuid::nil()]});
    assert_eq!(control(&client, "PUT /groups", nobody).await.status, 400);
    assert_eq!(control(&client, "PUT /groups", json!({"properties": {}})).await.status, 400);
    assert_eq!(control(&client, "PUT /groups", json!({"properties": {"colour": 1}})).await.status, 400);
    assert_eq!(control(&client, &format!("DELETE /groups/{id}"), Value::Null).await.status, 204);
    assert_eq!(control(&client, &format!("DELETE /groups/{id}"), Value::Null).await.status, 404);
    assert_eq!(control(&client, "GET /groups", Value::Null).await.json(), json!({"value": []}));
    assert_eq!(control(&client, "POST /groups", json!({})).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_is_laid_over_what_is_there() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    let seed = UserSeed::new("drift@contoso.example").with("onPremisesSyncEnabled", json!(true));
    let made = directory.put(&seed).unwrap();
    let change = UserSeed { password: Some(SecretString::from("x")), ..UserSeed::default() };
    let change = UserSeed { id: Some(made.id), ..change }
        .with("jobTitle", json!("Pilot"))
        .with("displayName", Value::Null);
    let after = directory.put(&change).unwrap();
    assert_eq!(
        (after.id, after.get("jobTitle"), after.get("displayName")),
        (made.id, &json!("Pilot"), &Value::Null)
    );
    assert!(directory.signs_in("drift@contoso.example", "x"));
    assert!(directory.put(&UserSeed::default().with("jobTitle", json!("x"))).is_err(), "no name");
    assert!(directory.put(&UserSeed::new("a@contoso.example").with("colour", json!(1))).is_err());
    let synced = client.call(&format!("DELETE /users/{}", made.id), Value::Null).await;
    assert_eq!(synced.error().0, 400);
    assert!(directory.delete("drift@contoso.example") && !directory.delete("drift@contoso.example"));
    assert!(directory.user(&made.id.to_string()).unwrap().deleted.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_holds_every_exchange_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traffic.jsonl");
    let options = Options { record: Some(path.clone()), ..Options::default() };
    let client = std::sync::Arc::new(Client::start(options, Clock::system()).await);
    let calls = (0..20).map(|n| {
        let client = std::sync::Arc::clone(&client);
        tokio::spawn(async move { client.create(&format!("user{n}")).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let form =
        [("grant_type", "password"), ("username", "user1@contoso.example"), ("password", "Correct-Horse-1")];
    let mut person = form.to_vec();
    let id = app().0;
    person.push(("client_id", &id));
    assert_eq!(client.grant(&person).await.status, 200);

    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 21, "a token and 20 users; a person's sign-in is not recorded");
    for secret in ["Correct-Horse-1", "simulator-secret", &client.token] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(lines[0]["headers"]["content-type"], "application/x-www-form-urlencoded");
    assert!(lines[0]["body"].as_str().unwrap().contains("client_secret=redacted"));
    assert_eq!(lines[0]["response"]["access_token"], "redacted");
    assert_eq!((&lines[1]["path"], &lines[1]["status"]), (&json!("/v1.0/users"), &json!(201)));
    assert_eq!(lines[1]["headers"]["authorization"], "Bearer redacted");
    assert_eq!(lines[1]["body"]["passwordProfile"]["password"], "Xxxxxxx*Xxxxx*0");
    assert_eq!(client.simulator.directory().exchanges().len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulator_that_cannot_start_says_why() {
    let client = Client::plain().await;
    let address = client.simulator.url().socket_addrs(|| None).unwrap()[0];
    let taken = Simulator::start(Options { listen: address, ..Options::default() }, Clock::system()).await;
    assert!(matches!(taken, Err(Error::Listen(..))));
    let options = Options { state: Some("/dev/null/state".into()), ..Options::default() };
    let message = Simulator::start(options, Clock::system()).await.unwrap_err().to_string();
    assert!(message.starts_with("the simulator cannot use its state file:"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_listed_counted_and_paged() {
    let client = Client::plain().await;
    for n in 0..5 {
        client.create(&format!("p{n}")).await;
    }
    let mut names = Vec::new();
    let mut path = "/users?$select=userPrincipalName&$top=2".to_owned();
    loop {
        let page = client.get(&path).await.json();
        assert!(page["@odata.context"].as_str().unwrap().ends_with("#users(userPrincipalName)"));
        names.extend(page["value"].as_array().unwrap().iter().map(|user| user["userPrincipalName"].clone()));
        let Some(next) = page["@odata.nextLink"].as_str() else {
            break;
        };
        let origin = format!("{}v1.0", client.simulator.url());
        next.strip_prefix(&origin).unwrap().clone_into(&mut path);
    }
    assert_eq!(names.len(), 6, "five and the administrator");
    assert_eq!(client.eventual("/users/$count").await.text, "6");
    let found = client
        .get("/users?$filter=userPrincipalName%20eq%20'p3@contoso.example'&$select=id,accountEnabled")
        .await;
    assert_eq!(found.json()["value"].as_array().unwrap().len(), 1);
    let taken = client.call("POST /users", user("p3")).await;
    assert_eq!(taken.json()["error"]["details"][0]["code"], "ObjectConflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_needs_the_header() {
    let client = Client::rough().await;
    let text = "$count is not currently supported.";
    let none = client.get("/users/$count").await;
    assert_eq!(none.error(), (400, "Request_BadRequest".to_owned(), text.to_owned()));
}
