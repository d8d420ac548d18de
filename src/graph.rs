//! Microsoft Graph v1.0: the calls that Gangway makes, typed.
//!
//! It knows Microsoft's words only. It keeps within Graph's quotas, sends together what waits together, tries again what
//! fails for a moment, and says in an [`Error`] what the caller may do next: waiting for longer is the caller's, since it
//! has to outlive the process.
//!
//! - [`Settings`] and [`Cloud`]: which tenant, which hosts, which credential.
//! - [`Graph`]: one a connection; its calls are in `users`, `licenses`, `photo`, `deleted`, `belonging`, `groups`,
//!   `delta` and `tenant`.
//! - [`Credential`]: how it signs in; [`authorize`]: how an administrator authorises it in the browser;
//!   [`PERMISSIONS`]: what it must be allowed.
//! - `dispatch` has the calls sent, by priority, within the `budget`, in `batch`es; `wire` sends; `token` keeps the access
//!   token, `answer` reads refusals, `advice` words them.

mod advice;
mod answer;
pub mod authorize;
mod batch;
mod belonging;
mod budget;
mod certificate;
mod client;
mod cloud;
mod credential;
mod deleted;
mod delta;
mod discover;
mod dispatch;
mod error;
mod group;
mod groups;
mod id;
mod licenses;
mod operation;
mod permissions;
mod photo;
mod property;
mod request;
mod tenant;
mod token;
mod types;
mod users;
mod wire;

use std::num::NonZeroU32;
use std::sync::Arc;

use uuid::Uuid;

pub use belonging::Belonging;
pub use budget::TenantSize;
pub use certificate::Certificate;
pub use cloud::{Cloud, ConfigurationError, Settings};
pub use credential::{
    ApplicationCredential, Credential, Delegated, FederatedToken, Grant, KeepGrant, LoadGrant,
};
pub use deleted::DeletedUser;
pub use delta::{ChangedGroup, ChangedUser, Delta, DeltaLink, DeltaNext, DeltaStart, Removed};
pub use discover::{Discovered, Unreachable, discover};
pub use dispatch::{BudgetState, Pace};
pub use error::{Disposition, Effect, Error, Failure, Oddity, TransportFault};
pub use group::{
    Group, GroupKind, GroupPatch, GroupProperty, InvalidGroupProperty, MOST_MEMBERS, NewGroup, TooManyMembers,
};
pub use id::{AccountId, GroupId, InvalidId, ObjectId, SkuId};
pub use licenses::{AssignedLicense, LicenseChange, Sku};
pub use operation::Operation;
pub use permissions::{Feature, PERMISSIONS, Permission, PermissionKind, missing};
pub use photo::{InvalidPhoto, Photo, PhotoKind};
pub use property::{InvalidProperty, Property, Shape};
pub use token::{Claims, FileFault, TokenFailure, TokenFault, TokenState};
pub use types::{Created, Domain, MissingProperty, NewUser, Organization, User, UserPatch};

use crate::clock::Clock;

/// The connection to one tenant. Clones share its token and its open connections.
#[derive(Clone, Debug)]
pub struct Graph(Arc<client::Client>);

/// What belongs to one call but not to what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Sent as `client-request-id`, by which Microsoft's logs and ours find each other.
    pub client_request_id: Uuid,
    /// Which calls of the connection it may overtake.
    pub priority: Priority,
}

/// Who goes first when calls of one connection wait; among equals it is who has waited longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Blocks, sign-outs, passwords.
    Security,
    /// Changes of what is there.
    Update,
    /// New accounts and groups.
    Create,
    /// Whatever nobody waits for: import, drift.
    Background,
}

impl Call {
    /// A call with a new id, of [`Priority::Update`].
    pub fn new(clock: &Clock) -> Self {
        Self { client_request_id: clock.uuid(), priority: Priority::Update }
    }

    /// The same call with this priority.
    #[must_use]
    pub const fn with_priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// The reply to a call that had nothing to say.
    fn not_sent(&self) -> Reply<()> {
        Reply { value: (), status: 204, request_id: None, client_request_id: self.client_request_id }
    }
}

/// What a call answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// The answer itself.
    pub value: T,
    /// The HTTP status.
    pub status: u16,
    /// Graph's `request-id`.
    pub request_id: Option<String>,
    /// Our `client-request-id`.
    pub client_request_id: Uuid,
}

impl<T> Reply<T> {
    /// The same reply with another value.
    pub fn map<U>(self, other: impl FnOnce(T) -> U) -> Reply<U> {
        Reply {
            value: other(self.value),
            status: self.status,
            request_id: self.request_id,
            client_request_id: self.client_request_id,
        }
    }
}

impl Graph {
    /// A connection by these settings. Nothing is sent yet.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, ConfigurationError> {
        Ok(Self(Arc::new(client::Client::new(settings, clock)?)))
    }

    /// How it spends its quota from here on.
    pub fn set_pace(&self, pace: Pace) {
        self.0.set_pace(pace);
    }

    /// How many live replicas share the connection's quota, this one among them.
    pub fn set_share(&self, replicas: NonZeroU32) {
        self.0.set_share(replicas);
    }

    /// How it stands with the quota.
    pub fn budget(&self) -> BudgetState {
        self.0.budget()
    }

    /// How it stands with the access token, without asking for one.
    pub fn token_state(&self) -> TokenState {
        self.0.tokens().state()
    }

    /// Makes sure that there is an access token, asking for one if need be.
    pub async fn ensure_token(&self) -> Result<TokenState, Error> {
        self.0.tokens().bearer().await?;
        Ok(self.token_state())
    }
}

#[cfg(test)]
mod tests;
