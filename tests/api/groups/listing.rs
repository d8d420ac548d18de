//! Lists of groups and users: filters over members, pages by index and by cursor, the search over both.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};

use super::texts;
use crate::support::{Answer, Backend, Client, gangway, group, user};

fn ids(page: &Answer) -> Vec<String> {
    let resources = page.body["Resources"].as_array().expect("Resources");
    resources.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
}

/// Every page from the first cursor to the last.
async fn walk(scim: &Client, path: &str, count: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = scim.get(&format!("{path}{sign}count={count}&cursor={cursor}")).await.expect(200);
        assert_eq!(page.body.get("startIndex"), None, "RFC 9865 §2: {}", page.text);
        let found = ids(&page);
        assert_eq!(page.body["itemsPerPage"], found.len());
        pages.push(found);
        match page.body["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return pages,
        }
        assert!(pages.len() < 100, "the cursors do not end");
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_by_their_attributes_and_members(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let inner = gangway.a_group("Inner", &[]).await;
    let inner = inner.rsplit('/').next().unwrap().to_owned();
    let mut body = group("Sales", &[&people[0], &inner]);
    body["externalId"] = json!("gext-1");
    gangway.scim().post("/Groups", &body).await.expect(201);
    gangway.a_group("Staff", &texts(&people)).await;
    let table = [
        ("displayName eq \"SALES\"".to_owned(), vec!["Sales"]),
        ("externalId eq \"gext-1\"".to_owned(), vec!["Sales"]),
        ("externalId eq \"GEXT-1\"".to_owned(), vec![]),
        ("displayName sw \"s\"".to_owned(), vec!["Sales", "Staff"]),
        (format!("members.value eq \"{}\"", people[0]), vec!["Sales", "Staff"]),
        (format!("members eq \"{}\"", people[1]), vec!["Staff"]),
        (format!("members[value eq \"{}\"]", people[1]), vec!["Staff"]),
        (format!("members[value eq \"{inner}\" and type eq \"Group\"]"), vec!["Sales"]),
        (format!("not (members.value eq \"{}\")", people[0]), vec!["Inner"]),
        (format!("members.value eq \"{}\" and displayName eq \"Staff\"", people[0]), vec!["Staff"]),
        (format!("members.value eq \"{}\" or displayName eq \"Inner\"", people[1]), vec!["Inner", "Staff"]),
        ("members pr".to_owned(), vec!["Sales", "Staff"]),
        ("not (members pr)".to_owned(), vec!["Inner"]),
        ("members.type eq \"Group\"".to_owned(), vec!["Sales"]),
        ("members.display co \"nner\"".to_owned(), vec!["Sales"]),
        ("members.value eq \"nobody\"".to_owned(), vec![]),
    ];
    for (filter, expected) in table {
        let found = gangway.scim().get(&format!("/Groups?filter={}", encoded(&filter))).await.expect(200);
        let resources = found.body["Resources"].as_array().unwrap();
        let mut names: Vec<&str> = resources.iter().map(|one| one["displayName"].as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{filter}");
        assert_eq!(found.body["totalResults"], expected.len(), "{filter}");
        let search = json!({"filter": filter, "attributes": ["displayName"]});
        let searched = gangway.scim().post("/Groups/.search", &search).await.expect(200);
        assert_eq!(ids(&searched), ids(&found), "{filter}");
        assert!(!searched.text.contains("members"), "{filter}: {}", searched.text);
    }
}

fn encoded(filter: &str) -> String {
    url::form_urlencoded::byte_serialize(filter.as_bytes()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn pages_by_index_and_by_cursor_meet_everyone_once(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let people = gangway.people(23).await;
    let all: BTreeSet<String> = people.iter().cloned().collect();
    let whole = ids(&scim.get("/Users?count=100").await.expect(200));
    assert_eq!(whole.iter().cloned().collect::<BTreeSet<_>>(), all);
    let mut by_index = Vec::new();
    for start in [1, 8, 15, 22] {
        let page = scim.get(&format!("/Users?startIndex={start}&count=7")).await.expect(200);
        assert_eq!((&page.body["totalResults"], &page.body["startIndex"]), (&json!(23), &json!(start)));
        by_index.extend(ids(&page));
    }
    assert_eq!(by_index, whole);
    let pages = walk(&scim, "/Users", 7).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [7, 7, 7, 2]);
    assert_eq!(pages.concat(), whole, "the two orders agree");
    let filtered = walk(&scim, "/Users?filter=userName sw \"p1\"", 3).await;
    assert_eq!(filtered.concat().len(), 11, "p1 and p10 to p19");
    let sorted = walk(&scim, "/Users?sortBy=userName&sortOrder=descending", 5).await.concat();
    let names = |page: &Answer| {
        let users = page.body["Resources"].as_array().unwrap();
        users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let descending = scim.get("/Users?sortBy=userName&sortOrder=descending&count=100").await.expect(200);
    assert_eq!(sorted, ids(&descending));
    assert!(names(&descending).is_sorted_by(|one, other| one > other), "{:?}", names(&descending));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_outlives_what_comes_and_goes_meanwhile(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(9).await;
    let order = ids(&gangway.scim().get("/Users").await.expect(200));
    let first = gangway.scim().get("/Users?count=3&cursor=").await.expect(200);
    let next = first.body["nextCursor"].as_str().unwrap().to_owned();
    // Of the first page one goes, of the rest one, and one comes.
    gangway.scim().delete(&format!("/Users/{}", order[2])).await.expect(204);
    gangway.scim().delete(&format!("/Users/{}", order[5])).await.expect(204);
    let new = gangway.scim().post("/Users", &user("new.comer")).await.expect(201).id();
    gangway.restart().await;
    let rest = gangway.scim().get(&format!("/Users?count=100&cursor={next}")).await.expect(200);
    let expected: Vec<String> = [3, 4, 6, 7, 8].iter().map(|&n| order[n].clone()).chain([new]).collect();
    assert_eq!(ids(&rest), expected);
    assert_eq!(rest.body.get("nextCursor"), None);
    assert_eq!(people.len(), 9);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_search_at_the_root_finds_users_and_groups(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let people = gangway.people(3).await;
    let sales = gangway.a_group("Sales", &texts(&people)).await;
    gangway.a_group("Staff", &[]).await;
    let kinds = |page: &Answer| -> Vec<String> {
        let resources = page.body["Resources"].as_array().unwrap();
        resources.iter().map(|one| one["meta"]["resourceType"].as_str().unwrap().to_owned()).collect()
    };
    let all = scim.post("/.search", &json!({})).await.expect(200);
    assert_eq!(all.body["totalResults"], 5, "{}", all.text);
    assert_eq!(kinds(&all), ["User", "User", "User", "Group", "Group"]);
    let sales_id = sales.rsplit('/').next().unwrap();
    let by_id = json!({"filter": format!("id eq \"{sales_id}\"")});
    let page = scim.post("/.search", &by_id).await.expect(200);
    assert_eq!(ids(&page), [sales_id]);
    let groups_only = json!({"filter": "members pr", "excludedAttributes": ["members"]});
    let page = scim.post("/.search", &groups_only).await.expect(200);
    assert_eq!(kinds(&page), ["Group"]);
    assert!(page.body["Resources"][0].get("members").is_none());
    let users_only = scim.post("/.search", &json!({"filter": "userName sw \"P\""})).await.expect(200);
    assert_eq!(kinds(&users_only), ["User", "User", "User"]);
    let across = scim.post("/.search", &json!({"startIndex": 3, "count": 2})).await.expect(200);
    assert_eq!(kinds(&across), ["User", "Group"]);
    assert_eq!(across.body["totalResults"], 5);
    let one: Vec<Value> = all.body["Resources"].as_array().unwrap().clone();
    assert_eq!(across.body["Resources"][0]["id"], one[2]["id"]);
    assert_eq!(across.body["Resources"][1]["id"], one[3]["id"]);
}
