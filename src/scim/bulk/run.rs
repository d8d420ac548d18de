//! The order of a bulk's operations.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::{BulkRequest, BulkResult, Failure, Made, Method, Operation, reference};
use crate::scim::error::{Error, excerpt};
use crate::scim::patch::PATCH_OP;
use crate::scim::schema::{GROUP, ResourceType};

/// One request to carry out. `Debug` is left out: the data may hold a password.
pub enum Step {
    /// An operation, with all references that are known filled in.
    Run {
        /// Its place in the bulk, for [`BulkRun::done`].
        index: usize,
        /// What to do.
        method: Method,
        /// At which endpoint.
        resource_type: &'static ResourceType,
        /// With which resource; `None` for POST.
        id: Option<String>,
        /// The version that the resource must have, as in `If-Match` (RFC 7644 §3.14).
        version: Option<String>,
        /// The body; `None` for DELETE.
        data: Option<Value>,
    },
    /// The references that an operation's POST could not say yet, as a PATCH of what it made.
    Link {
        /// The operation's place in the bulk, for [`BulkRun::done`].
        index: usize,
        /// At which endpoint.
        resource_type: &'static ResourceType,
        /// What the POST made.
        id: String,
        /// The PATCH's body.
        patch: Value,
    },
}

/// A bulk being carried out, one step at a time: each [`next_step`](Self::next_step) is answered by a [`done`](Self::done).
///
/// Operations go in the order of the request, but for those that refer to what a later one makes: they wait for it.
/// Where operations wait for one another in a circle, the first POST among them is made without what it cannot say yet, and a
/// [`Step::Link`] adds it as soon as it is known (RFC 7644 §3.7.1). Whoever refers to what failed, fails with 409; who
/// refers to a `bulkId` that no operation has, with 400. After as many errors as `failOnErrors` says, there is no next.
pub struct BulkRun {
    slots: Vec<Slot>,
    by_bulk_id: HashMap<String, usize>,
    base_url: String,
    fail_on_errors: usize,
    errors: usize,
    /// Operations that wait for nothing more; some of them only to fail.
    ready: BTreeSet<usize>,
    /// Operations that wait for another: the POSTs, and the rest.
    waiting_posts: BTreeSet<usize>,
    waiting_others: BTreeSet<usize>,
    /// Operations whose held-back references are all known now.
    links: BTreeSet<usize>,
}

/// An operation and how far it is.
struct Slot {
    operation: Operation,
    /// The operations that refer to this one.
    dependents: Vec<usize>,
    /// How many of those that this one refers to are not done.
    open: usize,
    /// Why it must not be tried.
    fault: Option<Failure>,
    /// What was kept back from its POST.
    held: Option<Value>,
    made: Option<Made>,
    result: Option<BulkResult>,
}

impl BulkRun {
    /// A run that has not begun.
    pub fn new(request: BulkRequest) -> Self {
        let mut by_bulk_id = HashMap::with_capacity(request.operations.len());
        for (index, operation) in request.operations.iter().enumerate() {
            if let Some(id) = &operation.bulk_id {
                by_bulk_id.insert(id.clone(), index);
            }
        }
        let mut run = Self {
            slots: request.operations.into_iter().map(Slot::new).collect(),
            by_bulk_id,
            base_url: request.base_url,
            fail_on_errors: request.fail_on_errors.unwrap_or(usize::MAX),
            errors: 0,
            ready: BTreeSet::new(),
            waiting_posts: BTreeSet::new(),
            waiting_others: BTreeSet::new(),
            links: BTreeSet::new(),
        };
        for index in 0..run.slots.len() {
            run.enter(index);
        }
        run
    }

    /// What to do next; `None` at the end.
    pub fn next_step(&mut self) -> Option<Step> {
        while self.errors < self.fail_on_errors {
            if let Some(index) = self.links.pop_first() {
                if let Some(step) = self.link(index) {
                    return Some(step);
                }
            } else if let Some(index) = self.ready.pop_first() {
                match self.slots[index].fault.take() {
                    Some(fault) => self.fail(index, fault),
                    None => return self.run(index),
                }
            } else if let Some(index) = self.waiting_posts.pop_first() {
                self.hold_back(index);
                self.ready.insert(index);
            } else if let Some(index) = self.waiting_others.pop_first() {
                self.slots[index].fault =
                    Some(Failure::conflict("The operation refers to one that waits for it; send it later."));
                self.ready.insert(index);
            } else {
                return None;
            }
        }
        None
    }

