//! Groups with their members taken apart: a membership is a row, never a list that is read and rewritten.
//!
//! A body or a PATCH of a group is split in two: the attributes, which are a [`Resource`] like any other, and what
//! happens to the members, as a few [`MemberChange`]s that name ids. Of a member only its id matters here: `$ref`,
//! `display` and `type` are the server's to say (RFC 7643 §4.2), and clients that send them are not held to them.

use std::collections::HashSet;

use scim_filter_parser::{CompareOp, Filter, Path, Value as Literal};
use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::filter::{self, Predicate};
use super::patch::{Operation, OperationKind, PatchRequest, Selection, Which, located};
use super::resource::Resource;
use super::schema::{Attribute, GROUP, MEMBERS, Resolved, Target};
use super::values;

mod value;

pub use value::MAX_ID;
use value::{checked, ids, says_who};

/// The body of a POST or PUT of a group.
#[derive(Debug)]
pub struct GroupInput {
    /// The group without `members`.
    pub resource: Resource,
    /// The members' ids, each once, in the order of the body. `None` where the body does not speak of members;
    /// empty where it says that there are none (`[]` or `null`).
    pub members: Option<Vec<String>>,
    /// The names that were passed over: read-only, unknown, or of a foreign schema.
    pub ignored: Vec<String>,
}

/// A PATCH of a group.
#[derive(Debug)]
pub struct GroupPatch {
    /// The operations on everything but members, for [`patch::apply`](super::patch::apply) with [`GROUP`]; `None`
    /// where there are none. Their errors name the operations by their places in the whole body.
    pub attributes: Option<PatchRequest>,
    /// What happens to the members, in the order of the body. It commutes with the attributes.
    pub members: Vec<MemberChange>,
    /// The names at members that were passed over; those of the attributes are in [`Patched`](super::Patched).
    pub ignored: Vec<String>,
}

/// One change of a group's members. Every list names each id once and is not empty. Adding a present member and
/// removing an absent one change nothing (RFC 7644 §3.5.2.1 and §3.5.2.2).
///
/// A [`Predicate`] in here is to be asked by [`Predicate::matches`] with a map that has the one key `members`: a list
/// of one object with that member's `value`, `$ref`, `type` and `display` as a client would read them.
#[derive(Clone, Debug)]
pub enum MemberChange {
    /// These become members. An id that does not exist is an error.
    Add(Vec<String>),
    /// These are members no longer, if they were. Ids that do not exist are none.
    Remove(Vec<String>),
    /// Nobody is a member any more.
    Clear,
    /// These and no others are members. An id that does not exist is an error.
    ReplaceAll(Vec<String>),
    /// The members that match are members no longer, if there are any.
    RemoveWhere(Predicate),
    /// The members that match give way to others. When none matches, it is `noTarget` (RFC 7644 §3.5.2.3).
    ReplaceWhere {
        /// Who goes.
        which: Predicate,
        /// Who comes. An id that does not exist is an error.
        with: Vec<String>,
    },
}

impl GroupInput {
    /// Reads the body of a POST or PUT of a group, as [`Resource::parse`] does; `members` may be one object, a list, or
    /// bare ids. An id that is missing, blank or longer than [`MAX_ID`] is `invalidValue` and names its place.
    pub fn parse(body: Value, dialect: Dialect) -> Result<Self, Error> {
        let mut given = None;
        let body = match body {
            Value::Object(body) => {
                let mut rest = Map::with_capacity(body.len());
                for (key, value) in body {
                    if !is_members(&key) {
                        rest.insert(key, value);
                    } else if given.replace(value).is_some() {
                        return Err(values::twice("members"));
                    }
                }
                Value::Object(rest)
            }
            other => other,
        };
        let input = Resource::parse(&GROUP, body, dialect)?;
        let mut ignored = input.ignored;
        let members = match given {
            Some(given) => Some(fold(ids(given, &mut ignored)?)),
            None => None,
        };
        Ok(Self { resource: input.resource, members, ignored: fold(ignored) })
    }
}

