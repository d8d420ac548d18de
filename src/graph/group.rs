//! A group as it is sent to Microsoft Graph and as it comes back.
//!
//! Bounds: the page "Create group"; kinds: "Working with groups in Microsoft Graph".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use super::id::{GroupId, ObjectId};
use super::property::too_long;

/// The most members that one request names, with a create or in one addition ("Create group", "Update group").
pub const MOST_MEMBERS: usize = 20;

/// A property of a Graph group that Gangway writes; serialised as Graph's own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each is Graph's property of the same name")]
pub enum GroupProperty {
    Description,
    DisplayName,
    MailNickname,
}

/// Why Graph would refuse a group's value. The message says the rule and never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{property} of the group {rule}.")]
pub struct InvalidGroupProperty {
    /// The property.
    pub property: GroupProperty,
    /// The rule that the value breaks, as the rest of a sentence.
    pub rule: String,
}

impl GroupProperty {
    /// Every property, in the order of its name.
    pub const ALL: [Self; 3] = [Self::Description, Self::DisplayName, Self::MailNickname];

    /// Graph's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::DisplayName => "displayName",
            Self::MailNickname => "mailNickname",
        }
    }

    /// The most characters of its value. (Microsoft's pages give none for the description; its portals take 1,024.)
    pub const fn longest(self) -> usize {
        match self {
            Self::Description => 1024,
            Self::DisplayName => 256,
            Self::MailNickname => 64,
        }
    }

    /// Whether null clears it.
    pub const fn clearable(self) -> bool {
        matches!(self, Self::Description)
    }

    /// Whether Graph would take `value`, as far as that can be told without it.
    pub fn check(self, value: &Value) -> Result<(), InvalidGroupProperty> {
        self.rule_broken_by(value).map_or(Ok(()), |rule| Err(InvalidGroupProperty { property: self, rule }))
    }

    fn rule_broken_by(self, value: &Value) -> Option<String> {
        if value.is_null() {
            return (!self.clearable()).then(|| "cannot be cleared".to_owned());
        }
        let Some(text) = value.as_str() else {
            return Some("must be text".to_owned());
        };
        if text.is_empty() {
            return Some("cannot be empty".to_owned());
        }
        too_long(text, Some(self.longest())).or_else(|| match self {
            Self::MailNickname => mail_nickname(text),
            Self::Description | Self::DisplayName => None,
        })
    }
}

impl fmt::Display for GroupProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The pages disagree on the dot, the slash and the apostrophe ("Create group", "Update group", the resource's own), so
/// none of the three is used.
fn mail_nickname(text: &str) -> Option<String> {
    let bad = text.chars().find(|c| !c.is_ascii_graphic() || "@()\\[]\";:<>,./'".contains(*c))?;
    Some(format!(
        "cannot contain {bad:?}; Microsoft allows ASCII without blanks and @ ( ) \\ [ ] \" ; : < > , . / '"
    ))
}

/// The properties of a group to write, and nothing else: what is not in it is not touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupPatch(BTreeMap<GroupProperty, Value>);

impl GroupPatch {
    /// Nothing to write.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes `value`; null clears. The value is taken as it is: see [`GroupProperty::check`].
    #[must_use]
    pub fn with(mut self, property: GroupProperty, value: impl Into<Value>) -> Self {
        self.set(property, value);
        self
    }

    /// Writes `value`; null clears.
    pub fn set(&mut self, property: GroupProperty, value: impl Into<Value>) {
        self.0.insert(property, value.into());
    }

    /// What would be written to `property`.
    pub fn get(&self, property: GroupProperty) -> Option<&Value> {
        self.0.get(&property)
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The properties with their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (GroupProperty, &Value)> {
        self.0.iter().map(|(property, value)| (*property, value))
    }

    pub(super) fn body(&self) -> Value {
        self.iter().map(|(property, value)| (property.name().to_owned(), value.clone())).collect()
    }
}

impl FromIterator<(GroupProperty, Value)> for GroupPatch {
    fn from_iter<I: IntoIterator<Item = (GroupProperty, Value)>>(properties: I) -> Self {
        Self(properties.into_iter().collect())
    }
}

impl IntoIterator for GroupPatch {
    type Item = (GroupProperty, Value);
    type IntoIter = std::collections::btree_map::IntoIter<GroupProperty, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A plain security group to create ("Create group"): never with mail, never dynamic, never assignable to a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    display_name: String,
    mail_nickname: String,
    description: Option<String>,
    members: BTreeSet<ObjectId>,
}

/// More members than one request may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("One request names at most {MOST_MEMBERS} members: add the others after the group is created.")]
pub struct TooManyMembers;

impl NewGroup {
    /// A group without a description and without members.
    pub fn new(display_name: impl Into<String>, mail_nickname: impl Into<String>) -> Self {
        Self {
            display_name: display_name.into(),
            mail_nickname: mail_nickname.into(),
            description: None,
            members: BTreeSet::new(),
        }
    }

    /// The group with this description; an empty one is none.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into()).filter(|text| !text.is_empty());
        self
    }

    /// The group with these members, at most [`MOST_MEMBERS`]. One that is named twice counts once, since Graph refuses
    /// a list with "duplicate values".
    pub fn with_members(
        mut self,
        members: impl IntoIterator<Item = impl Into<ObjectId>>,
    ) -> Result<Self, TooManyMembers> {
        self.members = members.into_iter().map(Into::into).collect();
        if self.members.len() > MOST_MEMBERS {
            return Err(TooManyMembers);
        }
        Ok(self)
    }

    /// Its members, each once.
    pub fn members(&self) -> impl Iterator<Item = ObjectId> {
        self.members.iter().copied()
    }

    /// The JSON object for Graph; `reference` writes a member as the address that Graph wants.
    pub(super) fn body(&self, reference: impl Fn(ObjectId) -> String) -> Value {
        let mut body = json!({
            "displayName": self.display_name,
            "mailEnabled": false,
            "mailNickname": self.mail_nickname,
            "securityEnabled": true,
        });
        if let Some(description) = &self.description {
            body["description"] = json!(description);
        }
        if !self.members.is_empty() {
            body["members@odata.bind"] = self.members().map(reference).collect();
        }
        body
    }
}

/// What kind of group it is, as far as it matters for who may change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    /// A security group of the cloud with assigned members: the only kind that Gangway touches.
    Security,
    /// A Microsoft 365 group (`Unified`), with a mailbox, perhaps a team.
    Microsoft365,
    /// A security group with an address, kept by Exchange: read-only in Graph.
    MailEnabledSecurity,
    /// A distribution list, kept by Exchange: read-only in Graph.
    Distribution,
    /// Its members follow a rule, so nobody can add or remove one.
    Dynamic,
    /// Synchronised from an on-premises Active Directory.
    OnPremises,
    /// It can hold administrator roles: changing its members changes who is an administrator.
    RoleAssignable,
    /// Neither for security nor for mail, or Graph did not say.
    Other,
}

