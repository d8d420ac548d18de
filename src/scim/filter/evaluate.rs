//! A predicate decided on one resource.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::{Comparison, Op, Operand, Predicate, fold};
use crate::scim::schema::Resolved;
use crate::scim::values;

/// What a predicate looks at.
#[derive(Clone, Copy)]
pub(super) enum Subject<'a> {
    /// A resource, and who may answer a leaf in its stead.
    Resource(&'a Map<String, Value>, &'a dyn Fn(&Predicate) -> Option<bool>),
    Element(&'a Value),
}

pub(super) fn holds(predicate: &Predicate, subject: Subject<'_>) -> bool {
    match predicate {
        Predicate::And(all) => all.iter().all(|predicate| holds(predicate, subject)),
        Predicate::Or(any) => any.iter().any(|predicate| holds(predicate, subject)),
        Predicate::Not(inner) => !holds(inner, subject),
        Predicate::Constant(holds) => *holds,
        leaf => subject.answered(leaf).unwrap_or_else(|| leaf_holds(leaf, subject)),
    }
}

fn leaf_holds(leaf: &Predicate, subject: Subject<'_>) -> bool {
    match leaf {
        Predicate::Present(target) => subject.any(*target, is_present),
        Predicate::Compare(comparison) => subject.any(comparison.target, |value| compares(comparison, value)),
        Predicate::Element { target, predicate } => {
            subject.any(*target, |element| holds(predicate, Subject::Element(element)))
        }
        Predicate::And(_) | Predicate::Or(_) | Predicate::Not(_) | Predicate::Constant(_) => {
            holds(leaf, subject)
        }
    }
}

impl Subject<'_> {
    fn answered(self, leaf: &Predicate) -> Option<bool> {
        match self {
            Subject::Resource(_, answer) => answer(leaf),
            Subject::Element(_) => None,
        }
    }

    /// Whether one of the target's values passes.
    fn any(self, target: Resolved, mut test: impl FnMut(&Value) -> bool) -> bool {
        match self {
            Subject::Element(element) => match target.sub {
                Some(sub) => element.get(sub.name).is_some_and(test),
                None => test(element),
            },
            Subject::Resource(resource, _) => {
                let own = if target.schema.is_extension() {
                    resource.get(target.schema.id).and_then(Value::as_object)
                } else {
                    Some(resource)
                };
                let value = own.and_then(|own| own.get(target.attribute.name));
                match (value, target.sub) {
                    (None, _) => false,
                    (Some(Value::Array(elements)), None) => elements.iter().any(test),
                    (Some(value), None) => test(value),
                    (Some(Value::Array(elements)), Some(sub)) => {
                        elements.iter().filter_map(|element| element.get(sub.name)).any(test)
                    }
                    (Some(value), Some(sub)) => value.get(sub.name).is_some_and(test),
                }
            }
        }
    }
}

/// RFC 7644 table 3, `pr`: a value that is not empty, or a complex one with a part that is not empty.
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(is_present),
        Value::Object(parts) => parts.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compares(comparison: &Comparison, value: &Value) -> bool {
    let op = comparison.op;
    match (&comparison.operand, value) {
        (Operand::Text(operand), Value::String(text)) => {
            text_compares(op, text, operand, comparison.target.leaf().case_exact)
        }
        (Operand::Bool(operand), Value::Bool(given)) => op == Op::Eq && given == operand,
        (Operand::Integer(operand), Value::Number(number)) => match number.as_i64() {
            Some(given) => in_order(op, given.cmp(operand)),
            None => number.as_f64().is_some_and(|given| decimal_compares(op, given, to_f64(*operand))),
        },
        (Operand::Decimal(operand), Value::Number(number)) => {
            number.as_f64().is_some_and(|given| decimal_compares(op, given, *operand))
        }
        (Operand::Moment(operand), Value::String(text)) => {
            values::moment(text).is_some_and(|given| in_order(op, given.cmp(operand)))
        }
        _ => false,
    }
}

fn text_compares(op: Op, text: &str, operand: &str, case_exact: bool) -> bool {
    if case_exact {
        return plain_compares(op, text, operand);
    }
    // The common case by far, without an allocation.
    if op == Op::Eq && text.is_ascii() {
        return text.eq_ignore_ascii_case(operand);
    }
    plain_compares(op, &fold(text), operand)
}

fn plain_compares(op: Op, text: &str, operand: &str) -> bool {
    match op {
        Op::Co => text.contains(operand),
        Op::Sw => text.starts_with(operand),
        Op::Ew => text.ends_with(operand),
        _ => in_order(op, text.cmp(operand)),
    }
}

fn decimal_compares(op: Op, given: f64, operand: f64) -> bool {
    given.partial_cmp(&operand).is_some_and(|ordering| in_order(op, ordering))
}

#[expect(clippy::cast_precision_loss, reason = "it is compared with a number that is a float already")]
const fn to_f64(integer: i64) -> f64 {
    integer as f64
}

const fn in_order(op: Op, ordering: Ordering) -> bool {
    match op {
        Op::Eq => ordering.is_eq(),
        Op::Gt => ordering.is_gt(),
        Op::Ge => ordering.is_ge(),
        Op::Lt => ordering.is_lt(),
        Op::Le => ordering.is_le(),
        Op::Co | Op::Sw | Op::Ew => false,
    }
}
