//! Who goes next: by priority, then by age, and never two at once on the same object. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::super::Priority;
use super::super::batch::MOST_ITEMS;

/// How many that cannot go are looked at for one that can.
const MOST_SEEN: usize = 1_000;

/// What waits.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: BTreeMap<(Priority, u64), Entry<T>>,
    /// Those that wait for each object, by age.
    by_object: HashMap<Uuid, BTreeMap<u64, Priority>>,
    /// The objects of what is under way.
    busy: HashSet<Uuid>,
    last: u64,
}

/// One that waits.
#[derive(Debug)]
pub(super) struct Entry<T> {
    /// What it is about.
    pub(super) object: Option<Uuid>,
    /// Whether it goes in no batch.
    pub(super) alone: bool,
    /// Not before this moment.
    pub(super) due: u64,
    pub(super) item: T,
}

/// One that goes.
#[derive(Debug)]
pub(super) struct Taken<T> {
    pub(super) number: u64,
    pub(super) priority: Priority,
    pub(super) entry: Entry<T>,
}

/// What is next.
#[derive(Debug)]
pub(super) struct Next<T> {
    /// Those that go together.
    pub(super) taken: Vec<Taken<T>>,
    /// When to look again, if nobody comes and nothing ends before.
    pub(super) again: Option<u64>,
}

/// Whether one may go.
pub(super) enum Admission {
    Go,
    /// It may not before this moment, others may.
    Wait(u64),
    /// None may before this moment.
    Stop(u64),
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), by_object: HashMap::new(), busy: HashSet::new(), last: 0 }
    }
}

impl<T> Queue<T> {
    /// Puts one at the end of its priority; says its number.
    pub(super) fn push(&mut self, priority: Priority, entry: Entry<T>) -> u64 {
        self.last += 1;
        self.put_back(self.last, priority, entry);
        self.last
    }

    /// Puts one in the place that it had. Its object must not be waited for by an older one only.
    pub(super) fn put_back(&mut self, number: u64, priority: Priority, entry: Entry<T>) {
        let object = entry.object;
        self.waiting.insert((priority, number), entry);
        if let Some(object) = object {
            self.by_object.entry(object).or_default().insert(number, priority);
            self.lift(object);
        }
    }

    /// Those on an object keep their order, so an urgent one makes those before it as urgent.
    fn lift(&mut self, object: Uuid) {
        let Some(numbers) = self.by_object.get_mut(&object) else {
            return;
        };
        let mut urgent = Priority::Background;
        for (number, priority) in numbers.iter_mut().rev() {
            urgent = urgent.min(*priority);
            if urgent < *priority
                && let Some(entry) = self.waiting.remove(&(*priority, *number))
            {
                self.waiting.insert((urgent, *number), entry);
                *priority = urgent;
            }
        }
    }

    /// Takes out the one with this number, if it still waits.
    pub(super) fn remove(&mut self, number: u64) -> Option<T> {
        let priorities = [Priority::Security, Priority::Update, Priority::Create, Priority::Background];
        let place = priorities.map(|priority| (priority, number)).into_iter();
        let place = place.into_iter().find(|place| self.waiting.contains_key(place))?;
        self.leave(place).map(|entry| entry.item)
    }

    fn leave(&mut self, place: (Priority, u64)) -> Option<Entry<T>> {
        let entry = self.waiting.remove(&place)?;
        if let Some(object) = entry.object
            && let Some(numbers) = self.by_object.get_mut(&object)
        {
            numbers.remove(&place.1);
            if numbers.is_empty() {
                self.by_object.remove(&object);
            }
        }
        Some(entry)
    }

    /// The next that go together: at most 20, or one that goes alone. Security calls are not kept waiting by the answers
    /// to others, so they do not mix.
    pub(super) fn next(
        &mut self,
        now: u64,
        only_security: bool,
        mut admit: impl FnMut(&T, Priority) -> Admission,
    ) -> Next<T> {
        let mut places: Vec<(Priority, u64)> = Vec::new();
        let mut again: Option<u64> = None;
        let mut sooner = |at: u64| again = Some(again.map_or(at, |again| again.min(at)));
        for (place, entry) in self.waiting.iter().take(MOST_SEEN) {
            let is_security = place.0 == Priority::Security;
            let mixes = places.first().is_some_and(|first| (first.0 == Priority::Security) != is_security);
            if mixes || (only_security && !is_security) {
                break;
            }
            if !self.is_free(place.1, entry.object) || (entry.alone && !places.is_empty()) {
                continue;
            }
            if entry.due > now {
                sooner(entry.due);
                continue;
            }
            match admit(&entry.item, place.0) {
                Admission::Go => places.push(*place),
                Admission::Wait(until) => {
                    sooner(until);
                    continue;
                }
                Admission::Stop(until) => {
                    sooner(until);
                    break;
                }
            }
            if entry.alone || places.len() == MOST_ITEMS {
                break;
            }
        }
        let taken = places.into_iter().filter_map(|place| self.begin(place)).collect();
        Next { taken, again }
    }

    /// Whether nothing on the same object is under way or waits for longer.
    fn is_free(&self, number: u64, object: Option<Uuid>) -> bool {
        let Some(object) = object else {
            return true;
        };
        let oldest = self.by_object.get(&object).and_then(|numbers| numbers.first_key_value());
        !self.busy.contains(&object) && oldest.is_none_or(|(oldest, _)| *oldest == number)
    }

    fn begin(&mut self, place: (Priority, u64)) -> Option<Taken<T>> {
        let entry = self.leave(place)?;
        self.busy.extend(entry.object);
        Some(Taken { number: place.1, priority: place.0, entry })
    }

    /// Nothing is under way on the object any more.
    pub(super) fn end(&mut self, object: Uuid) {
        self.busy.remove(&object);
    }

    /// Takes out all that wait.
    pub(super) fn drain(&mut self) -> Vec<T> {
        self.by_object.clear();
        std::mem::take(&mut self.waiting).into_values().map(|entry| entry.item).collect()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests;
