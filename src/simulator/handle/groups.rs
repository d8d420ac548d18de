//! The groups of the simulator from within.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::account;
use super::super::directory::Directory;
use super::super::group::{Group, GroupKind};
use super::super::object::Object as _;
use super::super::schema::Entity;
use super::{Error, Handle};

/// A group as the simulator keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimulatedGroup {
    /// The object's id in Graph.
    pub id: Uuid,
    /// `displayName`.
    pub display_name: String,
    /// `description`.
    pub description: Option<String>,
    /// `mailNickname`.
    pub mail_nickname: String,
    /// What kind of group it is.
    pub kind: GroupKind,
    /// The ids of its direct members, users and groups, in their order, without deleted ones.
    pub members: Vec<Uuid>,
}

/// A group to put into the directory past all rules, as if an administrator or a sync had made or changed it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupSeed {
    /// The object's id: that group is changed, or made. Without one a new group is made, also under a name that is taken.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Its kind; a new group is a plain security group unless this says otherwise.
    #[serde(default)]
    pub kind: Option<GroupKind>,
    /// Graph's properties, also read-only ones. They are laid over what is there; null clears. A new group needs
    /// `displayName`.
    #[serde(default)]
    pub properties: Map<String, Value>,
    /// Exactly these users and groups are its members then; without a list nothing changes.
    #[serde(default)]
    pub members: Option<BTreeSet<Uuid>>,
}

impl GroupSeed {
    /// A group of this name and kind, without members.
    pub fn new(display_name: &str, kind: GroupKind) -> Self {
        Self { kind: Some(kind), ..Self::default() }.with("displayName", json!(display_name))
    }

    /// The seed with a property set.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.properties.insert(name.to_owned(), value);
        self
    }

    /// The seed with these members.
    #[must_use]
    pub fn with_members(mut self, members: impl IntoIterator<Item = Uuid>) -> Self {
        self.members = Some(members.into_iter().collect());
        self
    }
}

impl Handle {
    /// Every group, by id.
    pub fn groups(&self) -> Vec<SimulatedGroup> {
        let directory = self.0.latest();
        directory.groups().map(|group| shown(&directory, group)).collect()
    }

    /// The group with this id.
    pub fn group(&self, id: Uuid) -> Option<SimulatedGroup> {
        let directory = self.0.latest();
        let group = directory.group(&id.to_string()).ok()?;
        Some(shown(&directory, group))
    }

    /// The first group of this name, without regard to case.
    pub fn group_named(&self, display_name: &str) -> Option<SimulatedGroup> {
        let wanted = display_name.to_lowercase();
        let directory = self.0.latest();
        let named = |group: &Group| group.text("displayName").unwrap_or_default().to_lowercase() == wanted;
        let group = directory.groups().find(|group| named(group))?;
        Some(shown(&directory, group))
    }

    /// Makes a group or changes one, past all rules but that its members exist.
    pub fn add_group(&self, seed: &GroupSeed) -> Result<SimulatedGroup, Error> {
        if let Some(unknown) = seed.properties.keys().find(|name| !Entity::Group.exists(name)) {
            return Err(Error::Seed(format!("'{unknown}' is not a property of a group")));
        }
        let id = seed.id.unwrap_or_else(|| self.0.clock.uuid());
        let now = self.0.clock.millis();
        let mut directory = self.0.write();
        let mut group = match directory.group(&id.to_string()) {
            Ok(current) => Group::clone(current),
            Err(_) => fresh(id, seed, now)?,
        };
        let kind = seed.kind.map(GroupKind::properties).unwrap_or_default();
        for (name, value) in kind.iter().chain(&seed.properties) {
            group.set(name, value.clone());
        }
        let kept = directory.put_group(group, seed.members.as_ref());
        let kept = kept.map_err(|refusal| Error::Seed(refusal.message))?;
        Ok(shown(&directory, &kept))
    }

    /// Removes a group for good, whatever its kind. False if there is none.
    pub fn delete_group(&self, id: Uuid) -> bool {
        let mut directory = self.0.write();
        directory.group(&id.to_string()).is_ok() && directory.forget(id).is_ok()
    }
}

fn fresh(id: Uuid, seed: &GroupSeed, now: i64) -> Result<Group, Error> {
    let Some(name) = seed.properties.get("displayName").and_then(Value::as_str) else {
        return Err(Error::Seed("a new group needs displayName".to_owned()));
    };
    let nickname: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut group = Group::new(id);
    group.properties = GroupKind::Security.properties();
    group.set("createdDateTime", json!(account::seconds(now)));
    group.set("mailNickname", json!(nickname));
    Ok(group)
}

fn shown(directory: &Directory, group: &Group) -> SimulatedGroup {
    let text = |name: &str| group.text(name).map(str::to_owned);
    SimulatedGroup {
        id: group.id,
        display_name: text("displayName").unwrap_or_default(),
        description: text("description"),
        mail_nickname: text("mailNickname").unwrap_or_default(),
        kind: group.kind(),
        members: directory.members(group.id, None).map(|member| member.id()).collect(),
    }
}
