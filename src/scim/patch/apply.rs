//! One operation after the other, on the parts of a copy.

use std::collections::HashSet;

use scim_filter_parser::Path;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::elements;
use super::selection::{Location, Selection};
use super::{Operation, OperationKind, Patched};
use crate::scim::dialect::Dialect;
use crate::scim::error::{Error, ErrorKind};
use crate::scim::filter;
use crate::scim::resource::{Parts, Resource, secret};
use crate::scim::schema::{Kind, Mutability, Resolved, ResourceType, Schema};
use crate::scim::values;

/// A resource under change.
pub(super) struct Work {
    rt: &'static ResourceType,
    dialect: Dialect,
    parts: Parts,
    password: Option<SecretString>,
    ignored: Vec<String>,
}

/// Whether a client named the target in `path`, or it is a key in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    ByPath,
    ByKey,
}

impl Work {
    pub(super) fn new(rt: &'static ResourceType, resource: &Resource, dialect: Dialect) -> Self {
        Self {
            rt,
            dialect,
            parts: Parts::take(rt, resource.as_map().clone()),
            password: None,
            ignored: Vec::new(),
        }
    }

    pub(super) fn finish(self, before: &Resource) -> Result<Patched, Error> {
        let after = self.parts.into_resource();
        after.check_required(self.rt)?;
        let changed = !after.same_as(before);
        Ok(Patched {
            resource: if changed { after } else { before.clone() },
            password: self.password,
            ignored: self.ignored,
            changed,
        })
    }

    pub(super) fn operation(&mut self, operation: &Operation) -> Result<(), Error> {
        let kind = operation.kind;
        let value = operation.value.clone();
        let Some(path) = &operation.path else {
            return self.whole(kind, value.unwrap_or_default());
        };
        match Location::of(self.rt, path, self.dialect)? {
            Location::Attribute(selection) => self.select(kind, &selection, value, Named::ByPath),
            Location::Schema(schema) if std::ptr::eq(schema, self.rt.schema) => {
                if kind == OperationKind::Remove {
                    return Err(mutability(
                        "The core schema cannot be removed; use DELETE to remove the resource.",
                    ));
                }
                self.whole(kind, value.unwrap_or_default())
            }
            Location::Schema(schema) => match kind {
                OperationKind::Remove => {
                    self.parts.of(schema).clear();
                    Ok(())
                }
                _ => self.extension(kind, schema, value.unwrap_or_default()),
            },
        }
    }

    /// RFC 7644 §3.5.2.1 and §3.5.2.3: without a path, the value is a set of attributes.
    fn whole(&mut self, kind: OperationKind, value: Value) -> Result<(), Error> {
        let mut seen = HashSet::new();
        for (key, value) in object(value, "An operation without a path")? {
            if !seen.insert(key.to_ascii_lowercase()) {
                return Err(values::twice(&key));
            }
            self.key(kind, key, value)?;
        }
        Ok(())
    }

    fn key(&mut self, kind: OperationKind, key: String, value: Value) -> Result<(), Error> {
        if let Some(attribute) = self.rt.attribute(&key) {
            let selection = Selection::whole(self.rt.schema, attribute);
            return self.select(kind, &selection, Some(value), Named::ByKey);
        }
        if let Some(schema) = self.rt.extension(&key) {
            return self.extension(kind, schema, value);
        }
        let selection = if key.contains(['.', ':', '[']) {
            match Path::parse_with(&key, &filter::options(self.dialect)) {
                Ok(path) => Selection::of(self.rt, &path, self.dialect)?,
                Err(_) => None,
            }
        } else {
            None
        };
        let Some(selection) = selection else {
            self.ignored.push(key);
            return Ok(());
        };
        self.select(kind, &selection, Some(value), Named::ByKey)
    }

    fn extension(&mut self, kind: OperationKind, schema: &'static Schema, value: Value) -> Result<(), Error> {
        if value.is_null() {
            if kind == OperationKind::Replace {
                self.parts.of(schema).clear();
            }
            return Ok(());
        }
        let mut seen = HashSet::new();
        for (key, value) in object(value, schema.id)? {
            if !seen.insert(key.to_ascii_lowercase()) {
                return Err(values::twice(&format!("{}:{key}", schema.id)));
            }
            match schema.attribute(&key) {
                Some(attribute) => {
                    let selection = Selection::whole(schema, attribute);
                    self.select(kind, &selection, Some(value), Named::ByKey)?;
                }
                None => self.dotted(kind, schema, &key, value)?,
            }
        }
        Ok(())
    }

