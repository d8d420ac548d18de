//! The groups of the directory and their members, and the rules on both.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::account::{self, Account};
use super::super::group::{Group, GroupKind};
use super::super::object::Object as _;
use super::super::refusal::Refusal;
use super::super::roles;
use super::super::schema::Entity;
use super::super::write::group::GroupChange;
use super::{Act, Directory, Entry, Member};

/// How many owners a group may have.
const OWNERS: usize = 100;

impl Directory {
    /// The group with this id; another key is refused as Graph does.
    pub(in crate::simulator) fn group(&self, key: &str) -> Result<&Arc<Group>, Refusal> {
        let id =
            Uuid::parse_str(key).map_err(|_| Refusal::bad(format!("Invalid object identifier '{key}'.")))?;
        self.groups.get(&id).ok_or_else(|| Refusal::not_found(key))
    }

    /// All groups, by id.
    pub(in crate::simulator) fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    /// The groups behind `after`, by id.
    pub(in crate::simulator) fn groups_after(
        &self,
        after: Option<Uuid>,
    ) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.range((behind(after), Bound::Unbounded)).map(|(_, group)| group)
    }

    /// What a group can have as a member, by its id.
    pub(in crate::simulator) fn member(&self, id: Uuid) -> Option<Member> {
        let user = || self.users.get(&id).cloned().map(Member::User);
        user().or_else(|| self.groups.get(&id).cloned().map(Member::Group))
    }

    /// The members of `group` behind `after`, by id, without the deleted ones.
    pub(in crate::simulator) fn members(
        &self,
        group: Uuid,
        after: Option<Uuid>,
    ) -> impl Iterator<Item = Member> {
        let ids = self.members.get(&group).into_iter();
        ids.flat_map(move |ids| ids.range((behind(after), Bound::Unbounded)))
            .filter_map(|&id| self.member(id))
    }

    /// The groups behind `after`, by id, whose direct member `id` is.
    pub(in crate::simulator) fn groups_of(
        &self,
        id: Uuid,
        after: Option<Uuid>,
    ) -> impl Iterator<Item = &Arc<Group>> {
        let ids = self.belongs.get(&id).into_iter();
        ids.flat_map(move |ids| ids.range((behind(after), Bound::Unbounded)))
            .filter_map(|id| self.groups.get(id))
    }

    /// What `account` is a direct member of, roles and groups, behind `after`, by id.
    pub(in crate::simulator) fn belonging(&self, account: &Account, after: Option<Uuid>) -> Vec<Member> {
        let roles = account.held_roles().into_iter().map(Member::Role);
        let roles = roles.filter(|role| after.is_none_or(|id| role.id() > id));
        let groups = self.groups_of(account.id, after).cloned().map(Member::Group);
        let mut all: Vec<Member> = roles.chain(groups).collect();
        all.sort_by_key(Member::id);
        all
    }

    /// Whether `id` is a direct member of `group`.
    pub(in crate::simulator) fn is_member(&self, group: Uuid, id: Uuid) -> bool {
        self.members.get(&group).is_some_and(|members| members.contains(&id))
    }

    /// Makes a group.
    pub(in crate::simulator) fn create_group(
        &mut self,
        id: Uuid,
        change: &GroupChange,
        act: &Act<'_>,
    ) -> Result<Arc<Group>, Refusal> {
        let mut group = Group::new(id);
        group.set("createdDateTime", json!(account::seconds(act.now)));
        group.set("groupTypes", json!([]));
        apply(&mut group, &change.properties);
        self.check_kind(&group, act)?;
        self.add_owners(&mut group, &change.owners)?;
        self.check_joining(&group, &change.members)?;
        self.keep_group(group, &change.members)
    }

    /// Changes a group and adds members to it: all of it or nothing.
    pub(in crate::simulator) fn update_group(
        &mut self,
        key: &str,
        change: &GroupChange,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let current = self.group(key)?;
        check_writable(current, act)?;
        let mut group = Group::clone(current);
        apply(&mut group, &change.properties);
        if !change.properties.is_empty() {
            self.check_kind(&group, act)?;
        }
        self.add_owners(&mut group, &change.owners)?;
        self.check_joining(&group, &change.members)?;
        if change.properties.is_empty() && change.owners.is_empty() {
            return self.join(group.id, &change.members);
        }
        self.keep_group(group, &change.members).map(|_| ())
    }

    /// Takes a member out of a group.
    pub(in crate::simulator) fn remove_member(
        &mut self,
        key: &str,
        member: &str,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let group = self.group(key)?;
        check_writable(group, act)?;
        check_assigned(group)?;
        let (group, id) = (group.id, Uuid::parse_str(member).unwrap_or_default());
        if !self.is_member(group, id) || self.member(id).is_none() {
            return Err(Refusal::not_found(member));
        }
        self.leave(group, vec![id])
    }

    /// Deletes a group: a Microsoft 365 group can be restored for 30 days, any other is gone for good, also from the
    /// groups that it is a member of.
    pub(in crate::simulator) fn delete_group(&mut self, key: &str, act: &Act<'_>) -> Result<(), Refusal> {
        let group = self.group(key)?;
        check_writable(group, act)?;
        if !group.is_unified() {
            let id = group.id;
            return self.forget(id);
        }
        let mut deleted = Group::clone(group);
        deleted.deleted = Some(act.now);
        self.keep(Entry::Group(Arc::new(deleted)))
    }

    /// What Graph does when `/$ref` is missing behind a member: it deletes the member itself.
    pub(in crate::simulator) fn delete_member(
        &mut self,
        key: &str,
        member: &str,
        act: &Act<'_>,
    ) -> Result<(), Refusal> {
        let group = self.group(key)?.id;
        let id = Uuid::parse_str(member).unwrap_or_default();
        if !self.is_member(group, id) {
            return Err(Refusal::not_found(member));
        }
        match self.member(id) {
            Some(Member::User(_)) => self.delete(member, act),
            Some(Member::Group(_)) => self.delete_group(member, act),
            Some(Member::Role(_)) | None => Err(Refusal::not_found(member)),
        }
    }

    /// Makes `group` what the directory holds, past all rules, with exactly these members if they are given.
    pub(in crate::simulator) fn put_group(
        &mut self,
        group: Group,
        members: Option<&BTreeSet<Uuid>>,
    ) -> Result<Arc<Group>, Refusal> {
        let Some(wanted) = members else {
            return self.keep_group(group, &BTreeSet::new());
        };
        if let Some(unknown) = wanted.iter().find(|&&id| self.member(id).is_none()) {
            return Err(Refusal::not_found(&unknown.to_string()));
        }
        let kept = self.members.get(&group.id);
        let superfluous = kept.into_iter().flatten().filter(|id| !wanted.contains(id)).copied().collect();
        self.leave(group.id, superfluous)?;
        self.keep_group(group, wanted)
    }

    fn keep_group(&mut self, group: Group, joining: &BTreeSet<Uuid>) -> Result<Arc<Group>, Refusal> {
        let group = Arc::new(group);
        self.keep(Entry::Group(Arc::clone(&group)))?;
        self.join(group.id, joining)?;
        Ok(group)
    }

    fn join(&mut self, group: Uuid, joining: &BTreeSet<Uuid>) -> Result<(), Refusal> {
        let known = |id: &&Uuid| !self.is_member(group, **id);
        let members: Vec<Uuid> = joining.iter().filter(known).copied().collect();
        if members.is_empty() { Ok(()) } else { self.keep(Entry::Joined { group, members }) }
    }

    fn leave(&mut self, group: Uuid, members: Vec<Uuid>) -> Result<(), Refusal> {
        if members.is_empty() { Ok(()) } else { self.keep(Entry::Left { group, members }) }
    }

    /// Whether Graph makes such a group ("Create group").
    fn check_kind(&self, group: &Group, act: &Act<'_>) -> Result<(), Refusal> {
        let is = |name: &str| group.properties.get(name) == Some(&Value::Bool(true));
        check_roles(group, act)?;
        if group.kind() == GroupKind::Dynamic && group.text("membershipRule").is_none() {
            return Err(Refusal::required(Entity::Group, "membershipRule"));
        }
        if group.is_unified() {
            return if is("mailEnabled") { self.check_nickname(group) } else { Err(unsupported()) };
        }
        if is("mailEnabled") || !is("securityEnabled") { Err(unsupported()) } else { Ok(()) }
    }

    /// Only Microsoft 365 groups have a nickname of their own.
    pub(super) fn check_nickname(&self, group: &Group) -> Result<(), Refusal> {
        let nickname = |group: &Group| group.text("mailNickname").unwrap_or_default().to_lowercase();
        let own = nickname(group);
        let taken =
            |other: &&Arc<Group>| other.is_unified() && other.id != group.id && nickname(other) == own;
        match self.groups.values().find(taken) {
            Some(_) => Err(Refusal::bad(
                "Another object with the same value for property mailNickname already exists.",
            )),
            None => Ok(()),
        }
    }

    /// Adds owners: all or none.
    fn add_owners(&self, group: &mut Group, owners: &BTreeSet<Uuid>) -> Result<(), Refusal> {
        if let Some(unknown) = owners.iter().find(|id| !self.users.contains_key(id)) {
            return Err(Refusal::not_found(&unknown.to_string()));
        }
        if owners.iter().any(|id| group.owners.contains(id)) {
            return Err(Refusal::already("owners"));
        }
        group.owners.extend(owners);
        let count = group.owners.len();
        if count <= OWNERS {
            return Ok(());
        }
        Err(Refusal::quota(format!(
            "Unable to perform operation as '{count}' would exceed the maximum quota count '{OWNERS}' for forward-link owners."
        )))
    }

    /// Whether all of `joining` can become members of `group`.
    fn check_joining(&self, group: &Group, joining: &BTreeSet<Uuid>) -> Result<(), Refusal> {
        if joining.is_empty() {
            return Ok(());
        }
        check_assigned(group)?;
        for &id in joining {
            match self.member(id) {
                None => return Err(Refusal::not_found(&id.to_string())),
                Some(Member::Group(nested)) => check_nesting(group, &nested)?,
                Some(Member::User(_) | Member::Role(_)) => {}
            }
        }
        if joining.iter().any(|&id| self.is_member(group.id, id)) {
            return Err(Refusal::already("members"));
        }
        Ok(())
    }
}

