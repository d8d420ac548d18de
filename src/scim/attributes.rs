//! Which attributes an answer holds: `attributes`, `excludedAttributes` and `returned` (RFC 7644 §3.9, RFC 7643 §7).

use serde_json::{Map, Value};

use super::error::Error;
use super::schema::{Attribute, Resolved, ResourceType, Returned, Schema, Target};

/// A choice among the attributes of a rendered resource.
#[derive(Clone, Debug)]
pub struct Projection {
    rt: &'static ResourceType,
    choice: Choice,
    with_on_request: bool,
}

#[derive(Clone, Debug)]
enum Choice {
    Default,
    Only(Vec<Target>),
    Without(Vec<Target>),
}

impl Projection {
    /// What is returned when the client says nothing.
    pub fn standard(rt: &'static ResourceType) -> Self {
        Self { rt, choice: Choice::Default, with_on_request: false }
    }

    /// Reads the two parameters, each a list of names (split at the commas). A name that the resource type does not
    /// have selects nothing. Both at once are refused: RFC 7644 §3.9 calls them mutually exclusive.
    pub fn parse<A: AsRef<str>, E: AsRef<str>>(
        rt: &'static ResourceType,
        attributes: &[A],
        excluded: &[E],
    ) -> Result<Self, Error> {
        let choice = match (attributes.is_empty(), excluded.is_empty()) {
            (false, false) => {
                return Err(Error::value(
                    "attributes and excludedAttributes exclude each other; send one of them.",
                ));
            }
            (true, true) => Choice::Default,
            (false, true) => Choice::Only(targets(rt, attributes)),
            (true, false) => Choice::Without(targets(rt, excluded)),
        };
        Ok(Self { rt, choice, with_on_request: false })
    }

    /// The same with what is `returned: request`, as if the client had asked for it. What it has excluded stays out.
    #[must_use]
    pub fn with_on_request(self) -> Self {
        Self { with_on_request: true, ..self }
    }

    /// Whether the client has said which attributes it wants, and so gets those and no others.
    pub fn is_explicit(&self) -> bool {
        matches!(self.choice, Choice::Only(_))
    }

    /// The chosen part of a rendered resource. `schemas`, `id` and whatever else is `returned: always` stays;
    /// what is `returned: never` goes, even if it should have got in.
    pub fn apply(&self, mut resource: Map<String, Value>) -> Map<String, Value> {
        match &self.choice {
            Choice::Default => {
                self.drop_unasked(&mut resource);
                resource
            }
            Choice::Without(targets) => {
                self.drop_unasked(&mut resource);
                for target in targets {
                    remove(&mut resource, self.rt, *target);
                }
                resource
            }
            Choice::Only(targets) => self.only(&mut resource, targets),
        }
    }

    fn drop_unasked(&self, resource: &mut Map<String, Value>) {
        let unasked = |attribute: &&Attribute| match attribute.returned {
            Returned::Never => true,
            Returned::Request => !self.with_on_request,
            Returned::Always | Returned::Default => false,
        };
        for schema in self.rt.schemas() {
            for attribute in schema.attributes {
                if unasked(&attribute) {
                    drop_attribute(resource, self.rt, schema, attribute.name);
                }
                for sub in attribute.sub_attributes.iter().filter(unasked) {
                    let place = Resolved { schema, attribute, sub: Some(sub) };
                    remove(resource, self.rt, Target::Attribute(place));
                }
            }
        }
    }

    fn only(&self, resource: &mut Map<String, Value>, targets: &[Target]) -> Map<String, Value> {
        let keys: Vec<String> = resource.keys().cloned().collect();
        let mut out = Map::new();
        for key in keys {
            if let Some(extension) = self.rt.extension(&key) {
                let Some(Value::Object(mut own)) = resource.swap_remove(&key) else {
                    continue;
                };
                let mut chosen = Map::new();
                for attribute in extension.attributes {
                    if let Some(value) = own.swap_remove(attribute.name)
                        && let Some(value) = select(extension, attribute, value, targets)
                    {
                        chosen.insert(attribute.name.to_owned(), value);
                    }
                }
                if !chosen.is_empty() {
                    out.insert(key, Value::Object(chosen));
                }
                continue;
            }
            if let Some(attribute) = self.rt.attribute(&key)
                && let Some(value) = resource.swap_remove(&key)
                && let Some(value) = select(self.rt.schema, attribute, value, targets)
            {
                out.insert(key, value);
            }
        }
        out
    }
}

