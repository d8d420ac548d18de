//! What is left of a connection that was switched off, and what waits in one that is not in use.

use rstest::rstest;
use serde_json::json;
use uuid::Uuid;

use super::clearing::{self, Cleared};
use super::connections::{self, ConnectionState};
use super::memberships::{self, MemberKind};
use super::queue::{self, Claim, Lane, WorkId};
use super::testing::{
    Backend, Fixture, binding, fixture, group, group_binding, insert, insert_group, new_connection, new_id,
    user, write,
};
use super::users::User;
use super::{bindings, group_bindings, groups, unbound, users};
use crate::ids::ConnectionId;

/// A bound user with a rollback and an account.
async fn bound(db: &Fixture, connection: ConnectionId, name: &str) -> User {
    let mut row = user(db.organization, name);
    row.connection = Some(connection);
    row.rollback = Some(json!({ "kind": "remove" }));
    let mut bound = binding(&row, connection, Some(Lane::Update), 1);
    bound.account_id = Some(name.to_owned());
    let stored = row.clone();
    write(&db.store, move |tx| {
        Box::pin(async move {
            users::insert(tx, &stored).await?;
            bindings::insert(tx, &bound).await
        })
    })
    .await
    .unwrap();
    row
}

async fn clear_accounts(db: &Fixture, connection: ConnectionId) -> Vec<Cleared<crate::ids::UserId>> {
    write(&db.store, move |tx| Box::pin(async move { clearing::accounts(tx, connection).await }))
        .await
        .unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn users_are_kept_and_bound_to_nothing(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let other = new_connection(&db.store, db.organization).await;
    let ann = bound(&db, db.connection, "ann").await;
    let mut bo = bound(&db, db.connection, "bo").await;
    let eva = bound(&db, other, "eva").await;
    bo.deleted_at = Some(7);
    super::testing::update(&db.store, &bo).await.unwrap();
    assert_eq!(clearing::bound(&db.store, db.connection).await.unwrap(), 2);

    let mut cleared = clear_accounts(&db, db.connection).await;
    cleared.sort_by_key(|cleared| cleared.id);
    let row = |user: &User, is_deleted| Cleared {
        id: user.id,
        organization: db.organization,
        object: Some(user.user_name.clone()),
        is_deleted,
    };
    let mut expected = [row(&ann, false), row(&bo, true)];
    expected.sort_by_key(|cleared| cleared.id);
    assert_eq!(cleared, expected);
    assert_eq!(clear_accounts(&db, db.connection).await, []);
    assert_eq!(clearing::bound(&db.store, db.connection).await.unwrap(), 0);

    let (kept, none) = users::get(&db.store, db.organization, ann.id).await.unwrap().unwrap();
    assert_eq!(kept, User { connection: None, rollback: None, ..ann.clone() });
    assert_eq!(none, None);
    let (untouched, binding) = users::get(&db.store, db.organization, eva.id).await.unwrap().unwrap();
    assert_eq!(untouched, eva);
    assert!(binding.is_some());
    let free = unbound::users(&db.store, db.organization, None, 10).await.unwrap();
    assert_eq!(free.iter().map(|user| user.id).collect::<Vec<_>>(), [ann.id], "no tombstone, nobody bound");
    assert_eq!(unbound::users(&db.store, db.organization, Some(ann.id), 10).await.unwrap(), []);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn more_bindings_than_a_lot_are_cleared_in_several(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (organization, connection) = (db.organization, db.connection);
    write(&db.store, move |tx| {
        Box::pin(async move {
            for number in 0..1_001 {
                let row = user(organization, &format!("u{number}"));
                users::insert(tx, &row).await?;
                bindings::insert(tx, &binding(&row, connection, None, 1)).await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    assert_eq!(clear_accounts(&db, connection).await.len(), 1_000);
    assert_eq!(clear_accounts(&db, connection).await.len(), 1);
    assert_eq!(clear_accounts(&db, connection).await.len(), 0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_group_forgets_who_was_given_and_remembers_who_is_to_go(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (organization, connection) = (db.organization, db.connection);
    let (row, other) = (group(organization, "sales"), group(organization, "other"));
    for group in [&row, &other] {
        insert_group(&db.store, group).await.unwrap();
    }
    let [stays, leaves] = ["ann", "bo"].map(|name| user(organization, name));
    for user in [&stays, &leaves] {
        insert(&db.store, user).await.unwrap();
    }
    let (id, kept) = (row.id, other.id);
    let (stays, leaves) = (stays.id.0, leaves.id.0);
    let bound = group_binding(&row, connection, Some(Lane::Update), 1);
    let given = move |member: Uuid| (member, MemberKind::User, member.to_string());
    write(&db.store, move |tx| {
        Box::pin(async move {
            group_bindings::insert(tx, &bound).await?;
            for group in [id, kept] {
                let members = [(stays, MemberKind::User), (leaves, MemberKind::User)];
                memberships::add(tx, organization, group, &members).await?;
                memberships::given(tx, organization, group, &[given(stays), given(leaves)]).await?;
            }
            memberships::remove(tx, organization, id, &[leaves]).await
        })
    })
    .await
    .unwrap();

    let clear =
        || write(&db.store, move |tx| Box::pin(async move { clearing::groups(tx, connection).await }));
    let cleared = clear().await.unwrap();
    assert_eq!(cleared, [Cleared { id, organization, object: None, is_deleted: false }]);
    assert_eq!(clear().await.unwrap(), []);
    let given: Vec<Uuid> = memberships::given_to(&db.store, id, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|pending| pending.member)
        .collect();
    assert_eq!(given, [leaves], "who is to be taken out is taken out once the group is bound again");
    assert_eq!(memberships::given_to(&db.store, kept, 10).await.unwrap().len(), 2);
    let free = unbound::groups(&db.store, organization, None, 10).await.unwrap();
    assert_eq!(free.len(), 2);
    assert_eq!(groups::get(&db.store, organization, id).await.unwrap().unwrap().1, None);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn work_of_a_connection_waits_until_it_is_active(#[case] backend: Backend) {
    const NOW: i64 = 1_000;
    let Some(db) = fixture(backend).await else { return };
    let mut work = db.queued(Lane::Create, 1).await;
    let mut row = connections::get(&db.store, db.organization, db.connection).await.unwrap().unwrap();
    let claim = || {
        write(&db.store, |tx| {
            Box::pin(async move {
                let lanes = Lane::ALL;
                let claim = Claim {
                    owner: new_id(),
                    now: NOW,
                    lease_until: NOW + 10,
                    lanes: &lanes,
                    paused: &[],
                    crowded: &[],
                    limit: 9,
                };
                queue::claim(tx, &claim).await
            })
        })
    };
    for state in [ConnectionState::NeedsAuthorization, ConnectionState::Inactive] {
        row.state = state;
        let stored = row.clone();
        write(&db.store, move |tx| Box::pin(async move { connections::update(tx, &stored).await }))
            .await
            .unwrap();
        assert_eq!(claim().await.unwrap(), [], "{state:?}");
    }
    row.state = ConnectionState::Active;
    work.next_attempt_at = NOW + 60_000;
    let (stored, waits, connection) = (row.clone(), work.clone(), db.connection);
    write(&db.store, move |tx| {
        Box::pin(async move {
            connections::update(tx, &stored).await?;
            bindings::update(tx, &waits).await
        })
    })
    .await
    .unwrap();
    assert_eq!(claim().await.unwrap(), [], "it backs off");
    let due = write(&db.store, move |tx| Box::pin(async move { queue::due_now(tx, connection, NOW).await }));
    assert_eq!(due.await.unwrap(), 1);
    assert_eq!(claim().await.unwrap(), [(WorkId::Account(work.id), connection)]);
}
