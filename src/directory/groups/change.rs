//! The transactions that change what is wanted of a group: the resource, its members, the dirty mark and what to go
//! back to, at once.

use serde_json::Value;

use super::members::Members;
use super::nickname::{TRIED, given_nickname, nickname};
use super::rollback::Rollback;
use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::error::Error;
use crate::directory::mark::{Marked as _, request};
use crate::directory::refusal::Failure;
use crate::directory::settle::{Precondition, Wait, Written};
use crate::directory::sync::failure_in;
use crate::ids::{ConnectionId, GroupBindingId, GroupId, OrganizationId};
use crate::scim::members::{GroupInput, GroupPatch, MemberChange};
use crate::scim::{GROUP, Resource, patch};
use crate::store::connections;
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups::{self, Group};
use crate::store::queue::Lane;
use crate::store::{self, Reads, Tx, memberships};

/// What a request does to a group that exists.
pub(super) enum Change {
    /// PUT
    Replace(GroupInput),
    /// PATCH
    Patch(GroupPatch),
}

/// A change, read against the group that it is for.
struct Wanted {
    resource: Resource,
    members: Vec<MemberChange>,
    ignored: Vec<String>,
}

impl Directory {
    pub(super) async fn write_new_group(
        &self,
        tx: &Tx,
        who: &Caller,
        id: GroupId,
        input: GroupInput,
        wait: Wait,
    ) -> Result<Written<Group>, Error> {
        let now = self.clock.millis();
        let connection = self.group_connection(tx, who.organization).await?;
        let mut group = Group {
            id,
            organization: who.organization,
            connection,
            version: 1,
            display_name: String::new(),
            external_id: None,
            resource: Value::Null,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            rollback: None,
        };
        set_resource(&mut group, input.resource.into());
        if connection.is_some() && wait.is_awaited() {
            group.rollback = Rollback::Remove.stored();
        }
        groups::insert(tx, &group).await.map_err(|error| taken(error, &group))?;
        if let Some(members) = input.members {
            Members::new(tx, who.organization, id).apply(&MemberChange::Add(members)).await?;
        }
        let Some(connection) = connection else {
            return Ok(Written::settled(group));
        };
        let binding = self.mark_group(tx, &group, None, connection, who, &input.ignored, now).await?;
        Ok(Written::dirty(group, binding))
    }

    pub(super) async fn write_group_change(
        &self,
        tx: &Tx,
        who: &Caller,
        id: GroupId,
        change: Change,
        precondition: &Precondition,
        wait: Wait,
    ) -> Result<Written<Group>, Error> {
        let now = self.clock.millis();
        let (mut group, binding) = found(groups::lock(tx, who.organization, id).await?, id)?;
        precondition.check(group.version)?;

        let before = Resource::from(group.resource.clone());
        let Wanted { resource: after, members: changes, ignored } = read(&before, change, who)?;
        let mut members = Members::new(tx, who.organization, id);
        for change in &changes {
            members.apply(change).await?;
        }
        let same = after.same_as(&before);
        if same && !members.is_changed() {
            return self.write_group_again(tx, who, group, binding, &ignored, now).await;
        }

        let connection = match &binding {
            Some(binding) => Some(binding.connection),
            None => self.group_connection(tx, who.organization).await?,
        };
        let is_final = !keep_way_back(&mut group, &members, wait, connection.is_some()).await?;
        if !same {
            set_resource(&mut group, after.into());
        }
        group.connection = connection;
        // A refused change has used a version up: an entity tag never stands for two states.
        let latest = binding.as_ref().map_or(0, |binding| binding.wanted_version);
        group.version = group.version.max(latest) + 1;
        group.updated_at = now;
        groups::update(tx, &group).await.map_err(|error| taken(error, &group))?;
        let Some(connection) = connection else {
            return Ok(Written::settled(group));
        };
        let binding = self.mark_group(tx, &group, binding, connection, who, &ignored, now).await?;
        Ok(Written { is_final, ..Written::dirty(group, binding) })
    }

