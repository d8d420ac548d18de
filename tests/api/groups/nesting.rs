//! Groups in groups, and `groups` of a user.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::{Value, json};

use super::texts;
use crate::support::{Backend, Gangway, add_members, gangway, patch, replace, user};

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// `groups` of a user: name and type.
async fn groups_of(gangway: &Gangway, user: &str) -> BTreeMap<String, String> {
    let user = gangway.scim().get(&format!("/Users/{user}")).await.expect(200);
    let groups = user.body["groups"].as_array().cloned().unwrap_or_default();
    let text = |group: &Value, name: &str| group[name].as_str().unwrap().to_owned();
    for group in &groups {
        let place = format!("{}/scim/v2/Groups/{}", gangway.url(), text(group, "value"));
        assert_eq!(group["$ref"], place);
    }
    groups.iter().map(|group| (text(group, "display"), text(group, "type"))).collect()
}

fn map(groups: &[(&str, &str)]) -> BTreeMap<String, String> {
    groups.iter().map(|&(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_its_groups_direct_and_indirect(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let team = gangway.a_group("Team", &[&people[0]]).await;
    let sales = gangway.a_group("Sales", &[id(&team), &people[1]]).await;
    let staff = gangway.a_group("Staff", &[id(&sales), &people[0]]).await;
    gangway.a_group("Other", &[]).await;
    let expected = map(&[("Team", "direct"), ("Sales", "indirect"), ("Staff", "direct")]);
    assert_eq!(groups_of(&gangway, &people[0]).await, expected);
    assert_eq!(groups_of(&gangway, &people[1]).await, map(&[("Sales", "direct"), ("Staff", "indirect")]));
    let inner: Vec<_> = gangway.graph_group("Team").id.to_string().chars().collect();
    assert!(
        gangway
            .graph_group("Sales")
            .members
            .iter()
            .any(|member| member.to_string().chars().eq(inner.clone()))
    );

    gangway.scim().patch(&sales, &replace("displayName", "Sales EU")).await.expect(204);
    gangway.scim().patch(&staff, &patch([json!({"op": "remove", "path": "members"})])).await.expect(204);
    assert_eq!(groups_of(&gangway, &people[0]).await, map(&[("Team", "direct"), ("Sales EU", "indirect")]));
    let listed =
        gangway.scim().get("/Users?attributes=groups&filter=groups.display eq \"Team\"").await.expect(200);
    assert_eq!(listed.body["totalResults"], 1, "{}", listed.text);
    assert_eq!(listed.body["Resources"][0]["groups"].as_array().unwrap().len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_groups_is_taken_and_breaks_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    let first = gangway.a_group("First", &texts(&people)).await;
    let second = gangway.a_group("Second", &[id(&first)]).await;
    let third = gangway.a_group("Third", &[id(&second)]).await;
    gangway.scim().patch(&first, &add_members(&[id(&third)])).await.expect(204);
    let expected = map(&[("First", "direct"), ("Second", "indirect"), ("Third", "indirect")]);
    assert_eq!(groups_of(&gangway, &people[0]).await, expected);
    for path in [&first, &second, &third] {
        gangway.scim().get(path).await.expect(200);
        assert_ne!(gangway.group_settled(path).await, "failed");
    }
    gangway.scim().delete(&second).await.expect(204);
    assert_eq!(groups_of(&gangway, &people[0]).await, map(&[("First", "direct")]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_a_user_are_the_servers_to_say(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let sales = gangway.a_group("Sales", &[]).await;
    let mut body = user("ann.berg");
    body["groups"] = json!([{"value": id(&sales)}]);
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(created.body.get("groups"), None);
    gangway.scim().put(&created.path(), &body).await.expect(200);
    let change = replace("groups", json!([{"value": id(&sales)}]));
    let refused = gangway.scim().patch(&created.path(), &change).await.expect(400);
    assert_eq!(refused.body["scimType"], "mutability");
    gangway.has_members(&sales, &[]).await;
}
