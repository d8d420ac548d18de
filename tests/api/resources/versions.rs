//! Versions, locations and `meta` (RFC 7643 §3.1, RFC 7644 §3.14).

use rstest::rstest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{Backend, gangway, gangway_with, replace, user};

fn moment(value: &Value) -> OffsetDateTime {
    let text = value.as_str().unwrap();
    assert!(text.ends_with('Z') && text.len() == "2026-01-31T08:00:00.000Z".len(), "{text}");
    OffsetDateTime::parse(text, &Rfc3339).unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn meta_location_and_etag_say_the_same_everywhere(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let location = format!("{}/scim/v2{}", gangway.url(), created.path());
    let meta = &created.body["meta"];
    assert_eq!(meta["resourceType"], "User");
    assert_eq!(meta["location"], json!(location));
    assert_eq!(meta["version"], "W/\"1\"");
    assert_eq!(moment(&meta["created"]), moment(&meta["lastModified"]));

    let read = gangway.scim().get(&created.path()).await.expect(200);
    let listed = gangway.scim().get("/Users").await.expect(200);
    assert_eq!(&listed.body["Resources"][0]["meta"], meta);
    assert_eq!(&read.body["meta"], meta);
    for answer in [&created, &read] {
        assert_eq!(answer.header("location"), location);
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert_eq!(answer.header("content-type"), "application/scim+json");
    }

    let changed = gangway.scim().patch(&created.path(), &replace("title", "Boss")).await.expect(200);
    assert_eq!(changed.header("etag"), "W/\"2\"");
    assert_eq!(changed.header("location"), location);
    assert_eq!(changed.body["meta"]["version"], "W/\"2\"");
    assert_eq!(changed.body["meta"]["created"], meta["created"]);
    assert!(moment(&changed.body["meta"]["lastModified"]) > moment(&meta["lastModified"]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_changes_nothing_leaves_version_time_and_account_alone(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    body["title"] = json!("Boss");
    body["active"] = json!(true);
    body["emails"] =
        json!([{"type": "work", "value": "a@b.example"}, {"type": "home", "value": "c@d.example"}]);
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    let path = created.path();
    let events = gangway.events().await;
    gangway.simulator().clear_counts();
    body["emails"].as_array_mut().unwrap().reverse();
    let put = gangway.scim().put(&path, &body).await.expect(200);
    let same = [
        gangway.scim().patch(&path, &replace("title", "Boss")).await.expect(200),
        gangway.scim().patch(&path, &replace("active", "True")).await.expect(200),
        gangway
            .scim()
            .patch(&path, &json!({"Operations": [{"op": "remove", "path": "nickName"}]}))
            .await
            .expect(200),
        put,
    ];
    for answer in same {
        assert_eq!(answer.body["meta"], created.body["meta"], "{}", answer.text);
    }
    assert_eq!(gangway.simulator().counts(), [].into(), "nothing was given to Microsoft 365");
    assert_eq!(gangway.events().await, events);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_the_version_that_is_there_goes_through(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let path = created.path();
    let mut version = created.header("etag").to_owned();
    for (n, condition) in ["{}", "\"0\", {}", "*", "{} , W/\"77\""].into_iter().enumerate() {
        let client = gangway.scim().with("if-match", &condition.replace("{}", &version));
        let title = format!("T{n}");
        let answer = client.patch(&path, &replace("title", title.as_str())).await.expect(200);
        assert_eq!(answer.body["title"], json!(title));
        assert_ne!(answer.header("etag"), version);
        answer.header("etag").clone_into(&mut version);
    }
    let client = gangway.scim().with("if-match", &version);
    let put = client.put(&path, &user("ann.berg")).await.expect(200);
    client.delete(&path).await.expect(412);
    let client = gangway.scim().with("if-match", put.header("etag"));
    client.delete(&path).await.expect(204);
    client.delete(&path).await.expect(404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_writes_of_one_version_one_goes_through(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let (path, client) = (created.path(), gangway.scim().with("if-match", created.header("etag")));
    let titles = ["T0", "T1", "T2", "T3", "T4", "T5"];
    let writes = titles.map(|title| {
        let (client, path) = (client.clone(), path.clone());
        tokio::spawn(async move { client.patch(&path, &replace("title", title)).await })
    });
    let mut through = Vec::new();
    for (write, title) in writes.into_iter().zip(titles) {
        match write.await.unwrap().status {
            200 => through.push(title),
            status => assert_eq!(status, 412),
        }
    }
    assert_eq!(through.len(), 1, "{through:?}");
    let read = gangway.scim().get(&path).await.expect(200);
    assert_eq!((&read.body["title"], read.header("etag")), (&json!(through[0]), "W/\"2\""));
    gangway.settled(&path).await;
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), through[0]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_the_version_is_spared_the_body(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let path = created.path();
    for known in ["W/\"1\"", "\"1\"", "\"7\", W/\"1\"", "*"] {
        let answer = gangway.scim().with("if-none-match", known).get(&path).await.expect(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", "W/\"1\""));
    }
    for other in ["W/\"2\"", "garbage"] {
        let answer = gangway.scim().with("if-none-match", other).get(&path).await.expect(200);
        assert_eq!(answer.body["id"], json!(created.id()));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_locations_are_the_public_ones(#[case] backend: Backend) {
    let started = gangway_with(backend, |config| {
        config.public_url = Some("https://bridge.example/base/".parse().unwrap());
    });
    let Some(gangway) = started.await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let location = format!("https://bridge.example/base/scim/v2{}", created.path());
    assert_eq!(created.header("location"), location);
    assert_eq!(created.body["meta"]["location"], json!(location));
    let config = gangway.scim().get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config.body["meta"]["location"], "https://bridge.example/base/scim/v2/ServiceProviderConfig");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn both_base_paths_are_the_same_server(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.http().post("/scim/Users", &user("ann.berg")).await.expect(201);
    let path = created.path();
    assert!(created.header("location").ends_with(&format!("/scim/v2{path}")));
    for path in
        ["/Users", &path, "/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/ResourceTypes/User"]
    {
        let short = gangway.http().get(&format!("/scim{path}")).await.expect(200);
        let long = gangway.http().get(&format!("/scim/v2{path}")).await.expect(200);
        assert_eq!(short.body, long.body, "{path}");
    }
    let short = format!("/scim{path}");
    gangway.http().patch(&short, &replace("title", "Boss")).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Boss");
    gangway.http().put(&short, &user("ann.berg")).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), &Value::Null);
    gangway.http().delete(&short).await.expect(204);
    gangway.scim().get(&path).await.expect(404);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), &json!(false));
}
