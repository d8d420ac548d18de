//! Who may sign in: `active`, `passwordExpired`, `locked`.

use gangway::config::Config;
use gangway::settings::{OnLockout, OnPasswordExpired};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, GANGWAY, extension, gangway, gangway_with, patch, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn active_false_blocks_and_signs_out_and_active_true_lets_in_again(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["password"] = json!("Ab3-xY7q");
    let created = scim.post("/Users", &body).await.expect(201);
    let name = "ann.berg@contoso.example";
    assert!(gangway.simulator().signs_in(name, "Ab3-xY7q"));
    gangway.changes();

    // The title too: the block goes first and alone, so that nothing else can keep a leaver's door open.
    let leaves = patch([
        json!({"op": "replace", "path": "title", "value": "Former buyer"}),
        json!({"op": "replace", "path": "active", "value": false}),
    ]);
    let blocked = scim.patch(&created.path(), &leaves).await.expect(200);
    assert_eq!(blocked.body["active"], false);
    assert_eq!(gangway.status_of(&created.path()).await, "synced");
    let changes = gangway.changes();
    let calls: Vec<&Value> = changes.iter().map(|change| &change[0]).collect();
    assert_eq!(calls, ["PATCH /users/{id}", "POST /users/{id}/revokeSignInSessions", "PATCH /users/{id}"]);
    assert_eq!(changes[0][1], json!({"accountEnabled": false}));
    assert_eq!(changes[2][1], json!({"jobTitle": "Former buyer"}));
    assert!(!gangway.simulator().signs_in(name, "Ab3-xY7q"));

    let back = scim.patch(&created.path(), &replace("active", true)).await.expect(200);
    assert_eq!(back.body["active"], true);
    assert_eq!(gangway.changes(), [json!(["PATCH /users/{id}", {"accountEnabled": true}])]);
    assert!(gangway.simulator().signs_in(name, "Ab3-xY7q"));
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "user_deprovision", "user_update_provision", "user_update_provision"]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_password_suspends_until_a_new_one_is_set(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.changes();
    let expired =
        scim.patch(&created.path(), &replace(&extension("passwordExpired"), true)).await.expect(200);
    assert_ne!(expired.body["active"], false, "upstream's own attribute stays as upstream said");
    assert_eq!(expired.body[GANGWAY]["passwordExpired"], true);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    let changes = gangway.changes();
    assert_eq!(changes[0], json!(["PATCH /users/{id}", {"accountEnabled": false}]));
    assert_eq!(changes[1][0], "POST /users/{id}/revokeSignInSessions");

    let renewed = scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await.expect(200);
    assert_ne!(renewed.body[GANGWAY]["passwordExpired"], true);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    assert!(gangway.simulator().signs_in("ann.berg@contoso.example", "Ab3-xY7q"));
    assert_eq!(
        gangway.told(&created.id()).await,
        ["user_create_provision", "user_deprovision", "user_password_update_provision"]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_does_not_let_a_deactivated_person_in(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut body = user("ann.berg");
    body["active"] = json!(false);
    body[GANGWAY] = json!({"passwordExpired": true});
    let created = scim.post("/Users", &body).await.expect(201);
    scim.patch(&created.path(), &replace("password", "Ab3-xY7q")).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert!(!gangway.simulator().signs_in("ann.berg@contoso.example", "Ab3-xY7q"));
}

type Adjust = fn(&mut Config);

#[rstest]
#[case::expired_suspends_by_default("passwordExpired", |_: &mut Config| {}, false)]
#[case::expired_maintains("passwordExpired", |config: &mut Config| config.defaults.on_password_expired = OnPasswordExpired::Maintain, true)]
#[case::locked_maintains_by_default("locked", |_: &mut Config| {}, true)]
#[case::locked_suspends("locked", |config: &mut Config| config.defaults.on_lockout = OnLockout::Suspend, false)]
#[tokio::test(flavor = "multi_thread")]
async fn what_suspends_is_for_the_settings_to_say(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] attribute: &str,
    #[case] adjust: Adjust,
    #[case] enabled: bool,
) {
    let Some(gangway) = gangway_with(backend, adjust).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let path = created.path();
    let set = scim.patch(&path, &replace(&extension(attribute), true)).await.expect(200);
    assert_eq!(set.body[GANGWAY][attribute], true);
    assert_eq!(gangway.status_of(&path).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), enabled);
    let mut told = vec!["user_create_provision"];
    if !enabled {
        told.push("user_deprovision");
    }
    assert_eq!(gangway.told(&created.id()).await, told);

    scim.patch(&path, &replace(&extension(attribute), false)).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    if !enabled {
        told.push("user_update_provision");
    }
    assert_eq!(gangway.told(&created.id()).await, told);
}
