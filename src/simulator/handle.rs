//! The simulator from within: what tests look at and what they make happen.

mod access;
mod groups;
mod lab;
mod licences;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Error;
use super::account::{self, Account};
use super::faults::FaultRule;
use super::password::Hash;
use super::photo::Photo;
use super::schema::Entity;
use super::service::Service;
use super::tenant::TenantSeed;
pub use groups::{GroupSeed, SimulatedGroup};
pub use licences::LicenseSeed;

/// A simulator's directory and faults. Its clones are the same simulator.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Service>);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// A user as the simulator keeps it, without its password.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UserRecord {
    /// The object's id in Graph.
    pub id: Uuid,
    /// Its properties that have a value, by Graph's names.
    pub properties: Map<String, Value>,
    /// When it was soft-deleted, in milliseconds since the Unix epoch.
    pub deleted: Option<i64>,
    /// Whether it holds an administrator role.
    pub privileged: bool,
    /// The directory roles that it holds, by their names.
    pub roles: Vec<String>,
    /// Its manager's id.
    pub manager: Option<Uuid>,
    /// Its licences, also those that it inherits from groups.
    pub licenses: Vec<LicenseSeed>,
    /// The SHA-256 of its photo's bytes, in hexadecimal digits.
    pub photo: Option<String>,
}

impl UserRecord {
    /// The property `name`; null where it has no value.
    pub fn get(&self, name: &str) -> &Value {
        self.properties.get(name).unwrap_or(&Value::Null)
    }
}

impl From<&Account> for UserRecord {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id,
            properties: account.properties.clone(),
            deleted: account.deleted,
            privileged: account.privileged,
            roles: account.roles.clone(),
            manager: account.manager,
            licenses: account.licences.iter().map(LicenseSeed::from).collect(),
            photo: account.photo.as_ref().map(|photo| photo.digest()),
        }
    }
}

/// A user to put into the directory past all rules but uniqueness, as if an administrator or a sync had made or changed it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserSeed {
    /// The object's id; a new one if there is no user of that name.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Graph's properties, also read-only ones such as `onPremisesSyncEnabled`. They are laid over what is there;
    /// null clears. A new user needs `userPrincipalName`.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// Sets the password, and when it was changed last.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Whether it holds an administrator role that outranks the application.
    #[serde(default)]
    pub privileged: Option<bool>,
    /// Exactly these directory roles are held then, by their names; without a list nothing changes.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// Exactly these licences are held then, whatever seats are left; without a list nothing changes.
    #[serde(default)]
    pub licenses: Option<Vec<LicenseSeed>>,
    /// The photo, in base64; an empty text removes it.
    #[serde(default)]
    pub photo: Option<String>,
}

impl UserSeed {
    /// A plain enabled user of this name.
    pub fn new(user_principal_name: &str) -> Self {
        let local = user_principal_name.split('@').next().unwrap_or_default();
        let mut seed = Self::default();
        seed.set("userPrincipalName", json!(user_principal_name));
        seed.set("displayName", json!(local));
        seed.set("mailNickname", json!(local));
        seed.set("accountEnabled", json!(true));
        seed
    }

    /// Sets a property.
    pub fn set(&mut self, name: &str, value: Value) {
        self.properties.insert(name.to_owned(), value);
    }

    /// The seed with a property set.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.set(name, value);
        self
    }
}

impl Handle {
    /// Puts the tenant's own users and groups into a directory that holds nothing yet.
    pub(super) fn seed(&self, tenant: &TenantSeed) -> Result<(), Error> {
        if !self.0.latest().is_empty() {
            return Ok(());
        }
        for user in &tenant.users {
            self.put(user)?;
        }
        for group in &tenant.groups {
            self.add_group(group)?;
        }
        Ok(())
    }

    /// Every user, also the deleted ones, by id, but those that the tenant began with.
    pub fn users(&self) -> Vec<UserRecord> {
        let directory = self.0.latest();
        let now = self.0.clock.millis();
        let own = |id: Uuid| self.0.tenant.users.iter().any(|seed| seed.id == Some(id));
        let all = directory.users().chain(directory.deleted(now)).filter(|account| !own(account.id));
        let mut all: Vec<UserRecord> = all.map(|account| account.as_ref().into()).collect();
        all.sort_by_key(|user| user.id);
        all
    }

    /// The user with this id or user name; a deleted one by its id.
    pub fn user(&self, key: &str) -> Option<UserRecord> {
        self.account(key).map(|account| account.as_ref().into())
    }

