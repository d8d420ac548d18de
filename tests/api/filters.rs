//! Filters, pages and projections of `GET /Users` (RFC 7644 §3.4.2 and §3.9).

mod projection;

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, ENTERPRISE, GANGWAY, Gangway, gangway, replace, user};

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn search(gangway: &Gangway, filter: &str) -> Answer {
    gangway.scim().get(&format!("/Users?filter={}", encoded(filter))).await
}

/// The local parts of those found, in alphabetical order; the answer's own counts are held to them.
async fn found(gangway: &Gangway, filter: &str) -> Vec<String> {
    let answer = search(gangway, filter).await;
    assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
    let mut names = names(&answer);
    assert_eq!(answer.body["totalResults"], names.len(), "{filter}");
    assert_eq!(answer.body["itemsPerPage"], names.len(), "{filter}");
    names.sort();
    names
}

/// The local parts of a page's users, in its order.
fn names(answer: &Answer) -> Vec<String> {
    let resources = answer.body["Resources"].as_array().expect("Resources is a list");
    let name = |user: &Value| user["userName"].as_str().unwrap().split('@').next().unwrap().to_owned();
    resources.iter().map(name).collect()
}

/// Four people who differ in everything that is asked for, and the id of the first.
async fn people(gangway: &Gangway) -> String {
    let bodies = [
        json!({
            "userName": "Ann.Berg@contoso.example", "externalId": "Ext-1", "displayName": "Ann Åsberg",
            "name": {"givenName": "Ann", "familyName": "Berg"}, "title": "100% Boss",
            "emails": [
                {"type": "work", "value": "Ann.Berg@contoso.example", "primary": true},
                {"type": "home", "value": "ann@home.example"},
            ],
            (ENTERPRISE): {"department": "Sales", "manager": {"value": "m-1"}},
        }),
        json!({
            "userName": "bo.vik@contoso.example", "externalId": "ext-1", "displayName": "Bo Vik", "active": false,
            "name": {"givenName": "Bo", "familyName": "Vik"}, "title": "1000 Bosses",
            "emails": [{"type": "home", "value": "work@bo.example"}],
            (ENTERPRISE): {"department": "sales"},
        }),
        json!({
            "userName": "cy_dahl@contoso.example", "externalId": "ext_2", "displayName": "Cy 'Quote' \"Dahl\"",
            "name": {"givenName": "Cy", "familyName": "Dahl"}, "active": true,
            "emails": [{"type": "work", "value": "cy@work.example"}, {"type": "other", "value": "cy2@b.example"}],
            (GANGWAY): {"officeLocation": "B2"},
        }),
        json!({
            "userName": "cyxdahl@contoso.example", "displayName": "Σίσυφος ΟΔΟΣ",
            "name": {"givenName": "Cyx", "familyName": "Dahl"}, "nickName": "back\\slash",
        }),
    ];
    let mut ids = Vec::new();
    for body in bodies {
        ids.push(gangway.scim().post("/Users", &body).await.expect(201).id());
    }
    ids.swap_remove(0)
}

