//! A resource as Gangway keeps it: the client's attributes under their canonical names.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::error::Error;
use super::schema::{ResourceType, Schema};

mod body;
mod parts;

pub(super) use body::secret;
pub(super) use parts::Parts;

/// What the client wants a user or group to be. Names are in canonical case and order, extensions are objects
/// under their URN; `id`, `meta`, `schemas`, the password and everything read-only are not inside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resource(Map<String, Value>);

/// A body that was read.
#[derive(Debug)]
pub struct Input {
    /// The resource.
    pub resource: Resource,
    /// The password to set, if the body had one.
    pub password: Option<SecretString>,
    /// The names that were passed over: read-only, unknown, or of a foreign schema.
    pub ignored: Vec<String>,
}

impl Resource {
    /// Reads the body of a POST or PUT (RFC 7644 §3.3 and §3.5.1).
    ///
    /// Names match in any case. Unknown, read-only and foreign attributes are passed over; wrong types, a missing
    /// required attribute and a second primary value are refused with the attribute's full name. `schemas` may be
    /// missing or name foreign URNs: real clients send both, and the endpoint has said what the body is.
    pub fn parse(rt: &'static ResourceType, body: Value, _dialect: Dialect) -> Result<Input, Error> {
        let Value::Object(body) = body else {
            return Err(Error::syntax(format!(
                "The body must be a JSON object with the attributes of a {}.",
                rt.name
            )));
        };
        let input = body::read(rt, body)?;
        input.resource.check_required(rt)?;
        Ok(input)
    }

    /// `userName` (users have one).
    pub fn user_name(&self) -> Option<&str> {
        self.text("userName")
    }

    /// `displayName`.
    pub fn display_name(&self) -> Option<&str> {
        self.text("displayName")
    }

    /// `externalId`.
    pub fn external_id(&self) -> Option<&str> {
        self.text("externalId")
    }

    /// `active`, when the client has said it.
    pub fn active(&self) -> Option<bool> {
        self.0.get("active").and_then(Value::as_bool)
    }

    /// Whether the user is active: unless the client has said otherwise, it is.
    pub fn is_active(&self) -> bool {
        self.active().unwrap_or(true)
    }

    /// A boolean of an extension; false where it is not said.
    pub fn flag(&self, extension: &Schema, name: &str) -> bool {
        let value = self.extension(extension.id).and_then(|own| own.get(name));
        value.and_then(Value::as_bool).unwrap_or(false)
    }

    /// Unsays an attribute of an extension.
    pub fn clear(&mut self, extension: &Schema, name: &str) {
        let Some(own) = self.0.get_mut(extension.id).and_then(Value::as_object_mut) else {
            return;
        };
        own.shift_remove(name);
        if own.is_empty() {
            self.0.shift_remove(extension.id);
        }
    }

    /// Says `active`, or leaves it unsaid.
    pub fn set_active(&mut self, active: Option<bool>) {
        match active {
            Some(active) => self.0.insert("active".to_owned(), Value::Bool(active)),
            None => self.0.shift_remove("active"),
        };
    }

    /// A core attribute by its canonical name; `name.givenName` reaches into a single complex one.
    pub fn get(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            None => self.0.get(path),
            Some((attribute, sub)) => self.0.get(attribute)?.get(sub),
        }
    }

    /// A core attribute that is text; `name.givenName` reaches into a single complex one.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path).and_then(Value::as_str)
    }

    /// The elements of a core multi-valued attribute.
    pub fn elements(&self, attribute: &str) -> &[Value] {
        self.0.get(attribute).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The attributes of an extension, by its URN in canonical case.
    pub fn extension(&self, urn: &str) -> Option<&Map<String, Value>> {
        self.0.get(urn).and_then(Value::as_object)
    }

    /// All of it.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether both say the same; the order of a multi-valued attribute's elements has no meaning (RFC 7643 §2.4).
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0 || same_map(&self.0, &other.0)
    }

    pub(super) fn check_required(&self, rt: &ResourceType) -> Result<(), Error> {
        let missing = rt
            .schema
            .attributes
            .iter()
            .filter(|attribute| attribute.required)
            .find(|attribute| is_blank(self.0.get(attribute.name)));
        match missing {
            None => Ok(()),
            Some(attribute) => {
                Err(Error::value(format!("{} is required and must not be blank; send it.", attribute.name)))
            }
        }
    }
}

impl From<Value> for Resource {
    /// A resource that was stored. What is no object is an empty resource.
    fn from(stored: Value) -> Self {
        match stored {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }
}

impl From<Resource> for Value {
    fn from(resource: Resource) -> Self {
        Self::Object(resource.0)
    }
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    }
}

fn same_map(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len() && a.iter().all(|(name, x)| b.get(name).is_some_and(|y| same_value(x, y)))
}

fn same_value(a: &Value, b: &Value) -> bool {
    let (Value::Array(a), Value::Array(b)) = (a, b) else {
        return a == b;
    };
    if a.len() != b.len() {
        return false;
    }
    let mut left: Vec<&Value> = b.iter().collect();
    a.iter().all(|x| {
        let found = left.iter().position(|y| *y == x);
        found.map(|at| left.swap_remove(at)).is_some()
    })
}

#[cfg(test)]
pub(in crate::scim) mod tests;
