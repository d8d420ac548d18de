//! Looking at what the changes left in doubt: one call an object.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::judge::Shown;
use super::memory::{Gone, Memory};
use super::{Fault, Inner, Tenant, accounts, groups};
use crate::graph::{self, AccountId, GroupId, GroupProperty};
use crate::provision::describe::Trace;
use crate::store::bindings::Binding;
use crate::store::delta::Place;
use crate::store::drift;
use crate::store::group_bindings::GroupBinding;

/// Objects that are looked at together: as many as a batch takes, several times.
const LOT: u64 = 100;
/// Calls under way at the same time: a batch.
const AT_ONCE: usize = 20;
/// Lots of one round; the rest waits for the next one.
const MOST_LOTS: usize = 50;
/// Members of one group that were suspected and are judged in one round.
const MOST_SUSPECTS: u64 = 10_000;

impl Inner {
    /// Looks at the accounts of which it has not been known for long enough whether they have what they were given.
    pub(super) async fn verify_accounts(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        place: &Place,
    ) -> Result<(), Fault> {
        let since = self.clock.millis().saturating_sub(tenant.lag);
        let mut before = None;
        for _ in 0..MOST_LOTS {
            let due = drift::unverified_accounts(&self.store, tenant.connection.id, since, LOT).await?;
            let first = due.first().map(|binding| binding.id);
            let is_last = (due.len() as u64) < LOT;
            // Those at which work goes on stay in doubt.
            let ready: Vec<Binding> = due.into_iter().filter(|binding| binding.lane.is_none()).collect();
            if ready.is_empty() || first == before {
                break;
            }
            before = first;
            self.read_accounts(tenant, ready, true).await?;
            self.hold(place).await?;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// The same for groups.
    pub(super) async fn verify_groups(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        place: &Place,
    ) -> Result<(), Fault> {
        let since = self.clock.millis().saturating_sub(tenant.lag);
        let mut before = None;
        for _ in 0..MOST_LOTS {
            let due = drift::unverified_groups(&self.store, tenant.connection.id, since, LOT).await?;
            let first = due.first().map(|binding| binding.id);
            let is_last = (due.len() as u64) < LOT;
            // Those at which work goes on stay in doubt.
            let ready: Vec<GroupBinding> = due.into_iter().filter(|binding| binding.lane.is_none()).collect();
            if ready.is_empty() || first == before {
                break;
            }
            before = first;
            self.read_groups(tenant, ready, true).await?;
            self.hold(place).await?;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// Reads these accounts and notes what they are; `verify` where that is in doubt, else they were only not shown.
    pub(super) async fn read_accounts(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        bindings: Vec<Binding>,
        verify: bool,
    ) -> Result<(), Fault> {
        let read = |binding: Binding| async move {
            let account = binding.account_id.unwrap_or_default();
            let Ok(id) = account.parse::<AccountId>() else {
                return Ok(None);
            };
            let (shown, trace) = match tenant.graph.user(&self.call(), &id).await {
                Ok(reply) => {
                    let trace = Trace::of_reply(&reply);
                    (Shown::from(reply.value), trace)
                }
                Err(error @ graph::Error::NotFound(_)) => (lost(), Trace::of_error(&error)),
                Err(error) => return Err(Fault::from(error)),
            };
            Ok(Some(accounts::Look { id: binding.id, account, shown, read: verify, trace }))
        };
        let looks: Vec<_> = stream::iter(bindings).map(read).buffer_unordered(AT_ONCE).try_collect().await?;
        self.note_accounts(tenant, looks.into_iter().flatten().collect()).await
    }

    /// Who is in a group; of one with more members than can be read nobody, so that all who were suspected count as known.
    async fn members_of(&self, tenant: &Tenant, object: &str) -> Result<BTreeMap<String, bool>, Fault> {
        let Ok(id) = object.parse::<GroupId>() else {
            return Ok(BTreeMap::new());
        };
        match tenant.graph.members(&self.call(), &id).await {
            Ok(reply) => Ok(reply.value.iter().map(|id| (id.to_string(), true)).collect()),
            Err(graph::Error::NotFound(_) | graph::Error::Malformed { .. }) => Ok(BTreeMap::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads these groups and notes what they are; of those in doubt also what was suspected of their members.
    pub(super) async fn read_groups(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        bindings: Vec<GroupBinding>,
        verify: bool,
    ) -> Result<(), Fault> {
        let read = |binding: GroupBinding| async move {
            let object = binding.object_id.unwrap_or_default();
            let memory: Memory<GroupProperty> = Memory::of(binding.drift.as_ref(), &object);
            let was_shown = verify && !memory.suspected && memory.shown_in == binding.unverified_at;
            let (shown, trace) = match object.parse::<GroupId>() {
                Err(_) => return Ok(None),
                Ok(_) if was_shown => (Shown::default(), Trace::default()),
                Ok(id) => match tenant.graph.group(&self.call(), &id).await {
                    Ok(reply) => {
                        let trace = Trace::of_reply(&reply);
                        (Shown::from(reply.value), trace)
                    }
                    Err(error @ graph::Error::NotFound(_)) => (lost(), Trace::of_error(&error)),
                    Err(error) => return Err(Fault::from(error)),
                },
            };
            // What was suspected of members and was not shown otherwise since is so.
            let suspects = drift::untold(&self.store, binding.id, MOST_SUSPECTS).await?;
            let mut members: BTreeMap<String, bool> =
                suspects.into_iter().filter(|_| verify).map(|one| (one.object, one.inside)).collect();
            let complete = verify && shown.gone.is_none() && is_new_here(&binding.given, &memory);
            if complete {
                members.extend(self.members_of(tenant, &object).await?);
            }
            let id = binding.id;
            Ok(Some(groups::Look { id, object, shown, members, read: verify, complete, trace }))
        };
        let looks: Vec<_> = stream::iter(bindings).map(read).buffer_unordered(AT_ONCE).try_collect().await?;
        self.note_groups(tenant, looks.into_iter().flatten().collect()).await
    }
}

/// Whether it is a group that Gangway has taken over and whose members it has not seen yet.
pub(super) fn is_new_here(given: &Value, memory: &Memory<GroupProperty>) -> bool {
    let adopted = given.get("adopted").and_then(Value::as_bool).unwrap_or(false);
    adopted && !memory.members_known
}

/// What is not found: whether it can be restored is not known.
fn lost<P: Ord>() -> Shown<P> {
    Shown { gone: Some(Gone::Deleted), ..Shown::default() }
}

impl From<graph::Group> for Shown<GroupProperty> {
    fn from(group: graph::Group) -> Self {
        let text = |text: Option<String>| text.map_or(Value::Null, Value::String);
        let properties = BTreeMap::from([
            (GroupProperty::DisplayName, text(group.display_name)),
            (GroupProperty::Description, text(group.description)),
        ]);
        Self { properties, ..Self::default() }
    }
}
