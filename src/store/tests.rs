//! The store as a whole: opening, migrating, and units of work, on both databases.

use futures_util::future::{join_all, try_join_all};
use migration::{Migrator, MigratorTrait as _};
use rstest::rstest;
use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait as _, Database, EntityTrait as _};
use serde_json::json;
use uuid::Uuid;

use super::testing::{Backend, address, fixture, insert, new_id, options, user, write};
use super::{Error, Store, organizations, resource_count, users};
use crate::ids::{OrganizationId, UserId};

fn organization(name: &str) -> organizations::Organization {
    organizations::Organization { id: OrganizationId(new_id()), name: name.to_owned(), created_at: 1 }
}

async fn names(store: &Store) -> Vec<String> {
    let all = organizations::list(store).await.unwrap();
    all.into_iter().map(|organization| organization.name).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn four_that_start_at_once_all_come_up(#[case] backend: Backend) {
    let Some((url, _folder)) = address(backend).await else {
        return;
    };
    let starts = (0..4).map(|_| tokio::spawn(Store::open(options(&url))));
    for store in join_all(starts).await {
        let store = store.unwrap().unwrap();
        store.ping().await.unwrap();
        assert!(names(&store).await.is_empty());
        store.close().await;
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_written_is_there_after_a_restart(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let before = names(&db.store).await;
    let row = user(db.organization, "kept@contoso.example");
    insert(&db.store, &row).await.unwrap();
    db.store.clone().close().await;

    let again = Store::open(options(&db.url)).await.unwrap();
    assert_eq!(names(&again).await, before);
    let (found, binding) = users::get(&again, db.organization, row.id).await.unwrap().unwrap();
    assert_eq!((found, binding), (row, None));
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/no/such/folder/gangway.db", folder.path().display());
    let error = Store::open(options(&url)).await.unwrap_err();
    assert!(matches!(error, Error::Open { .. }));
    assert!(error.to_string().contains("/no/such/folder/gangway.db could not be opened"), "{error}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn eight_that_read_and_then_write_never_meet_a_lock(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut row = user(db.organization, "counter@contoso.example");
    row.version = 0;
    insert(&db.store, &row).await.unwrap();
    // As from another process, such as the command line beside the server.
    let beside = Store::open(options(&db.url)).await.unwrap();
    let writers = (0..8).map(|number| {
        let store = if number % 2 == 0 { &db.store } else { &beside };
        let (store, organization, id) = (store.clone(), row.organization, row.id);
        tokio::spawn(async move {
            for _ in 0..25 {
                write(&store, move |tx| {
                    Box::pin(async move {
                        let (mut user, _) = users::lock(tx, organization, id).await?.unwrap();
                        user.version += 1;
                        users::update(tx, &user).await
                    })
                })
                .await?;
                users::get(&store, organization, id).await?;
            }
            Ok::<_, Error>(())
        })
    });
    for writer in try_join_all(writers).await.unwrap() {
        writer.unwrap();
    }
    let (user, _) = users::get(&db.store, db.organization, row.id).await.unwrap().unwrap();
    assert_eq!(user.version, 200, "no change was lost");
}

/// Hands over many units at once, so that on SQLite they share commits.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_fails_or_panics_takes_nobody_with_it(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let units = (0..60).map(|number| {
        let store = &db.store;
        write(store, move |tx| {
            Box::pin(async move {
                organizations::insert(tx, &organization(&format!("unit {number:02}"))).await?;
                match number % 3 {
                    0 => Ok(number),
                    1 => Err(Error::Busy),
                    _ => panic!("a fault in unit {number}"),
                }
            })
        })
    });
    for (number, result) in join_all(units).await.into_iter().enumerate() {
        match number % 3 {
            0 => assert_eq!(result.unwrap(), number),
            1 => assert!(matches!(result, Err(Error::Busy))),
            _ => assert!(matches!(result, Err(Error::Panicked))),
        }
    }
    let kept: Vec<_> = (0..60).step_by(3).map(|number| format!("unit {number:02}")).collect();
    let mut found = names(&db.store).await;
    found.retain(|name| name.starts_with("unit"));
    assert_eq!(found, kept);
}

/// While a unit of a batch runs, nothing of those before it in the batch is committed.
#[tokio::test(flavor = "multi_thread")]
async fn units_that_wait_share_a_commit_on_sqlite() {
    let db = fixture(Backend::Sqlite).await.unwrap();
    let (started, running) = tokio::sync::oneshot::channel();
    let (go_on, gate) = tokio::sync::oneshot::channel::<()>();
    let store = db.store.clone();
    let first = tokio::spawn(async move {
        write(&store, move |_| {
            Box::pin(async move {
                started.send(()).unwrap();
                gate.await.unwrap();
                Ok(())
            })
        })
        .await
    });
    running.await.unwrap();

    let mut waiting = join_all((0..10).map(|number| {
        let reader = db.store.clone();
        write(&db.store, move |tx| {
            Box::pin(async move {
                organizations::insert(tx, &organization(&number.to_string())).await?;
                let (inside, outside) = (organizations::list(tx).await?, organizations::list(&reader).await?);
                Ok((inside.len(), outside.len()))
            })
        })
    }));
    assert!(futures_util::poll!(&mut waiting).is_pending(), "all of them are handed over");
    go_on.send(()).unwrap();
    first.await.unwrap().unwrap();
    let seen: Vec<_> = waiting.await.into_iter().map(Result::unwrap).collect();
    let expected: Vec<_> = (0..10).map(|number| (number + 2, 1)).collect();
    assert_eq!(seen, expected);
    assert_eq!(names(&db.store).await.len(), 11);
}

/// The statement that fails must not spoil the transaction for its neighbours either.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_statement_takes_nobody_with_it(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let units = (0..20).map(|number| {
        let name = if number % 2 == 0 { "twin".to_owned() } else { format!("unit {number}") };
        write(&db.store, move |tx| {
            Box::pin(async move { organizations::insert(tx, &organization(&name)).await })
        })
    });
    let results = join_all(units).await;
    let twins = results.iter().step_by(2);
    assert_eq!(twins.clone().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(twins.filter(|result| matches!(result, Err(Error::Taken(_)))).count(), 9);
    assert!(results.iter().skip(1).step_by(2).all(Result::is_ok));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_when_the_caller_is_gone_and_a_close_waits_for_it(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (started, running) = tokio::sync::oneshot::channel();
    let (go_on, gate) = tokio::sync::oneshot::channel::<()>();
    let store = db.store.clone();
    let caller = tokio::spawn(async move {
        write(&store, move |tx| {
            Box::pin(async move {
                started.send(()).unwrap();
                gate.await.unwrap();
                organizations::insert(tx, &organization("orphan")).await
            })
        })
        .await
    });
    running.await.unwrap();
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    db.store.clone().close().await;

    let late = write(&db.store, |_| Box::pin(async { Ok(()) })).await;
    assert!(matches!(late, Err(Error::Closed)));
    let again = Store::open(options(&db.url)).await.unwrap();
    assert!(names(&again).await.contains(&"orphan".to_owned()));
}

/// Reads answer while a unit of work is open, and do not see what it has not committed.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn reads_do_not_wait_for_the_writer(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let reader = db.store.clone();
    write(&db.store, move |tx| {
        Box::pin(async move {
            organizations::insert(tx, &organization("mine")).await?;
            assert!(organizations::by_name(tx, "mine").await?.is_some());
            assert!(organizations::by_name(&reader, "mine").await?.is_none());
            Ok(())
        })
    })
    .await
    .unwrap();
    assert!(organizations::by_name(&db.store, "mine").await.unwrap().is_some());
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_row_cannot_refer_to_what_is_not_there(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let stray = user(OrganizationId(Uuid::nil()), "stray@contoso.example");
    assert!(matches!(insert(&db.store, &stray).await, Err(Error::Reference)));
}

/// A database of the first version: its users are counted, and their managers are known, from the start.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn an_old_database_is_brought_up_to_date(#[case] backend: Backend) {
    let Some((url, _folder)) = address(backend).await else { return };
    let old = match backend {
        Backend::Sqlite => Database::connect(format!("{url}?mode=rwc")).await.unwrap(),
        Backend::Postgres => Database::connect(url.as_str()).await.unwrap(),
    };
    Migrator::up(&old, Some(6)).await.unwrap();
    let (organization, manager) = (new_id(), new_id());
    let row = Query::insert()
        .into_table("organization")
        .columns(["id", "name", "created_at"])
        .values_panic([organization.into(), "old".into(), 1_i64.into()])
        .to_owned();
    old.execute(&row).await.unwrap();
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let managers = [
        json!({ extension: { "manager": { "value": manager } } }),
        json!({ extension: { "manager": { "value": "A-17" } } }),
        json!({ extension: { "manager": "A-17" } }),
        json!({ extension: { "manager": { "value": "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz" } } }),
        json!({}),
    ];
    let mut ids = Vec::new();
    for (number, resource) in managers.into_iter().enumerate() {
        let (id, name) = (new_id(), format!("user{number}@contoso.example"));
        let deleted_at = (number == 4).then_some(1_i64);
        let row = Query::insert()
            .into_table("scim_user")
            .columns([
                "id",
                "organization_id",
                "version",
                "user_name",
                "user_name_key",
                "active",
                "resource",
                "created_at",
                "updated_at",
                "deleted_at",
            ])
            .values_panic([
                id.into(),
                organization.into(),
                1_i64.into(),
                name.clone().into(),
                name.into(),
                true.into(),
                resource.into(),
                1_i64.into(),
                1_i64.into(),
                deleted_at.into(),
            ])
            .to_owned();
        old.execute(&row).await.unwrap();
        ids.push(id);
    }
    old.close().await.unwrap();

    let store = Store::open(options(&url)).await.unwrap();
    let organization = OrganizationId(organization);
    assert_eq!(resource_count::users(&store, organization).await.unwrap(), 4);
    assert_eq!(resource_count::groups(&store, organization).await.unwrap(), 0);
    assert!(users::get(&store, organization, UserId(ids[3])).await.unwrap().is_some());
    let rows = entity::scim_user::Entity::find().all(store.connection()).await.unwrap();
    for row in rows {
        assert_eq!(row.manager_id, (row.id == ids[0]).then_some(manager), "{}", row.user_name);
    }
}
