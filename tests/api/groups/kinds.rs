//! Groups that are in Microsoft 365 already: taken over if they are plain security groups, refused if not.

use gangway::simulator::{GroupKind, GroupSeed};
use rstest::rstest;
use serde_json::{Value, json};

use super::texts;
use crate::support::{Backend, add_members, gangway, group, replace};

#[rstest]
#[case::microsoft_365(GroupKind::Microsoft365, "Microsoft 365")]
#[case::mail_enabled(GroupKind::MailEnabledSecurity, "mail")]
#[case::distribution(GroupKind::Distribution, "distribution")]
#[case::dynamic(GroupKind::Dynamic, "dynamic")]
#[case::on_premises(GroupKind::OnPremises, "on-premises")]
#[case::role_assignable(GroupKind::RoleAssignable, "role")]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_a_kind_that_must_not_be_touched_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] kind: GroupKind,
    #[case] says: &str,
) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    gangway.simulator().add_group(&GroupSeed::new("Sales", kind)).unwrap();
    let before = gangway.simulator().groups();
    gangway.changes();
    let refused = gangway.scim().post("/Groups", &group("Sales", &texts(&people))).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert!(refused.detail().to_lowercase().contains(&says.to_lowercase()), "{}", refused.text);
    assert_eq!(gangway.changes(), Vec::<Value>::new());
    assert_eq!(gangway.simulator().groups(), before);
    let listed = gangway.scim().get("/Groups").await.expect(200);
    assert_eq!(listed.body["totalResults"], 0);
    let failures: Vec<Value> =
        gangway.events().await.into_iter().filter(|event| event["success"] == false).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert_eq!(failures[0]["event_type"], "group_create_provision");
}

#[rstest]
#[case::microsoft_365(GroupKind::MailEnabledSecurity, "mail")]
#[case::dynamic(GroupKind::Dynamic, "dynamic")]
#[case::on_premises(GroupKind::OnPremises, "on-premises")]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_has_become_of_another_kind_is_not_changed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] kind: GroupKind,
    #[case] says: &str,
) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &[&people[0]]).await;
    let there = gangway.graph_group("Sales");
    let changed = GroupSeed { id: Some(there.id), ..GroupSeed::new("Sales", kind) };
    gangway.simulator().add_group(&changed).unwrap();
    let before = gangway.simulator().groups();
    let scim = gangway.scim();
    for refused in [
        scim.patch(&path, &add_members(&[&people[1]])).await,
        scim.patch(&path, &replace("displayName", "Sales EU")).await,
        scim.delete(&path).await,
    ] {
        assert!((400..500).contains(&refused.status), "{}", refused.text);
        assert!(refused.detail().to_lowercase().contains(&says.to_lowercase()), "{}", refused.text);
        assert_eq!(gangway.simulator().groups(), before);
    }
    assert_eq!(scim.get(&path).await.expect(200).body["displayName"], "Sales");
    assert_eq!(gangway.members(&path).await.into_iter().collect::<Vec<_>>(), [people[0].clone()]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_security_group_of_the_name_is_taken_over_and_left_when_it_is_given_up(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let already = gangway.account("p1.berg").id;
    let seed = GroupSeed::new("Sales", GroupKind::Security).with("description", json!("by hand"));
    let there = gangway.simulator().add_group(&seed.with_members([already])).unwrap();
    let path = gangway.a_group("Sales", &[&people[0]]).await;
    let taken = gangway.graph_group("Sales");
    assert_eq!(taken.id, there.id);
    assert!(taken.members.contains(&already), "who is a member by another's hand stays: {taken:?}");
    assert_eq!(taken.members.len(), 2);
    gangway.scim().patch(&path, &replace("displayName", "Sales EU")).await.expect(204);
    assert_eq!(gangway.graph_group("Sales EU").id, there.id);

    gangway.scim().delete(&path).await.expect(204);
    gangway.quiet().await;
    let left = gangway.graph_group("Sales EU");
    assert_eq!((left.id, left.members), (there.id, vec![already]), "only whom Gangway put in are taken out");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_groups_of_one_name_are_two(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let scim = gangway.scim();
    let sales = |external: &str, member: &str| {
        let mut body = group("Sales", &[member]);
        body["externalId"] = json!(external);
        body
    };
    let first = scim.post("/Groups", &sales("gext-1", &people[0])).await.expect(201).path();
    let second = scim.post("/Groups", &sales("gext-2", &people[1])).await.expect(201).path();
    let again = scim.post("/Groups", &sales("gext-1", &people[1])).await.expect(409);
    assert_eq!(again.body["scimType"], "uniqueness");
    let groups = gangway.simulator().groups();
    assert_eq!(groups.len(), 2, "{groups:?}");
    assert_ne!(groups[0].mail_nickname, groups[1].mail_nickname);
    assert_ne!(groups[0].members, groups[1].members);
    gangway.scim().delete(&first).await.expect(204);
    gangway.quiet().await;
    gangway.has_members(&second, &[&people[1]]).await;
}
