//! What a SCIM DELETE does: each choice, at once and after days of grace, and the way back.

use gangway::clock::Clock;
use gangway::settings::OnDelete;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, answer, eventually, on, replace, user};

const DAY: i64 = 24 * 60 * 60 * 1000;
const NAME: &str = "ann.berg@contoso.example";

/// A server that does this with leavers after so many days, and the clock that it goes by.
async fn leaving(backend: Backend, on_delete: OnDelete, days: u16) -> Option<(Gangway, Clock)> {
    let mut gangway = Gangway::prepare(backend, |config| {
        config.defaults.on_delete = on_delete;
        config.defaults.on_delete_grace_days = days.try_into().unwrap();
        config.defaults.usage_location = Some("SE".to_owned().try_into().unwrap());
    })
    .await?;
    let clock = Clock::fixed(Clock::system().millis());
    gangway.set_clock(clock.clone());
    gangway.start().await;
    Some((gangway, clock))
}

fn licensed() -> Value {
    let mut body = user("ann.berg");
    body["entitlements"] = json!([{"value": "O365_BUSINESS_PREMIUM"}]);
    body
}

async fn create(gangway: &Gangway) -> String {
    let created = gangway.scim().post("/Users", &licensed()).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    created.path()
}

fn is_enabled(gangway: &Gangway) -> bool {
    gangway.account("ann.berg").get("accountEnabled") == true
}

fn has_licence(gangway: &Gangway) -> bool {
    !gangway.account("ann.berg").licenses.is_empty()
}

