//! What changed, in which order: what delta queries are answered from.

use std::collections::VecDeque;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::account::Account;
use super::super::group::Group;
use super::super::schema::Entity;

/// How many changes are kept. A token that is older than the oldest of them has expired.
const KEPT: usize = 500_000;

/// The changes, oldest first.
#[derive(Clone, Debug, Default)]
pub(in crate::simulator) struct Log {
    notes: VecDeque<Noted>,
    /// The number of the last change.
    last: u64,
}

/// A change of one object.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Noted {
    /// Its number; the first is 1.
    pub(in crate::simulator) number: u64,
    pub(in crate::simulator) id: Uuid,
    pub(in crate::simulator) entity: Entity,
    pub(in crate::simulator) what: What,
}

/// What changed of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum What {
    /// It was made, or came back.
    Appeared,
    /// These properties have another value, or none.
    Properties(Vec<String>),
    /// These became members, or are members no more.
    Members { ids: Vec<Uuid> },
    /// It was deleted and can be restored.
    Deleted,
    /// It is gone for good.
    Purged,
}

impl Log {
    /// The number of the last change; 0 before the first.
    pub(in crate::simulator) fn last(&self) -> u64 {
        self.last
    }

    /// The changes behind the one with this number, oldest first. None where some of them are not kept any more, or
    /// the number is not one of this log.
    pub(in crate::simulator) fn since(&self, number: u64) -> Option<impl Iterator<Item = &Noted>> {
        let first = self.notes.front().map_or(self.last + 1, |note| note.number);
        let known = number <= self.last && number + 1 >= first;
        let skip = usize::try_from((number + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        known.then(|| self.notes.iter().skip(skip))
    }

    fn note(&mut self, id: Uuid, entity: Entity, what: What) {
        self.last += 1;
        if self.notes.len() == KEPT {
            self.notes.pop_front();
        }
        self.notes.push_back(Noted { number: self.last, id, entity, what });
    }

    /// Notes that a user becomes `after`.
    pub(super) fn user(&mut self, before: Option<&Account>, after: &Account) {
        let was = before.map(|account| account.deleted.is_some());
        let what = lifted(was, after.deleted.is_some()).or_else(|| {
            let before = before?;
            let mut names = differing(&before.properties, &after.properties);
            if before.manager != after.manager {
                names.push("manager".to_owned());
            }
            if before.licences != after.licences {
                names.extend(["assignedLicenses", "licenseAssignmentStates"].map(str::to_owned));
            }
            (!names.is_empty()).then_some(What::Properties(names))
        });
        if let Some(what) = what {
            self.note(after.id, Entity::User, what);
        }
    }

    /// Notes that a group becomes `after`.
    pub(super) fn group(&mut self, before: Option<&Group>, after: &Group) {
        let was = before.map(|group| group.deleted.is_some());
        let what = lifted(was, after.deleted.is_some()).or_else(|| {
            let names = differing(&before?.properties, &after.properties);
            (!names.is_empty()).then_some(What::Properties(names))
        });
        if let Some(what) = what {
            self.note(after.id, Entity::Group, what);
        }
    }

    /// Notes who joined or left a group.
    pub(super) fn members(&mut self, group: Uuid, ids: &[Uuid]) {
        self.note(group, Entity::Group, What::Members { ids: ids.to_vec() });
    }

    /// Notes the end of an object.
    pub(super) fn purged(&mut self, id: Uuid, entity: Entity) {
        self.note(id, entity, What::Purged);
    }
}

/// What a deletion or a restoration is; neither: `None`. `was` says whether the object was deleted, if it was there.
fn lifted(was: Option<bool>, is: bool) -> Option<What> {
    match (was, is) {
        (None | Some(true), false) => Some(What::Appeared),
        (None | Some(false), true) => Some(What::Deleted),
        _ => None,
    }
}

fn differing(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    changed.map(|(name, _)| name.clone()).chain(gone.cloned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whats(log: &Log, since: u64) -> Vec<What> {
        log.since(since).unwrap().map(|note| note.what.clone()).collect()
    }

    #[test]
    fn a_life_is_noted_step_by_step() {
        let mut log = Log::default();
        let mut account = Account::new(Uuid::from_u128(1));
        account.set("displayName", json!("A"));
        log.user(None, &account);
        let made = account.clone();
        account.set("displayName", json!("B"));
        account.set("city", json!("Ulm"));
        log.user(Some(&made), &account);
        log.user(Some(&account), &account);
        let deleted = account.soft_deleted(1);
        log.user(Some(&account), &deleted);
        log.user(Some(&deleted), &account);
        log.purged(account.id, Entity::User);
        let names = ["displayName", "city"].map(str::to_owned).to_vec();
        let expected = [What::Appeared, What::Properties(names), What::Deleted, What::Appeared, What::Purged];
        assert_eq!(whats(&log, 0), expected);
        assert_eq!(whats(&log, 3), expected[3..]);
        assert!(whats(&log, log.last()).is_empty());
        assert!(log.since(log.last() + 1).is_none(), "of another log");
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut log = Log::default();
        for number in 0..=KEPT as u128 {
            log.purged(Uuid::from_u128(number), Entity::User);
        }
        assert!(log.since(0).is_none());
        assert_eq!(log.since(1).unwrap().count(), KEPT);
    }
}
