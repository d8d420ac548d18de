//! What SQL and the predicate answer must be the same, whoever decides.

use std::sync::atomic::{AtomicUsize, Ordering};

use rstest::rstest;
use serde_json::{Map, Value, json};

use super::super::list::{From, Listing};
use super::super::memberships::GroupRef;
use super::super::testing::{Backend, Fixture, fixture, insert, mailed, new_organization, user, write};
use super::*;
use crate::clock;
use crate::scim::dialect::Dialect;
use crate::scim::filter::{self, Predicate};
use crate::scim::schema::USER;

fn rendered(user: &User) -> Map<String, Value> {
    let mut map = user.resource.as_object().unwrap().clone();
    map.insert("id".to_owned(), user.id.to_string().into());
    map.insert("active".to_owned(), user.active.into());
    if let Some(id) = &user.external_id {
        map.insert("externalId".to_owned(), id.clone().into());
    }
    let (created, modified) = (clock::rfc3339(user.created_at), clock::rfc3339(user.updated_at));
    map.insert("meta".to_owned(), json!({ "created": created, "lastModified": modified }));
    map
}

/// Names, addresses and ids that a careless translation would mix up.
async fn population(db: &Fixture) -> Vec<User> {
    let mut users = Vec::new();
    for (at, (name, external_id, emails)) in (0_i64..).zip([
        ("Ada@Contoso.example", Some("E-1"), vec!["ada@contoso.example", "A.Love@other.example"]),
        ("a%b@contoso.example", Some("e-1"), vec!["ADA@contoso.example"]),
        ("aXb@contoso.example", None, vec![]),
        ("a_b@contoso.example", Some("100%"), vec!["a_b@contoso.example"]),
        (r"a\b@contoso.example", Some(""), vec!["x@x.example"]),
        ("ÉLODIE@contoso.example", None, vec!["élodie@CONTOSO.example"]),
        ("o'hara@contoso.example", Some("E-10"), vec![]),
    ]) {
        let mut row = mailed(user(db.organization, name), &emails);
        row.external_id = external_id.map(str::to_owned);
        row.active = at % 2 == 0;
        // Pairs share a time, so that the id must decide.
        row.created_at = 1_700_000_000_000 + at / 2;
        row.updated_at = 1_700_000_000_500 + at;
        if at % 3 == 0 {
            row.resource["displayName"] = json!(format!("Display {name}"));
            row.resource["title"] = json!("Chief");
        }
        if let Some(email) = row.resource.pointer_mut("/emails/0") {
            email["type"] = json!("work");
        }
        insert(&db.store, &row).await.unwrap();
        users.push(row);
    }
    insert(&db.store, &user(new_organization(&db.store).await, "ada@contoso.example")).await.unwrap();
    let mut tombstone = user(db.organization, "gone@contoso.example");
    tombstone.deleted_at = Some(1);
    insert(&db.store, &tombstone).await.unwrap();
    users.sort_by_key(|user| (user.created_at, user.id));
    users
}

async fn names(db: &Fixture, predicate: &Predicate, start: u64, count: u64) -> (u64, Vec<String>, usize) {
    let asked = AtomicUsize::new(0);
    let render = |user: &User, _: Option<&Binding>, _: &[GroupRef]| {
        asked.fetch_add(1, Ordering::Relaxed);
        rendered(user)
    };
    let listing = Listing { filter: Some(predicate), sort: None, from: From::Index(start), count };
    let page = page(&db.store, db.organization, &listing, false, render).await.unwrap();
    let names = page.items.into_iter().map(|row| row.user.user_name).collect();
    (page.total, names, asked.into_inner())
}

