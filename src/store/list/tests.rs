//! Whoever decides and sorts, SQL or a look at each resource: the answer is the same, page by page.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rstest::rstest;
use sea_orm::{DbBackend, QueryTrait as _};
use serde_json::{Map, Value, json};

use super::super::bindings::Binding;
use super::super::group_bindings::GroupBinding;
use super::super::groups::{self, Group};
use super::super::memberships::{self, GroupRef, MemberKind};
use super::super::testing::{
    Backend, Fixture, fixture, group, insert, insert_group, mailed, new_organization, plan, user, write,
};
use super::super::users::{self, User};
use super::*;
use crate::clock;
use crate::scim::dialect::Dialect;
use crate::scim::filter;
use crate::scim::schema::{GROUP, ResourceType, USER};

/// Every resource as it is rendered in full, in the order of creation.
struct Oracle(Vec<(Place, Map<String, Value>)>);

impl Oracle {
    fn expected(&self, filter: Option<&Predicate>, sort: Option<&Sort>) -> Vec<Uuid> {
        let mut matches: Vec<_> =
            self.0.iter().filter(|(_, map)| filter.is_none_or(|filter| filter.matches(map))).collect();
        if let Some(sort) = sort {
            matches.sort_by_key(|(place, map)| (sort.key(map), *place));
        }
        matches.into_iter().map(|((_, id), _)| *id).collect()
    }
}

fn with_meta(resource: &Value, id: Uuid, external_id: Option<&String>, at: (i64, i64)) -> Map<String, Value> {
    let mut map = resource.as_object().unwrap().clone();
    map.insert("id".to_owned(), id.to_string().into());
    if let Some(external_id) = external_id {
        map.insert("externalId".to_owned(), external_id.clone().into());
    }
    let (created, modified) = (clock::rfc3339(at.0), clock::rfc3339(at.1));
    map.insert("meta".to_owned(), json!({ "created": created, "lastModified": modified }));
    map
}

fn rendered_user(user: &User, groups: &[GroupRef]) -> Map<String, Value> {
    let at = (user.created_at, user.updated_at);
    let mut map = with_meta(&user.resource, user.id.0, user.external_id.as_ref(), at);
    map.insert("active".to_owned(), user.active.into());
    let groups = groups.iter().map(|group| {
        let kind = if group.direct { "direct" } else { "indirect" };
        json!({ "value": group.group, "display": group.display, "type": kind })
    });
    map.insert("groups".to_owned(), groups.collect());
    map
}

fn rendered_group(group: &Group) -> Map<String, Value> {
    with_meta(&group.resource, group.id.0, group.external_id.as_ref(), (group.created_at, group.updated_at))
}

async fn list(db: &Fixture, rt: &ResourceType, listing: &Listing<'_>) -> (u64, Vec<Uuid>, Option<Position>) {
    if rt.name == USER.name {
        let render = |user: &User, _: Option<&Binding>, groups: &[GroupRef]| rendered_user(user, groups);
        let page = users::page(&db.store, db.organization, listing, false, render).await.unwrap();
        (page.total, page.items.into_iter().map(|row| row.user.id.0).collect(), page.next)
    } else {
        let render = |group: &Group, _: Option<&GroupBinding>| rendered_group(group);
        let page = groups::page(&db.store, db.organization, listing, render).await.unwrap();
        (page.total, page.items.into_iter().map(|(group, _)| group.id.0).collect(), page.next)
    }
}

