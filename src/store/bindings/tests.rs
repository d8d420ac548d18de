use futures_util::future::join_all;
use rstest::rstest;
use serde_json::json;

use super::super::testing::{Backend, fixture, insert as insert_user, new_id, user, write};
use super::*;

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
        drift: Some(json!({ "gone": "deleted" })),
        unverified_at: Some(14),
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

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn those_who_report_to_a_manager_are_marked(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let manager = UserId(new_id());
    let mut bound = Vec::new();
    for (number, value) in [
        json!(manager.to_string()),
        json!(new_id().to_string()),
        json!("no id"),
        json!(7),
        json!(manager.to_string()),
    ]
    .into_iter()
    .enumerate()
    {
        let mut row = user(db.organization, &format!("user{number}@contoso.example"));
        row.resource["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"] =
            json!({ "manager": { "value": value } });
        row.deleted_at = (number == 4).then_some(1);
        insert_user(&db.store, &row).await.unwrap();
        let binding = super::super::testing::binding(&row, db.connection, None, 0);
        let stored = binding.clone();
        write(&db.store, move |tx| Box::pin(async move { insert(tx, &stored).await })).await.unwrap();
        bound.push(binding);
    }
    let (organization, asked) = (db.organization, json!({ "id": "r" }));
    let request = asked.clone();
    let marked = write(&db.store, move |tx| {
        Box::pin(async move { mark_reports(tx, organization, manager, Some(&request), 77).await })
    });
    assert_eq!(marked.await.unwrap(), 1);
    for (number, binding) in bound.into_iter().enumerate() {
        let (found, _) = get(&db.store, binding.id).await.unwrap().unwrap();
        let expected = Binding {
            wanted_version: 2,
            lane: Some(Lane::Update),
            queued_at: 77,
            next_attempt_at: 77,
            request: Some(asked.clone()),
            ..binding.clone()
        };
        assert_eq!(found, if number == 0 { expected } else { binding });
    }
}
