//! A user that is deleted leaves its groups.

use rstest::rstest;
use serde_json::json;

use super::texts;
use crate::support::{Backend, gangway, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_user_leaves_its_groups_here_and_there(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let sales = gangway.a_group("Sales", &texts(&people)).await;
    let staff = gangway.a_group("Staff", &[&people[0]]).await;
    let other = gangway.a_group("Other", &[&people[1]]).await;
    gangway.scim().delete(&format!("/Users/{}", people[0])).await.expect(204);
    gangway.quiet().await;
    gangway.has_members(&sales, &[&people[1]]).await;
    gangway.has_members(&staff, &[]).await;
    gangway.has_members(&other, &[&people[1]]).await;
    for (path, version) in [(&sales, "W/\"2\""), (&staff, "W/\"2\""), (&other, "W/\"1\"")] {
        let read = gangway.scim().get(path).await.expect(200);
        assert_eq!(read.body["meta"]["version"], version, "{}", read.text);
    }
    let found = format!("/Groups?filter=members.value eq \"{}\"", people[0]);
    assert_eq!(gangway.scim().get(&found).await.expect(200).body["totalResults"], 0);
    assert_eq!(gangway.account("p0.berg").get("accountEnabled"), false);
    assert_eq!(gangway.told(&people[0]).await, ["user_create_provision", "user_deprovision"]);

    // Back again, it is a new user, and in no group.
    let again = gangway.scim().post("/Users", &user("p0.berg")).await.expect(201);
    assert_eq!(again.body.get("groups"), None);
    gangway.quiet().await;
    gangway.has_members(&sales, &[&people[1]]).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_user_stays_in_its_groups(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    let sales = gangway.a_group("Sales", &texts(&people)).await;
    let path = format!("/Users/{}", people[0]);
    gangway.scim().patch(&path, &crate::support::replace("active", false)).await.expect(200);
    gangway.quiet().await;
    gangway.has_members(&sales, &texts(&people)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_is_in_no_user_and_no_group_any_more(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    let inner = gangway.a_group("Inner", &texts(&people)).await;
    let inner_id = inner.rsplit('/').next().unwrap().to_owned();
    let outer = gangway.a_group("Outer", &[&inner_id]).await;
    let path = format!("/Users/{}", people[0]);
    let before = gangway.scim().get(&path).await.expect(200);
    assert_eq!(before.body["groups"].as_array().map(Vec::len), Some(2), "{}", before.text);
    gangway.scim().delete(&inner).await.expect(204);
    gangway.quiet().await;
    let after = gangway.scim().get(&path).await.expect(200);
    assert_eq!(after.body.get("groups"), None);
    assert_eq!(gangway.scim().get(&outer).await.expect(200).body.get("members"), None);
    assert_eq!(gangway.graph_group("Outer").members.len(), 0);
    assert_eq!(after.body["meta"]["version"], json!("W/\"1\""), "who is in a group is no change of the user");
}