    pub(super) async fn write_group_gone(
        &self,
        tx: &Tx,
        who: &Caller,
        id: GroupId,
        precondition: &Precondition,
        wait: Wait,
    ) -> Result<Written<Group>, Error> {
        let now = self.clock.millis();
        let (mut group, binding) = found(groups::lock(tx, who.organization, id).await?, id)?;
        precondition.check(group.version)?;
        let Some(binding) = binding else {
            leave_groups(tx, who.organization, id.0, None, Some(&request(who, &[])?), now).await?;
            groups::remove(tx, who.organization, id).await?;
            return Ok(Written::settled(group));
        };
        keep_way_back(&mut group, &Members::new(tx, who.organization, id), wait, true).await?;
        group.deleted_at = Some(now);
        groups::update(tx, &group).await?;
        let connection = binding.connection;
        let binding = self.mark_group(tx, &group, Some(binding), connection, who, &[], now).await?;
        Ok(Written::dirty(group, binding))
    }

    /// A push that changes nothing costs nothing, except that it tries once more what was refused or left out, and
    /// binds a group once there is a connection.
    async fn write_group_again(
        &self,
        tx: &Tx,
        who: &Caller,
        mut group: Group,
        binding: Option<GroupBinding>,
        ignored: &[String],
        now: i64,
    ) -> Result<Written<Group>, Error> {
        let Some(binding) = binding else {
            let Some(connection) = self.group_connection(tx, who.organization).await? else {
                return Ok(Written::settled(group));
            };
            group.connection = Some(connection);
            groups::update(tx, &group).await?;
            let binding = self.mark_group(tx, &group, None, connection, who, ignored, now).await?;
            return Ok(Written::dirty(group, binding));
        };
        let failure = failure_in(binding.failure.as_ref());
        if matches!(failure, Some(Failure::Refused { .. } | Failure::LeftOut { .. })) {
            let connection = binding.connection;
            let binding = self.mark_group(tx, &group, Some(binding), connection, who, ignored, now).await?;
            return Ok(Written::dirty(group, binding));
        }
        let dirty = binding.lane.is_some();
        Ok(Written { row: group, binding: Some(binding), dirty, is_final: false })
    }

    /// Marks the group's binding dirty, making it where there is none.
    #[expect(clippy::too_many_arguments, reason = "all of it is what one row of the queue says")]
    async fn mark_group(
        &self,
        tx: &Tx,
        group: &Group,
        known: Option<GroupBinding>,
        connection: ConnectionId,
        who: &Caller,
        ignored: &[String],
        now: i64,
    ) -> Result<GroupBinding, Error> {
        self.ensure_events(tx, who).await?;
        let is_new = known.is_none();
        let mut binding = known.unwrap_or_else(|| self.new_group_binding(group, connection, now));
        let lane = if binding.object_id.is_some() { Lane::Update } else { Lane::Create };
        remember_tried(&mut binding);
        binding.mark(lane, now);
        binding.request = Some(request(who, ignored)?);
        if !matches!(failure_in(binding.failure.as_ref()), Some(Failure::LeftOut { .. })) {
            binding.failure = None;
        }
        if is_new {
            group_bindings::insert(tx, &binding).await?;
        } else {
            group_bindings::update(tx, &binding).await?;
        }
        Ok(binding)
    }

    /// Binds a group that may have been bound before: it is looked for by its alias before another is made.
    pub(super) async fn mark_group_anew(
        &self,
        tx: &Tx,
        group: &Group,
        connection: ConnectionId,
        who: &Caller,
    ) -> Result<(), Error> {
        self.ensure_events(tx, who).await?;
        let now = self.clock.millis();
        let mut binding = self.new_group_binding(group, connection, now);
        if let Some(given) = binding.given.as_object_mut() {
            given.insert(TRIED.to_owned(), true.into());
        }
        binding.mark(Lane::Background, now);
        binding.request = Some(request(who, &[])?);
        group_bindings::insert(tx, &binding).await?;
        Ok(())
    }

