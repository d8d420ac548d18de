//! What the events tell: each success once, each failure with its reason.

use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Backend, TOKEN, answer, eventually, gangway, gangway_with, on, patch, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_is_told_with_one_event_for_each_success(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["password"] = json!("Ab3-xY7q");
    let created = scim.post("/Users", &body).await.expect(201);
    let path = created.path();
    for change in [
        replace("title", "Buyer"),
        replace("title", "Buyer"),
        replace("nickName", "Annie"),
        replace("password", "Zx9-qwerty"),
        replace("active", false),
        replace("active", false),
        replace("active", true),
    ] {
        scim.patch(&path, &change).await.expect(200);
    }
    scim.delete(&path).await.expect(204);
    assert_eq!(
        gangway.told(&created.id()).await,
        [
            "user_create_provision",
            "user_update_provision",
            "user_password_update_provision",
            "user_deprovision",
            "user_update_provision",
            "user_deprovision",
        ]
    );
    let text = serde_json::to_string(&gangway.events().await).unwrap();
    for secret in ["Ab3-xY7q", "Zx9-qwerty", "passwordProfile", TOKEN] {
        assert!(!text.contains(secret), "{secret} is in an event");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_success_is_told_whole(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim().with("user-agent", "Okta SCIM Client 1.0.0");
    let mut body = user("ann.berg");
    body["title"] = json!("Buyer");
    let created = scim.post("/Users", &body).await.expect(201);
    gangway.simulator().clear_exchanges();
    let change = patch([
        json!({"op": "replace", "path": "title", "value": "Seller"}),
        json!({"op": "add", "path": "preferredLanguage", "value": "nb-NO"}),
    ]);
    let changed = scim.patch(&created.path(), &change).await.expect(200);

    let events = gangway.events().await;
    assert_eq!(events.len(), 2);
    let event = &events[1];
    let exchanges = gangway.simulator().exchanges();
    let call = exchanges.iter().find(|one| one["method"] == "PATCH").unwrap();
    let id = Uuid::parse_str(event["id"].as_str().unwrap()).unwrap();
    assert_eq!(id.get_version_num(), 7);
    let timestamp = event["timestamp"].as_str().unwrap();
    assert_eq!((timestamp.len(), timestamp.ends_with('Z')), (24, true), "{timestamp}");
    for own in [
        "organization",
        "initiated_by/id",
        "initiated_by/source_metadata/token",
        "application/id",
        "correlation/graph_request_id",
    ] {
        let value = event.pointer(&format!("/{own}")).and_then(Value::as_str).unwrap_or_default();
        assert!(Uuid::parse_str(value).is_ok(), "{own}: {event}");
    }
    assert_eq!(
        event,
        &json!({
            "id": id,
            "@version": "1",
            "event_type": "user_update_provision",
            "timestamp": timestamp,
            "service": "directory",
            "organization": event["organization"],
            "provider": "office_365",
            "success": true,
            "initiated_by": {
                "type": "upstream", "id": event["initiated_by"]["id"], "source": "scim",
                "source_metadata": {"upstream": "default", "token": event["initiated_by"]["source_metadata"]["token"]},
            },
            "resource": {"type": "user", "id": created.id(), "username": "ann.berg@contoso.example"},
            "target_resource": {"type": "user", "id": gangway.account("ann.berg").id},
            "application": {"id": event["application"]["id"], "name": "contoso"},
            "changes": event["changes"],
            "message_chain": {"response_code": 204, "response_message": "Success"},
            "correlation": {
                "id": changed.header("x-request-id"),
                "type": "request",
                "graph_request_id": event["correlation"]["graph_request_id"],
                "client_request_id": call["headers"]["client-request-id"],
            },
            "client_ip": "127.0.0.1",
            "useragent": "Okta SCIM Client 1.0.0",
        })
    );
    let mut changes = event["changes"].as_array().unwrap().clone();
    changes.sort_by_key(|change| change["field"].to_string());
    assert_eq!(
        changes,
        [
            json!({"field": "jobTitle", "from": "Buyer", "to": "Seller"}),
            json!({"field": "preferredLanguage", "from": null, "to": "nb-NO"}),
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_creation_and_a_departure_tell_what_changed(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    scim.delete(&created.path()).await.expect(204);
    let events = gangway.events().await;
    let mut fields: Vec<_> = events[0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["field"].as_str().unwrap())
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["accountEnabled", "displayName", "givenName", "mailNickname", "surname", "userPrincipalName"]
    );
    assert_eq!(events[1]["changes"], json!([{"field": "accountEnabled", "from": true, "to": false}]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_as_a_failure_with_graphs_words(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.simulator().add_fault(on("PATCH", "/users/*", answer(403, "Authorization_RequestDenied", None)));
    let refused = scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(403);
    let events = gangway.events().await;
    assert_eq!(events.len(), 2);
    let event = &events[1];
    assert_eq!(event["event_type"], "user_update_provision");
    assert_eq!(event["success"], false);
    assert_eq!(event["error_message"], refused.detail());
    assert_eq!(
        event["message_chain"],
        json!({
            "response_code": 403, "response_message": "Authorization_RequestDenied",
            "message_details": "Authorization_RequestDenied, as the test ordered.",
        })
    );
    assert_eq!(event["correlation"]["id"], refused.header("x-request-id"));
    assert_eq!(event["resource"]["id"], created.id());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_told_without_the_password(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let refused = scim.patch(&created.path(), &replace("password", "Way-too-long-pass-17")).await.expect(400);
    let events = gangway.events().await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1]["event_type"], "user_password_update_provision");
    assert_eq!(events[1]["success"], false);
    assert_eq!(events[1]["error_message"], refused.detail());
    assert_eq!(events[1]["resource"]["id"], created.id());
    assert!(!events[1].to_string().contains("Way-too-long"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn failures_can_be_left_out(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, |config| config.directory.events.failures = false).await else {
        return;
    };
    let scim = gangway.scim();
    let rule =
        gangway.simulator().add_fault(on("POST", "/users", answer(403, "Authorization_RequestDenied", None)));
    scim.post("/Users", &user("ann.berg")).await.expect(403);
    gangway.simulator().remove_fault(rule);
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    scim.patch(&created.path(), &replace("password", "short")).await.expect(400);
    let events = gangway.events().await;
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(events[0]["success"], true);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn where_events_cannot_be_stored_changes_are_refused_before_graph_is_called(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.changes();
    gangway.execute("ALTER TABLE event RENAME TO event_elsewhere").await;
    let refused = scim.post("/Users", &user("bo.lind")).await;
    let changed = scim.patch(&created.path(), &replace("title", "Buyer")).await;
    gangway.execute("ALTER TABLE event_elsewhere RENAME TO event").await;
    assert_eq!((refused.status, changed.status), (503, 503), "{} {}", refused.text, changed.text);
    assert_eq!(gangway.changes(), [json!(null); 0]);
    assert_eq!(gangway.simulator().users().len(), 1);
    let again = scim.post("/Users", &user("bo.lind")).await.expect(201);
    eventually("the event is there", async || {
        (gangway.told(&again.id()).await == ["user_create_provision"]).then_some(())
    })
    .await;
}
