//! `sortBy` and `sortOrder` (RFC 7644 §3.4.2.3).

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, ENTERPRISE, gangway, group, user};

fn names(page: &Answer) -> Vec<String> {
    let resources = page.body["Resources"].as_array().unwrap();
    let name = |one: &Value| one.get("userName").unwrap_or(&one["displayName"]).as_str().unwrap().to_owned();
    resources.iter().map(|one| name(one).split('@').next().unwrap().to_owned()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn users_are_sorted_by_any_attribute(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    // In the order in which they are made: d, a, C, b.
    let table = [
        (
            "d",
            json!({"title": "b", "emails": [{"value": "z@x.example"}, {"value": "a@x.example", "primary": true}]}),
        ),
        ("a", json!({"title": "A", "externalId": "b"})),
        ("C", json!({"emails": [{"value": "B@x.example"}], "externalId": "A"})),
        ("b", json!({"title": "c", (ENTERPRISE): {"employeeNumber": "7"}})),
    ];
    for (name, more) in table {
        let mut body = user(&format!("{name}.x"));
        body["displayName"] = json!(name);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        scim.post("/Users", &body).await.expect(201);
    }
    let number = format!("{ENTERPRISE}:employeeNumber");
    for (sort, expected) in [
        ("sortBy=userName".to_owned(), "abCd"),
        ("sortBy=USERNAME&sortOrder=Ascending".to_owned(), "abCd"),
        ("sortBy=displayName&sortOrder=descending".to_owned(), "dCba"),
        // Missing values last; descending first (RFC 7644 §3.4.2.3).
        ("sortBy=title".to_owned(), "adbC"),
        ("sortBy=title&sortOrder=descending".to_owned(), "Cbda"),
        // The primary value, else the first.
        ("sortBy=emails".to_owned(), "dCab"),
        ("sortBy=emails.value".to_owned(), "dCab"),
        // Exact case: "A" before "b".
        ("sortBy=externalId".to_owned(), "Cadb"),
        (format!("sortBy={number}"), "bdaC"),
        ("sortBy=meta.created".to_owned(), "daCb"),
        ("sortBy=meta.created&sortOrder=descending".to_owned(), "bCad"),
        ("sortBy=name.givenName".to_owned(), "abCd"),
    ] {
        for extra in ["", "&count=2&startIndex=2", "&filter=userName pr"] {
            let page = scim.get(&format!("/Users?{sort}{extra}")).await.expect(200);
            let found: String = names(&page).iter().map(|name| name.trim_end_matches(".x")).collect();
            let part = if extra.contains("count") { &expected[1..3] } else { expected };
            assert_eq!(found, part, "{sort}{extra}");
            assert_eq!(page.body["totalResults"], 4);
        }
    }
    let search = json!({"sortBy": "userName", "sortOrder": "descending", "attributes": ["userName"]});
    let page = scim.post("/Users/.search", &search).await.expect(200);
    assert_eq!(names(&page), ["d.x", "C.x", "b.x", "a.x"]);
    let config = scim.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.body["sort"]["supported"], true);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn groups_are_sorted_too(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    for (name, external) in [("b", Some("1")), ("A", None), ("c", Some("2"))] {
        let mut body = group(name, &[]);
        body["externalId"] = json!(external);
        scim.post("/Groups", &body).await.expect(201);
    }
    for (sort, expected) in [
        ("sortBy=displayName", ["A", "b", "c"]),
        ("sortBy=displayName&sortOrder=descending", ["c", "b", "A"]),
        ("sortBy=externalId", ["b", "c", "A"]),
        ("sortBy=externalId&sortOrder=descending", ["A", "c", "b"]),
        ("sortBy=id", ["b", "A", "c"]),
    ] {
        assert_eq!(names(&scim.get(&format!("/Groups?{sort}")).await.expect(200)), expected, "{sort}");
    }
}
