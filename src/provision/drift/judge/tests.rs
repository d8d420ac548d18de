use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::graph::Property;

const NOW: i64 = 1_000_000;

type Properties = BTreeMap<Property, Value>;

fn title(value: &str) -> Properties {
    BTreeMap::from([(Property::JobTitle, json!(value))])
}

fn shown(properties: Properties) -> Shown<Property> {
    Shown { properties, ..Shown::default() }
}

fn lost(gone: Gone) -> Shown<Property> {
    Shown { gone: Some(gone), ..Shown::default() }
}

fn expected(given: &Properties) -> Expected<'_, Property> {
    Expected { given, password_at: None, unverified_at: None, settled: true, read: false, now: NOW }
}

fn first() -> Memory<Property> {
    Memory::of(None, "a-1")
}

#[test]
fn a_difference_is_told_once() {
    let given = title("a");
    let note = judge(first(), &shown(title("b")), &expected(&given), |_| true);
    assert_eq!(note.news.changes.len(), 1);
    assert!(!note.news.not_applied);
    let again = judge(note.memory.clone(), &shown(title("b")), &expected(&given), |_| true);
    assert!(again.news.is_empty());
    assert_eq!(again.memory, note.memory);
}

#[test]
fn what_may_be_on_its_way_is_suspected_and_told_when_it_is_read() {
    let given = title("a");
    let waits = Expected { settled: false, ..expected(&given) };
    let note = judge(first(), &shown(title("b")), &waits, |_| true);
    assert!(note.news.is_empty());
    assert!(note.memory.suspected && note.memory.seen.is_empty());
    assert_eq!(note.unverified_at, Some(NOW));
    let read = Expected { unverified_at: note.unverified_at, read: true, ..expected(&given) };
    let told = judge(note.memory.clone(), &shown(title("b")), &read, |_| true);
    assert_eq!(told.news.changes.len(), 1);
    assert!(!told.news.not_applied, "others have changed it");
    assert_eq!((told.unverified_at, told.memory.suspected), (None, false));
    let came = judge(note.memory, &shown(title("a")), &read, |_| true);
    assert_eq!((came.news.is_empty(), came.unverified_at, came.memory), (true, None, first()));
}

#[test]
fn a_doubt_ends_however_often_its_difference_is_shown() {
    let given = title("a");
    let waits = Expected { unverified_at: Some(5), settled: false, ..expected(&given) };
    for shown in [shown(title("b")), lost(Gone::Deleted)] {
        let note = judge(first(), &shown, &waits, |_| true);
        assert_eq!((note.unverified_at, note.memory.suspected), (Some(5), true));
        assert_eq!(judge(note.memory.clone(), &shown, &waits, |_| true), note);
    }
}

#[test]
fn a_change_that_never_comes_to_be_seen_is_told_as_not_applied() {
    let given = title("a");
    let read = Expected { unverified_at: Some(5), read: true, ..expected(&given) };
    let note = judge(first(), &shown(title("b")), &read, |_| true);
    assert!(note.news.not_applied);
    assert_eq!(note.unverified_at, None);
}

#[rstest]
#[case::all_of_it(title("a"), None)]
#[case::nothing_of_it(BTreeMap::from([(Property::City, json!("x"))]), Some(5))]
fn only_what_is_shown_whole_is_verified(#[case] page: Properties, #[case] unverified_at: Option<i64>) {
    let given = title("a");
    let waits = Expected { unverified_at: Some(5), settled: false, ..expected(&given) };
    let note = judge(first(), &shown(page), &waits, |_| true);
    assert_eq!((note.unverified_at, note.news.is_empty()), (unverified_at, true));
}

#[test]
fn what_is_left_out_of_a_change_may_have_been_cleared() {
    let given = title("a");
    let other = shown(BTreeMap::from([(Property::City, json!("x"))]));
    let note = judge(first(), &other, &expected(&given), |_| true);
    assert_eq!((note.news.is_empty(), note.unverified_at, note.memory.suspected), (true, Some(NOW), true));
    let read = Expected { unverified_at: Some(NOW), read: true, ..expected(&given) };
    let cleared = shown(BTreeMap::from([(Property::JobTitle, Value::Null)]));
    let told = judge(note.memory, &cleared, &read, |_| true);
    assert_eq!((told.news.changes.len(), told.news.not_applied, told.unverified_at), (1, false, None));
    let nothing = judge(first(), &shown(BTreeMap::new()), &expected(&given), |_| true);
    assert_eq!(nothing.unverified_at, None, "a page that tells of members only");
}

