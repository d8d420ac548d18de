//! Changes under `drift.policy = "repair"`: an event, and what upstream wants again.

use gangway::settings::DriftPolicy;
use gangway::simulator::{GroupSeed, UserSeed};
use rstest::rstest;
use serde_json::{Value, json};

use super::groups::set_members;
use super::{watching, watching_on};
use crate::support::{Backend, Gangway, eventually, simulator, user};

async fn ann(gangway: &Gangway) -> String {
    let mut body = user("ann.berg");
    body["title"] = json!("Engineer");
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    gangway.calm().await;
    created.path()
}

fn change(gangway: &Gangway, properties: &Value) {
    let mut seed = UserSeed { id: Some(gangway.account("ann.berg").id), ..UserSeed::default() };
    seed.properties.clone_from(properties.as_object().unwrap());
    gangway.simulator().put(&seed).unwrap();
}

#[rstest]
#[case::attribute(json!({"jobTitle": "Boss"}), json!("Engineer"))]
#[case::blocked(json!({"accountEnabled": false}), json!(true))]
#[case::renamed(json!({"userPrincipalName": "anne@contoso.example"}), json!("ann.berg@contoso.example"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_undone_once_and_told_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] properties: Value,
    #[case] wanted: Value,
) {
    let Some(gangway) = watching(backend, DriftPolicy::Repair).await else { return };
    ann(&gangway).await;
    let id = gangway.account("ann.berg").id.to_string();
    gangway.changes();
    change(&gangway, &properties);
    let drift = gangway.the_drift().await;
    let name = properties.as_object().unwrap().keys().next().unwrap().clone();
    assert_eq!(drift["changes"][0]["field"], name.as_str());
    eventually("it is undone", async || {
        (gangway.simulator().user(&id).unwrap().get(&name) == &wanted).then_some(())
    })
    .await;
    gangway.calm().await;
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), 1, "the way back is no drift");
    assert_eq!(gangway.changes(), [json!(["PATCH /users/{id}", { name: wanted }])]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_restored(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Repair).await else { return };
    let path = ann(&gangway).await;
    let id = gangway.account("ann.berg").id;
    assert!(gangway.simulator().delete(&id.to_string()));
    gangway.the_drift().await;
    eventually("the account is back", async || gangway.simulator().user("ann.berg@contoso.example")).await;
    assert_eq!(gangway.account("ann.berg").id, id);
    gangway.calm().await;
    assert_eq!(gangway.settled(&path).await, "synced");
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), 1);
}

#[rstest]
#[case::never_touch(None)]
#[case::on_premises(Some("onPremisesSyncEnabled"))]
#[tokio::test(flavor = "multi_thread")]
async fn what_must_not_be_touched_is_told_and_left(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] synced: Option<&str>,
) {
    let Some(mut gangway) = watching(backend, DriftPolicy::Repair).await else { return };
    ann(&gangway).await;
    let mut properties = json!({"jobTitle": "Boss"});
    if let Some(name) = synced {
        properties[name] = json!(true);
    } else {
        gangway.config().defaults.never_touch = vec!["Ann.Berg@contoso.example".to_owned()];
        gangway.restart().await;
    }
    change(&gangway, &properties);
    let drift = gangway.the_drift().await;
    let said = drift["message_chain"]["message_details"].as_str().unwrap();
    assert!(said.contains("leaves it so"), "{said}");
    gangway.rounds(3).await;
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Boss");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn members_names_and_groups_are_put_back(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Repair).await else { return };
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &[&people[0]]).await;
    gangway.calm().await;
    let group = gangway.graph_group("Sales");
    let (first, second) = (gangway.account("p0.berg").id, gangway.account("p1.berg").id);
    let stranger = gangway.simulator().put(&UserSeed::new("stranger@contoso.example")).unwrap().id;
    set_members(&gangway, &group, &[second, stranger]);
    eventually("the members are as upstream wants them, but for the stranger", async || {
        let mut there = gangway.simulator().group(group.id)?.members;
        there.sort();
        let mut wanted = [first, stranger];
        wanted.sort();
        (there == wanted).then_some(())
    })
    .await;
    let renamed = GroupSeed { id: Some(group.id), ..GroupSeed::default() };
    gangway.simulator().add_group(&renamed.with("displayName", json!("Vendors"))).unwrap();
    eventually("the name is back", async || gangway.simulator().group_named("Sales")).await;
    gangway.calm().await;
    assert!(gangway.simulator().delete_group(group.id));
    let again = eventually("the group is made again", async || {
        gangway.simulator().group_named("Sales").filter(|group| group.members == [first])
    })
    .await;
    assert_ne!(again.id, group.id);
    gangway.calm().await;
    assert_eq!(gangway.group_settled(&path).await, "synced");
    let told = gangway.drifts().await.len();
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), told, "the way back is no drift");
}

/// A nested group that others have taken out, or put in, is treated as any member.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn nested_groups_are_put_back_too(#[case] backend: Backend) {
    let Some(gangway) = watching_on(backend, DriftPolicy::Repair, simulator().await).await else { return };
    gangway.rounds(1).await;
    let inner = gangway.a_group("Inner", &[]).await;
    let outer = gangway.a_group("Outer", &[inner.rsplit('/').next().unwrap()]).await;
    gangway.calm().await;
    let (inside, group) = (gangway.graph_group("Inner").id, gangway.graph_group("Outer"));
    assert_eq!(group.members, [inside]);
    set_members(&gangway, &group, &[]);
    eventually("it is in again", async || {
        (gangway.simulator().group(group.id)?.members == [inside]).then_some(())
    })
    .await;
    gangway.calm().await;
    assert_eq!(gangway.group_settled(&outer).await, "synced");
}
