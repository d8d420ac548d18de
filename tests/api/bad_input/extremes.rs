//! Input that is meant to break something: deep, long, many, and U+0000 in odd places. Never a 5xx.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_user, refused, send_text, writes};
use crate::support::{Backend, ENTERPRISE, GANGWAY, gangway, gangway_with, patch, replace, user};
use gangway::settings::Unmatched;

fn encoded(filter: &str) -> String {
    url::form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

/// A text of this many characters that does not compress well.
fn noise(length: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let alphabet: Vec<char> = ('a'..='z').chain('0'..='9').collect();
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = usize::try_from(state % alphabet.len() as u64).unwrap();
            alphabet[at]
        })
        .collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn json_of_any_depth_is_refused_or_ignored_but_breaks_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for depth in [200, 100_000] {
        let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let objects = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        for deep in [&lists, &objects] {
            for (method, path) in writes(&path) {
                let answer = send_text(&gangway.scim(), &method, path, deep).await;
                refused(&answer, 400, Some("invalidSyntax"), "not valid JSON", &format!("{method} {depth}"));
                let inside = format!("{{\"userName\": \"x@contoso.example\", \"odd\": {deep}}}");
                let answer = send_text(&gangway.scim(), &method, path, &inside).await;
                refused(&answer, 400, Some("invalidSyntax"), "not valid JSON", &format!("{method} {depth}"));
            }
        }
    }
    assert_eq!(World::of(&gangway).await, before);
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let body = format!("{{\"userName\": \"x@contoso.example\", \"displayName\": \"X\", \"odd\": {deep}}}");
    let created = send_text(&gangway.scim(), &Method::POST, "/Users", &body).await.expect(201);
    assert_eq!(created.body.get("odd"), None, "what is unknown is passed over, whatever it holds");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn deep_long_and_many_part_filters_are_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let nested = |depth: usize| format!("{}userName pr{}", "(".repeat(depth), ")".repeat(depth));
    let negated = format!("{}userName pr{}", "not (".repeat(2_000), ")".repeat(2_000));
    let many = vec!["userName pr"; 257].join(" or ");
    let long = format!("userName eq \"{}\"", "a".repeat(17_000));
    let open = "(".repeat(5_000);
    for (filter, says) in [
        (nested(5_000), "32 levels"),
        (negated, "32 levels"),
        (open, "32 levels"),
        (many, "256 comparisons"),
        (long, "16384 bytes"),
    ] {
        let answer = gangway.scim().get(&format!("/Users?filter={}", encoded(&filter))).await;
        refused(&answer, 400, Some("invalidFilter"), says, &filter[..40]);
        let target = format!("emails[{filter}].value");
        let answer = gangway.scim().patch(&path, &replace(&target, "x@b.example")).await;
        refused(&answer, 400, Some("invalidPath"), "", &target[..40]);
    }
    assert_eq!(World::of(&gangway).await, before);
    let answer = gangway.scim().get(&format!("/Users?filter={}", encoded(&nested(32)))).await;
    assert_eq!(answer.expect(200).body["totalResults"], 1);
    let most = vec!["userName pr"; 256].join(" and ");
    let answer = gangway.scim().get(&format!("/Users?filter={}", encoded(&most))).await;
    assert_eq!(answer.expect(200).body["totalResults"], 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_operations_are_refused_and_a_thousand_are_one_change(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let titles = |count: usize| {
        patch((0..count).map(|n| json!({"op": "replace", "path": "title", "value": format!("T{n}")})))
    };
    let answer = gangway.scim().patch(&path, &titles(10_000)).await;
    refused(&answer, 400, Some("invalidSyntax"), "1000", "10,000 operations");
    assert_eq!(World::of(&gangway).await, before);

    gangway.simulator().clear_counts();
    let answer = gangway.scim().patch(&path, &titles(1_000)).await.expect(200);
    assert_eq!(answer.body["title"], "T999");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "T999");
    assert_eq!(gangway.simulator().count("PATCH /users/{id}"), 1, "a burst folds into one call");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn u_0000_in_names_that_are_passed_over_does_no_harm(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let odd = json!({"od\u{0}d": 1, "urn:x\u{0}:y": {"\u{0}": "\u{0}"}, (GANGWAY): {"a\u{0}": 1},
        "emails": [{"value": "b@c.example", "type": "home", "d\u{0}": "\u{0}"}]});
    let mut body = user("cy.dahl");
    body.as_object_mut().unwrap().extend(odd.as_object().unwrap().clone());
    let created = gangway.scim().post("/Users", &body).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.sync_status(), "synced");
    assert!(!created.text.contains("\\u0000"), "{}", created.text);

    body["userName"] = json!("ann.berg@contoso.example");
    let replaced = gangway.scim().put(&path, &body).await;
    assert_eq!(replaced.status, 200, "{}", replaced.text);
    let patched = gangway
        .scim()
        .patch(
            &path,
            &patch([
                json!({"op": "add", "value": odd}),
                json!({"op": "add", "path": "title", "value": "Boss"}),
            ]),
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Boss");
    let agent = gangway.scim().with("user-agent", "odd\tagent");
    agent.patch(&path, &replace("title", "Guard")).await.expect(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn long_texts_are_kept_or_refused_but_never_a_fault_of_ours(#[case] backend: Backend) {
    let started = gangway_with(backend, |config| {
        config.defaults.routing.unmatched = Some(Unmatched::Unbound);
    });
    let Some(gangway) = started.await else {
        return;
    };
    let long = noise(20_000);
    let bodies: [(&str, Value); 7] = [
        ("userName", json!({ "userName": &long })),
        ("externalId", json!({"userName": "a1", "externalId": &long})),
        ("displayName", json!({"userName": "a2", "displayName": &long})),
        ("emails", json!({"userName": "a3", "emails": [{"value": &long}]})),
        ("title", json!({"userName": "a4", "title": &long})),
        ("department", json!({"userName": "a5", (ENTERPRISE): {"department": &long}})),
        ("an unknown name", json!({"userName": "a6", (long.as_str()): true})),
    ];
    let mut faults = Vec::new();
    for (name, body) in bodies {
        let answer = gangway.scim().post("/Users", &body).await;
        match answer.status {
            201 => {
                let read = gangway.scim().get(&answer.path()).await.expect(200);
                assert_eq!(read.body["id"], answer.body["id"], "{name}");
            }
            400 => refused(&answer, 400, Some("invalidValue"), name, name),
            status => faults.push(format!("{name}: {status} {}", answer.body["detail"])),
        }
    }
    let filter = encoded(&format!("externalId eq \"{}\"", &long[..10_000]));
    gangway.scim().get(&format!("/Users?filter={filter}")).await.expect(200);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn texts_in_every_script_come_back_as_they_were(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let odd = "東京 \u{1f468}\u{200d}\u{1f469} é e\u{301} \u{202e}txt \" \\ </script> '; DROP TABLE --";
    let mut body = user("cy.dahl");
    body["displayName"] = json!(odd);
    body["externalId"] = json!(odd);
    body["nickName"] = json!(odd);
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    for name in ["displayName", "externalId", "nickName"] {
        assert_eq!(created.body[name], odd);
    }
    assert_eq!(gangway.account("cy.dahl").get("displayName"), odd);
    let literal = json!(odd).to_string();
    for name in ["displayName", "externalId", "nickName"] {
        let filter = encoded(&format!("{name} eq {literal}"));
        let found = gangway.scim().get(&format!("/Users?filter={filter}")).await.expect(200);
        assert_eq!(found.body["totalResults"], 1, "{name}");
    }
}
