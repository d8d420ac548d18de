//! Sorting (RFC 7644 §3.4.2.3): which attribute, and what a resource is ranked by.

use std::cmp::Reverse;

use serde_json::{Map, Value};

use super::error::{Error, excerpt};
use super::filter::fold;
use super::list::SortOrder;
use super::schema::{Kind, Resolved, ResourceType, Returned, Target};
use super::values;

/// What a list is sorted by.
///
/// These targets are plain columns, so that the database can sort: `userName` and `displayName` (by their folded keys),
/// `externalId` and `id` (case-exact), `meta.created` and `meta.lastModified`; see [`Resolved::is_core`]. Any other
/// is sorted by [`Sort::key`].
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// The attribute: simple, or the sub-attribute that a complex one is sorted by.
    pub target: Resolved,
    /// Which end comes first.
    pub order: SortOrder,
}

/// A resource's rank; smaller ones come first, whatever the order that was asked for. Keys of one [`Sort`] compare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Smallest first.
    Ascending(Rank),
    /// Largest first.
    Descending(Reverse<Rank>),
}

/// A value as it is ranked. What has none is the largest: last in ascending order, first in descending (§3.4.2.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// False before true.
    Bool(bool),
    /// A number, as the bits that are in its order.
    Number(i64),
    /// A moment, in nanoseconds since the Unix epoch, whatever the offset in which it was written.
    Moment(i128),
    /// Text, folded unless its case matters, by code point.
    Text(Box<str>),
    /// No value.
    Missing,
}

impl Sort {
    /// Reads `sortBy`, in any case and with or without its schema's URN; `None` where the list is not to be sorted.
    ///
    /// A complex attribute is sorted by its `value`. An attribute that `rt` does not have, one that is never returned,
    /// and a complex one without a `value` are `invalidValue`: a list in no order would look like one in order.
    pub fn parse(rt: &ResourceType, sort_by: Option<&str>, order: SortOrder) -> Result<Option<Self>, Error> {
        let Some(text) = sort_by else {
            return Ok(None);
        };
        let Some(Target::Attribute(place)) = rt.resolve_text(text) else {
            return Err(Error::value(format!(
                "sortBy {} names no attribute of a {}; see /Schemas for those there are.",
                excerpt(text),
                rt.name
            )));
        };
        if place.leaf().returned == Returned::Never {
            return Err(Error::value(format!("{place} is never returned and cannot be sorted by.")));
        }
        Ok(Some(Self { target: simple(place)?, order }))
    }

    /// The rank of a rendered resource. Of a multi-valued attribute it is that of the primary value, else of the first.
    pub fn key(&self, resource: &Map<String, Value>) -> SortKey {
        let rank = self.value(resource).and_then(|value| self.rank(value)).unwrap_or(Rank::Missing);
        match self.order {
            SortOrder::Ascending => SortKey::Ascending(rank),
            SortOrder::Descending => SortKey::Descending(Reverse(rank)),
        }
    }

    fn value<'a>(&self, resource: &'a Map<String, Value>) -> Option<&'a Value> {
        let schema = self.target.schema;
        let own = if schema.is_extension() { resource.get(schema.id)?.as_object()? } else { resource };
        let value = match own.get(self.target.attribute.name)? {
            Value::Array(elements) => {
                elements.iter().find(|element| values::is_primary(element)).or_else(|| elements.first())?
            }
            value => value,
        };
        match self.target.sub {
            Some(sub) => value.get(sub.name),
            None => Some(value),
        }
    }

    fn rank(&self, value: &Value) -> Option<Rank> {
        let leaf = self.target.leaf();
        Some(match value {
            Value::Bool(value) => Rank::Bool(*value),
            Value::Number(number) => Rank::Number(in_order(number.as_f64()?)),
            Value::String(text) if leaf.kind == Kind::DateTime => {
                Rank::Moment(values::moment(text)?.unix_timestamp_nanos())
            }
            Value::String(text) if leaf.case_exact => Rank::Text(text.as_str().into()),
            Value::String(text) => Rank::Text(fold(text).into()),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        })
    }
}

