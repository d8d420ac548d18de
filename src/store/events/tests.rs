use rstest::rstest;
use serde_json::json;

use super::super::testing::{Backend, Fixture, fixture, new_id, new_organization, write};
use super::*;

const START: i64 = 1_700_000_000_000;

fn everything() -> Query {
    Query {
        services: Services::All,
        start: START,
        end: None,
        limit: 1_000,
        skip: 0,
        order: Order::Ascending,
        after: None,
        fields: None,
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
    write(&db.store, move |tx| Box::pin(async move { append(tx, &events).await })).await.unwrap();
}

fn place(document: &Value) -> (i64, EventId) {
    let id = document["id"].as_str().unwrap().parse().unwrap();
    (document["at"].as_i64().unwrap(), id)
}

/// 700 events (more than one statement takes), 100 at each of 7 times.
async fn crowd(db: &Fixture) -> Vec<(i64, EventId)> {
    let events: Vec<_> = (0..700).map(|number| event(db.organization, START + number % 7)).collect();
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
        let mut query = Query { order, limit: 33, ..everything() };
        // Not for ever, should an event be met again and again.
        while met.len() <= places.len() {
            let page = page(&db.store, db.organization, &query).await.unwrap();
            met.extend(page.documents.iter().map(place));
            match page.last {
                Some(last) => query.after = Some(last),
                None => break,
            }
        }
        assert_eq!(met, places, "{order:?}");
        assert_eq!(count(&db.store, db.organization, &query).await.unwrap(), 700);
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
    let mut events: Vec<_> = (0..5).map(|number| event(db.organization, START + number)).collect();
    events[4].service = "sso".to_owned();
    events.push(event(other, START));
    add(&db, events.clone()).await;

    let directory = Services::Named(vec!["directory"]);
    for (query, expected) in [
        (everything(), vec![0, 1, 2, 3, 4]),
        (Query { services: directory, ..everything() }, vec![0, 1, 2, 3]),
        (Query { services: Services::Named(vec!["radius", "ldap"]), ..everything() }, vec![]),
        (Query { start: START + 1, end: Some(START + 2), ..everything() }, vec![1, 2]),
        (Query { skip: 1, limit: 2, ..everything() }, vec![1, 2]),
        (Query { order: Order::Descending, limit: 2, ..everything() }, vec![4, 3]),
        (Query { limit: 0, ..everything() }, vec![]),
    ] {
        let page = page(&db.store, db.organization, &query).await.unwrap();
        let expected: Vec<_> =
            expected.iter().map(|number: &usize| events[*number].document.clone()).collect();
        assert_eq!(page.documents, expected, "{query:?}");
    }
    let others = page(&db.store, other, &everything()).await.unwrap();
    assert_eq!(others.documents, [events[5].document.clone()]);
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

#[test]
fn an_events_row_says_what_its_document_says() {
    use crate::clock;
    use crate::ids::ConnectionId;
    use crate::insights::{
        Application, Correlation, EventType, Initiator, InitiatorKind, ResourceKind, ResourceRef,
    };

    let event = Event {
        id: EventId(new_id()),
        organization: OrganizationId(new_id()),
        at: START,
        event_type: EventType::UserDeprovision,
        outcome: Outcome::Failure { reason: "no".to_owned() },
        initiated_by: Initiator {
            kind: InitiatorKind::System,
            id: None,
            source: "gangway".to_owned(),
            source_metadata: None,
        },
        resource: ResourceRef {
            kind: ResourceKind::User,
            id: "u-1".to_owned(),
            username: Some("ada".to_owned()),
        },
        target: None,
        application: Some(Application { id: ConnectionId(new_id()), name: "main".to_owned() }),
        provider: None,
        changes: Vec::new(),
        chain: None,
        correlation: Correlation { id: "c".to_owned(), graph_request_id: None, client_request_id: None },
        client_ip: None,
        useragent: None,
    };
    let row = EventRow::from(&event);
    assert_eq!((row.id, row.organization, row.at), (event.id, event.organization, START));
    assert_eq!(row.document["timestamp"], clock::rfc3339(START));
    assert_eq!(row.document["event_type"], row.event_type);
    assert_eq!(row.document["service"], row.service);
    assert_eq!(row.document["success"], row.success);
    assert_eq!(row.document["resource"]["id"], json!(row.resource_id));
    assert_eq!(row.document["resource"]["username"], json!(row.username));
}
