//! The manager of a user, who is a reference to another account.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Backend, ENTERPRISE, Gangway, eventually, gangway, gangway_with, hold, patch, replace, user,
};

fn manager_path() -> String {
    format!("{ENTERPRISE}:manager")
}

fn reporting_to(local: &str, manager: &str) -> Value {
    let mut body = user(local);
    body[ENTERPRISE] = json!({"manager": {"value": manager}});
    body
}

fn manager_of(gangway: &Gangway, local: &str) -> Option<Uuid> {
    gangway.account(local).manager
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_manager_is_set_changed_and_removed(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let created = gangway.scim().post("/Users", &reporting_to("ann.berg", &people[0])).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    assert_eq!(manager_of(&gangway, "ann.berg"), Some(gangway.account("p0.berg").id));
    gangway.changes();
    let scim = gangway.scim();
    scim.patch(&created.path(), &replace(&manager_path(), people[1].clone())).await.expect(200);
    assert_eq!(manager_of(&gangway, "ann.berg"), Some(gangway.account("p1.berg").id));
    let calls = gangway.changes();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0][0], "PUT /users/{id}/manager/$ref");
    scim.patch(&created.path(), &patch([json!({"op": "remove", "path": manager_path()})])).await.expect(200);
    assert_eq!(manager_of(&gangway, "ann.berg"), None);
    assert_eq!(gangway.changes(), [json!(["DELETE /users/{id}/manager/$ref", null])]);
    let told = gangway.told(&created.id()).await;
    assert_eq!(told, ["user_create_provision", "user_update_provision", "user_update_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_manager_whose_account_comes_later_is_waited_for(#[case] backend: Backend) {
    let prepared = gangway_with(backend, |config| config.settle_deadline = Duration::from_millis(200)).await;
    let Some(gangway) = prepared else {
        return;
    };
    gangway.simulator().add_fault(hold("POST", "/users"));
    let boss = gangway.scim().post("/Users", &user("the.boss")).await.expect(201);
    assert_eq!(boss.sync_status(), "pending");
    gangway.simulator().held(1).await;
    gangway.simulator().remove_fault(gangway.simulator().faults()[0].0);
    let created = gangway.scim().post("/Users", &reporting_to("ann.berg", &boss.id())).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced", "nobody waits for it but the reference");
    assert_eq!(manager_of(&gangway, "ann.berg"), None);
    gangway.simulator().release();
    assert_eq!(gangway.settled(&boss.path()).await, "synced");
    let boss = gangway.account("the.boss").id;
    eventually("the manager is set", async || (manager_of(&gangway, "ann.berg") == Some(boss)).then_some(()))
        .await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_goes_is_nobodys_manager_any_more(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let mut paths = Vec::new();
    for (local, boss) in [("ann.berg", &people[0]), ("bo.lind", &people[0]), ("cy.dahl", &people[1])] {
        paths.push(gangway.scim().post("/Users", &reporting_to(local, boss)).await.expect(201).path());
    }
    gangway.scim().delete(&format!("/Users/{}", people[0])).await.expect(204);
    gangway.quiet().await;
    assert_eq!(manager_of(&gangway, "ann.berg"), None);
    assert_eq!(manager_of(&gangway, "bo.lind"), None);
    assert_eq!(manager_of(&gangway, "cy.dahl"), Some(gangway.account("p1.berg").id));
    for path in &paths {
        assert_eq!(gangway.settled(path).await, "synced");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_who_manage_each_other_are_both_set(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    for (one, other) in [(0, 1), (1, 0)] {
        let path = format!("/Users/{}", people[one]);
        gangway.scim().patch(&path, &replace(&manager_path(), people[other].clone())).await.expect(200);
    }
    assert_eq!(manager_of(&gangway, "p0.berg"), Some(gangway.account("p1.berg").id));
    assert_eq!(manager_of(&gangway, "p1.berg"), Some(gangway.account("p0.berg").id));
    let unknown = replace(&manager_path(), Uuid::nil().to_string());
    let kept = gangway.scim().patch(&format!("/Users/{}", people[0]), &unknown).await.expect(200);
    assert_eq!(kept.body[ENTERPRISE]["manager"]["value"], Uuid::nil().to_string(), "it may come yet");
    assert_eq!(manager_of(&gangway, "p0.berg"), None);
}
