//! What Microsoft Graph was last given of one group. Its members are rows of their own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::graph::GroupProperty;

/// The given state of a group, as it is stored with its binding. A property that is absent is not known, so it is sent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GivenGroup {
    /// The `mailNickname` that is this group's alone, by which it is found again after an unanswered create. The
    /// directory chooses it with the binding, before anything is asked of Graph.
    #[serde(default)]
    pub nickname: String,
    /// The properties and the values that Graph took.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<GroupProperty, Value>,
    /// Whether the group was there before: then it is not Gangway's to delete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// Whether a create may have been carried out though no answer came: look before another is made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tried: bool,
}

impl GivenGroup {
    /// Reads the stored state.
    pub fn stored(value: Value) -> Result<Self, serde_json::Error> {
        if value.is_null() { Ok(Self::default()) } else { serde_json::from_value(value) }
    }

    /// The same for a group that Graph does not have any more.
    #[must_use]
    pub fn lost(self) -> Self {
        Self { nickname: self.nickname, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::groups::{TRIED, given_nickname};

    #[test]
    fn the_nickname_stands_where_the_directory_puts_it() {
        let given = GivenGroup::stored(given_nickname("sales-1a2b")).unwrap();
        assert_eq!(given, GivenGroup { nickname: "sales-1a2b".to_owned(), ..GivenGroup::default() });
        let mut stored = given_nickname("sales-1a2b");
        stored[TRIED] = true.into();
        assert!(GivenGroup::stored(stored).unwrap().tried);
    }
}
