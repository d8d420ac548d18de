//! What a client may say and what comes of it: read-only attributes, the password, uniqueness, PUT.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, ENTERPRISE, GANGWAY, Gangway, USER, gangway, patch, replace, user};

#[track_caller]
fn taken(answer: &Answer, name: &str) {
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert_eq!(answer.body["scimType"], "uniqueness");
    assert!(answer.detail().contains(name), "{}", answer.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_name_is_unique_without_regard_to_case(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    scim.post("/Users", &user("ann.berg")).await.expect(201);
    let other = scim.post("/Users", &user("bo.vik")).await.expect(201);
    let before = (scim.get("/Users").await.body, gangway.simulator().users(), gangway.simulator().counts());
    let name = "ANN.Berg@Contoso.Example";
    let mut body = user("bo.vik");
    body["userName"] = json!(name);
    body["title"] = json!("Changed");
    taken(&scim.post("/Users", &body).await, name);
    taken(&scim.put(&other.path(), &body).await, name);
    let operations = [
        json!({"op": "replace", "path": "title", "value": "Changed"}),
        json!({"op": "replace", "path": "userName", "value": name}),
    ];
    taken(&scim.patch(&other.path(), &patch(operations)).await, name);
    let after = (scim.get("/Users").await.body, gangway.simulator().users(), gangway.simulator().counts());
    assert_eq!(after, before, "nothing of the refused requests took effect");

    // One's own name in another case is no conflict.
    let answer = scim.patch(&other.path(), &replace("userName", "BO.Vik@contoso.example")).await;
    assert_eq!(answer.expect(200).body["userName"], "BO.Vik@contoso.example");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_creates_of_one_name_at_once_one_goes_through(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let creates = (0..8).map(|n| {
        let client = gangway.scim();
        let name = if n % 2 == 0 { "ann.berg@contoso.example" } else { "ANN.BERG@contoso.example" };
        let mut body = user("ann.berg");
        body["userName"] = json!(name);
        tokio::spawn(async move { client.post("/Users", &body).await.status })
    });
    let creates: Vec<_> = creates.collect();
    let mut statuses = Vec::new();
    for create in creates {
        statuses.push(create.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(gangway.simulator().users().len(), 1);
    assert_eq!(gangway.scim().get("/Users").await.body["totalResults"], 1);
}

/// Everything that a client has no say in.
fn read_only() -> Value {
    json!({
        "schemas": [USER, "urn:foreign:schema"],
        "id": "my-own-id",
        "meta": {"version": "W/\"77\"", "created": "2001-01-01T00:00:00Z", "location": "http://elsewhere.example"},
        "groups": [{"value": "g-1", "display": "Admins"}],
        (ENTERPRISE): {"manager": {"value": "m-1", "displayName": "The Boss"}},
        (GANGWAY): {"syncStatus": "failed", "syncError": "none", "accountId": "mine", "connection": "c", "officeLocation": "B2"},
        "urn:foreign:schema": {"shoeSize": 44},
        "shoeSize": 44,
    })
}

#[track_caller]
fn kept_to_ourselves(gangway: &Gangway, answer: &Answer, id: &str) {
    let text = &answer.text;
    assert_eq!(answer.body["id"], id, "{text}");
    assert!(answer.body["meta"]["created"].as_str().unwrap() > "2020", "{text}");
    for name in ["groups", "shoeSize", "urn:foreign:schema"] {
        assert_eq!(answer.body.get(name), None, "{text}");
    }
    assert_eq!(answer.body[ENTERPRISE]["manager"], json!({"value": "m-1"}), "{text}");
    assert_eq!(answer.body[GANGWAY]["officeLocation"], "B2", "{text}");
    assert!(!text.contains("\"mine\"") && !text.contains("urn:foreign"), "{text}");
    assert_eq!(gangway.account("ann.berg").get("officeLocation"), "B2");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_alone_says_is_passed_over_in_a_body(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    body.as_object_mut().unwrap().extend(read_only().as_object().unwrap().clone());
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    let (id, path) = (created.id(), created.path());
    assert_ne!(id, "my-own-id");
    kept_to_ourselves(&gangway, &created, &id);
    assert_eq!(created.sync_status(), "synced");
    body["title"] = json!("Boss");
    let replaced = gangway.scim().put(&path, &body).await.expect(200);
    kept_to_ourselves(&gangway, &replaced, &id);
    let operation = json!({"op": "replace", "value": read_only()});
    let patched = gangway.scim().patch(&path, &patch([operation])).await.expect(200);
    kept_to_ourselves(&gangway, &patched, &id);
    assert_eq!(patched.body["meta"]["version"], replaced.body["meta"]["version"]);
    let asked = gangway.scim().get(&format!("{path}?attributes={GANGWAY}")).await.expect(200);
    assert_eq!(asked.sync_status(), "synced");
    assert_eq!(asked.body[GANGWAY]["accountId"], json!(gangway.account("ann.berg").id));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_set_and_never_seen_again(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let passwords = ["First-Pass-1", "Second-Pass-2", "Third-Pass-3", "Fourth-Pass-4"];
    let mut body = user("ann.berg");
    body["password"] = json!(passwords[0]);
    let created = scim.post("/Users", &body).await.expect(201);
    let path = created.path();
    body["password"] = json!(passwords[1]);
    let replaced = scim.put(&path, &body).await.expect(200);
    let by_path = scim.patch(&path, &replace("password", passwords[2])).await.expect(200);
    let by_value = json!({"op": "add", "value": {"password": passwords[3]}});
    let by_value = scim.patch(&path, &patch([by_value])).await.expect(200);
    assert!(gangway.simulator().signs_in("ann.berg@contoso.example", passwords[3]));
    let mut texts = vec![created.text, replaced.text, by_path.text, by_value.text];
    for query in ["", "?attributes=password", "?attributes=userName,password", "?excludedAttributes=emails"] {
        texts.push(scim.get(&format!("{path}{query}")).await.expect(200).text);
        texts.push(scim.get(&format!("/Users{query}")).await.expect(200).text);
    }
    texts.push(json!(gangway.events().await).to_string());
    for text in texts {
        assert!(!text.contains("\"password\":"), "{text}");
        assert!(passwords.iter().all(|password| !text.contains(password)), "{text}");
    }
    assert_eq!(
        gangway.told(created.body["id"].as_str().unwrap()).await,
        [
            "user_create_provision",
            "user_password_update_provision",
            "user_password_update_provision",
            "user_password_update_provision"
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn put_clears_what_it_leaves_out_but_active(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    for (name, value) in [
        ("externalId", json!("e-1")),
        ("displayName", json!("Ann B.")),
        ("title", json!("Boss")),
        ("active", json!(false)),
        ("emails", json!([{"type": "other", "value": "a@b.example"}])),
        ("phoneNumbers", json!([{"type": "work", "value": "+47 1"}, {"type": "mobile", "value": "+47 2"}])),
        ("addresses", json!([{"type": "work", "locality": "Oslo", "country": "NO"}])),
        (ENTERPRISE, json!({"department": "Sales", "employeeNumber": "7"})),
        (GANGWAY, json!({"officeLocation": "B2"})),
    ] {
        body[name] = value;
    }
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    let account = gangway.account("ann.berg");
    for (property, value) in
        [("jobTitle", "Boss"), ("city", "Oslo"), ("department", "Sales"), ("mobilePhone", "+47 2")]
    {
        assert_eq!(account.get(property), value);
    }
    let replaced = gangway.scim().put(&created.path(), &user("ann.berg")).await.expect(200);
    let mut plain = replaced.body.clone();
    for name in ["id", "meta", "schemas", GANGWAY] {
        plain.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(
        plain,
        json!({
            "userName": "ann.berg@contoso.example", "active": false,
            "name": {"givenName": "Ann", "familyName": "Berg"},
        })
    );
    let account = gangway.account("ann.berg");
    for property in
        ["jobTitle", "city", "country", "department", "employeeId", "mobilePhone", "officeLocation"]
    {
        assert_eq!(account.get(property), &Value::Null, "{property}");
    }
    for property in ["otherMails", "businessPhones"] {
        let value = account.get(property);
        assert!(value.is_null() || value == &json!([]), "{property}: {value}");
    }
    assert_eq!(account.get("displayName"), "Ann Berg");
    assert_eq!(account.get("accountEnabled"), &json!(false), "an omitted active stays as it is");
    body["active"] = json!(true);
    gangway.scim().put(&created.path(), &body).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), &json!(true));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn null_and_the_empty_list_are_no_value(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    body["title"] = json!("Boss");
    body["emails"] = json!([{"type": "other", "value": "a@b.example"}]);
    body[ENTERPRISE] = json!({"department": "Sales", "manager": {"value": "m-1"}});
    let path = gangway.scim().post("/Users", &body).await.expect(201).path();
    let nothing = json!({
        "title": null, "emails": [], "nickName": null, "name": {"givenName": null},
        (ENTERPRISE): {"department": null, "manager": null},
    });
    let patched = gangway.scim().patch(&path, &patch([json!({"op": "replace", "value": nothing})])).await;
    let patched = patched.expect(200).body;
    for name in ["title", "emails", "nickName", ENTERPRISE] {
        assert_eq!(patched.get(name), None, "{patched}");
    }
    assert_eq!(patched["name"], json!({"familyName": "Berg"}));
    let account = gangway.account("ann.berg");
    assert_eq!((account.get("jobTitle"), account.get("givenName")), (&Value::Null, &Value::Null));
    let mut body = user("bo.vik");
    body.as_object_mut().unwrap().extend(nothing.as_object().unwrap().clone());
    let created = gangway.scim().post("/Users", &body).await.expect(201).body;
    for name in ["title", "emails", "nickName", "name", ENTERPRISE] {
        assert_eq!(created.get(name), None, "{created}");
    }
}
