//! What can go wrong with a call, in Microsoft Graph's words, and what the caller may do about it.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::id::{AccountId, ObjectId};
use super::operation::Operation;
use super::{TokenFailure, TokenFault};

/// An answer that refuses: what Graph said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The call.
    pub operation: Operation,
    /// The HTTP status.
    pub status: u16,
    /// Graph's `code`, such as `Request_BadRequest`; empty when the answer was not Graph's.
    pub code: String,
    /// Graph's message, shortened, without the password of the request.
    pub message: String,
    /// Graph's `request-id`, by which Microsoft and Entra's audit log know the call.
    pub request_id: Option<String>,
    /// Our `client-request-id`.
    pub client_request_id: Uuid,
}

/// How the connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportFault {
    /// The host was not reached, or its certificate was refused: nothing was sent.
    Connect,
    /// No answer in time.
    TimedOut,
    /// The connection broke before the answer was complete.
    Broken,
}

/// Whether the request may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Certainly not.
    None,
    /// Nobody knows.
    Unknown,
}

/// What is odd about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// A redirect, which Graph's API does not use.
    Redirect,
    /// Not JSON by its content type.
    ContentType,
    /// JSON that breaks off, or none.
    Syntax,
    /// JSON without what the call must answer.
    Shape,
    /// More than 4 MiB.
    TooLarge,
    /// It leads to another host.
    ForeignLink,
}

/// Why a call to Microsoft Graph did not do what it was for. As text it is [`Error::advice`].
#[derive(Clone, Debug)]
pub enum Error {
    /// No answer.
    Transport {
        /// The call.
        operation: Operation,
        /// How it failed.
        fault: TransportFault,
        /// Whether the request may have been carried out.
        effect: Effect,
        /// The cause in technical words, without the address.
        reason: String,
        /// Our `client-request-id`.
        client_request_id: Uuid,
    },
    /// 429 and 509: too many requests. Nothing was done.
    Throttled {
        /// How long Graph asks to wait.
        retry_after: Option<Duration>,
        /// The answer.
        failure: Box<Failure>,
    },
    /// 5xx and 408: Graph has a fault of its own.
    Unavailable {
        /// How long Graph asks to wait.
        retry_after: Option<Duration>,
        /// None for 503, which refuses before anything is done.
        effect: Effect,
        /// The answer.
        failure: Box<Failure>,
    },
    /// There is no token, so the call was not made.
    Token(Box<TokenFailure>),
    /// 401 also with a fresh token, or the application's identity is gone or disabled.
    Unauthorized(Box<Failure>),
    /// `Authorization_RequestDenied` and other 403: a permission or a role is missing.
    Forbidden(Box<Failure>),
    /// `Request_ResourceNotFound`: no such object, or not on this replica yet.
    NotFound(Box<Failure>),
    /// `ObjectConflict`: another object has the value.
    Conflict {
        /// The property, in Graph's name, if Graph says it.
        property: Option<String>,
        /// The other object, if Graph says it.
        other: Option<AccountId>,
        /// The answer.
        failure: Box<Failure>,
    },
    /// `Directory_ConcurrencyViolation`: somebody else writes the object at this moment.
    ConcurrencyViolation {
        /// How long Graph asks to wait.
        retry_after: Option<Duration>,
        /// The answer.
        failure: Box<Failure>,
    },
    /// The user name's domain is not a verified one of the tenant, or is federated.
    UnverifiedDomain(Box<Failure>),
    /// The password is too weak, or on Microsoft's or the tenant's list of banned ones.
    WeakPassword(Box<Failure>),
    /// The account or the group is mastered on-premises.
    OnPremisesSynced(Box<Failure>),
    /// `Directory_QuotaExceeded`: the tenant or the application has too many objects.
    QuotaExceeded(Box<Failure>),
    /// A value is refused.
    InvalidValue {
        /// The property, in Graph's name, if Graph says it. Without one it can be a passing fault right after a create.
        property: Option<String>,
        /// The answer.
        failure: Box<Failure>,
    },
    /// A value is missing.
    MissingValue {
        /// The property, in Graph's name, if Graph says it.
        property: Option<String>,
        /// The answer.
        failure: Box<Failure>,
    },
    /// "One or more added object references already exist": one of the members at least is a member already, and nothing
    /// was added.
    AlreadyThere(Box<Failure>),
    /// "One or more removed object references do not exist": it is no member (any more).
    NotThere(Box<Failure>),
    /// The group has an address and is kept by Exchange, so that Graph cannot change it.
    MailEnabledGroup(Box<Failure>),
    /// The account has no `usageLocation`, which a licence needs. For some seconds after one was set it can be a replica
    /// that lags.
    NoUsageLocation(Box<Failure>),
    /// No seat of the licence is left.
    NoLicenseLeft(Box<Failure>),
    /// The licence needs another one, or does not go together with one that the account has.
    LicenseConflict(Box<Failure>),
    /// The licence comes from a group, so that it cannot be taken from the account itself.
    InheritedLicense(Box<Failure>),
    /// 410, `syncStateNotFound`, `resyncRequired`: the link of a delta round is too old. Begin again with everything.
    DeltaExpired(Box<Failure>),
    /// "The source resource object … don't exist": made moments ago and not everywhere yet.
    NotReplicatedYet(Box<Failure>),
    /// Any other refusal.
    Other(Box<Failure>),
    /// An answer that is not Graph's: a proxy's page, half a body.
    Malformed {
        /// What is odd.
        oddity: Oddity,
        /// Unknown when the status was 2xx.
        effect: Effect,
        /// The status and ids; the code is empty.
        failure: Box<Failure>,
    },
}

