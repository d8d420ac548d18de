//! The body of a POST or PUT, read attribute by attribute.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{Input, Parts};
use crate::scim::dialect;
use crate::scim::error::Error;
use crate::scim::schema::{Attribute, Mutability, Resolved, ResourceType, Schema, Target};
use crate::scim::values;

pub(super) fn read(rt: &'static ResourceType, body: Map<String, Value>) -> Result<Input, Error> {
    let mut draft = Draft::new(rt);
    for (key, value) in body {
        draft.entry(key, value)?;
    }
    draft.finish()
}

/// A body on its way to becoming a resource.
struct Draft {
    rt: &'static ResourceType,
    parts: Parts,
    /// The names seen so far, as canonical ones, to find those sent twice.
    seen: Vec<&'static str>,
    flat: Vec<(Resolved, Value)>,
    password: Option<SecretString>,
    ignored: Vec<String>,
}

impl Draft {
    fn new(rt: &'static ResourceType) -> Self {
        Self {
            rt,
            parts: Parts::new(rt),
            seen: Vec::with_capacity(24),
            flat: Vec::new(),
            password: None,
            ignored: Vec::new(),
        }
    }

    fn entry(&mut self, key: String, value: Value) -> Result<(), Error> {
        if let Some(attribute) = self.rt.attribute(&key) {
            self.see(attribute.name)?;
            return self.attribute(self.rt.schema, attribute, value);
        }
        if let Some(schema) = self.rt.extension(&key) {
            // Under a client's own URN and under ours are two places, which may both be there.
            self.see(dialect::alias(&key).unwrap_or(schema.id))?;
            return self.extension(schema, value);
        }
        match self.flattened(&key) {
            Some(place) => self.flat.push((place, value)),
            None => self.ignored.push(key),
        }
        Ok(())
    }

    fn see(&mut self, name: &'static str) -> Result<(), Error> {
        if self.seen.contains(&name) {
            return Err(values::twice(name));
        }
        self.seen.push(name);
        Ok(())
    }

    /// The attribute that a key such as `name.givenName` or `URN:department` means.
    fn flattened(&self, key: &str) -> Option<Resolved> {
        if !key.contains(['.', ':']) {
            return None;
        }
        match self.rt.resolve_text(key) {
            Some(Target::Attribute(place)) => {
                (place.sub.is_none() || !place.attribute.multi_valued).then_some(place)
            }
            _ => None,
        }
    }

    fn extension(&mut self, schema: &'static Schema, value: Value) -> Result<(), Error> {
        let object = match value {
            Value::Null => return Ok(()),
            Value::Object(object) => object,
            _ => {
                return Err(Error::value(format!(
                    "{} must be an object with the extension's attributes.",
                    schema.id
                )));
            }
        };
        let mut seen: Vec<&'static str> = Vec::new();
        for (key, value) in object {
            let Some(attribute) = schema.attribute(&key) else {
                self.ignored.push(format!("{}:{key}", schema.id));
                continue;
            };
            if seen.contains(&attribute.name) {
                return Err(values::twice(&format!("{}:{}", schema.id, attribute.name)));
            }
            seen.push(attribute.name);
            self.attribute(schema, attribute, value)?;
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        schema: &'static Schema,
        attribute: &'static Attribute,
        value: Value,
    ) -> Result<(), Error> {
        let place = Resolved { schema, attribute, sub: None };
        if attribute.name == "schemas" {
            return check_schemas(&value);
        }
        if attribute.is_read_only() {
            self.ignored.push(place.to_string());
            return Ok(());
        }
        let Some(value) = values::read(place, value, &mut self.ignored)? else {
            return Ok(());
        };
        if attribute.mutability == Mutability::WriteOnly {
            self.password = secret(value);
            return Ok(());
        }
        self.parts.of(schema).insert(attribute.name.to_owned(), value);
        Ok(())
    }

    /// Flattened keys come after nested ones, whatever their order in the body.
    fn finish(mut self) -> Result<Input, Error> {
        for (place, value) in std::mem::take(&mut self.flat) {
            let Some(sub) = place.sub else {
                self.attribute(place.schema, place.attribute, value)?;
                continue;
            };
            if place.attribute.is_read_only() || sub.is_read_only() {
                self.ignored.push(place.to_string());
                continue;
            }
            let value = values::read_one(place, value, &mut self.ignored)?;
            let own = self.parts.of(place.schema);
            let whole = own.entry(place.attribute.name).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(whole) = whole {
                values::set_part(place, whole, value, true)?;
                if whole.is_empty() {
                    own.shift_remove(place.attribute.name);
                }
            }
        }
        Ok(Input { resource: self.parts.into_resource(), password: self.password, ignored: self.ignored })
    }
}

/// The text of a password.
pub(in crate::scim) fn secret(value: Value) -> Option<SecretString> {
    match value {
        Value::String(text) => Some(SecretString::from(text)),
        _ => None,
    }
}

/// `schemas` must be a list of URNs, if it is there at all; which ones, the endpoint decides.
fn check_schemas(value: &Value) -> Result<(), Error> {
    let fits = match value {
        Value::Null | Value::String(_) => true,
        Value::Array(urns) => urns.iter().all(Value::is_string),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Error::value("schemas must be a list of schema URNs."))
}
