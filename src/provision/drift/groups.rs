//! What a page of changed groups says of those that Gangway has bound, and of their members.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use super::accounts::AT_ONCE;
use super::judge::{Expected, News, Note, Shown, is_settled, judge};
use super::members::{self, Finding, Seen};
use super::memory::{Gone, Memory};
use super::missing::Present;
use super::tell::{Kind, Subject, Telling, of_object};
use super::{Fault, Inner, Tenant};
use crate::graph::{ChangedGroup, GroupId, GroupProperty};
use crate::ids::GroupBindingId;
use crate::insights::{Change, ResourceKind};
use crate::provision::describe::Trace;
use crate::provision::groups::GivenGroup;
use crate::store::drift::{Known, MemberDrift};
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups::Group;
use crate::store::memberships::MemberKind;
use crate::store::{Tx, drift};

/// Members that one event names; of more it says how many.
const MOST_NAMED: usize = 100;

/// What is to be written down of one group.
pub(super) struct Look {
    pub(super) id: GroupBindingId,
    pub(super) object: String,
    pub(super) shown: Shown<GroupProperty>,
    /// Objects that were shown in the group (true) or out of it; what is shown last counts.
    pub(super) members: BTreeMap<String, bool>,
    /// Whether it was read because it was unverified: then also what was suspected of its members is judged.
    pub(super) read: bool,
    /// Whether all who are in it are shown, not only who came and went.
    pub(super) complete: bool,
    pub(super) trace: Trace,
}

/// What was found of a group's members.
#[derive(Default)]
struct Found {
    /// To be told: who was put in, and who was taken out.
    told: Vec<MemberDrift>,
    /// To be remembered without a word.
    silent: Vec<MemberDrift>,
    forgotten: Vec<String>,
    suspects: bool,
    known: HashMap<String, Known>,
}

impl Inner {
    /// Notes and tells what a page of changes says.
    pub(super) async fn see_groups(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        page: Vec<ChangedGroup>,
        trace: &Trace,
        mut present: Option<&mut Present>,
    ) -> Result<(), Fault> {
        let mut shown: BTreeMap<GroupId, (Shown<GroupProperty>, BTreeMap<String, bool>)> = BTreeMap::new();
        for changed in page {
            let (group, members) = shown.entry(changed.id).or_default();
            members.extend(changed.members.iter().map(|(id, inside)| (id.to_string(), *inside)));
            let gone = changed.removed.map(Gone::from);
            let properties = if gone.is_some() { BTreeMap::new() } else { changed.properties };
            group.add(Shown { gone, properties, ..Shown::default() });
        }
        let ids: Vec<String> = shown.keys().map(ToString::to_string).collect();
        let mut looks = Vec::new();
        for (binding, group) in drift::groups(&self.store, tenant.connection.id, &ids).await? {
            let object = binding.object_id.clone().unwrap_or_default();
            let found = object.parse().ok().and_then(|id: GroupId| shown.remove(&id));
            let Some((shown, members)) = found.filter(|_| group.deleted_at.is_none()) else {
                continue;
            };
            if let Some(present) = present.as_mut().filter(|_| shown.gone.is_none()) {
                present.see(&object, &members);
            }
            let complete = present.is_some();
            looks.push(Look {
                id: binding.id,
                object,
                shown,
                members,
                read: false,
                complete,
                trace: trace.clone(),
            });
        }
        self.note_groups(tenant, looks).await
    }

    /// Writes down what is to be noted of these groups, each in a transaction of its own.
    pub(super) async fn note_groups(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        looks: Vec<Look>,
    ) -> Result<(), Fault> {
        let write = |look: Look| {
            let (this, tenant) = (Arc::clone(self), Arc::clone(tenant));
            async move {
                let store = this.store.clone();
                store.write(move |tx| Box::pin(async move { this.note_group(tx, &tenant, look).await })).await
            }
        };
        let repaired: Vec<bool> =
            stream::iter(looks).map(write).buffer_unordered(AT_ONCE).try_collect().await?;
        if repaired.contains(&true) {
            self.handover.wake();
        }
        Ok(())
    }

