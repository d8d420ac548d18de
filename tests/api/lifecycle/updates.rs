//! PUT and PATCH: only what changed is sent.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, ENTERPRISE, USER, gangway, patch, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_patch_sends_only_what_changed(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.changes();
    let operations = patch([
        json!({"op": "replace", "path": "title", "value": "Buyer"}),
        json!({"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "Sales"}),
        json!({"op": "replace", "path": "name.givenName", "value": "Ann"}),
    ]);
    let changed = scim.patch(&created.path(), &operations).await.expect(200);
    assert_eq!(changed.body["title"], "Buyer");
    assert_eq!(changed.body["meta"]["version"], "W/\"2\"");
    assert_eq!(
        gangway.changes(),
        [json!(["PATCH /users/{id}", {"jobTitle": "Buyer", "department": "Sales"}])]
    );
    assert_eq!(gangway.account("ann.berg").get("department"), "Sales");
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "user_update_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_put_sends_only_what_changed_and_clears_what_it_leaves_out(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["title"] = json!("Buyer");
    body["preferredLanguage"] = json!("nb-NO");
    body["phoneNumbers"] = json!([{"type": "work", "value": "+47 22 00 00 00"}]);
    let created = scim.post("/Users", &body).await.expect(201);
    gangway.changes();
    let mut body = user("ann.berg");
    body["title"] = json!("Seller");
    let changed = scim.put(&created.path(), &body).await.expect(200);
    assert_eq!(changed.body.get("preferredLanguage"), None);
    assert_eq!(changed.body.get("phoneNumbers"), None);
    assert_eq!(
        gangway.changes(),
        [
            json!(["PATCH /users/{id}", {"jobTitle": "Seller", "preferredLanguage": null, "businessPhones": []}])
        ]
    );
    let account = gangway.account("ann.berg");
    assert_eq!(account.get("jobTitle"), "Seller");
    assert_eq!(account.get("preferredLanguage"), &Value::Null);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_sends_nothing_and_keeps_version_and_time(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["title"] = json!("Buyer");
    body["active"] = json!(true);
    let created = scim.post("/Users", &body).await.expect(201);
    gangway.changes();
    gangway.simulator().clear_counts();
    let path = created.path();
    let before = scim.get(&path).await.expect(200).body;
    let operations = patch([
        json!({"op": "replace", "path": "title", "value": "Buyer"}),
        json!({"op": "add", "value": {"active": true}}),
        json!({"op": "remove", "path": "nickName"}),
    ]);
    for answer in [
        scim.put(&path, &body).await,
        scim.put(&path, &created.body).await,
        scim.patch(&path, &operations).await,
        scim.get(&path).await,
    ] {
        let answer = answer.expect(200);
        assert_eq!(answer.body["meta"], created.body["meta"]);
        assert_eq!(answer.header("etag"), "W/\"1\"");
        assert_eq!(scim.get(&path).await.body, before);
    }
    assert_eq!(gangway.changes(), [json!(null); 0]);
    let counts = gangway.simulator().counts();
    let asked = counts.keys().filter(|call| !call.contains("delta") && !call.contains("domains"));
    assert_eq!(asked.collect::<Vec<_>>(), Vec::<&String>::new(), "Graph was not even read");
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_place_in_microsoft_365_is_kept_and_not_sent(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.changes();
    let operations = patch([
        json!({"op": "add", "path": "nickName", "value": "Annie"}),
        json!({"op": "add", "path": "externalId", "value": "e-7"}),
    ]);
    let changed = scim.patch(&created.path(), &operations).await.expect(200);
    assert_eq!(changed.body["nickName"], "Annie");
    assert_eq!(gangway.status_of(&created.path()).await, "synced");
    assert_eq!(changed.body["meta"]["version"], "W/\"2\"");
    assert_eq!(gangway.changes(), [json!(null); 0]);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_name_renames_the_same_account(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let account = gangway.account("ann.berg").id;
    gangway.changes();
    let renamed =
        scim.patch(&created.path(), &replace("userName", "ann.holm@contoso.example")).await.expect(200);
    assert_eq!(renamed.body["userName"], "ann.holm@contoso.example");
    assert_eq!(gangway.account("ann.holm").id, account);
    assert_eq!(gangway.account("ann.holm").get("mailNickname"), "ann.berg", "set at the creation only");
    assert_eq!(
        gangway.changes(),
        [json!(["PATCH /users/{id}", {"userPrincipalName": "ann.holm@contoso.example"}])]
    );
    // The old name is free.
    scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.simulator().users().len(), 2);
    let events = gangway.events().await;
    let update = events.iter().find(|event| event["event_type"] == "user_update_provision").unwrap();
    assert_eq!(
        update["changes"],
        json!([{"field": "userPrincipalName", "from": "ann.berg@contoso.example", "to": "ann.holm@contoso.example"}])
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_another_has_is_refused_whatever_its_case(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let ann = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let before = scim.get(&ann.path()).await.expect(200).body;
    scim.post("/Users", &user("bo.lind")).await.expect(201);
    gangway.changes();
    let mut body = user("x.y");
    body["userName"] = json!("BO.LIND@contoso.example");
    for refused in [
        scim.post("/Users", &body).await,
        scim.put(&ann.path(), &body).await,
        scim.patch(&ann.path(), &replace("userName", "Bo.Lind@Contoso.example")).await,
    ] {
        let refused = refused.expect(409);
        assert_eq!(refused.body["scimType"], "uniqueness");
        assert!(refused.detail().to_lowercase().contains("bo.lind@contoso.example"));
    }
    assert_eq!(scim.get(&ann.path()).await.expect(200).body, before);
    assert_eq!(gangway.changes(), [json!(null); 0]);
    assert_eq!(gangway.simulator().users().len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_put_without_active_leaves_a_blocked_user_blocked(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    scim.patch(&created.path(), &replace("active", false)).await.expect(200);
    gangway.changes();
    let put = json!({"schemas": [USER], "userName": "ann.berg@contoso.example", "title": "Buyer",
        "name": {"givenName": "Ann", "familyName": "Berg"}});
    let changed = scim.put(&created.path(), &put).await.expect(200);
    assert_eq!(changed.body["active"], false);
    assert_eq!(gangway.changes(), [json!(["PATCH /users/{id}", {"jobTitle": "Buyer"}])]);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
}
