//! What Microsoft Graph was last given for one binding.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graph::{AccountId, Property, SkuId};

/// The given state, as it is stored with the binding. A property that is absent is not known, so it is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The properties and the values that Graph took.
    #[serde(default)]
    pub properties: BTreeMap<Property, Value>,
    /// What an adopted account had, until all that is wanted has arrived: a refusal puts it back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<Property, Value>,
    /// The deleted account whose restoration was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoring: Option<AccountId>,
    /// The manager's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<AccountId>,
    /// The licences that Gangway gave; what others gave, or a group hands down, is not among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub licenses: BTreeSet<SkuId>,
    /// Whether the licences of a leaver were taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlicensed: bool,
    /// Whether it was told that a leaver has lost the account: what follows after days of grace is another act.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub departed: bool,
    /// The digest of the picture that was sent last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<String>,
    /// When the password was set last, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_at: Option<i64>,
    /// What is still to be done or reported because of a step that is done.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub owed: BTreeSet<Owed>,
    /// The addresses under which an account may have been made though no answer came: look before another is made.
    /// The directory adds the old address when a user is renamed while its account may be in the making.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tried: BTreeSet<String>,
}

/// What a step leaves owing when the work stops right after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// The account was created, adopted or restored: the event comes when it has all that is wanted.
    Creation,
    /// The account was taken from among the deleted: where the user is refused after all, it goes back there.
    Restored,
    /// The account was taken from among the deleted: it is in the groups again that it was in, which are still to be read.
    Regain,
    /// Sign-in was blocked: sessions must be revoked, then the event.
    Block,
    /// The password was set: sessions must be revoked, then the event.
    Password,
}

impl Given {
    /// Reads the stored state; an empty one where there is none.
    pub fn stored(value: Value) -> Result<Self, serde_json::Error> {
        if value.is_null() { Ok(Self::default()) } else { serde_json::from_value(value) }
    }

    /// Whether sessions must be revoked.
    pub fn owes_revocation(&self) -> bool {
        self.owed.contains(&Owed::Block) || self.owed.contains(&Owed::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::users::TRIED;

    #[test]
    fn the_directory_knows_where_tried_addresses_are_kept() {
        let stored = serde_json::json!({ (TRIED): ["ann.berg@contoso.example"] });
        let given = Given::stored(stored).unwrap();
        assert!(given.tried.contains("ann.berg@contoso.example"));
    }
}
