//! Bad input about groups and their members.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{World, a_settled_group, refused};
use crate::support::{Backend, add_members, gangway, group, patch, replace};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn members_that_do_not_exist_are_named_and_nothing_is_applied(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    let ann = gangway.scim().get(&path).await.expect(200).body["members"][0]["value"].clone();
    let ann = ann.as_str().unwrap();
    let gone = gangway.scim().post("/Groups", &group("Gone", &[])).await.expect(201);
    gangway.scim().delete(&gone.path()).await.expect(204);
    gangway.quiet().await;
    let before = World::of(&gangway).await;
    let (nobody, gone) = (Uuid::from_u128(7).to_string(), gone.id());
    let with = |op: &str, ids: &[&str]| {
        let list: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
        patch([
            json!({"op": "replace", "path": "displayName", "value": "Changed"}),
            json!({"op": op, "path": "members", "value": list}),
        ])
    };
    for id in [nobody.as_str(), gone.as_str(), "does-not-exist", "😀", "00000000-0000-0000-0000-00000000000G"]
    {
        let requests = [
            (Method::POST, "/Groups", group("Other", &[ann, id])),
            (Method::PUT, path.as_str(), group("Changed", &[ann, id])),
            (Method::PATCH, path.as_str(), with("add", &[ann, id])),
            (Method::PATCH, path.as_str(), with("replace", &[id])),
            (
                Method::PATCH,
                path.as_str(),
                patch([
                    json!({"op": "add", "path": format!("members[value eq \"{id}\"]"), "value": {"type": "User"}}),
                ]),
            ),
        ];
        for (method, path, body) in requests {
            let answer = gangway.scim().send(method.clone(), path, Some(&body)).await;
            refused(&answer, 400, Some("invalidValue"), id, &format!("{method} {body}"));
        }
    }
    assert_eq!(World::of(&gangway).await, before);
    // To be rid of somebody who is not there is no mistake.
    for id in [nobody.as_str(), "does-not-exist"] {
        let absent = patch([json!({"op": "remove", "path": "members", "value": [{"value": id}]})]);
        gangway.scim().patch(&path, &absent).await.expect(204);
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_in_itself_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    let id = path.rsplit('/').next().unwrap();
    let before = World::of(&gangway).await;
    for answer in [
        gangway.scim().patch(&path, &add_members(&[id])).await,
        gangway.scim().put(&path, &group("Sales", &[id])).await,
        gangway.scim().patch(&path, &replace("members", json!([{"value": id}]))).await,
    ] {
        refused(&answer, 400, Some("invalidValue"), "itself", "a group in itself");
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn groups_that_cannot_be_are_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    let before = World::of(&gangway).await;
    let bodies = [
        (json!({}), "invalidValue", "displayName"),
        (json!({"displayName": ""}), "invalidValue", "displayName"),
        (json!({"displayName": null}), "invalidValue", "displayName"),
        (json!({"displayName": "a\u{0}b"}), "invalidValue", "displayName"),
        (json!({"displayName": "x", "DISPLAYNAME": "y"}), "invalidSyntax", "displayName"),
        (json!({"displayName": "x", "members": 42}), "invalidValue", "members"),
        (json!({"displayName": "x", "members": [{"value": ""}]}), "invalidValue", "members"),
        (json!({"displayName": "x", "members": [{"value": "x".repeat(10_000)}]}), "invalidValue", "members"),
        (json!({"displayName": "x", "members": [{"display": "Ann"}]}), "invalidValue", "members"),
        (json!({"displayName": "x".repeat(2_000)}), "invalidValue", "displayName"),
    ];
    for (body, scim_type, says) in bodies {
        let label = body.to_string().chars().take(100).collect::<String>();
        for (method, path) in [(Method::POST, "/Groups"), (Method::PUT, path.as_str())] {
            let answer = gangway.scim().send(method, path, Some(&body)).await;
            refused(&answer, 400, Some(scim_type), says, &label);
        }
    }
    let paths = [
        ("members[value eq \"x\"", "invalidPath"),
        ("members[nothing eq \"x\"]", "noTarget"),
        ("members.nothing", "invalidPath"),
        ("members[value eq \"x\"].nothing", "invalidPath"),
        ("id", "mutability"),
        ("meta.created", "mutability"),
        ("urn:ietf:params:scim:schemas:extension:gangway:2.0:Group:groupId", "mutability"),
    ];
    for (place, scim_type) in paths {
        let answer = gangway.scim().patch(&path, &replace(place, "x")).await;
        refused(&answer, 400, Some(scim_type), "", place);
    }
    let answer = gangway.scim().patch(&path, &patch([json!({"op": "remove", "path": "displayName"})])).await;
    refused(&answer, 400, Some("mutability"), "displayName", "a required attribute");
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn deep_long_and_many_part_paths_and_operations_are_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    let before = World::of(&gangway).await;
    let nested = |depth: usize| format!("{}value pr{}", "(".repeat(depth), ")".repeat(depth));
    let many = vec!["value eq \"x\""; 2_000].join(" or ");
    for filter in [nested(5_000), many, "not (".repeat(4_000)] {
        let place = format!("members[{filter}]");
        let answer = gangway.scim().patch(&path, &patch([json!({"op": "remove", "path": place})])).await;
        refused(&answer, 400, Some("invalidPath"), "", &place[..40]);
        let encoded: String = url::form_urlencoded::byte_serialize(place.as_bytes()).collect();
        if encoded.len() < 16_000 {
            let answer = gangway.scim().get(&format!("/Groups?filter={encoded}")).await;
            refused(&answer, 400, Some("invalidFilter"), "", &place[..40]);
        }
        let answer = gangway.scim().post("/Groups/.search", &json!({ "filter": place })).await;
        refused(&answer, 400, Some("invalidFilter"), "", &place[..40]);
    }
    let one = json!({"op": "remove", "path": "members", "value": [{"value": Uuid::nil()}]});
    let answer = gangway.scim().patch(&path, &patch(std::iter::repeat_n(one.clone(), 10_000))).await;
    refused(&answer, 400, None.or(answer.body["scimType"].as_str()), "1000", "10,000 operations");
    assert_eq!(World::of(&gangway).await, before);
    gangway.scim().patch(&path, &patch(std::iter::repeat_n(one, 1_000))).await.expect(204);
    assert_eq!(World::of(&gangway).await, before);
}
