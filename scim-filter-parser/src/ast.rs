//! The syntax tree: what a filter or a path says, with names in the case in which they were written.

/// A parsed filter expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of these hold. At least two; never directly nested in another `And`.
    And(Vec<Filter>),
    /// At least one of these holds. At least two; never directly nested in another `Or`.
    Or(Vec<Filter>),
    /// The inner filter does not hold.
    Not(Box<Filter>),
    /// `attr pr`: the attribute has a value that is not empty.
    Present(AttrPath),
    /// `attr op value`.
    Compare {
        /// What is compared.
        attr: AttrPath,
        /// How.
        op: CompareOp,
        /// With what.
        value: Value,
    },
    /// `attr[filter]`: one element of the multi-valued attribute matches the whole inner filter.
    Element {
        /// The multi-valued attribute; never with a sub-attribute.
        attr: AttrPath,
        /// The filter over one element's sub-attributes.
        filter: Box<Filter>,
    },
}

/// An attribute name as written: optional schema URN, attribute, optional sub-attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttrPath {
    /// The schema URN in front, without the colon that ends it.
    pub urn: Option<String>,
    /// The attribute's name, in the case in which it was written.
    pub name: String,
    /// The sub-attribute behind the dot.
    pub sub: Option<String>,
}

/// The comparison operators of RFC 7644 table 3, without `pr`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
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

/// The right side of a comparison: a JSON scalar.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without fraction or exponent that fits.
    Integer(i64),
    /// Any other number.
    Decimal(f64),
    /// A string, unescaped.
    String(String),
}

/// A PATCH path (RFC 7644 figure 7): `attr`, `attr.sub`, `attr[filter]` or `attr[filter].sub`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The attribute; its `sub` is set only when there is no `filter`.
    pub attr: AttrPath,
    /// The value filter between brackets.
    pub filter: Option<Filter>,
    /// The sub-attribute behind the brackets; set only when there is a `filter`.
    pub sub: Option<String>,
}

impl Filter {
    /// How many comparisons it has (`pr` among them): what it costs to decide, at most.
    pub fn terms(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::terms).sum(),
            Self::Not(inner) => inner.terms(),
            Self::Element { filter, .. } => filter.terms(),
            Self::Present(_) | Self::Compare { .. } => 1,
        }
    }
}
