//! Calls that wait together go together.

use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Backend, eventually, gangway_with, hold, user};

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_gathered_in_batches_of_at_most_twenty() {
    let gangway = gangway_with(Backend::Sqlite, |config| config.worker.concurrency = 64).await.unwrap();
    let scim = gangway.scim().with("prefer", "respond-async");
    // The first ones hold the places, so that the others wait together.
    gangway.simulator().add_fault(hold("POST", "/users"));
    let mut pushes = JoinSet::new();
    for n in 0..100 {
        let scim = scim.clone();
        pushes.spawn(async move { scim.post("/Users", &user(&format!("p{n}.berg"))).await });
    }
    for answer in pushes.join_all().await {
        assert!(answer.status < 300, "{}", answer.text);
    }
    gangway.simulator().held(8).await;
    gangway.simulator().clear_faults();
    gangway.simulator().release();
    eventually("all are there", async || (gangway.simulator().users().len() >= 100).then_some(())).await;
    gangway.quiet().await;
    let exchanges = gangway.simulator().exchanges();
    let batches: Vec<&Value> = exchanges
        .iter()
        .map(AsRef::as_ref)
        .filter(|one| one["path"].as_str().is_some_and(|path| path.ends_with("/$batch")))
        .collect();
    assert!(!batches.is_empty(), "no batch among {} requests", exchanges.len());
    let mut items = 0;
    for batch in &batches {
        let requests = batch["body"]["requests"].as_array().expect("requests");
        assert!((2..=20).contains(&requests.len()), "{batch}");
        items += requests.len();
        let mut urls: Vec<&str> = requests.iter().filter_map(|one| one["url"].as_str()).collect();
        let all = urls.len();
        urls.retain(|url| url.contains("/users/"));
        urls.sort_unstable();
        urls.dedup();
        assert!(all >= urls.len(), "{batch}");
        for request in requests {
            assert!(!request.to_string().contains("Bearer"), "{batch}");
        }
    }
    assert!(items >= 40, "{items} of 100 were gathered");
    let paths: Vec<Value> = gangway.scim().get("/Users?count=200").await.expect(200).body["Resources"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    assert_eq!(paths.len(), 100);
}
