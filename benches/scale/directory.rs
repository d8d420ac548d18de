//! The directory that is measured: users, and a group of all of them.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::{Value, json};

use crate::process::{Microsoft, Server, good};

const AT_ONCE: usize = 16;
const MEMBERS_A_PATCH: usize = 5_000;
const PAUSE: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_hours(1);
const GROUP_STATUS: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group";
const USER_STATUS: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User";

/// What is looked up of the n-th user.
pub(crate) fn user_name(n: usize) -> String {
    format!("user.{n}@contoso.example")
}

pub(crate) fn email(n: usize) -> String {
    format!("first.last.{n}@mail.example")
}

pub(crate) fn external_id(n: usize) -> String {
    format!("ext-{n:07}")
}

fn user(n: usize) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name(n),
        "externalId": external_id(n),
        "displayName": format!("User {n}"),
        "name": {"givenName": format!("Given {n}"), "familyName": "Family"},
        "title": "Engineer",
        "emails": [{"type": "work", "value": email(n), "primary": true}],
        "phoneNumbers": [{"type": "work", "value": format!("+47 22 {n:07}")}],
    })
}

/// Makes so many users, and waits until all have accounts. Their ids.
pub(crate) async fn people(server: &Server, count: usize) -> Vec<String> {
    let began = Instant::now();
    let made = stream::iter(0..count).map(|n| async move {
        let body = user(n);
        let request = server.request(Method::POST, "/Users", Some(&body)).header("prefer", "respond-async");
        let response = good(request.send().await.unwrap(), "POST /Users").await;
        let created: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        created["id"].as_str().expect("an id").to_owned()
    });
    let ids: Vec<String> = made.buffered(AT_ONCE).collect().await;
    eprintln!("{count} users in {:.0?}", began.elapsed());
    if server.microsoft == Microsoft::Simulator {
        // They are carried out in their order, or nearly so.
        for id in ids.iter().rev().take(64) {
            settled(server, &format!("/Users/{id}"), USER_STATUS).await;
        }
        eprintln!("{count} accounts in {:.0?}", began.elapsed());
    }
    ids
}

/// Makes the group of all of them, and waits until Microsoft 365 has it. Its path.
pub(crate) async fn group(server: &Server, people: &[String]) -> String {
    let began = Instant::now();
    let body = json!({"displayName": "All"});
    let created = server.send(Method::POST, "/Groups", Some(&body)).await.text().await.unwrap();
    let created: Value = serde_json::from_str(&created).unwrap();
    let path = format!("/Groups/{}", created["id"].as_str().expect("an id"));
    for some in people.chunks(MEMBERS_A_PATCH) {
        let members: Vec<Value> = some.iter().map(|id| json!({ "value": id })).collect();
        let change = json!({"Operations": [{"op": "add", "path": "members", "value": members}]});
        let request = server.request(Method::PATCH, &path, Some(&change)).header("prefer", "respond-async");
        good(request.send().await.unwrap(), "PATCH /Groups").await;
    }
    eprintln!("{} members in {:.0?}", people.len(), began.elapsed());
    if server.microsoft == Microsoft::Simulator {
        settled(server, &path, GROUP_STATUS).await;
        eprintln!("{} members in Microsoft 365 in {:.0?}", people.len(), began.elapsed());
    }
    path
}

async fn settled(server: &Server, path: &str, extension: &str) {
    let began = Instant::now();
    loop {
        let read = server.get(&format!("{path}?attributes={extension}:syncStatus")).await;
        match read[extension]["syncStatus"].as_str() {
            Some("synced") => return,
            Some("pending") => {}
            other => panic!("{path} is {other:?}: {read}"),
        }
        assert!(began.elapsed() < PATIENCE, "{path} is still pending");
        tokio::time::sleep(PAUSE).await;
    }
}
