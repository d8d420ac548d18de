//! Delta queries.

use serde_json::{Value, json};

use uuid::Uuid;

use super::client::{Client, Reply};
use super::*;

impl Client {
    /// A link as an answer gave it.
    async fn follow(&self, link: &Value) -> Reply {
        let link = link.as_str().unwrap_or_else(|| panic!("no link"));
        self.get(link.split_once("/v1.0").unwrap().1).await
    }

    /// All pages from here, and the link for the next round.
    async fn round(&self, first: Reply) -> (Vec<Value>, Value, usize) {
        let (mut items, mut page, mut pages) = (Vec::new(), first, 1);
        loop {
            assert_eq!(page.status, 200, "{page:?}");
            let body = page.json();
            items.extend(body["value"].as_array().unwrap().iter().cloned());
            match body.get("@odata.nextLink") {
                None => return (items, body["@odata.deltaLink"].clone(), pages),
                Some(next) => {
                    assert!(body.get("@odata.deltaLink").is_none(), "never both");
                    page = self.follow(next).await;
                    pages += 1;
                }
            }
        }
    }

    async fn begin(&self, path: &str) -> (Vec<Value>, Value, usize) {
        self.round(self.get(path).await).await
    }

    async fn next(&self, link: &Value) -> (Vec<Value>, Value, usize) {
        self.round(self.follow(link).await).await
    }
}

