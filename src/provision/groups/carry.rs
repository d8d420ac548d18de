//! Carrying one group out: read what differs, plan, make the first call, plan again, until nothing is left of what was
//! read or Microsoft objects.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::given::GivenGroup;
use super::mapping;
use super::members::object_of;
use super::plan::{Differing, Step, WantedGroup, plan};
use crate::clock::Clock;
use crate::directory::caller::Origin;
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::graph::{self, Call, Disposition, Graph, GroupId, GroupPatch, GroupProperty, Reply};
use crate::insights::{Change, EventType, Outcome};
use crate::provision::describe::{Report, Trace};
use crate::provision::drift::memory::is_known_lost;
use crate::provision::end::{self, End, Later, REPLICATION, REPLICATION_TRIES};
use crate::scim::Resource;
use crate::store::connections::Connection;
use crate::store::group_bindings::GroupBinding;
use crate::store::groups::Group;
use crate::store::memberships::{MemberKind, Pending};
use crate::store::{self, Store};

/// Calls of one run: a guard against a plan that does not come to rest.
const MOST_STEPS: usize = 1_000;

/// One group's work in one connection, while it is carried out.
pub(in crate::provision) struct Run<'a> {
    pub(in crate::provision) store: &'a Store,
    pub(in crate::provision) clock: &'a Clock,
    pub(in crate::provision) graph: Graph,
    pub(in crate::provision) connection: Connection,
    pub(in crate::provision) binding: GroupBinding,
    pub(in crate::provision) group: Group,
    pub(in crate::provision) done: Work,
    /// What was read of the members that differ, without what is done.
    pub(in crate::provision) removals: Vec<Pending>,
    pub(in crate::provision) additions: Vec<Pending>,
}

/// What a run has done so far.
pub(in crate::provision) struct Work {
    pub(super) given: GivenGroup,
    pub(super) object: Option<GroupId>,
    /// Those who were put in, with the object ids under which that was.
    pub(super) added: Vec<(Uuid, MemberKind, String)>,
    /// Those who were taken out, or never were in.
    pub(super) removed: Vec<Uuid>,
    /// Graph does not have the group any more, nor its members.
    pub(super) lost: bool,
    pub(super) reports: Vec<Report>,
    /// What of the wanted state is not in Microsoft 365, though nothing is left to do.
    pub(super) left_out: Vec<String>,
    /// Whether the group was made or taken over in this run.
    created: bool,
    /// What the event will tell, from and to.
    changes: BTreeMap<GroupProperty, (Value, Value)>,
    pub(super) put_in: Vec<Uuid>,
    pub(super) taken_out: Vec<Uuid>,
    trace: Trace,
}

/// What a run leaves to be written.
pub(in crate::provision) struct Finished {
    /// The binding as it was when the run began.
    pub(super) began: GroupBinding,
    /// The group as it was when the run began.
    pub(super) group: Group,
    pub(super) origin: Origin,
    pub(super) connection_name: String,
    pub(super) work: Work,
    pub(super) end: End,
}

/// Why a step was not made.
pub(super) enum Fault {
    Graph(graph::Error),
    /// We refuse ourselves, before Graph does.
    Refused(Refusal),
    /// Something else must happen first.
    Later(Later),
}

impl From<graph::Error> for Fault {
    fn from(error: graph::Error) -> Self {
        Self::Graph(error)
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::Later(Later::soon(error.to_string()))
    }
}

impl Work {
    pub(in crate::provision) fn new(given: GivenGroup, object: Option<GroupId>) -> Self {
        Self {
            given,
            object,
            added: Vec::new(),
            removed: Vec::new(),
            lost: false,
            reports: Vec::new(),
            left_out: Vec::new(),
            created: false,
            changes: BTreeMap::new(),
            put_in: Vec::new(),
            taken_out: Vec::new(),
            trace: Trace::default(),
        }
    }
}

