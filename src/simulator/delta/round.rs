//! The parts of a round: an object each, or some of the members of a large group.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::account::Account;
use super::super::directory::{Directory, Member, Noted, What};
use super::super::group::Group;
use super::super::object::Object;
use super::super::schema::{self, Entity};
use super::{DeltaSettings, Place, Token};

/// How many changes are told again, where noise is wanted.
const REPLAYED: u64 = 3;

/// A round, at the state of the directory now.
pub(super) struct Round<'a> {
    pub(super) directory: &'a Directory,
    pub(super) entity: Entity,
    pub(super) token: &'a Token,
    /// `Prefer: return=minimal`: only what changed.
    pub(super) minimal: bool,
    pub(super) settings: DeltaSettings,
    pub(super) issuer: &'a str,
}

/// The parts of a page, and where the next one begins.
type Page = (Vec<Value>, Option<Place>);

/// What happened to one object since.
#[derive(Default)]
struct Happened {
    /// The number of its last change, which orders the round.
    number: u64,
    appeared: bool,
    names: BTreeSet<String>,
    members: BTreeSet<Uuid>,
}

impl Round<'_> {
    /// The page that the token asks for at the time `now`. None where its changes are not known any more.
    pub(super) fn page(&self, now: i64) -> Option<Page> {
        if self.token.place == Some(Place::End) {
            return Some((Vec::new(), None));
        }
        let (mut values, place) = match self.token.since {
            None if self.entity == Entity::User => self.first_users(),
            None => self.first_groups(),
            Some(since) => self.later(since)?,
        };
        if place.is_some() || !self.settings.noise {
            return Some((values, place));
        }
        if self.token.since.is_none() && self.entity == Entity::User {
            let deleted = self.directory.deleted(now).filter(|account| self.wanted(account.id));
            values.extend(deleted.map(|account| removed(account.id, "changed")));
        }
        Some((values, Some(Place::End)))
    }

    fn size(&self) -> usize {
        self.settings.page_size.max(1)
    }

    fn wanted(&self, id: Uuid) -> bool {
        self.token.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }

    /// Whether changes of this property or relationship are told.
    fn tracks(&self, name: &str) -> bool {
        match &self.token.select {
            Some(names) => names.iter().any(|selected| selected == name),
            None => name == "members" || self.properties().any(|property| property == name),
        }
    }

    /// The properties that are told.
    fn properties(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match &self.token.select {
            Some(names) => Box::new(names.iter().map(String::as_str)),
            None if self.entity == Entity::User => Box::new(schema::DEFAULT.iter().copied()),
            None => Box::new(schema::group::DEFAULT.iter().copied()),
        }
    }

    fn first_users(&self) -> Page {
        let after = match &self.token.place {
            Some(Place::Behind { id, .. }) => Some(*id),
            _ => None,
        };
        let wanted = self.directory.users_after(after).filter(|account| self.wanted(account.id));
        let mut accounts: Vec<_> = wanted.take(self.size() + 1).collect();
        let more = accounts.len() > self.size();
        accounts.truncate(self.size());
        let place = accounts.last().filter(|_| more).map(|last| Place::Behind { id: last.id, member: None });
        let parts = accounts.iter().map(|account| self.user(account, None)).collect();
        (parts, place)
    }

    fn first_groups(&self) -> Page {
        let mut parts = Vec::new();
        let mut place = self.token.place.clone();
        loop {
            if parts.len() == self.size() {
                return (parts, place);
            }
            let (group, after) = match &place {
                Some(Place::Behind { id, member: Some(member) }) => {
                    (self.directory.group(&id.to_string()).ok(), Some(*member))
                }
                Some(Place::Behind { id, member: None }) => (self.next_group(Some(*id)), None),
                _ => (self.next_group(None), None),
            };
            let Some(group) = group else {
                return (parts, None);
            };
            let members = self.members(group.id, after, &mut place);
            let mut part = if after.is_none() { self.group(group, None) } else { bare(group.id) };
            if self.tracks("members") && (after.is_none() || !members.is_empty()) {
                part.insert("members@delta".to_owned(), members.into());
            }
            parts.push(part.into());
        }
    }

    fn next_group(&self, after: Option<Uuid>) -> Option<&std::sync::Arc<Group>> {
        self.directory.groups_after(after).find(|group| self.wanted(group.id))
    }

    /// The next members of a group; `place` is then where its further members, or the next group, begin.
    fn members(&self, group: Uuid, after: Option<Uuid>, place: &mut Option<Place>) -> Vec<Value> {
        *place = Some(Place::Behind { id: group, member: None });
        if !self.tracks("members") {
            return Vec::new();
        }
        let mut members: Vec<Member> = self.directory.members(group, after).take(self.size() + 1).collect();
        if members.len() > self.size() {
            members.truncate(self.size());
            let member = members.last().map(Object::id);
            *place = Some(Place::Behind { id: group, member });
        }
        members.iter().map(joined).collect()
    }

    fn later(&self, since: u64) -> Option<Page> {
        let noisy = self.settings.noise;
        let from = if noisy { since.saturating_sub(REPLAYED) } else { since };
        // What is too old to be told again may be forgotten; what must be told may not.
        let from = if self.directory.log().since(from).is_some() { from } else { since };
        let mut happened: HashMap<Uuid, Happened> = HashMap::new();
        for note in self.directory.log().since(from)?.take_while(|note| note.number <= self.token.until) {
            if note.entity == self.entity && self.wanted(note.id) {
                happened.entry(note.id).or_default().add(note);
            }
        }
        let mut ordered: Vec<(Uuid, Happened)> = happened.into_iter().collect();
        ordered.sort_by_key(|(_, happened)| happened.number);
        let mut parts: Vec<Value> = ordered.iter().flat_map(|(id, what)| self.changed(*id, what)).collect();
        if let Some(twice) = parts.first().filter(|_| noisy).cloned() {
            parts.push(twice);
        }
        let skipped = match self.token.place {
            Some(Place::Skipped(count)) => count,
            _ => 0,
        };
        let end = skipped + self.size();
        let place = (parts.len() > end).then_some(Place::Skipped(end));
        Some((parts.into_iter().skip(skipped).take(self.size()).collect(), place))
    }

    /// The parts that tell what happened to an object.
    fn changed(&self, id: Uuid, happened: &Happened) -> Vec<Value> {
        let key = id.to_string();
        match self.entity {
            Entity::User => match self.directory.find(&key) {
                Some(account) if happened.appeared => vec![self.user(account, None)],
                Some(account) if self.concerns(happened) => vec![self.user(account, Some(&happened.names))],
                Some(_) => Vec::new(),
                None => vec![self.gone(id)],
            },
            Entity::Group => match self.directory.group(&key) {
                Ok(group) => self.group_changed(group, happened),
                Err(_) => vec![self.gone(id)],
            },
        }
    }

    fn concerns(&self, happened: &Happened) -> bool {
        happened.names.iter().any(|name| self.tracks(name))
    }

    fn gone(&self, id: Uuid) -> Value {
        removed(id, if self.directory.is_restorable(id) { "changed" } else { "deleted" })
    }

    fn group_changed(&self, group: &Group, happened: &Happened) -> Vec<Value> {
        let members: Vec<Value> = if !self.tracks("members") {
            Vec::new()
        } else if happened.appeared {
            self.directory.members(group.id, None).map(|member| joined(&member)).collect()
        } else {
            happened.members.iter().map(|&id| self.membership(group.id, id)).collect()
        };
        let concerned = self.concerns(happened);
        if !happened.appeared && !concerned && members.is_empty() {
            return Vec::new();
        }
        let mut first = if happened.appeared {
            self.group(group, None)
        } else if concerned || !self.minimal {
            self.group(group, Some(&happened.names))
        } else {
            bare(group.id)
        };
        let mut chunks = members.chunks(self.size());
        if let Some(chunk) = chunks.next() {
            first.insert("members@delta".to_owned(), chunk.into());
        }
        let more = chunks.map(|chunk| {
            let mut part = bare(group.id);
            part.insert("members@delta".to_owned(), chunk.into());
            part.into()
        });
        std::iter::once(first.into()).chain(more).collect()
    }

    fn membership(&self, group: Uuid, id: Uuid) -> Value {
        match self.directory.member(id).filter(|_| self.directory.is_member(group, id)) {
            Some(member) => joined(&member),
            None if self.directory.is_member(group, id) => {
                // Deleted, but it keeps its memberships until it is purged.
                json!({ "@odata.type": "#microsoft.graph.user", "id": id })
            }
            None => {
                let kind = self.directory.member(id).map_or("#microsoft.graph.user", |member| member.kind());
                json!({ "@odata.type": kind, "id": id, "@removed": { "reason": "deleted" } })
            }
        }
    }

    /// A user: whole, or after a change of `names`.
    fn user(&self, account: &Account, names: Option<&BTreeSet<String>>) -> Value {
        let select: Vec<String> = self.properties().map(str::to_owned).collect();
        let view = account.view(Some(&select), self.issuer);
        let mut shown = self.shown(account.id, view, names);
        if self.tracks("manager") && names.is_none_or(|names| names.contains("manager")) {
            let manager =
                account.manager.map(|id| json!({ "@odata.type": "#microsoft.graph.user", "id": id }));
            if names.is_some() || manager.is_some() {
                shown.insert("manager@delta".to_owned(), manager.into_iter().collect());
            }
        }
        shown.into()
    }

    /// A group without members: whole, or after a change of `names`.
    fn group(&self, group: &Group, names: Option<&BTreeSet<String>>) -> Map<String, Value> {
        let select: Vec<String> = self.properties().map(str::to_owned).collect();
        self.shown(group.id, group.view(Some(&select)), names)
    }

    /// What of an object's `view` is told: a property without a value only if it lost it, and nothing but what changed
    /// if that is wished. All directory extensions are told when one of them changes.
    fn shown(
        &self,
        id: Uuid,
        view: Map<String, Value>,
        names: Option<&BTreeSet<String>>,
    ) -> Map<String, Value> {
        let extended = names.is_some_and(|names| names.iter().any(|name| schema::is_extension(name)));
        let changed = |name: &String| {
            names.is_some_and(|names| names.contains(name)) || (extended && schema::is_extension(name))
        };
        let told = |name: &String, value: &Value| {
            changed(name) || (!value.is_null() && (names.is_none() || !self.minimal))
        };
        let mut shown = bare(id);
        shown.extend(view.into_iter().filter(|(name, value)| name != "id" && told(name, value)));
        shown
    }
}

impl Happened {
    fn add(&mut self, note: &Noted) {
        self.number = note.number;
        match &note.what {
            What::Appeared => self.appeared = true,
            What::Properties(names) => self.names.extend(names.iter().cloned()),
            What::Members { ids } => self.members.extend(ids),
            What::Deleted | What::Purged => {}
        }
    }
}

fn bare(id: Uuid) -> Map<String, Value> {
    let mut part = Map::new();
    part.insert("id".to_owned(), json!(id));
    part
}

fn removed(id: Uuid, reason: &str) -> Value {
    json!({ "id": id, "@removed": { "reason": reason } })
}

fn joined(member: &Member) -> Value {
    json!({ "@odata.type": member.kind(), "id": member.id() })
}