    /// Whether there is work to do now.
    async fn note_group(&self, tx: &Tx, tenant: &Tenant, look: Look) -> Result<bool, Fault> {
        crate::store::events::announce(tx).await?;
        let Some((mut binding, group)) = group_bindings::lock(tx, look.id).await? else {
            return Ok(false);
        };
        // What goes is Gangway's own work until the end.
        if binding.object_id.as_deref() != Some(&look.object) || group.deleted_at.is_some() {
            return Ok(false);
        }
        let given = GivenGroup::stored(binding.given.clone())?;
        let was = Memory::of(binding.drift.as_ref(), &look.object);
        let settled = self.is_settled(tenant, &binding);
        let expected = Expected {
            given: &given.properties,
            password_at: None,
            unverified_at: binding.unverified_at,
            settled,
            read: look.read,
            now: self.clock.millis(),
        };
        let new_here = given.adopted && !was.members_known;
        let watched = |property| property != GroupProperty::MailNickname;
        let Note { mut memory, mut unverified_at, news } = judge(was, &look.shown, &expected, watched);
        memory.shown_in = memory.shown_in.filter(|_| unverified_at.is_some());
        if !settled && unverified_at.is_none() && look.shown.gone.is_none() {
            // Its members may still be on their way.
            unverified_at = binding.unverified_at;
            memory.shown_in = unverified_at;
        }
        // Who is shown in a group that Gangway has just taken over may have been in it before: until all were seen once
        // nobody is told.
        let first_look = new_here && look.complete;
        let standing = members::Group { settled: settled && (!new_here || first_look), first_look };
        memory.members_known |= first_look && look.read;
        let found = self.judge_members(tx, tenant, &binding, &group, &look, standing).await?;
        if found.suspects {
            memory.suspected = true;
            unverified_at = Some(self.clock.millis());
        }
        drift::remember(tx, binding.id, &[found.silent.as_slice(), &found.told].concat()).await?;
        drift::forget(tx, binding.id, &found.forgotten).await?;
        binding.unverified_at = unverified_at;
        let mut repaired = false;
        if !news.is_empty() || !found.told.is_empty() {
            let repair = tenant.is_repaired();
            let telling = telling(&look.object, &news, &found, repair);
            let about = ResourceKind::Group.named(group.id, Some(&group.display_name));
            let subject = Subject { organization: group.organization, about, object: &look.object };
            self.tell(tx, tenant, subject, telling, &look.trace).await?;
            if repair && news.gone.is_some() {
                self.remake(tx, &mut binding, &group).await?;
                group_bindings::update(tx, &binding).await?;
                return Ok(true);
            }
            if repair {
                let members = self.repair_members(tx, tenant, &group, &found).await?;
                if members || !memory.seen.is_empty() {
                    self.repair_group(&mut binding, &mut memory)?;
                    repaired = true;
                }
            }
        }
        binding.drift = memory.stored()?;
        group_bindings::update(tx, &binding).await?;
        Ok(repaired)
    }

    pub(super) fn is_settled(&self, tenant: &Tenant, binding: &GroupBinding) -> bool {
        let times = [binding.given_at, binding.unverified_at];
        is_settled(binding.lane.is_some(), binding.lease_until, times, self.clock.millis(), tenant.lag)
    }