/// `id` stands for the first user's, `sql` says that SQL decides alone.
const FILTERS: &[(&str, bool)] = &[
    (r#"userName eq "ADA@contoso.EXAMPLE""#, true),
    (r#"userName eq "nobody""#, true),
    (r#"userName ne "ada@contoso.example""#, true),
    (r#"userName sw "a%""#, true),
    (r#"userName co "a_b""#, true),
    (r#"userName co "a\\b""#, true),
    (r#"userName ew "EXAMPLE""#, true),
    (r#"userName sw "éLO""#, true),
    (r#"userName co "'""#, true),
    (r#"userName gt "b""#, true),
    (r#"userName le "o'HARA@contoso.example""#, true),
    (r#"userName ge "élodie""#, true),
    (r"userName pr", true),
    (r#"externalId eq "E-1""#, true),
    (r#"externalId ne "E-1""#, true),
    (r#"not (externalId eq "E-1")"#, true),
    (r#"externalId eq """#, true),
    (r#"externalId gt "E-1""#, true),
    (r#"externalId sw "E-1""#, false),
    (r#"externalId co "%""#, false),
    (r"externalId pr", false),
    (r"not (externalId pr)", false),
    (r"externalId eq null", false),
    (r#"id eq "{id}""#, true),
    (r#"id eq "{ID}""#, true),
    (r#"id eq "no-uuid""#, true),
    (r#"id ne "{id}""#, true),
    (r#"emails eq "ada@contoso.example""#, true),
    (r#"emails.value eq "ADA@CONTOSO.example""#, true),
    (r#"emails.value sw "a""#, true),
    (r#"emails co "other""#, true),
    (r#"emails.value ne "ada@contoso.example""#, true),
    (r#"emails.value gt "b""#, true),
    (r#"emails[value eq "ada@contoso.example"]"#, true),
    (r#"emails[type eq "work" and value eq "ada@contoso.example"]"#, false),
    (r#"emails[type eq "home" and value eq "ada@contoso.example"]"#, false),
    (r#"emails[type eq "work" or value co "love"]"#, false),
    (r#"emails[not (value eq "ada@contoso.example")]"#, false),
    (r#"not (emails[type eq "work" and value sw "a"])"#, false),
    (r#"emails.type eq "work""#, false),
    (r"emails pr", false),
    (r"active eq true", true),
    (r#"active eq "False""#, true),
    (r#"displayName co "ada""#, true),
    (r#"displayName ne "x""#, true),
    (r"displayName pr", false),
    (r#"title eq "chief""#, false),
    (r#"active eq true and title eq "chief""#, false),
    (r#"title eq "chief" or userName sw "o""#, false),
    (r#"not (title eq "chief" and active eq true)"#, false),
    (r#"active eq false and (userName sw "a" or externalId eq "e-1")"#, true),
    (r#"not (active eq false or userName sw "a")"#, true),
    (r#"nosuch eq "x""#, true),
    (r#"nosuch pr or userName sw "o""#, true),
    (r"not (nosuch pr)", true),
    (r#"meta.lastModified gt "2023-11-14T22:13:20.502Z""#, true),
    (r#"meta.lastModified ge "2023-11-14T22:13:20.502Z""#, true),
    (r#"meta.lastModified ge "2023-11-14T22:13:20.5021Z""#, true),
    (r#"meta.lastModified lt "2023-11-14T22:13:20.5021Z""#, true),
    (r#"meta.lastModified le "2023-11-14T22:13:20.5021Z""#, true),
    (r#"meta.lastModified eq "2023-11-15T00:13:20.503+02:00""#, true),
    (r#"meta.lastModified eq "2023-11-14T22:13:20.5031Z""#, true),
    (r#"meta.created le "2023-11-14T22:13:20.001Z""#, true),
    (r"meta.location pr", false),
];

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn sql_and_the_predicate_agree(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let users = population(&db).await;
    let id = users[0].id.to_string();
    for (text, sql) in FILTERS {
        let text = text.replace("{id}", &id).replace("{ID}", &id.to_uppercase());
        let predicate = filter::parse(&USER, &text, Dialect::Auto).unwrap();
        let expected: Vec<_> = users
            .iter()
            .filter(|user| predicate.matches(&rendered(user)))
            .map(|user| user.user_name.clone())
            .collect();
        let (total, found, asked) = names(&db, &predicate, 1, 100).await;
        assert_eq!((total, &found), (expected.len() as u64, &expected), "{text}");
        assert_eq!(asked == 0, *sql, "{text}: who decides");
        // A full page in the middle, and one behind the end.
        let (total, found, _) = names(&db, &predicate, 2, 2).await;
        let middle: Vec<_> = expected.iter().skip(1).take(2).cloned().collect();
        assert_eq!((total, found), (expected.len() as u64, middle), "{text}");
        let (total, found, _) = names(&db, &predicate, 50, 2).await;
        assert_eq!((total, found), (expected.len() as u64, Vec::new()), "{text}");
    }
}

/// More candidates than are looked at in one go, all with one time.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test]
async fn a_long_list_is_looked_at_in_pieces(#[case] backend: Backend) {
    let Some(db) = fixture(backend).await else { return };
    let organization = db.organization;
    let mut ids = write(&db.store, move |tx| {
        Box::pin(async move {
            let mut ids = Vec::new();
            for number in 0..600 {
                let mut row = user(organization, &format!("u{number}@contoso.example"));
                row.resource["title"] = json!(if number % 2 == 0 { "even" } else { "odd" });
                super::insert(tx, &row).await?;
                if number % 2 == 0 {
                    ids.push(row.id);
                }
            }
            Ok(ids)
        })
    })
    .await
    .unwrap();
    ids.sort();
    let predicate = filter::parse(&USER, r#"title eq "even""#, Dialect::Auto).unwrap();
    let render = |user: &User, _: Option<&Binding>, _: &[GroupRef]| rendered(user);
    let listing = Listing { filter: Some(&predicate), sort: None, from: From::Index(200), count: 90 };
    let page = page(&db.store, organization, &listing, false, render).await.unwrap();
    assert_eq!(page.total, 300);
    let found: Vec<_> = page.items.iter().map(|row| row.user.id).collect();
    assert_eq!(found, ids[199..289]);
}
