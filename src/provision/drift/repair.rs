//! What a connection that repairs does: the given state becomes what was seen, so that the plan finds a difference and
//! closes it as any other, behind all that people wait for.

use serde_json::Value;

use super::{Fault, Inner, Tenant};
use crate::directory::caller::Origin;
use crate::graph::{GroupProperty, Property};
use crate::ids::OrganizationId;
use crate::provision::given::Given;
use crate::provision::groups::GivenGroup;
use crate::settings::DriftPolicy;
use crate::store::bindings::{self, Binding};
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups::Group;
use crate::store::queue::Lane;
use crate::store::users::User;
use crate::store::{Tx, drift, memberships};

use super::memory::Memory;

impl Tenant {
    /// Whether what others did is undone.
    pub(super) fn is_repaired(&self) -> bool {
        self.settings.drift.policy == DriftPolicy::Repair
    }
}

impl Inner {
    /// Makes an account's binding wait for what upstream wants, other than what `memory` says of it.
    pub(super) fn repair_properties(
        &self,
        binding: &mut Binding,
        memory: &mut Memory<Property>,
    ) -> Result<(), Fault> {
        let mut given = Given::stored(binding.given.clone())?;
        for (property, told) in std::mem::take(&mut memory.seen) {
            given.properties.insert(property, told.seen);
        }
        binding.given = serde_json::to_value(&given)?;
        self.requeue(binding)
    }

    /// Makes a user wait for an account: its own one restored, or a new one.
    pub(super) async fn rebind(&self, tx: &Tx, binding: &mut Binding, user: &User) -> Result<(), Fault> {
        binding.account_id = None;
        binding.given = Value::Null;
        binding.drift = None;
        binding.unverified_at = None;
        self.requeue(binding)?;
        let (now, request) = (self.clock.millis(), binding.request.as_ref());
        bindings::mark_reports(tx, user.organization, user.id, request, now).await?;
        self.forget_member(tx, user.organization, user.id.0, request).await
    }

    /// Makes a group's binding wait for what upstream wants, other than what `memory` says of it.
    pub(super) fn repair_group(
        &self,
        binding: &mut GroupBinding,
        memory: &mut Memory<GroupProperty>,
    ) -> Result<(), Fault> {
        let mut given = GivenGroup::stored(binding.given.clone())?;
        for (property, told) in std::mem::take(&mut memory.seen) {
            given.properties.insert(property, told.seen);
        }
        binding.given = serde_json::to_value(&given)?;
        self.requeue_group(binding)
    }

    /// Makes a group wait to be made again, with all its members.
    pub(super) async fn remake(
        &self,
        tx: &Tx,
        binding: &mut GroupBinding,
        group: &Group,
    ) -> Result<(), Fault> {
        binding.object_id = None;
        binding.given = serde_json::to_value(GivenGroup::stored(binding.given.take())?.lost())?;
        binding.drift = None;
        binding.unverified_at = None;
        self.requeue_group(binding)?;
        memberships::forget_given(tx, group.organization, group.id).await?;
        drift::forget_all(tx, binding.id).await?;
        self.forget_member(tx, group.organization, group.id.0, binding.request.as_ref()).await
    }

    /// The groups that had a member under an object id which is gone.
    async fn forget_member(
        &self,
        tx: &Tx,
        organization: OrganizationId,
        member: uuid::Uuid,
        request: Option<&Value>,
    ) -> Result<(), Fault> {
        let groups = memberships::object_changed(tx, organization, member, None).await?;
        group_bindings::mark(tx, &groups, Lane::Background, request, self.clock.millis()).await?;
        Ok(())
    }

    fn requeue(&self, binding: &mut Binding) -> Result<(), Fault> {
        let now = self.clock.millis();
        binding.wanted_version += 1;
        if binding.lane.is_none() {
            binding.queued_at = now;
            binding.request = Some(self.request()?);
        }
        binding.lane = Some(binding.lane.unwrap_or(Lane::Background));
        (binding.attempts, binding.next_attempt_at) = (0, now);
        Ok(())
    }

    pub(super) fn requeue_group(&self, binding: &mut GroupBinding) -> Result<(), Fault> {
        let now = self.clock.millis();
        binding.wanted_version += 1;
        if binding.lane.is_none() {
            binding.queued_at = now;
            binding.request = Some(self.request()?);
        }
        binding.lane = Some(binding.lane.unwrap_or(Lane::Background));
        (binding.attempts, binding.next_attempt_at) = (0, now);
        Ok(())
    }

    /// Nobody asked for it but Gangway itself.
    fn request(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Origin::system(self.clock.uuid()))
    }
}
