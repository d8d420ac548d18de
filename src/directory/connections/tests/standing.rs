//! What was granted, and what becomes of it.

use rstest::rstest;

use super::super::*;
use crate::directory::sync::SyncStatus;
use crate::directory::testing::{Backend, START, World, new, person, world};
use crate::store::connections::{ConnectionState, GrantKind};

fn granted(token: &str) -> Granted {
    Granted {
        refresh_token: token.into(),
        user_id: "7".to_owned(),
        user_name: "admin@contoso.example".to_owned(),
        scopes: vec!["User.ReadWrite.All".to_owned()],
    }
}

async fn delegated(world: &World) -> ConnectionId {
    let new =
        NewConnection { credential: NewCredential::Delegated(None), ..new("main", &["contoso.example"]) };
    world.connect(new).await
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn until_somebody_signs_in_pushes_are_kept(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let (directory, organization) = (&world.directory, world.organization);
    let id = delegated(&world).await;
    let connection = world.connection(id).await;
    assert_eq!(connection.state, ConnectionState::NeedsAuthorization);
    assert!(connection.credential.is_none() && connection.state_detail.is_some());
    assert_eq!(world.push(person("ann@contoso.example")).await.unwrap().status, SyncStatus::Pending);
    assert_eq!(world.refresh_token(id).await, None);

    directory.authorized(organization, id, granted("first"), world.origin()).await.unwrap();
    let connection = world.connection(id).await;
    assert_eq!((connection.state, connection.state_detail), (ConnectionState::Active, None));
    assert_eq!(world.refresh_token(id).await.as_deref(), Some("first"));

    // A refusal of a call that began before the grant says nothing about it.
    let refused =
        async |began| directory.needs_authorization(organization, id, "revoked", began).await.unwrap();
    assert!(!refused(START - 1).await);
    assert_eq!(world.connection(id).await.state, ConnectionState::Active);
    assert!(refused(START + 1).await);
    assert!(refused(START + 1).await, "still");
    let connection = world.connection(id).await;
    assert_eq!(connection.state, ConnectionState::NeedsAuthorization);
    assert_eq!(connection.state_detail.as_deref(), Some("revoked"));
    let told = world.told().await;
    assert_eq!(
        told,
        ["!connection_needs_authorization", "connection_activate", "connection_authorized", "domain_add"]
    );
    let events = world.events().await;
    let told = events.iter().find(|event| event["event_type"] == "connection_authorized").unwrap();
    assert_eq!(told["changes"][0]["to"], "admin@contoso.example");
    assert!(!serde_json::to_string(&events).unwrap().contains("first"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_application_of_its_own_needs_nobody(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let (directory, organization) = (&world.directory, world.organization);
    let id = world.connect(new("main", &["contoso.example"])).await;
    assert!(!directory.needs_authorization(organization, id, "no", START + 1).await.unwrap());
    let refused = directory.authorized(organization, id, granted("x"), world.origin()).await;
    assert!(matches!(refused, Err(ConnectionError::NotDelegated(_))));
    assert_eq!(world.connection(id).await.state, ConnectionState::Active);
    assert_eq!(world.told().await, ["connection_activate", "domain_add"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_new_credential_takes_the_place_of_the_old_one(#[case] backend: Backend) {
    let Some(world) = world(backend).await else { return };
    let (directory, organization) = (&world.directory, world.organization);
    let id = delegated(&world).await;
    let set = |new| directory.set_credential(organization, id, new);
    let before = world.connection(id).await;
    let changed = set(NewCredential::Federated("/var/run/token".into())).await.unwrap();
    assert_eq!((changed.grant, changed.state), (GrantKind::Federated, ConnectionState::Active));
    assert_eq!(changed.state_detail, None);
    assert_ne!(changed.credential, before.credential);
    assert_eq!(world.opened(changed.credential.as_ref().unwrap(), id), "/var/run/token");
    let changed = set(NewCredential::Delegated(Some("secret".into()))).await.unwrap();
    assert_eq!(changed.state, ConnectionState::NeedsAuthorization);
    directory.authorized(organization, id, granted("first"), world.origin()).await.unwrap();
    // Who has signed in need not do so again for a new secret.
    let changed = set(NewCredential::Delegated(Some("other".into()))).await.unwrap();
    assert_eq!(changed.state, ConnectionState::Active);
}
