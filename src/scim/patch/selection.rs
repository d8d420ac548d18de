//! What a path points at, resolved against the schema.

use scim_filter_parser::{CompareOp, Filter, Path, Value as Literal};
use serde_json::Value;

use super::PatchPath;
use crate::scim::dialect::Dialect;
use crate::scim::error::{Error, ErrorKind, excerpt};
use crate::scim::filter::{Predicate, compile_element};
use crate::scim::schema::{Attribute, Resolved, ResourceType, Schema};
use crate::scim::values;

/// The location of an operation.
pub(super) enum Location {
    /// The whole resource, or a whole extension.
    Schema(&'static Schema),
    /// An attribute, or some of it.
    Attribute(Selection),
}

/// An attribute, some of its elements, a sub-attribute.
pub(in crate::scim) struct Selection {
    /// The attribute; `sub` is the one behind the dot, with or without a filter in between.
    pub(in crate::scim) place: Resolved,
    /// Which elements; all of them, if `None`.
    pub(in crate::scim) which: Option<Which>,
}

/// A value filter.
pub(in crate::scim) struct Which {
    pub(in crate::scim) predicate: Predicate,
    /// What an element made for this filter must hold; `None` when the filter is more than plain equalities.
    pub(super) equalities: Option<Vec<(&'static Attribute, Value)>>,
}

impl Location {
    pub(super) fn of(rt: &'static ResourceType, path: &PatchPath, dialect: Dialect) -> Result<Self, Error> {
        if let Some(schema) = rt.schema_of(&path.text) {
            return Ok(Self::Schema(schema));
        }
        match Selection::of(rt, &path.path, dialect)? {
            Some(selection) => Ok(Self::Attribute(selection)),
            None => Err(Error::new(
                ErrorKind::InvalidPath,
                format!(
                    "The path {} names no attribute of a {}; see /Schemas for those there are.",
                    excerpt(&path.text),
                    rt.name
                ),
            )),
        }
    }
}

impl Selection {
    /// The whole of an attribute.
    pub(super) const fn whole(schema: &'static Schema, attribute: &'static Attribute) -> Self {
        Self { place: Resolved { schema, attribute, sub: None }, which: None }
    }

    /// `None` when the path names no attribute.
    pub(in crate::scim) fn of(
        rt: &'static ResourceType,
        path: &Path,
        dialect: Dialect,
    ) -> Result<Option<Self>, Error> {
        let Some(mut place) = rt.resolve(&path.attr) else {
            return Ok(None);
        };
        let Some(filter) = &path.filter else {
            return Ok(Some(Self { place, which: None }));
        };
        if let Some(sub) = &path.sub {
            let Some(sub) = place.attribute.sub(sub) else {
                return Ok(None);
            };
            place.sub = Some(sub);
        }
        let attribute = Resolved { sub: None, ..place };
        if !place.attribute.multi_valued || place.attribute.sub_attributes.is_empty() {
            return Err(Error::new(
                ErrorKind::InvalidPath,
                format!("{attribute} is not a list of complex values; leave out the filter in brackets."),
            ));
        }
        let which = Which {
            predicate: compile_element(attribute, filter, dialect)?,
            equalities: equalities(attribute, filter),
        };
        Ok(Some(Self { place, which: Some(which) }))
    }

    /// The attribute without its sub-attribute.
    pub(super) const fn attribute(&self) -> Resolved {
        Resolved { sub: None, ..self.place }
    }
}

/// `type eq "work" and primary eq true` as the parts of an element.
fn equalities(place: Resolved, filter: &Filter) -> Option<Vec<(&'static Attribute, Value)>> {
    match filter {
        Filter::And(filters) => {
            let mut all = Vec::new();
            for filter in filters {
                all.extend(equalities(place, filter)?);
            }
            Some(all)
        }
        Filter::Compare { attr, op: CompareOp::Eq, value } => {
            let sub = place.attribute.sub(&attr.name)?;
            let part = Resolved { sub: Some(sub), ..place };
            let value = values::read_one(part, json(value), &mut Vec::new()).ok()??;
            Some(vec![(sub, value)])
        }
        _ => None,
    }
}

fn json(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => (*value).into(),
        Literal::Integer(value) => (*value).into(),
        Literal::Decimal(value) => (*value).into(),
        Literal::String(value) => value.as_str().into(),
    }
}
