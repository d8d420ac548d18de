//! What the directory refuses, in its own words. Which HTTP status that becomes is `http`'s business.

use super::password::Violation;
use super::refusal::Refusal;
use super::routing::RoutingError;
use crate::ids::{ConnectionId, GroupId};
use crate::scim;
use crate::settings::SettingsError;
use crate::store;

/// Why a change or a read was not carried out. Nothing of it took effect.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such user in this organization, or no longer.
    #[error("there is no user with the id {0}; it may have been deleted")]
    NoSuchUser(String),
    /// No such group in this organization, or no longer.
    #[error("there is no group with the id {0}; it may have been deleted")]
    NoSuchGroup(String),
    /// Another group has the name and the externalId.
    #[error(
        "a group with the displayName \"{0}\" and this externalId exists already; find it with a filter and change it, \
         or give the new one another name or externalId"
    )]
    GroupTaken(String),
    /// Members that are neither users nor groups here.
    #[error(transparent)]
    UnknownMembers(#[from] UnknownMembers),
    /// A group as its own member.
    #[error("the group {0} cannot be a member of itself; take its own id out of members")]
    OwnMember(GroupId),
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
    /// A new user of a federated domain without the anchor that Microsoft asks for.
    #[error(
        "the domain {0} is federated: Microsoft 365 takes a new user of it only with onPremisesImmutableId, by which the \
         other identity provider knows the person; send it in the extension urn:ietf:params:scim:schemas:extension:gangway:2.0:User"
    )]
    NoAnchor(String),
    /// A connection in which nothing is carried out.
    #[error("the connection \"{0}\" is not in use; activate it")]
    NotInUse(String),
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

/// Ids in `members` that stand for nobody.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; push them first, or leave them out")]
pub struct UnknownMembers(String);

impl UnknownMembers {
    /// So many are named; the rest is counted.
    const MOST: usize = 10;

    /// For these ids, of which there is at least one.
    pub fn new(ids: &[&str]) -> Self {
        let named: Vec<String> =
            ids.iter().take(Self::MOST).map(|id| format!("{:?}", shortened(id))).collect();
        let more = ids.len().saturating_sub(Self::MOST);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let named = named.join(", ");
        Self(format!(
            "there is no user and no group with the id {named}{more}, so nobody can be made a member"
        ))
    }
}

/// An id as it is quoted in a message.
fn shortened(id: &str) -> String {
    id.chars().take(80).collect()
}
