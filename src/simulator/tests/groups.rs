//! Groups over HTTP: their life, their members, lists and pages.

use serde_json::{Value, json};

use super::client::{Client, Reply};
use super::*;

fn group(name: &str) -> Value {
    json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true})
}

fn reference(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

fn bound(ids: &[&String]) -> Value {
    ids.iter().map(|id| reference(id)["@odata.id"].clone()).collect()
}

fn ids(list: &Value) -> Vec<String> {
    let items = list["value"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

impl Client {
    async fn create_group(&self, body: Value) -> String {
        let reply = self.call("POST /groups", body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    async fn delete(&self, path: &str) -> Reply {
        self.call(&format!("DELETE {path}"), Value::Null).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_read_changed_and_deleted() {
    let client = Client::plain().await;
    let (ann, bob) = (client.create("ann").await, client.create("bob").await);
    let mut body = group("Nurses");
    body["description"] = json!("All of them");
    body["members@odata.bind"] = bound(&[&ann]);
    let made = client.call("POST /groups", body).await;
    let shown = made.json();
    let id = shown["id"].as_str().unwrap();
    assert_eq!(
        (made.status, made.header("location").unwrap().ends_with(&format!("/v1.0/groups/{id}"))),
        (201, true)
    );
    assert!(shown["@odata.context"].as_str().unwrap().ends_with("/v1.0/$metadata#groups/$entity"));
    assert_eq!((&shown["groupTypes"], &shown["description"]), (&json!([]), &json!("All of them")));
    assert_eq!((&shown["isAssignableToRole"], &shown["onPremisesSyncEnabled"]), (&Value::Null, &Value::Null));
    assert!(shown.get("members").is_none());

    let change = json!({"displayName": "Doctors", "description": null, "members@odata.bind": bound(&[&bob])});
    assert_eq!(client.call(&format!("PATCH /groups/{id}"), change).await.status, 204);
    let read = client.get(&format!("/groups/{id}?$select=displayName,description,mailNickname")).await.json();
    assert_eq!(
        (&read["displayName"], &read["description"], &read["mailNickname"]),
        (&json!("Doctors"), &Value::Null, &json!("Nurses"))
    );
    let kept = client.simulator.directory().group_named("doctors").unwrap();
    assert_eq!(kept.members.iter().map(ToString::to_string).collect::<Vec<_>>(), [ann.clone(), bob]);

    assert_eq!(client.delete(&format!("/groups/{id}")).await.status, 204);
    assert_eq!(client.get(&format!("/groups/{id}")).await.error().0, 404);
    assert!(client.simulator.directory().groups().is_empty());
    assert_eq!(client.get(&format!("/users/{ann}/memberOf")).await.json()["value"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_added_listed_and_removed() {
    let client = Client::plain().await;
    let (ann, bob) = (client.create("ann").await, client.create("bob").await);
    let nested = client.create_group(group("Nested")).await;
    let id = client.create_group(group("Nurses")).await;
    let members = format!("/groups/{id}/members");
    for member in [&ann, &nested] {
        assert_eq!(client.call(&format!("POST {members}/$ref"), reference(member)).await.status, 204);
    }
    let again = client.call(&format!("POST {members}/$ref"), reference(&ann)).await;
    let text =
        "One or more added object references already exist for the following modified properties: 'members'.";
    assert_eq!(again.error(), (400, "Request_BadRequest".to_owned(), text.to_owned()));
    let both = client
        .call(&format!("PATCH /groups/{id}"), json!({"members@odata.bind": bound(&[&bob, &ann])}))
        .await;
    assert_eq!(both.error().2, text);

    let list = client.get(&members).await.json();
    let kinds: Vec<&Value> =
        list["value"].as_array().unwrap().iter().map(|item| &item["@odata.type"]).collect();
    assert_eq!(kinds, ["#microsoft.graph.user", "#microsoft.graph.group"]);
    assert_eq!(ids(&list), [ann.clone(), nested.clone()]);
    let named = client.get(&format!("{members}?$select=id,userPrincipalName,mailNickname")).await.json();
    assert_eq!(named["value"][0]["userPrincipalName"], "ann@contoso.example");
    assert!(named["value"][1].get("userPrincipalName").is_none(), "a group has none");
    assert_eq!(client.eventual(&format!("{members}/$count")).await.text, "2");
    assert_eq!(client.get(&format!("{members}/$ref")).await.json()["value"].as_array().unwrap().len(), 2);
    assert_eq!(
        ids(&client.get(&format!("/users/{ann}/memberOf?$select=id")).await.json()),
        std::slice::from_ref(&id)
    );

    assert_eq!(client.delete(&format!("{members}/{ann}/$ref")).await.status, 204);
    let gone = client.delete(&format!("{members}/{ann}/$ref")).await;
    assert_eq!((gone.error().0, gone.error().1.as_str()), (404, "Request_ResourceNotFound"));
    assert_eq!(ids(&client.get(&members).await.json()), [nested]);
    assert_eq!(client.get(&format!("/users/{ann}")).await.status, 200);

    assert_eq!(client.call(&format!("POST {members}/$ref"), reference(&bob)).await.status, 204);
    client.delete(&format!("/users/{bob}")).await;
    assert_eq!(client.eventual(&format!("{members}?$count=true&$select=id")).await.json()["@odata.count"], 1);
    client.call(&format!("POST /directory/deletedItems/{bob}/restore"), Value::Null).await;
    assert_eq!(client.eventual(&format!("{members}?$count=true&$select=id")).await.json()["@odata.count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_without_the_reference_hits_the_user() {
    let client = Client::rough().await;
    let ann = client.create("ann").await;
    let mut body = group("Nurses");
    body["members@odata.bind"] = bound(&[&ann]);
    let id = client.create_group(body).await;
    assert_eq!(client.delete(&format!("/groups/{id}/members/{ann}")).await.status, 204);
    assert_eq!(client.get(&format!("/users/{ann}")).await.status, 404);
    assert_eq!(client.simulator.directory().count("DELETE /groups/{id}/members/{member}"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_and_paged() {
    let client = Client::plain().await;
    for name in ["alpha", "beta", "gamma"] {
        client.create_group(group(name)).await;
    }
    client.create_group(group("beta")).await;
    let found = client
        .get("/groups?$filter=displayName%20eq%20'BETA'&$select=id,displayName,groupTypes")
        .await
        .json();
    assert_eq!(found["value"].as_array().unwrap().len(), 2);
    let by_nickname = client.get("/groups?$filter=mailNickname%20eq%20'gamma'&$select=id").await.json();
    assert_eq!(by_nickname["value"].as_array().unwrap().len(), 1);
    let security = client
        .get("/groups?$filter=securityEnabled%20eq%20true%20and%20mailEnabled%20eq%20false&$select=id")
        .await;
    assert_eq!(security.json()["value"].as_array().unwrap().len(), 4);
    assert_eq!(client.eventual("/groups/$count").await.text, "4");

    let (mut names, mut path) =
        (Vec::new(), "/groups?$select=displayName&$top=3&$orderby=displayName".to_owned());
    loop {
        let page = client.get(&path).await.json();
        names.extend(page["value"].as_array().unwrap().iter().map(|group| group["displayName"].clone()));
        let Some(next) = page["@odata.nextLink"].as_str() else {
            break;
        };
        next.strip_prefix(&format!("{}v1.0", client.simulator.url())).unwrap().clone_into(&mut path);
    }
    assert_eq!(names, ["alpha", "beta", "beta", "gamma"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_members_is_paged_by_id() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    let mut users = Vec::new();
    for number in 0..250 {
        users.push(directory.put(&UserSeed::new(&format!("u{number}@contoso.example"))).unwrap().id);
    }
    let seed = GroupSeed::new("Everybody", GroupKind::Security).with_members(users.iter().copied());
    let id = directory.add_group(&seed).unwrap().id;
    let (mut met, mut sizes, mut path) = (Vec::new(), Vec::new(), format!("/groups/{id}/members?$select=id"));
    loop {
        let page = client.get(&path).await.json();
        sizes.push(ids(&page).len());
        met.extend(ids(&page));
        let Some(next) = page["@odata.nextLink"].as_str() else {
            break;
        };
        next.strip_prefix(&format!("{}v1.0", client.simulator.url())).unwrap().clone_into(&mut path);
    }
    assert_eq!(sizes, [100, 100, 50]);
    users.sort();
    assert_eq!(met, users.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(ids(&client.get(&format!("/groups/{id}/members?$top=7&$select=id")).await.json()).len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_graph_refuses_of_groups() {
    let client = Client::rough().await;
    let directory = client.simulator.directory();
    let dynamic = directory.add_group(&GroupSeed::new("Dynamic", GroupKind::Dynamic)).unwrap().id;
    let ann = client.create("ann").await;
    let added = client.call(&format!("POST /groups/{dynamic}/members/$ref"), reference(&ann)).await;
    assert_eq!((added.error().0, added.error().1.as_str()), (403, "Authorization_RequestDenied"));
    let query = |text: &str| (400, "Request_UnsupportedQuery".to_owned(), text.to_owned());
    let clause = "Unsupported or invalid query filter clause specified for property 'description' of resource 'Group'.";
    assert_eq!(client.get("/groups?$filter=description%20eq%20'x'").await.error(), query(clause));
    let unknown = "Property 'userPrincipalName' does not exist as a declared property or extension property.";
    assert_eq!(client.get("/groups?$select=userPrincipalName").await.error(), query(unknown));
    let sorting = "Sorting not supported for current query.";
    assert_eq!(client.get("/groups?$orderby=mailNickname").await.error(), query(sorting));
    assert_eq!(client.get("/groups/x").await.error().2, "Invalid object identifier 'x'.");
    assert_eq!(client.get("/groups/$count").await.error().2, "$count is not currently supported.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_the_groups_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state: Some(folder.path().join("state.jsonl")), ..Options::default() };
    let client = Client::start(options.clone(), Clock::system()).await;
    let (ann, bob) = (client.create("ann").await, client.create("bob").await);
    let mut body = group("Nurses");
    body["members@odata.bind"] = bound(&[&ann, &bob]);
    let id = client.create_group(body).await;
    client.delete(&format!("/groups/{id}/members/{ann}/$ref")).await;
    let gone = client.create_group(group("Gone")).await;
    client.delete(&format!("/groups/{gone}")).await;
    let before = client.simulator.directory().groups();
    let again = Client::start(options, Clock::system()).await;
    assert_eq!(again.simulator.directory().groups(), before);
    assert_eq!((before.len(), before[0].members.len()), (1, 1));
}
