//! Changes of groups and their members under `drift.policy = "report"`.

use gangway::settings::DriftPolicy;
use gangway::simulator::{GroupKind, GroupSeed, SimulatedGroup, UserSeed};
use rstest::rstest;
use serde_json::json;
use uuid::Uuid;

use super::{fields, watching};
use crate::support::{Backend, Gangway, add_members, eventually, remove_member, replace};

/// The group "Sales" of the first of two people; its path and the people's ids.
async fn sales(gangway: &Gangway) -> (String, Vec<String>) {
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &[&people[0]]).await;
    gangway.calm().await;
    (path, people)
}

/// Makes exactly these its members, behind Gangway's back.
pub(super) fn set_members(gangway: &Gangway, group: &SimulatedGroup, members: &[Uuid]) {
    let seed = GroupSeed { id: Some(group.id), ..GroupSeed::default() };
    gangway.simulator().add_group(&seed.with_members(members.iter().copied())).unwrap();
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn members_put_in_and_taken_out_by_others_are_named(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let (path, people) = sales(&gangway).await;
    let group = gangway.graph_group("Sales");
    let (first, second) = (gangway.account("p0.berg").id, gangway.account("p1.berg").id);
    set_members(&gangway, &group, &[second]);
    eventually("both are told", async || {
        let drifts = gangway.drifts().await;
        let changed = |side: &str| drifts.iter().any(|drift| !drift["changes"][0][side].is_null());
        (changed("from") && changed("to")).then_some(())
    })
    .await;
    gangway.rounds(3).await;
    let drifts = gangway.drifts().await;
    assert!(drifts.len() <= 2, "each is told once: {drifts:#?}");
    for drift in &drifts {
        assert_eq!(drift["event_type"], "group_drift_detected");
        assert_eq!(drift["resource"]["type"], "group");
        assert_eq!(drift["message_chain"]["response_message"], "members_changed");
        assert_eq!(fields(drift), ["members"]);
    }
    let named = |side: &str| {
        let all = drifts.iter().filter_map(|drift| drift["changes"][0][side].as_array());
        all.flatten().cloned().collect::<Vec<_>>()
    };
    let person = |n: usize, id: Uuid| json!({"object": id, "value": people[n], "display": format!("p{n}.berg@contoso.example"), "type": "User"});
    assert_eq!(named("from"), [person(0, first)]);
    assert_eq!(named("to"), [person(1, second)]);
    assert_eq!(gangway.members(&path).await, [people[0].clone()].into(), "what upstream wants stays");
    assert_eq!(gangway.graph_group("Sales").members, [second], "nothing is repaired");
    // Back as it was: silent.
    set_members(&gangway, &group, &[first]);
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), drifts.len());
    let remembered = gangway.number("SELECT COUNT(*) AS n FROM member_drift").await;
    assert_eq!(remembered, 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_names_are_told(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    sales(&gangway).await;
    let group = gangway.graph_group("Sales");
    let stranger = gangway.simulator().put(&UserSeed::new("stranger@contoso.example")).unwrap().id;
    set_members(&gangway, &group, &[group.members[0], stranger]);
    let drift = gangway.the_drift().await;
    assert_eq!(drift["changes"], json!([{"field": "members", "from": null, "to": [{"object": stranger}]}]));
    let renamed = GroupSeed { id: Some(group.id), ..GroupSeed::default() };
    gangway.simulator().add_group(&renamed.with("displayName", json!("Vendors"))).unwrap();
    eventually("the name is told", async || (gangway.drifts().await.len() == 2).then_some(())).await;
    let drift = gangway.drifts().await.remove(1);
    assert_eq!(drift["changes"], json!([{"field": "displayName", "from": "Sales", "to": "Vendors"}]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_is_told(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let (path, people) = sales(&gangway).await;
    let id = gangway.graph_group("Sales").id;
    assert!(gangway.simulator().delete_group(id));
    let drift = gangway.the_drift().await;
    assert_eq!(drift["message_chain"]["response_message"], "deleted");
    assert_eq!(drift["changes"], json!([{"field": "id", "from": id, "to": null}]));
    // The next push makes it again, with all its members, and tells nothing twice.
    gangway.scim().patch(&path, &add_members(&[&people[1]])).await.expect(204);
    let again = eventually("the group is made again", async || {
        gangway.simulator().group_named("Sales").filter(|group| group.members.len() == 2)
    })
    .await;
    assert_ne!(again.id, id);
    gangway.calm().await;
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn gangways_own_changes_of_members_are_no_drift(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let (path, people) = sales(&gangway).await;
    for n in 0..8 {
        gangway.scim().patch(&path, &add_members(&[&people[1]])).await.expect(204);
        gangway.scim().patch(&path, &remove_member(&people[1])).await.expect(204);
        gangway.scim().patch(&path, &replace("displayName", format!("Sales {n}"))).await.expect(204);
    }
    gangway.calm().await;
    gangway.scim().delete(&format!("/Users/{}", people[0])).await.expect(204);
    gangway.quiet().await;
    gangway.rounds(2).await;
    gangway.scim().delete(&path).await.expect(204);
    gangway.quiet().await;
    gangway.no_drift().await;
}

/// Those who were in a group before Gangway took it over are nobody's drift, when they leave as little as when all is read.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn who_was_in_an_adopted_group_is_kept_in_silence(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let old = ["old1", "old2", "old3"]
        .map(|name| gangway.simulator().put(&UserSeed::new(&format!("{name}@contoso.example"))).unwrap().id);
    let seed = GroupSeed::new("Sales", GroupKind::Security).with_members(old);
    let group = gangway.simulator().add_group(&seed).unwrap();
    gangway.rounds(2).await;
    sales(&gangway).await;
    gangway.simulator().expire_deltas(410, "syncStateNotFound");
    gangway.no_drift().await;
    let first = gangway.account("p0.berg").id;
    set_members(&gangway, &group, &[old[0], first]);
    gangway.no_drift().await;
    set_members(&gangway, &group, &[old[0], old[1], first]);
    let drift = gangway.the_drift().await;
    assert_eq!(drift["changes"][0]["to"], json!([{"object": old[1]}]), "from now on a new one is told");
}
