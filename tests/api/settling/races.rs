//! Changes that overtake one another on their way.

use std::time::Duration;

use gangway::config::Config;
use gangway::simulator::{Action, UserSeed};
use rstest::rstest;
use serde_json::json;

use crate::support::{
    Backend, GANGWAY, answer, eventually, gangway, gangway_with, hold, on, replace, reset_after, user,
};

const NAME: &str = "ann.berg@contoso.example";

fn impatient(config: &mut Config) {
    config.settle_deadline = Duration::from_millis(100);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_refused_after_adoption_leaves_the_account_usable(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut seed = UserSeed::new(NAME).with("jobTitle", json!("Chief"));
    seed.password = Some("Old-pass-12".into());
    gangway.simulator().put(&seed).unwrap();
    // A password that only Microsoft knows to be banned.
    let banned = Action::Answer {
        status: 400,
        code: "Request_BadRequest".to_owned(),
        message: "The specified password does not comply with password complexity requirements. Please provide a different password.".to_owned(),
        retry_after: None,
    };
    let rule = gangway.simulator().add_fault(on("PATCH", "/users/*", banned));
    let mut body = user("ann.berg");
    body["password"] = json!("Contoso-2026");
    let refused = gangway.scim().post("/Users", &body).await.expect(400);
    assert!(refused.detail().contains("password"), "{}", refused.text);
    gangway.simulator().remove_fault(rule);
    gangway.quiet().await;
    assert_eq!(gangway.scim().get("/Users").await.expect(200).body["totalResults"], 0);
    assert!(
        gangway.simulator().signs_in(NAME, "Old-pass-12"),
        "a push that was refused has locked a person out: {:?}",
        gangway.account("ann.berg")
    );
    let events = gangway.events().await;
    assert!(events.iter().all(|event| event["success"] == false), "{events:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_deleted_while_its_create_is_under_way_ends_blocked(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(on("POST", "/users", Action::HoldAfter));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    scim.delete(&created.path()).await.expect(204);
    scim.get(&created.path()).await.expect(404);
    simulator.clear_faults();
    gangway.quiet().await;
    assert_eq!(simulator.users().len(), 1);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    let told = gangway.told(&created.id()).await;
    assert_eq!(told.last().map(String::as_str), Some("user_deprovision"), "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_deleted_while_nobody_knows_whether_it_was_made_ends_blocked(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(reset_after("POST", "/users"));
    simulator.add_fault(on("GET", "/users", answer(503, "ServiceUnavailable", None)));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    eventually("the account is made unseen", async || (simulator.users().len() == 1).then_some(())).await;
    scim.delete(&created.path()).await.expect(204);
    simulator.clear_faults();
    gangway.quiet().await;
    assert_eq!(simulator.users().len(), 1);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_renamed_while_nobody_knows_whether_it_was_made_has_one_account(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(reset_after("POST", "/users"));
    simulator.add_fault(on("GET", "/users", answer(503, "ServiceUnavailable", None)));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    eventually("the account is made unseen", async || (simulator.users().len() == 1).then_some(())).await;
    let renamed =
        scim.patch(&created.path(), &replace("userName", "ann.holm@contoso.example")).await.expect(200);
    assert_eq!(renamed.body["userName"], "ann.holm@contoso.example");
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    let names: Vec<_> = simulator.users().iter().map(|user| user.get("userPrincipalName").clone()).collect();
    assert_eq!(names, ["ann.holm@contoso.example"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_renamed_while_its_create_is_held_has_one_account(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(hold("POST", "/users"));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    scim.patch(&created.path(), &replace("userName", "ann.holm@contoso.example")).await.expect(200);
    simulator.clear_faults();
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(simulator.users().len(), 1);
    assert_eq!(gangway.account("ann.holm").get("accountEnabled"), true);
    let told = gangway.told(&created.id()).await;
    assert_eq!(told.iter().filter(|event| *event == "user_create_provision").count(), 1, "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_comes_back_before_the_block_was_carried_out_ends_unblocked(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let first = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.settled(&first.path()).await, "synced");
    let account = gangway.account("ann.berg").id;
    simulator.add_fault(hold("PATCH", "/users/*"));
    scim.delete(&first.path()).await.expect(204);
    simulator.held(1).await;
    let second = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_ne!(second.id(), first.id());
    simulator.clear_faults();
    gangway.quiet().await;
    assert_eq!(gangway.settled(&second.path()).await, "synced");
    assert_eq!(simulator.users().len(), 1);
    assert_eq!(gangway.account("ann.berg").id, account);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    scim.get(&first.path()).await.expect(404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_microsoft_refused_after_202_can_be_deleted(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(on("POST", "/users", answer(403, "Authorization_RequestDenied", None)));
    let hasty = gangway.scim().with("prefer", "respond-async");
    let taken = hasty.post("/Users", &user("ann.berg")).await.expect(202);
    assert_eq!(gangway.settled(&taken.path()).await, "failed");
    let read = scim.get(&taken.path()).await.expect(200);
    let error = read.body[GANGWAY]["syncError"].as_str().unwrap_or_default();
    assert!(error.contains("User.ReadWrite.All"), "{}", read.text);
    scim.delete(&taken.path()).await.expect(204);
    scim.get(&taken.path()).await.expect(404);
    assert_eq!(scim.get("/Users").await.expect(200).body["totalResults"], 0);
    simulator.clear_faults();
    let again = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.settled(&again.path()).await, "synced");
    assert_eq!(simulator.users().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_overtakes_a_held_update_is_the_last_word(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    for active in [false, true, false] {
        simulator.add_fault(hold("PATCH", "/users/*"));
        scim.patch(&created.path(), &replace("title", format!("Title {active}"))).await.expect(200);
        simulator.held(1).await;
        scim.patch(&created.path(), &replace("active", active)).await.expect(200);
        simulator.clear_faults();
        assert_eq!(gangway.settled(&created.path()).await, "synced");
        assert_eq!(gangway.account("ann.berg").get("accountEnabled"), active);
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_refused_after_a_restore_puts_the_account_back_among_the_deleted(
    #[case] backend: Backend,
) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let simulator = gangway.simulator();
    let account = simulator.put(&UserSeed::new(NAME)).unwrap().id;
    assert!(simulator.delete(NAME));
    simulator.add_fault(on("PATCH", "/users/*", answer(403, "Authorization_RequestDenied", None)));
    let mut body = user("ann.berg");
    body["title"] = json!("Buyer");
    gangway.scim().post("/Users", &body).await.expect(403);
    gangway.quiet().await;
    assert_eq!(gangway.scim().get("/Users").await.expect(200).body["totalResults"], 0);
    assert!(simulator.user(&account.to_string()).unwrap().deleted.is_some());
    let events = gangway.events().await;
    let successes: Vec<_> = events.iter().filter(|event| event["success"] == true).collect();
    assert!(successes.iter().all(|event| event["event_type"] != "user_create_provision"), "{events:?}");

    simulator.clear_faults();
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").id, account);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
}
