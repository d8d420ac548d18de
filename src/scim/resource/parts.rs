//! A resource taken apart into its schemas, so that each attribute is one look-up away.

use serde_json::{Map, Value};

use super::Resource;
use crate::scim::schema::{ResourceType, Schema};

/// The attributes of a resource by schema.
#[derive(Debug)]
pub(in crate::scim) struct Parts {
    rt: &'static ResourceType,
    core: Map<String, Value>,
    /// As many as the resource type has extensions, in that order.
    extensions: Vec<Map<String, Value>>,
}

impl Parts {
    pub(in crate::scim) fn new(rt: &'static ResourceType) -> Self {
        Self::take(rt, Map::new())
    }

    pub(in crate::scim) fn take(rt: &'static ResourceType, mut core: Map<String, Value>) -> Self {
        let extensions = rt
            .extensions
            .iter()
            .map(|(schema, _)| match core.swap_remove(schema.id) {
                Some(Value::Object(object)) => object,
                _ => Map::new(),
            })
            .collect();
        Self { rt, core, extensions }
    }

    /// The attributes of `schema`, which is the core schema or one of the extensions.
    pub(in crate::scim) fn of(&mut self, schema: &Schema) -> &mut Map<String, Value> {
        let index = self.rt.extensions.iter().position(|(extension, _)| std::ptr::eq(*extension, schema));
        match index {
            Some(index) => &mut self.extensions[index],
            None => &mut self.core,
        }
    }

    /// Puts everything together again, in canonical order; extensions without attributes fall away.
    pub(in crate::scim) fn into_resource(mut self) -> Resource {
        let mut map = Map::with_capacity(self.core.len() + self.extensions.len());
        let names = std::iter::once("externalId")
            .chain(self.rt.schema.attributes.iter().map(|attribute| attribute.name));
        for name in names {
            if let Some((name, value)) = self.core.swap_remove_entry(name) {
                map.insert(name, value);
            }
        }
        for ((schema, _), mut object) in self.rt.extensions.iter().zip(self.extensions) {
            let mut ordered = Map::with_capacity(object.len());
            for attribute in schema.attributes {
                if let Some((name, value)) = object.swap_remove_entry(attribute.name) {
                    ordered.insert(name, value);
                }
            }
            if !ordered.is_empty() {
                map.insert(schema.id.to_owned(), Value::Object(ordered));
            }
        }
        Resource(map)
    }
}