#[test]
fn a_loss_is_told_once_and_a_return_is_silent() {
    let given = title("a");
    let note = judge(first(), &lost(Gone::SoftDeleted), &expected(&given), |_| true);
    assert_eq!(note.news.gone, Some(Gone::SoftDeleted));
    let again = judge(note.memory, &lost(Gone::Deleted), &expected(&given), |_| true);
    assert!(again.news.is_empty());
    let back = judge(again.memory, &shown(title("a")), &expected(&given), |_| true);
    assert!(back.news.is_empty());
    assert_eq!(back.memory, first());
}

#[test]
fn a_password_is_told_against_gangways_own() {
    let given = title("a");
    let own = Expected { password_at: Some(NOW), ..expected(&given) };
    let with = |at| Shown { password_at: Some(at), ..Shown::default() };
    assert!(judge(first(), &with(NOW + CLOCKS), &own, |_| true).news.is_empty());
    let later = NOW + CLOCKS + 1;
    let note = judge(first(), &with(later), &own, |_| true);
    assert_eq!(note.news.password, Some((NOW, later)));
    assert!(judge(note.memory, &with(later), &own, |_| true).news.is_empty());
    assert!(judge(first(), &with(later), &expected(&given), |_| true).news.is_empty(), "Gangway set none");
}

#[test]
fn what_is_shown_later_in_a_page_counts() {
    let mut one = shown(title("a"));
    one.add(shown(BTreeMap::from([(Property::City, json!("x"))])));
    assert_eq!(one.properties.len(), 2);
    one.add(lost(Gone::Deleted));
    assert_eq!(one, lost(Gone::Deleted));
    one.add(shown(title("b")));
    assert_eq!(one, shown(title("b")));
}

#[rstest]
#[case(false, 0, [None, None], true)]
#[case(true, 0, [None, None], false)]
#[case(false, NOW + 1, [None, None], false)]
#[case(false, 0, [Some(NOW - 100), Some(NOW - 100)], true)]
#[case(false, 0, [Some(NOW - 99), None], false)]
#[case(false, 0, [None, Some(NOW - 99)], false)]
fn what_is_under_way_or_was_given_lately_is_not_settled(
    #[case] work: bool,
    #[case] lease_until: i64,
    #[case] times: [Option<i64>; 2],
    #[case] settled: bool,
) {
    assert_eq!(is_settled(work, lease_until, times, NOW, 100), settled);
}

fn properties() -> impl Strategy<Value = Properties> {
    let value = prop_oneof![Just(Value::Null), "[ab]".prop_map(Value::from)];
    proptest::collection::btree_map(proptest::sample::select(&Property::ALL[..6]), value, 0..6)
}

fn any_shown() -> impl Strategy<Value = Shown<Property>> {
    let gone =
        prop_oneof![4 => Just(None), 1 => Just(Some(Gone::SoftDeleted)), 1 => Just(Some(Gone::Deleted))];
    let password = proptest::option::of(NOW..NOW + 4 * CLOCKS);
    (gone, properties(), password).prop_map(|(gone, properties, password_at)| Shown {
        gone,
        properties: if gone.is_some() { BTreeMap::new() } else { properties },
        synced: None,
        password_at: password_at.filter(|_| gone.is_none()),
    })
}

proptest! {
    /// Whatever came before: the same shown twice tells nothing the second time, settled or not.
    #[test]
    fn a_replay_tells_nothing(
        given in properties(), pages in proptest::collection::vec((any_shown(), any::<bool>()), 1..6)
    ) {
        let mut memory = first();
        let own = Expected { password_at: Some(NOW), ..expected(&given) };
        for (page, settled) in pages {
            let own = Expected { settled, ..own.clone() };
            memory = judge(memory, &page, &own, |_| true).memory;
            let again = judge(memory.clone(), &page, &own, |_| true);
            prop_assert!(again.news.is_empty());
            prop_assert_eq!(&again.memory, &memory);
        }
    }

    /// Nothing is told while something is on its way, and what was held back is told when it is read.
    #[test]
    fn what_is_suspected_is_not_lost(given in properties(), page in any_shown()) {
        let settled = judge(first(), &page, &expected(&given), |_| true);
        let waits = Expected { settled: false, ..expected(&given) };
        let held = judge(first(), &page, &waits, |_| true);
        prop_assert!(held.news.is_empty());
        prop_assert!(held.unverified_at.is_some() || settled.news.is_empty());
        let read = Expected { read: true, unverified_at: held.unverified_at, ..expected(&given) };
        let told = judge(held.memory.clone(), &page, &read, |_| true).news;
        let not_applied = told.not_applied;
        prop_assert_eq!(News { not_applied: false, ..told }, settled.news);
        prop_assert!(!not_applied || !held.memory.suspected);
    }
}
