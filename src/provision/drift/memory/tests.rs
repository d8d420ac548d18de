use proptest::prelude::*;
use serde_json::json;

use super::super::compare::compare;
use super::*;
use crate::graph::Property;

type Properties = BTreeMap<Property, Value>;

fn title(value: &str) -> Properties {
    BTreeMap::from([(Property::JobTitle, json!(value))])
}

fn told(memory: &mut Memory<Property>, given: &Properties, shown: &Properties) -> usize {
    let differences = compare(given, shown, |_| true);
    memory.forget(shown, &differences);
    memory.learn(differences).len()
}

#[test]
fn a_difference_is_told_once_and_again_when_it_changes() {
    let mut memory = Memory::default();
    assert_eq!(told(&mut memory, &title("a"), &title("b")), 1);
    assert_eq!(told(&mut memory, &title("a"), &title("b")), 0, "a replay");
    assert_eq!(told(&mut memory, &title("a"), &title("c")), 1);
    assert_eq!(told(&mut memory, &title("d"), &title("c")), 1, "another value was given meanwhile");
}

#[test]
fn a_return_to_what_was_given_is_silent_and_forgotten() {
    let mut memory = Memory::default();
    assert_eq!(told(&mut memory, &title("a"), &title("b")), 1);
    assert_eq!(told(&mut memory, &title("a"), &title("a")), 0);
    assert_eq!(memory, Memory::default());
    assert_eq!(told(&mut memory, &title("a"), &title("b")), 1);
}

#[test]
fn what_is_not_shown_stays_as_it_was() {
    let mut memory = Memory::default();
    told(&mut memory, &title("a"), &title("b"));
    let city = BTreeMap::from([(Property::City, json!("x"))]);
    assert_eq!(told(&mut memory, &title("a"), &city), 0);
    assert_eq!(told(&mut memory, &title("a"), &title("b")), 0);
}

#[test]
fn a_loss_is_told_once() {
    let mut memory: Memory<Property> = Memory::default();
    assert!(memory.lose(Gone::SoftDeleted));
    assert!(!memory.lose(Gone::Deleted), "the 30 days are over");
    assert_eq!(memory.gone, Some(Gone::Deleted));
    let mut memory: Memory<Property> = Memory::of(None, "a-1");
    assert!(!is_known_lost(None, "a-1"));
    memory.lose(Gone::Deleted);
    let stored = memory.stored().unwrap();
    assert!(is_known_lost(stored.as_ref(), "a-1") && !is_known_lost(stored.as_ref(), "a-2"));
}

#[test]
fn a_password_of_others_is_later_than_ours_by_more_than_the_clocks_differ() {
    let mut memory: Memory<Property> = Memory::default();
    assert!(!memory.hear_of_password(1_000, 1_100, 120));
    assert!(memory.hear_of_password(1_000, 1_121, 120));
    assert!(!memory.hear_of_password(1_000, 1_121, 120), "a replay");
    assert!(memory.hear_of_password(1_000, 1_500, 120));
    assert!(!memory.hear_of_password(1_600, 1_500, 120), "Gangway has set one since");
    assert_eq!(memory.password_at, None);
}

#[test]
fn what_is_remembered_of_another_object_is_void() {
    let mut memory: Memory<Property> = Memory::of(None, "a-1");
    assert_eq!(memory.stored().unwrap(), None);
    told(&mut memory, &title("a"), &title("b"));
    memory.synced = true;
    let stored = memory.stored().unwrap();
    assert_eq!(Memory::of(stored.as_ref(), "a-1"), memory);
    assert_eq!(Memory::<Property>::of(stored.as_ref(), "a-2"), Memory::of(None, "a-2"));
    assert_eq!(Memory::<Property>::of(Some(&json!("nonsense")), "a-1"), Memory::of(None, "a-1"));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![Just(Value::Null), "[a-bA-B]{0,2}".prop_map(Value::from)]
}

fn properties() -> impl Strategy<Value = Properties> {
    proptest::collection::btree_map(proptest::sample::select(&Property::ALL[..]), value(), 0..8)
}

proptest! {
    /// Whatever was shown before, the same twice in a row tells nothing the second time, and what is stored is read again
    /// as it was.
    #[test]
    fn the_same_twice_tells_nothing(given in properties(), pages in proptest::collection::vec(properties(), 0..5)) {
        let mut memory = Memory::of(None, "a-1");
        for shown in &pages {
            told(&mut memory, &given, shown);
            prop_assert_eq!(told(&mut memory, &given, shown), 0);
            prop_assert_eq!(&Memory::of(memory.stored().unwrap().as_ref(), "a-1"), &memory);
        }
        told(&mut memory, &given, &given);
        prop_assert!(memory.seen.keys().all(|property| !given.contains_key(property)), "{:?}", memory);
    }

    /// Nothing that stands in the database, written by whatever version, stops the reading.
    #[test]
    fn anything_stored_is_read(text in "\\PC{0,40}", key in "object|seen|gone|password_at|suspected") {
        let stored = json!({ key: text, "object": "a-1" });
        prop_assert_eq!(Memory::<Property>::of(Some(&stored), "a-1").object, "a-1");
    }
}
