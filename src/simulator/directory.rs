//! The directory's objects, their indices, and the rules that need both.

mod groups;

pub(super) use groups::Member;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::account::{self, Account};
use super::group::Group;
use super::journal::Journal;
use super::password::{self, Hash};
use super::refusal::Refusal;
use super::schema;
use super::tenant::TenantSeed;
use super::write::{Change, NewPassword};

/// How long a deleted object can be restored: 30 days (graph-facts §11), in milliseconds.
const KEPT: i64 = 30 * 24 * 60 * 60 * 1000;

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: BTreeMap<Uuid, Arc<Account>>,
    deleted: BTreeMap<Uuid, Arc<Account>>,
    /// The owner of each value that only one object may have.
    unique: HashMap<(&'static str, String), Uuid>,
    groups: BTreeMap<Uuid, Arc<Group>>,
    /// The members of each group that has any. A deleted user stays in the lists, unseen, until it is purged.
    members: BTreeMap<Uuid, BTreeSet<Uuid>>,
    journal: Option<Journal>,
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
        directory.groups = held.groups.into_iter().map(|(id, group)| (id, Arc::new(group))).collect();
        directory.members = held.members;
        directory.journal = Some(journal);
        Ok(directory)
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

    /// All users, by id.
    pub(super) fn users(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.users.values()
    }

    /// The users behind `after`, by id.
    pub(super) fn users_after(&self, after: Uuid) -> impl Iterator<Item = &Arc<Account>> {
        self.users.range((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded)).map(|(_, a)| a)
    }

    /// The users that can still be restored, by id.
    pub(super) fn deleted(&self, now: i64) -> impl Iterator<Item = &Arc<Account>> {
        self.deleted.values().filter(move |account| kept(account, now))
    }

    /// Makes a user.
    pub(super) fn create(
        &mut self,
        id: Uuid,
        change: &Change,
        tenant: &TenantSeed,
        now: i64,
    ) -> Result<Arc<Account>, Refusal> {
        let upn = text(change, "userPrincipalName");
        let federated = domain_of(upn, tenant)?;
        // The domain's refusal was captured for federated domains too, where the immutable id is missing.
        if federated && text(change, "onPremisesImmutableId").is_empty() {
            return Err(Refusal::domain());
        }
        let mut account = Account::new(id);
        account.set("createdDateTime", json!(account::seconds(now)));
        account.set("userType", json!("Member"));
        apply(&mut account, change, now)?;
        if let Some(manager) = change.manager {
            account.manager = Some(self.managing(manager, id)?);
        }
        self.commit(account)
    }

    /// Changes a user.
    pub(super) fn update(
        &mut self,
        key: &str,
        change: &Change,
        tenant: &TenantSeed,
        now: i64,
    ) -> Result<Arc<Account>, Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        if current.privileged && change.names().any(|name| schema::SENSITIVE.contains(&name)) {
            return Err(Refusal::denied());
        }
        let mastered = |name: &str| !schema::WRITABLE_WHEN_SYNCED.contains(&name);
        if current.synced() && change.names().any(mastered) {
            return Err(Refusal::synced());
        }
        let mut account = Account::clone(current);
        let upn = match change.properties.get("userPrincipalName").and_then(Value::as_str) {
            Some(new) => new,
            None => current.upn(),
        };
        let moved = change.properties.contains_key("userPrincipalName");
        let federated =
            domain_of(upn, tenant).or_else(|refusal| if moved { Err(refusal) } else { Ok(false) })?;
        if federated && change.password.is_some() {
            return Err(Refusal::value("passwordProfile"));
        }
        if federated && moved && immutable(&account, change).is_empty() {
            return Err(Refusal::domain());
        }
        apply(&mut account, change, now)?;
        self.commit(account)
    }

    /// Moves a user to the deleted items.
    pub(super) fn delete(&mut self, key: &str, now: i64) -> Result<(), Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        if current.privileged {
            return Err(Refusal::denied());
        }
        if current.synced() {
            return Err(Refusal::synced());
        }
        let account = current.soft_deleted(now);
        self.commit(account).map(|_| ())
    }

    /// Brings a deleted user back, under `upn` if one is given, else under the name it had.
    pub(super) fn restore(
        &mut self,
        id: Uuid,
        upn: Option<&str>,
        reconcile: bool,
        tenant: &TenantSeed,
        now: i64,
    ) -> Result<Arc<Account>, Refusal> {
        let current = self.find_deleted(id, now).ok_or_else(|| Refusal::not_found(&id.to_string()))?;
        if current.privileged {
            return Err(Refusal::denied());
        }
        let mut account = Account::clone(current);
        account.deleted = None;
        let prefix = id.simple().to_string();
        let upn = upn.unwrap_or_else(|| current.upn().strip_prefix(&prefix).unwrap_or(current.upn()));
        domain_of(upn, tenant)?;
        account.set("userPrincipalName", json!(upn));
        if reconcile {
            self.drop_taken_proxies(&mut account);
        }
        self.commit(account)
    }

    fn drop_taken_proxies(&self, account: &mut Account) {
        let taken = |proxy: &Value| {
            let key = proxy.as_str().unwrap_or_default().to_lowercase();
            self.unique.contains_key(&("proxyAddresses", key))
        };
        let Some(proxies) = account.properties.get("proxyAddresses").and_then(Value::as_array) else {
            return;
        };
        let free: Vec<Value> = proxies.iter().filter(|proxy| !taken(proxy)).cloned().collect();
        if free.len() == proxies.len() {
            return;
        }
        account.set("proxyAddresses", json!(free));
        account.set("mail", Value::Null);
    }

    /// Removes a deleted user for good.
    pub(super) fn purge(&mut self, id: Uuid, now: i64) -> Result<(), Refusal> {
        self.find_deleted(id, now).ok_or_else(|| Refusal::not_found(&id.to_string()))?;
        self.forget(id)
    }

    /// Removes an object for good, wherever it is.
    pub(super) fn forget(&mut self, id: Uuid) -> Result<(), Refusal> {
        if let Some(journal) = &mut self.journal {
            journal.purge(id).map_err(|error| unwritten(&error))?;
        }
        self.displace(id);
        self.groups.remove(&id);
        self.members.remove(&id);
        for members in self.members.values_mut() {
            members.remove(&id);
        }
        Ok(())
    }

    /// Makes now the earliest time of a valid session.
    pub(super) fn revoke(&mut self, key: &str, now: i64) -> Result<(), Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        let mut account = Account::clone(current);
        account.set("signInSessionsValidFromDateTime", json!(account::seconds(now)));
        self.commit(account).map(|_| ())
    }

    /// Sets or removes a user's manager.
    pub(super) fn set_manager(&mut self, key: &str, manager: Option<Uuid>) -> Result<(), Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        if current.synced() {
            return Err(Refusal::synced());
        }
        let mut account = Account::clone(current);
        account.manager = match manager {
            Some(id) => Some(self.managing(id, account.id)?),
            None if account.manager.is_none() => return Err(Refusal::not_found("manager")),
            None => None,
        };
        self.commit(account).map(|_| ())
    }

    fn managing(&self, manager: Uuid, of: Uuid) -> Result<Uuid, Refusal> {
        if !self.users.contains_key(&manager) || manager == of {
            return Err(Refusal::not_found(&manager.to_string()));
        }
        Ok(manager)
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
        if let Some(journal) = &mut self.journal {
            journal.put(&account).map_err(|error| unwritten(&error))?;
        }
        let account = Arc::new(account);
        self.displace(account.id);
        self.place(Arc::clone(&account));
        Ok(account)
    }

    fn place(&mut self, account: Arc<Account>) {
        if account.deleted.is_some() {
            self.deleted.insert(account.id, account);
            return;
        }
        self.unique.extend(account.unique().into_iter().map(|key| (key, account.id)));
        self.users.insert(account.id, account);
    }

    fn displace(&mut self, id: Uuid) {
        self.deleted.remove(&id);
        if let Some(old) = self.users.remove(&id) {
            for key in old.unique() {
                self.unique.remove(&key);
            }
        }
    }
}

