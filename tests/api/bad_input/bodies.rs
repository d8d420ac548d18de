//! Bodies that are no JSON, of the wrong shape, of the wrong type, or too large.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_user, refused, send_text, writes};
use crate::support::{Backend, ENTERPRISE, GANGWAY, gangway, user};

const LIMIT: usize = 8 << 20;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let texts: [(&str, &str); 10] = [
        ("", "empty"),
        (" \n\t", "empty"),
        ("{", "not valid JSON"),
        ("{\"userName\": }", "line 1 column 14"),
        ("{\"userName\": \"x@contoso.example\",}", "not valid JSON"),
        ("{'userName': 'x@contoso.example'}", "not valid JSON"),
        ("{\"userName\": \"x@contoso.example\"} more", "not valid JSON"),
        ("{\"userName\": \"\\ud800@contoso.example\"}", "not valid JSON"),
        ("{\"userName\": \"x@contoso.example\", \"n\": 1e999}", "not valid JSON"),
        ("userName=x%40contoso.example", "not valid JSON"),
    ];
    for (method, path) in writes(&path) {
        for (text, says) in texts {
            let answer = send_text(&gangway.scim(), &method, path, text).await;
            refused(&answer, 400, Some("invalidSyntax"), says, &format!("{method} {text}"));
        }
        let not_utf8 = b"{\"userName\": \"\xff@contoso.example\"}".to_vec();
        let answer = gangway.scim().send_bytes(method, path, Some(not_utf8)).await.unwrap();
        refused(&answer, 400, Some("invalidSyntax"), "not valid JSON", "no UTF-8");
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn json_that_is_no_object_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (method, path) in writes(&path) {
        for body in [json!([]), json!("text"), json!(42), json!(null), json!(true), json!([user("x")])] {
            let answer = gangway.scim().send(method.clone(), path, Some(&body)).await;
            refused(&answer, 400, Some("invalidSyntax"), "JSON object", &format!("{method} {body}"));
        }
    }
    assert_eq!(World::of(&gangway).await, before);
}

