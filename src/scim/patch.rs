//! PATCH (RFC 7644 §3.5.2): a request is read once, then applied to a copy, all of it or nothing.

use std::fmt;

use scim_filter_parser::Path;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::dialect::Dialect;
use super::error::{Error, ErrorKind, excerpt};
use super::filter;
use super::resource::Resource;
use super::schema::ResourceType;

mod apply;
mod elements;
mod selection;

pub(in crate::scim) use selection::{Selection, Which};

/// The URN of a PATCH body.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Operations in one request, at most.
pub const MAX_OPERATIONS: usize = 1_000;

/// Comparisons in the filters of all paths of one request, at most: each is decided for each element that there is.
pub const MAX_COMPARISONS: usize = 2_000;

/// The operations of one PATCH, in their order. `Debug` leaves the values out: one may be a password.
#[derive(Clone, Debug)]
pub struct PatchRequest {
    pub(in crate::scim) operations: Vec<Operation>,
    /// Whether the body had one operation only.
    pub(in crate::scim) alone: bool,
}

/// One operation.
#[derive(Clone)]
pub struct Operation {
    /// Its place in the body, from 0.
    pub(in crate::scim) index: usize,
    pub(in crate::scim) kind: OperationKind,
    pub(in crate::scim) path: Option<PatchPath>,
    /// `None` where the request has no `value`; an explicit null is `Some(Value::Null)`.
    pub(in crate::scim) value: Option<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// RFC 7644 §3.5.2.1
    Add,
    /// RFC 7644 §3.5.2.2
    Remove,
    /// RFC 7644 §3.5.2.3
    Replace,
}

/// A path with its text: only the text tells a schema's URN from an attribute.
#[derive(Clone, Debug)]
pub(in crate::scim) struct PatchPath {
    pub(in crate::scim) text: String,
    pub(in crate::scim) path: Path,
}

/// What a PATCH made of a resource.
#[derive(Debug)]
pub struct Patched {
    /// The resource after the last operation; the old one, where nothing changed.
    pub resource: Resource,
    /// The password to set, if an operation gave one. It counts as no change of the resource.
    pub password: Option<SecretString>,
    /// The names in values that were passed over: read-only, unknown, or of a foreign schema.
    pub ignored: Vec<String>,
    /// Whether the resource says something else than before (RFC 7644 §3.5.2.1: if not, `lastModified` stays).
    pub changed: bool,
}

impl PatchRequest {
    /// Reads the body of a PATCH. Names and `op` match in any case, as Entra and Microsoft's own client need it.
    ///
    /// `invalidSyntax`: no operations, too many, an unknown `op`. `tooMany`: more than [`MAX_COMPARISONS`]. `invalidPath`: a path that does not parse.
    /// `noTarget`: a remove without a path. `invalidValue`: an add or replace without a value.
    pub fn parse(body: Value, dialect: Dialect) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::syntax("A PATCH body must be a JSON object with a list of Operations."));
        };
        let given = match named(body, "Operations")? {
            Some(Value::Array(given)) => given,
            Some(one @ Value::Object(_)) => vec![one],
            Some(_) => return Err(Error::syntax("Operations must be a list.")),
            None => {
                return Err(Error::syntax("The PATCH body has no Operations; send a list of at least one."));
            }
        };
        if given.is_empty() {
            return Err(Error::syntax("Operations is empty; send at least one operation."));
        }
        if given.len() > MAX_OPERATIONS {
            return Err(Error::syntax(format!(
                "The PATCH has {} operations, more than the {MAX_OPERATIONS} that one request may have; send several requests.",
                given.len()
            )));
        }
        let alone = given.len() == 1;
        let operations = given
            .into_iter()
            .enumerate()
            .map(|(index, operation)| {
                Operation::parse(index, operation, dialect).map_err(|error| located(error, index, alone))
            })
            .collect::<Result<Vec<Operation>, _>>()?;
        let comparisons: usize = operations.iter().map(Operation::comparisons).sum();
        if comparisons > MAX_COMPARISONS {
            return Err(Error::new(
                ErrorKind::TooMany,
                format!(
                    "The paths of the PATCH have {comparisons} comparisons, more than the {MAX_COMPARISONS} that one request may have; send several requests."
                ),
            ));
        }
        Ok(Self { operations, alone })
    }

    /// The operations, in their order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }
}

impl Operation {
    /// What it does.
    pub const fn kind(&self) -> OperationKind {
        self.kind
    }