impl GroupPatch {
    /// Reads the body of a PATCH of a group, as [`PatchRequest::parse`] does, and takes the members out of it.
    ///
    /// All that a client may mean by `members` is understood: a path or a key of a value without path; with the schema's
    /// URN, in any case; one object, a list, or bare ids; a `remove` with the values to remove; `members[value eq "x"]`.
    /// An `add` there makes x a member. A member's id cannot be changed by path (`mutability`), nor its
    /// `display`, which is read-only; its `$ref` and `type` are passed over.
    pub fn parse(body: Value, dialect: Dialect) -> Result<Self, Error> {
        let PatchRequest { operations, alone } = PatchRequest::parse(body, dialect)?;
        let mut split = Split { dialect, changes: Vec::new(), ignored: Vec::new() };
        let mut attributes = Vec::new();
        for operation in operations {
            let index = operation.index;
            let rest = split.operation(operation).map_err(|error| located(error, index, alone))?;
            attributes.extend(rest);
        }
        let members = split.changes.into_iter().map(MemberChange::folded).collect();
        let attributes = (!attributes.is_empty()).then_some(PatchRequest { operations: attributes, alone });
        Ok(Self { attributes, members, ignored: fold(split.ignored) })
    }
}

impl MemberChange {
    fn folded(self) -> Self {
        match self {
            Self::Add(ids) => Self::Add(fold(ids)),
            Self::Remove(ids) => Self::Remove(fold(ids)),
            Self::ReplaceAll(ids) => Self::ReplaceAll(fold(ids)),
            Self::ReplaceWhere { which, with } => Self::ReplaceWhere { which, with: fold(with) },
            change @ (Self::Clear | Self::RemoveWhere(_)) => change,
        }
    }
}

/// A PATCH on its way to being split.
struct Split {
    dialect: Dialect,
    changes: Vec<MemberChange>,
    ignored: Vec<String>,
}

/// The members that a filter in brackets picks.
struct Picked {
    /// The ids, where it does so by nothing else.
    ids: Option<Vec<String>>,
    predicate: Predicate,
}

impl Split {
    /// Takes what concerns members; comes back with the operation, or with what is left of it.
    fn operation(&mut self, operation: Operation) -> Result<Option<Operation>, Error> {
        let Some(path) = &operation.path else {
            return self.whole(operation);
        };
        if let Some(schema) = GROUP.schema_of(&path.text) {
            let is_core = std::ptr::eq(schema, GROUP.schema) && operation.kind != OperationKind::Remove;
            return if is_core { self.whole(operation) } else { Ok(Some(operation)) };
        }
        if !points_at_members(&path.path) {
            return Ok(Some(operation));
        }
        self.change(operation.kind, &path.path, &path.text, operation.value)?;
        Ok(None)
    }

    /// The keys of a value without path (RFC 7644 §3.5.2.1 and §3.5.2.3).
    fn whole(&mut self, operation: Operation) -> Result<Option<Operation>, Error> {
        let given = match operation.value {
            Some(Value::Object(given)) => given,
            Some(Value::Array(mut list)) if list.len() == 1 && list[0].is_object() => match list.pop() {
                Some(Value::Object(given)) => given,
                _ => Map::new(),
            },
            // The attributes' own reading says what is wrong with it.
            value => return Ok(Some(Operation { value, ..operation })),
        };
        let mut seen = HashSet::new();
        let mut rest = Map::with_capacity(given.len());
        for (key, value) in given {
            let Some(path) = member_path(&key, self.dialect) else {
                rest.insert(key, value);
                continue;
            };
            if !seen.insert(key.to_ascii_lowercase()) {
                return Err(values::twice(&key));
            }
            self.change(operation.kind, &path, &key, Some(value))?;
        }
        let only_members = rest.is_empty() && !seen.is_empty();
        Ok((!only_members).then_some(Operation { value: Some(Value::Object(rest)), ..operation }))
    }