fn kept(account: &Account, now: i64) -> bool {
    account.deleted.is_some_and(|at| now - at < KEPT)
}

fn unwritten(error: &std::io::Error) -> Refusal {
    Refusal::new(500, "InternalServerError", format!("The simulator cannot write its journal: {error}."))
}

fn text<'a>(change: &'a Change, name: &str) -> &'a str {
    change.properties.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn immutable<'a>(account: &'a Account, change: &'a Change) -> &'a str {
    match change.properties.get("onPremisesImmutableId") {
        Some(value) => value.as_str().unwrap_or_default(),
        None => account.text("onPremisesImmutableId").unwrap_or_default(),
    }
}

/// Whether the domain of `upn` is federated; an error where it is not one of the tenant's verified domains.
fn domain_of(upn: &str, tenant: &TenantSeed) -> Result<bool, Refusal> {
    let domain = upn.rsplit_once('@').map_or("", |(_, domain)| domain);
    match tenant.domain(domain) {
        Some(domain) if domain.verified => Ok(domain.federated),
        _ => Err(Refusal::domain()),
    }
}

fn apply(account: &mut Account, change: &Change, now: i64) -> Result<(), Refusal> {
    for (name, value) in &change.properties {
        match name.as_str() {
            "onPremisesExtensionAttributes" => merge(account, name, value),
            "mail" => {
                account
                    .set("proxyAddresses", json!([format!("SMTP:{}", value.as_str().unwrap_or_default())]));
                account.set(name, value.clone());
            }
            _ => account.set(name, value.clone()),
        }
    }
    match &change.password {
        Some(new) => set_password(account, new, now),
        None => Ok(()),
    }
}

fn merge(account: &mut Account, name: &str, value: &Value) {
    let mut all = account.properties.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, part) in value.as_object().into_iter().flatten() {
        all.insert(key.clone(), part.clone());
    }
    account.set(name, all.into());
}

fn set_password(account: &mut Account, new: &NewPassword, now: i64) -> Result<(), Refusal> {
    if let Some(must_change) = new.must_change {
        account.must_change = must_change;
    }
    let Some(password) = &new.password else {
        return Ok(());
    };
    let local = account.upn().split('@').next().unwrap_or_default();
    let weak = account.text("passwordPolicies").is_some_and(|p| p.contains("DisableStrongPassword"));
    if !password::complies(password, local, !weak) {
        return Err(Refusal::password());
    }
    account.password = Some(Hash::of(password));
    account.must_change = new.must_change.unwrap_or(false);
    let at = json!(account::seconds(now));
    account.set("lastPasswordChangeDateTime", at.clone());
    account.set("signInSessionsValidFromDateTime", at);
    Ok(())
}

#[cfg(test)]
mod tests;
