//! `/metrics`. One recorder serves all servers of a process, so the tests look for what grows, not for whole numbers.

use std::collections::BTreeMap;

use rstest::rstest;

use crate::support::{Backend, Gangway, eventually, gangway, hold, replace, user};

/// Every sample by its name and labels, as it is written.
async fn samples(gangway: &Gangway) -> BTreeMap<String, f64> {
    let answer = gangway.http().without("authorization").get("/metrics").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"), "{:?}", answer.headers);
    let lines = answer.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

/// The sum of the samples of this name that have all of these labels.
fn sum(samples: &BTreeMap<String, f64>, name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let of_it = samples.iter().filter(|(sample, _)| {
        sample.split('{').next() == Some(name) && wanted.iter().all(|label| sample.contains(label))
    });
    of_it.map(|(_, value)| value).sum()
}

/// The names of a sample's labels.
fn labels_of(samples: &BTreeMap<String, f64>, name: &str) -> Vec<String> {
    let (sample, _) = samples
        .iter()
        .find(|(sample, _)| sample.split('{').next() == Some(name))
        .unwrap_or_else(|| panic!("there is no {name} among {:?}", samples.keys()));
    let inside = sample.split_once('{').map_or("", |(_, rest)| rest.trim_end_matches('}'));
    let mut labels: Vec<String> =
        inside.split("\",").map(|label| label.split('=').next().unwrap().to_owned()).collect();
    labels.sort();
    labels
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_and_timed_by_route_and_status(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let before = samples(&gangway).await;
    let path = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201).path();
    gangway.scim().post("/Users", &user("ann.berg")).await.expect(409);
    gangway.scim().get(&path).await.expect(200);
    gangway.scim().get(&path).await.expect(200);
    gangway.http().get("/no/where/at/all").await.expect(404);
    let after = samples(&gangway).await;
    assert_eq!(labels_of(&after, "gangway_http_requests_total"), ["method", "route", "status"]);
    for (labels, least) in [
        ([("method", "POST"), ("route", "/scim/v2/Users"), ("status", "201")], 1.0),
        ([("method", "POST"), ("route", "/scim/v2/Users"), ("status", "409")], 1.0),
        ([("method", "GET"), ("route", "/scim/v2/Users/{id}"), ("status", "200")], 2.0),
        ([("method", "GET"), ("route", "none"), ("status", "404")], 1.0),
    ] {
        let grown = sum(&after, "gangway_http_requests_total", &labels)
            - sum(&before, "gangway_http_requests_total", &labels);
        assert!(grown >= least, "{labels:?} grew by {grown}");
    }
    let timed = [("method", "GET"), ("route", "/scim/v2/Users/{id}")];
    let count = |samples| sum(samples, "gangway_http_request_seconds_count", &timed);
    assert!(count(&after) - count(&before) >= 2.0);
    assert!(sum(&after, "gangway_http_request_seconds_sum", &timed) > 0.0);
    let mut last = 0.0;
    for bound in ["0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10", "+Inf"] {
        let bucket = sum(&after, "gangway_http_request_seconds_bucket", &[timed[0], timed[1], ("le", bound)]);
        assert!(bucket >= last, "the bucket up to {bound} holds {bucket}, fewer than a smaller one");
        last = bucket;
    }
    assert!((last - count(&after)).abs() < f64::EPSILON, "{last} and {}", count(&after));
    let id = path.rsplit('/').next().unwrap();
    assert!(after.keys().all(|sample| !sample.contains(id)), "no label holds an id");
    assert!(after.keys().all(|sample| !sample.contains("where")), "no label holds what a stranger sent");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn calls_to_graph_are_counted_by_operation_and_status(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let before = samples(&gangway).await;
    let path = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201).path();
    gangway.scim().patch(&path, &replace("title", "Boss")).await.expect(200);
    let after = samples(&gangway).await;
    assert_eq!(labels_of(&after, "gangway_graph_calls_total"), ["operation", "status"]);
    for status in ["201", "204"] {
        let grown = sum(&after, "gangway_graph_calls_total", &[("status", status)])
            - sum(&before, "gangway_graph_calls_total", &[("status", status)]);
        assert!(grown >= 1.0, "calls answered {status} grew by {grown}");
    }
    let timed = |samples| sum(samples, "gangway_graph_call_seconds_count", &[]);
    assert!(timed(&after) - timed(&before) >= 3.0);
    assert!(
        after.keys().any(|sample| sample.starts_with("gangway_graph_call_seconds_bucket{")),
        "a histogram has buckets"
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_shown_by_lane_and_events_by_type(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let before = samples(&gangway).await;
    let path = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201).path();
    gangway.simulator().add_fault(hold("*", "*"));
    gangway.simulator().add_fault(hold("POST", "/users"));
    gangway.simulator().add_fault(hold("PATCH", "/users/*"));
    gangway.simulator().add_fault(hold("GET", "/directory/deletedItems/*"));
    let client = gangway.scim().with("prefer", "respond-async");
    for n in 0..3 {
        client.post("/Users", &user(&format!("p{n}"))).await.expect(202);
    }
    client.patch(&path, &replace("active", false)).await.expect(202);
    let waiting = async |lane, number| {
        eventually(&format!("{number} wait in the lane {lane}"), async || {
            let there = sum(&samples(&gangway).await, "gangway_dirty_resources", &[("lane", lane)]);
            ((there - f64::from(number)).abs() < f64::EPSILON).then_some(())
        })
        .await;
    };
    waiting("create", 3).await;
    waiting("security", 1).await;
    waiting("update", 0).await;
    waiting("background", 0).await;
    gangway.simulator().clear_faults();
    waiting("create", 0).await;
    waiting("security", 0).await;
    let after = samples(&gangway).await;
    assert_eq!(labels_of(&after, "gangway_dirty_resources"), ["lane"]);
    assert_eq!(labels_of(&after, "gangway_events_total"), ["success", "type"]);
    for (kind, least) in [("user_create_provision", 4.0), ("user_deprovision", 1.0)] {
        let labels = [("type", kind), ("success", "true")];
        let grown =
            sum(&after, "gangway_events_total", &labels) - sum(&before, "gangway_events_total", &labels);
        assert!(grown >= least, "{kind} grew by {grown}");
    }
}