    fn change(
        &mut self,
        kind: OperationKind,
        path: &Path,
        text: &str,
        value: Option<Value>,
    ) -> Result<(), Error> {
        let selection = Selection::of(&GROUP, path, self.dialect)?.ok_or_else(|| {
            let text = super::error::excerpt(text);
            Error::new(ErrorKind::InvalidPath, format!("The path {text} names no part of a member."))
        })?;
        let value = value.unwrap_or_default();
        let picked = selection.which.map(|which| Picked::of(which, path.filter.as_ref()));
        match (selection.place.sub, picked) {
            (None, None) => self.all(kind, value),
            (None, Some(picked)) => self.some(kind, picked, value),
            (Some(sub), picked) => self.part(kind, picked.as_ref(), sub, value),
        }
    }

    /// `members`.
    fn all(&mut self, kind: OperationKind, value: Value) -> Result<(), Error> {
        // RFC 7644 §3.5.2.2: a remove without a value removes all; with one, as Entra sends it, only what it names.
        if kind == OperationKind::Remove && value.is_null() {
            self.push(MemberChange::Clear);
            return Ok(());
        }
        let ids = ids(value, &mut self.ignored)?;
        match (kind, ids.is_empty()) {
            (OperationKind::Replace, true) => self.push(MemberChange::Clear),
            (OperationKind::Replace, false) => self.push(MemberChange::ReplaceAll(ids)),
            (_, true) => {}
            (OperationKind::Add, false) => self.push(MemberChange::Add(ids)),
            (OperationKind::Remove, false) => self.push(MemberChange::Remove(ids)),
        }
        Ok(())
    }

    /// `members[…]`.
    fn some(&mut self, kind: OperationKind, picked: Picked, value: Value) -> Result<(), Error> {
        match kind {
            OperationKind::Remove => self.push(picked.removed()),
            OperationKind::Add => return self.add_picked(&picked, value),
            OperationKind::Replace => {
                if picked.sole().is_some() && !says_who(&value) {
                    return self.pass_over(value);
                }
                let with = ids(value, &mut self.ignored)?;
                if with.is_empty() {
                    self.push(picked.removed());
                } else {
                    self.push(MemberChange::ReplaceWhere { which: picked.predicate, with });
                }
            }
        }
        Ok(())
    }

    /// An add to `members[value eq "x"]` makes x a member; any other filter picks members that there are, and of those
    /// nothing can be changed.
    fn add_picked(&mut self, picked: &Picked, value: Value) -> Result<(), Error> {
        let named = if says_who(&value) {
            ids(value, &mut self.ignored)?
        } else {
            self.pass_over(value)?;
            Vec::new()
        };
        let sole = picked.sole();
        if named.iter().any(|id| Some(id.as_str()) != sole) {
            return Err(immutable());
        }
        if let Some(id) = sole {
            self.push(MemberChange::Add(vec![id.to_owned()]));
        }
        Ok(())
    }

    /// `members.sub` and `members[…].sub`.
    fn part(
        &mut self,
        kind: OperationKind,
        picked: Option<&Picked>,
        sub: &'static Attribute,
        value: Value,
    ) -> Result<(), Error> {
        let place = Resolved { sub: Some(sub), ..MEMBERS };
        if sub.is_read_only() {
            let detail = format!("{place} is read-only: the server says it.");
            return Err(Error::new(ErrorKind::Mutability, detail));
        }
        let value = match kind {
            OperationKind::Remove => None,
            _ => values::read_one(place, value, &mut self.ignored)?,
        };
        if sub.name != "value" {
            self.ignored.push(place.to_string());
            return Ok(());
        }
        let sole = picked.and_then(Picked::sole);
        match (kind, value) {
            (OperationKind::Add, Some(Value::String(id))) if Some(id.trim()) == sole => {
                self.push(MemberChange::Add(vec![id.trim().to_owned()]));
                Ok(())
            }
            (OperationKind::Replace, Some(Value::String(id))) if Some(id.trim()) == sole => Ok(()),
            _ => Err(immutable()),
        }
    }

