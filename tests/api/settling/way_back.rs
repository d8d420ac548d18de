//! What upstream was told is what stays, whatever Microsoft refuses of a later push.

use std::time::Duration;

use gangway::config::Config;
use gangway::simulator::Action;
use rstest::rstest;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{Backend, Gangway, eventually, gangway_with, hold, on, replace, user};

const NAME: &str = "ann.berg@contoso.example";

fn impatient(config: &mut Config) {
    config.settle_deadline = Duration::from_millis(1500);
    config.shutdown_grace = Duration::from_millis(200);
}

/// Pushes a name that Microsoft refuses, and comes back when it is written and waits.
async fn refusable(gangway: &Gangway, path: &str) -> JoinHandle<()> {
    let too_long = "x".repeat(100);
    let (scim, place, body) =
        (gangway.scim(), path.to_owned(), replace("name.givenName", json!(too_long.clone())));
    let waiting = tokio::spawn(async move {
        let refused = scim.patch(&place, &body).await.expect(400);
        assert!(refused.detail().contains("givenName"), "{}", refused.text);
    });
    eventually("the change is written", async || {
        let user = gangway.scim().get(path).await.expect(200).body;
        (user["name"]["givenName"] == json!(too_long)).then_some(())
    })
    .await;
    waiting
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_acknowledged_survives_the_refusal_of_a_later_push(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    simulator.add_fault(hold("PATCH", "/users/*"));
    for (path, value) in [("title", json!("Buyer")), ("active", json!(false))] {
        let told = scim.patch(&created.path(), &replace(path, value)).await.expect(200);
        assert_eq!(told.sync_status(), "pending");
    }
    let refused = refusable(&gangway, &created.path()).await;
    simulator.clear_faults();
    refused.await.unwrap();
    gangway.quiet().await;
    let user = scim.get(&created.path()).await.expect(200).body;
    assert_eq!((&user["active"], &user["title"]), (&json!(false), &json!("Buyer")), "{user}");
    assert_eq!(user["name"]["givenName"], created.body["name"]["givenName"]);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert!(gangway.told(&created.id()).await.contains(&"user_deprovision".to_owned()));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_acknowledged_survives_the_refusal_of_a_later_push(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    simulator.add_fault(hold("PATCH", "/users/*"));
    // The title is held, so that the password waits behind it.
    scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await.expect(200);
    let refused = refusable(&gangway, &created.path()).await;
    simulator.clear_faults();
    refused.await.unwrap();
    gangway.quiet().await;
    assert!(simulator.signs_in(NAME, "Ab3-xY7q"));
    let told = gangway.told(&created.id()).await;
    assert_eq!(told.iter().filter(|event| *event == "user_password_update_provision").count(), 1, "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_deleted_after_a_stop_in_the_middle_of_its_create_ends_blocked(#[case] backend: Backend) {
    let Some(mut gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    simulator.add_fault(on("POST", "/users", Action::HoldAfter));
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    simulator.add_fault(hold("POST", "*/token"));
    gangway.restart().await;
    gangway.scim().delete(&created.path()).await.expect(204);
    simulator.clear_faults();
    gangway.quiet().await;
    assert_eq!(simulator.users().len(), 1);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    let told = gangway.told(&created.id()).await;
    assert_eq!(told.last().map(String::as_str), Some("user_deprovision"), "{told:?}");
}
