//! The main job in one breath.

use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, gangway, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_user_has_an_account_and_an_event(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    let account = gangway.account("ann.berg");
    assert_eq!(account.get("displayName"), &json!("Ann Berg"));
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision"]);
}