    fn account(&self, key: &str) -> Option<Arc<Account>> {
        let directory = self.0.latest();
        let deleted = || directory.find_deleted(Uuid::parse_str(key).ok()?, self.0.clock.millis());
        directory.find(key).or_else(deleted).cloned()
    }

    /// Makes a user or changes one, past all rules but uniqueness.
    pub fn put(&self, seed: &UserSeed) -> Result<UserRecord, Error> {
        if let Some(unknown) = seed.properties.keys().find(|name| !Entity::User.exists(name)) {
            return Err(Error::Seed(format!("'{unknown}' is not a property of a user")));
        }
        let now = self.0.clock.millis();
        let mut directory = self.0.write();
        let name = seed.properties.get("userPrincipalName").and_then(Value::as_str);
        let key = seed.id.map(|id| id.to_string()).or(name.map(str::to_owned)).unwrap_or_default();
        let mut account = match directory.find(&key) {
            Some(current) => Account::clone(current),
            None if name.is_none() => {
                return Err(Error::Seed("a new user needs userPrincipalName".to_owned()));
            }
            None => fresh(seed.id.unwrap_or_else(|| self.0.clock.uuid()), now),
        };
        for (name, value) in &seed.properties {
            account.set(name, value.clone());
        }
        if let Some(password) = &seed.password {
            account.password = Some(Hash::of(password.expose_secret()));
            account.set("lastPasswordChangeDateTime", json!(account::seconds(now)));
        }
        account.privileged = seed.privileged.unwrap_or(account.privileged);
        if let Some(roles) = &seed.roles {
            account.roles.clone_from(roles);
        }
        if let Some(licences) = &seed.licenses {
            account.licences = licences
                .iter()
                .map(|licence| licence.kept(&self.0.tenant_now(), now))
                .collect::<Result<_, _>>()?;
        }
        if let Some(photo) = &seed.photo {
            account.photo = Photo::seeded(photo)?;
        }
        let kept = directory.commit(account).map_err(|refusal| Error::Seed(refusal.message))?;
        Ok(kept.as_ref().into())
    }

    /// Deletes a user softly, whatever its role or source. False if there is none.
    pub fn delete(&self, key: &str) -> bool {
        let now = self.0.clock.millis();
        let mut directory = self.0.write();
        let Some(current) = directory.find(key) else {
            return false;
        };
        let deleted = current.soft_deleted(now);
        directory.commit(deleted).is_ok()
    }

    /// Removes a user, deleted or not, for good. False if there is none.
    pub fn purge(&self, key: &str) -> bool {
        let Some(account) = self.account(key) else {
            return false;
        };
        self.0.write().forget(account.id).is_ok()
    }

    /// Whether this person signs in with this password: it is right and the account is enabled.
    pub fn signs_in(&self, key: &str, password: &str) -> bool {
        let directory = self.0.latest();
        directory.find(key).is_some_and(|account| {
            account.enabled() && account.password.as_ref().is_some_and(|hash| hash.is(password))
        })
    }

    /// How often each operation was called, e.g. `POST /users`; the token endpoint is `POST /oauth2/v2.0/token`.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.0.counts()
    }

    /// How often this operation was called.
    pub fn count(&self, operation: &str) -> u64 {
        self.counts().get(operation).copied().unwrap_or(0)
    }

    /// Counts from nothing again.
    pub fn clear_counts(&self) {
        self.0.clear_counts();
    }

    /// The last 4,096 exchanges, oldest first, without secrets, in the form of the recording.
    pub fn exchanges(&self) -> Vec<Arc<Value>> {
        self.0.recorder.exchanges()
    }

    /// Forgets the exchanges so far.
    pub fn clear_exchanges(&self) {
        self.0.recorder.clear();
    }

    /// Adds a fault rule behind the others and returns its number.
    pub fn add_fault(&self, rule: FaultRule) -> u64 {
        self.0.faults.add(rule)
    }

    /// Takes a fault rule out. False if there is none of that number.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.0.faults.remove(id)
    }

    /// The fault rules in force, with their numbers.
    pub fn faults(&self) -> Vec<(u64, FaultRule)> {
        self.0.faults.list()
    }

    /// Takes every fault rule out and lets the held requests go.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// Lets the requests go that are held now. A rule that holds stays in force for later ones.
    pub fn release(&self) {
        self.0.faults.release();
    }

    /// Waits until at least `count` requests are held.
    pub async fn held(&self, count: usize) {
        self.0.faults.wait_held(count).await;
    }
}

fn fresh(id: Uuid, now: i64) -> Account {
    let mut account = Account::new(id);
    account.set("createdDateTime", json!(account::seconds(now)));
    account.set("userType", json!("Member"));
    account
}
