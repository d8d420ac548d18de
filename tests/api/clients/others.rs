//! The clients with few requests of their own.

use gangway::scim::Dialect;
use rstest::rstest;
use serde_json::json;

use super::replay::Replay;
use crate::support::{Backend, ENTERPRISE, gangway, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn onelogin_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::OneLogin).await;
    replay.all("onelogin").await;

    gangway.quiet().await;
    let di = gangway.account("di.eng");
    assert_eq!((di.get("displayName"), di.get("surname")), (&json!("Di Eng"), &json!("Eng")));
    assert_eq!(gangway.told(&replay.users[0]).await, ["user_create_provision"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn jumpcloud_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::JumpCloud).await;
    replay.knows_user(&user("ann.berg")).await;
    replay.knows_group("Sales").await;
    replay.all("jumpcloud").await;

    gangway.quiet().await;
    assert_eq!(gangway.account("jc-test").get("accountEnabled"), false, "the test user was taken back");
    let members = [replay.users[0].as_str(), replay.bystander()];
    gangway.has_members(&replay.group(), &members).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn keycloak_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::Keycloak).await;
    let mut ann = user("ann.berg");
    ann[ENTERPRISE] = json!({"department": "Sales"});
    replay.knows_user(&ann).await;
    replay.knows_group("Staff").await;
    replay.all("keycloak-mitodl").await;

    gangway.quiet().await;
    let ann = gangway.account("ann.berg");
    assert_eq!((ann.get("accountEnabled"), ann.get("displayName")), (&json!(true), &json!("Ann Berg")));
    assert!(ann.get("department").is_null(), "a PUT clears what it leaves out");
    let read = gangway.scim().get(&format!("/Users/{}", replay.users[0])).await.expect(200);
    assert_eq!(read.body["emails"], json!([{"value": "ann.berg@contoso.example"}]));
    assert_eq!(read.body["externalId"], "kc-1");
    let group = gangway.scim().get(&replay.group()).await.expect(200);
    assert_eq!((&group.body["displayName"], &group.body["externalId"]), (&json!("Sales"), &json!("kcg-1")));
    gangway.has_members(&replay.group(), &[]).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn authentik_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::Authentik).await;
    replay.knows_user(&user("ann.berg")).await;
    replay.knows_user(&user("bo.lind")).await;
    replay.knows_group("Staff").await;
    replay.all("authentik").await;

    gangway.quiet().await;
    let group = gangway.scim().get(&replay.group()).await.expect(200);
    assert_eq!((&group.body["displayName"], &group.body["externalId"]), (&json!("Sales"), &json!("ak-1")));
    let members = [replay.users[0].as_str(), replay.users[1].as_str(), replay.bystander()];
    gangway.has_members(&replay.group(), &members).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn sailpoint_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::SailPoint).await;
    replay.all("sailpoint").await;
    assert_eq!(gangway.changes(), Vec::<serde_json::Value>::new());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn pingone_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::PingOne).await;
    let mut ann = user("ann.berg");
    ann["emails"] = json!([{"type": "work", "value": "Ann.Berg@contoso.example"}]);
    replay.knows_user(&ann).await;
    replay.knows_user(&user("bo.lind")).await;
    replay.all("pingone").await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn any_client_is_refused_what_is_not_there(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::Auto).await;
    replay.knows_user(&user("ann.berg")).await;
    replay.knows_group("Sales").await;
    replay.all("any").await;

    gangway.quiet().await;
    gangway.has_members(&replay.group(), &[replay.bystander()]).await;
    assert_eq!(gangway.simulator().users().len(), 2, "one user and the bystander");
}
