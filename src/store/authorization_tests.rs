//! Grants, the ways to the sign-in page, and the signs of life.

use rstest::rstest;

use super::authorizations::{self, Authorization, AuthorizationKind};
use super::grants::{self, Grant};
use super::testing::{Backend, Fixture, fixture, new_connection, new_id, write};
use super::{Error, Sealed, replicas};
use crate::ids::ConnectionId;

fn way(connection: ConnectionId, state: u16, expires_at: i64) -> Authorization {
    let mut state_hash = [0; 32];
    state_hash[..2].copy_from_slice(&state.to_be_bytes());
    Authorization {
        state_hash,
        browser_hash: [9; 32],
        connection,
        kind: AuthorizationKind::Connect,
        sealed: Some(Sealed::from(vec![1, 2])),
        expires_at,
    }
}

async fn put(db: &Fixture, way: &Authorization, now: i64) {
    let way = way.clone();
    write(&db.store, move |tx| Box::pin(async move { authorizations::put(tx, &way, now).await }))
        .await
        .unwrap();
}

async fn take(db: &Fixture, way: &Authorization, now: i64) -> Option<Authorization> {
    let state = way.state_hash;
    write(&db.store, move |tx| Box::pin(async move { authorizations::take(tx, &state, now).await }))
        .await
        .unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_way_is_used_once_and_not_after_its_time(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (one, two) = (way(db.connection, 1, 100), way(db.connection, 2, 100));
    put(&db, &one, 0).await;
    put(&db, &two, 0).await;
    assert_eq!(take(&db, &way(db.connection, 3, 100), 50).await, None);
    assert_eq!(take(&db, &one, 99).await, Some(one.clone()));
    assert_eq!(take(&db, &one, 99).await, None);
    assert_eq!(take(&db, &two, 100).await, None);
    assert_eq!(take(&db, &two, 50).await, None, "an expired one is gone");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn two_that_come_back_at_once_do_not_both_get_in(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let one = way(db.connection, 1, 100);
    put(&db, &one, 0).await;
    let (first, second) = tokio::join!(take(&db, &one, 50), take(&db, &one, 50));
    assert!(first.is_some() != second.is_some());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn ways_without_end_push_the_oldest_out(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let other = new_connection(&db.store, db.organization).await;
    let elsewhere = way(other, 9_999, 50);
    put(&db, &elsewhere, 0).await;
    for state in 0..=200 {
        put(&db, &way(db.connection, state, 1_000 + i64::from(state)), 0).await;
    }
    assert_eq!(take(&db, &way(db.connection, 0, 0), 1).await, None);
    assert!(take(&db, &way(db.connection, 1, 0), 1).await.is_some());
    assert!(take(&db, &way(db.connection, 200, 0), 1).await.is_some());
    assert!(take(&db, &elsewhere, 1).await.is_some(), "only of the same connection");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_grant_is_replaced_and_its_token_rotates(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let grant = Grant {
        connection: db.connection,
        refresh_token: Sealed::from(vec![1]),
        user_id: "7".to_owned(),
        user_name: "admin@contoso.example".to_owned(),
        scopes: vec!["User.ReadWrite.All".to_owned(), "offline_access".to_owned()],
        granted_at: 5,
    };
    let connection = db.connection;
    let rotate = |token: Vec<u8>| {
        write(&db.store, move |tx| {
            Box::pin(async move { grants::rotate(tx, connection, &Sealed::from(token)).await })
        })
    };
    assert!(matches!(rotate(vec![2]).await, Err(Error::Missing("grant"))));
    for user_name in ["admin@contoso.example", "other@contoso.example"] {
        let row = Grant { user_name: user_name.to_owned(), ..grant.clone() };
        let stored = row.clone();
        write(&db.store, move |tx| Box::pin(async move { grants::put(tx, &stored).await })).await.unwrap();
        assert_eq!(grants::get(&db.store, connection).await.unwrap(), Some(row));
    }
    rotate(vec![3]).await.unwrap();
    let kept = grants::get(&db.store, connection).await.unwrap().unwrap();
    assert_eq!(kept.refresh_token, Sealed::from(vec![3]));
    assert!(format!("{kept:?}").contains("refresh_token: [sealed]"), "{kept:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn processes_count_while_they_give_signs_of_life(#[case] backend: Backend) {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let Some(db) = fixture(backend).await else { return };
    let beat = async |id, now| {
        write(&db.store, move |tx| Box::pin(async move { replicas::beat(tx, id, now).await })).await.unwrap();
    };
    let (one, two) = (new_id(), new_id());
    beat(one, 100).await;
    beat(two, 200).await;
    beat(one, 300).await;
    for (since, expected) in [(100, 2), (201, 1), (301, 0)] {
        assert_eq!(replicas::live(&db.store, since).await.unwrap(), expected, "since {since}");
    }
    beat(two, DAY + 301).await;
    assert_eq!(replicas::live(&db.store, 0).await.unwrap(), 1, "who is long gone is forgotten");
    write(&db.store, move |tx| Box::pin(async move { replicas::leave(tx, two).await })).await.unwrap();
    assert_eq!(replicas::live(&db.store, 0).await.unwrap(), 0);
}
