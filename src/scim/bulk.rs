//! Bulk (RFC 7644 §3.7): many operations in one request, which may refer to what the others make.
//!
//! Reading the request and writing the answer are here; in which order the operations go, and what becomes of their
//! `bulkId:` references, is [`BulkRun`]'s to say. Whoever carries them out asks it for the next [`Step`] and reports back.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::error::{self, Error, ErrorKind, excerpt};
use super::schema::{GROUP, ResourceType, USER};
use super::values;

mod reference;
mod run;

pub use run::{BulkRun, Step};

/// The URN of a bulk's body.
pub const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The URN of a bulk's answer.
pub const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What a bulk is measured by.
#[derive(Clone, Copy, Debug)]
pub struct BulkLimits<'a> {
    /// Operations in one request, at most.
    pub max_operations: usize,
    /// The URL below which the endpoints are, as the client wrote it; without a slash at its end. Paths may start with it.
    pub base_url: &'a str,
}

/// The HTTP methods that a bulk may use (RFC 7644 §3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Make a resource.
    Post,
    /// Replace one.
    Put,
    /// Change one.
    Patch,
    /// Delete one.
    Delete,
}

/// A bulk that was read. `Debug` leaves the data out: some of it may be a password.
#[derive(Debug)]
pub struct BulkRequest {
    operations: Vec<Operation>,
    /// How many errors end it.
    fail_on_errors: Option<usize>,
    base_url: String,
}

/// One operation.
struct Operation {
    /// As the client wrote it, for the answer.
    method: String,
    bulk_id: Option<String>,
    /// What is to be done, or what is wrong with the operation: that ends this one alone.
    action: Result<Action, Error>,
}

/// What an operation is to do.
struct Action {
    method: Method,
    resource_type: &'static ResourceType,
    /// The resource, or the `bulkId:` reference to it; `None` for POST.
    id: Option<String>,
    version: Option<String>,
    /// `None` for DELETE.
    data: Option<Value>,
}

/// What a step made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The resource's id.
    pub id: String,
    /// The HTTP status that the request would have got.
    pub status: u16,
    /// The resource's version after it, as it stands in the `ETag`; `None` when the resource is gone.
    pub version: Option<String>,
}

/// Why a step failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The HTTP status that the request would have got.
    pub status: u16,
    /// The body that it would have got (RFC 7644 §3.12).
    pub response: Value,
}

/// What became of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkResult {
    method: String,
    bulk_id: Option<String>,
    location: Option<String>,
    version: Option<String>,
    status: u16,
    response: Option<Value>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = error.kind.status();
        Self { status, response: error.body(status) }
    }
}

impl Failure {
    /// A reference that cannot be resolved (RFC 7644 §3.7.1: 409).
    fn conflict(detail: &str) -> Self {
        Self { status: 409, response: error::body(409, None, detail) }
    }
}

impl BulkRequest {
    /// Reads the body of a POST to `/Bulk`. Names and methods match in any case.
    ///
    /// What is wrong with one operation (its method, its path, no data) ends that operation alone. The whole request is
    /// refused where it is no bulk (`invalidSyntax`), gives a `bulkId` twice or a `failOnErrors` below 1
    /// (`invalidValue`), or has more operations than `limits` allow ([`ErrorKind::TooLarge`], RFC 7644 §3.7.4).
    pub fn parse(body: Value, limits: BulkLimits<'_>) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::syntax("A bulk must be a JSON object with a list of Operations."));
        };
        let [operations, fail_on_errors] = named(body, ["Operations", "failOnErrors"])?;
        let operations = match operations {
            Some(Value::Array(operations)) => operations,
            Some(_) => return Err(Error::syntax("Operations must be a list.")),
            None => return Err(Error::syntax("The bulk has no Operations; send a list of them.")),
        };
        if operations.len() > limits.max_operations {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "The bulk has {} operations, more than the {} that one request may have; send several requests.",
                    operations.len(),
                    limits.max_operations
                ),
            ));
        }
        let fail_on_errors = fail_on_errors.map(|given| at_least_one(&given)).transpose()?.flatten();
        let operations = operations
            .into_iter()
            .map(|operation| Operation::parse(operation, limits))
            .collect::<Result<Vec<_>, _>>()?;
        check_unique(&operations)?;
        Ok(Self { operations, fail_on_errors, base_url: limits.base_url.to_owned() })
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Operation")
            .field("method", &self.method)
            .field("bulk_id", &self.bulk_id)
            .finish_non_exhaustive()
    }
}

impl Operation {
    fn parse(operation: Value, limits: BulkLimits<'_>) -> Result<Self, Error> {
        let Value::Object(operation) = operation else {
            return Err(Error::syntax("An operation of a bulk must be a JSON object."));
        };
        let [method, path, bulk_id, version, data] =
            named(operation, ["method", "path", "bulkId", "version", "data"])?;
        let bulk_id = text("bulkId", bulk_id)?;
        let version = text("version", version)?;
        let method = text("method", method)?.unwrap_or_default();
        let path = text("path", path)?.unwrap_or_default();
        let action = Action::new(&method, &path, bulk_id.is_some(), data, limits.base_url)
            .map(|action| Action { version, ..action });
        Ok(Self { method, bulk_id, action })
    }
}

