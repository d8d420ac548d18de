//! Eventual consistency: writes act at once, and reads see the directory as it was a while ago. What an
//! advanced query looks at, an index, lags twice as far behind.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;
use uuid::Uuid;

use super::directory::{Directory, Entry};
use super::message::Request;
use super::refusal::Refusal;
use super::routes::Route;
use super::service::Service;

/// The copies that reads are answered from.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    /// How far reads lag behind, in milliseconds; zero: they see the directory itself.
    delay: AtomicI64,
    near: Replica,
    index: Replica,
}

#[derive(Debug, Default)]
struct Replica {
    directory: RwLock<Directory>,
    /// The changes that it has not seen yet, each with the time from which it does.
    waiting: Mutex<VecDeque<(i64, Entry)>>,
}

impl Replica {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<(i64, Entry)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, directory: Directory) {
        let mut waiting = self.waiting();
        waiting.clear();
        *self.directory.write().unwrap_or_else(PoisonError::into_inner) = directory;
    }

    fn catch_up(&self, now: i64) {
        let mut waiting = self.waiting();
        let due = waiting.iter().take_while(|(at, _)| *at <= now).count();
        if due == 0 {
            return;
        }
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        for (_, entry) in waiting.drain(..due) {
            directory.apply(entry);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replicas {
    fn delay(&self) -> i64 {
        self.delay.load(Ordering::SeqCst)
    }

    fn push(&self, news: Vec<Entry>, now: i64) {
        let delay = self.delay();
        self.near.waiting().extend(news.iter().cloned().map(|entry| (now + delay, entry)));
        self.index.waiting().extend(news.into_iter().map(|entry| (now + 2 * delay, entry)));
    }
}

/// The directory, to change. What is changed goes on its way to the replicas when this ends.
pub(super) struct Writing<'a> {
    directory: RwLockWriteGuard<'a, Directory>,
    service: &'a Service,
}

impl Deref for Writing<'_> {
    type Target = Directory;

    fn deref(&self) -> &Directory {
        &self.directory
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Directory {
        &mut self.directory
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let news = self.directory.news();
        if !news.is_empty() {
            self.service.replicas.push(news, self.service.clock.millis());
        }
    }
}

impl Service {
    /// The directory as it is.
    pub(super) fn latest(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory as reads see it.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        if self.replicas.delay() == 0 { self.latest() } else { self.replicas.near.read() }
    }

    /// The directory as this list sees it: an advanced query looks at the index.
    pub(super) fn read_for(&self, request: &Request) -> RwLockReadGuard<'_, Directory> {
        let counts = request.path.ends_with("/$count")
            || request
                .options()
                .iter()
                .any(|(name, value)| name == "$search" || (name == "$count" && value == "true"));
        let advanced = request.eventual() && counts;
        if self.replicas.delay() > 0 && advanced { self.replicas.index.read() } else { self.read() }
    }

    /// The directory, to change.
    pub(super) fn write(&self) -> Writing<'_> {
        let directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        Writing { directory, service: self }
    }

    /// Lets reads lag so many milliseconds behind from now on.
    pub(super) fn set_replication(&self, delay: i64) {
        let mut primary = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        if delay > 0 {
            primary.follow();
            self.replicas.near.begin(primary.copy());
            self.replicas.index.begin(primary.copy());
        } else {
            primary.unfollow();
        }
        self.replicas.delay.store(delay, Ordering::SeqCst);
    }

    /// How many milliseconds reads lag behind.
    pub(super) fn replication(&self) -> i64 {
        self.replicas.delay()
    }

    /// Brings the replicas to where they are to be now. To be called while nobody on this thread reads one.
    pub(super) fn replicate(&self) {
        if self.replicas.delay() > 0 {
            let now = self.clock.millis();
            self.replicas.near.catch_up(now);
            self.replicas.index.catch_up(now);
        }
    }

    /// Whether a write refers to something that is there, but too new to be seen everywhere.
    pub(super) fn check_seen(&self, request: &Request, route: &Route) -> Result<(), Refusal> {
        if self.replicas.delay() == 0 || request.method == "GET" {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let referred = references(&body);
        let target = route.id();
        match route.template {
            "/groups/{id}" | "/groups/{id}/members/$ref" if !referred.is_empty() => {
                let fresh = target.into_iter().chain(referred).any(|id| self.is_fresh(id));
                if fresh { Err(Refusal::unseen_reference()) } else { Ok(()) }
            }
            "/users/{id}/manager/$ref" => {
                match referred.into_iter().chain(target).find(|&id| self.is_fresh(id)) {
                    Some(id) => Err(Refusal::not_found(&id.to_string())),
                    None => Ok(()),
                }
            }
            "/users/{id}/assignLicense" => match target {
                Some(id) if self.is_fresh(id) => Err(Refusal::not_found(&id.to_string())),
                Some(id) if self.moved_in_just_now(id) => Err(Refusal::usage_location()),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Whether the object is there and not seen by reads yet.
    fn is_fresh(&self, id: Uuid) -> bool {
        let there = |directory: &Directory| {
            let key = id.to_string();
            directory.find(&key).is_some() || directory.group(&key).is_ok()
        };
        there(&self.latest()) && !there(&self.read())
    }

    /// Whether the user has a usage location, which reads do not see yet.
    fn moved_in_just_now(&self, id: Uuid) -> bool {
        let located = |directory: &Directory| {
            directory.find(&id.to_string()).is_some_and(|account| account.text("usageLocation").is_some())
        };
        located(&self.latest()) && !located(&self.read())
    }
}

/// The ids at the end of the references in a body.
fn references(body: &Value) -> Vec<Uuid> {
    let many = body["members@odata.bind"].as_array().into_iter().flatten();
    let all = many.chain(body.get("@odata.id")).filter_map(Value::as_str);
    all.filter_map(|address| Uuid::parse_str(address.rsplit('/').next()?).ok()).collect()
}
