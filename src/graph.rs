//! Microsoft Graph v1.0: the calls that Gangway makes, typed.
//!
//! It knows Microsoft's words only. It makes each call once (twice when the token was no longer good) and says in an
//! [`Error`] what the caller may do next: waiting and trying again is the caller's, since it has to outlive the process.
//!
//! - [`Settings`] and [`Cloud`]: which tenant, which hosts, which credential.
//! - [`Graph`]: one a connection; its calls are in `users`, `groups` and `tenant`.
//! - `client` sends one request, `token` keeps the access token, `answer` reads refusals, `advice` words them.

mod advice;
mod answer;
mod client;
mod cloud;
mod error;
mod group;
mod groups;
mod id;
mod property;
mod tenant;
mod token;
mod types;
mod users;

use std::sync::Arc;

use uuid::Uuid;

pub use cloud::{Cloud, ConfigurationError, Credential, Settings};
pub use error::{
    Disposition, Effect, Error, Failure, Oddity, Operation, TokenFailure, TokenFault, TransportFault,
};
pub use group::{
    Group, GroupKind, GroupPatch, GroupProperty, InvalidGroupProperty, MOST_MEMBERS, NewGroup, TooManyMembers,
};
pub use id::{AccountId, GroupId, InvalidId, ObjectId};
pub use property::{InvalidProperty, Property, Shape};
pub use token::TokenState;
pub use types::{Domain, MissingProperty, NewUser, Organization, User, UserPatch};

use crate::clock::Clock;

/// The connection to one tenant. Clones share its token and its open connections.
#[derive(Clone, Debug)]
pub struct Graph(Arc<client::Client>);

/// What belongs to one call but not to what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Sent as `client-request-id`, by which Microsoft's logs and ours find each other.
    pub client_request_id: Uuid,
}

impl Call {
    /// A call with a new id.
    pub fn new(clock: &Clock) -> Self {
        Self { client_request_id: clock.uuid() }
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
