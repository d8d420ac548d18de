use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;

use super::super::testing::{
    Backend, Fixture, fixture, insert as insert_user, new_connection, new_id, user, write,
};
use super::*;

const NOW: i64 = 1_000_000;
const LEASE: i64 = 30_000;

async fn take(
    db: &Fixture,
    owner: Uuid,
    now: i64,
    lanes: Vec<Lane>,
    paused: Vec<ConnectionId>,
    limit: u64,
) -> Vec<BindingId> {
    write(&db.store, move |tx| {
        Box::pin(async move {
            let asked = Claim { owner, now, lease_until: now + LEASE, lanes: &lanes, paused: &paused, limit };
            claim(tx, &asked).await
        })
    })
    .await
    .unwrap()
}

async fn take_all(db: &Fixture, now: i64) -> Vec<BindingId> {
    take(db, new_id(), now, Lane::ALL.to_vec(), Vec::new(), 100).await
}

async fn save(db: &Fixture, binding: &Binding) {
    let binding = binding.clone();
    write(&db.store, move |tx| Box::pin(async move { update(tx, &binding).await })).await.unwrap();
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn work_is_taken_lane_by_lane_and_the_oldest_first(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let late_create = db.queued(Lane::Create, 2).await;
    let create = db.queued(Lane::Create, 1).await;
    let background = db.queued(Lane::Background, 0).await;
    let leaver = db.queued(Lane::Security, 9).await;
    let change = db.queued(Lane::Update, 5).await;
    let mut idle = db.queued(Lane::Security, 0).await;
    idle.lane = None;
    save(&db, &idle).await;

    let counts = vec![(Lane::Security, 1), (Lane::Update, 1), (Lane::Create, 2), (Lane::Background, 1)];
    assert_eq!(backlog(&db.store).await.unwrap(), counts);
    let first = take(&db, new_id(), NOW, Lane::ALL.to_vec(), Vec::new(), 2).await;
    assert_eq!(first, [leaver.id, change.id]);
    let creates = take(&db, new_id(), NOW, vec![Lane::Create], Vec::new(), 10).await;
    assert_eq!(creates, [create.id, late_create.id]);
    assert_eq!(take_all(&db, NOW).await, [background.id]);
    assert_eq!(take_all(&db, NOW).await, []);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_lease_keeps_others_away_until_it_runs_out(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let row = db.queued(Lane::Create, 1).await;
    let owner = new_id();
    assert_eq!(take(&db, owner, NOW, Lane::ALL.to_vec(), Vec::new(), 1).await, [row.id]);
    let (held, _) = get(&db.store, row.id).await.unwrap().unwrap();
    assert_eq!((held.lease_owner, held.lease_until), (Some(owner), NOW + LEASE));
    assert_eq!(take_all(&db, NOW + LEASE - 1).await, []);
    assert_eq!(next_due(&db.store, NOW).await.unwrap(), Some(NOW + LEASE));

    let id = row.id;
    let renewed = write(&db.store, move |tx| {
        Box::pin(async move {
            let mine = renew(tx, owner, &[id], NOW + 2 * LEASE).await?;
            Ok((mine, renew(tx, new_id(), &[id], NOW + 9 * LEASE).await?))
        })
    })
    .await
    .unwrap();
    assert_eq!(renewed, (1, 0));
    assert_eq!(take_all(&db, NOW + LEASE).await, []);
    assert_eq!(take_all(&db, NOW + 2 * LEASE).await, [row.id]);
    // The first owner has lost it: it can neither hold it longer nor give it back.
    let lost = write(&db.store, move |tx| {
        Box::pin(async move { Ok((renew(tx, owner, &[id], i64::MAX).await?, release_all(tx, owner).await?)) })
    })
    .await
    .unwrap();
    assert_eq!(lost, (0, 0));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_backs_off_is_paused_or_given_back_is_taken_when_due(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    assert_eq!(next_due(&db.store, NOW).await.unwrap(), None);
    let mut row = db.queued(Lane::Update, 1).await;
    assert_eq!(next_due(&db.store, NOW).await.unwrap(), None, "it is due already");
    row.next_attempt_at = NOW + 500;
    save(&db, &row).await;
    assert_eq!(take_all(&db, NOW + 499).await, []);
    assert_eq!(next_due(&db.store, NOW).await.unwrap(), Some(NOW + 500));

    let later = NOW + 500;
    let other = new_connection(&db.store, db.organization).await;
    assert_eq!(take(&db, new_id(), later, Lane::ALL.to_vec(), vec![other, db.connection], 9).await, []);
    let owner = new_id();
    assert_eq!(take(&db, owner, later, Lane::ALL.to_vec(), vec![other], 9).await, [row.id]);
    let released =
        write(&db.store, move |tx| Box::pin(async move { release_all(tx, owner).await })).await.unwrap();
    assert_eq!(released, 1);
    assert_eq!(take_all(&db, later).await, [row.id]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_that_claim_at_once_never_share(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut waiting = Vec::new();
    for at in 0..40 {
        waiting.push(db.queued(Lane::Create, at).await.id);
    }
    let claims = (0..8).map(|_| take(&db, new_id(), NOW, Lane::ALL.to_vec(), Vec::new(), 10));
    let mut taken: Vec<_> = join_all(claims).await.into_iter().flatten().collect();
    taken.extend(take_all(&db, NOW).await);
    taken.sort();
    waiting.sort();
    assert_eq!(taken, waiting, "each exactly once");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn the_worker_sees_the_whole_row_and_the_deleted_user(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut gone = user(db.organization, "gone@contoso.example");
    gone.deleted_at = Some(9);
    insert_user(&db.store, &gone).await.unwrap();
    let full = Binding {
        account_id: Some("a-1".to_owned()),
        given: json!({ "userPrincipalName": "gone@contoso.example" }),
        wanted_version: 4,
        given_version: 3,
        attempts: 2,
        next_attempt_at: 11,
        lease_owner: Some(new_id()),
        lease_until: 12,
        sealed_password: Some(Sealed::from(vec![0, 255, 1])),
        request: Some(json!({ "id": "r-1" })),
        failure: Some(json!({ "reason": "no" })),
        given_at: Some(13),
        ..super::super::testing::binding(&gone, db.connection, Some(Lane::Security), 10)
    };
    let (row, expected) = (full.clone(), (full.clone(), gone.clone()));
    let id = full.id;
    let held = write(&db.store, move |tx| {
        Box::pin(async move {
            insert(tx, &row).await?;
            lock(tx, id).await
        })
    })
    .await
    .unwrap();
    assert_eq!(held.as_ref(), Some(&expected));
    assert_eq!(get(&db.store, id).await.unwrap(), Some(expected));
    assert_eq!(by_user(&db.store, db.organization, gone.id).await.unwrap(), Some(full.clone()));
    assert!(format!("{full:?}").contains("sealed_password: Some([sealed])"));

    let second = Binding { id: BindingId(new_id()), ..full };
    let refused = write(&db.store, move |tx| Box::pin(async move { insert(tx, &second).await })).await;
    assert!(matches!(refused, Err(Error::Taken(Unique::Binding))));
}

/// On PostgreSQL a change that waits for the row must see what the other wrote, not overwrite it.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_change_under_lock_never_loses_another_ones(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let id = db.queued(Lane::Update, 1).await.id;
    let changes = (0..40).map(|number| {
        write(&db.store, move |tx| {
            Box::pin(async move {
                let (mut row, user) = lock(tx, id).await?.unwrap();
                if number % 2 == 0 {
                    let (_, held) = super::super::users::lock(tx, user.organization, user.id).await?.unwrap();
                    row = held.unwrap();
                }
                row.attempts += 1;
                update(tx, &row).await
            })
        })
    });
    for change in join_all(changes).await {
        change.unwrap();
    }
    assert_eq!(get(&db.store, id).await.unwrap().unwrap().0.attempts, 40);
}
