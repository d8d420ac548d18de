//! `$expand`: an object's relationship, shown within it.

use serde_json::{Map, Value, json};

use super::super::account::Account;
use super::super::directory::{Directory, Member};
use super::super::group::Group;
use super::super::refusal::Refusal;
use super::super::schema::Entity;
use super::selected;

/// How many related objects are shown.
const MOST: usize = 20;

/// `$expand=relation` or `$expand=relation($select=…)`.
#[derive(Debug)]
pub(in crate::simulator) struct Expansion {
    relation: &'static str,
    select: Option<Vec<String>>,
}

impl Expansion {
    pub(super) fn parse(value: &str, entity: Entity) -> Result<Self, Refusal> {
        let (name, options) = match value.split_once('(') {
            Some((name, options)) => (name, options.strip_suffix(')').unwrap_or(options)),
            None => (value, ""),
        };
        let relations: &[&'static str] = match entity {
            Entity::User => &["manager", "memberOf"],
            Entity::Group => &["members", "memberOf", "owners"],
        };
        let relation = relations.iter().find(|relation| **relation == name).copied();
        let relation = relation.ok_or_else(|| {
            Refusal::new(
                400,
                "BadRequest",
                format!(
                    "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type '{}'.",
                    entity.kind()
                ),
            )
        })?;
        let select = match options.strip_prefix("$select=") {
            Some(names) => Some(selected(names, &[Entity::User, Entity::Group])?),
            None if options.is_empty() => None,
            None => return Err(Refusal::not_built(&format!("$expand with {options}"))),
        };
        Ok(Self { relation, select })
    }

    /// What a user's answer holds for it.
    pub(in crate::simulator) fn of_user(
        &self,
        directory: &Directory,
        account: &Account,
        issuer: &str,
    ) -> Option<(&'static str, Value)> {
        if self.relation == "manager" {
            let manager = account.manager.and_then(|id| directory.find(&id.to_string()))?;
            return Some((self.relation, self.shown(&Member::User(manager.clone()), issuer)));
        }
        let all = directory.belonging(account, None).into_iter().take(MOST);
        Some((self.relation, all.map(|member| self.shown(&member, issuer)).collect()))
    }

    /// What a group's answer holds for it.
    pub(in crate::simulator) fn of_group(
        &self,
        directory: &Directory,
        group: &Group,
        issuer: &str,
    ) -> (&'static str, Value) {
        let shown = |member: Member| self.shown(&member, issuer);
        let value = match self.relation {
            "members" => directory.members(group.id, None).take(MOST).map(shown).collect(),
            "owners" => {
                let owners = group.owners.iter().filter_map(|&id| directory.member(id));
                owners.take(MOST).map(shown).collect()
            }
            _ => {
                let groups = directory.groups_of(group.id, None).cloned().map(Member::Group);
                groups.take(MOST).map(shown).collect()
            }
        };
        (self.relation, value)
    }

    fn shown(&self, member: &Member, issuer: &str) -> Value {
        let mut view = Map::new();
        view.insert("@odata.type".to_owned(), json!(member.kind()));
        view.extend(member.view(self.select.as_deref(), issuer));
        view.into()
    }
}
