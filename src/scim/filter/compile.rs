//! From the syntax tree to a predicate.

use scim_filter_parser::{AttrPath, CompareOp, Filter, Value};

use super::{Comparison, Op, Operand, Predicate, fold};
use crate::scim::dialect::Dialect;
use crate::scim::error::{Error, ErrorKind};
use crate::scim::schema::{Kind, Resolved, ResourceType, Returned};
use crate::scim::values;

/// Where names are looked up.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    Resource(&'a ResourceType),
    Element(Resolved),
}

pub(super) fn compile(scope: Scope<'_>, filter: &Filter, dialect: Dialect) -> Result<Predicate, Error> {
    let all = |filters: &[Filter]| {
        filters.iter().map(|filter| compile(scope, filter, dialect)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match filter {
        Filter::And(filters) => Predicate::And(all(filters)?),
        Filter::Or(filters) => Predicate::Or(all(filters)?),
        Filter::Not(filter) => Predicate::Not(Box::new(compile(scope, filter, dialect)?)),
        Filter::Present(attr) => match scope.resolve(attr)? {
            Some(target) => Predicate::Present(target),
            None => Predicate::Constant(false),
        },
        Filter::Compare { attr, op, value } => match scope.resolve(attr)? {
            Some(target) => compare(target, *op, value, dialect)?,
            None => Predicate::Constant(unassigned(*op, value)),
        },
        Filter::Element { attr, filter } => match scope.resolve(attr)? {
            Some(target) => element(target, filter, dialect)?,
            None => Predicate::Constant(false),
        },
    })
}

impl Scope<'_> {
    fn resolve(self, path: &AttrPath) -> Result<Option<Resolved>, Error> {
        let target = match self {
            Scope::Resource(rt) => rt.resolve(path),
            Scope::Element(whole) if path.urn.is_none() && path.sub.is_none() => {
                whole.attribute.sub(&path.name).map(|sub| Resolved { sub: Some(sub), ..whole })
            }
            Scope::Element(_) => None,
        };
        match target {
            // RFC 7643 §7: what is never returned cannot be filtered on either, or it could be guessed.
            Some(target) if target.leaf().returned == Returned::Never => {
                Err(refuse(format!("{target} is never returned and cannot be filtered on.")))
            }
            target => Ok(target),
        }
    }
}

/// What a comparison with an attribute that has no value comes to.
fn unassigned(op: CompareOp, value: &Value) -> bool {
    matches!(
        (op, value),
        (CompareOp::Eq, Value::Null)
            | (CompareOp::Ne, Value::Bool(_) | Value::Integer(_) | Value::Decimal(_) | Value::String(_))
    )
}

fn element(target: Resolved, filter: &Filter, dialect: Dialect) -> Result<Predicate, Error> {
    if target.attribute.kind != Kind::Complex || target.sub.is_some() {
        return Err(refuse(format!(
            "{target} has no sub-attributes that a filter in brackets could look at."
        )));
    }
    Ok(Predicate::Element { target, predicate: Box::new(compile(Scope::Element(target), filter, dialect)?) })
}

fn compare(target: Resolved, op: CompareOp, value: &Value, dialect: Dialect) -> Result<Predicate, Error> {
    if matches!(value, Value::Null) {
        return match op {
            CompareOp::Eq => Ok(Predicate::Not(Box::new(Predicate::Present(target)))),
            CompareOp::Ne => Ok(Predicate::Present(target)),
            _ => Err(refuse(format!("{target} can be compared with null by eq and ne only."))),
        };
    }
    let target = simple(target)?;
    let operand = operand(target, value, dialect)?;
    let Some(op) = Op::of(op) else {
        return Ok(Predicate::Not(Box::new(Predicate::Compare(Comparison { target, op: Op::Eq, operand }))));
    };
    check_operator(target, op)?;
    Ok(Predicate::Compare(Comparison { target, op, operand }))
}

/// A complex attribute stands for its `value`, as in `emails co "example.com"` (RFC 7644 §3.4.2.2's own example).
fn simple(target: Resolved) -> Result<Resolved, Error> {
    if target.leaf().kind != Kind::Complex {
        return Ok(target);
    }
    match target.attribute.sub("value") {
        Some(sub) => Ok(Resolved { sub: Some(sub), ..target }),
        None => Err(refuse(format!(
            "{target} has sub-attributes; compare one of them, such as {target}.{}.",
            target.attribute.sub_attributes.first().map_or("value", |sub| sub.name)
        ))),
    }
}

/// RFC 7644 table 3: what each operator cannot be used with.
fn check_operator(target: Resolved, op: Op) -> Result<(), Error> {
    let kind = target.leaf().kind;
    let (textual, ordered) = match kind {
        Kind::String | Kind::Reference => (true, true),
        Kind::DateTime | Kind::Integer | Kind::Decimal => (false, true),
        Kind::Boolean | Kind::Binary | Kind::Complex => (false, false),
    };
    let fits = match op {
        Op::Eq => true,
        Op::Co | Op::Sw | Op::Ew => textual,
        Op::Gt | Op::Ge | Op::Lt | Op::Le => ordered,
    };
    if fits {
        return Ok(());
    }
    let offered = if ordered { "eq, ne, gt, ge, lt, le and pr" } else { "eq, ne and pr" };
    Err(refuse(format!("{target} can be filtered with {offered} only.")))
}

fn operand(target: Resolved, value: &Value, dialect: Dialect) -> Result<Operand, Error> {
    let leaf = target.leaf();
    let text = |text: &str| Operand::Text(if leaf.case_exact { text.to_owned() } else { fold(text) });
    let (operand, expected) = match (leaf.kind, value) {
        (Kind::String | Kind::Reference | Kind::Binary, Value::String(given)) => (Some(text(given)), ""),
        // Where strings may come without quotes, 4711 and true are such strings.
        (Kind::String, Value::Integer(given)) if dialect.unquoted_filter_strings() => {
            (Some(text(&given.to_string())), "")
        }
        (Kind::String, Value::Bool(given)) if dialect.unquoted_filter_strings() => {
            (Some(text(&given.to_string())), "")
        }
        (Kind::String | Kind::Reference | Kind::Binary, _) => (None, "a string in double quotes"),
        (Kind::Boolean, Value::Bool(given)) => (Some(Operand::Bool(*given)), ""),
        // Entra writes roles[primary eq "True"].
        (Kind::Boolean, Value::String(given)) if given.eq_ignore_ascii_case("true") => {
            (Some(Operand::Bool(true)), "")
        }
        (Kind::Boolean, Value::String(given)) if given.eq_ignore_ascii_case("false") => {
            (Some(Operand::Bool(false)), "")
        }
        (Kind::Boolean, _) => (None, "true or false"),
        (Kind::Integer | Kind::Decimal, Value::Integer(given)) => (Some(Operand::Integer(*given)), ""),
        (Kind::Integer | Kind::Decimal, Value::Decimal(given)) => (Some(Operand::Decimal(*given)), ""),
        (Kind::Integer | Kind::Decimal, _) => (None, "a number"),
        (Kind::DateTime, Value::String(given)) => {
            (values::moment(given).map(Operand::Moment), "a date and time such as \"2026-01-31T08:00:00Z\"")
        }
        (Kind::DateTime, _) => (None, "a date and time such as \"2026-01-31T08:00:00Z\""),
        (Kind::Complex, _) => (None, "one of its sub-attributes"),
    };
    operand.ok_or_else(|| refuse(format!("{target} must be compared with {expected}.")))
}

fn refuse(detail: String) -> Error {
    Error::new(ErrorKind::InvalidFilter, detail)
}