pub(super) fn behind(after: Option<Uuid>) -> Bound<Uuid> {
    after.map_or(Bound::Unbounded, Bound::Excluded)
}

fn apply(group: &mut Group, properties: &Map<String, Value>) {
    for (name, value) in properties {
        group.set(name, value.clone());
    }
}

/// Whether Graph changes such a group at all.
fn check_writable(group: &Group, act: &Act<'_>) -> Result<(), Refusal> {
    match group.kind() {
        GroupKind::MailEnabledSecurity | GroupKind::Distribution => Err(Refusal::mail_enabled()),
        GroupKind::OnPremises => Err(Refusal::synced()),
        GroupKind::RoleAssignable => check_roles(group, act),
        GroupKind::Security | GroupKind::Microsoft365 | GroupKind::Dynamic => Ok(()),
    }
}

/// A group that can hold roles takes a permission, and for a person a role, of its own.
fn check_roles(group: &Group, act: &Act<'_>) -> Result<(), Refusal> {
    let caller = act.caller;
    let ranks = ["Privileged Role Administrator", roles::HIGHEST].iter().any(|role| caller.holds(role));
    let may = caller.has("RoleManagement.ReadWrite.Directory") && (caller.user.is_none() || ranks);
    if may || group.kind() != GroupKind::RoleAssignable { Ok(()) } else { Err(Refusal::denied()) }
}

/// Whether the members are assigned, and do not follow a rule: 403, as "Add members" has it; its words are not known.
fn check_assigned(group: &Group) -> Result<(), Refusal> {
    if group.kind() == GroupKind::Dynamic { Err(Refusal::denied()) } else { Ok(()) }
}

/// A security group takes security groups, a Microsoft 365 group takes users only ("Add members"). That anything else is
/// refused is documented; the words are not.
fn check_nesting(group: &Group, nested: &Group) -> Result<(), Refusal> {
    let secure = |group: &Group| !group.is_unified() && group.kind() != GroupKind::Distribution;
    if group.id == nested.id || !secure(group) || !secure(nested) {
        return Err(Refusal::bad("The group cannot be added as a member of this group."));
    }
    Ok(())
}

fn unsupported() -> Refusal {
    Refusal::bad(
        "The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.",
    )
}

#[cfg(test)]
mod tests;
