//! `Prefer` (RFC 7240): what the answer to a push holds.

use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, GANGWAY, gangway, hold, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_minimal_answer_has_headers_only(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let minimal = gangway.scim().with("prefer", "return=minimal");
    let created = minimal.post("/Users", &user("ann.berg")).await.expect(201);
    let found = gangway.scim().get("/Users").await.expect(200);
    let path = format!("/Users/{}", found.body["Resources"][0]["id"].as_str().unwrap());
    let location = format!("{}/scim/v2{path}", gangway.url());
    let patched = minimal.patch(&path, &replace("title", "Boss")).await.expect(204);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Boss");
    let replaced = minimal.put(&path, &user("ann.berg")).await.expect(204);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), &json!(null));
    let same = minimal.patch(&path, &replace("userName", "ann.berg@contoso.example")).await.expect(204);
    for (answer, version) in [(created, 1), (patched, 2), (replaced, 3), (same, 3)] {
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("content-type"), "");
        assert_eq!(answer.header("location"), location);
        assert_eq!(answer.header("etag"), format!("W/\"{version}\""));
        assert_eq!(answer.header("preference-applied"), "return=minimal");
    }
    let read = minimal.get(&path).await.expect(200);
    assert_eq!(read.body["userName"], "ann.berg@contoso.example", "a read is not a push");
    let refused = minimal.patch(&path, &replace("userName", "")).await.expect(400);
    assert_eq!(refused.detail(), refused.body["detail"], "an error is always told");
    minimal.delete(&path).await.expect(204);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn who_names_attributes_gets_them_whatever_it_prefers(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let minimal = gangway.scim().with("prefer", "return=minimal");
    let created = minimal.post("/Users?attributes=userName", &user("ann.berg")).await.expect(201);
    assert_eq!(created.body["userName"], "ann.berg@contoso.example");
    assert_eq!(created.header("preference-applied"), "");
    let path = format!("{}?attributes=title", created.path());
    let patched = minimal.patch(&path, &replace("title", "Boss")).await.expect(200);
    assert_eq!(patched.body["title"], "Boss");
    let path = format!("{}?excludedAttributes=title", created.path());
    minimal.patch(&path, &replace("title", "Guard")).await.expect(204);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_representation_can_be_asked_for_by_name(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let whole = gangway.scim().with("prefer", "return=representation");
    let created = whole.post("/Users", &user("ann.berg")).await.expect(201);
    let patched = whole.patch(&created.path(), &replace("title", "Boss")).await.expect(200);
    for answer in [&created, &patched] {
        assert_eq!(answer.header("preference-applied"), "return=representation");
        assert_eq!(answer.body["userName"], "ann.berg@contoso.example");
    }
    let unknown = gangway.scim().with("prefer", "return=headers-only, x=y");
    let patched = unknown.patch(&created.path(), &replace("title", "Guard")).await.expect(200);
    assert_eq!((patched.header("preference-applied"), &patched.body["title"]), ("", &json!("Guard")));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn minimal_and_asynchronous_go_together(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let simulator = gangway.simulator();
    simulator.add_fault(hold("POST", "/users"));
    let both = gangway.scim().with("prefer", "return=minimal, respond-async");
    let taken = both.post("/Users", &user("ann.berg")).await.expect(202);
    assert_eq!((taken.text.as_str(), taken.header("etag")), ("", "W/\"1\""));
    let applied: Vec<_> = taken.headers.get_all("preference-applied").iter().collect();
    assert_eq!(applied, ["respond-async", "return=minimal"]);
    let (_, path) = taken.header("location").split_once("/scim/v2").unwrap();
    let asked = format!("{path}?attributes={GANGWAY}:syncStatus");
    assert_eq!(gangway.scim().get(&asked).await.expect(200).sync_status(), "pending");
    simulator.clear_faults();
    assert_eq!(gangway.settled(path).await, "synced");
    both.patch(path, &replace("userName", "ann.berg@contoso.example")).await.expect(204);
}
