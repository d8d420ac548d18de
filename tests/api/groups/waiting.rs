//! Members who have no account yet, and groups that are not in Microsoft 365 yet.

use std::time::Duration;

use gangway::config::Config;
use rstest::rstest;

use crate::support::{
    Backend, GANGWAY_GROUP, add_members, eventually, gangway, gangway_with, group, hold, remove_member, user,
};

fn impatient(config: &mut Config) {
    config.settle_deadline = Duration::from_millis(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_put_in_when_its_account_comes(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let here = gangway.people(1).await;
    gangway.simulator().add_fault(hold("POST", "/users"));
    let late = gangway.scim().post("/Users", &user("late.comer")).await.expect(201);
    assert_eq!(late.sync_status(), "pending");
    let path = gangway.a_group("Sales", &[&here[0], &late.id()]).await;
    let waiting = gangway.graph_group("Sales");
    assert_eq!(waiting.members, Vec::from_iter(gangway.objects(&here).await), "the other one waits");
    let read = gangway.scim().get(&path).await.expect(200);
    assert!(
        read.body[GANGWAY_GROUP]["syncError"].as_str().unwrap_or_default().contains("account"),
        "{}",
        read.text
    );

    gangway.simulator().clear_faults();
    assert_eq!(gangway.settled(&late.path()).await, "synced");
    eventually("both are in", async || (gangway.graph_group("Sales").members.len() == 2).then_some(())).await;
    gangway.quiet().await;
    gangway.has_members(&path, &[&here[0], &late.id()]).await;
    let read = gangway.scim().get(&path).await.expect(200);
    assert!(read.body[GANGWAY_GROUP].get("syncError").is_none(), "{}", read.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_was_removed_while_it_waited_never_gets_in(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    gangway.simulator().add_fault(hold("POST", "/users"));
    let late = gangway.scim().post("/Users", &user("late.comer")).await.expect(201);
    let path = gangway.a_group("Sales", &[&late.id()]).await;
    gangway.scim().patch(&path, &remove_member(&late.id())).await.expect(204);
    gangway.simulator().clear_faults();
    assert_eq!(gangway.settled(&late.path()).await, "synced");
    gangway.quiet().await;
    gangway.has_members(&path, &[]).await;
    assert_eq!(gangway.simulator().count("POST /groups/{id}/members/$ref"), 0);
    assert_eq!(gangway.simulator().count("PATCH /groups/{id}"), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn changes_that_come_while_the_group_is_made_are_carried_out_after(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    let people = gangway.people(3).await;
    gangway.simulator().add_fault(hold("POST", "/groups"));
    let created = gangway.scim().post("/Groups", &group("Sales", &[&people[0]])).await.expect(201);
    assert_eq!(created.sync_status(), "pending");
    let scim = gangway.scim().with("prefer", "respond-async");
    scim.patch(&created.path(), &add_members(&[&people[1], &people[2]])).await.expect(202);
    scim.patch(&created.path(), &remove_member(&people[0])).await.expect(202);
    assert_eq!(gangway.simulator().groups(), []);
    gangway.simulator().clear_faults();
    assert_eq!(gangway.group_settled(&created.path()).await, "synced");
    gangway.quiet().await;
    gangway.has_members(&created.path(), &[&people[1], &people[2]]).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_was_deleted_while_it_was_made_does_not_stay(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, impatient).await else {
        return;
    };
    gangway.simulator().add_fault(hold("POST", "/groups"));
    let created = gangway.scim().post("/Groups", &group("Sales", &[])).await.expect(201);
    gangway.simulator().held(1).await;
    gangway.scim().delete(&created.path()).await.expect(204);
    gangway.scim().get(&created.path()).await.expect(404);
    gangway.simulator().clear_faults();
    gangway.quiet().await;
    assert_eq!(gangway.simulator().groups(), []);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn queued_work_survives_a_restart(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(3).await;
    let path = gangway.a_group("Sales", &[&people[0]]).await;
    let scim = gangway.scim().with("prefer", "respond-async");
    gangway.simulator().add_fault(hold("PATCH", "/groups/*"));
    gangway.simulator().add_fault(hold("DELETE", "/groups/*"));
    scim.patch(&path, &add_members(&[&people[1], &people[2]])).await.expect(202);
    scim.patch(&path, &remove_member(&people[0])).await.expect(202);
    gangway.config().shutdown_grace = Duration::from_millis(100);
    gangway.simulator().clear_faults();
    gangway.restart().await;
    assert_eq!(gangway.group_settled(&path).await, "synced");
    gangway.quiet().await;
    gangway.has_members(&path, &[&people[1], &people[2]]).await;
}