    /// A binding to which nothing was given yet.
    fn new_group_binding(&self, group: &Group, connection: ConnectionId, now: i64) -> GroupBinding {
        GroupBinding {
            id: GroupBindingId(self.clock.uuid()),
            organization: group.organization,
            connection,
            group: group.id,
            object_id: None,
            given: given_nickname(&nickname(&group.display_name, group.id)),
            // Versions that were made while no connection took the group are used up.
            wanted_version: group.version - 1,
            given_version: 0,
            lane: None,
            queued_at: now,
            attempts: 0,
            next_attempt_at: now,
            lease_owner: None,
            lease_until: 0,
            request: None,
            failure: None,
            given_at: None,
            drift: None,
            unverified_at: None,
        }
    }

    /// Where an organization's groups belong: a group has no domain, so it is the first connection in use.
    pub(super) async fn group_connection(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
    ) -> Result<Option<ConnectionId>, Error> {
        let connections = connections::list(reads, organization).await?;
        let first = connections.iter().find(|connection| connection.is_in_use());
        Ok(first.map(|connection| connection.id))
    }
}

/// A group may be in the making: it must be looked for before another is made, and before it is forgotten.
fn remember_tried(binding: &mut GroupBinding) {
    let begun = binding.lease_owner.is_some() || binding.attempts > 0;
    if begun
        && binding.object_id.is_none()
        && let Some(given) = binding.given.as_object_mut()
    {
        given.insert(TRIED.to_owned(), true.into());
    }
}

/// Takes somebody who is gone out of all groups, here and, through the worker, in Microsoft 365. `object` is
/// what it was there, `request` the one that the events will name.
pub async fn leave_groups(
    tx: &Tx,
    organization: OrganizationId,
    member: uuid::Uuid,
    object: Option<&str>,
    request: Option<&Value>,
    now: i64,
) -> Result<(), store::Error> {
    let left = memberships::member_gone(tx, organization, member, object, now).await?;
    group_bindings::mark(tx, &left, Lane::Update, request, now).await?;
    Ok(())
}

/// Sets the resource and what is derived from it.
pub(super) fn set_resource(group: &mut Group, resource: Value) {
    let resource = Resource::from(resource);
    resource.display_name().unwrap_or_default().clone_into(&mut group.display_name);
    group.external_id = resource.external_id().map(str::to_owned);
    group.resource = resource.into();
}

fn read(before: &Resource, change: Change, who: &Caller) -> Result<Wanted, Error> {
    match change {
        Change::Replace(input) => {
            let members = vec![MemberChange::ReplaceAll(input.members.unwrap_or_default())];
            Ok(Wanted { resource: input.resource, members, ignored: input.ignored })
        }
        Change::Patch(patch) => {
            let GroupPatch { attributes, members, mut ignored } = patch;
            let Some(attributes) = attributes else {
                return Ok(Wanted { resource: before.clone(), members, ignored });
            };
            let patched = patch::apply(&GROUP, before, &attributes, who.dialect)?;
            ignored.extend(patched.ignored);
            Ok(Wanted { resource: patched.resource, members, ignored })
        }
    }
}

/// Remembers the state before a change that is not acknowledged yet. False where there is no way back, so that the
/// change is acknowledged with the writing.
async fn keep_way_back(
    group: &mut Group,
    members: &Members<'_>,
    wait: Wait,
    bound: bool,
) -> Result<bool, Error> {
    if !wait.is_awaited() || !bound {
        group.rollback = None;
        return Ok(false);
    }
    let mut rollback = Rollback::read(group).unwrap_or_else(|| Rollback::to(group));
    let kept = members.changed().nth(super::rollback::MOST_MEMBERS).is_none()
        && rollback.remember(members.as_they_were().await?.into_iter());
    group.rollback = if kept { rollback.stored() } else { None };
    Ok(kept)
}

fn found(
    row: Option<(Group, Option<GroupBinding>)>,
    id: GroupId,
) -> Result<(Group, Option<GroupBinding>), Error> {
    row.ok_or_else(|| Error::NoSuchGroup(id.to_string()))
}

fn taken(error: store::Error, group: &Group) -> Error {
    match error {
        store::Error::Taken(_) => Error::GroupTaken(group.display_name.clone()),
        other => other.into(),
    }
}