    /// Reports what became of the step of this operation.
    pub fn done(&mut self, index: usize, outcome: Result<Made, Failure>) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let made = match outcome {
            Ok(made) => made,
            Err(failure) => return self.fail(index, failure),
        };
        if let Some(first) = &mut slot.made {
            // The link is part of the POST, whose status it keeps.
            first.version = made.version;
        } else {
            slot.made = Some(made);
            self.tell_dependents(index, None);
        }
    }

    /// What became of each operation that was tried, in the order of the request.
    pub fn into_results(mut self) -> Vec<BulkResult> {
        let unlinked: Vec<usize> =
            (0..self.slots.len()).filter(|index| self.slots[*index].held.is_some()).collect();
        for index in unlinked {
            if self.slots[index].made.is_some() {
                let detail =
                    "The resource was made without its references: the bulk ended before they were known.";
                self.fail(index, Failure::conflict(detail));
            }
        }
        let Self { slots, base_url, .. } = self;
        slots.into_iter().filter_map(|slot| slot.into_result(&base_url)).collect()
    }

    /// Notes what the operation refers to, and where it stands therefore.
    fn enter(&mut self, index: usize) {
        let mut depends = BTreeSet::new();
        let mut unknown = None;
        if let Ok(action) = &self.slots[index].operation.action {
            let mut visit = |id: &str| match self.by_bulk_id.get(id) {
                Some(at) => {
                    depends.insert(*at);
                }
                None => unknown = Some(id.to_owned()),
            };
            if let Some((_, id)) = action.id.as_deref().and_then(reference::of) {
                visit(id);
            }
            if let Some(data) = &action.data {
                reference::each(data, &mut visit);
            }
        }
        let is_group = self.slots[index]
            .operation
            .action
            .as_ref()
            .is_ok_and(|action| action.resource_type.name == GROUP.name);
        if is_group && depends.contains(&index) {
            let detail = "A group cannot be a member of itself; take its own bulkId out of members.";
            self.slots[index].fault = Some(Error::value(detail).into());
            depends.clear();
        }
        if let Some(id) = unknown {
            let detail =
                format!("No operation of the bulk has the bulkId {}; send one that has.", excerpt(&id));
            self.slots[index].fault = Some(Error::value(detail).into());
            depends.clear();
        }
        self.slots[index].open = depends.len();
        for at in &depends {
            self.slots[*at].dependents.push(index);
        }
        self.place(index);
    }

    fn place(&mut self, index: usize) {
        let slot = &self.slots[index];
        let is_post = matches!(&slot.operation.action, Ok(action) if action.method == Method::Post);
        let set = match (slot.open, is_post) {
            (0, _) => &mut self.ready,
            (_, true) => &mut self.waiting_posts,
            (_, false) => &mut self.waiting_others,
        };
        set.insert(index);
    }

    fn run(&mut self, index: usize) -> Option<Step> {
        let action = self.slots[index].operation.action.as_mut().ok()?;
        let (method, resource_type) = (action.method, action.resource_type);
        let version = action.version.take();
        let (mut id, mut data) = (action.id.clone().map(Value::String), action.data.take());
        for value in id.iter_mut().chain(&mut data) {
            reference::fill(value, &|bulk_id| self.id_of(bulk_id));
        }
        let id = match id {
            Some(Value::String(id)) => Some(id),
            _ => None,
        };
        if let (Ok(action), Some(id)) = (&mut self.slots[index].operation.action, &id) {
            action.id = Some(id.clone());
        }
        Some(Step::Run { index, method, resource_type, id, version, data })
    }

    fn link(&mut self, index: usize) -> Option<Step> {
        let mut value = self.slots[index].held.take()?;
        reference::fill(&mut value, &|bulk_id| self.id_of(bulk_id));
        let slot = &self.slots[index];
        let resource_type = slot.operation.action.as_ref().ok()?.resource_type;
        let id = slot.made.as_ref()?.id.clone();
        let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "value": value}]});
        Some(Step::Link { index, resource_type, id, patch })
    }

    /// Keeps back from a POST what refers to operations that are not done.
    fn hold_back(&mut self, index: usize) {
        let Ok(action) = &mut self.slots[index].operation.action else {
            return;
        };
        let mut data = action.data.take();
        if let Some(Value::Object(body)) = &mut data {
            let held = reference::hold_back(body, &|bulk_id| self.id_of(bulk_id).is_none());
            self.slots[index].held = Some(Value::Object(held));
        } else {
            // A list, which is no resource: the POST itself will say so.
            self.slots[index].open = 0;
        }
        if let Ok(action) = &mut self.slots[index].operation.action {
            action.data = data;
        }
    }

    fn id_of(&self, bulk_id: &str) -> Option<&str> {
        let slot = &self.slots[*self.by_bulk_id.get(bulk_id)?];
        slot.made.as_ref().map(|made| made.id.as_str())
    }

    /// Ends an operation with an error. One that was made already stays made: only its references are missing.
    fn fail(&mut self, index: usize, failure: Failure) {
        self.errors += 1;
        let slot = &mut self.slots[index];
        slot.held = None;
        let was_made = slot.made.is_some();
        slot.result = Some(slot.failed(failure, &self.base_url));
        if !was_made {
            let named = slot.operation.bulk_id.as_deref().map(excerpt).unwrap_or_default();
            let detail =
                format!("The operation with the bulkId {named}, which this one refers to, has failed.");
            self.tell_dependents(index, Some(&Failure::conflict(&detail)));
        }
    }

    /// One reference less to wait for; `fault` says that it will never be known.
    fn tell_dependents(&mut self, index: usize, fault: Option<&Failure>) {
        for at in std::mem::take(&mut self.slots[index].dependents) {
            self.slots[at].open = self.slots[at].open.saturating_sub(1);
            if self.slots[at].result.is_some() {
                continue;
            }
            match fault {
                Some(fault) => self.forlorn(at, fault),
                None => self.nearer(at),
            }
        }
    }

    /// A reference of the operation is known.
    fn nearer(&mut self, index: usize) {
        let slot = &self.slots[index];
        if slot.open > 0 {
            return;
        }
        if slot.made.is_some() && slot.held.is_some() {
            self.links.insert(index);
        } else if self.waiting_posts.remove(&index) || self.waiting_others.remove(&index) {
            self.ready.insert(index);
        }
    }

    /// A reference of the operation will never be known.
    fn forlorn(&mut self, index: usize, fault: &Failure) {
        let slot = &mut self.slots[index];
        match (slot.made.is_some(), slot.held.is_some()) {
            (true, true) => self.fail(index, fault.clone()),
            (false, false) => {
                slot.fault = Some(fault.clone());
                self.waiting_posts.remove(&index);
                self.waiting_others.remove(&index);
                self.ready.insert(index);
            }
            (true, false) | (false, true) => {}
        }
    }
}

