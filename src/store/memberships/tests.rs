use std::collections::BTreeSet;

use futures_util::future::join_all;
use rstest::rstest;

use super::super::bindings::{self, Lane};
use super::super::group_bindings;
use super::super::groups::{self, Group};
use super::super::testing::{
    Backend, Fixture, binding, fixture, group, group_binding, insert, insert_group, new_id, new_organization,
    plan, update, update_group, user, write,
};
use super::super::users::{self, User};
use super::*;

const USER: MemberKind = MemberKind::User;
const NONE: [Uuid; 0] = [];

fn ids(users: &[User]) -> Vec<Uuid> {
    users.iter().map(|user| user.id.0).collect()
}

fn sorted(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids
}

async fn people(db: &Fixture, number: usize) -> Vec<User> {
    let mut users = Vec::new();
    for number in 0..number {
        let row = user(db.organization, &format!("user{number}@contoso.example"));
        insert(&db.store, &row).await.unwrap();
        users.push(row);
    }
    users
}

async fn new_group(db: &Fixture, name: &str) -> Group {
    let row = group(db.organization, name);
    insert_group(&db.store, &row).await.unwrap();
    row
}

/// The user's account in the connection.
async fn bind(db: &Fixture, user: &User, object: &str) {
    let mut row = binding(user, db.connection, None, 0);
    row.account_id = Some(object.to_owned());
    write(&db.store, move |tx| Box::pin(async move { bindings::insert(tx, &row).await })).await.unwrap();
}

impl Fixture {
    async fn add(&self, group: &Group, members: &[Uuid], kind: MemberKind) -> Vec<Uuid> {
        let members: Vec<_> = members.iter().map(|id| (*id, kind)).collect();
        let (organization, group) = (self.organization, group.id);
        let added = write(&self.store, move |tx| {
            Box::pin(async move { add(tx, organization, group, &members).await })
        });
        sorted(added.await.unwrap())
    }

    async fn take(&self, group: &Group, members: &[Uuid]) -> Vec<Uuid> {
        let (organization, group, members) = (self.organization, group.id, members.to_vec());
        let removed = write(&self.store, move |tx| {
            Box::pin(async move { remove(tx, organization, group, &members).await })
        });
        sorted(removed.await.unwrap())
    }

    async fn gave(&self, group: &Group, members: &[(Uuid, &str)]) {
        let members: Vec<_> = members.iter().map(|(id, object)| (*id, USER, (*object).to_owned())).collect();
        let (organization, group) = (self.organization, group.id);
        write(&self.store, move |tx| Box::pin(async move { given(tx, organization, group, &members).await }))
            .await
            .unwrap();
    }

    async fn is_gone(&self, group: &Group, members: &[Uuid]) {
        let (organization, group, members) = (self.organization, group.id, members.to_vec());
        write(&self.store, move |tx| Box::pin(async move { gone(tx, organization, group, &members).await }))
            .await
            .unwrap();
    }

    async fn members(&self, group: &Group) -> Vec<Uuid> {
        let page = page(&self.store, self.organization, group.id, None, 10_000).await.unwrap();
        page.into_iter().map(|member| member.id).collect()
    }

    async fn to_remove(&self, group: &Group) -> Vec<(Uuid, Option<String>)> {
        let pending = pending_removals(&self.store, group.id, self.connection, 100).await.unwrap();
        pending.into_iter().map(|pending| (pending.member, pending.object_id)).collect()
    }

