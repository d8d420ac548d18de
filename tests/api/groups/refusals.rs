//! What Microsoft refuses while the request waits: nothing of it stays, neither here nor there.

use gangway::simulator::Action;
use rstest::rstest;
use serde_json::{Value, json};

use super::texts;
use crate::support::{
    Backend, GANGWAY_GROUP, add_members, gangway, group, on, patch, remove_member, replace,
};

fn forbidden() -> Action {
    Action::Answer {
        status: 403,
        code: "Authorization_RequestDenied".to_owned(),
        message: "Insufficient privileges to complete the operation.".to_owned(),
        retry_after: None,
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_create_leaves_no_group(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    gangway.simulator().add_fault(on("POST", "/groups", forbidden()));
    let refused = gangway.scim().post("/Groups", &group("Sales", &texts(&people))).await.expect(403);
    assert!(refused.detail().contains("Group.ReadWrite.All"), "{}", refused.text);
    gangway.simulator().clear_faults();
    gangway.quiet().await;
    assert_eq!(gangway.scim().get("/Groups").await.expect(200).body["totalResults"], 0);
    assert_eq!(gangway.simulator().groups(), []);
    let read = gangway.scim().get(&format!("/Users/{}", people[0])).await.expect(200);
    assert_eq!(read.body.get("groups"), None);
    gangway.a_group("Sales", &texts(&people)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_leaves_the_group_as_it_was(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(3).await;
    let path = gangway.a_group("Sales", &texts(&people[..2])).await;
    let before = gangway.scim().get(&path).await.expect(200).body;
    let there = gangway.simulator().groups();
    for (method, calls) in [("PATCH", "/groups/*"), ("POST", "/groups/*"), ("DELETE", "/groups/*")] {
        gangway.simulator().add_fault(on(method, calls, forbidden()));
    }
    let both = patch([
        json!({"op": "add", "path": "members", "value": [{"value": people[2]}]}),
        json!({"op": "replace", "path": "externalId", "value": "gext-2"}),
    ]);
    for change in
        [add_members(&[&people[2]]), remove_member(&people[0]), replace("displayName", "Other"), both]
    {
        let refused = gangway.scim().patch(&path, &change).await.expect(403);
        assert!(refused.detail().contains("Microsoft"), "{}", refused.text);
        gangway.quiet().await;
        let after = gangway.scim().get(&path).await.expect(200).body;
        assert_eq!(shown(&after), shown(&before), "{change}");
    }
    gangway.scim().put(&path, &group("Other", &[&people[2]])).await.expect(403);
    gangway.scim().delete(&path).await.expect(403);
    gangway.simulator().clear_faults();
    gangway.quiet().await;
    assert_eq!(shown(&gangway.scim().get(&path).await.expect(200).body), shown(&before));
    assert_eq!(gangway.simulator().groups(), there);
}

/// What of a group a refusal must not change; a version is used up by it.
fn shown(group: &Value) -> Value {
    json!([group["displayName"], group["externalId"], group["members"], group["meta"]["lastModified"]])
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_microsoft_documents_as_impossible_is_refused_without_a_call(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = gangway.a_group("Sales", &[]).await;
    gangway.simulator().clear_counts();
    let long = "x".repeat(257);
    let refused = gangway.scim().post("/Groups", &group(&long, &[])).await.expect(400);
    assert_eq!(refused.body["scimType"], "invalidValue");
    assert!(refused.detail().contains("256"), "{}", refused.text);
    let refused = gangway.scim().patch(&path, &replace("displayName", long)).await.expect(400);
    assert!(refused.detail().contains("displayName"), "{}", refused.text);
    for (call, count) in gangway.simulator().counts() {
        assert!(call.starts_with("GET"), "{call} {count}");
    }
    // What is only a description does not keep the group from being made.
    let mut body = group("Staff", &[]);
    body[GANGWAY_GROUP] = json!({"description": "x".repeat(2_000)});
    let answer = gangway.scim().post("/Groups", &body).await;
    assert!([201, 400].contains(&answer.status), "{}", answer.text);
    assert!(answer.text.contains("description"), "{}", answer.text);
}
