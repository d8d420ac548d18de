//! Tokens that are missing, malformed, wrong, expired, revoked or for something else.

use gangway::app::Core;
use gangway::clock::Clock;
use gangway::directory::Scope;
use gangway::scim::Dialect;
use reqwest::Method;
use rstest::rstest;
use serde_json::json;

use super::{World, a_settled_user};
use crate::support::{Backend, Client, Gangway, TOKEN, gangway, user};

const PLAIN: &str = "Bearer realm=\"gangway\"";
const MALFORMED: &str = "Bearer realm=\"gangway\", error=\"invalid_request\"";
const INVALID: &str = "Bearer realm=\"gangway\", error=\"invalid_token\"";

/// A good token that an administrator has revoked since.
async fn revoked(gangway: &mut Gangway) -> String {
    let token = gangway.token(Dialect::Okta, &[Scope::Scim, Scope::Insights], None).await;
    let client = gangway.scim().bearer(&token);
    client.get("/Users").await.expect(200);
    let config = gangway.config().clone();
    let core = Core::open(&config, &Clock::system()).await.unwrap();
    let tokens = core.directory.tokens(core.organization).await.unwrap();
    let view = tokens.iter().find(|view| token.starts_with(&view.prefix)).unwrap();
    assert!(core.directory.revoke_token(core.organization, view.id).await.unwrap());
    token
}

/// The values of `Authorization` that are refused, each with its challenge and what the sentence says.
async fn refused_headers(gangway: &mut Gangway) -> Vec<(String, &'static str, &'static str)> {
    let expired = gangway.token(Dialect::Entra, &[Scope::Scim, Scope::Insights], Some(1_000)).await;
    let revoked = revoked(gangway).await;
    vec![
        ("Bearer".to_owned(), MALFORMED, "Bearer TOKEN"),
        (TOKEN.to_owned(), MALFORMED, "Bearer TOKEN"),
        ("Basic YW5uOnNlY3JldA==".to_owned(), MALFORMED, "Bearer TOKEN"),
        (format!("Token {TOKEN}"), MALFORMED, "Bearer TOKEN"),
        (format!("Bearer {TOKEN} {TOKEN}"), INVALID, "not known"),
        (format!("Bearer {}", &TOKEN[1..]), INVALID, "not known"),
        (format!("Bearer {TOKEN}x"), INVALID, "not known"),
        (format!("Bearer {}", TOKEN.to_uppercase()), INVALID, "not known"),
        ("Bearer short".to_owned(), INVALID, "not known"),
        (format!("Bearer {}", "x".repeat(10_000)), INVALID, "not known"),
        (format!("Bearer {expired}"), INVALID, "expired at 1970-01-01T00:00:01.000Z"),
        (format!("Bearer {revoked}"), INVALID, "revoked"),
    ]
}

#[track_caller]
fn unauthorized(answer: &crate::support::Answer, challenge: &str, says: &str, of: &str) {
    assert_eq!(answer.status, 401, "{of}: {}", answer.text);
    assert_eq!(answer.header("www-authenticate"), challenge, "{of}");
    let detail = answer.detail();
    assert!(detail.contains(says), "{of}: {detail}");
    assert!(!answer.text.contains(&TOKEN[1..]), "{of}: {}", answer.text);
}

async fn every_endpoint(client: &Client, path: &str) -> Vec<(String, crate::support::Answer)> {
    let body = user("x");
    let mut answers = Vec::new();
    for base in ["/scim/v2", "/scim"] {
        for (method, path, body) in [
            (Method::GET, "/Users", None),
            (Method::POST, "/Users", Some(&body)),
            (Method::POST, "/Users", Some(&json!("no user"))),
            (Method::GET, path, None),
            (Method::PUT, path, Some(&body)),
            (Method::PATCH, path, Some(&json!({"Operations": []}))),
            (Method::DELETE, path, None),
            (Method::GET, "/ServiceProviderConfig", None),
            (Method::GET, "/ResourceTypes", None),
            (Method::GET, "/ResourceTypes/User", None),
            (Method::GET, "/Schemas", None),
            (Method::GET, "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", None),
        ] {
            let label = format!("{method} {base}{path}");
            let answer = client.send(method, &format!("{base}{path}"), body).await;
            answers.push((label, answer));
        }
    }
    answers
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nothing_is_told_and_nothing_is_done(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let headers = refused_headers(&mut gangway).await;
    let before = World::of(&gangway).await;
    let nobody = gangway.http().without("authorization");
    for (label, answer) in every_endpoint(&nobody, &path).await {
        unauthorized(&answer, PLAIN, "Authorization: Bearer TOKEN", &label);
    }
    let with_key = nobody.clone().with("x-api-key", TOKEN);
    unauthorized(&with_key.get("/scim/v2/Users").await, PLAIN, "bearer token", "x-api-key is for insights");
    for (header, challenge, says) in headers {
        let label: String = header.chars().take(60).collect();
        let client = nobody.clone().with("authorization", &header);
        for (endpoint, answer) in every_endpoint(&client, &path).await {
            unauthorized(&answer, challenge, says, &format!("{label} at {endpoint}"));
        }
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_scope_is_forbidden_and_told_so(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let reader = gangway.token(Dialect::Auto, &[Scope::Insights], None).await;
    let pusher = gangway.token(Dialect::Auto, &[Scope::Scim], None).await;
    let before = World::of(&gangway).await;
    let http = gangway.http().bearer(&reader);
    for (label, answer) in every_endpoint(&http, &path).await {
        assert_eq!(answer.status, 403, "{label}: {}", answer.text);
        assert!(answer.detail().contains("scope \"scim\""), "{}", answer.text);
    }
    let query = json!({"service": ["directory"], "start_time": "2020-01-01"});
    let events = "/insights/directory/v1/events";
    http.post(events, &query).await.expect(200);

    let http = gangway.http().bearer(&pusher);
    http.get("/scim/v2/Users").await.expect(200);
    let answer = http.post(events, &query).await.expect(403);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.body["message"].as_str().unwrap().contains("scope \"insights\""));
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn events_are_for_known_readers_only(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    a_settled_user(&gangway).await;
    let headers = refused_headers(&mut gangway).await;
    let query = json!({"service": ["directory"], "start_time": "2020-01-01"});
    let events = "/insights/directory/v1/events";
    let nobody = gangway.http().without("authorization");
    let answer = nobody.post(events, &query).await.expect(401);
    assert_eq!(answer.header("www-authenticate"), PLAIN);
    assert!(answer.body["message"].is_string(), "{}", answer.text);
    for (header, challenge, says) in headers {
        let client = nobody.clone().with("authorization", &header);
        let answer = client.post(events, &query).await.expect(401);
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert!(answer.body["message"].as_str().unwrap().contains(says), "{}", answer.text);
    }
    let keyed = nobody.with("x-api-key", TOKEN);
    let answer = keyed.post(events, &query).await.expect(200);
    assert_eq!(answer.body.as_array().map(Vec::len), Some(1));
    let wrong = keyed.with("x-api-key", "nobody-knows-this-key");
    wrong.post(events, &query).await.expect(401);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_is_read_in_any_case(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    for scheme in ["bearer", "BEARER", "Bearer "] {
        let client = gangway.scim().with("authorization", &format!("{scheme} {TOKEN}"));
        client.get("/Users").await.expect(200);
    }
}
