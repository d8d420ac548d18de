//! Groups over HTTP: their members, their shape, who is in what.

use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Answer, Backend, ENTERPRISE, GANGWAY_GROUP, GROUP, Gangway, gangway, group, members, patch, replace, user,
};

/// The ids of users that there are now.
async fn users<const N: usize>(gangway: &Gangway, names: [&str; N]) -> [String; N] {
    let mut ids = Vec::new();
    for name in names {
        ids.push(gangway.scim().post("/Users", &user(name)).await.expect(201).id());
    }
    ids.try_into().unwrap()
}

/// The ids of the members in an answer, in order.
fn ids(answer: &Answer) -> Vec<&str> {
    let members = answer.body["members"].as_array().into_iter().flatten();
    members.map(|member| member["value"].as_str().unwrap()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_group_lives_from_post_to_delete(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let [ann, bo] = users(&gangway, ["ann.berg", "bo.vik"]).await;
    let scim = gangway.scim();
    let mut body = group("Sales", &[&ann]);
    body["externalId"] = json!("g-1");
    body[GANGWAY_GROUP] = json!({"description": "Those who sell"});
    let created = scim.post("/Groups", &body).await.expect(201);
    let path = created.path();
    let location = format!("{}/scim/v2{path}", gangway.url());
    assert_eq!((created.header("location"), created.header("etag")), (location.as_str(), "W/\"1\""));
    assert_eq!(created.body[GANGWAY_GROUP]["syncStatus"], "synced", "{}", created.text);

    let read = scim.get(&path).await.expect(200);
    let names: Vec<&String> = read.body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["schemas", "id", "externalId", "displayName", "members", GANGWAY_GROUP, "meta"]);
    assert_eq!(read.body["schemas"], json!([GROUP, GANGWAY_GROUP]));
    assert_eq!(read.body[GANGWAY_GROUP], json!({"description": "Those who sell"}));
    let member = json!({
        "value": ann, "$ref": format!("{}/scim/v2/Users/{ann}", gangway.url()), "type": "User"
    });
    assert_eq!(read.body["members"], json!([member]), "{}", read.text);
    assert_eq!(
        (&read.body["meta"]["resourceType"], &read.body["meta"]["location"], &read.body["meta"]["version"]),
        (&json!("Group"), &json!(location), &json!("W/\"1\""))
    );

    let added = scim.patch(&path, &members("add", &[&bo])).await.expect(204);
    assert_eq!(
        (added.text.as_str(), added.header("etag"), added.header("location")),
        ("", "W/\"2\"", location.as_str())
    );
    let mut both = [ann.as_str(), &bo];
    both.sort_unstable();
    assert_eq!(ids(&scim.get(&path).await.expect(200)), both);
    let again = scim.patch(&path, &members("add", &[&bo])).await.expect(204);
    assert_eq!(again.header("etag"), "W/\"2\"", "nothing has changed");

    let replaced = scim.put(&path, &group("Sales EU", &[&bo])).await.expect(200);
    assert_eq!((ids(&replaced), &replaced.body["displayName"]), (vec![bo.as_str()], &json!("Sales EU")));
    assert_eq!(replaced.body.get("externalId"), None);
    scim.patch(&path, &members("remove", &[&bo])).await.expect(204);
    assert_eq!(scim.get(&path).await.expect(200).body.get("members"), None, "an empty list is none");

    scim.delete(&path).await.expect(204);
    scim.get(&path).await.expect(404);
    scim.delete(&path).await.expect(404);
    assert_eq!(scim.get("/Groups").await.expect(200).body["totalResults"], 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn members_are_shown_as_they_are_asked_for(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let [ann] = users(&gangway, ["ann.berg"]).await;
    let scim = gangway.scim();
    let path = scim.post("/Groups", &group("Sales", &[&ann])).await.expect(201).path();
    let inner = path.rsplit('/').next().unwrap();
    let outer = scim.post("/Groups", &group("All", &[inner])).await.expect(201);
    let element = &outer.body["members"][0];
    assert_eq!(element["type"], "Group");
    assert_eq!(element["$ref"], format!("{}/scim/v2{path}", gangway.url()));

    for (query, expected) in [
        ("attributes=members.value", json!([{ "value": ann }])),
        ("attributes=members.type", json!([{"type": "User"}])),
        ("attributes=members.display", json!([{"display": "ann.berg@contoso.example"}])),
        ("attributes=displayName", Value::Null),
        ("excludedAttributes=members", Value::Null),
        ("excludedAttributes=members.$ref,members.type", json!([{ "value": ann }])),
    ] {
        for at in [path.as_str(), "/Groups"] {
            let answer = scim.get(&format!("{at}?{query}")).await.expect(200);
            let shown = if at == "/Groups" {
                let all = answer.body["Resources"].as_array().unwrap();
                all.iter().find(|one| one["id"] == inner).unwrap().clone()
            } else {
                answer.body.clone()
            };
            assert_eq!(shown["members"], expected, "{at}?{query}: {}", answer.text);
            assert_eq!(shown["id"], inner);
        }
        let patched = scim.patch(&format!("{path}?{query}"), &replace("externalId", query)).await;
        let status = if query.starts_with("attributes") { 200 } else { 204 };
        assert_eq!(patched.status, status, "{query}: {}", patched.text);
        assert_eq!(patched.body["members"], if status == 200 { expected } else { Value::Null });
    }
    let whole = scim.clone().with("prefer", "return=representation");
    let patched = whole.patch(&path, &replace("displayName", "Sales EU")).await.expect(200);
    assert_eq!(
        (ids(&patched), patched.header("preference-applied")),
        (vec![ann.as_str()], "return=representation")
    );
    let minimal = scim.with("prefer", "return=minimal");
    let replaced = minimal.put(&path, &group("Sales", &[&ann])).await.expect(204);
    assert_eq!((replaced.text.as_str(), replaced.header("preference-applied")), ("", "return=minimal"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_says_which_groups_it_is_in(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let [ann, bo] = users(&gangway, ["ann.berg", "bo.vik"]).await;
    let scim = gangway.scim();
    let inner = scim.post("/Groups", &group("Sales", &[&ann])).await.expect(201);
    let outer = scim.post("/Groups", &group("All", &[&inner.id()])).await.expect(201);
    let path = format!("/Users/{ann}");
    let expected = json!([
        {"value": inner.id(), "$ref": inner.header("location"), "display": "Sales", "type": "direct"},
        {"value": outer.id(), "$ref": outer.header("location"), "display": "All", "type": "indirect"},
    ]);
    let mut body = user("ann.berg");
    body["groups"] = json!([{"value": "none of yours"}]);
    for answer in [
        scim.get(&path).await.expect(200),
        scim.put(&path, &body).await.expect(200),
        scim.patch(&path, &replace("title", "Boss")).await.expect(200),
        scim.get(&format!("{path}?attributes=groups")).await.expect(200),
    ] {
        assert_eq!(answer.body["groups"], expected, "{}", answer.text);
    }
    for query in ["excludedAttributes=groups", "attributes=userName"] {
        assert_eq!(scim.get(&format!("{path}?{query}")).await.expect(200).body.get("groups"), None);
    }
    assert_eq!(scim.get(&format!("/Users/{bo}")).await.expect(200).body.get("groups"), None);
    let listed = scim.get("/Users?attributes=groups.display").await.expect(200);
    let all = listed.body["Resources"].as_array().unwrap();
    let shown: Vec<&Value> = all.iter().map(|one| &one["groups"]).collect();
    assert_eq!(shown, [&json!([{"display": "Sales"}, {"display": "All"}]), &Value::Null]);
    for filter in [
        format!("groups.value eq \"{}\"", outer.id()),
        "groups[display eq \"sales\" and type eq \"direct\"]".to_owned(),
        "groups pr".to_owned(),
    ] {
        let found = scim.get(&format!("/Users?attributes=id&filter={filter}")).await.expect(200);
        assert_eq!(found.body["totalResults"], 1, "{filter}");
        assert_eq!(found.body["Resources"][0]["id"], ann.as_str(), "{filter}");
    }

    scim.delete(&format!("/Groups/{}", inner.id())).await.expect(204);
    assert_eq!(scim.get(&path).await.expect(200).body.get("groups"), None);
    let refused = scim.patch(&path, &replace("groups", json!([]))).await.expect(400);
    assert_eq!(refused.body["scimType"], "mutability");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_group_is_refused_by_name_and_nothing_changes(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let [ann] = users(&gangway, ["ann.berg"]).await;
    let scim = gangway.scim();
    let nobody = "0197a0d4-0000-7000-8000-000000000000";
    let mut body = group("Sales", &[&ann]);
    body["externalId"] = json!("g-1");
    let path = scim.post("/Groups", &body).await.expect(201).path();
    let own = path.rsplit('/').next().unwrap();
    let before = scim.get(&path).await.expect(200);
    for (method, at, body, status, scim_type, says) in [
        (Method::POST, "/Groups", group("X", &[&ann, nobody]), 400, "invalidValue", nobody),
        (Method::POST, "/Groups", group("X", &["does-not-exist"]), 400, "invalidValue", "does-not-exist"),
        (Method::POST, "/Groups", json!({"schemas": [GROUP]}), 400, "invalidValue", "displayName"),
        (Method::POST, "/Groups", body, 409, "uniqueness", "Sales"),
        (Method::PUT, &path, group("Y", &[own]), 400, "invalidValue", "itself"),
        (Method::PATCH, &path, members("add", &[own]), 400, "invalidValue", "itself"),
        (Method::PATCH, &path, members("replace", &[nobody]), 400, "invalidValue", nobody),
        (
            Method::PATCH,
            &path,
            patch([
                json!({"op": "replace", "path": "displayName", "value": "Y"}),
                json!({"op": "add", "path": "members", "value": [{"value": "x1"}]}),
            ]),
            400,
            "invalidValue",
            "x1",
        ),
    ] {
        let answer = scim.send(method.clone(), at, Some(&body)).await;
        assert_eq!((answer.status, &answer.body["scimType"]), (status, &json!(scim_type)), "{}", answer.text);
        assert!(answer.detail().contains(says), "{method} {at}: {}", answer.text);
    }
    let after = scim.get(&path).await.expect(200);
    assert_eq!((&after.body, after.header("etag")), (&before.body, before.header("etag")));
    assert_eq!(scim.get("/Groups").await.expect(200).body["totalResults"], 1);
    for (method, body) in [
        (Method::GET, None),
        (Method::PUT, Some(group("X", &[]))),
        (Method::PATCH, Some(members("add", &[]))),
    ] {
        for id in [nobody, ann.as_str(), "1", "%00"] {
            let answer = scim.send(method.clone(), &format!("/Groups/{id}"), body.as_ref()).await;
            assert!([404, 400].contains(&answer.status), "{method} {id}: {}", answer.text);
            answer.detail();
        }
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn versions_of_groups_are_heeded(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let [ann] = users(&gangway, ["ann.berg"]).await;
    let scim = gangway.scim();
    let path = scim.post("/Groups", &group("Sales", &[])).await.expect(201).path();
    let old = scim.clone().with("if-match", "W/\"1\"");
    old.patch(&path, &members("add", &[&ann])).await.expect(204);
    old.patch(&path, &members("remove", &[&ann])).await.expect(412);
    old.put(&path, &group("X", &[])).await.expect(412);
    old.delete(&path).await.expect(412);
    let known = scim.clone().with("if-none-match", "W/\"2\"");
    assert_eq!(known.get(&path).await.expect(304).header("etag"), "W/\"2\"");
    scim.clone().with("if-none-match", "W/\"1\"").get(&path).await.expect(200);
    let head = scim.send(Method::HEAD, &path, None).await.expect(200);
    assert_eq!((head.text.as_str(), head.header("etag")), ("", "W/\"2\""));
    scim.with("if-match", "W/\"2\"").delete(&path).await.expect(204);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_manager_has_the_address_of_its_user(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let [boss] = users(&gangway, ["bo.vik"]).await;
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body[ENTERPRISE] = json!({"manager": {"value": boss, "$ref": "https://elsewhere.example/Users/1"}});
    let created = scim.post("/Users", &body).await.expect(201);
    let location = format!("{}/scim/v2/Users/{boss}", gangway.url());
    assert_eq!(created.body[ENTERPRISE]["manager"], json!({"value": boss, "$ref": location}));
    let path = created.path();
    scim.patch(&path, &replace(&format!("{ENTERPRISE}:manager"), json!({"value": "E-7"}))).await.expect(200);
    let read = scim.get(&path).await.expect(200);
    assert_eq!(read.body[ENTERPRISE]["manager"]["value"], "E-7");
}
