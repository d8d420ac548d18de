//! The ids in the values of `members`.

use serde_json::Value;

use crate::scim::error::Error;
use crate::scim::schema::MEMBERS;
use crate::scim::values;

/// Characters in the id of a member, at most; ids are looked up by an index.
pub const MAX_ID: usize = 512;

/// Whether a member's value says which member it is, or may; what is no object has to.
pub(super) fn says_who(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(parts) => {
            parts.iter().any(|(name, part)| name.eq_ignore_ascii_case("value") && !part.is_null())
        }
        Value::Array(list) => list.iter().any(says_who),
        _ => true,
    }
}

/// The ids in a value of `members`: of one object, a list of them, or bare ids; none in null.
pub(super) fn ids(value: Value, ignored: &mut Vec<String>) -> Result<Vec<String>, Error> {
    let given = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(given) => given,
        one => return Ok(id(one, ignored)?.into_iter().collect()),
    };
    let mut ids = Vec::with_capacity(given.len());
    for (at, element) in given.into_iter().enumerate() {
        let id = id(element, ignored).map_err(|error| {
            Error::new(error.kind, format!("Value {} of members: {}", at + 1, error.detail))
        })?;
        ids.extend(id);
    }
    Ok(ids)
}

/// The id in one member's value; without a `value`, that in its `$ref`.
fn id(element: Value, ignored: &mut Vec<String>) -> Result<Option<String>, Error> {
    if element.is_null() {
        return Ok(None);
    }
    if element.is_array() {
        return Err(Error::value(
            "members must be one value in each place of its list, but a list was sent.",
        ));
    }
    let member = values::read_one(MEMBERS, element, ignored)?.unwrap_or_default();
    let part = |name: &str| member.get(name).and_then(Value::as_str);
    match (part("value"), part("$ref").and_then(referred)) {
        (Some(id), _) | (None, Some(id)) => checked(id).map(Some),
        (None, None) => Err(Error::value("members.value is missing; send the id of a user or a group.")),
    }
}

/// The id at the end of `…/Users/ID` or `…/Groups/ID`.
fn referred(reference: &str) -> Option<&str> {
    let (head, id) = reference.trim_end_matches('/').rsplit_once('/')?;
    let endpoint = head.rsplit('/').next()?;
    let known = ["Users", "Groups"].iter().any(|known| known.eq_ignore_ascii_case(endpoint));
    known.then_some(id)
}

/// An id without the blanks around it; not empty, and not too long.
pub(super) fn checked(id: &str) -> Result<String, Error> {
    let id = id.trim();
    if id.is_empty() {
        return Err(Error::value("members.value is blank; send the id of a user or a group."));
    }
    if id.len() > MAX_ID && id.chars().count() > MAX_ID {
        return Err(Error::value(format!(
            "members.value is longer than {MAX_ID} characters; send the id of a user or a group."
        )));
    }
    Ok(id.to_owned())
}
