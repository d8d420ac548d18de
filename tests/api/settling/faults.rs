//! Graph and the login host fail in passing: it is tried again, and nothing is made twice.

use std::time::Duration;

use gangway::simulator::{Action, FaultRule, When};
use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;

use crate::support::{Backend, answer, gangway, gangway_with, on, replace, reset_after, reset_before, user};

fn first(count: u64, rule: FaultRule) -> FaultRule {
    FaultRule { when: When::First(count), ..rule }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_short_throttle_is_waited_out_for_as_long_as_graph_says(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let throttled = answer(429, "TooManyRequests", Some(1));
    gangway.simulator().add_fault(first(1, on("POST", "/users", throttled)));
    let before = Instant::now();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    assert!(before.elapsed() >= Duration::from_secs(1), "Retry-After holds");
    assert_eq!(gangway.simulator().count("POST /users"), 2);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn server_faults_are_tried_again_until_they_are_over(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let down = answer(503, "ServiceUnavailable", None);
    simulator.add_fault(first(3, on("POST", "/users", down.clone())));
    simulator.add_fault(first(2, on("PATCH", "/users/*", down.clone())));
    simulator.add_fault(first(2, on("POST", "/users/*/revokeSignInSessions", down)));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    scim.patch(&created.path(), &replace("active", false)).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert_eq!(simulator.users().len(), 1);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "user_deprovision"]);
}

#[rstest]
#[case::the_answer_is_lost(Action::ResetAfter)]
#[case::an_error_though_it_was_carried_out(answer(500, "InternalServerError", None))]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_of_unknown_outcome_makes_one_account_and_one_event(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] action: Action,
) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let simulator = gangway.simulator();
    simulator.add_fault(first(1, on("POST", "/users", action)));
    let mut body = user("ann.berg");
    body["password"] = json!("Ab3-xY7q");
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(simulator.users().len(), 1);
    assert!(simulator.signs_in("ann.berg@contoso.example", "Ab3-xY7q"));
    let told = gangway.told(&created.id()).await;
    assert_eq!(told.iter().filter(|name| *name == "user_create_provision").count(), 1, "{told:?}");
    assert!(told.iter().all(|name| !name.starts_with('!')), "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_any_other_call_makes_one_event(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    simulator.add_fault(reset_after("PATCH", "/users/*"));
    scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    simulator.clear_faults();
    simulator.add_fault(reset_before("POST", "/users/*/revokeSignInSessions"));
    scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    simulator.clear_faults();
    simulator.add_fault(reset_after("PATCH", "/users/*"));
    scim.delete(&created.path()).await.expect(204);
    gangway.quiet().await;
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
    assert_eq!(
        gangway.told(&created.id()).await,
        [
            "user_create_provision",
            "user_update_provision",
            "user_password_update_provision",
            "user_deprovision"
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_its_create_again_gets_409_and_no_second_account(#[case] backend: Backend) {
    let quick = |config: &mut gangway::config::Config| config.settle_deadline = Duration::from_millis(100);
    let Some(gangway) = gangway_with(backend, quick).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(crate::support::hold("POST", "/users"));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let again = scim.post("/Users", &user("ann.berg")).await.expect(409);
    assert_eq!(again.body["scimType"], "uniqueness");
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!((simulator.users().len(), simulator.count("POST /users")), (1, 1));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn while_the_login_host_is_down_pushes_are_kept_and_readiness_says_why(#[case] backend: Backend) {
    let quick = |config: &mut gangway::config::Config| config.settle_deadline = Duration::from_millis(200);
    let Some(gangway) = gangway_with(backend, quick).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(on("POST", "*/oauth2/v2.0/token", Action::ResetBefore));
    // The one that it holds since its first look.
    simulator.expire_tokens();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    assert!(simulator.users().is_empty());
    let ready = gangway.http().get("/health/ready").await;
    assert!(ready.text.contains("login host"), "{}", ready.text);
    let live = gangway.http().get("/health/live").await;
    assert_eq!(live.status, 200);

    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_access_token_is_replaced_without_anybody_noticing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    simulator.expire_tokens();
    scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(gangway.status_of(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
    assert_eq!(simulator.count("POST /oauth2/v2.0/token"), 2);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "user_update_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn work_that_is_open_at_a_restart_is_taken_up_by_the_next_start(#[case] backend: Backend) {
    let quick = |config: &mut gangway::config::Config| config.settle_deadline = Duration::from_millis(100);
    let Some(mut gangway) = gangway_with(backend, quick).await else {
        return;
    };
    let simulator = gangway.simulator();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    simulator.add_fault(on("PATCH", "/users/*", Action::ResetBefore));
    let change = replace("password", "Ab3-xY7q");
    let pending = gangway.scim().patch(&created.path(), &change).await.expect(200);
    assert_eq!(pending.sync_status(), "pending");
    gangway.restart().await;
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert!(simulator.signs_in("ann.berg@contoso.example", "Ab3-xY7q"));
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "user_password_update_provision"]
    );
}