    fn comparisons(&self) -> usize {
        let filter = self.path.as_ref().and_then(|path| path.path.filter.as_ref());
        filter.map_or(0, scim_filter_parser::Filter::terms)
    }

    /// Its path as the client wrote it.
    pub fn path(&self) -> Option<&str> {
        self.path.as_ref().map(|path| path.text.as_str())
    }

    fn parse(index: usize, operation: Value, dialect: Dialect) -> Result<Self, Error> {
        let Value::Object(operation) = operation else {
            return Err(Error::syntax("An operation must be a JSON object with op, path and value."));
        };
        let [mut op, mut path, mut value] = [None, None, None];
        for (key, given) in operation {
            let (slot, name) = match key {
                key if key.eq_ignore_ascii_case("op") => (&mut op, "op"),
                key if key.eq_ignore_ascii_case("path") => (&mut path, "path"),
                key if key.eq_ignore_ascii_case("value") => (&mut value, "value"),
                _ => continue,
            };
            if slot.replace(given).is_some() {
                return Err(super::values::twice(name));
            }
        }
        let kind = OperationKind::parse(op.as_ref())?;
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(PatchPath::parse(text.trim(), dialect)?),
            Some(_) => {
                return Err(Error::new(
                    ErrorKind::InvalidPath,
                    "path must be a string such as \"name.familyName\".",
                ));
            }
        };
        if kind == OperationKind::Remove && path.is_none() {
            return Err(Error::new(ErrorKind::NoTarget, "A remove needs a path that says what to remove."));
        }
        if kind != OperationKind::Remove && value.is_none() {
            return Err(Error::value(format!(
                "The {kind} has no value; send one, or null to clear the attribute."
            )));
        }
        Ok(Self { index, kind, path, value })
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("kind", &self.kind)
            .field("path", &self.path.as_ref().map(|path| &path.text))
            .finish_non_exhaustive()
    }
}

impl OperationKind {
    fn parse(op: Option<&Value>) -> Result<Self, Error> {
        let known = [Self::Add, Self::Remove, Self::Replace];
        match op {
            Some(Value::String(op)) => known
                .into_iter()
                .find(|kind| kind.to_string().eq_ignore_ascii_case(op.trim()))
                .ok_or_else(|| {
                    Error::syntax(format!("The op {} is not known; use add, remove or replace.", excerpt(op)))
                }),
            _ => Err(Error::syntax("An operation has no op; send add, remove or replace.")),
        }
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        })
    }
}

impl PatchPath {
    fn parse(text: &str, dialect: Dialect) -> Result<Self, Error> {
        match Path::parse_with(text, &filter::options(dialect)) {
            Ok(path) => Ok(Self { text: text.to_owned(), path }),
            Err(error) => Err(Error::new(
                ErrorKind::InvalidPath,
                format!("The path {} cannot be read: {error}.", excerpt(text)),
            )),
        }
    }
}

/// Applies all operations to a copy of `resource`.
///
/// Beyond the RFC's text, where real clients differ or it is silent:
/// - A no-path value may have nested, dotted and URN keys, also paths with a filter; `id`, `meta`, `schemas`,
///   read-only and unknown names in it are passed over. A *path* to any of these is refused.
/// - An `add` at `emails[type eq "work"]…` that matches nothing makes the element, when the filter is plain equalities
///   that do not pick it by `value`; a `replace` does so for `….value` only, else it is `noTarget` (§3.5.2.3).
/// - A `replace` of a whole element keeps what its filter's equalities say, unless the value says otherwise.
/// - A `remove` with a value takes those elements away and no others; removing what is not there succeeds.
pub fn apply(
    rt: &'static ResourceType,
    resource: &Resource,
    request: &PatchRequest,
    dialect: Dialect,
) -> Result<Patched, Error> {
    let mut work = apply::Work::new(rt, resource, dialect);
    for operation in &request.operations {
        work.operation(operation).map_err(|error| located(error, operation.index, request.alone))?;
    }
    work.finish(resource)
}

/// Says which operation it was, where there are several.
pub(in crate::scim) fn located(error: Error, index: usize, alone: bool) -> Error {
    if alone {
        return error;
    }
    Error::new(error.kind, format!("Operation {}: {}", index + 1, error.detail))
}

/// The member of this name in any case; two of them are refused.
fn named(object: Map<String, Value>, name: &str) -> Result<Option<Value>, Error> {
    let mut found = None;
    for (key, value) in object {
        if key.eq_ignore_ascii_case(name) && found.replace(value).is_some() {
            return Err(super::values::twice(name));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
