//! Many pushes for one group at once lose nothing.

use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;

use super::texts;
use crate::support::{Backend, add_members, gangway, patch, remove_member, replace};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_member_changes_lose_nobody(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(48).await;
    let (old, new) = people.split_at(24);
    let path = gangway.a_group("Sales", &texts(old)).await;
    let scim = gangway.scim().with("prefer", "respond-async");
    let mut pushes = JoinSet::new();
    for (out, into) in old.iter().zip(new) {
        for change in [remove_member(out), add_members(&[into])] {
            let (scim, path) = (scim.clone(), path.clone());
            pushes.spawn(async move {
                let answer = scim.patch(&path, &change).await;
                assert!([202, 204].contains(&answer.status), "{}", answer.text);
            });
        }
    }
    pushes.join_all().await;
    assert_eq!(gangway.group_settled(&path).await, "synced");
    gangway.quiet().await;
    gangway.has_members(&path, &texts(new)).await;
    let read = gangway.scim().get(&format!("{path}?excludedAttributes=members")).await.expect(200);
    assert_eq!(read.body["meta"]["version"], "W/\"49\"");
    let told = gangway.told(path.rsplit('/').next().unwrap()).await;
    assert!(told.iter().all(|event| !event.starts_with('!')), "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_pushes_that_wait_for_microsoft_lose_nobody_either(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(12).await;
    let path = gangway.a_group("Sales", &[]).await;
    let scim = gangway.scim();
    let mut pushes = JoinSet::new();
    for (n, person) in people.iter().enumerate() {
        let (scim, path) = (scim.clone(), path.clone());
        let change = if n % 4 == 0 {
            patch([
                json!({"op": "replace", "path": "externalId", "value": format!("gext-{n}")}),
                json!({"op": "add", "path": "members", "value": [{"value": person}]}),
            ])
        } else {
            add_members(&[person])
        };
        pushes.spawn(async move { scim.patch(&path, &change).await.expect(204) });
    }
    pushes.join_all().await;
    assert_eq!(gangway.group_settled(&path).await, "synced");
    gangway.has_members(&path, &texts(&people)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_that_saw_one_version_one_is_taken(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &[]).await;
    let scim = gangway.scim().with("if-match", "W/\"1\"");
    let (first, second) =
        tokio::join!(async { scim.patch(&path, &add_members(&[&people[0]])).await }, async {
            scim.patch(&path, &add_members(&[&people[1]])).await
        },);
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 412], "{} {}", first.text, second.text);
    assert_eq!(gangway.members(&path).await.len(), 1);
    gangway.scim().with("if-none-match", "W/\"2\"").get(&path).await.expect(304);
    scim.delete(&path).await.expect(412);
    scim.put(&path, &json!({"displayName": "Other"})).await.expect(412);
    gangway
        .scim()
        .with("if-match", "W/\"2\"")
        .patch(&path, &replace("displayName", "Other"))
        .await
        .expect(204);
}
