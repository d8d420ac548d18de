//! The members of a group under work: those that differ are read, put in and taken out.

use super::carry::{Fault, Run};
use crate::graph::{self, Disposition, ObjectId};
use crate::ids::{GroupId, UserId};
use crate::provision::end::{Later, REPLICATION, REPLICATION_TRIES};
use crate::store::memberships::{self, MemberKind, Pending};
use crate::store::{self, bindings, groups};

/// Members that one run takes out, and puts in: enough to be quick, few enough that a crash repeats little and that
/// what is more urgent gets its turn.
const MOST_REMOVALS: u64 = 100;
const MOST_ADDITIONS: u64 = 400;

/// Members who wait for their accounts are counted up to here.
const MOST_COUNTED: u64 = 1_000;

impl Run<'_> {
    /// Reads what differs; whether there may be more.
    pub(super) async fn read_members(&mut self) -> Result<bool, store::Error> {
        let (group, connection) = (self.group.id, self.binding.connection);
        self.removals = match (self.is_gone(), self.done.given.adopted) {
            (false, _) => memberships::pending_removals(self.store, group, connection, MOST_REMOVALS).await?,
            (true, true) => memberships::given_to(self.store, group, MOST_REMOVALS).await?,
            // The group goes as a whole.
            (true, false) => Vec::new(),
        };
        let mut more = self.removals.len() as u64 == MOST_REMOVALS;
        // Whoever is to go under one id and to come under another comes when all who go are gone.
        if !self.is_gone() && !more {
            self.additions =
                memberships::pending_additions(self.store, group, connection, MOST_ADDITIONS).await?;
            more |= self.additions.len() as u64 == MOST_ADDITIONS;
        }
        let (out, none): (Vec<Pending>, Vec<Pending>) =
            std::mem::take(&mut self.removals).into_iter().partition(|pending| object_of(pending).is_some());
        self.removals = out;
        self.done.removed.extend(none.into_iter().map(|pending| pending.member));
        Ok(more)
    }

    pub(super) async fn remove(&mut self, member: ObjectId) -> Result<(), Fault> {
        match self.graph.remove_member(&self.call(), &self.object()?, member).await {
            Ok(reply) => self.note(&reply),
            // Gone is what was wanted, by whomever: if it is not the whole group that is gone, or not to be seen yet.
            Err(error) if error.is_not_a_member() => {
                if matches!(error, graph::Error::NotFound(_)) && error.missing() != Some(member) {
                    self.graph.group(&self.call(), &self.object()?).await?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        let out = take(&mut self.removals, &[member]);
        self.done.taken_out.extend(out.iter().map(|pending| pending.member));
        self.done.removed.extend(out.iter().map(|pending| pending.member));
        Ok(())
    }

    /// All at once; where Graph refuses the lot, one by one: it does so when a single one is there already.
    pub(super) async fn add(&mut self, members: &[ObjectId]) -> Result<(), Fault> {
        match self.graph.add_members(&self.call(), &self.object()?, members).await {
            Ok(reply) => {
                self.note(&reply);
                self.have_added(members);
                return Ok(());
            }
            Err(error) if error.disposition() == Disposition::Refused => {}
            Err(error) => return Err(error.into()),
        }
        for member in members {
            self.add_one(*member).await?;
        }
        Ok(())
    }

    async fn add_one(&mut self, member: ObjectId) -> Result<(), Fault> {
        let error = match self.graph.add_member(&self.call(), &self.object()?, member).await {
            Ok(reply) => {
                self.note(&reply);
                self.have_added(&[member]);
                return Ok(());
            }
            Err(error) => error,
        };
        if error.is_already_there() {
            self.have_added(&[member]);
            return Ok(());
        }
        if !matches!(error, graph::Error::NotFound(_)) || self.is_new_in_graph() {
            return Err(error.into());
        }
        // The group, or the member? Only a member that is missing leaves the group as it is.
        self.graph.group(&self.call(), &self.object()?).await?;
        if self.is_fresh(member).await? {
            let sentence =
                "Microsoft 365 does not show the account of a new member everywhere yet; it is tried again";
            return Err(Fault::Later(Later::soon(sentence)));
        }
        let missing = take(&mut self.additions, &[member]);
        self.done.left_out.extend(missing.iter().map(|pending| {
            format!(
                "the account {member} of the member {} is not in Microsoft 365 any more; push that user again",
                pending.member
            )
        }));
        Ok(())
    }

    /// Whether the member's object was made so lately that a replica of Graph may not know it.
    async fn is_fresh(&self, member: ObjectId) -> Result<bool, Fault> {
        let Some(pending) = self.additions.iter().find(|pending| object_of(pending) == Some(member)) else {
            return Ok(false);
        };
        let organization = self.group.organization;
        let given_at = match pending.kind {
            MemberKind::User => {
                let binding = bindings::by_user(self.store, organization, UserId(pending.member)).await?;
                binding.and_then(|binding| binding.given_at)
            }
            MemberKind::Group => {
                let found = groups::get(self.store, organization, GroupId(pending.member)).await?;
                found.and_then(|(_, binding)| binding?.given_at)
            }
        };
        let tried = self.binding.attempts < REPLICATION_TRIES;
        Ok(tried && given_at.is_some_and(|at| self.clock.millis() - at < REPLICATION))
    }

    pub(super) fn have_added(&mut self, members: &[ObjectId]) {
        for pending in take(&mut self.additions, members) {
            self.done.put_in.push(pending.member);
            let object = pending.object_id.unwrap_or_default();
            self.done.added.push((pending.member, pending.kind, object));
        }
    }

    /// How many have no account yet, for `syncError`.
    pub(super) async fn count_waiting(&mut self) -> Result<(), store::Error> {
        let (group, connection) = (self.group.id, self.binding.connection);
        let waiting = memberships::waiting(self.store, group, connection, MOST_COUNTED).await?;
        if waiting > 0 {
            let at_least = if waiting == MOST_COUNTED { "at least " } else { "" };
            let sentence = format!(
                "{at_least}{waiting} of its members have no account in this Microsoft 365 tenant yet; they are put in as soon as they have one"
            );
            self.done.left_out.push(sentence);
        }
        Ok(())
    }
}

pub(super) fn object_of(pending: &Pending) -> Option<ObjectId> {
    pending.object_id.as_deref().and_then(|id| id.parse().ok())
}

/// Takes those with these ids out of `pending`.
fn take(pending: &mut Vec<Pending>, ids: &[ObjectId]) -> Vec<Pending> {
    let all = std::mem::take(pending);
    let (taken, left) =
        all.into_iter().partition(|pending| object_of(pending).is_some_and(|id| ids.contains(&id)));
    *pending = left;
    taken
}