    /// A value for a member that says nothing but what is not the client's to say.
    fn pass_over(&mut self, value: Value) -> Result<(), Error> {
        if let Some(Value::Object(parts)) = values::read_one(MEMBERS, value, &mut self.ignored)? {
            self.ignored.extend(parts.keys().map(|name| format!("members.{name}")));
        }
        Ok(())
    }

    /// Notes a change; the adds and the removes of clients that send one operation a member become one.
    fn push(&mut self, change: MemberChange) {
        match (self.changes.last_mut(), change) {
            (Some(MemberChange::Add(before)), MemberChange::Add(ids))
            | (Some(MemberChange::Remove(before)), MemberChange::Remove(ids)) => before.extend(ids),
            (_, change) => self.changes.push(change),
        }
    }
}

impl Picked {
    fn of(which: Which, filter: Option<&Filter>) -> Self {
        let predicate = Predicate::Element { target: MEMBERS, predicate: Box::new(which.predicate) };
        Self { ids: filter.and_then(ids_of), predicate }
    }

    /// The one id that is picked.
    fn sole(&self) -> Option<&str> {
        match self.ids.as_deref() {
            Some([id]) => Some(id),
            _ => None,
        }
    }

    fn removed(self) -> MemberChange {
        match self.ids {
            Some(ids) => MemberChange::Remove(ids),
            None => MemberChange::RemoveWhere(self.predicate),
        }
    }
}

/// The ids of `value eq "x"` and of such joined by `or`.
fn ids_of(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Or(filters) => {
            let mut all = Vec::with_capacity(filters.len());
            for filter in filters {
                all.extend(ids_of(filter)?);
            }
            Some(all)
        }
        Filter::Compare { attr, op: CompareOp::Eq, value } if attr.name.eq_ignore_ascii_case("value") => {
            let id = match value {
                Literal::String(id) => id.clone(),
                // Only where strings may come without quotes; elsewhere the filter has been refused already.
                Literal::Integer(id) => id.to_string(),
                Literal::Bool(id) => id.to_string(),
                Literal::Decimal(_) | Literal::Null => return None,
            };
            checked(&id).ok().map(|id| vec![id])
        }
        _ => None,
    }
}

/// Whether a key of a body is `members`, in any case and with or without the schema's URN.
fn is_members(key: &str) -> bool {
    if !key.contains(':') {
        return key.trim().eq_ignore_ascii_case("members");
    }
    matches!(GROUP.resolve_text(key), Some(Target::Attribute(place)) if place.is_core("members", None))
}

/// The path that a key of a value is, if it leads to members.
fn member_path(key: &str, dialect: Dialect) -> Option<Path> {
    let path = Path::parse_with(key.trim(), &filter::options(dialect)).ok()?;
    points_at_members(&path).then_some(path)
}

fn points_at_members(path: &Path) -> bool {
    let whole = scim_filter_parser::AttrPath { sub: None, ..path.attr.clone() };
    GROUP.resolve(&whole).is_some_and(|place| place.is_core("members", None))
}

fn immutable() -> Error {
    Error::new(
        ErrorKind::Mutability,
        "members.value cannot be changed once it is set; remove the member and add another.",
    )
}

/// Each text once, where it first stands.
fn fold(mut texts: Vec<String>) -> Vec<String> {
    if texts.len() > 1 {
        let mut seen = HashSet::with_capacity(texts.len());
        texts.retain(|text| seen.insert(text.clone()));
    }
    texts
}

#[cfg(test)]
mod tests;
