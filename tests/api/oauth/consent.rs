//! The administrator's consent for the whole tenant, by a link.

use super::support::{ADMIN, PASSWORD, World};
use crate::support::{Backend, Browser};

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_consents_and_comes_back() {
    let world = World::new(Backend::Sqlite).await.unwrap();
    let mut browser = Browser::new();
    let page = browser.open(&format!("{}/oauth/consent/{}", world.gangway.url(), world.id)).await;
    assert_eq!(page.url.origin(), world.microsoft.url().origin(), "{}", page.text);
    let mut page = browser.submit(&page, &[("login", ADMIN), ("passwd", PASSWORD)]).await;
    if page.text.contains("name=\"answer\"") {
        page = browser.submit(&page, &[("answer", "accept")]).await;
    }
    assert_eq!((page.status, page.url.path()), (200, "/oauth/callback"), "{}", page.text);
    assert!(page.says("consent"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_both_links() {
    let mut world = World::new(Backend::Sqlite).await.unwrap();
    let public = world.gangway.url();
    let printed = world
        .gangway
        .command(&["connection", "authorize", "northwind"], &[("GANGWAY_PUBLIC_URL", &public)])
        .await;
    let connect = format!("{public}/oauth/connect/{}", world.id);
    assert!(printed.well().contains(&connect), "{printed:?}");
    assert!(printed.stdout.contains("consent"), "{printed:?}");
}
