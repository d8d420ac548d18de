//! The bad ways: each says what is wrong, and leaves everything as it was.

use gangway::simulator::{Action, UserSeed};
use rstest::rstest;

use super::support::{ADMIN, DOMAIN, PASSWORD, World, user};
use crate::support::{Backend, Browser, Page, eventually, on, replace};

/// Nobody was let in: the connection is as it was, and what waited waits.
async fn assert_as_before(world: &World, page: &Page) {
    assert!((400..500).contains(&page.status), "{} {}", page.status, page.text);
    assert_eq!(page.url.path(), "/oauth/callback", "{}", page.text);
    assert_eq!(world.health().await["state"], "degraded");
    assert_eq!(world.microsoft.directory().count("POST /users"), 0);
}

/// The address that Microsoft sends the browser back to.
async fn way_back(world: &World, browser: &mut Browser) -> String {
    // The callback must not be reached yet, so the last redirect is caught.
    let page = browser.open(&world.begin()).await;
    let target = browser.submit_and_look(&page, &[("login", ADMIN), ("passwd", PASSWORD)]).await;
    target.to_string()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_state_counts_once_and_in_its_own_browser(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let mut browser = Browser::new();
    let back = way_back(&world, &mut browser).await;
    // Another browser: somebody was lured here with a foreign link.
    let page = Browser::new().open(&back).await;
    assert_as_before(&world, &page).await;
    // A wrong state.
    let mut wrong = url::Url::parse(&back).unwrap();
    let pairs: Vec<(String, String)> = wrong
        .query_pairs()
        .map(|(name, value)| {
            let value = if name == "state" { "A".repeat(value.len()) } else { value.into_owned() };
            (name.into_owned(), value)
        })
        .collect();
    wrong.query_pairs_mut().clear().extend_pairs(pairs);
    let page = browser.open(wrong.as_str()).await;
    assert_as_before(&world, &page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_cannot_be_used_twice() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    let mut browser = Browser::new();
    let back = way_back(&world, &mut browser).await;
    let first = browser.open(&back).await;
    assert_eq!(first.status, 200, "{}", first.text);
    world.is_up().await;
    let again = browser.open(&back).await;
    assert!((400..500).contains(&again.status), "{}", again.text);
    world.is_up().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_nobody_began_says_so() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    for query in ["", "?code=x", "?state=x", "?code=x&state=y", "?error=access_denied", "?code=%00&state=%ff"]
    {
        let page = Browser::new().open(&format!("{}/oauth/callback{query}", world.gangway.url())).await;
        assert_as_before(&world, &page).await;
        assert!(!page.text.contains("<script"), "{}", page.text);
    }
    let page = Browser::new()
        .open(&format!(
            "{}/oauth/callback?error=access_denied&error_description=%3Cscript%3Ealert(1)%3C/script%3E&state=x",
            world.gangway.url()
        ))
        .await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_is_no_administrator_is_refused() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    let name = format!("eva@{DOMAIN}");
    let plain = UserSeed { password: Some("Gang-Way-77x".into()), ..UserSeed::new(&name) };
    world.microsoft.directory().put(&plain).unwrap();
    let page = world.sign_in(&mut Browser::new(), &name, "Gang-Way-77x").await;
    assert_as_before(&world, &page).await;
    assert!(page.says("administrator"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_declines_is_told_what_that_means() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    // Consent is asked for again.
    let app = world.microsoft.directory().apps()[0].client_id;
    world.microsoft.directory().change_app(app, |app| app.delegated.clear());
    let mut browser = Browser::new();
    let page = browser.open(&world.begin()).await;
    let page = browser.submit(&page, &[("login", ADMIN), ("passwd", PASSWORD)]).await;
    let page = browser.submit(&page, &[("answer", "cancel")]).await;
    assert_as_before(&world, &page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_microsoft_refuses_is_explained() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    let mut browser = Browser::new();
    let back = way_back(&world, &mut browser).await;
    let refused = Action::Answer {
        status: 400,
        code: "invalid_grant".to_owned(),
        message: "AADSTS53003: Access has been blocked by Conditional Access policies.".to_owned(),
        retry_after: None,
    };
    world.microsoft.directory().add_fault(on("POST", "*/oauth2/v2.0/token", refused));
    let page = browser.open(&back).await;
    assert_as_before(&world, &page).await;
    assert!(page.says("conditional access"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_reached_leaves_everything_as_it_was() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    let mut browser = Browser::new();
    let back = way_back(&world, &mut browser).await;
    world.microsoft.directory().add_fault(on("POST", "*/oauth2/v2.0/token", Action::ResetBefore));
    let page = browser.open(&back).await;
    assert!((400..600).contains(&page.status), "{}", page.text);
    world.microsoft.directory().clear_faults();
    // A new beginning is all that it takes.
    let page = world.sign_in(&mut browser, ADMIN, PASSWORD).await;
    assert_eq!(page.status, 200, "{}", page.text);
    world.is_up().await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_authorisation_that_ends_is_told_and_can_be_renewed_by_anybody(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    world.sign_in(&mut Browser::new(), ADMIN, PASSWORD).await;
    world.is_up().await;
    let scim = world.gangway.scim();
    let ann = scim.post("/Users", &user("ann")).await.expect(201);
    assert_eq!(world.gangway.settled(&ann.path()).await, "synced");

    world.microsoft.directory().revoke_refresh_tokens();
    world.microsoft.directory().expire_tokens();
    let patched = scim.patch(&ann.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(patched.sync_status(), "pending");
    let bo = scim.post("/Users", &user("bo")).await.expect(201);
    eventually("it is told", async || {
        let health = world.health().await;
        let detail = health["detail"].as_str().unwrap_or_default().to_owned();
        (health["state"] == "degraded" && detail.contains("/oauth/connect/")).then_some(())
    })
    .await;
    let told = world.gangway.events().await;
    let needs = told.iter().filter(|event| event["event_type"] == "connection_needs_authorization");
    assert_eq!(needs.count(), 1, "told once");
    // The other tenant goes on.
    let other = scim.post("/Users", &crate::support::user("eva.lund")).await.expect(201);
    assert_eq!(other.sync_status(), "synced");

    let second = UserSeed {
        password: Some("Gang-Way-77x".into()),
        roles: Some(vec!["Global Administrator".to_owned()]),
        ..UserSeed::new(&format!("chief@{DOMAIN}"))
    };
    world.microsoft.directory().put(&second).unwrap();
    let page = world.sign_in(&mut Browser::new(), &format!("chief@{DOMAIN}"), "Gang-Way-77x").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(world.gangway.settled(&ann.path()).await, "synced");
    assert_eq!(world.gangway.settled(&bo.path()).await, "synced");
    let account = world.microsoft.directory().user(&format!("ann@{DOMAIN}")).unwrap();
    assert_eq!(account.get("jobTitle"), "Buyer");
}
