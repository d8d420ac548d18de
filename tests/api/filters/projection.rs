//! `attributes` and `excludedAttributes` (RFC 7644 §3.9).

use rstest::rstest;
use serde_json::{Value, json};

use super::{encoded, people};
use crate::support::{Backend, ENTERPRISE, USER, gangway, replace, user};

/// The keys of an object, sorted.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_gets_the_attributes_that_it_asks_for(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let id = people(&gangway).await;
    let read = async |query: &str| {
        let one = gangway.scim().get(&format!("/Users/{id}?{query}")).await.expect(200);
        let filter = encoded(&format!("id eq \"{id}\""));
        let listed = gangway.scim().get(&format!("/Users?filter={filter}&{query}")).await.expect(200);
        assert_eq!(listed.body["Resources"], json!([one.body]), "{query}");
        one.body
    };
    let only = read("attributes=userName,NAME.givenname,emails.value").await;
    let schemas = &only["schemas"];
    assert!(schemas.as_array().unwrap().contains(&json!(USER)), "{schemas}");
    assert_eq!(
        only,
        json!({
            "schemas": schemas, "id": id, "userName": "Ann.Berg@contoso.example",
            "name": {"givenName": "Ann"},
            "emails": [{"value": "Ann.Berg@contoso.example"}, {"value": "ann@home.example"}],
        })
    );
    let extension = read(&format!("attributes={ENTERPRISE}:department")).await;
    assert_eq!(keys(&extension), ["id", "schemas", ENTERPRISE]);
    assert_eq!(extension[ENTERPRISE], json!({"department": "Sales"}));
    let whole = read(&format!("attributes={ENTERPRISE}")).await;
    assert_eq!(whole[ENTERPRISE], json!({"department": "Sales", "manager": {"value": "m-1"}}));
    let core = read(&format!("attributes={USER}:title,meta.location")).await;
    assert_eq!(keys(&core), ["id", "meta", "schemas", "title"]);
    assert_eq!(keys(&core["meta"]), ["location"]);
    for query in ["attributes=noSuchThing", "attributes=password", "attributes=id"] {
        assert_eq!(keys(&read(query).await), ["id", "schemas"], "{query}");
    }
    let all = read("").await;
    let without = read(&format!("excludedAttributes=emails,name.familyName,id,schemas,{ENTERPRISE}")).await;
    let mut expected = all.clone();
    expected.as_object_mut().unwrap().remove("emails");
    expected.as_object_mut().unwrap().remove(ENTERPRISE);
    expected["name"].as_object_mut().unwrap().remove("familyName");
    expected["schemas"] = without["schemas"].clone();
    assert_eq!(without, expected, "id and schemas are always there");
    assert!(without["schemas"].as_array().unwrap().contains(&json!(USER)));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn writes_answer_with_the_attributes_that_were_asked_for(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let query = "?attributes=userName";
    let mut body = user("ann.berg");
    body["password"] = json!("Aa1-xyzw");
    body["title"] = json!("Boss");
    let created = gangway.scim().post(&format!("/Users{query}"), &body).await.expect(201);
    let path = format!("{}{query}", created.path());
    let replaced = gangway.scim().put(&path, &body).await.expect(200);
    let patched = gangway.scim().patch(&path, &replace("title", "Chief")).await.expect(200);
    for answer in [&created, &replaced, &patched] {
        for name in ["title", "name", "meta", "password"] {
            assert_eq!(answer.body.get(name), None, "{}", answer.text);
        }
        assert_eq!(answer.body["userName"], "ann.berg@contoso.example");
        assert!(answer.header("location").ends_with(&created.path()), "{:?}", answer.headers);
        assert!(answer.header("etag").starts_with("W/\""), "{:?}", answer.headers);
    }
}
