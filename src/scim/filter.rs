//! Filters (RFC 7644 §3.4.2.2): resolved against the schema, then decided on rendered resources.

use scim_filter_parser::{CompareOp, Filter, Options};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::dialect::Dialect;
use super::error::{Error, ErrorKind};
use super::schema::{Resolved, ResourceType};

mod compile;
mod evaluate;

/// A filter whose names are resolved and whose operands fit their attributes. Every `target` is `'static` data of
/// the schema, so that the store can match on it and put what it knows into SQL.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// All hold.
    And(Vec<Predicate>),
    /// At least one holds.
    Or(Vec<Predicate>),
    /// The inner one does not hold. `ne` is compiled to this: "not equal" is read as the opposite of `eq`,
    /// so that it also holds for an absent attribute, and for a list no element of which is equal.
    Not(Box<Predicate>),
    /// Holds always or never: what an attribute that the resource type does not have comes down to
    /// (RFC 7644 §3.4.2.1: treated as if there is no value).
    Constant(bool),
    /// The attribute has a value that is not empty.
    Present(Resolved),
    /// At least one value of the target compares so. A complex target stands for its `value`: the leaf is always simple.
    Compare(Comparison),
    /// At least one element of the target matches; the targets inside are its sub-attributes.
    Element {
        /// The complex attribute.
        target: Resolved,
        /// What one element must fulfil as a whole.
        predicate: Box<Predicate>,
    },
}

/// One comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is compared.
    pub target: Resolved,
    /// How.
    pub op: Op,
    /// With what.
    pub operand: Operand,
}

/// The operators of RFC 7644 table 3 that are left when `pr` and `ne` have become predicates of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Eq,
    /// Contains (text).
    Co,
    /// Starts with (text).
    Sw,
    /// Ends with (text).
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

/// The right side of a comparison, in the type of its target.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// For strings, references and base64. Already [`fold`]ed unless the target is case-exact.
    Text(String),
    /// For booleans; only with [`Op::Eq`].
    Bool(bool),
    /// For numbers without fraction.
    Integer(i64),
    /// For any other number.
    Decimal(f64),
    /// For dateTime: compared as moments, whatever the offset.
    Moment(OffsetDateTime),
}

/// Parses and compiles the text of a `filter` parameter; the message names the position of what is wrong.
pub fn parse(rt: &ResourceType, text: &str, dialect: Dialect) -> Result<Predicate, Error> {
    let filter = Filter::parse_with(text, &options(dialect)).map_err(|error| {
        Error::new(ErrorKind::InvalidFilter, format!("The filter cannot be read: {error}."))
    })?;
    compile(rt, &filter, dialect)
}

/// Resolves a parsed filter; an operator or operand that does not fit its attribute is `invalidFilter`.
pub fn compile(rt: &ResourceType, filter: &Filter, dialect: Dialect) -> Result<Predicate, Error> {
    compile::compile(compile::Scope::Resource(rt), filter, dialect)
}

/// Resolves the filter between the brackets of a path, over one element of `target`.
pub(super) fn compile_element(
    target: Resolved,
    filter: &Filter,
    dialect: Dialect,
) -> Result<Predicate, Error> {
    compile::compile(compile::Scope::Element(target), filter, dialect)
}

/// The grammar's options for this dialect.
pub(super) fn options(dialect: Dialect) -> Options {
    Options { unquoted_strings: dialect.unquoted_filter_strings(), ..Options::default() }
}

/// Text as it is compared where case does not matter (RFC 7643 §2.1, `caseExact` false). The database's key columns
/// hold the same. Character by character, so that the folded part is a part of the folded whole.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .flat_map(char::to_lowercase)
        // The one letter whose lower case depends on its place in the word.
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .collect()
}

impl Predicate {
    /// Whether a rendered resource matches: with `id`, `meta` and read-only attributes, before any projection.
    pub fn matches(&self, resource: &Map<String, Value>) -> bool {
        self.matches_with(resource, &|_| None)
    }

    /// The same, but whoever asks may answer the leaves that it knows better, and so need not render what they look
    /// at: `leaf` gets each [`Present`](Self::Present), [`Compare`](Self::Compare) and [`Element`](Self::Element)
    /// whose answer is needed; where it has none, the resource decides.
    pub fn matches_with(
        &self,
        resource: &Map<String, Value>,
        leaf: &dyn Fn(&Predicate) -> Option<bool>,
    ) -> bool {
        evaluate::holds(self, evaluate::Subject::Resource(resource, leaf))
    }

    /// Whether it asks for the common or core attribute of this canonical name, or for a part of it.
    pub fn mentions(&self, attribute: &str) -> bool {
        let mut found = false;
        self.each_leaf(&mut |_, target| found |= is_core(target, attribute));
        found
    }

    /// The leaves that ask for the members of a group: those that [`matches_with`](Self::matches_with) offers to
    /// answer otherwise, in the order of the filter.
    pub fn member_leaves(&self) -> Vec<&Predicate> {
        let mut leaves = Vec::new();
        self.each_leaf(&mut |leaf, target| {
            if is_core(target, "members") {
                leaves.push(leaf);
            }
        });
        leaves
    }

    /// The attribute that a leaf asks for; `None` for what is no leaf.
    pub fn target(&self) -> Option<Resolved> {
        match self {
            Self::Present(target) | Self::Element { target, .. } => Some(*target),
            Self::Compare(comparison) => Some(comparison.target),
            Self::And(_) | Self::Or(_) | Self::Not(_) | Self::Constant(_) => None,
        }
    }

    fn each_leaf<'a>(&'a self, visit: &mut dyn FnMut(&'a Predicate, Resolved)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.each_leaf(visit)),
            Self::Not(inner) => inner.each_leaf(visit),
            leaf => {
                if let Some(target) = leaf.target() {
                    visit(leaf, target);
                }
            }
        }
    }

    /// Whether one element of a multi-valued attribute matches a filter that was compiled for it.
    pub(super) fn matches_element(&self, element: &Value) -> bool {
        evaluate::holds(self, evaluate::Subject::Element(element))
    }
}

fn is_core(target: Resolved, attribute: &str) -> bool {
    target.attribute.name == attribute && !target.schema.is_extension()
}

impl Op {
    /// The operator; `None` for `ne`.
    pub(super) const fn of(op: CompareOp) -> Option<Self> {
        Some(match op {
            CompareOp::Ne => return None,
            CompareOp::Eq => Self::Eq,
            CompareOp::Co => Self::Co,
            CompareOp::Sw => Self::Sw,
            CompareOp::Ew => Self::Ew,
            CompareOp::Gt => Self::Gt,
            CompareOp::Ge => Self::Ge,
            CompareOp::Lt => Self::Lt,
            CompareOp::Le => Self::Le,
        })
    }
}

#[cfg(test)]
mod tests;
