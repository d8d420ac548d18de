//! Domains are read from the tenant, and route.

use gangway::simulator::{DomainSeed, UserSeed};
use rstest::rstest;

use super::support::{add, domain, named, tenant_of};
use crate::support::{Backend, eventually, gangway, replace};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn all_verified_domains_of_a_tenant_route_to_it_and_no_others(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let domains =
        vec![domain("northwind.example", true), domain("trader.example", true), domain("new.example", false)];
    let other = tenant_of(domains, |_| {}).await;
    add(&mut gangway, "northwind", &other, &[]).await.well();
    let scim = gangway.scim();
    let mut paths = Vec::new();
    for name in ["ann@northwind.example", "bo@Trader.example"] {
        let path = eventually("the domains are read", async || {
            let answer = scim.post("/Users", &named(name)).await;
            (answer.status == 201).then(|| answer.path())
        })
        .await;
        assert_eq!(gangway.settled(&path).await, "synced");
        paths.push(path);
    }
    assert_eq!(other.directory().users().len(), 2);
    assert_eq!(gangway.simulator().count("POST /users"), 0);
    let refused = scim.post("/Users", &named("eva@new.example")).await.expect(400);
    assert!(refused.detail().contains("new.example"), "{}", refused.text);

    // A clash: the first keeps its domain, and the other says so.
    let domains = vec![domain("third.example", true), domain("trader.example", true)];
    let third = tenant_of(domains, |tenant| tenant.display_name = "Third".to_owned()).await;
    add(&mut gangway, "third", &third, &[]).await.well();
    let path = eventually("the third one's domains are read", async || {
        let answer = scim.post("/Users", &named("liv@third.example")).await;
        (answer.status == 201).then(|| answer.path())
    })
    .await;
    assert_eq!(gangway.settled(&path).await, "synced");
    let again = scim.post("/Users", &named("odd@trader.example")).await.expect(201);
    assert_eq!(gangway.settled(&again.path()).await, "synced");
    assert!(other.directory().user("odd@trader.example").is_some());
    assert!(third.directory().user("odd@trader.example").is_none());
    let told = eventually("the clash is told", async || {
        let listed = gangway.http().get("/health/ready").await.expect(200).text;
        listed.contains("trader.example").then_some(listed)
    });
    told.await;
    let events = gangway.events().await;
    let added = events.iter().filter(|event| event["event_type"] == "domain_add" && event["success"] == true);
    assert!(added.count() >= 3, "{events:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_for_a_federated_domain_is_refused_with_the_reason(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let federated = DomainSeed { federated: true, ..domain("fed.example", true) };
    let other = tenant_of(vec![domain("northwind.example", true), federated], |_| {}).await;
    add(&mut gangway, "northwind", &other, &[]).await.well();
    let scim = gangway.scim();
    let mut body = named("ann@fed.example");
    body[crate::support::GANGWAY] = serde_json::json!({"onPremisesImmutableId": "4711"});
    let path = eventually("the domains are read", async || {
        let answer = scim.post("/Users", &body).await;
        (answer.status == 201).then(|| answer.path())
    })
    .await;
    assert_eq!(gangway.settled(&path).await, "synced");
    let before = other.directory().counts();
    let refused = scim.patch(&path, &replace("password", "Gang-Way-77x")).await.expect(400);
    assert!(refused.detail().contains("federated"), "{}", refused.text);
    let without = scim.post("/Users", &named("bo@fed.example")).await.expect(400);
    assert!(without.detail().contains("onPremisesImmutableId"), "{}", without.text);
    assert_eq!(other.directory().counts(), before, "nobody was asked");
    assert_eq!(gangway.settled(&path).await, "synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_and_reads_the_domains() {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    let other =
        tenant_of(vec![domain("northwind.example", true), domain("new.example", false)], |_| {}).await;
    add(&mut gangway, "northwind", &other, &["--default-domain", "northwind.example"]).await.well();
    let read = gangway.command(&["connection", "domains", "northwind", "--read"], &[]).await;
    assert!(read.well().contains("northwind.example"), "{read:?}");
    let shown = gangway.command(&["connection", "domains", "northwind"], &[]).await;
    assert!(shown.well().contains("northwind.example"), "{shown:?}");
    let made = gangway.scim().post("/Users", &named("ann@northwind.example")).await.expect(201);
    assert_eq!(gangway.settled(&made.path()).await, "synced");
    other.directory().put(&UserSeed::new("bo@northwind.example")).unwrap();
}
