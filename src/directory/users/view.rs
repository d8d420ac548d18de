//! A user as it is answered: the wanted resource and how far Microsoft 365 has followed.

use crate::directory::refusal::Failure;
use crate::directory::sync::{SyncStatus, failure_in};
use crate::ids::UserId;
use crate::scim::Resource;
use crate::store::bindings::Binding;
use crate::store::memberships::GroupRef;
use crate::store::users::User;

/// A user as it is answered.
#[derive(Clone, Debug)]
pub struct UserView {
    /// Its id.
    pub id: UserId,
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
    /// Whether Microsoft 365 lacks something of the resource itself; a password is no part of it.
    pub is_behind: bool,
    /// What went wrong, and what to do.
    pub error: Option<String>,
    /// The account's object id in Microsoft 365.
    pub account_id: Option<String>,
    /// The groups that it is in, where they were asked for.
    pub groups: Vec<GroupRef>,
}

impl UserView {
    /// The view of a stored user.
    pub fn new(user: User, binding: Option<Binding>) -> Self {
        let failure = failure_in(binding.as_ref().and_then(|binding| binding.failure.as_ref()));
        let status = SyncStatus::of(binding.as_ref().map(|binding| binding.lane.is_some()), failure.as_ref());
        Self {
            id: user.id,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
            resource: Resource::from(user.resource),
            status,
            is_behind: status != SyncStatus::Synced
                && !matches!(failure, Some(Failure::PasswordSkipped { .. })),
            error: failure.map(|failure| failure.sentence().to_owned()),
            account_id: binding.and_then(|binding| binding.account_id),
            groups: Vec::new(),
        }
    }

    /// The same with its groups.
    #[must_use]
    pub fn in_groups(self, groups: Vec<GroupRef>) -> Self {
        Self { groups, ..self }
    }
}
