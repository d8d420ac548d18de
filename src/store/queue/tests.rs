use futures_util::future::join_all;
use rstest::rstest;

use super::super::bindings::{self, Binding};
use super::super::group_bindings::{self, GroupBinding};
use super::super::testing::{Backend, Fixture, fixture, new_connection, new_id, write};
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
) -> Vec<WorkId> {
    write(&db.store, move |tx| {
        Box::pin(async move {
            let asked = Claim {
                owner,
                now,
                lease_until: now + LEASE,
                lanes: &lanes,
                paused: &paused,
                crowded: &[],
                limit,
            };
            Ok(claim(tx, &asked).await?.into_iter().map(|(work, _)| work).collect())
        })
    })
    .await
    .unwrap()
}

fn account(binding: &Binding) -> WorkId {
    WorkId::Account(binding.id)
}

fn group(binding: &GroupBinding) -> WorkId {
    WorkId::Group(binding.id)
}

async fn take_all(db: &Fixture, now: i64) -> Vec<WorkId> {
    take(db, new_id(), now, Lane::ALL.to_vec(), Vec::new(), 100).await
}

async fn save(db: &Fixture, binding: &Binding) {
    let binding = binding.clone();
    write(&db.store, move |tx| Box::pin(async move { bindings::update(tx, &binding).await })).await.unwrap();
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
    assert_eq!(backlog(&db.store, NOW).await.unwrap(), counts);
    let first = take(&db, new_id(), NOW, Lane::ALL.to_vec(), Vec::new(), 2).await;
    assert_eq!(first, [account(&leaver), account(&change)]);
    let creates = take(&db, new_id(), NOW, vec![Lane::Create], Vec::new(), 10).await;
    assert_eq!(creates, [account(&create), account(&late_create)]);
    assert_eq!(take_all(&db, NOW).await, [account(&background)]);
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
    assert_eq!(take(&db, owner, NOW, Lane::ALL.to_vec(), Vec::new(), 1).await, [account(&row)]);
    let (held, _) = bindings::get(&db.store, row.id).await.unwrap().unwrap();
    assert_eq!((held.lease_owner, held.lease_until), (Some(owner), NOW + LEASE));
    assert_eq!(take_all(&db, NOW + LEASE - 1).await, []);
    assert_eq!(next_due(&db.store, NOW).await.unwrap(), Some(NOW + LEASE));

    let id = account(&row);
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
    assert_eq!(take_all(&db, NOW + 2 * LEASE).await, [account(&row)]);
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
    assert_eq!(take(&db, owner, later, Lane::ALL.to_vec(), vec![other], 9).await, [account(&row)]);
    let released =
        write(&db.store, move |tx| Box::pin(async move { release_all(tx, owner).await })).await.unwrap();
    assert_eq!(released, 1);
    assert_eq!(take_all(&db, later).await, [account(&row)]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn two_that_claim_at_once_never_share(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut waiting = Vec::new();
    for at in 0..20 {
        waiting.push(account(&db.queued(Lane::Create, at).await));
        waiting.push(group(&db.queued_group(Lane::Create, at).await));
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
async fn users_and_groups_wait_in_one_queue(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let people = db.queued(Lane::Update, 3).await;
    let second = db.queued_group(Lane::Update, 2).await;
    let first = db.queued(Lane::Update, 1).await;
    let urgent = db.queued_group(Lane::Security, 9).await;
    let counts = vec![(Lane::Security, 1), (Lane::Update, 3)];
    assert_eq!(backlog(&db.store, NOW).await.unwrap(), counts);

    let owner = new_id();
    let taken = take(&db, owner, NOW, Lane::ALL.to_vec(), Vec::new(), 3).await;
    assert_eq!(taken, [group(&urgent), account(&first), group(&second)], "the limit is for both");
    assert_eq!(take_all(&db, NOW).await, [account(&people)], "what was not taken is free");
    let (held, _) = group_bindings::get(&db.store, second.id).await.unwrap().unwrap();
    assert_eq!((held.lease_owner, held.lease_until), (Some(owner), NOW + LEASE));

    let (given_back, rest) = (group(&second), taken.clone());
    let (renewed, released) = write(&db.store, move |tx| {
        Box::pin(async move {
            give_back(tx, owner, given_back, NOW + 10).await?;
            Ok((renew(tx, owner, &rest, NOW + 5).await?, release_all(tx, owner).await?))
        })
    })
    .await
    .unwrap();
    assert_eq!((renewed, released), (2, 2), "the one that was given back is no longer held");
    assert_eq!(next_due(&db.store, NOW).await.unwrap(), Some(NOW + 10));
    assert_eq!(take_all(&db, NOW + 9).await, [group(&urgent), account(&first)]);
    assert_eq!(take_all(&db, NOW + 10).await, [group(&second)]);
    let dead = write(&db.store, |tx| Box::pin(release_dead(tx))).await.unwrap();
    assert_eq!(dead, 4);
    let (row, _) = group_bindings::get(&db.store, second.id).await.unwrap().unwrap();
    assert_eq!(row.attempts, 2, "what was held has been begun");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_mark_makes_dirty_and_keeps_what_is_more_urgent(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let mut idle = db.queued_group(Lane::Update, 5).await;
    idle.lane = None;
    idle.attempts = 3;
    idle.failure = Some(serde_json::json!("why"));
    let row = idle.clone();
    write(&db.store, move |tx| Box::pin(async move { group_bindings::update(tx, &row).await }))
        .await
        .unwrap();
    let urgent = db.queued_group(Lane::Security, 5).await;
    let late = db.queued_group(Lane::Background, 5).await;
    let aside = db.queued_group(Lane::Background, 5).await;

    let groups = [late.group, urgent.group, idle.group, crate::ids::GroupId(new_id())];
    let request = serde_json::json!({ "id": "r" });
    let asked = request.clone();
    let marked = write(&db.store, move |tx| {
        Box::pin(async move { group_bindings::mark(tx, &groups, Lane::Update, Some(&asked), NOW).await })
    });
    assert_eq!(marked.await.unwrap(), 3);
    for (before, lane, queued_at) in
        [(idle, Lane::Update, NOW), (urgent, Lane::Security, 5), (late, Lane::Update, 5)]
    {
        let expected = GroupBinding {
            wanted_version: before.wanted_version + 1,
            lane: Some(lane),
            queued_at,
            attempts: 0,
            next_attempt_at: NOW,
            // What waits already is told as that of the one who asked for it.
            request: before.lane.map_or(Some(request.clone()), |_| before.request.clone()),
            ..before.clone()
        };
        let found = group_bindings::get(&db.store, before.id).await.unwrap().unwrap().0;
        assert_eq!(found, expected);
        let group = before.group;
        write(&db.store, move |tx| {
            Box::pin(async move { group_bindings::mark(tx, &[group], Lane::Background, None, NOW + 1).await })
        })
        .await
        .unwrap();
        let (again, _) = group_bindings::get(&db.store, before.id).await.unwrap().unwrap();
        assert_eq!(
            (again.lane, again.queued_at, again.request),
            (Some(lane), queued_at, expected.request.clone())
        );
    }
    assert_eq!(group_bindings::get(&db.store, aside.id).await.unwrap().unwrap().0, aside);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_crowded_connection_gets_places_for_security_alone(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let leaver = db.queued(Lane::Security, 2).await;
    let change = db.queued(Lane::Update, 1).await;
    let crowded = vec![db.connection];
    let taken = write(&db.store, move |tx| {
        Box::pin(async move {
            let (owner, lanes) = (new_id(), Lane::ALL);
            let lease_until = NOW + LEASE;
            let (paused, crowded) = (&[], crowded.as_slice());
            claim(tx, &Claim { owner, now: NOW, lease_until, lanes: &lanes, paused, crowded, limit: 10 })
                .await
        })
    });
    assert_eq!(taken.await.unwrap(), [(account(&leaver), db.connection)]);
    assert_eq!(take_all(&db, NOW).await, [account(&change)]);
}
