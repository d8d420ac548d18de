//! Microsoft Entra ID, and Microsoft's own SCIM client.

use gangway::directory::Scope;
use gangway::scim::Dialect;
use rstest::rstest;
use serde_json::json;

use super::replay::Replay;
use crate::support::{Backend, GANGWAY, TOKEN, gangway, user};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn entra_id_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::Entra).await;
    replay.all("entra").await;

    let users = replay.users.clone();
    assert_eq!((users.len(), replay.groups.len()), (2, 1));
    gangway.quiet().await;
    let simulator = gangway.simulator();
    assert_eq!(simulator.users().len(), 3, "two users and the bystander");
    let ann = gangway.account("ann.berg");
    let expected = [
        ("accountEnabled", json!(false)),
        ("displayName", json!("Ann C")),
        ("givenName", json!("Ann")),
        ("surname", json!("Carl")),
        ("jobTitle", json!("Buyer")),
        ("employeeId", json!("4712")),
        ("postalCode", json!("0150")),
    ];
    for (property, value) in &expected {
        assert_eq!(ann.get(property), value, "{property}");
    }
    let bo = gangway.account("bo.lind");
    assert_eq!((bo.get("accountEnabled"), bo.get("department")), (&json!(false), &json!("Sales")));
    assert_eq!(gangway.told(&users[1]).await, ["user_create_provision", "user_deprovision"]);
    let read = gangway.scim().get(&format!("/Users/{}", users[0])).await.expect(200);
    assert_eq!(read.body["externalId"], "ext-0001b");
    let emails = read.body["emails"].as_array().unwrap();
    assert_eq!(emails.len(), 1, "{emails:?}");
    assert_eq!(emails[0]["value"], "ann.b@contoso.example");
    assert_eq!(read.body["roles"][0]["value"], "buyer");
    let told = gangway.told(&users[0]).await;
    assert!(told.iter().all(|event| !event.starts_with('!')), "{told:?}");
    assert_eq!(told.iter().filter(|event| *event == "user_deprovision").count(), 2, "{told:?}");

    let group = gangway.scim().get(&replay.group()).await.expect(200);
    assert_eq!(
        (&group.body["displayName"], &group.body["externalId"]),
        (&json!("Sales EU"), &json!("gext-1"))
    );
    gangway.has_members(&replay.group(), &[replay.bystander()]).await;
    let told = gangway.told(&replay.groups[0]).await;
    assert!(told.iter().all(|event| !event.starts_with('!')), "{told:?}");
    assert_eq!(told[0], "group_create_provision");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn microsofts_own_client_gets_what_it_expects(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut replay = Replay::new(&gangway, Dialect::Entra).await;
    let mut ann = user("ann.berg");
    ann["emails"] = json!([{"type": "work", "value": "ann.berg@contoso.example", "primary": true}]);
    replay.knows_user(&ann).await;
    replay.all("ms-scim-client").await;

    gangway.quiet().await;
    let ann = gangway.account("ann.berg");
    assert_eq!((ann.get("givenName"), ann.get("surname")), (&json!("Ann"), &json!("Berg")));
    let ed = gangway.account("ed.falk");
    assert_eq!((ed.get("mailNickname"), ed.get("usageLocation")), (&json!("edfalk"), &json!("NO")));
    assert!(gangway.simulator().signs_in("ed.falk@contoso.example", "Qw8-asdf-Zx"));
    let read = gangway.scim().get(&format!("/Users/{}", replay.users[1])).await.expect(200);
    assert_eq!(read.body[GANGWAY]["mailNickname"], "edfalk", "{}", read.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn leniency_against_the_rfc_is_for_the_client_that_needs_it(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = "/Users?filter=externalId eq annb";
    for dialect in [Dialect::Auto, Dialect::Okta] {
        let token = gangway.token(dialect, &[Scope::Scim], None).await;
        let refused = gangway.scim().bearer(&token).get(path).await.expect(400);
        assert_eq!(refused.body["scimType"], "invalidFilter");
    }
    let entra = gangway.token(Dialect::Entra, &[Scope::Scim], None).await;
    gangway.scim().bearer(&entra).get(path).await.expect(200);
    gangway.scim().bearer(TOKEN).get(path).await.expect(400);
}