impl Run<'_> {
    pub(in crate::provision) async fn carry_out(&mut self) -> End {
        let more = match self.read_members().await {
            Ok(more) => more,
            Err(error) => return Later::soon(error.to_string()).into(),
        };
        let end = self.steps().await;
        self.tell_what_was_done(end.is_none() && !more);
        match end {
            Some(end) => end,
            None if self.done.lost => End::More,
            None if more && self.has_done_nothing() => Later::soon(self.done.left_out.join(" ")).into(),
            None if more => End::More,
            None => match self.conclude().await {
                Ok(()) => End::Done,
                Err(error) => Later::soon(error.to_string()).into(),
            },
        }
    }

    /// A full page of members of whom none could be put in or taken out: the next run would read the same page.
    fn has_done_nothing(&self) -> bool {
        self.done.added.is_empty() && self.done.removed.is_empty()
    }

    /// None: nothing is left of what was read.
    async fn steps(&mut self) -> Option<End> {
        for _ in 0..MOST_STEPS {
            let step = plan(&self.wanted(), &self.done.given, self.done.object.is_some(), &self.differing())
                .into_iter()
                .next()?;
            let made = self.make(&step).await;
            if made.is_ok() && step == Step::Bind && self.done.given.adopted {
                // Nothing is changed in it before it is on record as this group's and no other's.
                return Some(End::More);
            }
            if let Err(fault) = made {
                if let Some(end) = self.judge(&step, fault).await {
                    return Some(end);
                }
                if self.done.lost {
                    return None;
                }
            }
        }
        Some(End::More)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.group.deleted_at.is_some()
    }

    pub(super) fn resource(&self) -> Resource {
        Resource::from(self.group.resource.clone())
    }

    fn wanted(&self) -> WantedGroup {
        if self.is_gone() {
            return WantedGroup::Gone;
        }
        WantedGroup::Present(mapping::properties(&self.resource()).properties)
    }

    fn differing(&self) -> Differing {
        let ids = |pending: &[Pending]| pending.iter().filter_map(object_of).collect();
        Differing { removals: ids(&self.removals), additions: ids(&self.additions) }
    }

    async fn make(&mut self, step: &Step) -> Result<(), Fault> {
        match step {
            Step::Bind => self.bind().await,
            Step::Find => self.find().await,
            Step::Remove(member) => self.remove(*member).await,
            Step::Update(properties) => self.update(properties).await,
            Step::Add(members) => self.add(members).await,
            Step::Delete => self.delete().await,
        }
    }

    async fn update(&mut self, properties: &BTreeMap<GroupProperty, Value>) -> Result<(), Fault> {
        check(properties)?;
        self.check_kind().await?;
        let patch = properties
            .iter()
            .fold(GroupPatch::new(), |patch, (property, value)| patch.with(*property, value.clone()));
        let reply = self.graph.update_group(&self.call(), &self.object()?, &patch).await?;
        self.note(&reply);
        for (property, to) in properties {
            let from = self.done.given.properties.insert(*property, to.clone()).unwrap_or_default();
            self.done.changes.insert(*property, (from, to.clone()));
        }
        Ok(())
    }

    /// Graph renames and deletes also a group that has become dynamic meanwhile: that it must not be touched has to be
    /// found out before. (Changes of its members Graph refuses itself.)
    async fn check_kind(&self) -> Result<(), Fault> {
        let group = self.graph.group(&self.call(), &self.object()?).await?.value;
        match group.refusal() {
            None => Ok(()),
            Some(sentence) => {
                Err(Fault::Refused(Refusal { kind: RefusalKind::Forbidden, sentence, code: None }))
            }
        }
    }

    async fn delete(&mut self) -> Result<(), Fault> {
        match self.check_kind().await {
            // What is gone already need not be deleted.
            Err(Fault::Graph(graph::Error::NotFound(_))) if !self.is_new_in_graph() => {}
            checked => checked?,
        }
        match self.graph.delete_group(&self.call(), &self.object()?).await {
            Ok(reply) => self.note(&reply),
            Err(graph::Error::NotFound(_)) if !self.is_new_in_graph() => {}
            Err(error) => return Err(error.into()),
        }
        self.done.object = None;
        self.done.given = std::mem::take(&mut self.done.given).lost();
        Ok(())
    }

    pub(super) fn have_bound(&mut self, id: GroupId, given: GivenGroup) {
        self.done.object = Some(id);
        let given = GivenGroup { tried: false, ..given };
        self.done.created = true;
        for (property, value) in &given.properties {
            self.done.changes.insert(*property, (Value::Null, value.clone()));
        }
        self.done.given = given;
    }

    /// What a fault means. None: the plan goes on with what is known now.
    async fn judge(&mut self, step: &Step, fault: Fault) -> Option<End> {
        match fault {
            Fault::Later(later) => Some(later.into()),
            Fault::Refused(refusal) => {
                self.report_failure(self.event_type(step), &refusal.sentence, Trace::default());
                Some(End::Refused(refusal))
            }
            Fault::Graph(graph::Error::NotFound(_)) if self.done.object.is_some() => self.judge_missing(),
            Fault::Graph(error) => {
                if *step == Step::Bind && error.disposition() == Disposition::Ambiguous {
                    self.done.given.tried = true;
                }
                let mut end = end::of_error(&error);
                if let End::Refused(refusal) = &mut end {
                    if let Some(why) = self.why_not().await {
                        refusal.sentence = why;
                        refusal.kind = RefusalKind::Forbidden;
                    }
                    let sentence = refusal.sentence.clone();
                    self.report_failure(self.event_type(step), &sentence, Trace::of_error(&error));
                }
                Some(end)
            }
        }
    }

    /// Of a group that has become one that Gangway must not touch Graph says little; its kind says why.
    async fn why_not(&self) -> Option<String> {
        let id = self.done.object?;
        self.graph.group(&self.call(), &id).await.ok()?.value.refusal()
    }

    /// Graph does not know the group: not yet, or no longer.
    fn judge_missing(&mut self) -> Option<End> {
        if self.is_new_in_graph() {
            let sentence = "Microsoft 365 does not show the new group everywhere yet; it is tried again";
            return Some(Later::soon(sentence).into());
        }
        if self.is_gone() {
            self.done.object = None;
        } else {
            tracing::warn!(group = %self.group.id, "a group was deleted in Microsoft 365; it is made again");
            self.done.object = None;
            self.done.lost = true;
        }
        self.done.given = std::mem::take(&mut self.done.given).lost();
        None
    }

    pub(super) fn is_new_in_graph(&self) -> bool {
        let object = self.done.object.map(|object| object.to_string()).unwrap_or_default();
        if is_known_lost(self.binding.drift.as_ref(), &object) {
            return false;
        }
        let given_at = self.binding.given_at.unwrap_or_else(|| self.clock.millis());
        self.clock.millis() - given_at < REPLICATION && self.binding.attempts < REPLICATION_TRIES
    }

    /// What stays out of Microsoft 365 when nothing more can be done is told.
    async fn conclude(&mut self) -> Result<(), store::Error> {
        if self.is_gone() {
            return Ok(());
        }
        if let Some(invalid) = mapping::properties(&self.resource()).left_out {
            self.done.left_out.push(invalid.to_string());
        }
        self.count_waiting().await?;
        Ok(())
    }

    fn event_type(&self, step: &Step) -> EventType {
        match step {
            Step::Bind => EventType::GroupCreateProvision,
            Step::Delete | Step::Find => EventType::GroupDeleteProvision,
            _ if self.is_gone() => EventType::GroupDeleteProvision,
            Step::Remove(_) | Step::Update(_) | Step::Add(_) => EventType::GroupUpdateProvision,
        }
    }

    /// One event for all that a run has done.
    fn tell_what_was_done(&mut self, is_ended: bool) {
        let had_object = self.binding.object_id.is_some() || self.done.created;
        let event_type = if self.is_gone() {
            if !is_ended || !had_object {
                return;
            }
            EventType::GroupDeleteProvision
        } else if self.done.created {
            EventType::GroupCreateProvision
        } else {
            EventType::GroupUpdateProvision
        };
        let changes = self.changes();
        if changes.is_empty() && event_type == EventType::GroupUpdateProvision {
            return;
        }
        let trace = self.done.trace.clone();
        // In front of a failure that came after it: people read from the top.
        self.done.reports.insert(0, Report { event_type, outcome: Outcome::Success, changes, trace });
    }

    fn changes(&mut self) -> Vec<Change> {
        let properties = std::mem::take(&mut self.done.changes).into_iter();
        let mut changes: Vec<Change> = properties
            .filter(|(_, (from, to))| from != to)
            .filter_map(|(property, (from, to))| Change::new(property.name(), from, to))
            .collect();
        let (out, put) = (std::mem::take(&mut self.done.taken_out), std::mem::take(&mut self.done.put_in));
        if !out.is_empty() || !put.is_empty() {
            changes.extend(Change::new("members", json!(out), json!(put)));
        }
        changes
    }

    fn report_failure(&mut self, event_type: EventType, sentence: &str, trace: Trace) {
        let outcome = Outcome::Failure { reason: sentence.to_owned() };
        self.done.reports.push(Report { event_type, outcome, changes: Vec::new(), trace });
    }

    pub(super) fn note<T>(&mut self, reply: &Reply<T>) {
        self.done.trace = Trace::of_reply(reply);
    }

    pub(super) fn call(&self) -> Call {
        Call::new(self.clock).with_priority(end::priority(self.binding.lane))
    }

    pub(super) fn object(&self) -> Result<GroupId, Fault> {
        self.done.object.ok_or_else(|| Fault::Later(Later::soon("the group is not known yet")))
    }

    /// What is left to be written down.
    pub(in crate::provision) fn finished(self, origin: Origin, end: End) -> Finished {
        Finished {
            began: self.binding,
            group: self.group,
            origin,
            connection_name: self.connection.name,
            work: self.done,
            end,
        }
    }
}

impl Finished {
    /// A run that could not begin.
    pub(in crate::provision) fn put_off(
        began: GroupBinding,
        group: Group,
        origin: Origin,
        given: GivenGroup,
        later: Later,
    ) -> Self {
        let object = began.object_id.as_deref().and_then(|id| id.parse().ok());
        let work = Work::new(given, object);
        Self { began, group, origin, connection_name: String::new(), work, end: End::Later(later) }
    }
}

/// What Microsoft documents as impossible is not even asked for.
pub(super) fn check(properties: &BTreeMap<GroupProperty, Value>) -> Result<(), Fault> {
    for (property, value) in properties {
        property.check(value).map_err(|invalid| {
            let sentence = format!("Microsoft 365 cannot take this value: {invalid}");
            Fault::Refused(Refusal { kind: RefusalKind::InvalidValue, sentence, code: None })
        })?;
    }
    Ok(())
}