impl GroupKind {
    /// The kind by Graph's properties. What restricts most comes first: a dynamic Microsoft 365 group is `Dynamic`.
    fn of(group: &Map<String, Value>) -> Self {
        let is = |name: &str| group.get(name).and_then(Value::as_bool);
        let types = group.get("groupTypes").and_then(Value::as_array);
        let has_type = |kind: &str| {
            types
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .any(|found| found.eq_ignore_ascii_case(kind))
        };
        if is("onPremisesSyncEnabled") == Some(true) {
            return Self::OnPremises;
        }
        if is("isAssignableToRole") == Some(true) {
            return Self::RoleAssignable;
        }
        if has_type("DynamicMembership") {
            return Self::Dynamic;
        }
        if has_type("Unified") {
            return Self::Microsoft365;
        }
        match (is("mailEnabled").unwrap_or(false), is("securityEnabled").unwrap_or(false)) {
            (false, true) => Self::Security,
            (true, true) => Self::MailEnabledSecurity,
            (true, false) => Self::Distribution,
            (false, false) => Self::Other,
        }
    }

    /// Whether Gangway may change the group and its members.
    pub const fn is_manageable(self) -> bool {
        matches!(self, Self::Security)
    }

    /// Why Gangway leaves the group of this name alone and what an administrator can do about it, in one sentence. None
    /// for a group that it may change.
    pub fn refusal(&self, display_name: &str) -> Option<String> {
        let (kind, remedy) = match self {
            Self::Security => return None,
            Self::Microsoft365 => (
                "a Microsoft 365 group, which has a mailbox and perhaps a team",
                "rename one of the two groups, or stop pushing this one and manage it in the Microsoft 365 admin center",
            ),
            Self::MailEnabledSecurity => (
                "a mail-enabled security group, which only Exchange can change",
                "rename one of the two groups, or manage its members in the Exchange admin center",
            ),
            Self::Distribution => (
                "a distribution list, which only Exchange can change",
                "rename one of the two groups, or manage its members in the Exchange admin center",
            ),
            Self::Dynamic => (
                "a dynamic group, whose members follow a rule",
                "change its rule in Microsoft Entra ID, set its membership type to Assigned, or rename one of the two groups",
            ),
            Self::OnPremises => (
                "synchronised from an on-premises Active Directory",
                "change it there, move its source of authority to the cloud, or rename one of the two groups",
            ),
            Self::RoleAssignable => (
                "a group that can hold administrator roles",
                "manage its members in Microsoft Entra ID, and push an ordinary security group instead",
            ),
            Self::Other => {
                ("no security group", "look at it in Microsoft Entra ID and rename one of the two groups")
            }
        };
        Some(format!(
            "The group {display_name:?} of Microsoft 365 is {kind}, so Gangway does not touch it: {remedy}."
        ))
    }
}

/// A group as Graph tells it. Only `id` is certain: a value of a kind that we do not expect is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The group's id.
    pub id: GroupId,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `mailNickname`.
    pub mail_nickname: Option<String>,
    /// What kind it is.
    pub kind: GroupKind,
}

impl Group {
    /// What is read of a group, for `$select`.
    pub(super) const SELECT: &str = "id,displayName,description,mailNickname,groupTypes,mailEnabled,securityEnabled,onPremisesSyncEnabled,isAssignableToRole";

    /// Why Gangway leaves this group alone; none if it may change it.
    pub fn refusal(&self) -> Option<String> {
        self.kind.refusal(self.display_name.as_deref().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let group = Map::deserialize(deserializer)?;
        let text = |name: &str| group.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("id").and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or_else(|| D::Error::custom("a group without a GUID as its id"))?,
            display_name: text("displayName"),
            description: text("description"),
            mail_nickname: text("mailNickname"),
            kind: GroupKind::of(&group),
        })
    }
}

#[cfg(test)]
mod tests;