/// Holds every way to page to what is expected.
async fn agree(
    db: &Fixture,
    rt: &ResourceType,
    filter: Option<&Predicate>,
    sort: Option<&Sort>,
    expected: &[Uuid],
    what: &str,
) {
    let total = expected.len() as u64;
    for (start, count) in [(1, 100), (2, 2), (0, 1), (50, 2), (i64::MAX.unsigned_abs(), 5), (1, 0), (3, 0)] {
        let listing = Listing { filter, sort, from: From::Index(start), count };
        let (found_total, found, next) = list(db, rt, &listing).await;
        let skip = usize::try_from(start.saturating_sub(1)).unwrap();
        let page: Vec<Uuid> =
            expected.iter().copied().skip(skip).take(usize::try_from(count).unwrap()).collect();
        assert_eq!((found_total, &found), (total, &page), "{what} from {start}, {count} at most");
        let more = count > 0 && skip + found.len() < expected.len() && !found.is_empty();
        assert_eq!(next.is_some(), more, "{what} from {start}, {count} at most: is there a next page?");
    }
    let (mut met, mut position) = (Vec::new(), Some(Position::Start));
    while let Some(from) = position {
        let listing = Listing { filter, sort, from: From::Cursor(from), count: 3 };
        let (found_total, found, next) = list(db, rt, &listing).await;
        assert_eq!(found_total, total, "{what} at {from:?}");
        met.extend(found);
        assert!(met.len() <= expected.len(), "{what}: the cursors go on and on");
        position = next;
    }
    assert_eq!(met, expected, "{what} by cursor");
}

/// Names, addresses and ids that a careless translation would mix up, in groups that nest.
async fn population(db: &Fixture) -> (Oracle, Oracle) {
    let organization = db.organization;
    let mut users = Vec::new();
    for (at, (name, external_id, display)) in (0_i64..).zip([
        ("Ada@Contoso.example", Some("E-1"), Some("Ada")),
        ("a%b@contoso.example", Some("e-1"), None),
        ("aXb@contoso.example", None, Some("zoë")),
        ("a_b@contoso.example", Some("100%"), Some("Zoe")),
        (r"a\b@contoso.example", Some(""), Some("")),
        ("ÉLODIE@contoso.example", None, Some("Élodie")),
        ("o'hara@contoso.example", Some("E-10"), Some("ada")),
        ("z-last@contoso.example", Some("Z"), None),
    ]) {
        let mut row = mailed(user(organization, name), &[name, "shared@contoso.example"]);
        row.external_id = external_id.map(str::to_owned);
        row.active = at % 2 == 0;
        // Pairs share a time, so that the id must decide.
        row.created_at = 1_700_000_000_000 + at / 2;
        row.updated_at = 1_700_000_000_500 - at;
        if let Some(display) = display {
            row.resource["displayName"] = display.into();
        }
        if at % 3 == 0 {
            row.resource["title"] = json!(if at == 3 { "Aide" } else { "chief" });
        }
        row.resource["emails"][1]["primary"] = (at % 4 == 0).into();
        users.push(row);
    }
    let mut groups = Vec::new();
    for (at, (name, external_id)) in (0_i64..).zip([
        ("Sales", Some("g-1")),
        ("sales EMEA", None),
        ("50% off_", Some("G-1")),
        ("Öffentlich", Some("")),
        ("All", None),
    ]) {
        let mut row = group(organization, name);
        row.external_id = external_id.map(str::to_owned);
        row.created_at = 1_700_000_000_000 + at / 2;
        row.updated_at = 1_700_000_000_900 - at;
        if at % 2 == 0 {
            let extension = "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group";
            row.resource[extension] = json!({ "description": format!("about {name}") });
        }
        groups.push(row);
    }
    let mut dead_user = user(organization, "gone@contoso.example");
    dead_user.deleted_at = Some(1);
    let mut dead_group = group(organization, "Sales");
    dead_group.deleted_at = Some(1);
    let other = new_organization(&db.store).await;
    let (strange_user, strange_group) = (user(other, "ada@contoso.example"), group(other, "Sales"));
    for row in users.iter().chain([&dead_user, &strange_user]) {
        insert(&db.store, row).await.unwrap();
    }
    for row in groups.iter().chain([&dead_group, &strange_group]) {
        insert_group(&db.store, row).await.unwrap();
    }
    let [sales, emea, off, _, all] = &groups[..] else { panic!("five groups") };
    let member = |group: &Group, id: Uuid, kind| (group.id, id, kind);
    let rows: Vec<_> = [
        member(sales, users[0].id.0, MemberKind::User),
        member(sales, users[3].id.0, MemberKind::User),
        member(sales, emea.id.0, MemberKind::Group),
        member(emea, users[5].id.0, MemberKind::User),
        member(off, dead_user.id.0, MemberKind::User),
        member(off, dead_group.id.0, MemberKind::Group),
        member(all, sales.id.0, MemberKind::Group),
        member(all, users[0].id.0, MemberKind::User),
        member(&dead_group, users[1].id.0, MemberKind::User),
    ]
    .into();
    let taken_out = (all.id, users[0].id.0);
    write(&db.store, move |tx| {
        Box::pin(async move {
            for (group, id, kind) in rows {
                memberships::add(tx, organization, group, &[(id, kind)]).await?;
            }
            memberships::remove(tx, organization, taken_out.0, &[taken_out.1]).await
        })
    })
    .await
    .unwrap();
    oracles(db, users, groups).await
}

