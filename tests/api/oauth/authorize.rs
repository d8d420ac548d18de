//! The good way, and what follows from it.

use rstest::rstest;

use super::support::{ADMIN, DOMAIN, PASSWORD, World, user};
use crate::support::{Backend, Browser};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn pushes_wait_for_the_first_sign_in_and_then_go_out_by_themselves(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let scim = world.gangway.scim();
    let waiting = scim.post("/Users", &user("ann")).await.expect(201);
    assert_eq!(waiting.sync_status(), "pending");
    let health = world.health().await;
    assert_eq!(health["state"], "degraded");
    assert!(health["detail"].as_str().is_some_and(|detail| detail.contains("/oauth/connect/")), "{health}");

    let page = world.sign_in(&mut Browser::new(), ADMIN, PASSWORD).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.says("northwind") && page.says(ADMIN), "{}", page.text);
    assert_eq!(page.url.path(), "/oauth/callback");
    world.is_up().await;
    assert_eq!(world.gangway.settled(&waiting.path()).await, "synced");
    assert!(world.microsoft.directory().user(&format!("ann@{DOMAIN}")).is_some());
    assert_eq!(
        world.gangway.simulator().count("POST /users"),
        0,
        "the other tenant has nothing to do with it"
    );
    let events = world.gangway.events().await;
    let types: Vec<&str> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert!(types.contains(&"connection_authorized"), "{types:?}");
    // What was kept is kept sealed, and nothing of it is told.
    for event in &events {
        assert!(!event.to_string().contains("refresh"), "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_sent_to_microsoft_with_what_belongs_there() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    let mut browser = Browser::new();
    let (status, to) = browser.look(&world.begin()).await;
    let to = to.expect("a redirect");
    assert_eq!(status, 302);
    assert_eq!(to.origin(), world.microsoft.url().origin());
    assert!(to.path().ends_with("/oauth2/v2.0/authorize"), "{to}");
    let parameter =
        |name: &str| to.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(parameter("response_type").as_deref(), Some("code"));
    assert_eq!(parameter("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(parameter("redirect_uri"), Some(format!("{}/oauth/callback", world.gangway.url())));
    // 128 bits in base64url at least; a SHA-256.
    for (name, least) in [("state", 22), ("nonce", 22), ("code_challenge", 43)] {
        assert!(parameter(name).is_some_and(|value| value.len() >= least), "{name}: {to}");
    }
    let scope = parameter("scope").unwrap_or_default();
    assert!(scope.contains("offline_access") && scope.contains("openid"), "{scope}");
    let cookie = browser.set_cookies.first().expect("a cookie that binds the browser");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/oauth"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(&parameter("state").unwrap()), "the state is not the cookie: {cookie}");
    let (_, again) = Browser::new().look(&world.begin()).await;
    assert_ne!(again.expect("a redirect").query(), to.query(), "every beginning is a new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_go_on_after_a_restart_and_are_replaced() {
    let mut world = World::new(Backend::Sqlite).await.unwrap();
    world.sign_in(&mut Browser::new(), ADMIN, PASSWORD).await;
    world.is_up().await;
    for n in 0..3 {
        world.gangway.restart().await;
        world.microsoft.directory().expire_tokens();
        let made = world.gangway.scim().post("/Users", &user(&format!("p{n}"))).await.expect(201);
        assert_eq!(world.gangway.settled(&made.path()).await, "synced");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_not_there_has_no_page() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    for id in ["00000000-0000-0000-0000-000000000000", "x"] {
        let page = Browser::new().open(&format!("{}/oauth/connect/{id}", world.gangway.url())).await;
        assert!((400..500).contains(&page.status), "{}", page.text);
    }
}
