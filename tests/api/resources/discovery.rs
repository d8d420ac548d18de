//! The discovery documents tell the truth (RFC 7644 §4).

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Backend, ENTERPRISE, GANGWAY, GANGWAY_GROUP, GROUP, Gangway, USER, gangway, group, replace, user,
};

const BIND: &str = "bind";

async fn read(gangway: &Gangway, path: &str) -> Value {
    gangway.scim().get(path).await.expect(200).body
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_announces_what_works_and_nothing_else(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let config = read(&gangway, "/ServiceProviderConfig").await;
    let supported = |name: &str| config[name]["supported"].as_bool().unwrap();
    assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
    assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken");
    assert_eq!(config["authenticationSchemes"].as_array().unwrap().len(), 1);

    let created = gangway.scim().post("/Users", &user("p1")).await.expect(201);
    gangway.scim().post("/Users", &user("p2")).await.expect(201);
    let path = created.path();
    assert!(supported("patch"));
    gangway.scim().patch(&path, &replace("title", "Boss")).await.expect(200);
    assert!(supported("changePassword"));
    gangway.scim().patch(&path, &replace("password", "Aa1-xyzw")).await.expect(200);
    assert!(gangway.simulator().signs_in("p1@contoso.example", "Aa1-xyzw"));
    assert!(supported("filter"));
    let found = read(&gangway, "/Users?filter=title%20pr").await;
    assert_eq!(found["totalResults"], 1);
    assert!(supported("etag"));
    gangway.scim().with("if-match", "W/\"1\"").delete(&path).await.expect(412);

    assert!(supported("bulk"));
    assert_eq!(config["bulk"]["maxOperations"], json!(1_000));
    gangway.scim().post("/Bulk", &json!({"Operations": []})).await.expect(200);
    assert!(supported("sort"));
    let sorted = read(&gangway, "/Users?sortBy=userName&sortOrder=descending").await;
    assert_eq!(sorted["Resources"][0]["userName"], "p2@contoso.example");

    let most = config["filter"]["maxResults"].as_u64().unwrap();
    assert_eq!(config["pagination"]["maxPageSize"], json!(most));
    assert_eq!(config["pagination"]["index"], json!(true));
    assert_eq!(config["pagination"]["cursor"], json!(true));
    let paged = read(&gangway, "/Users?cursor=&count=1").await;
    assert!(paged["nextCursor"].is_string(), "{paged}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn pages_have_the_sizes_that_are_announced(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let config = read(&gangway, "/ServiceProviderConfig").await;
    let default = config["pagination"]["defaultPageSize"].as_u64().unwrap();
    let client = gangway.scim().with("prefer", "respond-async");
    for n in 0..=default {
        client.post("/Users", &user(&format!("p{n}"))).await.expect(202);
    }
    let unasked = read(&gangway, "/Users").await;
    assert_eq!((&unasked["totalResults"], &unasked["itemsPerPage"]), (&json!(default + 1), &json!(default)));
    let all = read(&gangway, "/Users?count=1000000").await;
    assert_eq!(all["itemsPerPage"], json!(default + 1));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn types_and_schemas_are_listed_and_each_is_at_its_location(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let types = read(&gangway, "/ResourceTypes").await;
    assert_eq!(types["totalResults"], 2);
    let listed = &types["Resources"][0];
    assert_eq!(
        (&listed["name"], &listed["endpoint"], &listed["schema"]),
        (&json!("User"), &json!("/Users"), &json!(USER))
    );
    assert_eq!(
        listed["schemaExtensions"],
        json!([{"schema": ENTERPRISE, "required": false}, {"schema": GANGWAY, "required": false}])
    );
    let listed = &types["Resources"][1];
    assert_eq!(
        (&listed["name"], &listed["endpoint"], &listed["schema"], &listed["schemaExtensions"]),
        (
            &json!("Group"),
            &json!("/Groups"),
            &json!(GROUP),
            &json!([{"schema": GANGWAY_GROUP, "required": false}])
        )
    );
    let schemas = read(&gangway, "/Schemas").await;
    let ids: Vec<&Value> =
        schemas["Resources"].as_array().unwrap().iter().map(|schema| &schema["id"]).collect();
    assert_eq!(ids, [USER, ENTERPRISE, GANGWAY, GROUP, GANGWAY_GROUP]);
    assert_eq!((&schemas["totalResults"], &schemas["itemsPerPage"]), (&json!(5), &json!(5)));
    let documents =
        types["Resources"].as_array().unwrap().iter().chain(schemas["Resources"].as_array().unwrap());
    for document in documents {
        let location = document["meta"]["location"].as_str().unwrap();
        let path = location.strip_prefix(&format!("{}/scim/v2", gangway.url())).expect(location);
        assert_eq!(&read(&gangway, path).await, document);
    }
}

/// The attributes of a schema, with those inside, as `name` or `name.sub`.
fn attributes(schema: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for attribute in schema["attributes"].as_array().unwrap() {
        let name = attribute["name"].as_str().unwrap();
        for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
            all.push((format!("{name}.{}", sub["name"].as_str().unwrap()), sub.clone()));
        }
        all.push((name.to_owned(), attribute.clone()));
    }
    all
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_characteristics_that_are_announced_are_those_that_hold(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let user = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let group = gangway.scim().post("/Groups", &group("Sales", &[&user.id()])).await.expect(201);
    let schemas = read(&gangway, "/Schemas").await;
    for schema in schemas["Resources"].as_array().unwrap() {
        let urn = schema["id"].as_str().unwrap();
        let (created, core, endpoint) =
            if urn.ends_with(":Group") { (&group, GROUP, "/Groups") } else { (&user, USER, "/Users") };
        for (name, attribute) in attributes(schema) {
            for characteristic in [
                "type",
                "multiValued",
                "description",
                "required",
                "caseExact",
                "mutability",
                "returned",
                "uniqueness",
            ] {
                assert!(!attribute[characteristic].is_null(), "{name} does not say its {characteristic}");
            }
            let full = if urn == core { name.clone() } else { format!("{urn}:{name}") };
            // What the server says of members is passed over: clients send it with each of them.
            if attribute["mutability"] == "readOnly" && !full.starts_with("members.") {
                let body = replace(&full, "x");
                let answer = gangway.scim().patch(&created.path(), &body).await;
                assert_eq!(
                    (answer.status, &answer.body["scimType"]),
                    (400, &json!("mutability")),
                    "{full}: {}",
                    answer.text
                );
            }
            if attribute["returned"] == "never" {
                let answer = gangway.scim().get(&format!("{endpoint}?filter={full}%20pr")).await;
                assert_eq!(answer.status, 400, "{full}: {}", answer.text);
            }
            if attribute["returned"] == "request" {
                let (attribute, _) = full.rsplit_once(':').unwrap_or((&full, BIND));
                let plain = gangway.scim().get(&created.path()).await.expect(200);
                let short = name.split('.').next().unwrap();
                assert_eq!(plain.body[attribute].get(short), None, "{full}: {}", plain.text);
            }
        }
    }
    let password = schemas["Resources"][0]["attributes"].as_array().unwrap();
    let password = password.iter().find(|attribute| attribute["name"] == "password").unwrap();
    assert_eq!((&password["mutability"], &password["returned"]), (&json!("writeOnly"), &json!("never")));
    let name = &schemas["Resources"][0]["attributes"][0];
    assert_eq!(
        (&name["name"], &name["required"], &name["caseExact"], &name["uniqueness"]),
        (&json!("userName"), &json!(true), &json!(false), &json!("server"))
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn every_attribute_that_is_announced_can_be_written_and_read_back(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let schemas = read(&gangway, "/Schemas").await;
    let mut body = user("ann.berg");
    for schema in schemas["Resources"].as_array().unwrap() {
        let urn = schema["id"].as_str().unwrap();
        if urn.ends_with(":Group") {
            continue;
        }
        let mut own = json!({});
        for attribute in schema["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            if name == "userName" || attribute["mutability"] != "readWrite" {
                continue;
            }
            own[name] = sample(attribute);
        }
        if urn == USER {
            body.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        } else {
            body[urn] = own;
        }
    }
    body["active"] = json!(true);
    body[GANGWAY]["locked"] = json!(false);
    body[GANGWAY]["passwordExpired"] = json!(false);
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    let mut read = gangway.scim().get(&created.path()).await.expect(200).body;
    for name in ["id", "meta", "schemas"] {
        read.as_object_mut().unwrap().remove(name);
    }
    body.as_object_mut().unwrap().remove("schemas");
    for name in ["syncStatus", "syncError", "accountId"] {
        read[GANGWAY].as_object_mut().unwrap().remove(name);
    }
    assert_eq!(read, body);
}

/// A value that fits an announced attribute.
fn sample(attribute: &Value) -> Value {
    let value = match attribute["type"].as_str().unwrap() {
        "boolean" => json!(true),
        "dateTime" => json!("2026-01-31T08:00:00Z"),
        "binary" => json!("TUlJ"),
        "reference" => json!("https://b.example/x"),
        "complex" => {
            let mut object = json!({});
            for sub in attribute["subAttributes"].as_array().unwrap() {
                if sub["mutability"] == "readWrite" {
                    object[sub["name"].as_str().unwrap()] = sample(sub);
                }
            }
            object
        }
        _ if attribute["name"] == "usageLocation" || attribute["name"] == "country" => json!("NO"),
        _ if attribute["name"] == "preferredLanguage" => json!("nb-NO"),
        _ if attribute["name"] == "mailNickname" => json!("annb"),
        _ if attribute["name"] == "employeeHireDate" => json!("2026-01-31"),
        "string" => json!("text"),
        other => panic!("no sample of type {other}"),
    };
    if attribute["multiValued"] == true { json!([value]) } else { value }
}
