//! JSON values checked against an attribute and brought into canonical form (RFC 7643 §2.3 to §2.5).
//!
//! `null` and `[]` are "unassigned" (§2.5) and come back as `None`. Beyond the RFC, where it is silent and
//! real clients differ: booleans may be `"True"` or `"false"`, a list of one stands for its element and an
//! element for a list of one, and a bare string for a complex value means its `value`.

use std::collections::HashMap;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::{Error, ErrorKind, excerpt};
use super::schema::{Attribute, Kind, Mutability, Resolved};

/// Below this size a list is compared element by element; above it, through a table.
const SMALL: usize = 16;

/// `value` as the attribute at `place` holds it; `None` when it is unassigned.
pub(super) fn read(place: Resolved, value: Value, ignored: &mut Vec<String>) -> Result<Option<Value>, Error> {
    if place.leaf().multi_valued {
        return Ok(read_list(place, value, ignored)?.map(Value::Array));
    }
    read_one(place, value, ignored)
}

/// The elements of a multi-valued attribute, equal ones folded, at most one of them primary.
pub(super) fn read_list(
    place: Resolved,
    value: Value,
    ignored: &mut Vec<String>,
) -> Result<Option<Vec<Value>>, Error> {
    let given = match value {
        Value::Null => return Ok(None),
        Value::Array(given) => given,
        one => vec![one],
    };
    let mut elements = Vec::with_capacity(given.len());
    for element in given {
        if element.is_array() {
            return Err(wrong_type(place, "one value in each place of its list", &element));
        }
        elements.extend(read_one(place, element, ignored)?);
    }
    let elements = fold_equal(elements);
    if elements.iter().filter(|element| is_primary(element)).count() > 1 {
        return Err(two_primaries(place));
    }
    check_length(place, elements.len())?;
    Ok((!elements.is_empty()).then_some(elements))
}

/// The bound on a list's length; `place` is the whole attribute.
pub(super) fn check_length(place: Resolved, length: usize) -> Result<(), Error> {
    let most = place.attribute.max_values;
    if length <= most {
        return Ok(());
    }
    Err(Error::value(format!(
        "{place} would have {length} values, more than the {most} that it may have; send fewer."
    )))
}

