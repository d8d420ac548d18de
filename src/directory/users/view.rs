//! A user as it is answered: the wanted resource and how far Microsoft 365 has followed.

use crate::directory::refusal::Failure;
use crate::ids::UserId;
use crate::scim::Resource;
use crate::store::bindings::Binding;
use crate::store::users::User;

/// How far Microsoft 365 has followed: the extension's `syncStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStatus {
    /// The account has what upstream wants.
    Synced,
    /// It will have it as soon as Graph allows.
    Pending,
    /// Microsoft refused; `syncError` says what to do.
    Failed,
    /// No connection has the user's domain.
    Unbound,
}

impl SyncStatus {
    /// As it stands in the resource.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Unbound => "unbound",
        }
    }
}

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
}

impl UserView {
    /// The view of a stored user.
    pub fn new(user: User, binding: Option<Binding>) -> Self {
        let failure = binding.as_ref().and_then(failure_of);
        let status = status_of(binding.as_ref(), failure.as_ref());
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
        }
    }
}

/// The failure that a binding remembers.
pub(super) fn failure_of(binding: &Binding) -> Option<Failure> {
    binding.failure.clone().and_then(|failure| serde_json::from_value(failure).ok())
}

pub(super) fn status_of(binding: Option<&Binding>, failure: Option<&Failure>) -> SyncStatus {
    match (binding, failure) {
        (None, _) => SyncStatus::Unbound,
        (Some(_), Some(Failure::Refused { .. } | Failure::PasswordSkipped { .. })) => SyncStatus::Failed,
        (Some(binding), _) if binding.lane.is_some() => SyncStatus::Pending,
        (Some(_), _) => SyncStatus::Synced,
    }
}
