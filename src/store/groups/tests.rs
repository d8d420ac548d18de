use rstest::rstest;
use serde_json::json;

use super::super::bindings::Lane;
use super::super::group_bindings;
use super::super::testing::{
    Backend, fixture, group, group_binding, insert_group, new_id, new_organization, update_group, write,
};
use super::super::{Unique, resource_count};
use super::*;
use crate::ids::GroupBindingId;

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn every_column_comes_back_as_it_was_written(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut row = group(db.organization, "Ärzte & Co");
    row.connection = Some(db.connection);
    row.external_id = Some("Ext-1".to_owned());
    row.version = i64::MAX;
    row.rollback = Some(json!({ "version": 3 }));
    insert_group(&db.store, &row).await.unwrap();
    // Names need not be unique (RFC 7643 §4.2); the same group sent twice is refused, in any case of letters.
    let mut namesake = group(db.organization, "Ärzte & Co");
    insert_group(&db.store, &namesake).await.unwrap();
    let twin = group(db.organization, "äRZTE & co");
    assert!(matches!(insert_group(&db.store, &twin).await, Err(Error::Taken(Unique::Group))));
    namesake.external_id = row.external_id.clone();
    assert!(matches!(update_group(&db.store, &namesake).await, Err(Error::Taken(Unique::Group))));
    let binding = GroupBinding {
        object_id: Some("o-1".to_owned()),
        given: json!({ "displayName": "x" }),
        given_version: 1,
        attempts: 2,
        next_attempt_at: 11,
        lease_owner: Some(new_id()),
        lease_until: 12,
        request: Some(json!({ "id": "r-1" })),
        failure: Some(json!({ "reason": "no" })),
        given_at: Some(13),
        drift: Some(json!({ "gone": "deleted" })),
        unverified_at: Some(14),
        ..group_binding(&row, db.connection, Some(Lane::Create), 10)
    };
    let (stored, id) = (binding.clone(), binding.id);
    let held = write(&db.store, move |tx| {
        Box::pin(async move {
            group_bindings::insert(tx, &stored).await?;
            group_bindings::lock(tx, id).await
        })
    })
    .await
    .unwrap();
    assert_eq!(held, Some((binding.clone(), row.clone())));
    assert_eq!(group_bindings::get(&db.store, id).await.unwrap(), held);
    assert_eq!(
        get(&db.store, db.organization, row.id).await.unwrap(),
        Some((row.clone(), Some(binding.clone())))
    );
    let holder = group_bindings::holder_of(&db.store, db.connection, "o-1").await.unwrap();
    assert_eq!(holder, Some((id, row.clone())));
    assert_eq!(group_bindings::holder_of(&db.store, db.connection, "o-2").await.unwrap(), None);

    let second = GroupBinding { id: GroupBindingId(new_id()), object_id: None, ..binding };
    let refused =
        write(&db.store, move |tx| Box::pin(async move { group_bindings::insert(tx, &second).await })).await;
    assert!(matches!(refused, Err(Error::Taken(Unique::GroupBinding))));

    (row.connection, row.external_id, row.rollback, row.deleted_at) = (None, None, None, Some(7));
    update_group(&db.store, &row).await.unwrap();
    assert_eq!(get(&db.store, db.organization, row.id).await.unwrap(), None);
    assert_eq!(group_bindings::get(&db.store, id).await.unwrap().unwrap().1, row);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn another_organization_sees_and_changes_nothing(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let other = new_organization(&db.store).await;
    let row = group(db.organization, "Sales");
    insert_group(&db.store, &row).await.unwrap();
    assert_eq!(get(&db.store, other, row.id).await.unwrap(), None);
    let mut stolen = row.clone();
    stolen.organization = other;
    assert!(matches!(update_group(&db.store, &stolen).await, Err(Error::Missing("group"))));
    let id = row.id;
    let gone = write(&db.store, move |tx| {
        Box::pin(async move {
            assert_eq!(lock(tx, other, id).await?, None);
            set_rollback(tx, other, id, Some(json!({}))).await?;
            remove(tx, other, id).await
        })
    });
    assert!(!gone.await.unwrap());
    assert_eq!(get(&db.store, db.organization, row.id).await.unwrap(), Some((row, None)));
}

/// The number is kept by the database, whatever happens to a row.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_number_of_the_living_is_always_known(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (organization, other) = (db.organization, new_organization(&db.store).await);
    let count = async || resource_count::groups(&db.store, organization).await.unwrap();
    assert_eq!(count().await, 0);
    let mut rows: Vec<Group> = (0..3).map(|number| group(organization, &number.to_string())).collect();
    for row in rows.iter().chain([&group(other, "elsewhere")]) {
        insert_group(&db.store, row).await.unwrap();
    }
    assert_eq!(count().await, 3);
    rows[0].deleted_at = Some(9);
    update_group(&db.store, &rows[0]).await.unwrap();
    update_group(&db.store, &rows[0]).await.unwrap();
    assert_eq!(count().await, 2);
    rows[0].deleted_at = None;
    update_group(&db.store, &rows[0]).await.unwrap();
    assert_eq!(count().await, 3);
    rows[1].deleted_at = Some(9);
    update_group(&db.store, &rows[1]).await.unwrap();
    for row in [rows[0].id, rows[1].id] {
        write(&db.store, move |tx| Box::pin(async move { remove(tx, organization, row).await }))
            .await
            .unwrap();
    }
    assert_eq!(count().await, 1);
    // What did not happen is not counted.
    let lost: Result<(), _> = write(&db.store, move |tx| {
        Box::pin(async move {
            insert(tx, &group(organization, "lost")).await?;
            assert_eq!(resource_count::groups(tx, organization).await?, 2);
            Err(Error::Busy)
        })
    })
    .await;
    assert!(lost.is_err());
    assert_eq!(count().await, 1);
    assert_eq!(resource_count::users(&db.store, organization).await.unwrap(), 0);
}
