//! A group is made, changed and deleted, and each act is told once.

use gangway::simulator::{Action, FaultRule, GroupKind, When};
use rstest::rstest;
use serde_json::{Value, json};

use super::texts;
use crate::support::{
    Backend, GANGWAY_GROUP, add_members, answer, gangway, group, on, patch, remove_member, replace,
};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_with_its_members_at_once(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(3).await;
    gangway.changes();
    let mut body = group("Sales", &texts(&people));
    body["externalId"] = json!("gext-1");
    body[GANGWAY_GROUP] = json!({"description": "Those who sell"});
    let created = gangway.scim().post("/Groups", &body).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    assert!(created.header("location").ends_with(&created.path()), "{}", created.header("location"));
    assert_eq!(created.header("etag"), created.body["meta"]["version"]);

    let made = gangway.graph_group("Sales");
    assert_eq!((made.description.as_deref(), made.kind), (Some("Those who sell"), GroupKind::Security));
    let nickname = &made.mail_nickname;
    assert!(nickname.starts_with("sales") && nickname.len() > 6 && nickname.is_ascii(), "{nickname}");
    gangway.has_members(&created.path(), &texts(&people)).await;
    let calls = gangway.changes();
    assert_eq!(calls.len(), 1, "the members came with the group: {calls:?}");
    assert_eq!(calls[0][0], "POST /groups");
    assert_eq!(calls[0][1]["members@odata.bind"].as_array().unwrap().len(), 3);
    assert_eq!(gangway.told(&created.id()).await, ["group_create_provision"]);
    let event = gangway.events().await.pop().unwrap();
    assert_eq!(event["resource"]["type"], "group");
    assert_eq!(event["target_resource"], json!({"type": "group", "id": made.id}));
    let read = gangway.scim().get(&created.path()).await.expect(200);
    assert_eq!((&read.body["displayName"], &read.body["externalId"]), (&json!("Sales"), &json!("gext-1")));
    assert_eq!(read.body["meta"]["resourceType"], "Group");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn more_than_twenty_members_come_in_twenties(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(45).await;
    gangway.changes();
    let path = gangway.a_group("Sales", &texts(&people)).await;
    let sizes: Vec<(String, usize)> = gangway
        .changes()
        .iter()
        .map(|call| {
            let bound = call[1]["members@odata.bind"].as_array().map_or(0, Vec::len);
            (call[0].as_str().unwrap().to_owned(), bound)
        })
        .collect();
    let patched = || "PATCH /groups/{id}".to_owned();
    assert_eq!(sizes, [("POST /groups".to_owned(), 20), (patched(), 20), (patched(), 5)]);
    gangway.has_members(&path, &texts(&people)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_lot_that_graph_refuses_is_added_one_by_one(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(4).await;
    let path = gangway.a_group("Sales", &[]).await;
    gangway.changes();
    // What Graph says of the whole lot when one of it is a member already, and then of that one.
    let there = Action::Answer {
        status: 400,
        code: "Request_BadRequest".to_owned(),
        message: "One or more added object references already exist for the following modified properties: 'members'."
            .to_owned(),
        retry_after: None,
    };
    let first =
        |method: &str, path: &str| FaultRule { when: When::First(1), ..on(method, path, there.clone()) };
    gangway.simulator().add_fault(first("PATCH", "/groups/*"));
    let scim = gangway.scim();
    scim.patch(&path, &add_members(&texts(&people))).await.expect(204);
    let calls: Vec<Value> = gangway.changes().iter().map(|call| call[0].clone()).collect();
    let mut expected = vec![json!("PATCH /groups/{id}")];
    expected.extend(std::iter::repeat_n(json!("POST /groups/{id}/members/$ref"), 4));
    assert_eq!(calls, expected);
    assert_eq!(gangway.group_settled(&path).await, "synced");
    gangway.has_members(&path, &texts(&people)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_taken_out_by_reference_and_stays_a_user(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &texts(&people)).await;
    gangway.changes();
    gangway.scim().patch(&path, &remove_member(&people[0])).await.expect(204);
    assert_eq!(gangway.changes(), [json!(["DELETE /groups/{id}/members/{id}/$ref", null])]);
    gangway.has_members(&path, &[&people[1]]).await;
    assert_eq!(gangway.account("p0.berg").deleted, None);
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(gangway.told(id).await, ["group_create_provision", "group_update_provision"]);
    let event = gangway.events().await.pop().unwrap();
    assert!(event["changes"].to_string().contains(&people[0]), "{event}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_graph_does_not_have_any_more_is_gone(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &texts(&people)).await;
    let missing = answer(404, "Request_ResourceNotFound", None);
    gangway.simulator().add_fault(on("DELETE", "/groups/*/$ref", missing));
    gangway.scim().patch(&path, &remove_member(&people[0])).await.expect(204);
    assert_eq!(gangway.group_settled(&path).await, "synced");
    let members: Vec<String> = gangway.members(&path).await.into_iter().collect();
    assert_eq!(members, [people[1].clone()]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_and_description_are_one_call(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    let path = gangway.a_group("Sales", &texts(&people)).await;
    let description = format!("{GANGWAY_GROUP}:description");
    gangway.changes();
    let change = patch([
        json!({"op": "replace", "path": "displayName", "value": "Sales EU"}),
        json!({"op": "add", "path": description, "value": "Those who sell"}),
    ]);
    gangway.scim().patch(&path, &change).await.expect(204);
    let both = json!({"displayName": "Sales EU", "description": "Those who sell"});
    assert_eq!(gangway.changes(), [json!(["PATCH /groups/{id}", both])]);
    gangway.scim().patch(&path, &patch([json!({"op": "remove", "path": description})])).await.expect(204);
    assert_eq!(gangway.changes(), [json!(["PATCH /groups/{id}", {"description": null}])]);
    gangway.has_members(&path, &texts(&people)).await;
    let id = path.rsplit('/').next().unwrap();
    let updates = ["group_create_provision", "group_update_provision", "group_update_provision"];
    assert_eq!(gangway.told(id).await, updates);
    let events = gangway.events().await;
    let changed = events.iter().rev().nth(1).unwrap()["changes"].clone();
    let renamed = json!({"field": "displayName", "from": "Sales", "to": "Sales EU"});
    assert!(changed.as_array().unwrap().contains(&renamed), "{changed}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_is_gone_here_and_there(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(1).await;
    let path = gangway.a_group("Sales", &texts(&people)).await;
    gangway.changes();
    gangway.scim().delete(&path).await.expect(204);
    assert_eq!(gangway.changes(), [json!(["DELETE /groups/{id}", null])]);
    assert_eq!(gangway.simulator().groups(), []);
    for method in ["GET", "PUT", "PATCH", "DELETE"] {
        let body = match method {
            "PUT" => Some(group("Sales", &[])),
            "PATCH" => Some(replace("displayName", "Sales")),
            _ => None,
        };
        let answer = gangway.scim().send(method.parse().unwrap(), &path, body.as_ref()).await;
        answer.expect(404).detail();
    }
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(gangway.told(id).await, ["group_create_provision", "group_delete_provision"]);
    assert_eq!(gangway.account("p0.berg").get("accountEnabled"), true);
    gangway.a_group("Sales", &texts(&people)).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_costs_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let path = gangway.a_group("Sales", &[&people[0]]).await;
    let scim = gangway.scim();
    let before = scim.get(&path).await.expect(200);
    let events = gangway.events().await;
    gangway.simulator().clear_counts();
    for nothing in [
        add_members(&[&people[0]]),
        remove_member(&people[1]),
        replace("displayName", "Sales"),
        replace("members", json!([{"value": people[0]}])),
        patch([json!({"op": "remove", "path": "members", "value": [{"value": people[1]}]})]),
        patch([
            json!({"op": "add", "path": "members", "value": [{"value": people[1]}]}),
            json!({"op": "remove", "path": "members", "value": [{"value": people[1]}]}),
        ]),
    ] {
        scim.patch(&path, &nothing).await.expect(204);
        let after = scim.get(&path).await.expect(200);
        assert_eq!(after.body, before.body, "{nothing}");
    }
    gangway.quiet().await;
    assert_eq!(gangway.simulator().counts(), std::collections::BTreeMap::new());
    assert_eq!(gangway.events().await, events);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn more_members_than_one_run_takes_out_go_all_the_same(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(120).await;
    let path = gangway.a_group("Sales", &texts(&people)).await;
    gangway.scim().patch(&path, &patch([json!({"op": "remove", "path": "members"})])).await.expect(204);
    assert_eq!(gangway.group_settled(&path).await, "synced");
    assert!(gangway.graph_group("Sales").members.is_empty());

    gangway.scim().patch(&path, &add_members(&texts(&people))).await.expect(204);
    assert_eq!(gangway.group_settled(&path).await, "synced");
    gangway.has_members(&path, &texts(&people)).await;
    gangway.scim().delete(&path).await.expect(204);
    gangway.quiet().await;
    assert_eq!(gangway.simulator().groups(), []);
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(gangway.told(id).await.last().map(String::as_str), Some("group_delete_provision"));
}