    /// `manager.value` inside an extension's object.
    fn dotted(
        &mut self,
        kind: OperationKind,
        schema: &'static Schema,
        key: &str,
        value: Value,
    ) -> Result<(), Error> {
        let place = key.split_once('.').and_then(|(name, sub)| {
            let attribute = schema.attribute(name)?;
            Some(Resolved { schema, attribute, sub: Some(attribute.sub(sub)?) })
        });
        let Some(place) = place else {
            self.ignored.push(format!("{}:{key}", schema.id));
            return Ok(());
        };
        let selection = Selection { place, which: None };
        self.select(kind, &selection, Some(value), Named::ByKey)
    }

    fn select(
        &mut self,
        kind: OperationKind,
        selection: &Selection,
        value: Option<Value>,
        named: Named,
    ) -> Result<(), Error> {
        let place = selection.place;
        if place.attribute.is_read_only() || place.leaf().is_read_only() {
            if named == Named::ByKey {
                self.ignored.push(place.to_string());
                return Ok(());
            }
            return Err(mutability(format!(
                "{place} is read-only and cannot be changed by PATCH; leave this operation out."
            )));
        }
        if place.attribute.mutability == Mutability::WriteOnly {
            return self.secret(kind, place, value);
        }
        if kind == OperationKind::Remove && place.leaf().required {
            return Err(mutability(format!(
                "{place} is required and cannot be removed; replace it instead."
            )));
        }
        let own = self.parts.of(place.schema);
        if place.attribute.multi_valued {
            return elements::change(own, kind, selection, value, &mut self.ignored);
        }
        single(own, kind, place, value, &mut self.ignored)
    }

    /// The password goes its own way. There is no removing it: it was never stored here.
    fn secret(&mut self, kind: OperationKind, place: Resolved, value: Option<Value>) -> Result<(), Error> {
        let value = match (kind, value) {
            (OperationKind::Remove, _) | (_, None) => None,
            (_, Some(value)) => values::read_one(place, value, &mut self.ignored)?,
        };
        self.password = value.and_then(secret);
        Ok(())
    }
}

/// A single-valued attribute, simple or complex, or a sub-attribute of one.
fn single(
    own: &mut Map<String, Value>,
    kind: OperationKind,
    place: Resolved,
    value: Option<Value>,
    ignored: &mut Vec<String>,
) -> Result<(), Error> {
    let name = place.attribute.name;
    let value = match kind {
        OperationKind::Remove => Value::Null,
        _ => value.unwrap_or_default(),
    };
    let value = match value {
        // A list of one, or none, for a single value.
        Value::Array(list) if list.len() < 2 && !list.first().is_some_and(Value::is_array) => {
            list.into_iter().next().unwrap_or_default()
        }
        value => value,
    };
    let nothing = value.is_null();
    if place.attribute.kind != Kind::Complex || (nothing && place.sub.is_none()) {
        return match values::read_one(place, value, ignored)? {
            Some(value) => {
                own.insert(name.to_owned(), value);
                Ok(())
            }
            None if place.attribute.required => {
                Err(Error::value(format!("{place} is required and cannot be cleared; send a value.")))
            }
            None => {
                own.shift_remove(name);
                Ok(())
            }
        };
    }
    if nothing && !own.contains_key(name) {
        return Ok(());
    }
    let slot = own.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(parts) = slot {
        if place.sub.is_none() {
            values::merge(place, parts, value, ignored)?;
        } else {
            let value = values::read_one(place, value, ignored)?;
            values::set_part(place, parts, value, false)?;
        }
        if parts.is_empty() {
            own.shift_remove(name);
        }
    }
    Ok(())
}

/// The attributes in a value that must be an object; a list of one object stands for it.
fn object(value: Value, what: &str) -> Result<Map<String, Value>, Error> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Array(mut list) if list.len() == 1 && !list[0].is_array() => {
            object(list.pop().unwrap_or_default(), what)
        }
        _ => Err(Error::value(format!("{what} needs an object of attributes as its value."))),
    }
}

fn mutability(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Mutability, detail)
}
