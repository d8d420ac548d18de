//! What differs between what was given and what Microsoft Graph shows. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::graph::{GroupProperty, Property, Shape};
use crate::provision::mapping::{On, TABLE};
use crate::settings::Settings;

/// One property that is not as it was given.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference<P> {
    /// Which.
    pub property: P,
    /// What Gangway gave.
    pub given: Value,
    /// What Graph shows.
    pub seen: Value,
}

/// A property that can be watched.
pub trait Watched: Copy + Ord {
    /// Graph's name for it.
    fn name(self) -> &'static str;

    /// Whether two values of it are the same to Microsoft 365.
    fn same(self, one: &Value, other: &Value) -> bool;
}

/// Which properties of accounts are Gangway's in one connection: those of the attribute table whose rules are on, and
/// that are not set at the creation alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules(BTreeSet<Property>);

impl Rules {
    /// Those of a connection with these settings.
    pub fn of(settings: &Settings) -> Self {
        let is_off = |name: &str| settings.rules_off.iter().any(|off| off == name);
        let watched = TABLE.iter().filter(|row| match row.on {
            On::Always => true,
            On::Create => false,
            On::Rule => !is_off(row.to.name()),
        });
        Self(watched.map(|row| row.to).collect())
    }

    /// Whether `property` is Gangway's.
    pub fn watches(&self, property: Property) -> bool {
        self.0.contains(&property)
    }
}

/// The properties of `given` that `shown` has otherwise, in the properties' order. What was not given, what is not
/// `watched`, and what Graph does not show at all is not compared.
pub fn compare<P: Watched>(
    given: &BTreeMap<P, Value>,
    shown: &BTreeMap<P, Value>,
    watched: impl Fn(P) -> bool,
) -> Vec<Difference<P>> {
    given
        .iter()
        .filter(|(property, _)| watched(**property))
        .filter_map(|(property, given)| {
            let seen = shown.get(property).filter(|seen| !property.same(given, seen))?;
            Some(Difference { property: *property, given: given.clone(), seen: seen.clone() })
        })
        .collect()
}

/// Whether `shown` has every watched property of `given` that has a value. Graph leaves those without a value out of its
/// changes, so that their absence says nothing.
pub fn covers<P: Watched>(
    given: &BTreeMap<P, Value>,
    shown: &BTreeMap<P, Value>,
    watched: impl Fn(P) -> bool,
) -> bool {
    let has_value = |value: &Value| !plain(value).is_null();
    let mut expected = given.iter().filter(|(property, value)| watched(**property) && has_value(value));
    expected.all(|(property, _)| shown.contains_key(property))
}

impl Watched for Property {
    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn same(self, one: &Value, other: &Value) -> bool {
        let (one, other) = (plain(one), plain(other));
        if one == other {
            return true;
        }
        match (self, self.shape()) {
            (Self::UserPrincipalName | Self::UsageLocation, _) => folded(&one) == folded(&other),
            // Addresses, and their order says nothing.
            (Self::OtherMails, _) => folded_set(&one) == folded_set(&other),
            (_, Shape::DateTime) => instant(&one).is_some_and(|at| Some(at) == instant(&other)),
            (_, Shape::OrgData) => org_data(&one) == org_data(&other),
            _ => false,
        }
    }
}

impl Watched for GroupProperty {
    fn name(self) -> &'static str {
        Self::name(self)
    }

    fn same(self, one: &Value, other: &Value) -> bool {
        plain(one) == plain(other)
    }
}

/// The value with all ways to say "nothing" as null.
fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(parts) if parts.values().all(|part| plain(part).is_null()) => Value::Null,
        other => other.clone(),
    }
}

fn folded(value: &Value) -> Option<String> {
    value.as_str().map(str::to_lowercase)
}

fn folded_set(value: &Value) -> Option<BTreeSet<String>> {
    value.as_array()?.iter().map(folded).collect()
}

fn instant(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()
}

fn org_data(value: &Value) -> Value {
    let part = |name| value.get(name).map_or(Value::Null, plain);
    json!([part("costCenter"), part("division")])
}

#[cfg(test)]
mod tests;
