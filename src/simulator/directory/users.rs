//! What a request does to a user, and the rules on it.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::account::{self, Account};
use super::super::password::{self, Hash};
use super::super::photo::Photo;
use super::super::refusal::Refusal;
use super::super::roles;
use super::super::schema;
use super::super::tenant::TenantSeed;
use super::super::write::{Change, NewPassword};
use super::{Act, Directory};

/// How many directory extensions may have a value on one object.
const EXTENSIONS: usize = 100;

impl Directory {
    /// Makes a user.
    pub(in crate::simulator) fn create(
        &mut self,
        id: Uuid,
        change: &Change,
        act: &Act<'_>,
    ) -> Result<Arc<Account>, Refusal> {
        let upn = text(change, "userPrincipalName");
        let federated = domain_of(upn, &act.tenant)?;
        // The domain's refusal was captured for federated domains too, where the immutable id is missing.
        if federated && text(change, "onPremisesImmutableId").is_empty() {
            return Err(Refusal::domain());
        }
        let mut account = Account::new(id);
        account.set("createdDateTime", json!(account::seconds(act.now)));
        account.set("userType", json!("Member"));
        apply(&mut account, change, act.now)?;
        if let Some(manager) = change.manager {
            account.manager = Some(self.managing(manager, id)?);
        }
        self.commit(account)
    }

    /// Whether the caller may do something sensitive to this user.
    pub(super) fn may_act_on(&self, target: &Account, act: &Act<'_>) -> Result<(), Refusal> {
        let protected = self.assignable.iter().any(|&group| self.is_member(group, target.id));
        let held = target.held_roles();
        if roles::outranks(&act.caller.roles, &held, protected) { Ok(()) } else { Err(Refusal::denied()) }
    }

    /// Changes a user.
    pub(in crate::simulator) fn update(
        &mut self,
        key: &str,
        change: &Change,
        act: &Act<'_>,
    ) -> Result<Arc<Account>, Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        if change.names().any(|name| schema::SENSITIVE.contains(&name)) {
            self.may_act_on(current, act)?;
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
            domain_of(upn, &act.tenant).or_else(|refusal| if moved { Err(refusal) } else { Ok(false) })?;
        if federated && change.password.is_some() {
            return Err(Refusal::value("passwordProfile"));
        }
        if federated && moved && immutable(&account, change).is_empty() {
            return Err(Refusal::domain());
        }
        apply(&mut account, change, act.now)?;
        self.commit(account)
    }

    /// Makes now the earliest time of a valid session.
    pub(in crate::simulator) fn revoke(&mut self, key: &str, now: i64) -> Result<(), Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        let mut account = Account::clone(current);
        account.set("signInSessionsValidFromDateTime", json!(account::seconds(now)));
        self.commit(account).map(|_| ())
    }

    /// Sets or removes a user's photo.
    pub(in crate::simulator) fn set_photo(
        &mut self,
        key: &str,
        photo: Option<Arc<Photo>>,
    ) -> Result<(), Refusal> {
        let current = self.find(key).ok_or_else(|| Refusal::not_found(key))?;
        let account = Account { photo, ..Account::clone(current) };
        self.commit(account).map(|_| ())
    }

    /// Sets or removes a user's manager.
    pub(in crate::simulator) fn set_manager(
        &mut self,
        key: &str,
        manager: Option<Uuid>,
    ) -> Result<(), Refusal> {
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
pub(super) fn domain_of(upn: &str, tenant: &TenantSeed) -> Result<bool, Refusal> {
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
                address(account, value.as_str().unwrap_or_default());
                account.set(name, value.clone());
            }
            _ => account.set(name, value.clone()),
        }
    }
    let extensions = account.properties.keys().filter(|name| schema::is_extension(name)).count();
    if extensions > EXTENSIONS {
        // The limit is documented; the words are not.
        return Err(Refusal::quota(format!(
            "Unable to perform operation as '{extensions}' would exceed the maximum of '{EXTENSIONS}' extension values."
        )));
    }
    match &change.password {
        Some(new) => set_password(account, new, now),
        None => Ok(()),
    }
}

/// A new address becomes the primary proxy address; the others stay, as secondary ones.
fn address(account: &mut Account, mail: &str) {
    let old = account.properties.get("proxyAddresses").and_then(Value::as_array).cloned().unwrap_or_default();
    let others = old.iter().filter_map(Value::as_str).filter_map(|proxy| proxy.split_once(':'));
    let others = others.filter(|(_, address)| !address.eq_ignore_ascii_case(mail));
    let secondary = |(kind, address): (&str, &str)| {
        if kind == "SMTP" { format!("smtp:{address}") } else { format!("{kind}:{address}") }
    };
    let all: Vec<String> = std::iter::once(format!("SMTP:{mail}")).chain(others.map(secondary)).collect();
    account.set("proxyAddresses", json!(all));
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
