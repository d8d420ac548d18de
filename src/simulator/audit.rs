//! The directory's audit log: what each write did, and `/auditLogs/directoryAudits`.

mod list;
mod record;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use uuid::Uuid;

use super::caller::Caller;
use super::message::{Body, Request, Response};
use super::refusal::Refusal;
use super::routes::Route;
use super::service::Service;
pub(super) use list::list;
use record::{Target, activities};

/// How many entries are kept; the oldest go first.
const KEPT: usize = 20_000;

/// An entry of the log.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its place in the log.
    number: u64,
    id: Uuid,
    /// As Graph shows it.
    shown: Value,
}

/// The log, oldest first.
#[derive(Debug, Default)]
pub(super) struct Audits(Mutex<(u64, VecDeque<Arc<Entry>>)>);

impl Audits {
    fn push(&self, id: Uuid, shown: Value) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.0 += 1;
        let number = log.0;
        if log.1.len() == KEPT {
            log.1.pop_front();
        }
        log.1.push_back(Arc::new(Entry { number, id, shown }));
    }

    /// The entries, newest first.
    fn newest_first(&self) -> Vec<Arc<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.iter().rev().cloned().collect()
    }

    /// The entries as Graph shows them, oldest first.
    pub(super) fn shown(&self) -> Vec<Value> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.1.iter().map(|entry| entry.shown.clone()).collect()
    }

    /// Forgets all entries.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clear();
    }
}

/// Carries an operation out with `act` and writes what it did, or that it was refused, into the log.
pub(super) fn watched(
    service: &Service,
    request: &Request,
    route: &Route,
    caller: &Caller,
    act: impl FnOnce() -> Result<Response, Refusal>,
) -> Result<Response, Refusal> {
    let Some(kind) = record::Kind::of(&request.method, route.template) else {
        return act();
    };
    let before = route.ids.first().and_then(|key| Target::find(service, kind, key));
    let answer = act();
    let failure = match &answer {
        Err(refusal) if !matches!(refusal.status, 400 | 403) => return answer,
        Err(refusal) => Some(refusal.message.clone()),
        Ok(_) => None,
    };
    let made = answer.as_ref().ok().and_then(created);
    let key = made.or_else(|| before.as_ref().map(|target| target.id().to_string()));
    let after = key.and_then(|key| Target::find(service, kind, &key));
    for activity in activities(service, request, route, kind, (before.as_ref(), after.as_ref())) {
        let id = service.clock.uuid();
        service.audits.push(id, activity.entry(service, request, caller, id, failure.as_deref()));
    }
    answer
}

/// The id of the object that was made.
fn created(response: &Response) -> Option<String> {
    match &response.body {
        Body::Json(body) if response.status == 201 => body.get("id")?.as_str().map(str::to_owned),
        _ => None,
    }
}
