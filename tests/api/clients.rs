//! The requests that Okta and Entra ID send for users, replayed in their order, each with its client's dialect.
//!
//! `fixtures/client-requests.json` holds them in the shapes that those clients are known to send, with what each must
//! get; the values are invented.

use std::collections::BTreeMap;

use gangway::directory::Scope;
use gangway::scim::Dialect;
use reqwest::Method;
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, ENTERPRISE, Gangway, TOKEN, gangway, replace, user};

const REQUESTS: &str = include_str!("fixtures/client-requests.json");

#[derive(Deserialize)]
struct Recorded {
    client: String,
    name: String,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
    expect: BTreeMap<String, Value>,
}

/// A client and the users that it knows by now.
struct Replay<'a> {
    gangway: &'a Gangway,
    scim: Client,
    users: Vec<String>,
}

impl Replay<'_> {
    /// Replays every request of a client; returns how many there were.
    async fn all(&mut self, client: &str) -> usize {
        let recorded: Vec<Recorded> = serde_json::from_str(REQUESTS).unwrap();
        let own: Vec<Recorded> = recorded.into_iter().filter(|one| one.client == client).collect();
        for request in &own {
            self.one(request).await;
        }
        own.len()
    }

    async fn one(&mut self, request: &Recorded) {
        let path = self.filled(&request.path);
        let target = path.split('?').next().unwrap().to_owned();
        let before = self.read(&target).await;
        let mut client = self.scim.clone();
        for (name, value) in &request.headers {
            client = client.with(name, value);
        }
        let body = (!request.body.is_null()).then(|| self.filled(&request.body.to_string()).into_bytes());
        let method = Method::from_bytes(request.method.as_bytes()).unwrap();
        let answer = client.send_bytes(method, &path, body).await.unwrap();
        if request.method == "POST" && answer.status == 201 {
            self.users.push(answer.id());
        }
        let after = self.read(&target).await;
        for (what, value) in &request.expect {
            let value = match value {
                Value::String(text) => json!(self.filled(text)),
                other => other.clone(),
            };
            let seen = Seen { answer: &answer, before: before.as_ref(), after: after.as_ref() };
            if let Err(found) = self.check(&target, what, &value, &seen).await {
                panic!("{}: {what} must be {value} and is {found}\n{}", request.name, answer.text);
            }
        }
        if !request.expect.contains_key("status") {
            assert_eq!(answer.status, 200, "{}: {}", request.name, answer.text);
        }
        if request.method == "GET" && answer.status == 200 {
            assert_eq!(answer.header("content-type"), "application/scim+json", "{}", request.name);
        }
    }

    /// The user at a path, if the path is a user's.
    async fn read(&self, path: &str) -> Option<Value> {
        if path == "/Users" {
            return None;
        }
        let answer = self.gangway.scim().get(path).await;
        (answer.status == 200).then_some(answer.body)
    }

    fn filled(&self, text: &str) -> String {
        let numbered = self.users.iter().enumerate();
        numbered.fold(text.to_owned(), |text, (n, id)| text.replace(&format!("{{{{user{}}}}}", n + 1), id))
    }

    async fn check(&self, target: &str, what: &str, value: &Value, seen: &Seen<'_>) -> Result<(), String> {
        let status = seen.answer.status;
        let (found, fits) = match (what, value) {
            ("status", Value::String(class)) => {
                (json!(status), class == "2xx" && (200..300).contains(&status))
            }
            ("status", _) => (json!(status), *value == json!(status)),
            ("totalResults" | "scimType", _) => {
                (seen.answer.body[what].clone(), seen.answer.body[what] == *value)
            }
            ("body.detail", _) => {
                let detail = &seen.answer.body["detail"];
                (detail.clone(), detail.as_str().is_some_and(|text| !text.is_empty()))
            }
            ("body.status", _) => (seen.answer.body["status"].clone(), seen.answer.body["status"] == *value),
            ("event", _) => {
                let id = target.rsplit('/').next().unwrap();
                let told = self.gangway.told(id).await;
                (json!(told), told.last().is_some_and(|last| value == last))
            }
            ("active", Value::String(_)) => {
                let (before, after) = (attribute(seen.before, what), attribute(seen.after, what));
                (json!([before, after]), !before.is_null() && before == after)
            }
            _ => {
                let (answered, read) =
                    (attribute(Some(&seen.answer.body), what), attribute(seen.after, what));
                (json!([answered, read]), answered == *value && read == *value)
            }
        };
        if fits { Ok(()) } else { Err(found.to_string()) }
    }
}

