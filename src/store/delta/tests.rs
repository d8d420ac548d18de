use rstest::rstest;

use super::super::testing::{Backend, Fixture, fixture, new_id, write};
use super::*;

fn ask(owner: Uuid, now: i64) -> Take {
    Take { owner, now, interval: 100, lease_until: now + 50 }
}

async fn taken(db: &Fixture, stream: Stream, ask: Take) -> Option<Place> {
    let connection = db.connection;
    write(&db.store, move |tx| Box::pin(async move { take(tx, connection, stream, &ask).await }))
        .await
        .unwrap()
}

async fn moved(db: &Fixture, owner: Uuid, place: &Place, lease_until: i64) -> bool {
    let place = place.clone();
    write(&db.store, move |tx| Box::pin(async move { advance(tx, owner, &place, lease_until).await }))
        .await
        .unwrap()
}

async fn freed(db: &Fixture, owner: Uuid, next_at: i64) {
    let connection = db.connection;
    write(&db.store, move |tx| {
        Box::pin(async move { release(tx, owner, connection, Stream::Users, next_at).await })
    })
    .await
    .unwrap();
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn one_process_reads_a_stream_at_a_time(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (one, two) = (new_id(), new_id());
    assert!(may_take(&db.store, db.connection, Stream::Users, 1_000, 100).await.unwrap());
    let place = taken(&db, Stream::Users, ask(one, 1_000)).await.unwrap();
    assert_eq!((place.link.as_deref(), place.round, place.walking), (None, 0, false));
    assert_eq!(taken(&db, Stream::Users, ask(two, 1_049)).await, None);
    assert!(!may_take(&db.store, db.connection, Stream::Users, 1_049, 100).await.unwrap());
    assert!(taken(&db, Stream::Groups, ask(two, 1_049)).await.is_some(), "the other stream is another's");
    assert!(taken(&db, Stream::Users, ask(two, 1_050)).await.is_some(), "a lease runs out");
    assert!(!moved(&db, one, &place, 1_100).await, "who has lost the stream moves nothing");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_round_begins_when_the_last_is_old_enough_or_was_left(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let owner = new_id();
    let first = taken(&db, Stream::Users, ask(owner, 1_000)).await.unwrap();
    let page = Place { link: Some("page".to_owned()), walking: true, complete: true, ..first };
    assert!(moved(&db, owner, &page, 1_050).await);
    freed(&db, owner, 0).await;
    let left = taken(&db, Stream::Users, ask(owner, 1_001)).await.unwrap();
    assert_eq!(left, page, "a round that was left goes on where it was");
    let done = Place {
        link: Some("link".to_owned()),
        walking: false,
        complete: false,
        round: 1,
        finished_at: Some(1_010),
        updated_at: 1_010,
        ..left
    };
    assert!(moved(&db, owner, &done, 1_060).await);
    freed(&db, owner, 0).await;
    assert_eq!(taken(&db, Stream::Users, ask(owner, 1_109)).await, None);
    assert_eq!(taken(&db, Stream::Users, ask(owner, 1_110)).await, Some(done));
    freed(&db, owner, 5_000).await;
    assert!(!may_take(&db.store, db.connection, Stream::Users, 4_999, 100).await.unwrap());
    assert_eq!(taken(&db, Stream::Users, ask(owner, 4_999)).await, None, "a failure is waited out");
    assert!(taken(&db, Stream::Users, ask(owner, 5_000)).await.is_some());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_the_dead_have_can_be_given_back_and_places_forgotten(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let owner = new_id();
    taken(&db, Stream::Users, ask(owner, 1_000)).await.unwrap();
    assert_eq!(write(&db.store, |tx| Box::pin(release_dead(tx))).await.unwrap(), 1);
    assert!(taken(&db, Stream::Users, ask(owner, 1_001)).await.is_some());
    assert_eq!(of_connection(&db.store, db.connection).await.unwrap().len(), 1);
    let connection = db.connection;
    write(&db.store, move |tx| Box::pin(async move { forget(tx, connection).await })).await.unwrap();
    assert_eq!(get(&db.store, db.connection, Stream::Users).await.unwrap(), None);
}
