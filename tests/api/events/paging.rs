//! `search_after`: every event exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gangway::clock::Clock;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Answer, Backend, Gangway, gangway, replace, user};

/// 2026-01-31T08:00:00.120Z
const THEN: i64 = 1_769_846_400_120;

/// A server in which all events have the same time.
async fn standing(backend: Backend) -> Option<Gangway> {
    let mut gangway = Gangway::prepare(backend, |_| {}).await?;
    gangway.set_clock(Clock::fixed(THEN));
    gangway.start().await;
    Some(gangway)
}

fn ids(page: &Answer) -> Vec<String> {
    let events = page.body.as_array().expect("a list of events");
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn pages_meet_every_event_once_also_among_equal_times(
    #[case] backend: Backend,
    #[values("ASC", "desc")] sort: &str,
) {
    let Some(gangway) = standing(backend).await else {
        return;
    };
    let scim = gangway.scim();
    for n in 0..5 {
        let created = scim.post("/Users", &user(&format!("new.hire{n}"))).await.expect(201);
        scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    }
    let mut all: Vec<String> =
        gangway.events().await.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all.len(), 10);
    if sort == "desc" {
        all.reverse();
    }

    let mut met = Vec::new();
    let mut query = json!({"service": ["all"], "start_time": "2026-01-01", "limit": 3, "sort": sort});
    for expected in [3, 3, 3, 1, 0] {
        let page = gangway.query(&query).await.expect(200);
        assert_eq!(page.header("x-result-count"), expected.to_string());
        assert_eq!(page.header("x-limit"), "3");
        assert_eq!(page.header("x-sort"), sort.to_uppercase());
        assert!(!page.header("x-request-id").is_empty());
        let after: Value = serde_json::from_str(page.header("x-search_after")).unwrap();
        let found = ids(&page);
        assert_eq!(found.len(), expected);
        if let Some(last) = found.last() {
            assert_eq!(after, json!([THEN, last]));
        }
        met.extend(found);
        // As a number at first, then as text, as collectors keep it.
        query["search_after"] = match met.len() {
            3 => after,
            _ => json!([after[0].to_string(), after[1]]),
        };
    }
    assert_eq!(met, all);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_follows_meets_every_event_once_while_they_are_written(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut pushes = JoinSet::new();
    for worker in 0..8 {
        let scim = gangway.scim();
        pushes.spawn(async move {
            for n in 0..6 {
                let created = scim.post("/Users", &user(&format!("new.hire{worker}-{n}"))).await.expect(201);
                scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
            }
        });
    }
    let done = Arc::new(AtomicBool::new(false));
    let finish = Arc::clone(&done);
    let writers = tokio::spawn(async move {
        pushes.join_all().await;
        finish.store(true, Ordering::SeqCst);
    });

    let mut met = Vec::new();
    let mut query = json!({"service": ["directory"], "start_time": "2020-01-01", "limit": 50});
    loop {
        let last_look = done.load(Ordering::SeqCst);
        let page = gangway.query(&query).await.expect(200);
        let found = ids(&page);
        let seen_all = found.is_empty() && last_look;
        met.extend(found);
        query["search_after"] = serde_json::from_str(page.header("x-search_after")).unwrap();
        if seen_all {
            break;
        }
    }
    writers.await.unwrap();
    gangway.quiet().await;
    let all: Vec<String> =
        gangway.events().await.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    let missed: Vec<_> = all.iter().filter(|id| !met.contains(id)).collect();
    assert!(missed.is_empty(), "{} of {} events were passed over", missed.len(), all.len());
    met.sort();
    let count = met.len();
    met.dedup();
    assert_eq!(count, met.len(), "an event was met twice");
}
