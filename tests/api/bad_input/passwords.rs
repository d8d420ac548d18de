//! Passwords that break a rule: nothing of the request takes effect, and nothing repeats the password.

use gangway::settings::LengthRule;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_user, refused};
use crate::support::{Backend, gangway, gangway_with, patch, user};

const WRONG: [(&str, &str); 8] = [
    ("Aa1-xyz", "between 8 and 16"),
    ("Aa1-xyzAa1-xyzAa1", "between 8 and 16"),
    ("Aa1-xyzé", "Unicode"),
    ("Aa1-xyz\u{200b}", "Unicode"),
    ("Aa1-\txyz", "may be used"),
    ("aaaaaaaa1", "three of the four"),
    ("ANN.berg-77", "user name"),
    ("", "between 8 and 16"),
];

/// The three requests with this password, each with another change beside it.
fn requests<'a>(path: &'a str, password: &str) -> [(Method, &'a str, Value); 3] {
    let mut fresh = user("x");
    fresh["userName"] = json!("Ann.Berg@contoso.onmicrosoft.example");
    fresh["password"] = json!(password);
    let mut whole = user("ann.berg");
    whole["title"] = json!("Changed");
    whole["password"] = json!(password);
    let part = patch([
        json!({"op": "replace", "path": "title", "value": "Changed"}),
        json!({"op": "replace", "path": "password", "value": password}),
    ]);
    [(Method::POST, "/Users", fresh), (Method::PUT, path, whole), (Method::PATCH, path, part)]
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_breaks_a_rule_stops_the_whole_request(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let mut refusals = 0;
    for (password, says) in WRONG {
        for (method, path, body) in requests(&path, password) {
            let label = format!("{method} {password}");
            let answer = gangway.scim().send(method, path, Some(&body)).await;
            refused(&answer, 400, Some("invalidValue"), says, &label);
            assert!(password.is_empty() || !answer.text.contains(password), "{}", answer.text);
            refusals += 1;
        }
    }
    let after = World::of(&gangway).await;
    assert_eq!(
        (&after.users, &after.accounts, &after.calls),
        (&before.users, &before.accounts, &before.calls)
    );
    let told = &after.events[before.events.len()..];
    assert_eq!(told.len(), refusals, "each refusal is recorded once");
    for event in told {
        assert_eq!(event["event_type"], "user_password_update_provision");
        assert_eq!(event["success"], false);
        assert!(event["error_message"].as_str().unwrap().starts_with("the password "), "{event}");
        let text = event.to_string();
        assert!(WRONG.iter().all(|(word, _)| word.is_empty() || !text.contains(word)), "{text}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn eight_and_sixteen_characters_are_taken(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    for password in ["Aa1-xyzw", "Aa1-xyzwAa1-xyzw", "aaaa 11!"] {
        for (method, path, body) in &requests(&path, password)[1..] {
            let answer = gangway.scim().send(method.clone(), path, Some(body)).await;
            let answer = answer.expect(200);
            assert_eq!(gangway.status_of(path).await, "synced");
            assert!(!answer.text.contains(password), "{}", answer.text);
            assert!(gangway.simulator().signs_in("ann.berg@contoso.example", password));
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_length_is_the_settings(#[case] backend: Backend) {
    let started = gangway_with(backend, |config| {
        config.defaults.password.length = LengthRule::new(12, 20).unwrap();
    });
    let Some(gangway) = started.await else {
        return;
    };
    let mut body = user("bo.vik");
    for (length, fits) in [(11, false), (12, true), (20, true), (21, false)] {
        let password = format!("Aa1-{}", "x".repeat(length - 4));
        body["userName"] = json!(format!("bo{length}@contoso.example"));
        body["password"] = json!(password);
        let answer = gangway.scim().post("/Users", &body).await;
        if fits {
            answer.expect(201);
            assert!(gangway.simulator().signs_in(&format!("bo{length}@contoso.example"), &password));
        } else {
            refused(&answer, 400, Some("invalidValue"), "between 12 and 20", &length.to_string());
        }
    }
}
