//! What a tenant says of its domains, and what comes of it.

use rstest::rstest;
use serde_json::json;

use super::super::*;
use crate::directory::Error;
use crate::directory::password::Violation;
use crate::directory::sync::SyncStatus;
use crate::directory::testing::{Backend, World, new, person, world, world_with};
use crate::settings::{Routing, Settings, Unmatched};

fn domain(name: &str) -> TenantDomain {
    TenantDomain { name: name.to_owned(), verified: true, federated: false, is_default: false }
}

async fn read(world: &World, id: ConnectionId, tenant: &[TenantDomain]) -> DomainsRead {
    world.directory.domains_read(world.organization, id, tenant.to_vec()).await.unwrap()
}

async fn names(world: &World, id: ConnectionId) -> Vec<String> {
    let connection = world.connection(id).await;
    let domains = world.directory.domains_of(&connection).await.unwrap();
    domains.into_iter().map(|domain| domain.name).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn verified_ones_are_claimed_and_given_up_again(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &[])).await;
    assert_eq!(names(&world, id).await, [""; 0]);
    assert_eq!(world.directory.domains_due(world.clock.millis()).await.unwrap().len(), 1);
    let tenant = [
        TenantDomain { is_default: true, ..domain("Contoso.Example") },
        TenantDomain { federated: true, ..domain("adfs.example") },
        TenantDomain { verified: false, ..domain("new.example") },
    ];
    let first = read(&world, id, &tenant).await;
    assert_eq!(first.added, ["adfs.example", "contoso.example"]);
    assert_eq!(first, DomainsRead { added: first.added.clone(), ..DomainsRead::default() });
    assert_eq!(names(&world, id).await, ["adfs.example", "contoso.example"]);
    let connection = world.connection(id).await;
    assert_eq!(connection.default_domain.as_deref(), Some("contoso.example"));
    assert_eq!(connection.state_detail, None);
    assert!(world.directory.domains_due(world.clock.millis()).await.unwrap().is_empty());
    assert_eq!(world.directory.domains_due(world.clock.millis() + 3_600_000).await.unwrap().len(), 1);

    assert_eq!(read(&world, id, &tenant).await, DomainsRead::default());
    assert_eq!(world.told().await, ["connection_activate", "domain_add", "domain_add"]);
    let last = read(&world, id, &tenant[1..]).await;
    assert_eq!(last.removed, ["contoso.example"]);
    assert_eq!(world.connection(id).await.default_domain, None);
    assert!(world.told().await.contains(&"domain_remove".to_owned()));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_answer_without_a_verified_domain_changes_nothing(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    for tenant in [vec![], vec![TenantDomain { verified: false, ..domain("contoso.example") }]] {
        let refused = world.directory.domains_read(world.organization, id, tenant).await;
        assert!(matches!(refused, Err(ConnectionError::NoVerifiedDomain)));
    }
    assert_eq!(names(&world, id).await, ["contoso.example"]);
    assert_eq!(world.connection(id).await.domains_read_at, None);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn of_two_that_claim_a_domain_the_first_keeps_it(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let main = world.connect(new("main", &["contoso.example"])).await;
    let other = world.connect(new("other", &[])).await;
    let tenant = [domain("contoso.example"), domain("fabrikam.example")];
    let clash = read(&world, other, &tenant).await;
    assert_eq!(clash.added, ["fabrikam.example"]);
    assert_eq!(clash.clashes.len(), 1);
    assert_eq!(names(&world, main).await, ["contoso.example"]);
    let detail = world.connection(other).await.state_detail.unwrap();
    assert!(detail.contains("contoso.example is taken already by the connection \"main\""), "{detail}");
    read(&world, other, &tenant).await;
    let told = world.told().await;
    assert_eq!(told.iter().filter(|name| *name == "!domain_add").count(), 1, "told once: {told:?}");

    // Once the first has given it up, the other gets it, and nothing is wrong any more.
    read(&world, main, &[domain("elsewhere.example")]).await;
    assert_eq!(read(&world, other, &tenant).await.added, ["contoso.example"]);
    assert_eq!(world.connection(other).await.state_detail, None);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn named_ones_are_taken_alone_and_missed_when_they_are_not_there(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example", "fabrikam.example"])).await;
    assert_eq!(world.connection(id).await.default_domain.as_deref(), Some("contoso.example"));
    let tenant = [domain("fabrikam.example"), TenantDomain { is_default: true, ..domain("third.example") }];
    let found = read(&world, id, &tenant).await;
    assert_eq!(
        (found.removed, found.missing),
        (vec!["contoso.example".to_owned()], vec!["contoso.example".to_owned()])
    );
    assert_eq!(names(&world, id).await, ["fabrikam.example"]);
    let connection = world.connection(id).await;
    assert_eq!(connection.default_domain.as_deref(), Some("fabrikam.example"));
    assert!(connection.state_detail.unwrap().contains("contoso.example is not verified in the tenant"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn those_who_waited_for_a_domain_are_bound(#[case] backend: Backend) {
    let defaults =
        Settings { routing: Routing { unmatched: Some(Unmatched::Unbound) }, ..Settings::default() };
    let Some(world) = world_with(backend, defaults).await else { return };
    let id = world.connect(new("main", &[])).await;
    let ann = world.push(person("ann@contoso.example")).await.unwrap();
    let eva = world.push(person("eva@elsewhere.example")).await.unwrap();
    assert_eq!(ann.status, SyncStatus::Unbound);
    read(&world, id, &[domain("contoso.example")]).await;
    for (user, status) in [(&ann, SyncStatus::Pending), (&eva, SyncStatus::Unbound)] {
        let now = world.directory.user(world.organization, user.id, false).await.unwrap();
        assert_eq!(now.status, status);
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_federated_domain_takes_no_passwords(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &[])).await;
    read(&world, id, &[TenantDomain { federated: true, ..domain("adfs.example") }]).await;
    let refused = world.push(person("ann@adfs.example")).await.unwrap_err();
    assert!(matches!(refused, Error::NoAnchor(_)), "{refused}");
    let mut body = person("ann@adfs.example");
    body["urn:ietf:params:scim:schemas:extension:gangway:2.0:User"] =
        json!({ "onPremisesImmutableId": "abc==" });
    let ann = world.push(body.clone()).await.unwrap();
    body["password"] = json!("Ab3-xY7qwe");
    for refused in [world.push(body.clone()).await.unwrap_err(), world.put(&ann, body).await.unwrap_err()] {
        let Error::Password(Violation::Federated(domain)) = &refused else { panic!("{refused}") };
        assert_eq!(domain, "adfs.example");
    }
    assert_eq!(
        world.told().await.iter().filter(|name| *name == "!user_password_update_provision").count(),
        2
    );
}