/// A filter and those whom it finds, by a letter each: a for Ann, b for Bo, c for Cy, x for Cyx.
const FILTERS: [(&str, &str); 78] = [
    // What SQL decides alone.
    ("userName eq \"ann.berg@contoso.example\"", "a"),
    ("USERNAME EQ \"ANN.BERG@CONTOSO.EXAMPLE\"", "a"),
    ("userName eq \"ann.berg\"", ""),
    ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"bo.vik@contoso.example\"", "b"),
    ("URN:IETF:params:scim:schemas:core:2.0:user:USERname sw \"BO\"", "b"),
    ("userName ne \"ann.berg@contoso.example\"", "bcx"),
    ("externalId eq \"Ext-1\"", "a"),
    ("externalId eq \"ext-1\"", "b"),
    ("externalid eq \"EXT-1\"", ""),
    ("externalId ne \"ext-1\"", "acx"),
    ("externalId sw \"ext\"", "bc"),
    ("externalId co \"xt-1\"", "ab"),
    ("externalId ew \"_2\"", "c"),
    ("externalId pr", "abc"),
    ("not (externalId pr)", "x"),
    ("externalId eq null", "x"),
    ("externalId ne null", "abc"),
    ("active eq true", "acx"),
    ("active eq false", "b"),
    ("active ne true", "b"),
    ("active eq \"True\"", "acx"),
    ("not (active eq true)", "b"),
    ("emails.value eq \"ANN@HOME.example\"", "a"),
    ("emails eq \"ann@home.example\"", "a"),
    ("emails.value sw \"cy\"", "c"),
    ("emails.value ew \".EXAMPLE\"", "abc"),
    ("emails co \"work\"", "bc"),
    ("emails.value ne \"ann@home.example\"", "bcx"),
    ("emails pr", "abc"),
    ("not (emails pr)", "x"),
    // Wildcards of SQL are plain letters.
    ("userName sw \"cy_d\"", "c"),
    ("userName co \"%\"", ""),
    ("userName co \"_\"", "c"),
    ("title sw \"100%\"", "a"),
    ("title sw \"100\"", "ab"),
    ("nickName co \"\\\\\"", "x"),
    ("userName co \"\\\\\"", ""),
    // Text in any case and script.
    ("displayName eq \"ann åsberg\"", "a"),
    ("displayName eq \"ANN ÅSBERG\"", "a"),
    ("displayName sw \"σίσυφοσ\"", "x"),
    ("displayName ew \"οδος\"", "x"),
    ("displayName co \"'quote' \\\"\"", "c"),
    ("displayName eq \"cy 'quote' \\u0022dahl\\u0022\"", "c"),
    ("displayName gt \"b\"", "bcx"),
    ("displayName lt \"b\"", "a"),
    ("displayName le \"bo vik\"", "ab"),
    ("userName ge \"cy\"", "cx"),
    // What SQL narrows down at most.
    ("name.familyName eq \"dahl\"", "cx"),
    ("name.familyName eq \"dahl\" and name.givenName eq \"cy\"", "c"),
    ("name.givenName pr and not (name.givenName co \"y\")", "ab"),
    ("title pr", "ab"),
    ("nickName eq \"BACK\\\\slash\"", "x"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"SALES\"", "ab"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"m-1\"", "a"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"m-1\"", "a"),
    ("urn:ietf:params:scim:schemas:extension:gangway:2.0:User:officeLocation eq \"b2\"", "c"),
    ("urn:ietf:params:scim:schemas:extension:gangway:2.0:User:syncStatus eq \"synced\"", "abcx"),
    ("urn:ietf:params:scim:schemas:extension:gangway:2.0:User:syncStatus eq \"pending\"", ""),
    ("meta.resourceType eq \"User\"", "abcx"),
    ("schemas eq \"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User\"", "ab"),
    // Elements as a whole.
    ("emails[type eq \"work\"]", "ac"),
    ("emails[type eq \"work\" and value co \"ann\"]", "a"),
    ("emails[type eq \"home\" and value co \"work\"]", "b"),
    ("emails[type eq \"work\" and value co \"home\"]", ""),
    ("emails[primary eq true]", "a"),
    ("emails[not (type eq \"work\")]", "abc"),
    ("not (emails[type eq \"work\"])", "bx"),
    ("emails[value eq \"cy2@b.example\" or type eq \"home\"]", "abc"),
    ("emails.type eq \"work\" and emails.value eq \"ann@home.example\"", "a"),
    // Logic: and binds closer than or; not needs no blank.
    ("userName sw \"bo\" or userName sw \"ann\" and active eq false", "b"),
    ("(userName sw \"bo\" or userName sw \"ann\") and active eq true", "a"),
    ("not(userName sw \"bo\") and not (userName sw \"cy\")", "a"),
    ("title pr and (active eq false or externalId eq \"Ext-1\")", "ab"),
    ("not (title pr or userName sw \"cy_\")", "x"),
    // What nobody has.
    ("shoeSize pr", ""),
    ("not (shoeSize pr)", "abcx"),
    ("shoeSize eq \"44\" or userName sw \"bo\"", "b"),
    ("groups pr", ""),
];

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_those_that_match_and_no_others(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let id = people(&gangway).await;
    let whole = |letters: &str| -> Vec<&'static str> {
        let all = [('a', "Ann.Berg"), ('b', "bo.vik"), ('c', "cy_dahl"), ('x', "cyxdahl")];
        all.into_iter().filter(|(letter, _)| letters.contains(*letter)).map(|(_, name)| name).collect()
    };
    let mut wrong = Vec::new();
    for (filter, expected) in FILTERS {
        let names = found(&gangway, filter).await;
        if names != whole(expected) {
            wrong.push(format!("{filter}: {names:?} instead of {:?}", whole(expected)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(found(&gangway, &format!("id eq \"{id}\"")).await, ["Ann.Berg"]);
    assert!(
        found(&gangway, &format!("id eq \"{}\"", id.to_uppercase())).await.is_empty(),
        "ids are compared exactly"
    );
    assert_eq!(found(&gangway, &format!("id ne \"{id}\"")).await.len(), 3);
    assert_eq!(found(&gangway, &format!("id sw \"{}\"", &id[..36])).await, ["Ann.Berg"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn times_are_compared_as_moments(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let first = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let second = gangway.scim().post("/Users", &user("bo.vik")).await.expect(201);
    let changed = gangway.scim().patch(&first.path(), &replace("title", "Boss")).await.expect(200);
    let modified = changed.body["meta"]["lastModified"].as_str().unwrap().to_owned();
    let created = second.body["meta"]["created"].as_str().unwrap().to_owned();
    assert!(modified > created, "{modified} {created}");
    for (filter, expected) in [
        (format!("meta.lastModified gt \"{created}\""), vec!["ann.berg"]),
        (format!("meta.lastModified eq \"{modified}\""), vec!["ann.berg"]),
        (format!("meta.lastModified ge \"{modified}\""), vec!["ann.berg"]),
        (format!("meta.lastModified gt \"{modified}\""), vec![]),
        (format!("meta.lastModified lt \"{modified}\""), vec!["bo.vik"]),
        (format!("meta.lastModified le \"{modified}\""), vec!["ann.berg", "bo.vik"]),
        (format!("meta.created le \"{created}\""), vec!["ann.berg", "bo.vik"]),
        (format!("meta.created gt \"{created}\""), vec![]),
        (format!("meta.created lt \"{}\"", created.replace('Z', "0009+00:00")), vec!["ann.berg", "bo.vik"]),
        ("meta.lastModified gt \"2020-01-31T08:00:00+14:00\"".to_owned(), vec!["ann.berg", "bo.vik"]),
        ("meta.lastModified lt \"2020-01-31T08:00:00\"".to_owned(), vec![]),
    ] {
        assert_eq!(found(&gangway, &filter).await, expected, "{filter}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn every_page_has_what_it_says_and_all_pages_have_everybody_once(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    for n in 1..=7 {
        let mut body = user(&format!("p{n}"));
        body["title"] = json!(if n % 2 == 0 { "even" } else { "odd" });
        gangway.scim().post("/Users", &body).await.expect(201);
    }
    let page = async |query: &str| gangway.scim().get(&format!("/Users?{query}")).await.expect(200);
    for (query, start, expected) in [
        ("", 1, vec!["p1", "p2", "p3", "p4", "p5", "p6", "p7"]),
        ("startIndex=3&count=2", 3, vec!["p3", "p4"]),
        ("startIndex=6&count=5", 6, vec!["p6", "p7"]),
        ("startIndex=8&count=5", 8, vec![]),
        ("startIndex=100", 100, vec![]),
        ("count=0", 1, vec![]),
        ("count=-5", 1, vec![]),
        ("startIndex=0&count=1", 1, vec!["p1"]),
        ("startIndex=-2&count=1", 1, vec!["p1"]),
        ("STARTINDEX=2&Count=1", 2, vec!["p2"]),
    ] {
        let answer = page(query).await;
        assert_eq!(names(&answer), expected, "{query}");
        assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        assert_eq!(answer.body["totalResults"], 7, "{query}");
        assert_eq!(answer.body["startIndex"], start, "{query}");
        assert_eq!(answer.body["itemsPerPage"], expected.len(), "{query}");
    }
    // Decided by SQL alone, narrowed down by SQL, and not helped by SQL at all.
    for (filter, total) in
        [("active eq true", 7), ("active eq true and title eq \"odd\"", 4), ("title eq \"odd\"", 4)]
    {
        for count in [1, 2, 3, 4, 10] {
            let mut all = Vec::new();
            loop {
                let query = format!("filter={}&startIndex={}&count={count}", encoded(filter), all.len() + 1);
                let answer = page(&query).await;
                assert_eq!(answer.body["totalResults"], total, "{query}");
                let names = names(&answer);
                assert_eq!(names.len(), count.min(total - all.len()), "{query}");
                if names.is_empty() {
                    break;
                }
                all.extend(names);
            }
            let distinct: BTreeSet<&String> = all.iter().collect();
            assert_eq!(distinct.len(), total, "{filter} by {count}: {all:?}");
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_is_deleted_is_found(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    people(&gangway).await;
    let gone = search(&gangway, "userName sw \"bo\"").await;
    let id = gone.body["Resources"][0]["id"].as_str().unwrap().to_owned();
    gangway.scim().delete(&format!("/Users/{id}")).await.expect(204);
    for filter in [
        format!("id eq \"{id}\""),
        "userName sw \"bo\"".to_owned(),
        "active eq false".to_owned(),
        "emails.value eq \"work@bo.example\"".to_owned(),
        "title co \"Bosses\"".to_owned(),
    ] {
        assert!(found(&gangway, &filter).await.is_empty(), "{filter}");
    }
    assert_eq!(found(&gangway, "id pr").await.len(), 3);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_looks_at_follows_each_change(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    body["externalId"] = json!("e-1");
    body["emails"] = json!([{"value": "old@b.example"}]);
    let path = gangway.scim().post("/Users", &body).await.expect(201).path();
    let changes = json!({"Operations": [
        {"op": "replace", "path": "externalId", "value": "e-2"},
        {"op": "replace", "path": "emails", "value": [{"value": "new@b.example"}]},
        {"op": "replace", "path": "userName", "value": "ann.vik@contoso.example"},
        {"op": "replace", "path": "displayName", "value": "Ann Vik"},
        {"op": "replace", "path": "active", "value": false},
    ]});
    gangway.scim().patch(&path, &changes).await.expect(200);
    for (new, old) in [
        ("externalId eq \"e-2\"", "externalId eq \"e-1\""),
        ("emails.value eq \"new@b.example\"", "emails.value eq \"old@b.example\""),
        ("userName eq \"ann.vik@contoso.example\"", "userName eq \"ann.berg@contoso.example\""),
        ("displayName eq \"ann vik\"", "displayName eq \"ann berg\""),
        ("active eq false", "active eq true"),
    ] {
        assert_eq!(found(&gangway, new).await, ["ann.vik"], "{new}");
        assert!(found(&gangway, old).await.is_empty(), "{old}");
    }
    gangway.scim().put(&path, &json!({"userName": "ann.vik@contoso.example"})).await.expect(200);
    for gone in ["externalId pr", "emails pr", "displayName pr", "active eq true"] {
        assert!(found(&gangway, gone).await.is_empty(), "{gone}");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_search_by_post_is_the_same(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    people(&gangway).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "externalId pr", "startIndex": 2, "count": 1, "attributes": ["userName"],
    });
    let query =
        format!("/Users?filter={}&startIndex=2&count=1&attributes=userName", encoded("externalId pr"));
    let by_get = gangway.scim().get(&query).await.expect(200);
    assert_eq!(names(&by_get), ["bo.vik"]);
    for path in ["/Users/.search", "/.search"] {
        let by_post = gangway.scim().post(path, &body).await.expect(200);
        assert_eq!(by_post.body, by_get.body, "{path}");
    }
    let bad = gangway.scim().post("/Users/.search", &json!({"filter": "externalId is 7"})).await;
    assert_eq!((bad.status, &bad.body["scimType"]), (400, &json!("invalidFilter")));
    assert!(bad.detail().contains("position 11"), "{}", bad.text);
}
