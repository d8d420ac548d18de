//! The same text through `scim_v2`, which was written by others from the same RFC.
//!
//! Outside the comparison stays what one of the two reads more widely than the other on purpose: `$ref`, `not(` without
//! a blank, `emails[…].value eq`, brackets behind a sub-attribute, blanks left out beside brackets.

use proptest::prelude::*;
use scim_filter_parser::{AttrPath, CompareOp, Filter, Path, Value};
use scim_v2::filter as theirs;

use crate::trees;

fn attr(attr: theirs::AttrPath) -> AttrPath {
    AttrPath { urn: attr.uri, name: attr.name, sub: attr.sub_attr }
}

fn value(value: &theirs::CompValue) -> Value {
    match value {
        theirs::CompValue::Null => Value::Null,
        theirs::CompValue::True => Value::Bool(true),
        theirs::CompValue::False => Value::Bool(false),
        theirs::CompValue::Str(text) => Value::String(text.clone()),
        theirs::CompValue::Number(number) => match number.as_i64() {
            Some(integer) => Value::Integer(integer),
            None => Value::Decimal(number.as_f64().unwrap_or(f64::NAN)),
        },
    }
}

fn op(op: &theirs::CompareOp) -> CompareOp {
    match op {
        theirs::CompareOp::Eq => CompareOp::Eq,
        theirs::CompareOp::Ne => CompareOp::Ne,
        theirs::CompareOp::Co => CompareOp::Co,
        theirs::CompareOp::Sw => CompareOp::Sw,
        theirs::CompareOp::Ew => CompareOp::Ew,
        theirs::CompareOp::Gt => CompareOp::Gt,
        theirs::CompareOp::Ge => CompareOp::Ge,
        theirs::CompareOp::Lt => CompareOp::Lt,
        theirs::CompareOp::Le => CompareOp::Le,
    }
}

fn expression(expression: theirs::AttrExp) -> Filter {
    match expression {
        theirs::AttrExp::Present(path) => Filter::Present(attr(path)),
        theirs::AttrExp::Comparison(path, operator, operand) => {
            Filter::Compare { attr: attr(path), op: op(&operator), value: value(&operand) }
        }
    }
}

fn inner(filter: theirs::ValFilter) -> Filter {
    match filter {
        theirs::ValFilter::Attr(leaf) => expression(leaf),
        theirs::ValFilter::Not(filter) => Filter::Not(Box::new(inner(*filter))),
        theirs::ValFilter::And(all) => Filter::And(all.into_vec().into_iter().map(inner).collect()),
        theirs::ValFilter::Or(any) => Filter::Or(any.into_vec().into_iter().map(inner).collect()),
    }
}

fn outer(filter: theirs::Filter) -> Filter {
    match filter {
        theirs::Filter::Attr(leaf) => expression(leaf),
        theirs::Filter::ValuePath(path) => {
            Filter::Element { attr: attr(path.attr), filter: Box::new(inner(*path.filter)) }
        }
        theirs::Filter::Not(filter) => Filter::Not(Box::new(outer(*filter))),
        theirs::Filter::And(all) => Filter::And(all.into_vec().into_iter().map(outer).collect()),
        theirs::Filter::Or(any) => Filter::Or(any.into_vec().into_iter().map(outer).collect()),
    }
}

fn path(path: theirs::PatchPath) -> Path {
    match path {
        theirs::PatchPath::Attr(path) => Path { attr: attr(path), filter: None, sub: None },
        theirs::PatchPath::Value(path) => {
            Path { attr: attr(path.attr), filter: Some(inner(path.filter)), sub: path.sub_attr }
        }
    }
}

fn their_filter(text: &str) -> Option<Filter> {
    text.parse().ok().map(outer)
}

fn their_path(text: &str) -> Option<Path> {
    text.parse().ok().map(path)
}

/// A right filter without its value strings' blanks, in pieces between which one blank stands.
fn pieces() -> impl Strategy<Value = Vec<String>> {
    let values = prop::sample::select(vec![Value::Null, Value::Integer(7), Value::String("x".to_owned())]);
    trees::filter(&trees::plain_name(), &values.boxed())
        .prop_map(|filter| filter.to_string().split(' ').map(str::to_owned).collect())
}

proptest! {
    #[test]
    fn both_read_the_same_filter(filter in trees::filter(&trees::plain_name(), &trees::plain_value())) {
        let text = filter.to_string();
        prop_assert_eq!(their_filter(&text), Filter::parse(&text).ok(), "{}", text);
    }

    #[test]
    fn both_read_the_same_path(path in trees::path(&trees::plain_name(), &trees::plain_value())) {
        let text = path.to_string();
        prop_assert_eq!(their_path(&text), Path::parse(&text).ok(), "{}", text);
    }

    /// A filter from which one piece was lost, doubled or moved: mostly wrong, sometimes another right one.
    #[test]
    fn both_refuse_the_same_filter(
        pieces in pieces(),
        at in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        change in 0..3,
    ) {
        let mut pieces = pieces;
        let (at, to) = (at.index(pieces.len()), to.index(pieces.len()));
        match change {
            0 => drop(pieces.remove(at)),
            1 => pieces.insert(to, pieces[at].clone()),
            _ => pieces.swap(at, to),
        }
        let text = pieces.join(" ");
        prop_assert_eq!(their_filter(&text), Filter::parse(&text).ok(), "{}", text);
    }
}