fn targets<T: AsRef<str>>(rt: &ResourceType, names: &[T]) -> Vec<Target> {
    names
        .iter()
        .flat_map(|names| names.as_ref().split(','))
        .filter_map(|name| rt.resolve_text(name))
        .collect()
}

/// `value`, or as much of it as the targets ask for.
fn select(schema: &Schema, attribute: &'static Attribute, value: Value, targets: &[Target]) -> Option<Value> {
    match attribute.returned {
        Returned::Never => return None,
        Returned::Always => return Some(value),
        Returned::Default | Returned::Request => {}
    }
    let mut subs: Vec<&'static str> = Vec::new();
    for target in targets {
        match target {
            Target::Schema(whole) if std::ptr::eq(*whole, schema) => return Some(value),
            Target::Attribute(place) if is(*place, schema, attribute) => match place.sub {
                None => return Some(value),
                Some(sub) => subs.push(sub.name),
            },
            _ => {}
        }
    }
    if subs.is_empty() {
        return None;
    }
    let always = |name: &str| attribute.sub(name).is_some_and(|sub| sub.returned == Returned::Always);
    narrow(value, |name| subs.contains(&name) || always(name))
}

fn is(place: Resolved, schema: &Schema, attribute: &Attribute) -> bool {
    std::ptr::eq(place.schema, schema) && place.attribute.name == attribute.name
}

/// Keeps the sub-attributes that pass, in an object or in each object of a list; nothing left is no value.
fn narrow(value: Value, keep: impl Fn(&str) -> bool + Copy) -> Option<Value> {
    match value {
        Value::Object(mut parts) => {
            parts.retain(|name, _| keep(name));
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        Value::Array(elements) => {
            let elements: Vec<Value> =
                elements.into_iter().filter_map(|element| narrow(element, keep)).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        _ => None,
    }
}

/// Takes out what `excludedAttributes` names, unless it is always returned.
fn remove(resource: &mut Map<String, Value>, rt: &ResourceType, target: Target) {
    let place = match target {
        Target::Schema(schema) => {
            if !std::ptr::eq(schema, rt.schema) {
                resource.shift_remove(schema.id);
                return;
            }
            for attribute in schema.attributes {
                if attribute.returned != Returned::Always {
                    resource.shift_remove(attribute.name);
                }
            }
            return;
        }
        Target::Attribute(place) => place,
    };
    if place.leaf().returned == Returned::Always {
        return;
    }
    let Some(sub) = place.sub else {
        drop_attribute(resource, rt, place.schema, place.attribute.name);
        return;
    };
    let Some(slot) = own(resource, rt, place.schema).and_then(|own| own.get_mut(place.attribute.name)) else {
        return;
    };
    match narrow(std::mem::take(slot), |name| name != sub.name) {
        Some(rest) => *slot = rest,
        None => drop_attribute(resource, rt, place.schema, place.attribute.name),
    }
}

/// The object that holds a schema's attributes in a rendered resource.
fn own<'a>(
    resource: &'a mut Map<String, Value>,
    rt: &ResourceType,
    schema: &Schema,
) -> Option<&'a mut Map<String, Value>> {
    if std::ptr::eq(schema, rt.schema) {
        return Some(resource);
    }
    resource.get_mut(schema.id)?.as_object_mut()
}

/// Takes an attribute out; an extension that is left empty goes too.
fn drop_attribute(resource: &mut Map<String, Value>, rt: &ResourceType, schema: &Schema, name: &str) {
    let Some(own) = own(resource, rt, schema) else {
        return;
    };
    own.shift_remove(name);
    if own.is_empty() {
        resource.shift_remove(schema.id);
    }
}

#[cfg(test)]
mod tests;
