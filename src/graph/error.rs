//! What can go wrong with a call, in Microsoft Graph's words, and what the caller may do about it.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use super::id::{AccountId, ObjectId};

/// Which call it is: for errors, metrics and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /users`
    CreateUser,
    /// `GET /users` by user name
    FindUser,
    /// `GET /users/{id}`
    ReadUser,
    /// `PATCH /users/{id}` without `accountEnabled`
    UpdateUser,
    /// `PATCH /users/{id}` with `accountEnabled`, perhaps among others
    EnableUser,
    /// `PATCH /users/{id}` with `passwordProfile` alone
    SetPassword,
    /// `POST /users/{id}/revokeSignInSessions`
    RevokeSessions,
    /// `DELETE /users/{id}`
    DeleteUser,
    /// `GET /directory/deletedItems/microsoft.graph.user` by user name
    FindDeletedUser,
    /// `POST /directory/deletedItems/{id}/restore`
    RestoreUser,
    /// `POST /groups`
    CreateGroup,
    /// `GET /groups` by name or nickname
    FindGroup,
    /// `GET /groups/{id}`
    ReadGroup,
    /// `PATCH /groups/{id}` with properties
    UpdateGroup,
    /// `PATCH /groups/{id}` with `members@odata.bind`
    AddMembers,
    /// `POST /groups/{id}/members/$ref`
    AddMember,
    /// `DELETE /groups/{id}/members/{id}/$ref`
    RemoveMember,
    /// `DELETE /groups/{id}`
    DeleteGroup,
    /// `PUT /users/{id}/manager/$ref`
    SetManager,
    /// `DELETE /users/{id}/manager/$ref`
    RemoveManager,
    /// `GET /domains`
    ListDomains,
    /// `GET /organization`
    ReadOrganization,
}

impl Operation {
    /// The name in metrics and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateUser => "create_user",
            Self::FindUser => "find_user",
            Self::ReadUser => "read_user",
            Self::UpdateUser => "update_user",
            Self::EnableUser => "enable_user",
            Self::SetPassword => "set_password",
            Self::RevokeSessions => "revoke_sessions",
            Self::DeleteUser => "delete_user",
            Self::FindDeletedUser => "find_deleted_user",
            Self::RestoreUser => "restore_user",
            Self::CreateGroup => "create_group",
            Self::FindGroup => "find_group",
            Self::ReadGroup => "read_group",
            Self::UpdateGroup => "update_group",
            Self::AddMembers => "add_members",
            Self::AddMember => "add_member",
            Self::RemoveMember => "remove_member",
            Self::DeleteGroup => "delete_group",
            Self::SetManager => "set_manager",
            Self::RemoveManager => "remove_manager",
            Self::ListDomains => "list_domains",
            Self::ReadOrganization => "read_organization",
        }
    }

    /// Whether doing it twice is as good as doing it once, so that it may be repeated when nobody knows whether the
    /// first request was carried out. (A second DELETE is answered 404 and a second addition with [`Error::AlreadyThere`],
    /// which say that it is done.)
    pub const fn is_repeatable(self) -> bool {
        !matches!(self, Self::CreateUser | Self::RestoreUser | Self::CreateGroup)
    }
}

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

/// Why the login host gave no token. The numbers are those of `AADSTS` codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// The login host was not reached or did not answer in time.
    Unreachable,
    /// Too many requests for tokens.
    Throttled,
    /// The login host has a fault of its own (5xx).
    Unavailable,
    /// The answer is not one of a login host.
    Malformed,
    /// 7000215: the client secret is wrong.
    WrongSecret,
    /// 7000222: the client secret has expired.
    ExpiredSecret,
    /// 700027: the assertion's signature is wrong.
    WrongAssertion,
    /// 700024: the assertion is outside its time, so a clock is wrong.
    AssertionTime,
    /// 700016: the tenant does not know the application.
    UnknownApplication,
    /// 7000112: the application is disabled in the tenant.
    DisabledApplication,
    /// 90002 and 900023: there is no such tenant.
    UnknownTenant,
    /// 65001: nobody consented.
    ConsentMissing,
    /// 50076, 50079, 53000 to 53004: conditional access or multi-factor authentication stands in the way.
    ConditionalAccess,
    /// 70011, 500011 and `invalid_scope`: the resource is not of this cloud.
    BadScope,
    /// `invalid_grant`: the authorisation has ended.
    InvalidGrant,
    /// Anything else.
    Other,
}

/// The login host's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFailure {
    /// What it means.
    pub fault: TokenFault,
    /// The number of the `AADSTS` code.
    pub aadsts: Option<u32>,
    /// OAuth's `error`, such as `invalid_client`; empty when there was no such answer.
    pub error: String,
    /// The first line of the description, shortened.
    pub message: String,
    /// The `correlation_id`, by which Entra's sign-in log knows the request.
    pub correlation_id: Option<String>,
    /// How long the login host asks to wait.
    pub retry_after: Option<Duration>,
    /// The tenant that was asked.
    pub tenant: String,
    /// The application that asked.
    pub client_id: String,
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
            Self::Token(failure) => match failure.fault {
                TokenFault::Unreachable
                | TokenFault::Throttled
                | TokenFault::Unavailable
                | TokenFault::Malformed => Disposition::Retry { after: failure.retry_after },
                _ => Disposition::Blocked,
            },
            Self::Unauthorized(_) => Disposition::Blocked,
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
            | Self::Other(_) => Disposition::Refused,
        }
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