    async fn judge_members(
        &self,
        tx: &Tx,
        tenant: &Tenant,
        binding: &GroupBinding,
        group: &Group,
        look: &Look,
        standing: members::Group,
    ) -> Result<Found, Fault> {
        let mut found = Found::default();
        if look.members.is_empty() {
            return Ok(found);
        }
        let objects: Vec<String> = look.members.keys().cloned().collect();
        let known = drift::known(tx, tenant.connection.id, &objects).await?;
        let ids: Vec<uuid::Uuid> = known.iter().map(|known| known.member).collect();
        let rows = drift::memberships(tx, group.id, &ids).await?;
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.member, row)).collect();
        let remembered = drift::member_drift(tx, binding.id, &objects).await?;
        let remembered: HashMap<_, _> = remembered.into_iter().map(|one| (one.object.clone(), one)).collect();
        found.known = known.into_iter().map(|known| (known.object.clone(), known)).collect();
        for (object, inside) in &look.members {
            let row = found.known.get(object).and_then(|known| rows.get(&known.member));
            let seen = Seen { object, inside: *inside };
            let seen_at = self.clock.millis();
            let one = |told| MemberDrift { object: object.clone(), inside: *inside, told, seen_at };
            match members::judge(seen, row, remembered.get(object), standing) {
                Finding::Nothing => {}
                Finding::Forget => found.forgotten.push(object.clone()),
                Finding::Keep => found.silent.push(one(true)),
                Finding::Tell => found.told.push(one(true)),
                Finding::Suspect => {
                    found.suspects = true;
                    found.silent.push(one(false));
                }
            }
        }
        Ok(found)
    }

    /// Those who were taken out are put in again, and those who were put in and are known here are taken out; whether
    /// there are any.
    async fn repair_members(
        &self,
        tx: &Tx,
        tenant: &Tenant,
        group: &Group,
        found: &Found,
    ) -> Result<bool, Fault> {
        let known = |one: &MemberDrift| found.known.get(&one.object).cloned();
        let (inside, outside): (Vec<_>, Vec<_>) = found.told.iter().partition(|one| one.inside);
        let outside: Vec<_> = outside.into_iter().filter_map(known).map(|known| known.member).collect();
        let may_go = |known: &Known| {
            !tenant.settings.must_not_touch(&known.object) && !tenant.settings.must_not_touch(&known.name)
        };
        let inside: Vec<Known> = inside.into_iter().filter_map(known).filter(may_go).collect();
        drift::put_again(tx, group.id, &outside).await?;
        drift::take_out(tx, group.organization, group.id, &inside).await?;
        Ok(!outside.is_empty() || !inside.is_empty())
    }
}

fn telling(object: &str, news: &News<GroupProperty>, found: &Found, repair: bool) -> Telling {
    let mut telling = of_object(object, news, |_| Kind::Changed);
    if !found.told.is_empty() {
        telling.kinds.push(Kind::MembersChanged);
        let named = |inside| {
            let those = found.told.iter().filter(|one| one.inside == inside);
            named(those.map(|one| member(&one.object, found.known.get(&one.object))).collect())
        };
        telling.changes.extend(Change::new("members", named(false), named(true)));
    }
    let strangers = found.told.iter().any(|one| one.inside && !found.known.contains_key(&one.object));
    telling.consequence = match (repair, strangers) {
        (false, _) => None,
        (true, false) => Some("Gangway undoes it."),
        (true, true) => {
            Some("Gangway undoes it, but for members that are no users or groups of upstream: those stay.")
        }
    };
    telling
}

/// A member as an event names it: by all ids that are known, and by name.
fn member(object: &str, known: Option<&Known>) -> Value {
    match known {
        None => json!({ "object": object }),
        Some(known) => {
            let kind = if known.kind == MemberKind::Group { "Group" } else { "User" };
            json!({ "object": object, "value": known.member, "display": known.name, "type": kind })
        }
    }
}

fn named(mut members: Vec<Value>) -> Value {
    if members.is_empty() {
        return Value::Null;
    }
    let more = members.len().saturating_sub(MOST_NAMED);
    members.truncate(MOST_NAMED);
    if more > 0 {
        members.push(json!(format!("and {more} more")));
    }
    members.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_in(number: usize) -> MemberDrift {
        MemberDrift { object: format!("o-{number}"), inside: true, told: true, seen_at: 1 }
    }

    #[test]
    fn members_are_named_up_to_a_bound() {
        let told = (0..MOST_NAMED + 5).map(put_in).collect();
        let found = Found { told, ..Found::default() };
        let telling = telling("g-1", &News::default(), &found, false);
        assert_eq!(telling.kinds, [Kind::MembersChanged]);
        let [change] = telling.changes.as_slice() else { panic!("{:?}", telling.changes) };
        assert_eq!((change.field(), change.from()), ("members", &Value::Null));
        let named = change.to().as_array().unwrap();
        assert_eq!(named.len(), MOST_NAMED + 1);
        assert_eq!(named[MOST_NAMED], json!("and 5 more"));
    }

    #[test]
    fn strangers_are_said_to_stay() {
        let found = Found { told: vec![put_in(1)], ..Found::default() };
        let telling = telling("g-1", &News::default(), &found, true);
        assert!(telling.consequence.is_some_and(|sentence| sentence.contains("stay")));
    }
}
