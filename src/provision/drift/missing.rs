//! What a complete round did not show: it is gone, unless a look at it says otherwise.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{Fault, Inner, Tenant};
use crate::graph::ObjectId;
use crate::provision::describe::Trace;
use crate::store::delta::{Place, Stream};
use crate::store::drift;
use crate::store::group_bindings::GroupBinding;

use super::groups::Look;
use super::judge::Shown;
use super::memory::Memory;
use super::verify::is_new_here;

/// Bindings and members that are looked at together.
const LOT: u64 = 200;

/// What a complete round has shown. It is held in memory: a round that is left begins again.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Accounts, or bound groups.
    pub(super) objects: HashSet<ObjectId>,
    /// The members of bound groups.
    members: HashMap<String, HashSet<ObjectId>>,
}

impl Present {
    /// Takes notice of a bound group and of those who are shown in it.
    pub(super) fn see(&mut self, group: &str, members: &BTreeMap<String, bool>) {
        self.objects.extend(group.parse::<ObjectId>().ok());
        let inside = self.members.entry(group.to_owned()).or_default();
        for (object, is_in) in members {
            let Ok(object) = object.parse() else { continue };
            if *is_in {
                inside.insert(object);
            } else {
                inside.remove(&object);
            }
        }
    }

    fn has(&self, object: Option<&String>) -> bool {
        object.and_then(|id| id.parse().ok()).is_some_and(|id| self.objects.contains(&id))
    }

    fn has_member(&self, group: &str, object: &str) -> bool {
        let members = self.members.get(group);
        object.parse().is_ok_and(|object| members.is_some_and(|members| members.contains(&object)))
    }
}

impl Inner {
    /// Looks at every bound object that was not shown, and at every member.
    pub(super) async fn look_for_missing(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        place: &Place,
        present: Present,
    ) -> Result<(), Fault> {
        match place.stream {
            Stream::Users => self.look_for_accounts(tenant, place, &present).await,
            Stream::Groups => self.look_for_groups(tenant, place, &present).await,
        }
    }

    async fn look_for_accounts(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        place: &Place,
        present: &Present,
    ) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let bound = drift::bound_accounts(&self.store, tenant.connection.id, after, LOT).await?;
            after = bound.last().map(|binding| binding.id);
            let is_last = (bound.len() as u64) < LOT;
            let missing: Vec<_> =
                bound.into_iter().filter(|binding| !present.has(binding.account_id.as_ref())).collect();
            self.read_accounts(tenant, missing, false).await?;
            self.hold(place).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn look_for_groups(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        place: &Place,
        present: &Present,
    ) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let bound = drift::bound_groups(&self.store, tenant.connection.id, after, LOT).await?;
            after = bound.last().map(|binding| binding.id);
            let is_last = (bound.len() as u64) < LOT;
            let (shown, missing): (Vec<_>, Vec<_>) =
                bound.into_iter().partition(|binding| present.has(binding.object_id.as_ref()));
            self.read_groups(tenant, missing, false).await?;
            for binding in shown {
                self.look_for_members(tenant, &binding, present).await?;
                self.hold(place).await?;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Those who were given to a group and not shown in it were taken out. From here on all its members are known.
    async fn look_for_members(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        binding: &GroupBinding,
        present: &Present,
    ) -> Result<(), Fault> {
        let object = binding.object_id.clone().unwrap_or_default();
        let mut after = None;
        loop {
            let given = drift::given_members(&self.store, binding.group, after, LOT).await?;
            after = given.last().map(|row| row.member);
            let is_last = (given.len() as u64) < LOT;
            let objects = given.into_iter().filter_map(|row| row.given_as);
            let out = objects.filter(|id| !present.has_member(&object, id)).map(|id| (id, false));
            let members: BTreeMap<String, bool> = out.collect();
            if !members.is_empty() {
                let look = Look {
                    id: binding.id,
                    object: object.clone(),
                    shown: Shown::default(),
                    members,
                    read: false,
                    complete: true,
                    trace: Trace::default(),
                };
                self.note_groups(tenant, vec![look]).await?;
            }
            if is_last {
                break;
            }
        }
        self.know_members(binding, object).await
    }

    async fn know_members(&self, binding: &GroupBinding, object: String) -> Result<(), Fault> {
        let memory: Memory<crate::graph::GroupProperty> = Memory::of(binding.drift.as_ref(), &object);
        if !is_new_here(&binding.given, &memory) {
            return Ok(());
        }
        let id = binding.id;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let Some((mut binding, _)) = crate::store::group_bindings::lock(tx, id).await? else {
                        return Ok(());
                    };
                    let mut memory: Memory<crate::graph::GroupProperty> =
                        Memory::of(binding.drift.as_ref(), &object);
                    memory.members_known = true;
                    binding.drift = memory.stored()?;
                    Ok::<(), Fault>(crate::store::group_bindings::update(tx, &binding).await?)
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_last_counts() {
        let [group, one, two] = [1_u128, 2, 3].map(|number| uuid::Uuid::from_u128(number).to_string());
        let mut present = Present::default();
        present.see(&group, &BTreeMap::from([(one.clone(), true), (two.clone(), true)]));
        present.see(&group, &BTreeMap::from([(two.clone(), false)]));
        assert!(present.has(Some(&group)) && !present.has(Some(&one)) && !present.has(None));
        assert!(present.has_member(&group, &one) && !present.has_member(&group, &two));
        assert!(!present.has_member("nonsense", &one) && !present.has_member(&group, "nonsense"));
    }
}
