//! Lists in an order, page by page: by index and by cursor (RFC 7644 §3.4.2.3 and §3.4.2.4, RFC 9865).

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Client, gangway, group, user};

fn names(answer: &Answer, of: &str) -> Vec<String> {
    let resources = answer.body["Resources"].as_array().unwrap();
    resources.iter().map(|one| one[of].as_str().unwrap_or("-").to_owned()).collect()
}

/// Makes users of these names, each with a title that is the name's last letter but for the first user.
async fn people(scim: &Client, names: &[&str]) {
    for (n, name) in names.iter().enumerate() {
        let mut body = user(name);
        if n > 0 {
            body["title"] = json!(name[name.len() - 1..].to_owned());
        }
        body["displayName"] = json!(*name);
        scim.post("/Users", &body).await.expect(201);
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_sorted_by_what_is_asked(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    people(&scim, &["bo.vik", "Ann.berg", "cy.dahl"]).await;
    for name in ["b", "a"] {
        scim.post("/Groups", &group(name, &[])).await.expect(201);
    }
    for (query, expected) in [
        ("", ["bo.vik", "Ann.berg", "cy.dahl"]),
        ("sortBy=userName", ["Ann.berg", "bo.vik", "cy.dahl"]),
        ("sortBy=USERNAME&sortOrder=descending", ["cy.dahl", "bo.vik", "Ann.berg"]),
        ("sortBy=urn:ietf:params:scim:schemas:core:2.0:User:userName", ["Ann.berg", "bo.vik", "cy.dahl"]),
        ("sortBy=meta.created&sortOrder=descending", ["cy.dahl", "Ann.berg", "bo.vik"]),
        ("sortBy=title", ["Ann.berg", "cy.dahl", "bo.vik"]),
        ("sortBy=title&sortOrder=descending", ["bo.vik", "cy.dahl", "Ann.berg"]),
    ] {
        let found = scim.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!(names(&found, "displayName"), expected, "{query}");
        let path = format!("/Users?{query}&count=1&startIndex=2&attributes=displayName");
        let first = scim.get(&path).await.expect(200);
        assert_eq!(names(&first, "displayName"), expected[1..2], "{query}");
        assert_eq!(first.body["totalResults"], 3);
    }
    let all = async |body: Value| names(&scim.post("/.search", &body).await.expect(200), "displayName");
    let found = all(json!({"sortBy": "displayName", "sortOrder": "descending"})).await;
    assert_eq!(found, ["cy.dahl", "bo.vik", "Ann.berg", "b", "a"], "each type by itself");
    let found = all(json!({"sortBy": "userName"})).await;
    assert_eq!(found, ["Ann.berg", "bo.vik", "cy.dahl", "b", "a"], "a group has no userName");
    for (path, says) in [
        ("/Users?sortBy=nothing", "nothing"),
        ("/Users?sortBy=password", "password"),
        ("/Groups?sortBy=userName", "userName"),
        ("/Users?sortBy=userName&sortOrder=up", "sortOrder"),
    ] {
        let refused = scim.get(path).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidValue");
        assert!(refused.detail().contains(says), "{}", refused.text);
    }
    scim.post("/.search", &json!({"sortBy": "nothing"})).await.expect(400);
}

/// Walks through a list by cursor; what it meets, page by page.
async fn walk(scim: &Client, path: &str, query: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = scim.get(&format!("{path}?{query}&cursor={cursor}")).await.expect(200);
        assert_eq!(answer.body.get("startIndex"), None, "RFC 9865 §2: {}", answer.text);
        assert_eq!(answer.body["totalResults"], 5);
        pages.push(names(&answer, "displayName"));
        match answer.body.get("nextCursor") {
            Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
            None => return pages,
        }
        assert!(pages.len() < 10, "it does not end: {pages:?}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_leads_through_a_list(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    people(&scim, &["p3", "p1", "p5", "p2", "p4"]).await;
    for name in ["g3", "g1", "g5", "g2", "g4"] {
        scim.post("/Groups", &group(name, &[])).await.expect(201);
    }
    for (path, c) in [("/Users", 'p'), ("/Groups", 'g')] {
        let named = |pages: &[&[u8]]| -> Vec<Vec<String>> {
            pages.iter().map(|page| page.iter().map(|n| format!("{c}{n}")).collect()).collect()
        };
        assert_eq!(walk(&scim, path, "count=2").await, named(&[&[3, 1], &[5, 2], &[4]]));
        assert_eq!(walk(&scim, path, "count=5").await, named(&[&[3, 1, 5, 2, 4]]));
        assert_eq!(walk(&scim, path, "").await, named(&[&[3, 1, 5, 2, 4]]));
        let sorted = walk(&scim, path, "count=3&sortBy=displayName&sortOrder=descending").await;
        assert_eq!(sorted, named(&[&[5, 4, 3], &[2, 1]]));
        let filtered = walk(&scim, path, "count=4&filter=displayName pr").await;
        assert_eq!(filtered, named(&[&[3, 1, 5, 2], &[4]]));
    }
    // What is added meanwhile does not shift what is still to come.
    let first = scim.get("/Users?cursor=&count=4").await.expect(200);
    let cursor = first.body["nextCursor"].as_str().unwrap().to_owned();
    let gone = first.body["Resources"][0]["id"].as_str().unwrap();
    scim.delete(&format!("/Users/{gone}")).await.expect(204);
    let second = scim.get(&format!("/Users?cursor={cursor}")).await.expect(200);
    assert_eq!(names(&second, "displayName"), ["p4"]);

    let refused = |answer: Answer, kind: &str| assert_eq!(answer.expect(400).body["scimType"], kind);
    refused(scim.get(&format!("/Users?cursor={cursor}&sortBy=userName")).await, "invalidCursor");
    refused(scim.get(&format!("/Users?cursor={cursor}&filter=userName pr")).await, "invalidCursor");
    refused(scim.get(&format!("/Groups?cursor={cursor}")).await, "invalidCursor");
    refused(scim.get(&format!("/Users?cursor={cursor}x")).await, "invalidCursor");
    refused(scim.get("/Users?cursor=%F0%28").await, "invalidCursor");
    refused(scim.get("/Users?cursor=&count=-1").await, "invalidCount");
    refused(scim.get("/Users?cursor=&startIndex=2").await, "invalidValue");
    refused(scim.post("/.search", &json!({ "cursor": cursor })).await, "invalidCursor");
    let counted = scim.get("/Users?cursor=&count=0").await.expect(200);
    assert_eq!((&counted.body["totalResults"], counted.body.get("nextCursor")), (&json!(4), None));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_leads_from_the_users_to_the_groups(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    people(&scim, &["p1", "p2"]).await;
    for name in ["g1", "g2", "g3"] {
        scim.post("/Groups", &group(name, &[])).await.expect(201);
    }
    for count in 1..=6 {
        let (mut met, mut cursor) = (Vec::new(), String::new());
        loop {
            let body = json!({"cursor": cursor, "count": count});
            let page = scim.post("/.search", &body).await.expect(200);
            assert_eq!((&page.body["totalResults"], page.body.get("startIndex")), (&json!(5), None));
            met.extend(names(&page, "displayName"));
            match page.body.get("nextCursor") {
                Some(next) => next.as_str().unwrap().clone_into(&mut cursor),
                None => break,
            }
            assert!(met.len() < 10, "it does not end: {met:?}");
        }
        assert_eq!(met, ["p1", "p2", "g1", "g2", "g3"], "{count}");
    }
}
