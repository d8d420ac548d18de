//! User names that no tenant takes.

use gangway::settings::Unmatched;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_user, refused};
use crate::support::{Backend, GANGWAY, Gangway, gangway, gangway_with, replace, user};

async fn with_unmatched(backend: Backend, unmatched: Unmatched) -> Option<Gangway> {
    gangway_with(backend, |config| {
        config.defaults.routing.unmatched = Some(unmatched);
    })
    .await
}

fn named(user_name: &str) -> Value {
    json!({"userName": user_name, "name": {"givenName": "Cy", "familyName": "Dahl"}})
}

/// Checks that a user of this name is refused whatever the verb.
async fn refused_everywhere(gangway: &Gangway, path: &str, user_name: &str, says: &[&str]) {
    let mut body = named(user_name);
    body["title"] = json!("Changed");
    let rename = replace("userName", user_name);
    let requests =
        [(Method::POST, "/Users", &body), (Method::PUT, path, &body), (Method::PATCH, path, &rename)];
    for (method, path, body) in requests {
        let answer = gangway.scim().send(method.clone(), path, Some(body)).await;
        for says in says {
            refused(&answer, 400, Some("invalidValue"), says, &format!("{method} {user_name}"));
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn refuse_names_the_domain_and_the_known_ones(#[case] backend: Backend) {
    let Some(gangway) = with_unmatched(backend, Unmatched::Refuse).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    refused_everywhere(&gangway, &path, "cy.dahl", &["\"cy.dahl\"", "has no domain", "contoso.example"])
        .await;
    refused_everywhere(
        &gangway,
        &path,
        "cy.dahl@elsewhere.example",
        &["elsewhere.example", "contoso.example"],
    )
    .await;
    // Verified by nobody: the simulated tenant has it, the connection has not.
    refused_everywhere(&gangway, &path, "cy.dahl@fabrikam.example", &["fabrikam.example"]).await;
    refused_everywhere(&gangway, &path, "cy.dahl@sub.contoso.example", &["sub.contoso.example"]).await;
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn default_domain_builds_the_address_or_says_why_it_cannot(#[case] backend: Backend) {
    let Some(gangway) = with_unmatched(backend, Unmatched::DefaultDomain).await else {
        return;
    };
    for (user_name, address) in [
        ("bo.vik", "bo.vik@contoso.example"),
        ("ida.lund@elsewhere.example", "ida.lund@contoso.example"),
        ("Änne Ås", "nnes@contoso.example"),
    ] {
        let created = gangway.scim().post("/Users", &named(user_name)).await.expect(201);
        assert_eq!(created.body["userName"], user_name);
        assert_eq!(created.sync_status(), "synced");
        let account = gangway.simulator().user(address).expect(address);
        assert_eq!(created.body[GANGWAY]["accountId"], json!(account.id));
    }
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    refused_everywhere(&gangway, &path, "東京", &["東京", "no character"]).await;
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_users_never_share_an_account(#[case] backend: Backend) {
    let Some(gangway) = with_unmatched(backend, Unmatched::DefaultDomain).await else {
        return;
    };
    let first = gangway.scim().post("/Users", &named("bo.vik")).await.expect(201);
    let mut body = named("bo.vik@elsewhere.example");
    body["displayName"] = json!("An impostor");
    let answer = gangway.scim().post("/Users", &body).await;
    refused(&answer, 409, Some("uniqueness"), "\"bo.vik\"", "a second one");
    assert_eq!(gangway.account("bo.vik").get("displayName"), &json!("Cy Dahl"));
    let users = gangway.scim().get("/Users").await.expect(200);
    assert_eq!(users.body["totalResults"], 1);
    assert_eq!(users.body["Resources"][0]["id"], json!(first.id()));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn unbound_keeps_the_user_and_calls_nobody(#[case] backend: Backend) {
    let Some(gangway) = with_unmatched(backend, Unmatched::Unbound).await else {
        return;
    };
    for user_name in ["cy.dahl", "cy.dahl@elsewhere.example", "東京"] {
        let created = gangway.scim().post("/Users", &named(user_name)).await.expect(201);
        assert_eq!(created.sync_status(), "unbound");
        let path = created.path();
        let patched = gangway.scim().patch(&path, &replace("title", "Guard")).await;
        assert_eq!(patched.expect(200).body["title"], "Guard");
        let read = gangway.scim().get(&path).await.expect(200);
        assert_eq!((read.sync_status(), &read.body["userName"]), ("unbound", &json!(user_name)));
        gangway.scim().delete(&path).await.expect(204);
        gangway.scim().get(&path).await.expect(404);
    }
    assert!(gangway.simulator().users().is_empty());
    assert_eq!(gangway.simulator().count("POST /users"), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn names_that_graph_would_refuse_are_refused_before_graph_is_asked(
    #[case] backend: Backend,
    #[values(Unmatched::Refuse, Unmatched::DefaultDomain, Unmatched::Unbound)] unmatched: Unmatched,
) {
    let Some(gangway) = with_unmatched(backend, unmatched).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    let long = format!("{}@contoso.example", "a".repeat(65));
    for (user_name, says) in [
        ("@contoso.example", "nothing in front of the @"),
        ("cy dahl@contoso.example", "\" \""),
        ("cÿ@contoso.example", "ÿ"),
        ("cy+tag@contoso.example", "+"),
        ("cy@dahl@contoso.example", "\"@\""),
        ("cy.@contoso.example", "dot"),
        (long.as_str(), "64"),
    ] {
        refused_everywhere(&gangway, &path, user_name, &[says]).await;
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn only_the_simulators_tenant_takes_strangers_unasked(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &named("bo.vik")).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    assert_eq!(gangway.account("bo.vik").get("accountEnabled"), &json!(true));
    let federated = user("eva")["userName"].as_str().unwrap().replace("contoso", "federated");
    let answer = gangway.scim().post("/Users", &named(&federated)).await;
    assert_eq!(answer.expect(201).body["userName"], federated, "the address is made in the default domain");
    assert!(gangway.simulator().user("eva@contoso.example").is_some());
}
