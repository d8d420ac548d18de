//! The OpenAPI document, and the ids of requests.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Backend, Gangway, command, gangway, user};

fn committed() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/gangway.json");
    std::fs::read_to_string(file).expect("openapi/gangway.json; make it with `gangway openapi`")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_that_is_committed_is_the_one_that_is_generated() {
    let folder = tempfile::tempdir().unwrap();
    let printed = command(folder.path(), &["openapi"], &[]).await;
    assert!(
        printed.well() == committed(),
        "openapi/gangway.json is stale: cargo run -- openapi > openapi/gangway.json"
    );
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "printing it makes nothing");
    let Some(gangway) = gangway(Backend::Sqlite).await else {
        return;
    };
    let shown = gangway.http().without("authorization").get("/openapi.json").await.expect(200);
    assert_eq!(shown.header("content-type"), "application/json");
    assert_eq!(shown.body, serde_json::from_str::<Value>(&committed()).unwrap());
}

/// Each operation as its method, its path, and whether it asks for a token.
fn operations(document: &Value) -> Vec<(Method, String, bool)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else {
                continue;
            };
            all.push((method, path.clone(), operation["security"].is_array()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_document_is_there_and_guarded_as_it_says() {
    let Some(gangway) = gangway(Backend::Sqlite).await else {
        return;
    };
    let document: Value = serde_json::from_str(&committed()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let operations = operations(&document);
    let names: BTreeSet<String> =
        operations.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    for expected in [
        "POST /scim/v2/Users",
        "GET /scim/v2/Users",
        "GET /scim/v2/Users/{id}",
        "PUT /scim/v2/Users/{id}",
        "PATCH /scim/v2/Users/{id}",
        "DELETE /scim/v2/Users/{id}",
        "GET /scim/v2/ServiceProviderConfig",
        "GET /scim/v2/ResourceTypes",
        "GET /scim/v2/Schemas",
        "POST /insights/directory/v1/events",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /openapi.json",
    ] {
        assert!(names.contains(expected), "{expected} is not in {names:?}");
    }
    let anybody = gangway.http().without("authorization");
    for (method, path, guarded) in operations {
        let (name, path) = (format!("{method} {path}"), path.replace(['{', '}'], ""));
        let body = (method != Method::GET).then(|| json!({}));
        let answer = anybody.send(method, &path, body.as_ref()).await;
        if name.starts_with("GET /oauth/") {
            // A person's browser, which began nothing here: a page that says so.
            assert!([400, 404].contains(&answer.status), "{name}: {}", answer.status);
            assert!(answer.text.starts_with("<!doctype html>"), "{name}: {}", answer.text);
            continue;
        }
        assert_eq!(answer.status, if guarded { 401 } else { 200 }, "{name}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_in_the_document_leads_somewhere() {
    let document: Value = serde_json::from_str(&committed()).unwrap();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let references: BTreeSet<&str> = references.collect();
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect(reference);
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in ["bearer", "api_key"] {
        assert!(document["components"]["securitySchemes"][name].is_object(), "{name}");
    }
}

async fn request_ids(gangway: &Gangway) -> Vec<String> {
    let scim = gangway.scim();
    let answers = [
        scim.get("/Users").await.expect(200),
        scim.get("/Users/none").await.expect(404),
        scim.get("/Nowhere").await.expect(404),
        scim.put("/Users", &json!({})).await.expect(405),
        scim.post("/Users", &json!(1)).await.expect(400),
        scim.clone().with("content-type", "text/plain").post("/Users", &json!(1)).await.expect(415),
        scim.without("authorization").get("/Users").await.expect(401),
        gangway.http().get("/health/live").await.expect(200),
        gangway.http().get("/metrics").await.expect(200),
    ];
    answers.iter().map(|answer| answer.header("x-request-id").to_owned()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_an_id_of_its_own_and_the_event_has_it_too(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let ids = request_ids(&gangway).await;
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    for id in &ids {
        let id = Uuid::parse_str(id).unwrap_or_else(|_| panic!("{id:?} is no request id"));
        assert!(!id.is_nil());
    }
    let client = gangway.scim().with("user-agent", "A client/1.0").with("x-request-id", "forged");
    let created = client.post("/Users", &user("ann.berg")).await.expect(201);
    let id = created.header("x-request-id");
    assert_ne!(id, "forged");
    let events = gangway.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["correlation"]["id"], json!(id));
    assert_eq!(events[0]["useragent"], "A client/1.0");
    assert_eq!(events[0]["client_ip"], "127.0.0.1");
    let graph = events[0]["correlation"]["client_request_id"].as_str().unwrap();
    let sent = gangway.simulator().exchanges();
    let create =
        sent.iter().find(|exchange| exchange["method"] == "POST" && exchange["path"] == "/v1.0/users");
    assert_eq!(
        create.unwrap()["headers"]["client-request-id"],
        json!(graph),
        "as Microsoft's audit log has it"
    );
}