fn is_deleted(gangway: &Gangway) -> bool {
    gangway.simulator().users().iter().any(|user| {
        user.deleted.is_some()
            && user.get("userPrincipalName").as_str().is_some_and(|name| name.ends_with(NAME))
    })
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn licences_are_taken_back_with_the_block(#[case] backend: Backend) {
    let Some((gangway, _)) = leaving(backend, OnDelete::RemoveLicenses, 0).await else {
        return;
    };
    let path = create(&gangway).await;
    assert!(has_licence(&gangway));
    gangway.scim().delete(&path).await.expect(204);
    gangway.scim().get(&path).await.expect(404);
    eventually("the licences are taken back", async || (!has_licence(&gangway)).then_some(())).await;
    assert!(!is_enabled(&gangway));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_restored_for_the_one_who_comes_back(#[case] backend: Backend) {
    let Some((gangway, _)) = leaving(backend, OnDelete::SoftDelete, 0).await else {
        return;
    };
    let path = create(&gangway).await;
    let account = gangway.account("ann.berg").id;
    gangway.scim().delete(&path).await.expect(204);
    eventually("the account is deleted", async || is_deleted(&gangway).then_some(())).await;
    let again = gangway.scim().post("/Users", &licensed()).await.expect(201);
    assert_eq!(gangway.settled(&again.path()).await, "synced");
    assert_ne!(again.path(), path, "another SCIM user");
    assert_eq!(gangway.account("ann.berg").id, account, "the same account");
    assert!(is_enabled(&gangway));
    assert_eq!(gangway.simulator().count("POST /users"), 1);
}

#[rstest]
#[case::block_sqlite(Backend::Sqlite, OnDelete::Block)]
#[case::block_postgres(Backend::Postgres, OnDelete::Block)]
#[case::licences(Backend::Sqlite, OnDelete::RemoveLicenses)]
#[case::delete_sqlite(Backend::Sqlite, OnDelete::SoftDelete)]
#[case::delete_postgres(Backend::Postgres, OnDelete::SoftDelete)]
#[tokio::test(flavor = "multi_thread")]
async fn grace_puts_off_what_it_may(#[case] backend: Backend, #[case] on_delete: OnDelete) {
    let Some((mut gangway, clock)) = leaving(backend, on_delete, 3).await else {
        return;
    };
    let path = create(&gangway).await;
    gangway.scim().delete(&path).await.expect(204);
    gangway.scim().get(&path).await.expect(404);
    let done = |gangway: &Gangway| match on_delete {
        OnDelete::Block => !is_enabled(gangway),
        OnDelete::RemoveLicenses => !has_licence(gangway),
        OnDelete::SoftDelete => is_deleted(gangway),
    };
    // Only the block waits where the block itself is what is put off.
    assert_eq!(is_enabled(&gangway), on_delete == OnDelete::Block);
    assert!(!done(&gangway));
    // A restart forgets nothing, and two days are not three.
    clock.advance(2 * DAY);
    gangway.restart().await;
    assert!(!done(&gangway));
    clock.advance(DAY + 1);
    eventually("the days are over", async || done(&gangway).then_some(())).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_return_within_the_days_calls_the_deletion_off(#[case] backend: Backend) {
    let Some((gangway, clock)) = leaving(backend, OnDelete::SoftDelete, 3).await else {
        return;
    };
    let path = create(&gangway).await;
    gangway.scim().delete(&path).await.expect(204);
    assert!(!is_enabled(&gangway));
    let again = gangway.scim().post("/Users", &licensed()).await.expect(201);
    assert_eq!(gangway.settled(&again.path()).await, "synced");
    assert!(is_enabled(&gangway));
    clock.advance(10 * DAY);
    // Something that comes after what would have come.
    let other = gangway.scim().post("/Users", &user("bo.vik")).await.expect(201);
    assert_eq!(gangway.settled(&other.path()).await, "synced");
    gangway.quiet().await;
    assert!(!is_deleted(&gangway) && is_enabled(&gangway));
}

/// Days of grace are for who may sign in: one who was blocked already, or with the same burst, is blocked at once.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_blocked_before_he_left_gets_no_days() {
    let (gangway, _clock) = leaving(Backend::Sqlite, OnDelete::Block, 3).await.unwrap();
    let path = create(&gangway).await;
    gangway.scim().with("prefer", "respond-async").patch(&path, &replace("active", false)).await.expect(202);
    gangway.scim().delete(&path).await.expect(204);
    eventually("sign-in is blocked", async || (!is_enabled(&gangway)).then_some(())).await;
}

/// A create that is refused after it was to take a leaver's account over leaves the leaver to what awaits him.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_that_is_refused_calls_nothing_off() {
    let (gangway, clock) = leaving(Backend::Sqlite, OnDelete::SoftDelete, 3).await.unwrap();
    let path = create(&gangway).await;
    gangway.scim().delete(&path).await.expect(204);
    let refuse = on("PATCH", "/users/*", answer(400, "Request_BadRequest", None));
    let rule = gangway.simulator().add_fault(refuse);
    let mut other = licensed();
    other["title"] = json!("Other");
    gangway.scim().post("/Users", &other).await.expect(400);
    gangway.simulator().remove_fault(rule);
    assert!(!is_enabled(&gangway));
    clock.advance(3 * DAY + 1);
    eventually("the days are over", async || is_deleted(&gangway).then_some(())).await;
}

/// A deletion that Microsoft refuses keeps nobody's door open, and is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_deletion_blocks_and_is_tried_again() {
    let (gangway, clock) = leaving(Backend::Sqlite, OnDelete::SoftDelete, 0).await.unwrap();
    let path = create(&gangway).await;
    let refuse = on("DELETE", "/users/*", answer(403, "Authorization_RequestDenied", None));
    let rule = gangway.simulator().add_fault(refuse);
    let refused = gangway.scim().with("prefer", "respond-async").delete(&path).await;
    assert!([202, 204].contains(&refused.status), "{}", refused.text);
    eventually("sign-in is blocked", async || (!is_enabled(&gangway)).then_some(())).await;
    assert!(!is_deleted(&gangway));
    gangway.simulator().remove_fault(rule);
    clock.advance(60 * 60 * 1000 + 1);
    eventually("the account is deleted", async || is_deleted(&gangway).then_some(())).await;
}
