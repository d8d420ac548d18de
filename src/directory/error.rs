//! What the directory refuses, in its own words. Which HTTP status that becomes is `http`'s business.

use super::password::Violation;
use super::refusal::Refusal;
use super::routing::RoutingError;
use crate::ids::ConnectionId;
use crate::scim;
use crate::settings::SettingsError;
use crate::store;

/// Why a change or a read was not carried out. Nothing of it took effect.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such user in this organization, or no longer.
    #[error("there is no user with the id {0}; it may have been deleted")]
    NoSuchUser(String),
    /// Another user has the name.
    #[error("a user with the userName \"{0}\" exists already; userName is unique without regard to case")]
    Taken(String),
    /// `If-Match` names another version.
    #[error("the resource has changed: its version is W/\"{current}\"; read it again and repeat the change")]
    Stale {
        /// The version that it has.
        current: i64,
    },
    /// The change breaks a rule of the protocol.
    #[error(transparent)]
    Scim(#[from] scim::Error),
    /// The password breaks a rule.
    #[error(transparent)]
    Password(#[from] Violation),
    /// The user belongs to no connection, or its address is none.
    #[error(transparent)]
    Routing(#[from] RoutingError),
    /// A new userName would move the user to another tenant.
    #[error(
        "userName \"{0}\" belongs to another Microsoft 365 connection than this user's account; \
         an account cannot move between tenants: delete the user and create it anew"
    )]
    OtherConnection(String),
    /// A connection that is gone.
    #[error("the connection {0} that the user belongs to was removed; connect the tenant again")]
    NoConnection(ConnectionId),
    /// Microsoft refused.
    #[error("{}", .0.sentence)]
    Refused(Refusal),
    /// Settings of a connection cannot be read.
    #[error("a connection cannot be used: {0}")]
    Settings(#[from] SettingsError),
    /// The database does not do its part, so nothing was changed.
    #[error(
        "the database does not answer as it should, so nothing was changed; repeat the request later ({0})"
    )]
    Store(#[from] store::Error),
    /// What is stored cannot be read.
    #[error("a stored record cannot be read ({0}); this is a fault of Gangway")]
    Corrupt(#[from] serde_json::Error),
}
