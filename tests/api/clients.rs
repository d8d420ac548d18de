//! The requests that clients send, replayed in their order, each client with its dialect.
//!
//! `fixtures/client-requests.json` holds them in the shapes that the clients are known to send, with what each must
//! get; the values are invented. `{{user1}}` stands for the id of the first user that the client knows, and so on.

mod entra;
mod okta;
mod others;
mod replay;

use std::collections::BTreeMap;

use gangway::scim::Dialect;
use serde::Deserialize;
use serde_json::Value;

const REQUESTS: &str = include_str!("fixtures/client-requests.json");

/// How many requests each client has. A test of this folder replays all of its own.
const COUNTS: [(&str, usize); 10] = [
    ("entra", 21),
    ("okta", 16),
    ("onelogin", 2),
    ("jumpcloud", 2),
    ("keycloak-mitodl", 3),
    ("authentik", 3),
    ("sailpoint", 5),
    ("pingone", 1),
    ("ms-scim-client", 3),
    ("any", 2),
];

#[derive(Deserialize)]
struct Recorded {
    client: String,
    name: String,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
    expect: BTreeMap<String, Value>,
    note: String,
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(REQUESTS).unwrap()
}

#[test]
fn every_request_belongs_to_a_client_that_is_replayed() {
    let all = recorded();
    let of = |client: &str| all.iter().filter(|request| request.client == client).count();
    for (client, count) in COUNTS {
        assert_eq!(of(client), count, "{client}");
    }
    assert_eq!(all.len(), COUNTS.iter().map(|(_, count)| count).sum::<usize>());
}

#[test]
fn the_documentation_has_every_rule_of_the_dialects() {
    let page = include_str!("../../docs/scim.md");
    for rule in Dialect::rules() {
        assert!(page.contains(rule.what) && page.contains(rule.why), "docs/scim.md lacks: {}", rule.what);
    }
}
