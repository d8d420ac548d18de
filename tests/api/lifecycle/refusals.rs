//! Microsoft refuses: upstream is told why, and everything is as it was.

use gangway::simulator::{Action, FaultRule, UserSeed, When};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, answer, eventually, gangway, on, patch, replace, user};

const NAME: &str = "ann.berg@contoso.example";

fn denied() -> Action {
    answer(403, "Authorization_RequestDenied", None)
}

/// The user is what it was, and nothing waits to be carried out.
async fn assert_unchanged(gangway: &Gangway, path: &str, before: &Value) {
    assert_eq!(gangway.settled(path).await, "synced");
    assert_eq!(&gangway.scim().get(path).await.expect(200).body, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_is_refused_leaves_nothing_behind(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    gangway.simulator().add_fault(on("POST", "/users", denied()));
    let refused = scim.post("/Users", &user("ann.berg")).await.expect(403);
    assert!(refused.detail().contains("User.ReadWrite.All"), "{}", refused.text);
    let list = scim.get("/Users").await.expect(200);
    assert_eq!(list.body["totalResults"], 0);
    assert!(gangway.simulator().users().is_empty());
    let events = gangway.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_type"], "user_create_provision");
    assert_eq!(events[0]["success"], false);
    assert_eq!(events[0]["error_message"], refused.detail());
    assert_eq!(events[0]["message_chain"]["response_code"], 403);
    assert_eq!(events[0]["resource"]["username"], NAME);

    // The same name is free for the next try.
    gangway.simulator().clear_faults();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_refused_restores_what_was(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let before = scim.get(&created.path()).await.expect(200).body;
    gangway.simulator().add_fault(on("PATCH", "/users/*", denied()));
    let mut put = user("ann.berg");
    put["title"] = json!("Buyer");
    for refused in
        [scim.patch(&created.path(), &replace("title", "Buyer")).await, scim.put(&created.path(), &put).await]
    {
        let refused = refused.expect(403);
        assert!(refused.detail().contains("admin consent"), "{}", refused.text);
        assert_unchanged(&gangway, &created.path(), &before).await;
    }
    gangway.simulator().clear_faults();
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "!user_update_provision", "!user_update_provision"]
    );
    // The versions of the refused changes are never used again: somebody may have read them meanwhile.
    let changed = scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    for used in ["W/\"1\"", "W/\"2\""] {
        assert_ne!(changed.body["meta"]["version"], used);
    }
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_is_refused_leaves_the_user_in_place(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let before = scim.get(&created.path()).await.expect(200).body;
    gangway.simulator().add_fault(on("PATCH", "/users/*", denied()));
    scim.delete(&created.path()).await.expect(403);
    gangway.simulator().clear_faults();
    assert_unchanged(&gangway, &created.path(), &before).await;
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "!user_deprovision"]);
    scim.delete(&created.path()).await.expect(204);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_half_of_a_refused_change_that_did_arrive_is_taken_back(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let before = scim.get(&created.path()).await.expect(200).body;
    // The title arrives; the password is refused.
    let rule = FaultRule { when: When::Nth(2), ..on("PATCH", "/users/*", denied()) };
    gangway.simulator().add_fault(rule);
    let both = patch([
        json!({"op": "replace", "path": "title", "value": "Buyer"}),
        json!({"op": "replace", "path": "password", "value": "Ab3-xY7q"}),
    ]);
    let refused = scim.patch(&created.path(), &both).await.expect(403);
    assert!(refused.detail().contains("User-PasswordProfile.ReadWrite.All"), "{}", refused.text);
    eventually("the title is taken back", async || {
        gangway.account("ann.berg").get("jobTitle").is_null().then_some(())
    })
    .await;
    assert_unchanged(&gangway, &created.path(), &before).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_block_stands_where_sessions_cannot_be_revoked(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.simulator().add_fault(on("POST", "/users/*/revokeSignInSessions", denied()));
    scim.patch(&created.path(), &replace("active", false)).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "!user_deprovision"]);
    let events = gangway.events().await;
    let reason = events[1]["error_message"].as_str().unwrap();
    assert!(reason.contains("User.RevokeSessions.All"), "{reason}");
    // Nothing is frozen by it.
    scim.patch(&created.path(), &replace("active", true)).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_account_is_put_back_when_the_create_is_refused(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let seed = UserSeed::new("bo.lind@contoso.example")
        .with("displayName", json!("Old Name"))
        .with("accountEnabled", json!(false));
    let found = gangway.simulator().put(&seed).unwrap();
    // The attributes arrive; the password is refused.
    gangway.simulator().add_fault(FaultRule { when: When::Nth(2), ..on("PATCH", "/users/*", denied()) });
    let mut body = user("bo.lind");
    body["password"] = json!("Ab3-xY7q");
    gangway.scim().post("/Users", &body).await.expect(403);
    let account = gangway.simulator().user(&found.id.to_string()).unwrap();
    assert_eq!(account.properties, found.properties);
    assert_eq!(gangway.scim().get("/Users").await.expect(200).body["totalResults"], 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_account_is_refused_with_a_sentence(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let before = scim.get(&created.path()).await.expect(200).body;
    let privileged = UserSeed { privileged: Some(true), ..UserSeed::new(NAME) };
    gangway.simulator().put(&privileged).unwrap();
    let account = gangway.account("ann.berg");
    let phone = json!({"op": "add", "path": "phoneNumbers", "value": [{"type": "mobile", "value": "+47 900 00 000"}]});
    for refused in [
        scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await,
        scim.patch(&created.path(), &replace("active", false)).await,
        scim.patch(&created.path(), &patch([phone])).await,
        scim.delete(&created.path()).await,
    ] {
        let refused = refused.expect(403);
        assert!(refused.detail().contains("administrator role"), "{}", refused.text);
        assert!(refused.detail().contains("Privileged Authentication Administrator"), "{}", refused.text);
        assert_unchanged(&gangway, &created.path(), &before).await;
    }
    assert_eq!(gangway.account("ann.berg"), account);
    // What is not sensitive goes through.
    scim.patch(&created.path(), &replace("title", "Chief")).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Chief");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_synchronised_account_is_not_adopted(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let synced = UserSeed::new(NAME).with("onPremisesSyncEnabled", json!(true));
    let before = gangway.simulator().put(&synced).unwrap();
    let refused = gangway.scim().post("/Users", &user("ann.berg")).await.expect(403);
    assert!(refused.detail().contains("on-premises"), "{}", refused.text);
    assert_eq!(gangway.account("ann.berg"), before);
    let list = gangway.scim().get("/Users").await.expect(200);
    assert_eq!(list.body["totalResults"], 0);
    let events = gangway.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["event_type"], &events[0]["success"]),
        (&json!("user_create_provision"), &json!(false))
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_became_synchronised_refuses_changes_with_a_sentence(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let before = scim.get(&created.path()).await.expect(200).body;
    let synced =
        UserSeed::new(NAME).with("displayName", json!("Ann Berg")).with("onPremisesSyncEnabled", json!(true));
    let account = gangway.simulator().put(&synced).unwrap();
    for refused in [
        scim.patch(&created.path(), &replace("title", "Buyer")).await,
        scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await,
        scim.delete(&created.path()).await,
    ] {
        let refused = refused.expect(403);
        assert!(refused.detail().contains("on-premises"), "{}", refused.text);
        assert_unchanged(&gangway, &created.path(), &before).await;
    }
    assert_eq!(gangway.account("ann.berg"), account);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_federated_domain_is_refused_with_a_sentence(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    gangway.connect("federated.example").await;
    let scim = gangway.scim();
    let seed = UserSeed::new("ann.berg@federated.example").with("onPremisesImmutableId", json!("abc123=="));
    gangway.simulator().put(&seed).unwrap();
    let mut body = user("ann.berg");
    body["userName"] = json!("ann.berg@federated.example");
    body["displayName"] = json!("ann.berg");
    body[crate::support::GANGWAY] = json!({"onPremisesImmutableId": "abc123=="});
    let created = scim.post("/Users", &body).await.expect(201);
    let before = scim.get(&created.path()).await.expect(200).body;
    let refused = scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert!(refused.detail().contains("federated"), "{}", refused.text);
    assert_unchanged(&gangway, &created.path(), &before).await;
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "!user_password_update_provision"]
    );
}