/// What is sent in addition, and the name that the refusal must say.
fn wrong_values() -> Vec<(Value, &'static str)> {
    let many: Vec<Value> = (0..1001).map(|n| json!({"value": format!("m{n}@contoso.example")})).collect();
    vec![
        (json!({"userName": 42}), "userName"),
        (json!({"userName": {"value": "x"}}), "userName"),
        (json!({"userName": ["a", "b"]}), "userName"),
        (json!({"userName": ""}), "userName"),
        (json!({"userName": "  "}), "userName"),
        (json!({"userName": null}), "userName"),
        (json!({"active": "maybe"}), "active"),
        (json!({"active": 1}), "active"),
        (json!({"active": [true, false]}), "active"),
        (json!({"displayName": ["a", "b"]}), "displayName"),
        (json!({"displayName": {"x": 1}}), "displayName"),
        (json!({"externalId": 7}), "externalId"),
        (json!({"name": 42}), "name"),
        (json!({"name": {"givenName": 7}}), "name.givenName"),
        (json!({"name.familyName": false}), "name.familyName"),
        (json!({"name": [{"givenName": "a"}, {"givenName": "b"}]}), "name"),
        (json!({"emails": 42}), "emails"),
        (json!({"emails": [42]}), "emails"),
        (json!({"emails": [[]]}), "emails"),
        (json!({"emails": [{"value": 3}]}), "emails.value"),
        (json!({"emails": [{"value": "a@b.example", "primary": "perhaps"}]}), "emails.primary"),
        (json!({"emails": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]}), "emails"),
        (json!({ "emails": many }), "emails"),
        (json!({"phoneNumbers": [{"value": {}}]}), "phoneNumbers.value"),
        (json!({"photos": [{"value": "not a uri"}]}), "photos.value"),
        (json!({"profileUrl": "not a uri"}), "profileUrl"),
        (json!({"x509Certificates": [{"value": "!"}]}), "x509Certificates.value"),
        (json!({"password": 12_345_678}), "password"),
        (json!({"schemas": 42}), "schemas"),
        (json!({(ENTERPRISE): 42}), ENTERPRISE),
        (json!({(ENTERPRISE): {"employeeNumber": 4711}}), "employeeNumber"),
        (json!({(ENTERPRISE): {"manager": 42}}), "manager"),
        (json!({(GANGWAY): {"passwordExpired": "no idea"}}), "passwordExpired"),
        (json!({(GANGWAY): {"locked": 0}}), "locked"),
        (json!({(format!("{GANGWAY}:locked")): 0}), "locked"),
        (json!({"displayName": "a\u{0}b"}), "displayName"),
        (json!({"name": {"givenName": "\u{0}"}}), "name.givenName"),
        (json!({"externalId": "\u{0}"}), "externalId"),
        (json!({(ENTERPRISE): {"manager": {"value": "\u{0}"}}}), "manager.value"),
        (json!({"emails": [{"value": "\u{0}"}]}), "emails.value"),
    ]
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_type_is_refused_with_the_attributes_name(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (wrong, name) in wrong_values() {
        let mut body = user("x");
        body["title"] = json!("Changed");
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let label = wrong.to_string().chars().take(120).collect::<String>();
        for (method, path) in [(Method::POST, "/Users"), (Method::PUT, path.as_str())] {
            let answer = gangway.scim().send(method.clone(), path, Some(&body)).await;
            refused(&answer, 400, Some("invalidValue"), name, &format!("{method} {label}"));
        }
        // `schemas` in a PATCH's value is passed over; the two names of a blank userName are tried with the paths.
        if wrong.get("schemas").is_some() {
            continue;
        }
        let operations = json!({"Operations": [
            {"op": "replace", "path": "title", "value": "Changed"},
            {"op": "replace", "value": wrong},
        ]});
        let answer = gangway.scim().patch(&path, &operations).await;
        refused(&answer, 400, Some("invalidValue"), name, &format!("PATCH {label}"));
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_sent_twice_or_not_at_all_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (method, path) in [(Method::POST, "/Users"), (Method::PUT, path.as_str())] {
        let twice = "{\"userName\": \"x@contoso.example\", \"USERNAME\": \"y@contoso.example\"}";
        let answer = send_text(&gangway.scim(), &method, path, twice).await;
        refused(&answer, 400, Some("invalidSyntax"), "userName", twice);
        let nameless = json!({"displayName": "Nobody"});
        let answer = gangway.scim().send(method.clone(), path, Some(&nameless)).await;
        refused(&answer, 400, Some("invalidValue"), "userName is required", "no name");
    }
    assert_eq!(World::of(&gangway).await, before);
}

/// A body of exactly so many bytes.
fn sized(body: &Value, bytes: usize) -> Vec<u8> {
    let mut text = body.to_string();
    text.push_str(&" ".repeat(bytes - text.len()));
    text.into_bytes()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_one_mebibyte_is_refused_and_one_below_is_not(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for bytes in [LIMIT + 1, 3 * LIMIT] {
        for (method, path) in writes(&path) {
            let body = sized(&user("x"), bytes);
            let answer = gangway.scim().send_bytes(method.clone(), path, Some(body)).await;
            let answer = answer.unwrap_or_else(|error| panic!("{method} of {bytes}: no answer: {error:?}"));
            refused(&answer, 413, None, "larger than the server takes", &format!("{method} of {bytes}"));
        }
    }
    assert_eq!(World::of(&gangway).await, before);
    let body = sized(&user("cy.dahl"), LIMIT);
    let answer = gangway.scim().send_bytes(Method::POST, "/Users", Some(body)).await.unwrap();
    assert_eq!(answer.expect(201).sync_status(), "synced");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_media_type_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for media_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "nonsense",
    ] {
        for (method, path) in writes(&path) {
            let client = gangway.scim().with("content-type", media_type);
            let answer = client.send(method, path, Some(&user("x"))).await;
            refused(&answer, 415, None, "application/scim+json", media_type);
        }
    }
    assert_eq!(World::of(&gangway).await, before);
    for media_type in ["application/json", "Application/SCIM+JSON", "application/json; charset=utf-8"] {
        let client = gangway.scim().with("content-type", media_type);
        let mut body = user("ann.berg");
        body["title"] = json!(media_type);
        let answer = client.put(&path, &body).await.expect(200);
        assert_eq!(answer.body["title"], media_type);
    }
}
