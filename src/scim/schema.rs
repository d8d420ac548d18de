//! Schemas as data (RFC 7643 §7): what attributes there are, and what each one is like.

use scim_filter_parser::AttrPath;

use super::dialect::canonical_urn;

mod builder;
mod common;
pub mod discovery;
mod enterprise;
mod gangway;
mod group;
mod user;

pub use common::{EXTERNAL_ID, ID, META, SCHEMAS};
pub use enterprise::ENTERPRISE_USER;
pub use gangway::{GANGWAY_GROUP, GANGWAY_USER};
pub(super) use group::MEMBERS;
pub use group::{CORE_GROUP, GROUP};
pub use user::{CORE_USER, USER};

/// The data types of RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// A moment, as xsd:dateTime (RFC 7643 §2.3.5).
    DateTime,
    /// Bytes in base64 (RFC 7643 §2.3.6).
    Binary,
    /// A URI (RFC 7643 §2.3.7).
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// Who may write an attribute (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// The client, at any time.
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client, and nobody reads it.
    WriteOnly,
}

/// When an attribute is in an answer (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Returned {
    /// Whatever the client asks for.
    Always,
    /// In no case.
    Never,
    /// Unless the client asks for others or excludes it.
    Default,
    /// Only when the client names it.
    Request,
}

/// Among what a value is unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Uniqueness {
    /// Nothing.
    None,
    /// The resources of one organization.
    Server,
    /// Everything there is.
    Global,
}

/// One attribute and its characteristics (RFC 7643 §7).
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The name in its canonical case.
    pub name: &'static str,
    /// The data type.
    pub kind: Kind,
    /// Whether it holds a list.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether comparisons heed case.
    pub case_exact: bool,
    /// Who may write it.
    pub mutability: Mutability,
    /// When it is in an answer.
    pub returned: Returned,
    /// Among what it is unique.
    pub uniqueness: Uniqueness,
    /// Values that are suggested; others are taken too.
    pub canonical_values: &'static [&'static str],
    /// What a reference may point to.
    pub reference_types: &'static [&'static str],
    /// What a complex attribute is made of.
    pub sub_attributes: &'static [Attribute],
    /// Values in the list, at most; not of the RFC, but a bound on the work that one request can ask for.
    pub max_values: usize,
    /// Characters in a text, at most; not of the RFC. Bounded are the texts that are looked up by an index, since
    /// no database's index takes them at any length.
    pub max_length: usize,
    /// What it means, for people.
    pub description: &'static str,
}

impl Attribute {
    /// The sub-attribute of this name, in any case (RFC 7643 §2.1).
    pub fn sub(&self, name: &str) -> Option<&'static Attribute> {
        find(self.sub_attributes, name)
    }

    /// Whether a client's value for it is ignored on the way in.
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }
}

/// A set of attributes under a URN (RFC 7643 §7).
#[derive(Debug)]
pub struct Schema {
    /// The URN.
    pub id: &'static str,
    /// The name, for people.
    pub name: &'static str,
    /// What it is for, for people.
    pub description: &'static str,
    /// The attributes, in the order in which they are rendered.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// Whether its attributes stand in an object under its URN (RFC 7643 §3.3), not at the top.
    pub fn is_extension(&self) -> bool {
        self.id.starts_with("urn:ietf:params:scim:schemas:extension:")
    }

    /// The attribute of this name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        find(self.attributes, name)
    }
}

/// A kind of resource (RFC 7643 §6): a core schema and its extensions.
#[derive(Debug)]
pub struct ResourceType {
    /// The name, which is also its id.
    pub name: &'static str,
    /// The endpoint below the base URL, with its slash.
    pub endpoint: &'static str,
    /// What it is, for people.
    pub description: &'static str,
    /// The core schema.
    pub schema: &'static Schema,
    /// The extensions, each with whether it is required.
    pub extensions: &'static [(&'static Schema, bool)],
}

/// An attribute that a path stands for.
#[derive(Clone, Copy, Debug)]
pub struct Resolved {
    /// Where it is defined. `id`, `externalId`, `meta` and `schemas` (RFC 7643 §3.1) count as the core schema's.
    pub schema: &'static Schema,
    /// The attribute.
    pub attribute: &'static Attribute,
    /// The sub-attribute behind the dot.
    pub sub: Option<&'static Attribute>,
}

/// What a text stands for: a whole schema, or an attribute.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// The core schema or an extension, named by its URN alone.
    Schema(&'static Schema),
    /// An attribute or sub-attribute.
    Attribute(Resolved),
}

impl ResourceType {
    /// The core schema and the extensions.
    pub fn schemas(&self) -> impl Iterator<Item = &'static Schema> {
        std::iter::once(self.schema).chain(self.extensions.iter().map(|(schema, _)| *schema))
    }

    /// The core schema or extension of this URN, in any case, or of one that clients use in its stead.
    pub fn schema_of(&self, urn: &str) -> Option<&'static Schema> {
        let urn = canonical_urn(urn);
        self.schemas().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The extension of this URN, in any case, or of one that clients use in its stead.
    pub fn extension(&self, urn: &str) -> Option<&'static Schema> {
        let urn = canonical_urn(urn);
        self.extensions.iter().map(|(schema, _)| *schema).find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }

    /// The common or core attribute of this name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.schema.attribute(name).or_else(|| find(&common::ATTRIBUTES, name))
    }

    /// What `path` names; URN, attribute and sub-attribute in any case (RFC 7644 §3.10).
    pub fn resolve(&self, path: &AttrPath) -> Option<Resolved> {
        let schema = match &path.urn {
            None => self.schema,
            Some(urn) => self.schema_of(urn)?,
        };
        let attribute = if std::ptr::eq(schema, self.schema) {
            self.attribute(&path.name)?
        } else {
            schema.attribute(&path.name)?
        };
        let sub = match &path.sub {
            None => None,
            Some(sub) => Some(attribute.sub(sub)?),
        };
        Some(Resolved { schema, attribute, sub })
    }

    /// What `text` names. The whole text is first looked up as a URN: the grammar cannot tell
    /// `urn:…:2.0:User` from the attribute `User` of a schema `urn:…:2.0`.
    pub fn resolve_text(&self, text: &str) -> Option<Target> {
        let text = text.trim();
        if let Some(schema) = self.schema_of(text) {
            return Some(Target::Schema(schema));
        }
        let path = AttrPath::parse(text).ok()?;
        self.resolve(&path).map(Target::Attribute)
    }
}

impl Resolved {
    /// What decides how a value is compared: the sub-attribute if there is one.
    pub fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    /// Whether this is the core (or common) attribute `name`, with this sub-attribute or none; in canonical case.
    pub fn is_core(&self, name: &str, sub: Option<&str>) -> bool {
        self.attribute.name == name && self.sub.map(|sub| sub.name) == sub && !self.schema.is_extension()
    }
}

/// The full name as it is written in messages: core attributes bare, others behind their URN (RFC 7644 §3.10).
impl std::fmt::Display for Resolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.schema.is_extension() {
            write!(f, "{}:", self.schema.id)?;
        }
        f.write_str(self.attribute.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
