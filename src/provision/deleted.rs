//! The names of the deleted accounts of each tenant, in memory, so that looking for one before each create costs no call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::graph::{AccountId, Call, DeletedUser, Error, Graph};
use crate::ids::ConnectionId;

/// Of a tenant that has more deleted accounts than this each name is looked up.
const MOST: usize = 50_000;

/// The deleted accounts of all tenants of one process. They are read when one is first asked for, and again with each
/// round over the tenant's changes; what Gangway itself deletes and restores is known at once.
#[derive(Debug, Default)]
pub struct Deleted(Lock<HashMap<ConnectionId, Arc<Tenant>>>);

/// One tenant.
#[derive(Debug, Default)]
struct Tenant {
    /// Held by the one who reads, so that many who ask at once read once.
    reading: Mutex<()>,
    known: Lock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: Names,
    /// What Gangway has deleted and restored since the last reading began.
    since: Vec<Own>,
}

#[derive(Clone, Debug)]
enum Own {
    Deleted(String, AccountId),
    Restored(AccountId),
}

/// What is known of one tenant.
#[derive(Debug, Default)]
enum Names {
    /// Nobody has asked yet.
    #[default]
    Unread,
    /// By the names that they had, in lower case.
    Read(HashMap<String, Account>),
    /// They could not be read, or there are too many: each name is looked up.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Account {
    id: AccountId,
    /// None: just now, by ourselves.
    deleted: Option<OffsetDateTime>,
}

impl Deleted {
    /// The account that was deleted last among those that had the user name `upn`, in whatever case. What others deleted
    /// since the last round is not known.
    pub async fn may_have(
        &self,
        connection: ConnectionId,
        upn: &str,
        graph: &Graph,
        call: &Call,
    ) -> Result<Option<AccountId>, Error> {
        let tenant = self.tenant(connection);
        if tenant.known().names.is_unread() {
            let _reading = tenant.reading.lock().await;
            if tenant.known().names.is_unread() {
                tenant.read(graph, call).await;
            }
        }
        if let Names::Read(names) = &tenant.known().names {
            return Ok(names.get(&upn.to_lowercase()).map(|account| account.id));
        }
        let found = graph.deleted_user_by_upn(call, upn).await?;
        Ok(found.value.map(|user| user.id))
    }

    /// Reads them again, if anybody has asked for one since the start. Who asks meanwhile is answered from what is known.
    pub async fn refresh(&self, connection: ConnectionId, graph: &Graph, call: Call) {
        let tenant = self.tenant(connection);
        if tenant.known().names.is_unread() {
            return;
        }
        let _reading = tenant.reading.lock().await;
        tenant.read(graph, &call).await;
    }

    /// Forgets what is known of a tenant where somebody was seen to have deleted an account: the next one who asks reads.
    pub fn forget(&self, connection: ConnectionId) {
        self.tenant(connection).known().names = Names::Unread;
    }

    /// Notes that Gangway has deleted an account.
    pub fn add(&self, connection: ConnectionId, upn: &str, id: AccountId) {
        self.tenant(connection).note(Own::Deleted(upn.to_lowercase(), id));
    }

    /// Notes that an account is not among the deleted any more: it was restored, or is gone for good.
    pub fn remove(&self, connection: ConnectionId, id: AccountId) {
        self.tenant(connection).note(Own::Restored(id));
    }

    fn tenant(&self, connection: ConnectionId) -> Arc<Tenant> {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tenants.entry(connection).or_default())
    }
}

impl Tenant {
    async fn read(&self, graph: &Graph, call: &Call) {
        self.known().since.clear();
        let read = graph.deleted_users(call).await;
        let mut known = self.known();
        match read {
            Ok(users) => known.names = Names::from(users.value),
            Err(error) => {
                tracing::warn!(%error, "the deleted accounts could not be read; each name is looked up until they can");
                known.names = Names::Unknown;
            }
        }
        // What was deleted while they were read may not have been among them.
        for own in std::mem::take(&mut known.since) {
            known.names.note(own);
        }
    }

    fn note(&self, own: Own) {
        let mut known = self.known();
        known.since.push(own.clone());
        let excess = known.since.len().saturating_sub(MOST);
        known.since.drain(..excess);
        known.names.note(own);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names {
    fn is_unread(&self) -> bool {
        matches!(self, Self::Unread)
    }

    fn note(&mut self, own: Own) {
        let Self::Read(names) = self else {
            return;
        };
        match own {
            Own::Deleted(upn, id) => drop(names.insert(upn, Account { id, deleted: None })),
            Own::Restored(id) => names.retain(|_, account| account.id != id),
        }
    }
}

impl From<Vec<DeletedUser>> for Names {
    fn from(users: Vec<DeletedUser>) -> Self {
        if users.len() > MOST {
            return Self::Unknown;
        }
        let mut names: HashMap<String, Account> = HashMap::with_capacity(users.len());
        for user in users {
            let account = Account { id: user.id, deleted: user.deleted };
            let last = names.entry(user.name).or_insert(account);
            if last.deleted < account.deleted {
                *last = account;
            }
        }
        Self::Read(names)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128, name: &str, deleted: i64) -> DeletedUser {
        let deleted = OffsetDateTime::from_unix_timestamp(deleted).ok();
        DeletedUser { id: Uuid::from_u128(number).into(), name: name.to_owned(), deleted }
    }

    fn id_of(names: &Names, name: &str) -> Option<AccountId> {
        let Names::Read(names) = names else { panic!("{names:?}") };
        names.get(name).map(|account| account.id)
    }

    #[test]
    fn of_several_of_one_name_the_last_deleted_counts() {
        let users = vec![user(1, "a@b.example", 5), user(2, "a@b.example", 9), user(3, "a@b.example", 7)];
        let names = Names::from(users);
        assert_eq!(id_of(&names, "a@b.example"), Some(Uuid::from_u128(2).into()));
        assert_eq!(id_of(&names, "c@b.example"), None);
    }

    #[test]
    fn too_many_are_not_kept() {
        let users = (0..=MOST).map(|number| user(number as u128, &number.to_string(), 1)).collect::<Vec<_>>();
        assert!(matches!(Names::from(users), Names::Unknown));
    }

    #[test]
    fn what_gangway_does_itself_is_known_at_once() {
        let deleted = Deleted::default();
        let connection = ConnectionId(Uuid::from_u128(1));
        let id: AccountId = Uuid::from_u128(2).into();
        deleted.add(connection, "A@b.example", id);
        assert!(deleted.tenant(connection).known().names.is_unread(), "read as a whole later");
        deleted.tenant(connection).known().names = Names::from(vec![]);
        deleted.add(connection, "A@b.example", id);
        assert_eq!(id_of(&deleted.tenant(connection).known().names, "a@b.example"), Some(id));
        deleted.remove(connection, id);
        assert_eq!(id_of(&deleted.tenant(connection).known().names, "a@b.example"), None);
    }
}