    async fn to_add(&self, group: &Group) -> Vec<(Uuid, Option<String>)> {
        let pending = pending_additions(&self.store, group.id, self.connection, 100).await.unwrap();
        pending.into_iter().map(|pending| (pending.member, pending.object_id)).collect()
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn only_what_changes_is_told(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (row, other) = (new_group(&db, "Sales").await, new_group(&db, "Other").await);
    let all = ids(&people(&db, 4).await);
    db.add(&other, &all, USER).await;
    assert_eq!(db.add(&row, &[all[1], all[0], all[1]], USER).await, all[..2]);
    assert_eq!(db.add(&row, &all[1..3], USER).await, all[2..3]);
    assert_eq!(db.add(&row, &[], USER).await, NONE);
    assert_eq!(db.members(&row).await, all[..3]);
    assert_eq!(db.take(&row, &[all[0], all[0], all[3]]).await, all[..1]);
    assert_eq!(db.take(&row, &all[..1]).await, NONE);
    assert_eq!(db.add(&row, &all[..1], USER).await, all[..1]);
    let (organization, id, keep) = (db.organization, row.id, vec![all[2], all[3]]);
    let (kept, restored) = write(&db.store, move |tx| {
        Box::pin(async move {
            let kept = retain(tx, organization, id, &keep).await?;
            let back: Vec<_> =
                kept.iter().map(|id| (*id, USER, true)).chain([(keep[0], USER, false)]).collect();
            Ok((kept, set_wanted(tx, organization, id, &back).await?))
        })
    })
    .await
    .unwrap();
    assert_eq!((kept, restored), (all[..2].to_vec(), 3));
    assert_eq!(db.members(&row).await, all[..2]);
    assert_eq!(db.members(&other).await, all, "the other group is untouched");
}

/// More than go into one statement.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn many_members_are_taken_in_pieces(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let row = new_group(&db, "All").await;
    let all: Vec<Uuid> = (0..2_500).map(|_| new_id()).collect();
    assert_eq!(db.add(&row, &all, USER).await, all);
    assert_eq!(db.add(&row, &all, USER).await, NONE);
    let keep: Vec<Uuid> = all.iter().copied().step_by(5).collect();
    let (organization, id, kept) = (db.organization, row.id, keep.clone());
    let removed =
        write(&db.store, move |tx| Box::pin(async move { retain(tx, organization, id, &kept).await }))
            .await
            .unwrap();
    assert_eq!(removed.len(), 2_000);
    assert_eq!(db.take(&row, &all).await, keep);
    assert_eq!(known(&db.store, db.organization, &all).await.unwrap(), []);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn members_are_shown_while_they_live(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let row = new_group(&db, "Sales").await;
    let mut users = people(&db, 3).await;
    users[0].resource["displayName"] = "Ada \"L\"".into();
    update(&db.store, &users[0]).await.unwrap();
    let (mut nested, foreign) = (new_group(&db, "Nested").await, new_organization(&db.store).await);
    let stranger = user(foreign, "stranger@contoso.example");
    insert(&db.store, &stranger).await.unwrap();

    let asked: Vec<Uuid> =
        ids(&users).into_iter().chain([nested.id.0, stranger.id.0, new_id(), users[0].id.0]).collect();
    let mut found = known(&db.store, db.organization, &asked).await.unwrap();
    found.sort_unstable_by_key(|(id, _)| *id);
    let mut expected: Vec<_> = users.iter().map(|user| (user.id.0, USER)).collect();
    expected.push((nested.id.0, MemberKind::Group));
    expected.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(found, expected);

    db.add(&row, &ids(&users), USER).await;
    db.add(&row, &[nested.id.0], MemberKind::Group).await;
    users[1].deleted_at = Some(5);
    update(&db.store, &users[1]).await.unwrap();
    let member = |id, kind, display: &str| Member { id, kind, display: Some(display.to_owned()) };
    let mut expected = vec![
        member(users[0].id.0, USER, "Ada \"L\""),
        member(users[2].id.0, USER, "user2@contoso.example"),
        member(nested.id.0, MemberKind::Group, "Nested"),
    ];
    expected.sort_unstable_by_key(|member| member.id);
    let mut met = Vec::new();
    while let Some(next) =
        page(&db.store, db.organization, row.id, met.last().map(|last: &Member| last.id), 1)
            .await
            .unwrap()
            .pop()
    {
        met.push(next);
    }
    assert_eq!(met, expected);
    nested.deleted_at = Some(5);
    update_group(&db.store, &nested).await.unwrap();
    assert_eq!(db.members(&row).await, [users[0].id.0, users[2].id.0]);
    assert_eq!(page(&db.store, foreign, row.id, None, 9).await.unwrap(), []);
}

/// The way of a membership to Microsoft Graph and back.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn what_is_to_be_given_and_taken_out(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let row = new_group(&db, "Sales").await;
    let mut users = people(&db, 5).await;
    let all = ids(&users);
    bind(&db, &users[0], "a").await;
    bind(&db, &users[1], "b").await;
    bind(&db, &users[3], "d").await;
    users[3].deleted_at = Some(1);
    update(&db.store, &users[3]).await.unwrap();
    db.add(&row, &all[..4], USER).await;
    // 0 and 1 have accounts, 2 has none yet, 3 is deleted.
    let a = (all[0], Some("a".to_owned()));
    let b = (all[1], Some("b".to_owned()));
    assert_eq!(db.to_add(&row).await, [a.clone(), b.clone()]);
    assert_eq!(waiting(&db.store, row.id, db.connection, 9).await.unwrap(), 1);
    let elsewhere = super::super::testing::new_connection(&db.store, db.organization).await;
    assert_eq!(pending_additions(&db.store, row.id, elsewhere, 9).await.unwrap(), []);
    assert_eq!(waiting(&db.store, row.id, elsewhere, 9).await.unwrap(), 3);
    assert_eq!(waiting(&db.store, row.id, elsewhere, 2).await.unwrap(), 2);
    assert_eq!(pending_additions(&db.store, row.id, db.connection, 1).await.unwrap().len(), 1);

    db.gave(&row, &[(all[0], "a")]).await;
    assert_eq!(db.to_add(&row).await, std::slice::from_ref(&b));
    // One that was never given may still be there: an answer can get lost.
    db.take(&row, &all[..3]).await;
    assert_eq!(db.to_remove(&row).await, [a.clone(), b, (all[2], None)]);
    // Wanted again, perhaps while Graph is being told: it is added once more, whatever comes first.
    db.add(&row, &all[..1], USER).await;
    assert_eq!(db.to_add(&row).await, std::slice::from_ref(&a));
    db.is_gone(&row, &all[..3]).await;
    assert_eq!((db.to_remove(&row).await, db.to_add(&row).await), (vec![], vec![a.clone()]));
    // Its row is gone when Graph has added it: it is to be taken out again, by the id that Graph was given.
    db.gave(&row, &[(all[4], "old-e")]).await;
    assert_eq!(db.to_remove(&row).await, [(all[4], Some("old-e".to_owned()))]);
    assert_eq!(db.members(&row).await, all[..1]);

    db.gave(&row, &[(all[0], "a")]).await;
    let (organization, id) = (db.organization, row.id);
    write(&db.store, move |tx| Box::pin(async move { forget_given(tx, organization, id).await }))
        .await
        .unwrap();
    assert_eq!((db.to_remove(&row).await, db.to_add(&row).await), (vec![], vec![a]));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_nested_group_is_given_by_its_object(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (outer, inner) = (new_group(&db, "Outer").await, new_group(&db, "Inner").await);
    db.add(&outer, &[inner.id.0], MemberKind::Group).await;
    assert_eq!(waiting(&db.store, outer.id, db.connection, 9).await.unwrap(), 1);
    let mut row = group_binding(&inner, db.connection, None, 0);
    row.object_id = Some("g-1".to_owned());
    write(&db.store, move |tx| Box::pin(async move { group_bindings::insert(tx, &row).await }))
        .await
        .unwrap();
    let pending = pending_additions(&db.store, outer.id, db.connection, 9).await.unwrap();
    let expected = Pending { member: inner.id.0, kind: MemberKind::Group, object_id: Some("g-1".to_owned()) };
    assert_eq!(pending, [expected]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_new_object_id_is_told_to_every_group(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let user = people(&db, 1).await.remove(0);
    let member = user.id.0;
    let (given_old, given_new, fresh, left, never) = (
        new_group(&db, "given the old one").await,
        new_group(&db, "given the new one").await,
        new_group(&db, "not given").await,
        new_group(&db, "to leave").await,
        new_group(&db, "never in it").await,
    );
    for group in [&given_old, &given_new, &fresh, &left] {
        db.add(group, &[member], USER).await;
    }
    db.gave(&given_old, &[(member, "old")]).await;
    db.gave(&given_new, &[(member, "new")]).await;
    db.gave(&left, &[(member, "old")]).await;
    db.take(&left, &[member]).await;
    db.add(&never, &[new_id()], USER).await;
    let organization = db.organization;
    let dirty = write(&db.store, move |tx| {
        Box::pin(async move { object_changed(tx, organization, member, Some("new")).await })
    })
    .await
    .unwrap();
    let expected = sorted(vec![given_old.id.0, fresh.id.0, left.id.0]);
    assert_eq!(dirty.into_iter().map(|id| id.0).collect::<Vec<_>>(), expected);
    bind(&db, &user, "new").await;
    assert_eq!(db.to_add(&given_old).await, [(member, Some("new".to_owned()))]);
    assert_eq!(db.to_add(&given_new).await, []);
    assert_eq!(db.to_remove(&left).await, [(member, Some("new".to_owned()))]);

    let dirty = write(&db.store, move |tx| {
        Box::pin(async move { object_changed(tx, organization, member, None).await })
    });
    assert_eq!(dirty.await.unwrap().len(), 4);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn one_who_goes_leaves_every_group(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let all = ids(&people(&db, 2).await);
    let (first, second, left) =
        (new_group(&db, "1").await, new_group(&db, "2").await, new_group(&db, "3").await);
    for group in [&first, &second, &left] {
        db.add(group, &all, USER).await;
    }
    db.take(&left, &all).await;
    let (organization, member) = (db.organization, all[0]);
    let changed = write(&db.store, move |tx| {
        Box::pin(async move { member_gone(tx, organization, member, Some("a"), 77_000).await })
    });
    let changed: Vec<Uuid> = changed.await.unwrap().into_iter().map(|id| id.0).collect();
    assert_eq!(changed, sorted(vec![first.id.0, second.id.0, left.id.0]));
    for (row, version, updated_at) in [(&first, 2, 77_000), (&second, 2, 77_000), (&left, 1, 1_000)] {
        let (row, _) = groups::get(&db.store, organization, row.id).await.unwrap().unwrap();
        assert_eq!((row.version, row.updated_at), (version, updated_at));
    }
    assert_eq!(db.members(&first).await, all[1..]);
    // Nobody will know later what it was in Graph, where it may be in any of them.
    assert_eq!(db.to_remove(&first).await, [(member, Some("a".to_owned()))]);
    assert_eq!(db.to_remove(&left).await, [(member, Some("a".to_owned())), (all[1], None)]);
}

/// The group's row goes and takes the rows of its members along.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_removed_group_has_no_members(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let row = new_group(&db, "Sales").await;
    let all = ids(&people(&db, 2).await);
    db.add(&row, &all, USER).await;
    let (organization, id) = (db.organization, row.id);
    let gone =
        write(&db.store, move |tx| Box::pin(async move { groups::remove(tx, organization, id).await }));
    assert!(gone.await.unwrap());
    assert_eq!(db.members(&row).await, NONE);
    // A user's row may go while the group still has it.
    let row = new_group(&db, "Support").await;
    db.add(&row, &all, USER).await;
    db.take(&row, &all[..1]).await;
    let user = crate::ids::UserId(all[0]);
    write(&db.store, move |tx| Box::pin(async move { users::remove(tx, organization, user).await }))
        .await
        .unwrap();
    assert_eq!(db.to_remove(&row).await, [(all[0], None)]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn groups_are_found_through_groups_and_round_in_circles(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let all = ids(&people(&db, 2).await);
    let mut groups = Vec::new();
    for name in ["A", "B", "C", "D"] {
        groups.push(new_group(&db, name).await);
    }
    let [a, b, c, d] = &groups[..] else { unreachable!() };
    // ada → A → B → C → A, ada → C; bob → B; D is dead and in between.
    db.add(a, &all[..1], USER).await;
    db.add(c, &all[..1], USER).await;
    db.add(b, &all[1..], USER).await;
    for (outer, inner) in [(b, a), (c, b), (a, c), (d, a)] {
        db.add(outer, &[inner.id.0], MemberKind::Group).await;
    }
    let mut dead = d.clone();
    dead.deleted_at = Some(1);
    update_group(&db.store, &dead).await.unwrap();

    let found = groups_of(&db.store, db.organization, &[all[0], all[1], a.id.0]).await.unwrap();
    let of = |member: Uuid| -> BTreeSet<(String, bool)> {
        let refs = found.iter().filter(|found| found.member == member);
        refs.map(|found| (found.display.clone(), found.direct)).collect()
    };
    let named = |names: &[(&str, bool)]| -> BTreeSet<(String, bool)> {
        names.iter().map(|(name, direct)| ((*name).to_owned(), *direct)).collect()
    };
    assert_eq!(of(all[0]), named(&[("A", true), ("C", true), ("B", false)]));
    assert_eq!(of(all[1]), named(&[("B", true), ("C", false), ("A", false)]));
    assert_eq!(of(a.id.0), named(&[("B", true), ("C", false)]));
    assert_eq!(found.len(), 8, "each once");
    let other = new_organization(&db.store).await;
    assert_eq!(groups_of(&db.store, other, &all).await.unwrap(), []);
}

/// Adds, removals and departures of members at once, as from many pushes: nothing is lost and nobody waits in a circle.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn changes_from_both_sides_at_once_lose_nothing(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let all = ids(&people(&db, 24).await);
    let mut groups = Vec::new();
    for number in 0..3 {
        let row = new_group(&db, &number.to_string()).await;
        db.add(&row, &all[12..], USER).await;
        let binding = group_binding(&row, db.connection, None, 0);
        let stored = binding.clone();
        write(&db.store, move |tx| Box::pin(async move { group_bindings::insert(tx, &stored).await }))
            .await
            .unwrap();
        groups.push(row);
    }
    let organization = db.organization;
    let pushes = (0..12).flat_map(|number| {
        let (joins, leaves) = (all[number], all[12 + number]);
        let pushed = groups.iter().map(move |group| (group.id, joins));
        let joined = pushed.map(|(group, member)| {
            write(&db.store, move |tx| {
                Box::pin(async move {
                    groups::lock(tx, organization, group).await?;
                    add(tx, organization, group, &[(member, USER)]).await?;
                    group_bindings::mark(tx, &[group], Lane::Update, None, 1).await?;
                    given(tx, organization, group, &[(member, USER, member.to_string())]).await
                })
            })
        });
        let left = write(&db.store, move |tx| {
            Box::pin(async move {
                let mut changed = member_gone(tx, organization, leaves, None, 5).await?;
                changed.extend(object_changed(tx, organization, leaves, None).await?);
                group_bindings::mark(tx, &changed, Lane::Update, None, 1).await?;
                Ok(())
            })
        });
        joined
            .map(futures_util::FutureExt::boxed)
            .chain([futures_util::FutureExt::boxed(left)])
            .collect::<Vec<_>>()
    });
    for push in join_all(pushes.collect::<Vec<_>>()).await {
        push.unwrap();
    }
    for row in &groups {
        assert_eq!(db.members(row).await, all[..12]);
        assert_eq!(db.to_remove(row).await.len(), 12);
        let (row, binding) = groups::get(&db.store, organization, row.id).await.unwrap().unwrap();
        assert_eq!((row.version, binding.unwrap().lane), (13, Some(Lane::Update)));
    }
}

/// One member more or less, a page of them, and what is left to do: found in an index, however many there are.
#[tokio::test]
async fn members_are_found_in_an_index() {
    let db = fixture(Backend::Sqlite).await.unwrap();
    let (organization, group, member) = (db.organization, crate::ids::GroupId(new_id()), new_id());
    let of_group = "membership USING INDEX sqlite_autoindex_membership_1 (group_id=?";
    let mut page = living(organization, group);
    page.column((Entity, Column::MemberId))
        .order_by((Entity, Column::MemberId), Order::Asc)
        .and_where(Expr::col((Entity, Column::MemberId)).gt(member));
    let mut additions = given::not_given(group, db.connection);
    additions.column((Entity, Column::MemberId)).order_by((Entity, Column::MemberId), Order::Asc);
    let mut removals = given::with_objects(group, db.connection);
    removals.column((Entity, Column::MemberId)).and_where(wanted().not());
    let having = groups_having(organization, member);
    for (statement, index) in [
        (page, of_group),
        (additions, "membership_to_add (group_id=?"),
        (removals, "membership_to_remove (group_id=?"),
        (having, "membership_member (member_id=?"),
    ] {
        let steps = plan(&db.store, &statement).await;
        assert!(steps[0].contains(index), "{steps:?}");
        assert!(!steps.iter().any(|step| step.contains("TEMP B-TREE") || step.contains("SCAN")), "{steps:?}");
    }
    let removal = sea_orm::QueryTrait::into_query(removal(organization, group, &[member]));
    let steps = plan(&db.store, &removal).await;
    assert!(steps[0].contains("(group_id=? AND member_id=?)"), "{steps:?}");
}
