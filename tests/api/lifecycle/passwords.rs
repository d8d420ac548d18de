//! Passwords on their way into Microsoft 365.

use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, gangway, replace, user};

const NAME: &str = "ann.berg@contoso.example";

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_is_set_and_signs_the_person_out_everywhere(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["password"] = json!("First-pass-1");
    let created = scim.post("/Users", &body).await.expect(201);
    assert!(gangway.simulator().signs_in(NAME, "First-pass-1"));
    gangway.changes();

    let changed = scim.patch(&created.path(), &replace("password", "Second-pass-2")).await.expect(200);
    assert_eq!(gangway.status_of(&created.path()).await, "synced");
    assert!(!changed.text.contains("Second-pass-2"));
    assert_eq!(changed.body.get("password"), None);
    let changes = gangway.changes();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0][0], "PATCH /users/{id}");
    let profile = &changes[0][1]["passwordProfile"];
    assert_eq!(profile["forceChangePasswordNextSignIn"], false);
    assert_eq!(changes[0][1].as_object().unwrap().len(), 1, "a password travels alone");
    assert_eq!(changes[1][0], "POST /users/{id}/revokeSignInSessions");
    assert!(gangway.simulator().signs_in(NAME, "Second-pass-2"));
    assert!(!gangway.simulator().signs_in(NAME, "First-pass-1"));

    let mut put = user("ann.berg");
    put["password"] = json!("Third-pass-3");
    scim.put(&created.path(), &put).await.expect(200);
    assert!(gangway.simulator().signs_in(NAME, "Third-pass-3"));
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "user_password_update_provision", "user_password_update_provision"]
    );
    let events = serde_json::to_string(&gangway.events().await).unwrap();
    for password in ["First-pass-1", "Second-pass-2", "Third-pass-3"] {
        assert!(!events.contains(password));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_same_password_again_is_set_again(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    for _ in 0..2 {
        scim.patch(&created.path(), &replace("password", "Same-pass-9")).await.expect(200);
        assert_eq!(gangway.status_of(&created.path()).await, "synced");
    }
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "user_password_update_provision", "user_password_update_provision"]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_password_the_account_gets_one_that_nobody_is_shown(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    for local in ["ann.berg", "bo.lind"] {
        let created = scim.post("/Users", &user(local)).await.expect(201);
        assert!(!created.text.to_lowercase().contains("\"password\""));
    }
    let simulator = gangway.simulator();
    let exchanges = simulator.exchanges();
    let creates: Vec<_> =
        exchanges.iter().filter(|one| one["method"] == "POST" && one["path"] == "/v1.0/users").collect();
    assert_eq!(creates.len(), 2);
    for create in creates {
        assert_eq!(create["status"], 201, "the simulator found the password good");
        let profile = &create["body"]["passwordProfile"];
        assert_eq!(profile["forceChangePasswordNextSignIn"], false);
        assert!(profile["password"].is_string());
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_used_is_erased_from_the_database(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["password"] = json!("Plain-in-file-1");
    let created = scim.post("/Users", &body).await.expect(201);
    scim.patch(&created.path(), &replace("password", "Plain-in-file-2")).await.expect(200);
    assert_eq!(gangway.sealed_passwords().await, 0);
    let mut files = 0;
    for entry in std::fs::read_dir(gangway.folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        let clear = bytes.windows(13).any(|window| window == b"Plain-in-file");
        assert!(!clear, "a file of the data folder holds a password in clear");
    }
    assert!(files > 0);
}
