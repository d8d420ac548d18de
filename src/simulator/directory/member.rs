//! What groups hold, and what users belong to.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::account::Account;
use super::super::group::Group;
use super::super::object::Object;
use super::super::roles;

/// A member of a group, or what a user is a member of.
#[derive(Clone, Debug)]
pub(in crate::simulator) enum Member {
    User(Arc<Account>),
    Group(Arc<Group>),
    /// A directory role, by its name.
    Role(String),
}

impl Member {
    /// `@odata.type`.
    pub(in crate::simulator) fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "#microsoft.graph.user",
            Self::Group(_) => "#microsoft.graph.group",
            Self::Role(_) => "#microsoft.graph.directoryRole",
        }
    }

    /// It with the properties `select`, or with Graph's default set. `issuer` is the tenant's default domain.
    pub(in crate::simulator) fn view(&self, select: Option<&[String]>, issuer: &str) -> Map<String, Value> {
        match self {
            Self::User(account) => account.view(select, issuer),
            Self::Group(group) => group.view(select),
            Self::Role(name) => roles::view(name, select),
        }
    }
}

impl Object for Member {
    fn id(&self) -> Uuid {
        match self {
            Self::User(account) => account.id,
            Self::Group(group) => group.id,
            Self::Role(name) => roles::template(name),
        }
    }

    fn stored(&self, name: &str) -> Option<&Value> {
        match self {
            Self::User(account) => account.stored(name),
            Self::Group(group) => group.stored(name),
            Self::Role(_) => None,
        }
    }

    fn shown(&self, name: &str, issuer: &str) -> Value {
        match self {
            Self::User(account) => account.shown(name, issuer),
            Self::Group(group) => group.shown(name, issuer),
            Self::Role(role) => roles::view(role, None).shift_remove(name).unwrap_or_default(),
        }
    }
}
