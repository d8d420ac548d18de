//! Queries of lists that hold either type, searches, expansions, and the groups' own deleted items.

use serde_json::{Value, json};

use uuid::Uuid;

use super::client::Client;
use super::*;

fn names(list: &Value) -> Vec<String> {
    let items = list["value"].as_array().unwrap_or_else(|| panic!("no list: {list}")).iter();
    items.map(|item| item["displayName"].as_str().unwrap().to_owned()).collect()
}

/// Users ann, bob and cid, and the group `Nurses` of ann, bob and the group `Inner`.
async fn hospital() -> (Client, Uuid) {
    let client = Client::plain().await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cid"] {
        ids.push(Uuid::parse_str(&client.create(name).await).unwrap());
    }
    let directory = client.simulator.directory();
    let inner = directory.add_group(&GroupSeed::new("Inner", GroupKind::Security)).unwrap().id;
    let members = [ids[0], ids[1], inner];
    let seed = GroupSeed::new("Nurses", GroupKind::Security).with_members(members);
    let group = directory.add_group(&seed).unwrap().id;
    (client, group)
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_filtered_searched_ordered_and_counted_in_advanced_queries() {
    let (client, group) = hospital().await;
    let list = format!("/groups/{group}/members");
    let found =
        client.eventual(&format!("{list}?$count=true&$filter=startsWith(displayName,'a')")).await.json();
    assert_eq!((names(&found), &found["@odata.count"]), (vec!["ann".to_owned()], &json!(1)));
    let ordered =
        client.eventual(&format!("{list}?$count=true&$orderby=displayName%20desc&$top=2")).await.json();
    assert_eq!(
        (names(&ordered), &ordered["@odata.count"]),
        (vec!["Inner".to_owned(), "bob".to_owned()], &json!(3))
    );
    let next = ordered["@odata.nextLink"].as_str().unwrap().split_once("/v1.0").unwrap().1;
    assert_eq!(names(&client.eventual(next).await.json()), ["ann"]);
    let searched = client.eventual(&format!("{list}?$search=%22displayName:inn%22")).await.json();
    assert_eq!(names(&searched), ["Inner"]);
    assert_eq!(client.eventual(&format!("{list}/$count")).await.text, "3");
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_members_and_groups_do_not_take() {
    let client = Client::rough().await;
    let group = client.simulator.directory().add_group(&GroupSeed::new("G", GroupKind::Security)).unwrap().id;
    let list = format!("/groups/{group}/members");
    for query in ["$filter=startsWith(displayName,'a')", "$orderby=displayName"] {
        assert_eq!(
            client.get(&format!("{list}?{query}")).await.error().1,
            "Request_UnsupportedQuery",
            "{query}"
        );
    }
    let filtered = client.eventual(&format!("{list}/$count?$filter=startsWith(displayName,'b')")).await;
    assert_eq!(filtered.text, "0");
    assert_eq!(client.get(&format!("{list}?$expand=memberOf")).await.error().0, 400);
    assert_eq!(client.get("/groups?$expand=colours").await.error().0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_users_and_groups() {
    let (client, _) = hospital().await;
    let users =
        client.eventual("/users?$search=%22displayName:an%22%20OR%20%22mail:x%22&$select=displayName").await;
    assert_eq!(names(&users.json()), ["ann"]);
    let groups = client.eventual("/groups?$search=%22displayName:nur%22&$count=true").await.json();
    assert_eq!((names(&groups), &groups["@odata.count"]), (vec!["Nurses".to_owned()], &json!(1)));
    let ordered = "/users?$search=%22displayName:c%22&$orderby=displayName&$count=true";
    assert_eq!(client.eventual(ordered).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn relationships_are_expanded() {
    let (client, group) = hospital().await;
    let shown =
        client.get(&format!("/groups/{group}?$select=id&$expand=members($select=id,displayName)")).await;
    let members = shown.json()["members"].clone();
    assert_eq!(names(&json!({ "value": members })), ["ann", "bob", "Inner"]);
    let user = client.get("/users/ann@contoso.example?$select=id&$expand=memberOf").await.json();
    assert_eq!(user["memberOf"][0]["displayName"], "Nurses");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microsoft_365_group_is_restored_with_its_members() {
    let client = Client::plain().await;
    let ann = client.create("ann").await;
    let bind = format!("https://graph.microsoft.com/v1.0/directoryObjects/{ann}");
    let body = json!({
        "displayName": "Team", "mailEnabled": true, "mailNickname": "team", "securityEnabled": false,
        "groupTypes": ["Unified"], "members@odata.bind": [bind], "owners@odata.bind": [bind],
    });
    let made = client.call("POST /groups", body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let owners = client.get(&format!("/groups/{id}?$select=id&$expand=owners($select=id)")).await.json();
    assert_eq!(owners["owners"][0]["id"], ann);
    assert_eq!(client.call(&format!("DELETE /groups/{id}"), Value::Null).await.status, 204);
    assert_eq!(client.get(&format!("/groups/{id}")).await.status, 404);
    let deleted = client.get(&format!("/directory/deletedItems/{id}")).await.json();
    assert_eq!(deleted["@odata.type"], "#microsoft.graph.group");
    assert!(deleted["deletedDateTime"].is_string());

    let twin = client.call("POST /groups", body).await.json()["id"].as_str().unwrap().to_owned();
    let taken = client.call(&format!("POST /directory/deletedItems/{id}/restore"), Value::Null).await;
    assert_eq!(taken.error().0, 400, "its nickname is taken");
    client.call(&format!("DELETE /groups/{twin}"), Value::Null).await;
    client.call(&format!("DELETE /directory/deletedItems/{twin}"), Value::Null).await;
    let back = client.call(&format!("POST /directory/deletedItems/{id}/restore"), Value::Null).await;
    assert_eq!((back.status, &back.json()["displayName"]), (200, &json!("Team")));
    let members = client.get(&format!("/groups/{id}/members?$select=id")).await.json();
    assert_eq!(members["value"][0]["id"], ann);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_can_hold_roles_takes_a_permission_of_its_own() {
    let mut client = Client::rough().await;
    let ann = client.create("ann").await;
    let body = json!({
        "displayName": "Admins", "mailEnabled": false, "mailNickname": "admins", "securityEnabled": true,
        "isAssignableToRole": true,
    });
    assert_eq!(client.call("POST /groups", body.clone()).await.error().1, "Authorization_RequestDenied");
    let app = TenantSeed::contoso().apps[0].client_id;
    let permission = "RoleManagement.ReadWrite.Directory".to_owned();
    client.simulator.directory().change_app(app, |app| app.permissions.push(permission));
    client.authorize().await;
    let made = client.call("POST /groups", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let member = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{ann}")});
    assert_eq!(client.call(&format!("POST /groups/{id}/members/$ref"), member).await.status, 204);
    let change = json!({"isAssignableToRole": false});
    assert_eq!(client.call(&format!("PATCH /groups/{id}"), change).await.error().0, 400, "never again");
}