/// What the caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Try the same again: after `after`, or by one's own back-off.
    Retry {
        /// How long Microsoft asks to wait.
        after: Option<Duration>,
    },
    /// It may have been done: look before trying again, not sooner than [`Error::retry_after`].
    Ambiguous,
    /// The connection must be repaired by an administrator first; the request itself is not at fault.
    Blocked,
    /// It will never be done like this. [`Error::NotFound`] right after a create is the exception that the caller knows.
    Refused,
}

impl Error {
    /// What the caller may do.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Transport { operation, effect, .. } => repeat(*operation, *effect, None),
            Self::Unavailable { retry_after, effect, failure } => {
                repeat(failure.operation, *effect, *retry_after)
            }
            Self::Malformed { effect, failure, .. } => repeat(failure.operation, *effect, None),
            Self::Throttled { retry_after, .. } | Self::ConcurrencyViolation { retry_after, .. } => {
                Disposition::Retry { after: *retry_after }
            }
            Self::NotReplicatedYet(_) => Disposition::Retry { after: None },
            Self::Token(failure) if failure.fault.passes() => {
                Disposition::Retry { after: failure.retry_after }
            }
            Self::Token(_) | Self::Unauthorized(_) => Disposition::Blocked,
            Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Conflict { .. }
            | Self::UnverifiedDomain(_)
            | Self::WeakPassword(_)
            | Self::OnPremisesSynced(_)
            | Self::QuotaExceeded(_)
            | Self::InvalidValue { .. }
            | Self::MissingValue { .. }
            | Self::AlreadyThere(_)
            | Self::NotThere(_)
            | Self::MailEnabledGroup(_)
            | Self::NoUsageLocation(_)
            | Self::NoLicenseLeft(_)
            | Self::LicenseConflict(_)
            | Self::InheritedLicense(_)
            | Self::DeltaExpired(_)
            | Self::Other(_) => Disposition::Refused,
        }
    }

    /// Whether an administrator must authorise the connection again before anything can be done in it.
    pub fn needs_authorization(&self) -> bool {
        matches!(self, Self::Token(failure) if failure.fault == TokenFault::NeedsAuthorization)
    }

    /// Whether an addition failed because a member is one already. Of a single member that is as good as done; of
    /// several it says that none of them was added.
    pub fn is_already_there(&self) -> bool {
        matches!(self, Self::AlreadyThere(_))
    }

    /// Whether a removal failed because there was nothing to remove, which is as good as done: no such member, or no
    /// such group, account or manager at all.
    pub fn is_not_a_member(&self) -> bool {
        match self {
            Self::NotThere(_) => true,
            Self::NotFound(failure) => {
                matches!(failure.operation, Operation::RemoveMember | Operation::RemoveManager)
            }
            _ => false,
        }
    }

    /// The object that Graph did not find, where its message names one: of an addition it can be the group or the
    /// member. Right after a create it can be a replica that lags.
    pub fn missing(&self) -> Option<ObjectId> {
        let Self::NotFound(failure) = self else {
            return None;
        };
        let (_, named) = failure.message.split_once("Resource '")?;
        named.split_once('\'')?.0.parse().ok()
    }

    /// How long Microsoft asks to wait, at most an hour.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. }
            | Self::Unavailable { retry_after, .. }
            | Self::ConcurrencyViolation { retry_after, .. } => *retry_after,
            Self::Token(failure) => failure.retry_after,
            _ => None,
        }
    }

    /// What Graph answered, if it answered.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Transport { .. } | Self::Token(_) => None,
            Self::Throttled { failure, .. }
            | Self::Unavailable { failure, .. }
            | Self::Unauthorized(failure)
            | Self::Forbidden(failure)
            | Self::NotFound(failure)
            | Self::Conflict { failure, .. }
            | Self::ConcurrencyViolation { failure, .. }
            | Self::UnverifiedDomain(failure)
            | Self::WeakPassword(failure)
            | Self::OnPremisesSynced(failure)
            | Self::QuotaExceeded(failure)
            | Self::InvalidValue { failure, .. }
            | Self::MissingValue { failure, .. }
            | Self::AlreadyThere(failure)
            | Self::NotThere(failure)
            | Self::MailEnabledGroup(failure)
            | Self::NoUsageLocation(failure)
            | Self::NoLicenseLeft(failure)
            | Self::LicenseConflict(failure)
            | Self::InheritedLicense(failure)
            | Self::DeltaExpired(failure)
            | Self::NotReplicatedYet(failure)
            | Self::Other(failure)
            | Self::Malformed { failure, .. } => Some(failure),
        }
    }
}

/// What may be done when `effect` is all that is known of `operation`.
fn repeat(operation: Operation, effect: Effect, after: Option<Duration>) -> Disposition {
    if effect == Effect::None || operation.is_repeatable() {
        return Disposition::Retry { after };
    }
    Disposition::Ambiguous
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.advice())
    }
}

impl std::error::Error for Error {}
