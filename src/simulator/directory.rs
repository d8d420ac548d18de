//! The directory's objects, their indices, and the rules that need both.

mod deletion;
mod groups;
mod licences;
mod log;
mod member;
mod users;

pub(super) use licences::LicenceChange;
pub(super) use log::{Noted, What};
pub(super) use member::Member;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::account::Account;
use super::caller::Caller;
use super::group::{Group, GroupKind};
use super::journal::Journal;
use super::refusal::Refusal;
use super::schema::Entity;
use super::tenant::TenantSeed;
use log::Log;

/// How long a deleted object can be restored: 30 days, in milliseconds.
const KEPT: i64 = 30 * 24 * 60 * 60 * 1000;

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: BTreeMap<Uuid, Arc<Account>>,
    deleted: BTreeMap<Uuid, Arc<Account>>,
    /// The owner of each value that only one object may have.
    unique: HashMap<(&'static str, String), Uuid>,
    /// How many users have each subscription.
    consumed: HashMap<Uuid, u64>,
    groups: BTreeMap<Uuid, Arc<Group>>,
    deleted_groups: BTreeMap<Uuid, Arc<Group>>,
    /// The groups that can hold roles.
    assignable: BTreeSet<Uuid>,
    /// The members of each group that has any. A deleted user stays in the lists, unseen, until it is purged.
    members: BTreeMap<Uuid, BTreeSet<Uuid>>,
    /// The same the other way round: the groups of each object.
    belongs: HashMap<Uuid, BTreeSet<Uuid>>,
    /// What changed, for delta queries.
    log: Log,
    /// What changed since a follower asked last, if there is one.
    followed: Option<Vec<Entry>>,
    journal: Option<Journal>,
}

/// A change of the directory.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// The user as it is now.
    Put(Arc<Account>),
    /// The group as it is now; its members stay.
    Group(Arc<Group>),
    /// These are members of the group now.
    Joined { group: Uuid, members: Vec<Uuid> },
    /// These are no members of the group any more.
    Left { group: Uuid, members: Vec<Uuid> },
    /// The object is gone for good.
    Purge(Uuid),
}

/// Who acts on the directory, in which tenant, and when (milliseconds since the Unix epoch).
#[derive(Clone, Debug)]
pub(super) struct Act<'a> {
    pub(super) tenant: Arc<TenantSeed>,
    pub(super) caller: &'a Caller,
    pub(super) now: i64,
}

impl Directory {
    /// A directory with what the journal at `state` holds, if there is one.
    pub(super) fn open(state: Option<&Path>) -> std::io::Result<Self> {
        let mut directory = Self::default();
        let Some(path) = state else {
            return Ok(directory);
        };
        let (journal, held) = Journal::open(path)?;
        for account in held.accounts.into_values() {
            directory.place(Arc::new(account));
        }
        for group in held.groups.into_values() {
            directory.place_group(Arc::new(group));
        }
        for (group, members) in held.members {
            directory.apply(Entry::Joined { group, members: members.into_iter().collect() });
        }
        directory.log = Log::default();
        directory.journal = Some(journal);
        Ok(directory)
    }

