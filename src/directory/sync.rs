//! How far Microsoft 365 has followed: the extension's `syncStatus`, the same for users and groups.

use serde_json::Value;

use super::refusal::Failure;

/// How far Microsoft 365 has followed: the extension's `syncStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStatus {
    /// Microsoft 365 has what upstream wants.
    Synced,
    /// It will have it as soon as Graph allows.
    Pending,
    /// Microsoft refused; `syncError` says what to do.
    Failed,
    /// No connection takes it.
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

    /// The status of something whose binding waits for work, or does not; None where it has no binding.
    pub(super) fn of(waits: Option<bool>, failure: Option<&Failure>) -> Self {
        match (waits, failure) {
            (None, _) => Self::Unbound,
            (Some(_), Some(Failure::Refused { .. } | Failure::PasswordSkipped { .. })) => Self::Failed,
            (Some(true), _) => Self::Pending,
            (Some(false), _) => Self::Synced,
        }
    }
}

/// The failure that a binding remembers.
pub(super) fn failure_in(stored: Option<&Value>) -> Option<Failure> {
    stored.and_then(|failure| serde_json::from_value(failure.clone()).ok())
}