impl Slot {
    fn new(operation: Operation) -> Self {
        let fault = operation.action.as_ref().err().cloned().map(Failure::from);
        Self { operation, dependents: Vec::new(), open: 0, fault, held: None, made: None, result: None }
    }

    /// The URL of the resource, as far as there is one.
    fn location(&self, base_url: &str) -> Option<String> {
        let action = self.operation.action.as_ref().ok()?;
        let id = match &self.made {
            Some(made) => made.id.as_str(),
            None => action.id.as_deref().filter(|id| reference::of(id).is_none())?,
        };
        Some(format!("{base_url}{}/{id}", action.resource_type.endpoint))
    }

    fn failed(&self, failure: Failure, base_url: &str) -> BulkResult {
        BulkResult {
            method: self.operation.method.clone(),
            bulk_id: self.operation.bulk_id.clone(),
            location: self.location(base_url),
            version: None,
            status: failure.status,
            response: Some(failure.response),
        }
    }

    fn into_result(mut self, base_url: &str) -> Option<BulkResult> {
        if let Some(result) = self.result {
            return Some(result);
        }
        let location = self.location(base_url);
        let made = self.made.take()?;
        Some(BulkResult {
            method: self.operation.method,
            bulk_id: self.operation.bulk_id,
            location,
            version: made.version,
            status: made.status,
            response: None,
        })
    }
}
