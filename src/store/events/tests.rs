use rstest::rstest;
use serde_json::json;

use super::super::testing::{Backend, Fixture, fixture, new_id, new_organization, write};
use super::*;

const START: i64 = 1_700_000_000_000;

fn everything() -> Selection {
    Selection {
        services: Vec::new(),
        start: START,
        end: None,
        limit: 1_000,
        skip: 0,
        order: Order::Ascending,
        after: None,
    }
}

fn event(organization: OrganizationId, at: i64) -> EventRow {
    let id = EventId(new_id());
    EventRow {
        id,
        organization,
        at,
        event_type: "user_create_provision".to_owned(),
        service: "directory".to_owned(),
        success: true,
        resource_id: Some("r-1".to_owned()),
        username: None,
        document: json!({ "id": id.to_string(), "at": at }),
    }
}

async fn add(db: &Fixture, events: Vec<EventRow>) {
    write(&db.store, move |tx| {
        Box::pin(async move { append(tx, &events).await })
    })
    .await
    .unwrap();
}

fn place(document: &Value) -> (i64, EventId) {
    let id = document["id"].as_str().unwrap().parse().unwrap();
    (document["at"].as_i64().unwrap(), id)
}

/// 700 events (more than one statement takes), 100 at each of 7 times.
async fn crowd(db: &Fixture) -> Vec<(i64, EventId)> {
    let events: Vec<_> = (0..700)
        .map(|number| event(db.organization, START + number % 7))
        .collect();
    let mut places: Vec<_> = events.iter().map(|event| (event.at, event.id)).collect();
    places.sort();
    add(db, events).await;
    places
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn paging_meets_every_event_once_in_both_directions(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut places = crowd(&db).await;
    for order in [Order::Ascending, Order::Descending] {
        let mut met = Vec::new();
        let mut selection = Selection {
            order,
            limit: 33,
            ..everything()
        };
        loop {
            let page = page(&db.store, db.organization, &selection).await.unwrap();
            met.extend(page.iter().map(place));
            match page.last() {
                Some(last) => selection.after = Some(place(last)),
                None => break,
            }
        }
        assert_eq!(met, places, "{order:?}");
        assert_eq!(count(&db.store, db.organization, &selection).await.unwrap(), 700);
        places.reverse();
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_window_the_service_and_the_organization_are_kept(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let other = new_organization(&db.store).await;
    let mut events: Vec<_> = (0..5)
        .map(|number| event(db.organization, START + number))
        .collect();
    events[4].service = "sso".to_owned();
    events.push(event(other, START));
    add(&db, events.clone()).await;

    let directory = vec!["directory".to_owned()];
    for (selection, expected) in [
        (everything(), vec![0, 1, 2, 3, 4]),
        (
            Selection {
                services: directory.clone(),
                ..everything()
            },
            vec![0, 1, 2, 3],
        ),
        (
            Selection {
                services: vec!["radius".to_owned()],
                ..everything()
            },
            vec![],
        ),
        (
            Selection {
                start: START + 1,
                end: Some(START + 3),
                ..everything()
            },
            vec![1, 2],
        ),
        (
            Selection {
                skip: 1,
                limit: 2,
                ..everything()
            },
            vec![1, 2],
        ),
        (
            Selection {
                order: Order::Descending,
                limit: 2,
                ..everything()
            },
            vec![4, 3],
        ),
        (
            Selection {
                limit: 0,
                ..everything()
            },
            vec![],
        ),
    ] {
        let page = page(&db.store, db.organization, &selection).await.unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|number: &usize| events[*number].document.clone())
            .collect();
        assert_eq!(page, expected, "{selection:?}");
    }
    assert_eq!(
        page(&db.store, other, &everything()).await.unwrap(),
        [events[5].document.clone()]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_event_goes_with_what_it_tells_of(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let row = event(db.organization, START);
    let failed: Result<(), Error> = write(&db.store, move |tx| {
        Box::pin(async move {
            append(tx, &[row]).await?;
            Err(Error::Busy)
        })
    })
    .await;
    assert!(failed.is_err());
    assert_eq!(count(&db.store, db.organization, &everything()).await.unwrap(), 0);
    add(&db, Vec::new()).await;
}
