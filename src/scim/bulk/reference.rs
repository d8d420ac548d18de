//! `bulkId:` references (RFC 7644 §3.7.2): texts that are nothing else, or that end in one behind a slash.

use serde_json::{Map, Value};

const PREFIX: &str = "bulkId:";

/// The bulkId that a text refers to, and what stands in front of the reference.
pub(super) fn of(text: &str) -> Option<(&str, &str)> {
    if let Some(id) = text.strip_prefix(PREFIX) {
        return Some(("", id));
    }
    let at = text.rfind("/bulkId:")?;
    Some((&text[..=at], &text[at + 1 + PREFIX.len()..]))
}

/// Calls `visit` with each bulkId that is referred to in `value`; some more than once.
pub(super) fn each<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => {
            if let Some((_, id)) = of(text) {
                visit(id);
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| each(element, visit)),
        Value::Object(parts) => parts.values().for_each(|part| each(part, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts ids in the places of the references; what `id_of` does not know stays.
pub(super) fn fill<'a>(value: &mut Value, id_of: &dyn Fn(&str) -> Option<&'a str>) {
    match value {
        Value::String(text) => {
            if let Some((front, id)) = of(text).and_then(|(front, id)| Some((front, id_of(id)?))) {
                *text = format!("{front}{id}");
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| fill(element, id_of)),
        Value::Object(parts) => parts.values_mut().for_each(|part| fill(part, id_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Takes out of a resource's body what cannot be said yet, in the same shape: elements of a list, attributes of an
/// extension, whole attributes.
pub(super) fn hold_back(body: &mut Map<String, Value>, is_open: &dyn Fn(&str) -> bool) -> Map<String, Value> {
    let mut held = Map::new();
    let kept = std::mem::take(body);
    for (key, mut value) in kept {
        if !refers(&value, is_open) {
            body.insert(key, value);
            continue;
        }
        match &mut value {
            Value::Array(elements) => {
                let (back, stay) = std::mem::take(elements).into_iter().partition(|it| refers(it, is_open));
                *elements = stay;
                held.insert(key.clone(), Value::Array(back));
                body.insert(key, value);
            }
            // An attribute is held back as a whole; an extension's others may stay.
            Value::Object(parts) if key.contains(':') => {
                let back = hold_back(parts, is_open);
                held.insert(key.clone(), Value::Object(back));
                body.insert(key, value);
            }
            _ => {
                held.insert(key, value);
            }
        }
    }
    held
}

fn refers(value: &Value, is_open: &dyn Fn(&str) -> bool) -> bool {
    let mut open = false;
    each(value, &mut |id| open |= is_open(id));
    open
}
