//! A group of more members than an answer is read at once.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, answer, gangway, group, members, on, user};

/// More than are read at once.
const MANY: usize = 1_003;

async fn many_users(gangway: &Gangway) -> Vec<String> {
    // Nothing of this is about Microsoft 365.
    gangway.simulator().add_fault(on("*", "/*", answer(429, "TooManyRequests", Some(600))));
    let client = gangway.scim().with("prefer", "respond-async");
    let numbers: Vec<usize> = (0..MANY).collect();
    for numbers in numbers.chunks(1_000) {
        let post = |n: &usize| {
            let data = user(&format!("p{n}"));
            json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": data})
        };
        let operations: Vec<Value> = numbers.iter().map(post).collect();
        client.post("/Bulk", &json!({ "Operations": operations })).await.expect(200);
    }
    let mut ids = Vec::new();
    for start in [1, 1_001] {
        let page =
            client.get(&format!("/Users?count=1000&attributes=id&startIndex={start}")).await.expect(200);
        let resources = page.body["Resources"].as_array().unwrap();
        ids.extend(resources.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
    }
    assert_eq!(ids.len(), MANY);
    ids.sort_unstable();
    ids
}

fn values(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().unwrap();
    members.iter().map(|member| member["value"].as_str().unwrap()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_group_is_answered_whole_and_sent_as_it_is_read(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let ids = many_users(&gangway).await;
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let scim = gangway.scim().with("prefer", "respond-async");
    let created = scim.post("/Groups", &group("All", &all)).await.expect(202);
    assert_eq!(values(&created.body), all);
    let path = created.path();
    let small = scim.post("/Groups", &group("Some", &all[..2])).await.expect(202);
    let read = scim.get(&path).await.expect(200);
    assert_eq!(values(&read.body), all);
    assert_eq!((read.header("content-length"), read.header("transfer-encoding")), ("", "chunked"));
    assert_eq!(read.header("content-type"), "application/scim+json");
    let short = scim.get(&small.path()).await.expect(200);
    assert_eq!(short.header("content-length"), short.text.len().to_string());
    let without = scim.get(&format!("{path}?excludedAttributes=members")).await.expect(200);
    assert_eq!(without.body.get("members"), None);
    assert_eq!(without.header("content-length"), without.text.len().to_string());

    let listed = scim.get("/Groups").await.expect(200);
    let resources = listed.body["Resources"].as_array().unwrap();
    assert_eq!((values(&resources[0]), values(&resources[1])), (all.clone(), all[..2].to_vec()));
    let search = format!("/Groups?filter=members.value eq \"{}\"&attributes=members.value", all[5]);
    let found = scim.get(&search);
    let found = found.await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
    assert_eq!(values(&found.body["Resources"][0]), all);

    let patched = scim.patch(&path, &members("remove", &all[1..])).await.expect(202);
    assert_eq!(patched.text, "");
    assert_eq!(values(&scim.get(&path).await.expect(200).body), all[..1]);
}
