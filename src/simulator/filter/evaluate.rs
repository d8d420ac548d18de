//! What a filter finds. Texts are compared without regard to case, as the directory does.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{ELEMENT, Filter, Function, Operator};
use crate::simulator::object::Object;

impl Filter {
    /// Whether the filter finds `object`; `issuer` is the tenant's default domain.
    pub(in crate::simulator) fn finds(&self, object: &impl Object, issuer: &str) -> bool {
        self.holds(object, issuer, &Value::Null)
    }

    fn holds(&self, object: &impl Object, issuer: &str, element: &Value) -> bool {
        let value = |path: &str| value(object, issuer, element, path);
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(object, issuer, element)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(object, issuer, element)),
            Self::Not(inner) => !inner.holds(object, issuer, element),
            Self::Compare { path, operator, value: literal } => compare(&value(path), *operator, literal),
            Self::In { path, values } => {
                let found = value(path);
                values.iter().any(|literal| compare(&found, Operator::Eq, literal))
            }
            Self::Function { function, path, value: text } => {
                value(path).as_str().is_some_and(|found| apply(*function, found, text))
            }
            Self::Any { base, condition } => {
                let items = value(base);
                let items = items.as_array().map(Vec::as_slice).unwrap_or_default();
                match condition {
                    None => !items.is_empty(),
                    Some(condition) => items.iter().any(|item| condition.holds(object, issuer, item)),
                }
            }
        }
    }

    /// The ids, where the filter is nothing but `id eq '…' or id eq '…'`.
    pub(in crate::simulator) fn only_ids(&self) -> Option<Vec<String>> {
        match self {
            Self::Compare { path, operator: Operator::Eq, value: Value::String(id) } if path == "id" => {
                Some(vec![id.clone()])
            }
            Self::Or(parts) => {
                let all: Option<Vec<Vec<String>>> = parts.iter().map(Self::only_ids).collect();
                all.map(|all| all.into_iter().flatten().collect())
            }
            _ => None,
        }
    }

    /// The only objects that the filter can find, by id or user name, where it says so: no need to look at the others.
    pub(in crate::simulator) fn keys(&self) -> Option<Vec<String>> {
        match self {
            Self::Compare { path, operator: Operator::Eq, value: Value::String(key) } if is_key(path) => {
                Some(vec![key.clone()])
            }
            Self::In { path, values } if is_key(path) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Self::And(parts) => parts.iter().find_map(Self::keys),
            Self::Or(parts) => {
                let all: Option<Vec<Vec<String>>> = parts.iter().map(Self::keys).collect();
                all.map(|all| all.into_iter().flatten().collect())
            }
            _ => None,
        }
    }
}

fn is_key(path: &str) -> bool {
    matches!(path, "id" | "userPrincipalName")
}

fn value<'a>(object: &'a impl Object, issuer: &str, element: &'a Value, path: &str) -> Cow<'a, Value> {
    if let Some(base) = path.strip_suffix("/$count") {
        let items = value(object, issuer, element, base);
        return Cow::Owned(json!(items.as_array().map_or(0, Vec::len)));
    }
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let mut found = if first == ELEMENT {
        Cow::Borrowed(element)
    } else {
        match object.stored(first) {
            Some(stored) => Cow::Borrowed(stored),
            None => Cow::Owned(object.shown(first, issuer)),
        }
    };
    for part in parts {
        found = match found {
            Cow::Borrowed(whole) => Cow::Borrowed(whole.get(part).unwrap_or(&Value::Null)),
            Cow::Owned(whole) => Cow::Owned(whole.get(part).cloned().unwrap_or_default()),
        };
    }
    found
}

fn compare(found: &Value, operator: Operator, literal: &Value) -> bool {
    let order = match (found, literal) {
        (Value::String(a), Value::String(b)) => Some(a.to_lowercase().cmp(&b.to_lowercase())),
        (Value::Number(a), Value::Number(b)) => a.as_i64().zip(b.as_i64()).map(|(a, b)| a.cmp(&b)),
        (a, b) if a == b => Some(Ordering::Equal),
        _ => None,
    };
    match operator {
        Operator::Eq => order == Some(Ordering::Equal),
        Operator::Ne => order != Some(Ordering::Equal),
        Operator::Gt => order == Some(Ordering::Greater),
        Operator::Ge => order.is_some_and(Ordering::is_ge),
        Operator::Lt => order == Some(Ordering::Less),
        Operator::Le => order.is_some_and(Ordering::is_le),
    }
}

fn apply(function: Function, found: &str, text: &str) -> bool {
    let (found, text) = (found.to_lowercase(), text.to_lowercase());
    match function {
        Function::StartsWith => found.starts_with(&text),
        Function::EndsWith => found.ends_with(&text),
        Function::Contains => found.contains(&text),
    }
}
