//! Accounts that are not Gangway's to change: listed, privileged, synchronised, federated.

use gangway::simulator::UserSeed;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, gangway, gangway_with, replace, user};

const NAME: &str = "ann.berg@contoso.example";

/// What was asked of Graph that changes something.
fn writes(gangway: &Gangway) -> Vec<Value> {
    gangway.changes()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_account_on_the_list_is_refused_before_graph_is_asked(#[case] backend: Backend) {
    let listed =
        |config: &mut gangway::config::Config| config.defaults.never_touch = vec![NAME.to_uppercase()];
    let Some(gangway) = gangway_with(backend, listed).await else {
        return;
    };
    gangway.simulator().put(&UserSeed::new(NAME)).unwrap();
    let before = gangway.account("ann.berg");
    let refused = gangway.scim().post("/Users", &user("ann.berg")).await.expect(403);
    assert!(refused.detail().contains("never-touch list"), "{}", refused.text);
    assert_eq!(writes(&gangway), Vec::<Value>::new());
    assert_eq!(gangway.account("ann.berg"), before);
    assert_eq!(gangway.scim().get("/Users").await.body["totalResults"], 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_put_on_the_list_later_is_left_as_it_is(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let account = gangway.account("ann.berg");
    gangway.config().defaults.never_touch = vec![account.id.to_string()];
    gangway.restart().await;
    writes(&gangway);
    for refused in [
        gangway.scim().patch(&created.path(), &replace("active", false)).await,
        gangway.scim().patch(&created.path(), &replace("password", "Gang-Way-77x")).await,
        gangway.scim().delete(&created.path()).await,
    ] {
        assert!(refused.expect(403).detail().contains("never-touch list"));
    }
    assert_eq!(writes(&gangway), Vec::<Value>::new());
    assert_eq!(gangway.account("ann.berg"), account);
    gangway.scim().get(&created.path()).await.expect(200);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_not_taken_over_by_an_address(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let administrator =
        UserSeed { roles: Some(vec!["Global Administrator".to_owned()]), ..UserSeed::new(NAME) };
    gangway.simulator().put(&administrator).unwrap();
    let before = gangway.account("ann.berg");
    let refused = gangway.scim().post("/Users", &user("ann.berg")).await.expect(403);
    assert!(refused.detail().contains("Global Administrator"), "{}", refused.text);
    assert!(refused.detail().contains("adopt_administrators"), "{}", refused.text);
    let asked = writes(&gangway);
    assert!(
        asked.iter().all(|write| write[0] == "POST /users"),
        "a create that Graph refuses at most: {asked:?}"
    );
    assert_eq!(gangway.account("ann.berg"), before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn one_who_became_an_administrator_is_named_when_graph_refuses(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let id = gangway.account("ann.berg").id;
    let promoted = UserSeed {
        id: Some(id),
        roles: Some(vec!["Global Administrator".to_owned()]),
        ..UserSeed::default()
    };
    gangway.simulator().put(&promoted).unwrap();
    let refused =
        gangway.scim().patch(&created.path(), &replace("password", "Gang-Way-77x")).await.expect(403);
    assert!(refused.detail().contains("Global Administrator"), "{}", refused.text);
    assert!(refused.detail().contains("Privileged Authentication Administrator"), "{}", refused.text);
    let refused = gangway.scim().patch(&created.path(), &replace("active", false)).await.expect(403);
    assert!(refused.detail().contains("Global Administrator"), "{}", refused.text);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
    // A title is not sensitive.
    gangway.scim().patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_synchronised_account_is_refused_with_the_reason(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let synced = UserSeed::new(NAME).with("onPremisesSyncEnabled", json!(true));
    gangway.simulator().put(&synced).unwrap();
    let before = gangway.account("ann.berg");
    let refused = gangway.scim().post("/Users", &user("ann.berg")).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert!(refused.detail().contains("on-premises"), "{}", refused.text);
    assert_eq!(gangway.account("ann.berg"), before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn password_policies_are_those_of_the_connection(#[case] backend: Backend) {
    let with = |config: &mut gangway::config::Config| {
        config.defaults.password.policies =
            Some(gangway::settings::PasswordPolicies::DisablePasswordExpiration);
    };
    let Some(gangway) = gangway_with(backend, with).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("passwordPolicies"), "DisablePasswordExpiration");
}

/// The list names the account by its address: a rename must not lead off it.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_rename_does_not_lead_off_the_list(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let account = gangway.account("ann.berg");
    gangway.config().defaults.never_touch = vec![NAME.to_owned()];
    gangway.restart().await;
    writes(&gangway);
    let renamed = replace("userName", "other.name@contoso.example");
    let refused = gangway.scim().patch(&created.path(), &renamed).await.expect(403);
    assert!(refused.detail().contains("never-touch list"), "{}", refused.text);
    assert_eq!(writes(&gangway), Vec::<Value>::new());
    assert_eq!(gangway.account("ann.berg"), account);
}
