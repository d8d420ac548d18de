mod domains;
mod standing;

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::directory::settle::{Pushed, Wait};
use crate::directory::sync::SyncStatus;
use crate::directory::testing::{Backend, new, person, world};
use crate::store::bindings;
use crate::store::connections::ConnectionState;
use crate::store::queue::{Claim, Lane, WorkId};
use crate::store::{self, queue};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn switched_off_it_forgets_its_bindings_and_keeps_its_users(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    let ann = world.push(person("ann@contoso.example")).await.unwrap();
    let bo = world.push(person("bo@contoso.example")).await.unwrap();
    let gone = world.push(person("cy@contoso.example")).await.unwrap();
    world.delete(&gone).await.unwrap();
    assert_eq!(ann.status, SyncStatus::Pending);

    let off = || world.directory.deactivate(world.organization, id, world.origin());
    assert_eq!(off().await.unwrap(), 3);
    assert_eq!(off().await.unwrap(), 0, "once more changes nothing");
    let connection = world.connection(id).await;
    assert!(connection.is_asleep() && !connection.is_in_use());
    assert_eq!(world.directory.bound(&connection).await.unwrap(), 0);
    assert_eq!(world.told().await, ["connection_activate", "connection_deactivate", "domain_add"]);
    let events = world.events().await;
    let told = events.iter().find(|event| event["event_type"] == "connection_deactivate").unwrap();
    assert_eq!(told["changes"], json!([{ "field": "bindings", "from": 3, "to": 0 }]));
    assert_eq!(told["initiated_by"]["source"], "cli");

    // Pushes are kept, of those who were bound and of new ones.
    let mut renamed = person("ann@contoso.example");
    renamed["title"] = json!("Boss");
    assert_eq!(world.put(&ann, renamed).await.unwrap().status, SyncStatus::Unbound);
    let new = world.push(person("di@contoso.example")).await.unwrap();
    assert_eq!(new.status, SyncStatus::Unbound);
    assert_eq!(world.directory.bound(&connection).await.unwrap(), 0);

    let refused = world.directory.rebind(world.organization, id, Whom::All, world.origin()).await;
    assert!(matches!(refused, Err(ConnectionError::NotInUse(_))));
    assert!(world.directory.activate(world.organization, id, world.origin()).await.unwrap());
    assert!(!world.directory.activate(world.organization, id, world.origin()).await.unwrap());
    assert_eq!(world.connection(id).await.state, ConnectionState::Active);
    let of = async |view: &crate::directory::users::UserView| {
        world.directory.user(world.organization, view.id, false).await.unwrap().status
    };
    assert_eq!(of(&bo).await, SyncStatus::Unbound, "nobody is bound by itself");
    let rebind = |whom| world.directory.rebind(world.organization, id, whom, world.origin());
    assert_eq!(rebind(Whom::Users(vec![bo.id, bo.id])).await.unwrap(), 1);
    assert_eq!(of(&bo).await, SyncStatus::Pending);
    assert_eq!(rebind(Whom::All).await.unwrap(), 2, "the two others");
    assert_eq!(rebind(Whom::All).await.unwrap(), 0);
    assert_eq!(of(&ann).await, SyncStatus::Pending);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_crash_between_two_lots_is_made_good(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    let simulated = world.connect(new("simulated", &["fabrikam.example"])).await;
    let ann = world.push(person("ann@contoso.example")).await.unwrap();
    world.push(person("eva@fabrikam.example")).await.unwrap();
    // As a crash right after the first transaction leaves it; and a simulator that is only away.
    for (id, clearing) in [(id, true), (simulated, false)] {
        let mut row = world.connection(id).await;
        (row.state, row.clearing) = (ConnectionState::Inactive, clearing);
        let written = world.store.write::<_, store::Error, _>(move |tx| {
            Box::pin(async move { connections::update(tx, &row).await })
        });
        written.await.unwrap();
    }
    // A push meets what is left.
    let mut body = person("ann@contoso.example");
    body["title"] = json!("Boss");
    assert_eq!(world.put(&ann, body).await.unwrap().status, SyncStatus::Unbound);
    world.connection(id).await;

    let bo = world.push(person("bo@contoso.example")).await.unwrap();
    assert_eq!(bo.status, SyncStatus::Unbound);
    world.directory.finish_clearing().await.unwrap();
    for (id, bound) in [(id, 0), (simulated, 1)] {
        let connection = world.connection(id).await;
        assert_eq!(world.directory.bound(&connection).await.unwrap(), bound, "{}", connection.name);
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_worker_finds_its_claim_lost(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    world.push(person("ann@contoso.example")).await.unwrap();
    let now = world.clock.millis();
    let claimed = world.store.write::<_, store::Error, _>(move |tx| {
        Box::pin(async move {
            let lanes = Lane::ALL;
            let claim = Claim {
                owner: uuid::Uuid::from_u128(1),
                now,
                lease_until: now + 1_000,
                lanes: &lanes,
                paused: &[],
                crowded: &[],
                limit: 5,
            };
            queue::claim(tx, &claim).await
        })
    });
    let claimed = claimed.await.unwrap();
    let [(WorkId::Account(binding), _)] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert_eq!(world.directory.deactivate(world.organization, id, world.origin()).await.unwrap(), 1);
    assert_eq!(bindings::get(&world.store, *binding).await.unwrap(), None);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_push_that_waits_while_it_is_switched_off_is_not_refused(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    let connection = world.connection(id).await;
    let wait = Wait::AtMost(Duration::from_millis(400));
    let off = async {
        while world.directory.bound(&connection).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
        world.directory.deactivate(world.organization, id, world.origin()).await.unwrap()
    };
    let (pushed, cleared) = tokio::join!(world.push_and_wait(person("ann@contoso.example"), wait), off);
    assert_eq!(cleared, 1);
    match pushed.unwrap() {
        Pushed::Settled(view) => assert_eq!(view.status, SyncStatus::Unbound),
        Pushed::Pending(view) => panic!("{view:?}"),
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn whoever_belongs_elsewhere_is_not_bound_here(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let main = world.connect(new("main", &["contoso.example"])).await;
    let other = world.connect(new("other", &["fabrikam.example"])).await;
    let eva = world.push(person("eva@fabrikam.example")).await.unwrap();
    world.directory.deactivate(world.organization, other, world.origin()).await.unwrap();
    let rebind = |whom| world.directory.rebind(world.organization, main, whom, world.origin());
    let refused = rebind(Whom::Users(vec![eva.id])).await;
    assert!(matches!(refused, Err(ConnectionError::OtherUser { .. })), "{refused:?}");
    assert_eq!(rebind(Whom::All).await.unwrap(), 0);
    let nobody = crate::ids::UserId(uuid::Uuid::from_u128(7));
    assert!(matches!(rebind(Whom::Users(vec![nobody])).await, Err(ConnectionError::NoSuchUser(_))));
    let named = world.directory.user_named(world.organization, "EVA@fabrikam.example").await;
    assert_eq!(named.unwrap(), eva.id);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_what_is_switched_off_is_removed(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    let ann = world.push(person("ann@contoso.example")).await.unwrap();
    let remove = || world.directory.remove_connection(world.organization, id);
    assert!(matches!(remove().await, Err(ConnectionError::InUse(_))));
    world.directory.deactivate(world.organization, id, world.origin()).await.unwrap();
    remove().await.unwrap();
    assert!(matches!(remove().await, Err(ConnectionError::NoSuch(_))));
    let kept = world.directory.user(world.organization, ann.id, false).await.unwrap();
    assert_eq!(kept.status, SyncStatus::Unbound);
    // The domain and the name are free.
    world.connect(new("main", &["contoso.example"])).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn settings_are_changed_all_or_none(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let id = world.connect(new("main", &["contoso.example"])).await;
    let set = |texts: &[&str]| {
        let changes = texts.iter().map(|text| parse_setting(text).unwrap()).collect();
        world.directory.set_settings(world.organization, id, changes)
    };
    let changed = set(&["password.max=64", "photo=true"]).await.unwrap();
    assert_eq!(changed.settings, json!({ "password": { "max": 64 }, "photo": true }));
    let refused = set(&["photo=false", "password.max=1000"]).await;
    assert!(matches!(refused, Err(ConnectionError::Settings(_))), "{refused:?}");
    assert_eq!(world.connection(id).await.settings, changed.settings);
    assert_eq!(set(&["photo=", "password.max="]).await.unwrap().settings, json!({}));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_cannot_be_added_leaves_nothing(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    world.connect(new("main", &["contoso.example"])).await;
    let add = |new| world.directory.add_connection(world.organization, new, world.origin());
    let taken = add(new("second", &["fabrikam.example", "contoso.example"])).await.unwrap_err();
    let sentence = taken.to_string();
    assert!(sentence.contains("contoso.example is taken already by the connection \"main\""), "{sentence}");
    let default = NewConnection {
        default_domain: crate::directory::DomainName::parse("other.example"),
        ..new("second", &["fabrikam.example"])
    };
    assert!(matches!(add(default).await, Err(ConnectionError::DefaultDomain(_))));
    let settings = NewConnection { settings: json!({ "pasword": 1 }), ..new("second", &[]) };
    assert!(matches!(add(settings).await, Err(ConnectionError::Settings(_))));
    let none = NewConnection { domains: Wish::Named(Vec::new()), ..new("second", &[]) };
    assert!(matches!(add(none).await, Err(ConnectionError::NoDomain(_))));
    assert_eq!(world.directory.connections(world.organization).await.unwrap().len(), 1);
    assert_eq!(world.told().await, ["connection_activate", "domain_add"]);
}