fn simple(place: Resolved) -> Result<Resolved, Error> {
    if place.leaf().kind != Kind::Complex {
        return Ok(place);
    }
    match place.attribute.sub("value") {
        Some(sub) => Ok(Resolved { sub: Some(sub), ..place }),
        None => Err(Error::value(format!(
            "{place} has sub-attributes; sort by one of them, such as {place}.{}.",
            place.attribute.sub_attributes.first().map_or("value", |sub| sub.name)
        ))),
    }
}

/// An integer for each number, in the order of the numbers; both zeros are one.
fn in_order(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits().cast_signed();
    // The negative numbers' bits run backwards.
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::scim::schema::{GROUP, USER};

    fn key(sort_by: &str, order: SortOrder, resource: Value) -> SortKey {
        let Value::Object(resource) = resource else { panic!("an object") };
        Sort::parse(&USER, Some(sort_by), order).unwrap().unwrap().key(&resource)
    }

    #[rstest]
    #[case("userName", json!({"userName": "ann"}), json!({"userName": "Bo"}))]
    #[case("urn:ietf:params:scim:schemas:core:2.0:User:USERNAME", json!({"userName": "ann"}), json!({"userName": "Bo"}))]
    #[case("externalId", json!({"externalId": "B"}), json!({"externalId": "a"}))]
    #[case("title", json!({"title": "z"}), json!({}))]
    #[case("name.familyName", json!({"name": {"familyName": "A"}}), json!({"name": {"familyName": "b"}}))]
    #[case("name.familyName", json!({"name": {"familyName": "A"}}), json!({"name": {"givenName": "A"}}))]
    #[case("emails", json!({"emails": [{"value": "z"}, {"value": "a", "primary": true}]}), json!({"emails": [{"value": "b"}, {"value": "a"}]}))]
    #[case("emails.type", json!({"emails": [{"type": "home"}]}), json!({"emails": [{"type": "work"}]}))]
    #[case("active", json!({"active": false}), json!({"active": true}))]
    #[case("meta.lastModified", json!({"meta": {"lastModified": "2026-01-31T08:00:00.1Z"}}), json!({"meta": {"lastModified": "2026-01-31T07:30:00-01:00"}}))]
    #[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
           json!({"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": "m1"}}}), json!({}))]
    fn the_first_comes_before_the_second(#[case] sort_by: &str, #[case] first: Value, #[case] second: Value) {
        let ascending = |resource: &Value| key(sort_by, SortOrder::Ascending, resource.clone());
        let descending = |resource: &Value| key(sort_by, SortOrder::Descending, resource.clone());
        assert!(ascending(&first) < ascending(&second));
        assert!(descending(&second) < descending(&first));
    }

    #[test]
    fn nothing_is_not_sorted() {
        assert!(Sort::parse(&USER, None, SortOrder::Descending).unwrap().is_none());
    }

    #[rstest]
    #[case("shoeSize", "shoeSize")]
    #[case("name.colour", "name.colour")]
    #[case("name", "name.formatted")]
    #[case("password", "never returned")]
    #[case("emails[type eq \"work\"]", "emails")]
    #[case("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "enterprise")]
    #[case("", "no attribute")]
    fn what_has_no_order_is_refused(#[case] sort_by: &str, #[case] named: &str) {
        let error = Sort::parse(&USER, Some(sort_by), SortOrder::Ascending).unwrap_err();
        assert_eq!(error.scim_type(), Some("invalidValue"));
        assert!(error.detail.contains(named), "{error}");
        assert!(Sort::parse(&GROUP, Some("userName"), SortOrder::Ascending).is_err());
    }

    proptest! {
        #[test]
        fn numbers_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(!a.is_nan() && !b.is_nan());
            prop_assert_eq!(a.partial_cmp(&b), Some(in_order(a).cmp(&in_order(b))));
        }

        #[test]
        fn the_two_orders_mirror_each_other(titles in prop::collection::vec(prop::option::of("[a-cA-C]{0,2}"), 0..8)) {
            let keys = |order| titles.iter().map(|title| key("title", order, json!({"title": title}))).collect::<Vec<_>>();
            let (ascending, descending) = (keys(SortOrder::Ascending), keys(SortOrder::Descending));
            for (a, d) in ascending.iter().zip(&descending) {
                for (b, e) in ascending.iter().zip(&descending) {
                    prop_assert_eq!(a.cmp(b), e.cmp(d));
                }
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Sort::parse(&USER, Some(&text), SortOrder::Ascending);
        }
    }
}
