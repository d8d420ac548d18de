//! Graph calls for each kind of change, end to end: what `benches/graph` promises, without the times.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, gangway_with, members, replace, user};

/// Calls to Graph since the last look; what was in batches is counted one by one.
fn calls(gangway: &Gangway) -> u64 {
    let simulator = gangway.simulator();
    let counts = simulator.counts();
    simulator.clear_counts();
    let of_graph = counts
        .iter()
        .filter(|(operation, _)| !operation.contains("/oauth2/") && !operation.contains("$batch"));
    of_graph.map(|(_, count)| count).sum()
}

/// Makes a change and counts its calls.
async fn cost(gangway: &Gangway, method: Method, path: &str, body: &Value) -> (String, u64) {
    calls(gangway);
    let answer = gangway.scim().send(method, path, Some(body)).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text);
    let path = if answer.body["id"].is_string() { answer.path() } else { path.to_owned() };
    let status = if path.starts_with("/Groups") {
        gangway.group_settled(&path).await
    } else {
        gangway.settled(&path).await
    };
    assert_eq!(status, "synced", "{path}");
    (path, calls(gangway))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_costs_what_is_promised() {
    let gangway = gangway_with(Backend::Sqlite, |config| {
        config.defaults.usage_location = Some("SE".to_owned().try_into().unwrap());
        // Rounds in between would be counted too.
        config.defaults.drift.interval = std::time::Duration::from_hours(24);
    })
    .await
    .unwrap();
    let licensed = |local: &str| {
        let mut body = user(local);
        body["entitlements"] = json!([{"value": "O365_BUSINESS_PREMIUM"}]);
        body
    };
    // The first one also learns of the licences and of the deleted accounts.
    cost(&gangway, Method::POST, "/Users", &licensed("first.berg")).await;
    gangway.quiet().await;

    let (ann, calls) = cost(&gangway, Method::POST, "/Users", &user("ann.berg")).await;
    assert_eq!(calls, 1, "a create");
    let (_, calls) = cost(&gangway, Method::POST, "/Users", &licensed("bo.vik")).await;
    assert_eq!(calls, 2, "a create with a licence");
    let mut led = user("eva.lund");
    let manager = ann.trim_start_matches("/Users/");
    led[crate::support::ENTERPRISE] = json!({"manager": {"value": manager}});
    let (_, calls) = cost(&gangway, Method::POST, "/Users", &led).await;
    assert_eq!(calls, 2, "a create with a manager");
    let (_, calls) = cost(&gangway, Method::PUT, &ann, &user("ann.berg")).await;
    assert_eq!(calls, 0, "a PUT of what is there");
    let (_, calls) = cost(&gangway, Method::PATCH, &ann, &replace("title", "Buyer")).await;
    assert_eq!(calls, 1, "an update");
    let (_, calls) = cost(&gangway, Method::PATCH, &ann, &replace("password", "Gang-Way-77x")).await;
    assert_eq!(calls, 2, "a password");
    let (_, calls) = cost(&gangway, Method::PATCH, &ann, &replace("active", false)).await;
    assert_eq!(calls, 2, "a block");
    let (_, calls) = cost(&gangway, Method::PATCH, &ann, &replace("active", true)).await;
    assert_eq!(calls, 1, "an unblock");

    let people = gangway.people(20).await;
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let group = gangway.a_group("Twenty", &[]).await;
    gangway.quiet().await;
    let (_, calls) = cost(&gangway, Method::PATCH, &group, &members("add", &people)).await;
    assert_eq!(calls, 1, "twenty members");
}