/// What one request did.
struct Seen<'a> {
    answer: &'a Answer,
    before: Option<&'a Value>,
    after: Option<&'a Value>,
}

/// An attribute by the short name that the fixtures use.
fn attribute(user: Option<&Value>, name: &str) -> Value {
    let Some(user) = user else {
        return Value::Null;
    };
    let found = match name {
        "manager" => &user[ENTERPRISE]["manager"]["value"],
        "postalCode" => {
            let addresses = user["addresses"].as_array();
            let work = addresses.and_then(|all| all.iter().find(|address| address["type"] == "work"));
            work.map_or(&Value::Null, |address| &address["postalCode"])
        }
        path => path.split('.').fold(user, |value, key| &value[key]),
    };
    found.clone()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn entra_id_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let token = gangway.token(Dialect::Entra, &[Scope::Scim], None).await;
    let mut replay = Replay { gangway: &gangway, scim: gangway.scim().bearer(&token), users: Vec::new() };
    assert_eq!(replay.all("entra").await, 15);

    let users = replay.users.clone();
    assert_eq!(users.len(), 2);
    gangway.quiet().await;
    let simulator = gangway.simulator();
    assert_eq!(simulator.users().len(), 2);
    let ann = gangway.account("ann.berg");
    let expected = [
        ("accountEnabled", json!(false)),
        ("displayName", json!("Ann C")),
        ("givenName", json!("Ann")),
        ("surname", json!("Carl")),
        ("jobTitle", json!("Buyer")),
        ("employeeId", json!("4712")),
        ("postalCode", json!("0150")),
    ];
    for (property, value) in &expected {
        assert_eq!(ann.get(property), value, "{property}");
    }
    let bo = gangway.account("bo.lind");
    assert_eq!((bo.get("accountEnabled"), bo.get("department")), (&json!(false), &json!("Sales")));
    assert_eq!(gangway.told(&users[1]).await, ["user_create_provision", "user_deprovision"]);
    let read = gangway.scim().get(&format!("/Users/{}", users[0])).await.expect(200);
    assert_eq!(read.body["externalId"], "ext-0001b");
    let emails = read.body["emails"].as_array().unwrap();
    assert_eq!(emails.len(), 1, "{emails:?}");
    assert_eq!(emails[0]["value"], "ann.b@contoso.example");
    assert_eq!(read.body["roles"][0]["value"], "buyer");
    let told = gangway.told(&users[0]).await;
    assert!(told.iter().all(|event| !event.starts_with('!')), "{told:?}");
    assert_eq!(told.iter().filter(|event| *event == "user_deprovision").count(), 2, "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn okta_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let token = gangway.token(Dialect::Okta, &[Scope::Scim], None).await;
    let scim = gangway.scim().bearer(&token);
    let ann = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let mut replay = Replay { gangway: &gangway, scim: scim.clone(), users: vec![ann.id()] };
    assert_eq!(replay.all("okta").await, 11);

    gangway.quiet().await;
    let simulator = gangway.simulator();
    assert_eq!(simulator.users().len(), 2);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    let cy = gangway.account("cy.dahl");
    assert_eq!((cy.get("accountEnabled"), cy.get("displayName")), (&json!(true), &json!("Cy Dahl")));
    assert!(simulator.signs_in("cy.dahl@contoso.example", "Ab3-xY7q"));
    // The password that was set while the account was blocked holds, the one of 17 characters does not.
    scim.patch(&ann.path(), &replace("active", true)).await.expect(200);
    assert!(simulator.signs_in("ann.berg@contoso.example", "Zx9-qwerty-Kp16"));
    assert!(!simulator.signs_in("ann.berg@contoso.example", "Zx9-qwerty-Kp16ab"));
    let told = gangway.told(&ann.id()).await;
    let of = |name: &str| told.iter().filter(|event| *event == name).count();
    assert_eq!(of("user_create_provision"), 1);
    assert_eq!(of("user_deprovision"), 1, "it was blocked three times and needed it once: {told:?}");
    assert_eq!(of("user_password_update_provision"), 1);
    assert_eq!(of("!user_password_update_provision"), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn leniency_against_the_rfc_is_for_the_client_that_needs_it(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = "/Users?filter=externalId eq annb";
    for dialect in [Dialect::Auto, Dialect::Okta] {
        let token = gangway.token(dialect, &[Scope::Scim], None).await;
        let refused = gangway.scim().bearer(&token).get(path).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidFilter");
    }
    let entra = gangway.token(Dialect::Entra, &[Scope::Scim], None).await;
    gangway.scim().bearer(&entra).get(path).await.expect(200);
    gangway.scim().bearer(TOKEN).get(path).await.expect(400);
}
