//! Changes of accounts under `drift.policy = "report"`: an event, and nothing else.

use gangway::settings::DriftPolicy;
use gangway::simulator::{Action, UserSeed};
use rstest::rstest;
use serde_json::{Value, json};

use super::{fields, watching, watching_on};
use crate::support::{Backend, Gangway, eventually, on, replace, simulator, user};

/// Ann with a title, in the tenant and seen there; her path.
async fn ann(gangway: &Gangway) -> String {
    let mut body = user("ann.berg");
    body["title"] = json!("Engineer");
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    assert_eq!(created.sync_status(), "synced");
    gangway.calm().await;
    created.path()
}

fn change(gangway: &Gangway, properties: &Value) {
    let mut seed = UserSeed { id: Some(gangway.account("ann.berg").id), ..UserSeed::default() };
    seed.properties.clone_from(properties.as_object().unwrap());
    gangway.simulator().put(&seed).unwrap();
}

#[rstest]
#[case::attribute(json!({"jobTitle": "Boss"}), "changed", json!("Engineer"), json!("Boss"))]
#[case::cleared(json!({"jobTitle": null}), "changed", json!("Engineer"), json!(null))]
#[case::blocked(json!({"accountEnabled": false}), "blocked", json!(true), json!(false))]
#[case::renamed(
    json!({"userPrincipalName": "anne@contoso.example"}), "renamed", json!("ann.berg@contoso.example"), json!("anne@contoso.example")
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_once_with_from_and_to_and_left_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] properties: Value,
    #[case] kind: &str,
    #[case] from: Value,
    #[case] to: Value,
) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let path = ann(&gangway).await;
    let before = gangway.scim().get(&path).await.expect(200).body;
    let id = gangway.account("ann.berg").id;
    change(&gangway, &properties);
    let drift = gangway.the_drift().await;
    assert_eq!(drift["event_type"], "user_drift_detected");
    assert_eq!((&drift["success"], &drift["initiated_by"]["type"]), (&json!(true), &json!("system")));
    assert_eq!(drift["resource"]["username"], "ann.berg@contoso.example");
    assert_eq!(drift["target_resource"]["id"], id.to_string());
    assert_eq!(drift["message_chain"]["response_message"], kind);
    let name = properties.as_object().unwrap().keys().next().unwrap().clone();
    assert_eq!(drift["changes"], json!([{"field": name, "from": from, "to": to}]));
    assert_eq!(gangway.scim().get(&path).await.expect(200).body, before, "the SCIM user stays");
    let there = gangway.simulator().user(&id.to_string()).unwrap();
    assert_eq!(there.get(&name), &to, "the account stays as others made it");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_return_is_silent_and_the_next_change_is_told_again(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    ann(&gangway).await;
    change(&gangway, &json!({"jobTitle": "Boss"}));
    gangway.the_drift().await;
    change(&gangway, &json!({"jobTitle": "Engineer"}));
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), 1);
    change(&gangway, &json!({"jobTitle": "Boss"}));
    gangway.rounds(4).await;
    assert_eq!(gangway.drifts().await.len(), 2);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_unblocked_leaver_and_a_changed_password_are_told_as_such(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let path = ann(&gangway).await;
    gangway.scim().patch(&path, &replace("password", "Sesame-0pen!")).await.expect(200);
    gangway.scim().patch(&path, &replace("active", false)).await.expect(200);
    gangway.calm().await;
    change(&gangway, &json!({"accountEnabled": true, "lastPasswordChangeDateTime": "2090-01-01T00:00:00Z"}));
    let drift = gangway.the_drift().await;
    assert_eq!(drift["message_chain"]["response_message"], "unblocked");
    assert_eq!(fields(&drift), ["accountEnabled", "lastPasswordChangeDateTime"]);
    assert_eq!(drift["changes"][1]["to"], "2090-01-01T00:00:00.000Z");
    assert!(!drift.to_string().contains("Sesame"));
}

#[rstest]
#[case::soft(false, "soft_deleted")]
#[case::for_good(true, "deleted")]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_told_and_the_user_stays(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] purge: bool,
    #[case] kind: &str,
) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let path = ann(&gangway).await;
    let id = gangway.account("ann.berg").id.to_string();
    assert!(if purge { gangway.simulator().purge(&id) } else { gangway.simulator().delete(&id) });
    let drift = gangway.the_drift().await;
    // Where the account was in doubt still, it was read, and a 404 does not tell how it was deleted.
    let said = &drift["message_chain"]["response_message"];
    assert!(said == kind || said == "deleted", "{said}");
    assert_eq!(drift["changes"], json!([{"field": "id", "from": id, "to": null}]));
    gangway.scim().get(&path).await.expect(200);
    assert!(gangway.simulator().user("ann.berg@contoso.example").is_none(), "nothing is repaired");
    // The next push finds it gone without a doubt, and what was told is not told again.
    gangway.scim().patch(&path, &replace("title", "Boss")).await.expect(200);
    eventually("the account is there again", async || gangway.simulator().user("ann.berg@contoso.example"))
        .await;
    gangway.calm().await;
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Boss");
    assert_eq!(gangway.account("ann.berg").id.to_string() == id, !purge, "restored where it can be");
    gangway.rounds(3).await;
    assert_eq!(gangway.drifts().await.len(), 1);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn gangways_own_changes_are_no_drift(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let path = ann(&gangway).await;
    for n in 0..12 {
        gangway.scim().patch(&path, &replace("title", format!("Level {n}"))).await.expect(200);
        gangway.scim().patch(&path, &replace("active", n % 2 == 0)).await.expect(200);
    }
    gangway.scim().patch(&path, &replace("password", "Sesame-0pen!")).await.expect(200);
    gangway.calm().await;
    gangway.scim().delete(&path).await.expect(204);
    gangway.quiet().await;
    gangway.no_drift().await;
}

/// Attributes that Gangway does not manage are nobody's business, and neither are accounts that it has not bound.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_gangways_is_no_drift(#[case] backend: Backend) {
    let Some(gangway) = watching(backend, DriftPolicy::Report).await else { return };
    ann(&gangway).await;
    change(&gangway, &json!({"mailNickname": "other", "ageGroup": "Adult"}));
    let stranger = UserSeed::new("stranger@contoso.example");
    gangway.simulator().put(&stranger).unwrap();
    gangway.simulator().put(&stranger.with("jobTitle", json!("Boss"))).unwrap();
    gangway.simulator().delete("stranger@contoso.example");
    gangway.no_drift().await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_microsoft_accepts_and_does_not_make_is_told(#[case] backend: Backend) {
    // Without the noise, which would show the old value once more, as if others had set it back.
    let Some(gangway) = watching_on(backend, DriftPolicy::Report, simulator().await).await else { return };
    let path = ann(&gangway).await;
    // Until the stream of changes is past the creation too: else it shows the old title as if others had set it back.
    gangway.rounds(2).await;
    let nothing = Action::Raw { status: 204, content_type: "text/plain".to_owned(), body: String::new() };
    gangway.simulator().add_fault(on("PATCH", "/users/*", nothing));
    gangway.scim().patch(&path, &replace("title", "Boss")).await.expect(200);
    gangway.quiet().await;
    let drift = gangway.the_drift().await;
    assert_eq!(drift["message_chain"]["response_message"], "not_applied");
    assert_eq!(drift["changes"], json!([{"field": "jobTitle", "from": "Boss", "to": "Engineer"}]));
}
