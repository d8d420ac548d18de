//! Okta.

use gangway::scim::Dialect;
use rstest::rstest;
use serde_json::json;

use super::replay::Replay;
use crate::support::{Backend, gangway, replace, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn okta_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::Okta).await;
    replay.knows_user(&user("ann.berg")).await;
    replay.knows_group("Sales").await;
    replay.all("okta").await;

    let (scim, ann) = (replay.scim.clone(), replay.users[0].clone());
    gangway.quiet().await;
    let simulator = gangway.simulator();
    assert_eq!(simulator.users().len(), 3, "two users and the bystander");
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    let cy = gangway.account("cy.dahl");
    assert_eq!((cy.get("accountEnabled"), cy.get("displayName")), (&json!(true), &json!("Cy Dahl")));
    assert!(simulator.signs_in("cy.dahl@contoso.example", "Ab3-xY7q"));
    // The password that was set while the account was blocked holds, the one of 17 characters does not.
    scim.patch(&format!("/Users/{ann}"), &replace("active", true)).await.expect(200);
    assert!(simulator.signs_in("ann.berg@contoso.example", "Zx9-qwerty-Kp16"));
    assert!(!simulator.signs_in("ann.berg@contoso.example", "Zx9-qwerty-Kp16ab"));
    let told = gangway.told(&ann).await;
    let of = |name: &str| told.iter().filter(|event| *event == name).count();
    assert_eq!(of("user_create_provision"), 1);
    assert_eq!(of("user_deprovision"), 1, "it was blocked three times and needed it once: {told:?}");
    assert_eq!(of("user_password_update_provision"), 1);
    assert_eq!(of("!user_password_update_provision"), 1);

    gangway.has_members(&replay.group(), &[&ann]).await;
    let told = gangway.told(&replay.groups[0]).await;
    assert!(told.iter().all(|event| !event.starts_with('!')), "{told:?}");
}