impl Action {
    fn new(
        method: &str,
        path: &str,
        has_bulk_id: bool,
        data: Option<Value>,
        base_url: &str,
    ) -> Result<Self, Error> {
        let method = Method::parse(method)?;
        let (resource_type, id) = target(path, base_url)?;
        match (method, &id) {
            (Method::Post, Some(_)) => {
                return Err(Error::value(format!(
                    "POST needs the path of an endpoint, such as {}, not of one resource.",
                    resource_type.endpoint
                )));
            }
            (Method::Post, None) if !has_bulk_id => {
                return Err(Error::value("A POST needs a bulkId; send one that no other operation has."));
            }
            (Method::Put | Method::Patch | Method::Delete, None) => {
                return Err(Error::value(format!(
                    "{method} needs the path of one resource, such as {}/ID.",
                    resource_type.endpoint
                )));
            }
            _ => {}
        }
        let data = match (method, data) {
            (Method::Delete, _) => None,
            (_, Some(data)) if !data.is_null() => Some(data),
            _ => return Err(Error::value(format!("{method} needs data; send the body of the request."))),
        };
        Ok(Self { method, resource_type, id, version: None, data })
    }
}

impl Method {
    fn parse(text: &str) -> Result<Self, Error> {
        [Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.to_string().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| {
                Error::syntax(format!(
                    "The method {} is not known; use POST, PUT, PATCH or DELETE.",
                    excerpt(text)
                ))
            })
    }
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        })
    }
}

/// The body of the answer (RFC 7644 §3.7.3).
pub fn response(results: Vec<BulkResult>) -> Value {
    let operations: Vec<Value> = results.into_iter().map(BulkResult::body).collect();
    json!({"schemas": [BULK_RESPONSE], "Operations": operations})
}

impl BulkResult {
    fn body(self) -> Value {
        let mut body = Map::new();
        let texts = [
            ("location", self.location),
            ("method", Some(self.method)),
            ("bulkId", self.bulk_id),
            ("version", self.version),
            ("status", Some(self.status.to_string())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.insert(name.to_owned(), text.into());
            }
        }
        if let Some(response) = self.response {
            body.insert("response".to_owned(), response);
        }
        Value::Object(body)
    }
}

/// The endpoint and the id in `/Users/ID`, perhaps behind the base URL or its path.
fn target(path: &str, base_url: &str) -> Result<(&'static ResourceType, Option<String>), Error> {
    let unknown = || {
        Error::value(format!(
            "The path {} is none of a bulk; send one such as /Users or /Groups/ID.",
            excerpt(path)
        ))
    };
    let base_path =
        base_url.split_once("://").map_or("", |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
    let below = path.trim();
    let below = below.strip_prefix(base_url).or_else(|| below.strip_prefix(base_path)).unwrap_or(below);
    let mut parts = below.trim_matches('/').splitn(2, '/');
    let endpoint = parts.next().unwrap_or_default();
    let resource_type = [&USER, &GROUP]
        .into_iter()
        .find(|rt| rt.endpoint.trim_start_matches('/') == endpoint)
        .ok_or_else(unknown)?;
    match parts.next() {
        None => Ok((resource_type, None)),
        Some(id) if id.is_empty() || id.contains(['/', '?', '#']) => Err(unknown()),
        Some(id) => Ok((resource_type, Some(id.to_owned()))),
    }
}

/// The members of these names, in any case; one that is there twice is refused, others are passed over.
fn named<const N: usize>(object: Map<String, Value>, names: [&str; N]) -> Result<[Option<Value>; N], Error> {
    let mut found = [const { None }; N];
    for (key, value) in object {
        let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(&key)) else {
            continue;
        };
        if found[at].replace(value).is_some() {
            return Err(values::twice(names[at]));
        }
    }
    Ok(found)
}

fn text(name: &str, value: Option<Value>) -> Result<Option<String>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.trim().is_empty()).then_some(text)),
        Some(_) => Err(Error::syntax(format!("The {name} of an operation must be a string."))),
    }
}

fn at_least_one(given: &Value) -> Result<Option<usize>, Error> {
    if given.is_null() {
        return Ok(None);
    }
    match given.as_u64().map(usize::try_from) {
        Some(Ok(0)) | None => Err(Error::value("failOnErrors must be a whole number from 1 on.")),
        Some(number) => Ok(Some(number.unwrap_or(usize::MAX))),
    }
}

fn check_unique(operations: &[Operation]) -> Result<(), Error> {
    let mut seen = HashSet::with_capacity(operations.len());
    let ids = operations.iter().filter_map(|operation| operation.bulk_id.as_deref());
    for id in ids {
        if !seen.insert(id) {
            return Err(Error::value(format!(
                "The bulkId {} is given to more than one operation; give each its own.",
                excerpt(id)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
