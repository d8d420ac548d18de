use rstest::rstest;
use serde_json::json;

use super::super::memberships::{self as rows, MemberKind};
use super::super::testing::{Backend, Fixture, binding, fixture, group, group_binding, new_id, user, write};
use super::super::{bindings, group_bindings, groups as scim_groups, users};
use super::*;

/// A user with an account, and what it is to be looked at.
async fn bound(db: &Fixture, name: &str, account: &str, unverified_at: Option<i64>) -> (Binding, User) {
    let user = user(db.organization, name);
    let binding = Binding {
        account_id: Some(account.to_owned()),
        unverified_at,
        drift: Some(json!({ "seen": {} })),
        ..binding(&user, db.connection, None, 1)
    };
    let (row, of) = (binding.clone(), user.clone());
    write(&db.store, move |tx| {
        Box::pin(async move {
            users::insert(tx, &of).await?;
            bindings::insert(tx, &row).await
        })
    })
    .await
    .unwrap();
    (binding, user)
}

async fn bound_group(db: &Fixture, name: &str, object: &str) -> (GroupBinding, Group) {
    let group = group(db.organization, name);
    let binding = GroupBinding {
        object_id: Some(object.to_owned()),
        unverified_at: Some(5),
        ..group_binding(&group, db.connection, None, 1)
    };
    let (row, of) = (binding.clone(), group.clone());
    write(&db.store, move |tx| {
        Box::pin(async move {
            scim_groups::insert(tx, &of).await?;
            group_bindings::insert(tx, &row).await
        })
    })
    .await
    .unwrap();
    (binding, group)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn bindings_are_found_by_what_they_have_in_their_connection(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let ann = bound(&db, "ann@contoso.example", "a-1", None).await;
    let bob = bound(&db, "bob@contoso.example", "a-2", Some(7)).await;
    let sales = bound_group(&db, "Sales", "g-1").await;
    let asked = texts(&["a-1", "a-3", "g-1"]);
    assert_eq!(accounts(&db.store, db.connection, &asked).await.unwrap(), std::slice::from_ref(&ann));
    assert_eq!(groups(&db.store, db.connection, &asked).await.unwrap(), std::slice::from_ref(&sales));
    let elsewhere = ConnectionId(new_id());
    assert_eq!(accounts(&db.store, elsewhere, &asked).await.unwrap(), []);
    let [first, second] = if ann.0.id < bob.0.id { [&ann.0, &bob.0] } else { [&bob.0, &ann.0] };
    let page = bound_accounts(&db.store, db.connection, None, 1).await.unwrap();
    assert_eq!(page, std::slice::from_ref(first));
    let page = bound_accounts(&db.store, db.connection, Some(first.id), 9).await.unwrap();
    assert_eq!(page, std::slice::from_ref(second));
    assert_eq!(
        bound_groups(&db.store, db.connection, None, 9).await.unwrap(),
        std::slice::from_ref(&sales.0)
    );
    assert_eq!(bound_groups(&db.store, db.connection, Some(sales.0.id), 9).await.unwrap(), []);
    assert_eq!(unverified_groups(&db.store, db.connection, 5, 9).await.unwrap(), [sales.0]);
    let objects = known(&db.store, db.connection, &asked).await.unwrap();
    let found: Vec<_> = objects.iter().map(|known| (known.member, known.kind, known.name.as_str())).collect();
    assert_eq!(
        found,
        [(ann.1.id.0, MemberKind::User, "ann@contoso.example"), (sales.1.id.0, MemberKind::Group, "Sales")]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_was_seen_as_given_is_not_looked_at(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (ann, _) = bound(&db, "ann@contoso.example", "a-1", Some(7)).await;
    let (bob, _) = bound(&db, "bob@contoso.example", "a-2", Some(9)).await;
    let due = unverified_accounts(&db.store, db.connection, 8, 10).await.unwrap();
    assert_eq!(due, std::slice::from_ref(&ann));
    let seen = [(ann.id, 7), (bob.id, 7)];
    write(&db.store, move |tx| Box::pin(async move { verified(tx, &seen).await })).await.unwrap();
    let due = unverified_accounts(&db.store, db.connection, 10, 10).await.unwrap();
    assert_eq!(due, [bob], "one that was given something meanwhile stays");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn members_against_what_was_given_are_remembered(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (binding, _) = bound_group(&db, "Sales", "g-1").await;
    let id = binding.id;
    let one =
        |object: &str, inside, told| MemberDrift { object: object.to_owned(), inside, told, seen_at: 3 };
    let first = [one("a-1", true, true), one("a-2", false, false)];
    let stored = first.clone();
    write(&db.store, move |tx| Box::pin(async move { remember(tx, id, &stored).await })).await.unwrap();
    assert_eq!(member_drift(&db.store, id, &texts(&["a-1"])).await.unwrap(), first[..1]);
    assert_eq!(untold(&db.store, id, 9).await.unwrap(), first[1..]);
    write(&db.store, move |tx| {
        Box::pin(async move {
            remember(tx, id, &[one("a-2", false, true)]).await?;
            forget(tx, id, &texts(&["a-1"])).await
        })
    })
    .await
    .unwrap();
    assert_eq!(untold(&db.store, id, 9).await.unwrap(), []);
    let left = member_drift(&db.store, id, &texts(&["a-1", "a-2"])).await.unwrap();
    assert_eq!(left, [one("a-2", false, true)]);
    write(&db.store, move |tx| Box::pin(async move { forget_all(tx, id).await })).await.unwrap();
    assert_eq!(member_drift(&db.store, id, &texts(&["a-2"])).await.unwrap(), []);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_others_did_to_members_becomes_work(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (binding, sales) = bound_group(&db, "Sales", "g-1").await;
    let (_, ann) = bound(&db, "ann@contoso.example", "a-1", None).await;
    let (_, bob) = bound(&db, "bob@contoso.example", "a-2", None).await;
    let (organization, group) = (db.organization, sales.id);
    let in_it = (ann.id.0, MemberKind::User);
    write(&db.store, move |tx| {
        Box::pin(async move {
            rows::add(tx, organization, group, &[in_it]).await?;
            rows::given(tx, organization, group, &[(in_it.0, in_it.1, "a-1".to_owned())]).await
        })
    })
    .await
    .unwrap();
    let given = given_members(&db.store, group, None, 9).await.unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!(given_members(&db.store, group, Some(ann.id.0), 9).await.unwrap(), []);
    let others = known(&db.store, db.connection, &texts(&["a-1", "a-2"])).await.unwrap();
    write(&db.store, move |tx| {
        Box::pin(async move {
            // The one who is a member has a row, which stays as it is.
            take_out(tx, organization, group, &others).await?;
            put_again(tx, group, &[ann.id.0]).await
        })
    })
    .await
    .unwrap();
    let mut found = memberships(&db.store, group, &[ann.id.0, bob.id.0]).await.unwrap();
    found.sort_by_key(|row| !row.wanted);
    let expected = [
        Membership { member: ann.id.0, wanted: true, given_as: None },
        Membership { member: bob.id.0, wanted: false, given_as: Some("a-2".to_owned()) },
    ];
    assert_eq!(found, expected);
    let out = rows::pending_removals(&db.store, group, binding.connection, 9).await.unwrap();
    assert_eq!(out.len(), 1);
}
