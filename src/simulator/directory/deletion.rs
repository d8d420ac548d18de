//! Deletion, restoration, and the end of an object.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::account::Account;
use super::super::group::Group;
use super::super::refusal::Refusal;
use super::users::domain_of;
use super::{Act, Directory, Entry, KEPT};

impl Directory {
    /// Moves a user to the deleted items.
    pub(in crate::simulator) fn delete(&mut self, key: &str, act: &Act<'_>) -> Result<(), Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        self.may_act_on(current, act)?;
        if current.synced() {
            return Err(Refusal::synced());
        }
        let account = current.soft_deleted(act.now);
        self.commit(account).map(|_| ())
    }

    /// Brings a deleted user back, under `upn` if one is given, else under the name it had.
    pub(in crate::simulator) fn restore(
        &mut self,
        id: Uuid,
        upn: Option<&str>,
        reconcile: bool,
        act: &Act<'_>,
    ) -> Result<Arc<Account>, Refusal> {
        let current = self.find_deleted(id, act.now).ok_or_else(|| Refusal::not_found(&id.to_string()))?;
        self.may_act_on(current, act)?;
        let mut account = Account::clone(current);
        account.deleted = None;
        let prefix = id.simple().to_string();
        let upn = upn.unwrap_or_else(|| current.upn().strip_prefix(&prefix).unwrap_or(current.upn()));
        domain_of(upn, &act.tenant)?;
        account.set("userPrincipalName", json!(upn));
        if reconcile {
            self.drop_taken_proxies(&mut account);
        }
        self.suspend_licences(&mut account, act);
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

    /// Brings a deleted group back, with its members.
    pub(in crate::simulator) fn restore_group(&mut self, id: Uuid, now: i64) -> Result<Arc<Group>, Refusal> {
        let found = self.find_deleted_group(id, now).ok_or_else(|| Refusal::not_found(&id.to_string()))?;
        let mut group = Group::clone(found);
        group.deleted = None;
        self.check_nickname(&group)?;
        let group = Arc::new(group);
        self.keep(Entry::Group(Arc::clone(&group)))?;
        Ok(group)
    }

    /// The deleted Microsoft 365 group with this id.
    pub(in crate::simulator) fn find_deleted_group(&self, id: Uuid, now: i64) -> Option<&Arc<Group>> {
        let kept = |group: &&Arc<Group>| group.deleted.is_some_and(|at| now - at < KEPT);
        self.deleted_groups.get(&id).filter(kept)
    }

    /// Removes a deleted object for good.
    pub(in crate::simulator) fn purge(&mut self, id: Uuid, act: &Act<'_>) -> Result<(), Refusal> {
        if let Some(user) = self.find_deleted(id, act.now) {
            self.may_act_on(user, act)?;
        } else if self.find_deleted_group(id, act.now).is_none() {
            return Err(Refusal::not_found(&id.to_string()));
        }
        self.forget(id)
    }

    /// Removes an object for good, wherever it is.
    pub(in crate::simulator) fn forget(&mut self, id: Uuid) -> Result<(), Refusal> {
        self.keep(Entry::Purge(id))
    }
}
