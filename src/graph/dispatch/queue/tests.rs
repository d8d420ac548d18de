use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn entry(item: u32, object: Option<u128>) -> Entry<u32> {
    Entry { object: object.map(Uuid::from_u128), alone: false, due: 0, item }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the queue lends what waits")]
fn go(_: &u32, _: Priority) -> Admission {
    Admission::Go
}

/// The items of the next that go together.
fn next(queue: &mut Queue<u32>) -> Vec<u32> {
    queue.next(0, false, go).taken.into_iter().map(|taken| taken.entry.item).collect()
}

#[test]
fn the_urgent_go_before_the_old_and_do_not_mix() {
    let mut queue = Queue::default();
    let lanes = [Priority::Background, Priority::Create, Priority::Update, Priority::Security];
    for (item, priority) in (0..).zip(lanes.into_iter().chain(lanes)) {
        queue.push(priority, entry(item, None));
    }
    assert_eq!(next(&mut queue), [3, 7]);
    assert_eq!(next(&mut queue), [2, 6, 1, 5, 0, 4]);
    assert_eq!((next(&mut queue).len(), queue.len()), (0, 0));
}

#[test]
fn twenty_go_together() {
    let mut queue = Queue::default();
    for item in 0..45 {
        queue.push(Priority::Update, entry(item, None));
    }
    assert_eq!([(); 4].map(|()| next(&mut queue).len()), [20, 20, 5, 0]);
}

#[test]
fn those_on_one_object_go_one_after_the_other() {
    let mut queue = Queue::default();
    for (item, object) in [(1, 7), (2, 7), (3, 8), (4, 7)] {
        queue.push(Priority::Update, entry(item, Some(object)));
    }
    assert_eq!(next(&mut queue), [1, 3]);
    assert!(next(&mut queue).is_empty());
    queue.end(Uuid::from_u128(8));
    assert!(next(&mut queue).is_empty());
    queue.end(Uuid::from_u128(7));
    assert_eq!(next(&mut queue), [2]);
    // Put back, it is before the one that came after it.
    queue.put_back(2, Priority::Update, entry(2, Some(7)));
    queue.end(Uuid::from_u128(7));
    assert_eq!(next(&mut queue), [2]);
    queue.end(Uuid::from_u128(7));
    assert_eq!(next(&mut queue), [4]);
}

#[test]
fn an_urgent_one_lifts_those_before_it_on_its_object() {
    let mut queue = Queue::default();
    queue.push(Priority::Update, entry(1, None));
    queue.push(Priority::Create, entry(2, Some(7)));
    queue.push(Priority::Background, entry(3, Some(8)));
    queue.push(Priority::Security, entry(4, Some(7)));
    assert_eq!(next(&mut queue), [2]);
    queue.end(Uuid::from_u128(7));
    assert_eq!(next(&mut queue), [4]);
    assert_eq!(next(&mut queue), [1, 3]);
}

#[test]
fn one_that_goes_alone_goes_alone() {
    let mut queue = Queue::default();
    queue.push(Priority::Update, entry(1, None));
    queue.push(Priority::Update, Entry { alone: true, ..entry(2, None) });
    queue.push(Priority::Update, entry(3, None));
    assert_eq!([(); 3].map(|()| next(&mut queue)), [vec![1, 3], vec![2], vec![]]);
}

#[test]
fn one_that_is_not_due_lets_others_by() {
    let mut queue = Queue::default();
    queue.push(Priority::Update, Entry { due: 50, ..entry(1, Some(7)) });
    queue.push(Priority::Update, entry(2, Some(7)));
    queue.push(Priority::Update, Entry { due: 40, ..entry(3, None) });
    queue.push(Priority::Update, entry(4, None));
    let first = queue.next(0, false, go);
    assert_eq!((first.taken.len(), first.taken[0].entry.item, first.again), (1, 4, Some(40)));
    let second = queue.next(50, false, go);
    assert_eq!(second.taken.into_iter().map(|taken| taken.entry.item).collect::<Vec<_>>(), [1, 3]);
}

#[test]
fn what_may_not_go_waits() {
    let mut queue = Queue::default();
    for item in 1..5 {
        queue.push(Priority::Update, entry(item, None));
    }
    let first = queue.next(0, false, |item, _| match item {
        1 => Admission::Wait(30),
        2 => Admission::Go,
        _ => Admission::Stop(90),
    });
    assert_eq!((first.taken.len(), first.taken[0].entry.item, first.again), (1, 2, Some(30)));
    assert_eq!(next(&mut queue), [1, 3, 4]);
}

#[test]
fn places_of_security_take_nothing_else() {
    let mut queue = Queue::default();
    queue.push(Priority::Update, entry(1, None));
    assert!(queue.next(0, true, go).taken.is_empty());
    queue.push(Priority::Security, entry(2, None));
    assert_eq!(queue.next(0, true, go).taken.len(), 1);
}

#[test]
fn one_that_is_given_up_is_gone() {
    let mut queue = Queue::default();
    let first = queue.push(Priority::Create, entry(1, Some(7)));
    queue.push(Priority::Security, entry(2, Some(7)));
    // It was lifted meanwhile.
    assert_eq!((queue.remove(first), queue.remove(first)), (Some(1), None));
    assert_eq!(next(&mut queue), [2]);
    assert!(queue.drain().is_empty());
}

proptest! {
    /// However they come and go: each goes once, those on an object one at a time and in their order.
    #[test]
    fn nothing_is_lost_doubled_or_overtaken(
        steps in proptest::collection::vec((0_u8..6, 0_u128..4, 0_usize..4), 1..200)
    ) {
        let lanes = [Priority::Security, Priority::Update, Priority::Create, Priority::Background];
        let mut queue = Queue::default();
        let (mut pushed, mut gone, mut removed) = (0_u32, Vec::new(), BTreeSet::new());
        let (mut under_way, mut latest) = (BTreeSet::new(), HashMap::new());
        for (step, object, lane) in steps.into_iter().chain([(4, 0, 0); 200]) {
            match step {
                0..3 => {
                    pushed += 1;
                    let number = queue.push(lanes[lane], entry(pushed, (object > 0).then_some(object)));
                    prop_assert_eq!(number, u64::from(pushed));
                }
                3 => {
                    let number = u64::try_from(object).unwrap() + 1;
                    removed.extend(queue.remove(number));
                }
                _ => {
                    for object in std::mem::take(&mut under_way) {
                        queue.end(object);
                    }
                    for taken in queue.next(0, false, go).taken {
                        if let Some(object) = taken.entry.object {
                            prop_assert!(under_way.insert(object), "two at once");
                            let before = latest.insert(object, taken.entry.item);
                            prop_assert!(before < Some(taken.entry.item), "overtaken");
                        }
                        gone.push(taken.entry.item);
                    }
                }
            }
        }
        gone.extend(removed);
        gone.sort_unstable();
        prop_assert_eq!(gone, (1..=pushed).collect::<Vec<_>>());
        prop_assert!(queue.by_object.is_empty() && queue.len() == 0);
    }
}
