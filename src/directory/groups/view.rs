//! A group as it is answered: the wanted resource and how far Microsoft 365 has followed.

use crate::directory::sync::{SyncStatus, failure_in};
use crate::ids::GroupId;
use crate::scim::Resource;
use crate::store::group_bindings::GroupBinding;
use crate::store::groups::Group;

/// A group as it is answered, without its members: of those there may be very many.
#[derive(Clone, Debug)]
pub struct GroupView {
    /// Its id.
    pub id: GroupId,
    /// Its version, from which the entity tag is made.
    pub version: i64,
    /// `meta.created`.
    pub created_at: i64,
    /// `meta.lastModified`.
    pub updated_at: i64,
    /// What upstream wants.
    pub resource: Resource,
    /// How far Microsoft 365 has followed.
    pub status: SyncStatus,
    /// Whether Microsoft 365 lacks something of it.
    pub is_behind: bool,
    /// What went wrong, and what to do.
    pub error: Option<String>,
    /// The group's object id in Microsoft 365.
    pub object_id: Option<String>,
}

impl GroupView {
    /// The view of a stored group.
    pub fn new(group: Group, binding: Option<GroupBinding>) -> Self {
        let failure = failure_in(binding.as_ref().and_then(|binding| binding.failure.as_ref()));
        let status = SyncStatus::of(binding.as_ref().map(|binding| binding.lane.is_some()), failure.as_ref());
        Self {
            id: group.id,
            version: group.version,
            created_at: group.created_at,
            updated_at: group.updated_at,
            resource: Resource::from(group.resource),
            status,
            // Members who wait for their accounts are missing in Microsoft 365, though there is nothing to do.
            is_behind: status != SyncStatus::Synced || failure.is_some(),
            error: failure.map(|failure| failure.sentence().to_owned()),
            object_id: binding.and_then(|binding| binding.object_id),
        }
    }
}