    /// What changed, for delta queries.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Whether it never held anything, or nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.users.is_empty() && self.deleted.is_empty() && self.groups.is_empty()
    }

    /// The user with this id or user name.
    pub(super) fn find(&self, key: &str) -> Option<&Arc<Account>> {
        let id = match Uuid::parse_str(key) {
            Ok(id) => id,
            Err(_) => *self.unique.get(&("userPrincipalName", key.to_lowercase()))?,
        };
        self.users.get(&id)
    }

    /// The deleted user with this id.
    pub(super) fn find_deleted(&self, id: Uuid, now: i64) -> Option<&Arc<Account>> {
        self.deleted.get(&id).filter(|account| kept(account, now))
    }

    /// Whether the object with this id was deleted and can be restored.
    pub(super) fn is_restorable(&self, id: Uuid) -> bool {
        self.deleted.contains_key(&id) || self.deleted_groups.contains_key(&id)
    }

    /// All users, by id.
    pub(super) fn users(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.users.values()
    }

    /// The users behind `after`, by id.
    pub(super) fn users_after(&self, after: Option<Uuid>) -> impl Iterator<Item = &Arc<Account>> {
        self.users.range((groups::behind(after), std::ops::Bound::Unbounded)).map(|(_, account)| account)
    }

    /// The users that can still be restored, by id.
    pub(super) fn deleted(&self, now: i64) -> impl Iterator<Item = &Arc<Account>> {
        self.deleted.values().filter(move |account| kept(account, now))
    }

    /// Makes `account` what the directory holds, unless a value of it belongs to another object.
    pub(super) fn commit(&mut self, account: Account) -> Result<Arc<Account>, Refusal> {
        if account.deleted.is_none() {
            for key in account.unique() {
                if let Some(other) = self.unique.get(&key).filter(|&&owner| owner != account.id) {
                    return Err(Refusal::conflict(key.0, &other.to_string()));
                }
            }
        }
        let account = Arc::new(account);
        self.keep(Entry::Put(Arc::clone(&account)))?;
        Ok(account)
    }

    /// Writes an entry to the journal and makes it so. Every change goes this way.
    fn keep(&mut self, entry: Entry) -> Result<(), Refusal> {
        if let Some(journal) = &mut self.journal {
            journal.write(&entry).map_err(|error| unwritten(&error))?;
        }
        if let Some(behind) = &mut self.followed {
            behind.push(entry.clone());
        }
        self.apply(entry);
        Ok(())
    }

    /// From now on every change is also kept for [`Directory::news`]: what a replica that lags behind has to apply.
    pub(super) fn follow(&mut self) {
        self.followed.get_or_insert_default();
    }

    /// Keeps no changes any more.
    pub(super) fn unfollow(&mut self) {
        self.followed = None;
    }

    /// The directory as it is now, without a journal: what a replica begins with.
    pub(super) fn copy(&self) -> Self {
        Self {
            users: self.users.clone(),
            deleted: self.deleted.clone(),
            unique: self.unique.clone(),
            consumed: self.consumed.clone(),
            groups: self.groups.clone(),
            deleted_groups: self.deleted_groups.clone(),
            assignable: self.assignable.clone(),
            members: self.members.clone(),
            belongs: self.belongs.clone(),
            log: self.log.clone(),
            followed: None,
            journal: None,
        }
    }

    /// The changes since the last call, oldest first.
    pub(super) fn news(&mut self) -> Vec<Entry> {
        self.followed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Makes an entry so, which the journal has, or which comes from the directory that this one follows.
    pub(super) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Put(account) => {
                let before = self.users.get(&account.id).or_else(|| self.deleted.get(&account.id));
                self.log.user(before.map(Arc::as_ref), &account);
                self.displace(account.id);
                self.place(account);
            }
            Entry::Group(group) => {
                let before = self.groups.get(&group.id).or_else(|| self.deleted_groups.get(&group.id));
                self.log.group(before.map(Arc::as_ref), &group);
                self.place_group(group);
            }
            Entry::Joined { group, members } => {
                self.log.members(group, &members);
                for member in members {
                    self.members.entry(group).or_default().insert(member);
                    self.belongs.entry(member).or_default().insert(group);
                }
            }
            Entry::Left { group, members } => {
                self.log.members(group, &members);
                for member in members {
                    self.part(group, member);
                }
            }
            Entry::Purge(id) => self.remove(id),
        }
    }

    fn part(&mut self, group: Uuid, member: Uuid) {
        if let Some(members) = self.members.get_mut(&group) {
            members.remove(&member);
        }
        if let Some(groups) = self.belongs.get_mut(&member) {
            groups.remove(&group);
        }
    }

    fn remove(&mut self, id: Uuid) {
        let group = self.groups.contains_key(&id) || self.deleted_groups.contains_key(&id);
        self.log.purged(id, if group { Entity::Group } else { Entity::User });
        self.displace(id);
        self.groups.remove(&id);
        self.deleted_groups.remove(&id);
        self.assignable.remove(&id);
        for group in self.belongs.remove(&id).unwrap_or_default() {
            self.log.members(group, &[id]);
            self.part(group, id);
        }
        for member in self.members.remove(&id).unwrap_or_default() {
            self.part(id, member);
        }
    }

    fn place(&mut self, account: Arc<Account>) {
        if account.deleted.is_some() {
            self.deleted.insert(account.id, account);
            return;
        }
        for sku in account.skus() {
            *self.consumed.entry(sku).or_default() += 1;
        }
        self.unique.extend(account.unique().into_iter().map(|key| (key, account.id)));
        self.users.insert(account.id, account);
    }

    fn displace(&mut self, id: Uuid) {
        self.deleted.remove(&id);
        let Some(old) = self.users.remove(&id) else {
            return;
        };
        for key in old.unique() {
            self.unique.remove(&key);
        }
        for sku in old.skus() {
            if let Some(count) = self.consumed.get_mut(&sku) {
                *count -= 1;
            }
        }
    }

    fn place_group(&mut self, group: Arc<Group>) {
        self.groups.remove(&group.id);
        self.deleted_groups.remove(&group.id);
        if group.kind() == GroupKind::RoleAssignable {
            self.assignable.insert(group.id);
        }
        let place = if group.deleted.is_some() { &mut self.deleted_groups } else { &mut self.groups };
        place.insert(group.id, group);
    }
}

fn kept(account: &Account, now: i64) -> bool {
    account.deleted.is_some_and(|at| now - at < KEPT)
}

fn unwritten(error: &std::io::Error) -> Refusal {
    Refusal::new(500, "InternalServerError", format!("The simulator cannot write its journal: {error}."))
}

#[cfg(test)]
mod tests;
