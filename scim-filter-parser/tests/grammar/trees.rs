//! Trees at random, in the shape that the parser gives them.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use scim_filter_parser::{AttrPath, CompareOp, Filter, Path, Value};

/// Names, among them `$ref` and the words of the grammar.
pub(crate) fn any_name() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-zA-Z][a-zA-Z0-9_-]{0,8}",
        2 => plain_name(),
        1 => Just("$ref".to_owned()),
        1 => prop::sample::select(vec!["and", "or", "not", "pr", "eq", "true", "null"]).prop_map(str::to_owned),
    ]
    .boxed()
}

/// Names that no parser can take for something else.
pub(crate) fn plain_name() -> BoxedStrategy<String> {
    prop::sample::select(vec!["userName", "emails", "groups", "order", "andy", "nothing", "price", "x-y_2"])
        .prop_map(str::to_owned)
        .boxed()
}

pub(crate) fn attr_path(name: &BoxedStrategy<String>) -> BoxedStrategy<AttrPath> {
    (urn(), name.clone(), option::of(name.clone()))
        .prop_map(|(urn, name, sub)| AttrPath { urn, name, sub })
        .boxed()
}

fn urn() -> BoxedStrategy<Option<String>> {
    let urns = [
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "URN:example:a-b:1.10",
    ];
    option::weighted(0.2, prop::sample::select(urns.map(str::to_owned).to_vec())).boxed()
}

fn op() -> impl Strategy<Value = CompareOp> {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    prop::sample::select(vec![Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le])
}

pub(crate) fn any_value() -> BoxedStrategy<Value> {
    let finite = any::<f64>().prop_filter("JSON has finite numbers only", |n| n.is_finite());
    prop_oneof![
        plain_value(),
        any::<i64>().prop_map(Value::Integer),
        finite.prop_map(Value::Decimal),
        any::<String>().prop_map(Value::String),
        vec(any::<char>(), 0..8).prop_map(|text| Value::String(text.into_iter().collect())),
    ]
    .boxed()
}

/// Values of which nobody rounds the numbers.
pub(crate) fn plain_value() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        any::<i16>().prop_map(|n| Value::Decimal(f64::from(n) / 8.0)),
        r#"[ -~\n\t"\\üß😀\])]{0,12}"#.prop_map(Value::String),
    ]
    .boxed()
}

/// Filters over attributes with these names and values.
pub(crate) fn filter(name: &BoxedStrategy<String>, value: &BoxedStrategy<Value>) -> BoxedStrategy<Filter> {
    let leaf = leaf(name, value);
    let inner = logic(leaf.clone(), 3);
    let element = (attr_path(name), inner).prop_map(|(attr, filter)| Filter::Element {
        attr: AttrPath { sub: None, ..attr },
        filter: Box::new(filter),
    });
    logic(prop_oneof![3 => leaf, 1 => element].boxed(), 4)
}

pub(crate) fn path(name: &BoxedStrategy<String>, value: &BoxedStrategy<Value>) -> BoxedStrategy<Path> {
    let inner = logic(leaf(name, value), 3);
    (attr_path(name), option::of((inner, option::of(name.clone()))))
        .prop_map(|(attr, brackets)| match brackets {
            None => Path { attr, filter: None, sub: None },
            Some((filter, sub)) => Path { attr: AttrPath { sub: None, ..attr }, filter: Some(filter), sub },
        })
        .boxed()
}

fn leaf(name: &BoxedStrategy<String>, value: &BoxedStrategy<Value>) -> BoxedStrategy<Filter> {
    prop_oneof![
        1 => attr_path(name).prop_map(Filter::Present),
        3 => (attr_path(name), op(), value.clone()).prop_map(|(attr, op, value)| Filter::Compare { attr, op, value }),
    ]
    .boxed()
}

fn logic(leaf: BoxedStrategy<Filter>, depth: u32) -> BoxedStrategy<Filter> {
    leaf.prop_recursive(depth, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(and),
            vec(inner.clone(), 2..4).prop_map(or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
    .boxed()
}

fn and(filters: Vec<Filter>) -> Filter {
    let flat = filters.into_iter().flat_map(|filter| match filter {
        Filter::And(all) => all,
        other => vec![other],
    });
    Filter::And(flat.collect())
}

fn or(filters: Vec<Filter>) -> Filter {
    let flat = filters.into_iter().flat_map(|filter| match filter {
        Filter::Or(any) => any,
        other => vec![other],
    });
    Filter::Or(flat.collect())
}