/// One value: of a single-valued attribute, or one element of a multi-valued one.
pub(super) fn read_one(
    place: Resolved,
    value: Value,
    ignored: &mut Vec<String>,
) -> Result<Option<Value>, Error> {
    let value = match value {
        Value::Null => return Ok(None),
        Value::Array(list) => match sole(place, list)? {
            Some(value) => value,
            None => return Ok(None),
        },
        value => value,
    };
    if place.leaf().kind != Kind::Complex {
        return scalar(place, value);
    }
    let mut object = Map::new();
    merge(place, &mut object, value, ignored)?;
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// Lays the sub-attributes in `value` over those in `into`; `null` ones are taken away.
pub(super) fn merge(
    place: Resolved,
    into: &mut Map<String, Value>,
    value: Value,
    ignored: &mut Vec<String>,
) -> Result<(), Error> {
    let given = match value {
        Value::Object(given) => given,
        text @ Value::String(_) if place.attribute.sub("value").is_some() => {
            Map::from_iter([("value".to_owned(), text)])
        }
        other => return Err(wrong_type(place, "an object", &other)),
    };
    let mut seen = 0_u64;
    let refers = given.keys().any(|key| key.eq_ignore_ascii_case("$ref"));
    for (key, value) in given {
        let Some(index) = position(place.attribute, &key) else {
            ignored.push(format!("{place}.{key}"));
            continue;
        };
        let part = Resolved { sub: Some(&place.attribute.sub_attributes[index]), ..place };
        if seen & (1 << index) != 0 {
            return Err(twice(&part.to_string()));
        }
        seen |= 1 << index;
        if part.leaf().is_read_only() {
            ignored.push(part.to_string());
            continue;
        }
        let value = read_one(part, value, ignored)?;
        set_part(part, into, value, refers)?;
    }
    Ok(())
}

/// Sets or clears one sub-attribute. A reference that `value` no longer points to goes with it,
/// unless the client sent its own (`keep_reference`).
pub(super) fn set_part(
    part: Resolved,
    into: &mut Map<String, Value>,
    value: Option<Value>,
    keep_reference: bool,
) -> Result<(), Error> {
    let name = part.leaf().name;
    let before = into.get(name);
    if before == value.as_ref() {
        return Ok(());
    }
    if before.is_some() && part.leaf().mutability == Mutability::Immutable {
        return Err(Error::new(
            ErrorKind::Mutability,
            format!("{part} cannot be changed once it is set; remove the value and add another."),
        ));
    }
    if name == "value" && !keep_reference {
        into.shift_remove("$ref");
    }
    match value {
        Some(value) => into.insert(name.to_owned(), value),
        None => into.shift_remove(name),
    };
    Ok(())
}

/// Folds elements that are the same pair of type and value (RFC 7643 §2.4) into the first of them.
pub(super) fn fold_equal(elements: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::with_capacity(elements.len());
    let mut table: HashMap<String, usize> = HashMap::new();
    let large = elements.len() > SMALL;
    for element in elements {
        let at = if large {
            let next = kept.len();
            let at = *table.entry(identity(&element)).or_insert(next);
            (at < next).then_some(at)
        } else {
            kept.iter().position(|before| same_element(before, &element))
        };
        match at {
            Some(at) => overlay(&mut kept[at], element),
            None => kept.push(element),
        }
    }
    kept
}

/// Whether two elements are the same pair of type and value; without a value, whether they are equal.
pub(super) fn same_element(a: &Value, b: &Value) -> bool {
    match (a.get("value"), b.get("value")) {
        (Some(x), Some(y)) => x == y && a.get("type") == b.get("type") && a.get("$ref") == b.get("$ref"),
        _ => a == b,
    }
}

/// The text that is equal for elements for which [`same_element`] holds.
fn identity(element: &Value) -> String {
    match element.get("value") {
        Some(value) => {
            let part = |name| element.get(name).map(Value::to_string).unwrap_or_default();
            format!("v{value}\u{0}{}\u{0}{}", part("type"), part("$ref"))
        }
        None => sorted(element).to_string(),
    }
}

/// `element` with its names in alphabetical order.
fn sorted(element: &Value) -> Value {
    let Value::Object(object) = element else {
        return element.clone();
    };
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    Value::Object(entries.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Lays the parts of `over` on `element`.
pub(super) fn overlay(element: &mut Value, over: Value) {
    match (element, over) {
        (Value::Object(element), Value::Object(over)) => element.extend(over),
        (element, over) => *element = over,
    }
}

/// Whether the element is the preferred one.
pub(super) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// More than one preferred value was asked for (RFC 7643 §2.4).
pub(super) fn two_primaries(place: Resolved) -> Error {
    Error::value(format!(
        "{place} may have one value with \"primary\": true, but the request gives more; keep one."
    ))
}

/// A name that a client gave twice, in two cases (RFC 7643 §2.1).
pub(super) fn twice(name: &str) -> Error {
    Error::syntax(format!(
        "{} is given more than once, in names that differ only in case; send it once.",
        excerpt(name)
    ))
}

/// A dateTime as a moment (RFC 7643 §2.3.5). Without an offset, which xsd:dateTime permits, it is UTC.
pub(super) fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}Z"), &Rfc3339))
        .ok()
}

fn position(attribute: &Attribute, name: &str) -> Option<usize> {
    attribute.sub_attributes.iter().position(|sub| sub.name.eq_ignore_ascii_case(name))
}

/// The one value in a list that stands where a single value belongs.
fn sole(place: Resolved, mut list: Vec<Value>) -> Result<Option<Value>, Error> {
    if list.len() > 1 {
        return Err(Error::value(format!(
            "{place} holds a single value, but a list of {} was sent; send one.",
            list.len()
        )));
    }
    match list.pop() {
        None | Some(Value::Null) => Ok(None),
        Some(nested @ Value::Array(_)) => Err(wrong_type(place, "a single value", &nested)),
        Some(value) => Ok(Some(value)),
    }
}

fn scalar(place: Resolved, value: Value) -> Result<Option<Value>, Error> {
    let kind = place.leaf().kind;
    let fits = match (kind, &value) {
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => {
            return Ok(Some(Value::Bool(true)));
        }
        (Kind::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => {
            return Ok(Some(Value::Bool(false)));
        }
        // A form field left blank: no date and no certificate is empty.
        (Kind::DateTime | Kind::Binary, Value::String(text)) if text.is_empty() => {
            return Ok(None);
        }
        // No database column and no Graph property can hold it.
        (_, Value::String(text)) if text.contains('\0') => {
            return Err(Error::value(format!(
                "{place} contains the character U+0000, which cannot be stored; leave it out."
            )));
        }
        (Kind::String, Value::String(text)) if is_longer(text, place.leaf().max_length) => {
            let most = place.leaf().max_length;
            return Err(Error::value(format!(
                "{place} is longer than {most} characters; send a shorter value."
            )));
        }
        (Kind::String, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Decimal, Value::Number(_)) => true,
        (Kind::Integer, Value::Number(number)) => !number.is_f64(),
        (Kind::DateTime, Value::String(text)) => moment(text).is_some(),
        (Kind::Binary, Value::String(text)) => is_base64(text),
        (Kind::Reference, Value::String(text)) => is_reference(text),
        _ => false,
    };
    if fits {
        return Ok(Some(value));
    }
    Err(wrong_type(place, expected(kind), &value))
}

fn is_longer(text: &str, most: usize) -> bool {
    text.len() > most && text.chars().count() > most
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a string",
        Kind::Boolean => "true or false",
        Kind::Decimal => "a number",
        Kind::Integer => "a whole number",
        Kind::DateTime => "a date and time such as \"2026-01-31T08:00:00Z\"",
        Kind::Binary => "a string in base64",
        Kind::Reference => "a URI",
        Kind::Complex => "an object",
    }
}

/// The value itself stays out of the message: it may be a secret.
fn wrong_type(place: Resolved, expected: &str, value: &Value) -> Error {
    let sent = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "another string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let sent = if expected.starts_with("an object") && value.is_string() { "a string" } else { sent };
    Error::value(format!("{place} must be {expected}, but {sent} was sent."))
}

/// Base64 in either alphabet, padded or not (RFC 7643 §2.3.6, RFC 4648 §4 and §5).
fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let well_padded = padding == 0 || (padding <= 2 && text.len().is_multiple_of(4));
    well_padded
        && digits.len() % 4 != 1
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

/// A URI or a relative reference: nothing that RFC 3986 leaves out altogether.
fn is_reference(text: &str) -> bool {
    !text.chars().any(|c| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}".contains(c))
}
