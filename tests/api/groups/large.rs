//! A group with more members than fit one read: streamed whole, cheap without them.

use gangway::settings::Unmatched;
use rstest::rstest;
use serde_json::{Value, json};

use super::texts;
use crate::support::{Backend, Gangway, add_members, gangway_with, group, patch, remove_member};

const MEMBERS: usize = 2_300;

/// Users whose domain nobody has: they are kept, and Microsoft 365 is not called.
async fn strangers(gangway: &Gangway, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for first in (0..count).step_by(500) {
        let operations: Vec<Value> = (first..count.min(first + 500))
            .map(|n| {
                let user =
                    json!({"userName": format!("u{n}@nowhere.example"), "displayName": format!("U {n}")});
                json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": user})
            })
            .collect();
        let done = gangway.scim().post("/Bulk", &json!({ "Operations": operations })).await.expect(200);
        for one in done.body["Operations"].as_array().unwrap() {
            assert_eq!(one["status"], "201", "{one}");
            ids.push(one["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
        }
    }
    ids
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_group_is_read_whole_and_changed_by_one(#[case] backend: Backend) {
    let prepared =
        gangway_with(backend, |config| config.defaults.routing.unmatched = Some(Unmatched::Unbound)).await;
    let Some(gangway) = prepared else {
        return;
    };
    let people = strangers(&gangway, MEMBERS).await;
    let path = gangway.scim().post("/Groups", &group("All", &texts(&people))).await.expect(201).path();
    let scim = gangway.scim();
    assert_eq!(gangway.members(&path).await.len(), MEMBERS);
    let read = scim.get(&path).await.expect(200);
    assert_eq!(read.header("content-length"), "", "it is streamed");
    assert_eq!(read.header("transfer-encoding"), "chunked");
    assert!(read.body["members"].as_array().unwrap().iter().all(|member| member["type"] == "User"));

    let listed = scim.get("/Groups?filter=displayName eq \"All\"").await.expect(200);
    assert_eq!(listed.body["Resources"][0]["members"].as_array().unwrap().len(), MEMBERS);
    let found = scim.get(&format!("/Groups?filter=members.value eq \"{}\"", people[MEMBERS - 1])).await;
    assert_eq!(found.expect(200).body["totalResults"], 1);
    let without = scim.get(&format!("{path}?excludedAttributes=members")).await.expect(200);
    assert!(without.text.len() < 2_000);

    scim.patch(&path, &remove_member(&people[7])).await.expect(204);
    assert_eq!(gangway.members(&path).await.len(), MEMBERS - 1);
    scim.patch(&path, &add_members(&[&people[7]])).await.expect(204);
    scim.patch(&path, &patch([json!({"op": "remove", "path": "members[display sw \"u 1\"]"})]))
        .await
        .expect(204);
    let left = gangway.members(&path).await.len();
    assert_eq!(left, MEMBERS - (1 + 10 + 100 + 1_000), "U 1, U 10 to 19, U 100 to 199, U 1000 to 1999");
    let few = json!([{"value": people[0]}, {"value": people[1]}]);
    let change = patch([json!({"op": "replace", "path": "members", "value": few})]);
    scim.patch(&path, &change).await.expect(204);
    assert_eq!(gangway.members(&path).await, people[..2].iter().cloned().collect());
    scim.delete(&path).await.expect(204);
}
