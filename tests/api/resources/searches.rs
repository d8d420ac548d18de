//! Searches over users and groups, and what the addresses in answers begin with.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, gangway, gangway_with, group, user};

/// Three users and two groups; their ids, in the order in which they are listed.
async fn five(gangway: &Gangway) -> Vec<String> {
    let mut ids = Vec::new();
    for name in ["cy.dahl", "ann.berg", "bo.vik"] {
        ids.push(gangway.scim().post("/Users", &user(name)).await.expect(201).id());
    }
    for name in ["Sales", "Accounts"] {
        ids.push(gangway.scim().post("/Groups", &group(name, &[&ids[0]])).await.expect(201).id());
    }
    ids
}

fn ids(list: &Value) -> Vec<&str> {
    let resources = list["Resources"].as_array().unwrap();
    assert_eq!(list["itemsPerPage"], json!(resources.len()));
    resources.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_root_is_searched_through_users_and_then_groups(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let all = five(&gangway).await;
    let scim = gangway.scim();
    for start in 1..=7_usize {
        for count in 0..=6_usize {
            let body = json!({"startIndex": start, "count": count, "attributes": ["id"]});
            let found = scim.post("/.search", &body).await.expect(200);
            let expected: Vec<&str> = all.iter().skip(start - 1).take(count).map(String::as_str).collect();
            assert_eq!(ids(&found.body), expected, "{start} {count}");
            assert_eq!((&found.body["totalResults"], &found.body["startIndex"]), (&json!(5), &json!(start)));
        }
    }
    for (filter, expected) in [
        ("userName sw \"ann\"", &all[1..2]),
        ("displayName eq \"sales\"", &all[3..4]),
        (&format!("members.value eq \"{}\"", all[0]), &all[3..5]),
        ("userName sw \"bo\" or displayName eq \"Accounts\"", &[all[2].clone(), all[4].clone()]),
        ("meta.resourceType eq \"Group\"", &all[3..]),
        ("title pr", &[]),
    ] {
        let found = scim.post("/.search", &json!({ "filter": filter })).await.expect(200);
        assert_eq!(ids(&found.body), expected, "{filter}");
        assert_eq!(found.body["totalResults"], json!(expected.len()));
    }
    let found =
        scim.post("/.search", &json!({"attributes": ["userName", "members.value"]})).await.expect(200);
    let resources = found.body["Resources"].as_array().unwrap();
    assert_eq!(resources[0]["userName"], "cy.dahl@contoso.example");
    assert_eq!(resources[3]["members"], json!([{ "value": all[0] }]));
    let refused = scim.post("/.search", &json!({"filter": "userName eq"})).await.expect(400);
    assert_eq!(refused.body["scimType"], "invalidFilter");

    let found =
        scim.post("/Groups/.search", &json!({"filter": "displayName pr", "count": 1})).await.expect(200);
    assert_eq!((ids(&found.body), &found.body["totalResults"]), (vec![all[3].as_str()], &json!(2)));
    let found = scim.post("/Users/.search", &json!({"startIndex": 3})).await.expect(200);
    assert_eq!(ids(&found.body), [all[2].as_str()]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_header_does_not_change_an_address(#[case] backend: Backend) {
    let Some(plain) = gangway(backend).await else {
        return;
    };
    let Some(proxied) = gangway_with(backend, |config| {
        config.public_url = Some("https://scim.example/idm/".parse().unwrap());
    })
    .await
    else {
        return;
    };
    for (gangway, base) in [(&plain, plain.url()), (&proxied, "https://scim.example/idm".to_owned())] {
        let forged = gangway
            .scim()
            .with("x-forwarded-host", "evil.example")
            .with("x-forwarded-proto", "gopher")
            .with("forwarded", "host=evil.example;proto=gopher");
        let created = forged.post("/Users", &user("ann.berg")).await.expect(201);
        let location = format!("{base}/scim/v2{}", created.path());
        assert_eq!(created.header("location"), location);
        assert_eq!(created.body["meta"]["location"], location.as_str());
        let made = forged.post("/Groups", &group("Sales", &[&created.id()])).await.expect(201);
        assert_eq!(made.body["members"][0]["$ref"], location.as_str());
        let types = forged.get("/ResourceTypes").await.expect(200);
        assert!(!types.text.contains("evil"), "{}", types.text);
    }
}
