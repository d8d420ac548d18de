//! POST and DELETE: making, adopting, restoring and leaving an account.

use gangway::settings::OnDelete;
use gangway::simulator::UserSeed;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, ENTERPRISE, GANGWAY, USER, gangway, gangway_with, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_answers_the_whole_user_and_makes_the_account_of_it(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let body = json!({
        "schemas": [USER, ENTERPRISE, GANGWAY],
        "externalId": "e-1",
        "userName": "Ann.Berg@contoso.example",
        "name": {"givenName": "Ann", "familyName": "Berg"},
        "displayName": "Ann B.",
        "active": true,
        "title": "Buyer",
        "userType": "Employee",
        "preferredLanguage": "nb-NO",
        "addresses": [{"type": "work", "streetAddress": "Gate 1", "locality": "Oslo", "postalCode": "0150", "country": "NO"}],
        "phoneNumbers": [{"type": "work", "value": "+47 22 00 00 00"}, {"type": "mobile", "value": "+47 900 00 000"}],
        "emails": [{"type": "work", "value": "ann.berg@contoso.example", "primary": true}, {"type": "other", "value": "ann@home.example"}],
        (ENTERPRISE): {"employeeNumber": "4711", "department": "Sales", "organization": "Contoso", "costCenter": "100", "division": "North"},
        (GANGWAY): {"mailNickname": "annb", "usageLocation": "no", "officeLocation": "B2"},
    });
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    let account = gangway.account("ann.berg");

    let mut expected = body;
    let location = format!("{}/scim/v2/Users/{}", gangway.url(), created.id());
    let meta = &created.body["meta"];
    expected["id"] = json!(created.id());
    expected["meta"] = json!({
        "resourceType": "User", "created": meta["created"], "lastModified": meta["created"],
        "location": location, "version": "W/\"1\"",
    });
    expected[GANGWAY]["syncStatus"] = json!("synced");
    expected[GANGWAY]["accountId"] = json!(account.id);
    assert_eq!(created.body, expected);
    assert_eq!(created.header("location"), location);
    assert_eq!(created.header("etag"), "W/\"1\"");
    assert_eq!(created.header("content-type"), "application/scim+json");
    // Once Microsoft 365 has it all, a read says so only when it is asked.
    let extension = expected[GANGWAY].as_object_mut().unwrap();
    extension.remove("syncStatus");
    extension.remove("accountId");
    let read = gangway.scim().get(&created.path()).await.expect(200);
    assert_eq!(read.body, expected);
    assert_eq!(gangway.status_of(&created.path()).await, "synced");

    let mut properties = Value::Object(account.properties.clone());
    for made_by_graph in [
        "createdDateTime",
        "lastPasswordChangeDateTime",
        "signInSessionsValidFromDateTime",
        "mail",
        "proxyAddresses",
    ] {
        properties.as_object_mut().unwrap().remove(made_by_graph);
    }
    assert_eq!(
        properties,
        json!({
            "accountEnabled": true, "userPrincipalName": "Ann.Berg@contoso.example", "mailNickname": "annb",
            "givenName": "Ann", "surname": "Berg", "displayName": "Ann B.", "jobTitle": "Buyer",
            "employeeType": "Employee", "preferredLanguage": "nb-NO", "streetAddress": "Gate 1", "city": "Oslo",
            "postalCode": "0150", "country": "NO", "businessPhones": ["+47 22 00 00 00"],
            "mobilePhone": "+47 900 00 000", "otherMails": ["ann@home.example"], "employeeId": "4711",
            "department": "Sales", "companyName": "Contoso",
            "employeeOrgData": {"costCenter": "100", "division": "North"}, "officeLocation": "B2",
            "usageLocation": "NO", "userType": "Member",
        })
    );
    assert_eq!(gangway.simulator().count("POST /users"), 1);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_existing_account_is_adopted_unblocked_and_overwritten(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let seed = UserSeed::new("ann.berg@contoso.example")
        .with("accountEnabled", json!(false))
        .with("jobTitle", json!("Intern"))
        .with("department", json!("Cellar"))
        .with("displayName", json!("Somebody Else"));
    let before = gangway.simulator().put(&seed).unwrap();

    let mut body = user("ann.berg");
    body["title"] = json!("Buyer");
    let created = gangway.scim().post("/Users", &body).await.expect(201);

    let account = gangway.account("ann.berg");
    assert_eq!(account.id, before.id);
    assert_eq!(created.body[GANGWAY]["accountId"], json!(before.id));
    assert_eq!(account.get("accountEnabled"), true);
    assert_eq!(account.get("jobTitle"), "Buyer");
    assert_eq!(account.get("displayName"), "Ann Berg");
    assert_eq!(account.get("department"), &Value::Null, "what upstream does not say is cleared");
    assert_eq!(gangway.simulator().users().len(), 1);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_a_create_is_set_on_an_adopted_account_too(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut seed = UserSeed::new("ann.berg@contoso.example");
    seed.password = Some("Old-pass-12".into());
    gangway.simulator().put(&seed).unwrap();
    let mut body = user("ann.berg");
    body["password"] = json!("New-pass-34");
    gangway.scim().post("/Users", &body).await.expect(201);
    let simulator = gangway.simulator();
    assert!(simulator.signs_in("ann.berg@contoso.example", "New-pass-34"));
    assert!(!simulator.signs_in("ann.berg@contoso.example", "Old-pass-12"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_soft_deleted_account_is_restored_and_overwritten(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let seed = UserSeed::new("ann.berg@contoso.example")
        .with("jobTitle", json!("Intern"))
        .with("accountEnabled", json!(false));
    let before = gangway.simulator().put(&seed).unwrap();
    assert!(gangway.simulator().delete("ann.berg@contoso.example"));

    let mut body = user("ann.berg");
    body["password"] = json!("New-pass-34");
    let created = gangway.scim().post("/Users", &body).await.expect(201);

    assert_eq!(created.sync_status(), "synced");
    let account = gangway.account("ann.berg");
    assert_eq!(account.id, before.id);
    assert_eq!(account.deleted, None);
    assert_eq!(account.get("accountEnabled"), true);
    assert_eq!(account.get("displayName"), "Ann Berg");
    assert_eq!(account.get("jobTitle"), &Value::Null);
    assert!(gangway.simulator().signs_in("ann.berg@contoso.example", "New-pass-34"));
    assert_eq!(gangway.simulator().users().len(), 1);
    assert_eq!(gangway.simulator().count("POST /users"), 0);
    let mut told = gangway.told(&created.id()).await;
    told.sort();
    assert_eq!(told, ["user_create_provision", "user_password_update_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_user_is_created_with_a_blocked_account(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    body["active"] = json!(false);
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(created.body["active"], false);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_blocks_the_account_and_the_user_is_gone(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.changes();
    let gone = scim.delete(&created.path()).await.expect(204);
    assert_eq!(gone.text, "");

    let changes = gangway.changes();
    assert_eq!(changes[0], json!(["PATCH /users/{id}", {"accountEnabled": false}]));
    assert_eq!(changes[1][0], "POST /users/{id}/revokeSignInSessions");
    assert_eq!(changes.len(), 2);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    let body = json!({"schemas": [USER], "userName": "ann.berg@contoso.example"});
    let path = created.path();
    for answer in [
        scim.get(&path).await,
        scim.put(&path, &body).await,
        scim.patch(&path, &replace("title", "x")).await,
        scim.delete(&path).await,
    ] {
        let answer = answer.expect(404);
        assert!(answer.detail().contains(&created.id()), "{}", answer.text);
    }
    let list = scim.get("/Users").await.expect(200);
    assert_eq!(list.body["totalResults"], 0);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "user_deprovision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_user_who_is_blocked_already_is_told_once_more_and_changes_nothing(
    #[case] backend: Backend,
) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    scim.patch(&created.path(), &replace("active", false)).await.expect(200);
    gangway.changes();
    scim.delete(&created.path()).await.expect(204);
    assert_eq!(gangway.changes(), [json!(null); 0]);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "user_deprovision", "user_deprovision"]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_comes_back_gets_the_same_account_unblocked(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let first = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let account = gangway.account("ann.berg").id;
    scim.delete(&first.path()).await.expect(204);

    let mut body = user("ann.berg");
    body["title"] = json!("Chief");
    let second = scim.post("/Users", &body).await.expect(201);
    assert_ne!(second.id(), first.id());
    assert_eq!(second.body[GANGWAY]["accountId"], json!(account));
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Chief");
    assert_eq!(gangway.simulator().users().len(), 1);
    assert_eq!(gangway.told(&second.id()).await, ["user_create_provision"]);
    scim.get(&first.path()).await.expect(404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn where_on_delete_says_so_the_account_is_soft_deleted_and_comes_back(#[case] backend: Backend) {
    let soft = |config: &mut gangway::config::Config| config.defaults.on_delete = OnDelete::SoftDelete;
    let Some(gangway) = gangway_with(backend, soft).await else {
        return;
    };
    let scim = gangway.scim();
    let first = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let account = gangway.account("ann.berg").id;
    gangway.changes();
    scim.delete(&first.path()).await.expect(204);
    assert_eq!(gangway.changes(), [json!(["DELETE /users/{id}", null])]);
    assert!(gangway.simulator().user(&account.to_string()).unwrap().deleted.is_some());
    assert!(gangway.simulator().user("ann.berg@contoso.example").is_none());
    assert_eq!(gangway.told(&first.id()).await, ["user_create_provision", "user_deprovision"]);

    let second = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.account("ann.berg").id, account);
    assert_eq!(second.body[GANGWAY]["accountId"], json!(account));
    assert_eq!(gangway.simulator().users().len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_users_never_share_an_account(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    scim.post("/Users", &user("ann.berg")).await.expect(201);
    // Outside the connected domains: the address is made from the local part, and so it is Ann's.
    let mut body = user("ann.berg");
    body["userName"] = json!("ann.berg@elsewhere.example");
    body["title"] = json!("Impostor");
    let refused = scim.post("/Users", &body).await.expect(409);
    assert_eq!(refused.body["scimType"], "uniqueness");
    assert!(refused.detail().contains("ann.berg@contoso.example"), "{}", refused.text);
    let account = gangway.account("ann.berg");
    assert_eq!(account.get("jobTitle"), &Value::Null);
    assert_eq!(gangway.simulator().users().len(), 1);
    let list = scim.get("/Users").await.expect(200);
    assert_eq!(list.body["totalResults"], 1, "{}", list.text);
}