fn small(client: &Client, noise: bool) {
    client.simulator.directory().set_delta_settings(DeltaSettings { page_size: 2, noise });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_tells_what_changed_since_the_last() {
    let client = Client::plain().await;
    small(&client, false);
    let ann = client.create("ann").await;
    let before = client.begin("/users/delta?$select=displayName,jobTitle,accountEnabled").await.0.len();
    for name in ["bob", "cid", "dan", "eve"] {
        client.create(name).await;
    }
    let (all, link, pages) = client.begin("/users/delta?$select=displayName,jobTitle,accountEnabled").await;
    assert_eq!((all.len(), pages), (before + 4, (before + 4).div_ceil(2)));
    assert!(all.iter().all(|one| one.get("jobTitle").is_none()), "what was never set is not told");
    let (none, link, _) = client.next(&link).await;
    assert!(none.is_empty());

    client.call(&format!("PATCH /users/{ann}"), json!({"jobTitle": "Pilot"})).await;
    client.call(&format!("PATCH /users/{ann}"), json!({"city": "Ulm"})).await;
    let (changed, link, _) = client.next(&link).await;
    let whole = json!({"id": ann, "displayName": "ann", "jobTitle": "Pilot", "accountEnabled": true});
    assert_eq!(changed, [whole]);
    client.call(&format!("PATCH /users/{ann}"), json!({"city": "Bonn"})).await;
    let (none, link, _) = client.next(&link).await;
    assert!(none.is_empty(), "not selected: {none:?}");

    client.call(&format!("PATCH /users/{ann}"), json!({"jobTitle": null})).await;
    let path = link.as_str().unwrap().split_once("/v1.0").unwrap().1.to_owned();
    let minimal = [("prefer", "return=minimal")];
    let reply = client.try_call(&format!("GET {path}"), &minimal, &Value::Null).await.unwrap();
    assert_eq!(client.round(reply).await.0, [json!({"id": ann, "jobTitle": null})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_purged_and_restored_users() {
    let client = Client::plain().await;
    let (ann, bob) = (client.create("ann").await, client.create("bob").await);
    let (_, link, _) = client.begin("/users/delta?$select=displayName&$deltatoken=latest").await;
    client.call(&format!("DELETE /users/{ann}"), Value::Null).await;
    client.simulator.directory().purge(&bob);
    let (gone, link, _) = client.next(&link).await;
    let removed = |id: &str, reason: &str| json!({"id": id, "@removed": {"reason": reason}});
    assert_eq!(gone, [removed(&ann, "changed"), removed(&bob, "deleted")]);
    client.call(&format!("POST /directory/deletedItems/{ann}/restore"), Value::Null).await;
    let (back, _, _) = client.next(&link).await;
    assert_eq!(back, [json!({"id": ann, "displayName": "ann"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_in_pages_and_then_by_who_came_and_went() {
    let client = Client::plain().await;
    small(&client, false);
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cid", "dan", "eve"] {
        ids.push(Uuid::parse_str(&client.create(name).await).unwrap());
    }
    let directory = client.simulator.directory();
    let seed = GroupSeed::new("Nurses", GroupKind::Security).with_members(ids.iter().take(5).copied());
    let group = directory.add_group(&seed).unwrap().id;
    let (parts, link, _) = client.begin("/groups/delta?$select=displayName,members").await;
    let members = |parts: &[Value]| -> Vec<Value> {
        parts.iter().flat_map(|part| part["members@delta"].as_array().cloned().unwrap_or_default()).collect()
    };
    assert!(parts.len() == 3 && parts.iter().all(|part| part["id"] == group.to_string()), "{parts:?}");
    assert_eq!((&parts[0]["displayName"], members(&parts).len()), (&json!("Nurses"), 5));

    directory.delete(&ids[4].to_string());
    client.call(&format!("DELETE /groups/{group}/members/{}/$ref", ids[0]), Value::Null).await;
    client.call(&format!("DELETE /groups/{group}/members/{}/$ref", ids[1]), Value::Null).await;
    let again = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", ids[1])});
    client.call(&format!("POST /groups/{group}/members/$ref"), again).await;
    let (parts, link, _) = client.next(&link).await;
    let kind = "#microsoft.graph.user";
    let mut told = members(&parts);
    told.sort_by_key(|one| one["id"].to_string());
    let left = json!({"@odata.type": kind, "id": ids[0], "@removed": {"reason": "deleted"}});
    assert_eq!(told, [left, json!({"@odata.type": kind, "id": ids[1]})], "a deleted member stays one");

    client.call(&format!("DELETE /groups/{group}"), Value::Null).await;
    let (gone, _, _) = client.next(&link).await;
    assert_eq!(gone, [json!({"id": group, "@removed": {"reason": "deleted"}})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_some_objects_and_a_manager() {
    let client = Client::plain().await;
    let (ann, bob) = (client.create("ann").await, client.create("bob").await);
    let path = format!("/users/delta?$select=id,manager&$filter=id%20eq%20'{ann}'%20or%20id%20eq%20'{ann}'");
    let (one, link, _) = client.begin(&path).await;
    assert_eq!(one, [json!({"id": ann})]);
    let body = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/users/{bob}")});
    client.call(&format!("PUT /users/{ann}/manager/$ref"), body).await;
    client.call(&format!("PATCH /users/{bob}"), json!({"city": "Ulm"})).await;
    let (changed, _, _) = client.next(&link).await;
    let manager = json!([{"@odata.type": "#microsoft.graph.user", "id": bob}]);
    assert_eq!(changed, [json!({"id": ann, "manager@delta": manager})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires_after_a_week_or_when_a_test_says_so() {
    let clock = Clock::fixed(1_790_000_000_000);
    let mut client = Client::start(Options::default(), clock.clone()).await;
    let (_, link, _) = client.begin("/users/delta?$deltatoken=latest").await;
    clock.advance(7 * 24 * 3600 * 1000);
    client.authorize().await;
    let (_, link, _) = client.next(&link).await;
    clock.advance(7 * 24 * 3600 * 1000 + 1);
    client.authorize().await;
    let gone = client.follow(&link).await;
    assert_eq!((gone.error().0, gone.error().1.as_str()), (410, "syncStateNotFound"));
    assert!(gone.header("location").unwrap().ends_with("/v1.0/users/delta?$deltatoken="));
    let (_, link, _) = client.begin("/users/delta?$deltatoken=").await;
    client.simulator.directory().expire_deltas(400, "resyncRequired");
    assert_eq!(client.follow(&link).await.error().1, "resyncRequired");
    let (_, link, _) = client.begin("/users/delta?$deltatoken=latest").await;
    assert_eq!(client.next(&link).await.0, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_delta_query_does_not_take() {
    let client = Client::rough().await;
    for option in
        ["$top=5", "$expand=manager", "$orderby=displayName", "$skiptoken=x&$select=id", "$select=colour"]
    {
        assert_eq!(client.get(&format!("/users/delta?{option}")).await.error().0, 400, "{option}");
    }
    assert_eq!(client.get("/users/delta?$deltatoken=nonsense").await.error().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_repeats_what_was_told_and_ends_in_an_empty_page() {
    let client = Client::plain().await;
    small(&client, true);
    let (ann, bob) = (client.create("ann").await, client.create("bob").await);
    client.call(&format!("DELETE /users/{bob}"), Value::Null).await;
    let (all, link, _) = client.begin("/users/delta?$select=displayName").await;
    assert!(all.contains(&json!({"id": bob, "@removed": {"reason": "changed"}})), "{all:?}");
    client.call(&format!("PATCH /users/{ann}"), json!({"displayName": "Ann"})).await;
    let (told, _, pages) = client.next(&link).await;
    let mine = told.iter().filter(|one| one["id"] == ann.as_str()).count();
    assert!(mine >= 1 && told.len() > 1 && pages > 1, "{told:?}");
}
