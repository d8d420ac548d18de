use rstest::rstest;
use serde_json::json;

use super::super::testing::{
    Backend, binding, fixture, insert, mailed, new_organization, update, user, write,
};
use super::*;
use crate::store::bindings::{self, Lane};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_name_is_unique_among_the_living_whatever_its_case(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let ada = user(db.organization, "Ada@Contoso.example");
    insert(&db.store, &ada).await.unwrap();
    let twin = user(db.organization, "aDA@contoso.EXAMPLE");
    assert!(matches!(insert(&db.store, &twin).await, Err(Error::Taken(Unique::UserName))));

    let mut bob = user(db.organization, "bob@contoso.example");
    insert(&db.store, &bob).await.unwrap();
    bob.user_name = "ADA@contoso.example".to_owned();
    assert!(matches!(update(&db.store, &bob).await, Err(Error::Taken(Unique::UserName))));

    let elsewhere = user(new_organization(&db.store).await, "ada@contoso.example");
    insert(&db.store, &elsewhere).await.unwrap();
    let (found, _) = by_user_name(&db.store, db.organization, "ADA@CONTOSO.EXAMPLE").await.unwrap().unwrap();
    assert_eq!(found, ada);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_taken_name_leaves_the_transaction_usable(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let ada = user(db.organization, "ada@contoso.example");
    insert(&db.store, &ada).await.unwrap();
    let (twin, next) =
        (user(db.organization, "ada@contoso.example"), user(db.organization, "ada2@contoso.example"));
    let expected = next.id;
    write(&db.store, move |tx| {
        Box::pin(async move {
            assert!(matches!(super::insert(tx, &twin).await, Err(Error::Taken(_))));
            super::insert(tx, &next).await
        })
    })
    .await
    .unwrap();
    assert!(get(&db.store, db.organization, expected).await.unwrap().is_some());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_tombstone_frees_the_name(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut ada = user(db.organization, "ada@contoso.example");
    insert(&db.store, &ada).await.unwrap();
    ada.deleted_at = Some(5_000);
    update(&db.store, &ada).await.unwrap();
    assert_eq!(get(&db.store, db.organization, ada.id).await.unwrap(), None);
    assert_eq!(by_user_name(&db.store, db.organization, &ada.user_name).await.unwrap(), None);

    let again = user(db.organization, "ADA@contoso.example");
    insert(&db.store, &again).await.unwrap();
    let found = by_user_name(&db.store, db.organization, &ada.user_name).await.unwrap();
    assert_eq!(found, Some((again.clone(), None)));
    let (organization, old, new) = (db.organization, ada.id, again.id);
    let held = write(&db.store, move |tx| {
        Box::pin(async move { Ok((lock(tx, organization, old).await?, lock(tx, organization, new).await?)) })
    });
    assert_eq!(held.await.unwrap(), (None, Some((again, None))));

    // Two living users with one name cannot come about by waking a tombstone either.
    ada.deleted_at = None;
    assert!(matches!(update(&db.store, &ada).await, Err(Error::Taken(Unique::UserName))));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn every_column_comes_back_as_it_was_written(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut ada = mailed(user(db.organization, "ada@contoso.example"), &["a@x.example"]);
    ada.connection = Some(db.connection);
    ada.external_id = Some("Ext-1".to_owned());
    ada.active = false;
    ada.version = i64::MAX;
    ada.resource["name"] = json!({ "formatted": "Ada \"L\" \u{1F980} O'Hara\\" });
    ada.rollback = Some(json!({ "version": 3, "resource": { "userName": "old" } }));
    insert(&db.store, &ada).await.unwrap();
    let row = binding(&ada, db.connection, Some(Lane::Create), 7);
    let expected = row.clone();
    write(&db.store, move |tx| Box::pin(async move { bindings::insert(tx, &row).await })).await.unwrap();

    let found = get(&db.store, db.organization, ada.id).await.unwrap();
    assert_eq!(found, Some((ada.clone(), Some(expected))));

    ada.rollback = None;
    ada.external_id = None;
    ada.connection = None;
    update(&db.store, &ada).await.unwrap();
    let (found, _) = get(&db.store, db.organization, ada.id).await.unwrap().unwrap();
    assert_eq!(found, ada);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn another_organization_sees_and_changes_nothing(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let other = new_organization(&db.store).await;
    let ada = user(db.organization, "ada@contoso.example");
    insert(&db.store, &ada).await.unwrap();
    assert_eq!(get(&db.store, other, ada.id).await.unwrap(), None);
    assert_eq!(by_user_name(&db.store, other, &ada.user_name).await.unwrap(), None);

    let mut stolen = ada.clone();
    stolen.organization = other;
    assert!(matches!(update(&db.store, &stolen).await, Err(Error::Missing("user"))));
    let id = ada.id;
    let gone =
        write(&db.store, move |tx| Box::pin(async move { remove(tx, other, id).await })).await.unwrap();
    assert!(!gone);
    assert_eq!(get(&db.store, db.organization, ada.id).await.unwrap(), Some((ada, None)));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_removed_user_takes_addresses_and_binding_along(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let ada = mailed(user(db.organization, "ada@contoso.example"), &["a@x.example", "b@x.example"]);
    insert(&db.store, &ada).await.unwrap();
    let row = binding(&ada, db.connection, None, 7);
    let binding_id = row.id;
    write(&db.store, move |tx| Box::pin(async move { bindings::insert(tx, &row).await })).await.unwrap();
    let (organization, id) = (db.organization, ada.id);
    let gone = write(&db.store, move |tx| Box::pin(async move { remove(tx, organization, id).await }))
        .await
        .unwrap();
    assert!(gone);
    assert_eq!(bindings::get(&db.store, binding_id).await.unwrap(), None);
    let left =
        user_email::Entity::find().all(&crate::store::sealed::Executor::executor(&db.store)).await.unwrap();
    assert!(left.is_empty());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_character_that_postgres_cannot_hold_is_told_as_such(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut ada = user(db.organization, "ada@contoso.example");
    ada.resource["title"] = json!("a\u{0}b");
    match backend {
        Backend::Sqlite => insert(&db.store, &ada).await.unwrap(),
        Backend::Postgres => assert!(matches!(insert(&db.store, &ada).await, Err(Error::Text))),
    }
}