async fn oracles(db: &Fixture, users: Vec<User>, groups: Vec<Group>) -> (Oracle, Oracle) {
    let mut of_users = Vec::new();
    for user in users {
        let groups = memberships::groups_of(&db.store, db.organization, &[user.id.0]).await.unwrap();
        of_users.push(((user.created_at, user.id.0), rendered_user(&user, &groups)));
    }
    let mut of_groups = Vec::new();
    for group in groups {
        let members = memberships::page(&db.store, db.organization, group.id, None, 100).await.unwrap();
        let members = members.iter().map(
            |member| json!({ "value": member.id, "type": member.kind.as_str(), "display": member.display }),
        );
        let mut map = rendered_group(&group);
        map.insert("members".to_owned(), members.collect());
        of_groups.push(((group.created_at, group.id.0), map));
    }
    of_users.sort_by_key(|(place, _)| *place);
    of_groups.sort_by_key(|(place, _)| *place);
    (Oracle(of_users), Oracle(of_groups))
}

const SORTS: [&str; 13] = [
    "userName",
    "displayName",
    "externalId",
    "id",
    "meta.created",
    "meta.lastModified",
    "title",
    "active",
    "emails",
    "name.familyName",
    "groups",
    "members",
    "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group:description",
];

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn every_order_is_the_same_whoever_sorts(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (users, groups) = population(&db).await;
    let chief = filter::parse(&USER, r#"title eq "chief" or userName ew "example""#, Dialect::Auto).unwrap();
    let sales = filter::parse(&GROUP, r#"displayName co "S" and members.type pr"#, Dialect::Auto).unwrap();
    for (rt, oracle, some) in [(&USER, &users, &chief), (&GROUP, &groups, &sales)] {
        for by in SORTS {
            for order in [SortOrder::Ascending, SortOrder::Descending] {
                let Ok(Some(sort)) = Sort::parse(rt, Some(by), order) else { continue };
                if rt.name == GROUP.name && by == "members" {
                    continue;
                }
                for filter in [None, Some(some)] {
                    let expected = oracle.expected(filter, Some(&sort));
                    let what = format!("{} by {by} {order:?}, filtered: {}", rt.name, filter.is_some());
                    agree(&db, rt, filter, Some(&sort), &expected, &what).await;
                }
            }
        }
        agree(&db, rt, None, None, &oracle.expected(None, None), rt.name).await;
    }
}

/// `{user}`, `{group}`, … stand for ids.
const USER_LEAVES: &[&str] = &[
    r#"userName eq "ADA@contoso.example""#,
    r#"userName sw "a""#,
    r#"userName co "_b""#,
    r#"userName gt "a\\b""#,
    r#"userName le "Élodie@""#,
    r#"displayName ge "zoe""#,
    r#"displayName lt "b""#,
    "displayName pr",
    r#"displayName eq "ada""#,
    r#"externalId eq "E-1""#,
    r#"externalId gt "E""#,
    r#"externalId co "%""#,
    "externalId pr",
    r#"id eq "{user}""#,
    "active eq true",
    r#"emails.value eq "ADA@contoso.example""#,
    r#"emails[primary eq true and value sw "shared"]"#,
    r#"emails[primary eq true and value sw "a"]"#,
    r#"title eq "chief""#,
    r#"groups.value eq "{group}""#,
    r#"groups[type eq "indirect"]"#,
    "groups pr",
    r#"meta.created gt "2023-11-14T22:13:20.001Z""#,
    r#"meta.lastModified le "2023-11-14T22:13:20.497Z""#,
    r#"nosuch eq "x""#,
];

const GROUP_LEAVES: &[&str] = &[
    r#"displayName eq "SALES""#,
    r#"displayName co "% OFF_""#,
    r#"displayName ew "a""#,
    r#"displayName gt "sales""#,
    "displayName pr",
    r#"externalId eq "g-1""#,
    r#"externalId sw "G""#,
    "externalId pr",
    r#"id eq "{group}""#,
    r#"members.value eq "{user}""#,
    r#"members eq "{user}""#,
    r#"members[value eq "{nested}"]"#,
    r#"members.value eq "{dead}""#,
    r#"members.value eq "no-id""#,
    r#"members[value eq "{user}" and type eq "User"]"#,
    r#"members[value eq "{user}" and type eq "Group"]"#,
    r#"members[type eq "Group" or display sw "élodie"]"#,
    r#"members.type eq "Group""#,
    r#"members.display co "ada""#,
    "members pr",
    r#"members.value sw "0""#,
    r#"urn:ietf:params:scim:schemas:extension:gangway:2.0:Group:description co "sales""#,
    r#"meta.lastModified lt "2023-11-14T22:13:20.898Z""#,
    r#"nosuch eq "x""#,
];

fn filters(leaves: &'static [&'static str]) -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(leaves).prop_map(str::to_owned);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn any_filter_is_answered_the_same_whoever_decides(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let (users, groups) = population(&db).await;
    let named = |oracle: &Oracle, name: &str, value: &str| {
        let found = oracle.0.iter().find(|(_, map)| map.get(name).is_some_and(|given| given == value));
        found.unwrap().0.1.to_string()
    };
    let places = [
        ("{user}", named(&users, "userName", "Ada@Contoso.example")),
        ("{group}", named(&groups, "displayName", "Sales")),
        ("{nested}", named(&groups, "displayName", "sales EMEA")),
        ("{dead}", Uuid::nil().to_string()),
    ];
    let mut runner = TestRunner::deterministic();
    for (rt, oracle, leaves) in [(&USER, &users, USER_LEAVES), (&GROUP, &groups, GROUP_LEAVES)] {
        let single = leaves.iter().map(|leaf| (*leaf).to_owned());
        let strategy = filters(leaves);
        let random: Vec<String> =
            (0..60).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        for (at, mut text) in single.chain(random).enumerate() {
            for (place, id) in &places {
                text = text.replace(place, id);
            }
            let predicate = filter::parse(rt, &text, Dialect::Auto).unwrap();
            let sort = Sort::parse(rt, Some(SORTS[at % 6]), SortOrder::Descending).ok().flatten();
            for sort in [None, sort.as_ref().filter(|_| at % 2 == 0)] {
                let expected = oracle.expected(Some(&predicate), sort);
                agree(&db, rt, Some(&predicate), sort, &expected, &text).await;
            }
        }
    }
}

/// More candidates, and more members, than are looked at in one go.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn long_lists_are_looked_at_in_pieces(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let organization = db.organization;
    let mut groups = write(&db.store, move |tx| {
        Box::pin(async move {
            let mut groups = Vec::new();
            for number in 0..600 {
                let mut row = group(organization, &format!("group {number}"));
                row.resource["displayName"] = json!(format!("group {}", number % 7));
                groups::insert(tx, &row).await?;
                groups.push(row.id);
            }
            let last = super::super::testing::user(organization, "last@contoso.example");
            users::insert(tx, &last).await?;
            // Dead ids in front of the one that lives.
            let mut members: Vec<_> = (0..1_500).map(|n| (Uuid::from_u128(n), MemberKind::User)).collect();
            members.push((last.id.0, MemberKind::User));
            memberships::add(tx, organization, groups[300], &members).await?;
            Ok(groups)
        })
    })
    .await
    .unwrap();
    let holder = groups[300];
    groups.sort_unstable();
    let last = filter::parse(&GROUP, r#"members.display sw "last""#, Dialect::Auto).unwrap();
    let listing = Listing { filter: Some(&last), sort: None, from: From::Index(1), count: 10 };
    assert_eq!(list(&db, &GROUP, &listing).await, (1, vec![holder.0], None));

    let sort = Sort::parse(
        &GROUP,
        Some("urn:ietf:params:scim:schemas:extension:gangway:2.0:Group:description"),
        SortOrder::Ascending,
    );
    let sort = sort.unwrap();
    let listing = Listing { filter: None, sort: sort.as_ref(), from: From::Index(500), count: 50 };
    let (total, found, next) = list(&db, &GROUP, &listing).await;
    let expected: Vec<Uuid> = groups[499..549].iter().map(|id| id.0).collect();
    assert_eq!((total, found, next), (600, expected, Some(Position::Offset(549))));
}

/// What clients look resources up by is found through an index, however many there are.
#[rstest]
#[case(&USER, r#"userName eq "a""#, "scim_user_living_name")]
#[case(&USER, r#"externalId eq "a""#, "scim_user_external_id")]
#[case(&USER, r#"displayName eq "a""#, "scim_user_display_name")]
#[case(&USER, r#"emails.value eq "a""#, "user_email_value")]
#[case(&USER, r#"emails.value eq "a""#, "sqlite_autoindex_scim_user_1")]
#[case(&USER, r#"emails[type eq "work" and value eq "a"]"#, "user_email_value")]
#[case(&USER, r#"id eq "0190163d-8694-739b-aea5-966c26f8ad91""#, "sqlite_autoindex_scim_user_1")]
#[case(&USER, r#"active eq true and externalId eq "a""#, "scim_user_external_id")]
#[case(&USER, "userName pr", "scim_user_order")]
#[case(&GROUP, r#"displayName eq "a""#, "scim_group_identity")]
#[case(&GROUP, r#"displayName eq "a" and externalId eq "b""#, "scim_group_")]
#[case(&GROUP, r#"externalId eq "a""#, "scim_group_external_id")]
#[case(&GROUP, r#"id eq "0190163d-8694-739b-aea5-966c26f8ad91""#, "sqlite_autoindex_scim_group_1")]
#[case(&GROUP, r#"members.value eq "0190163d-8694-739b-aea5-966c26f8ad91""#, "membership_member")]
#[case(&GROUP, r#"members[value eq "0190163d-8694-739b-aea5-966c26f8ad91" and type eq "User"]"#, "membership_member")]
#[case(&GROUP, r#"members.value eq "0190163d-8694-739b-aea5-966c26f8ad91""#, "sqlite_autoindex_scim_group_1")]
#[case(&GROUP, "id pr", "scim_group_order")]
#[tokio::test]
async fn look_ups_use_an_index(#[case] rt: &ResourceType, #[case] text: &str, #[case] index: &str) {
    let db = fixture(Backend::Sqlite).await.unwrap();
    let predicate = filter::parse(rt, text, Dialect::Auto).unwrap();
    let scope = |table| Scope { table, organization: db.organization, backend: DbBackend::Sqlite };
    let statement = if rt.name == USER.name {
        let condition = scope(Table::Users).translate(&predicate).condition;
        let rows = users::living(db.organization).filter(condition);
        let rows = Ordering::Created.apply(Table::Users, rows).limit(10);
        rows.find_also_related(entity::account_binding::Entity).into_query()
    } else {
        let condition = scope(Table::Groups).translate(&predicate).condition;
        let rows = groups::living(db.organization).filter(condition);
        let rows = Ordering::Created.apply(Table::Groups, rows).limit(10);
        rows.find_also_related(entity::group_binding::Entity).into_query()
    };
    let plan = plan(&db.store, &statement).await;
    assert!(plan.iter().any(|step| step.contains(index)), "{plan:?}");
}

/// A page of many costs the same wherever a cursor points: its place is found, and nothing is sorted.
#[tokio::test]
async fn a_page_by_cursor_begins_in_the_index() {
    let db = fixture(Backend::Sqlite).await.unwrap();
    let place = (1_700_000_000_000, Uuid::max());
    let rows = users::living(db.organization).filter(behind(Table::Users, place));
    let rows = Ordering::Created.apply(Table::Users, rows).limit(100);
    let statement = rows.find_also_related(entity::account_binding::Entity).into_query();
    let plan = plan(&db.store, &statement).await;
    assert!(plan[0].contains("scim_user_order (organization_id=? AND created_at>?)"), "{plan:?}");
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE") || step.contains("SCAN")), "{plan:?}");
}
