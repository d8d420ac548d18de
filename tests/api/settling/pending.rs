//! Answers that do not wait for Microsoft 365 any longer.

use std::time::Duration;

use gangway::config::Config;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Backend, GANGWAY, answer, eventually, gangway_with, hold, on, replace, user};

/// Short, so that a test does not wait for nothing.
fn impatient(config: &mut Config) {
    config.settle_deadline = Duration::from_millis(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_graph_does_not_answer_is_pending_and_is_carried_out_later(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(hold("POST", "/users"));
    let mut body = user("ann.berg");
    body["password"] = json!("Ab3-xY7q");
    let created = scim.post("/Users", &body).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    assert!(simulator.users().is_empty());
    assert!(gangway.told(&created.id()).await.is_empty(), "an event is for what has happened");
    let read = scim.get(&created.path()).await.expect(200);
    assert_eq!(read.sync_status(), "pending", "a read shows unasked what has not arrived");

    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert!(simulator.signs_in("ann.berg@contoso.example", "Ab3-xY7q"));
    assert_eq!(simulator.count("POST /users"), 1);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
    let after = scim.get(&created.path()).await.expect(200);
    assert_eq!(after.body["meta"], created.body["meta"], "settling is no change of the resource");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_pending_user_fold_into_what_it_is_at_last(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    simulator.add_fault(hold("PATCH", "/users/*"));
    for title in ["One", "Two", "Three", "Four"] {
        let changed = scim.patch(&created.path(), &replace("title", title)).await.expect(200);
        assert_eq!(changed.body["title"], title);
        assert_eq!(changed.sync_status(), "pending");
    }
    gangway.changes();
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Four");
    let calls = gangway.changes();
    assert!(calls.len() <= 2, "the first was under way, the rest is one: {calls:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn respond_async_is_answered_at_once_with_202(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, |config| config.settle_deadline = Duration::from_mins(1)).await
    else {
        return;
    };
    let simulator = gangway.simulator();
    simulator.add_fault(hold("POST", "/users"));
    let scim = gangway.scim().with("prefer", "respond-async");
    let taken = scim.post("/Users", &user("ann.berg")).await.expect(202);
    assert_eq!(taken.header("preference-applied"), "respond-async");
    assert_eq!(taken.sync_status(), "pending");
    assert!(taken.header("location").ends_with(&taken.path()));
    simulator.held(1).await;
    let patched = scim.patch(&taken.path(), &replace("title", "Buyer")).await.expect(202);
    assert_eq!(patched.body["title"], "Buyer");
    simulator.clear_faults();
    assert_eq!(gangway.settled(&taken.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");

    simulator.add_fault(hold("PATCH", "/users/*"));
    scim.delete(&taken.path()).await.expect(204);
    gangway.scim().get(&taken.path()).await.expect(404);
    simulator.held(1).await;
    simulator.clear_faults();
    eventually("the account is blocked", async || {
        (gangway.account("ann.berg").get("accountEnabled") == false).then_some(())
    })
    .await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_long_throttle_is_not_waited_out(#[case] backend: Backend) {
    let Some(gangway) =
        gangway_with(backend, |config| config.settle_deadline = Duration::from_secs(30)).await
    else {
        return;
    };
    let throttled = answer(429, "TooManyRequests", Some(3600));
    gangway.simulator().add_fault(on("POST", "/users", throttled));
    let before = Instant::now();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert!(before.elapsed() < Duration::from_secs(15), "it waited though Graph had said how long it takes");
    assert_eq!(created.sync_status(), "pending");
    let read = gangway.scim().get(&created.path()).await.expect(200);
    let error = read.body[GANGWAY]["syncError"].as_str().unwrap_or_default();
    assert!(error.contains("too many requests"), "{}", read.text);
    assert_eq!(gangway.simulator().count("POST /users"), 1);
    // The connection rests: others are durable without a call.
    let other = gangway.scim().with("prefer", "respond-async");
    other.post("/Users", &user("bo.lind")).await.expect(202);
    assert_eq!(gangway.simulator().count("POST /users"), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pending_change_that_is_refused_stays_and_says_so_until_it_is_mended(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(hold("POST", "/users"));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    // Behind the hold waits the refusal: the held request goes on, the next are answered.
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    simulator.add_fault(hold("PATCH", "/users/*"));
    let pending = scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(pending.sync_status(), "pending");
    gangway
        .simulator()
        .put(
            &gangway::simulator::UserSeed::new("ann.berg@contoso.example")
                .with("onPremisesSyncEnabled", json!(true)),
        )
        .unwrap();
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "failed");
    let read = scim.get(&created.path()).await.expect(200);
    assert_eq!(read.body["title"], "Buyer", "what upstream was told is what stays");
    let error = read.body[GANGWAY]["syncError"].as_str().unwrap();
    assert!(error.contains("on-premises"), "{error}");
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "!user_update_provision"]);

    let cloud = gangway::simulator::UserSeed::new("ann.berg@contoso.example")
        .with("onPremisesSyncEnabled", Value::Null);
    simulator.put(&cloud).unwrap();
    // The same push again tries once more.
    scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "!user_update_provision", "user_update_provision"]
    );
}
