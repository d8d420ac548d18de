//! What a collector asks for: the body of `POST …/events`, read strictly where a slip would lose events.

use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::fields;
use crate::clock;
use crate::ids::EventId;

/// How many events an answer has when the query does not say.
const DEFAULT_LIMIT: u32 = 1_000;
/// How many events an answer has at most.
const MAX_LIMIT: u32 = 10_000;

const KEYS: &[&str] =
    &["service", "start_time", "end_time", "limit", "skip", "sort", "search_after", "fields"];
/// Keys of JumpCloud's that are not built yet: refused, since to pass over them would answer with the wrong events.
const LATER_KEYS: &[&str] = &["search_term", "q", "exact_match"];

const ALL_SERVICES: &str = "all";
/// JumpCloud's services. All but [`super::SERVICE`] are empty here, so that its collectors get an answer.
const SERVICES: &[&str] = &[
    super::SERVICE,
    "sso",
    "radius",
    "ldap",
    "systems",
    "mdm",
    "software",
    "password_manager",
    "object_storage",
    "saas_app_management",
    "alerts",
    "access_management",
    "reports",
    "notifications",
    "workflows",
];

/// Which events, in which order, how many, and which of their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Of which services.
    pub services: Services,
    /// The first moment, inclusive, in milliseconds since the Unix epoch.
    pub start: i64,
    /// The last moment, inclusive, in milliseconds since the Unix epoch; without it, up to now.
    pub end: Option<i64>,
    /// How many at most: 1 to 10,000.
    pub limit: u32,
    /// How many to pass over, counted from `after`.
    pub skip: u64,
    /// By time, then id.
    pub order: Order,
    /// Only what comes behind this place, in the query's order.
    pub after: Option<Cursor>,
    /// The fields to give out, all of them known; without it, whole documents.
    pub fields: Option<Vec<String>>,
}

/// The services whose events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Services {
    /// Every one.
    All,
    /// These, each once and valid.
    Named(Vec<&'static str>),
}

/// The order of events: by time, then id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

impl Order {
    /// `ASC` or `DESC`, as in the header `X-Sort`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
        }
    }
}

/// One event's place in the order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Its time in milliseconds since the Unix epoch.
    pub at: i64,
    /// Its id.
    pub id: EventId,
}

impl Cursor {
    /// `[at, id]`, as in `search_after` and the header `X-Search_after`.
    pub fn to_json(&self) -> Value {
        json!([self.at, self.id])
    }

    fn parse(value: &Value) -> Result<Option<Self>, QueryError> {
        let cursor = match value.as_array().map(Vec::as_slice) {
            // What an answer without events may carry: nothing was seen, so nothing lies behind it.
            Some([]) => return Ok(None),
            Some([at, Value::String(id)]) => integer(at).zip(Uuid::try_parse(id).ok()),
            _ => None,
        };
        let (at, id) = cursor.ok_or(QueryError::SearchAfter)?;
        Ok(Some(Self { at, id: EventId(id) }))
    }
}

/// Why a body is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// It is no JSON object.
    #[error("the body must be a JSON object with at least service and start_time")]
    NotAnObject,
    /// It has keys that no query has.
    #[error("unknown keys: {}; a query has {}", .0.join(", "), KEYS.join(", "))]
    UnknownKeys(Vec<String>),
    /// It has keys that Gangway does not serve yet.
    #[error("not supported yet: {}; leave it out and select among the answered events", .0.join(", "))]
    NotYet(Vec<&'static str>),
    /// There is no list of services.
    #[error("service is required: a list of at least one of {}", valid_services())]
    ServiceMissing,
    /// A service that does not exist.
    #[error("unknown service: {}; valid are {}", .0.join(", "), valid_services())]
    UnknownService(Vec<String>),
    /// There is no start.
    #[error("start_time is required, as in \"2026-01-31T08:00:00Z\"")]
    StartMissing,
    /// The named key holds no time.
    #[error("{0} must be an RFC 3339 time such as \"2026-01-31T08:00:00Z\" or a date such as \"2026-01-31\"")]
    Time(&'static str),
    /// `skip` is no count.
    #[error("skip must be a whole number of events, 0 or more")]
    Skip,
    /// `search_after` is no place.
    #[error(
        "search_after must be a time in milliseconds and an event's id, as the header X-Search_after of the last answer gave them"
    )]
    SearchAfter,
    /// `fields` names nothing.
    #[error(
        "fields must be a list of at least one field's name, as in [\"timestamp\", \"resource.username\"]"
    )]
    NoFields,
    /// `fields` names only what no event has.
    #[error("no event has the fields {}; names are as in timestamp or resource.username", .0.join(", "))]
    UnknownFields(Vec<String>),
}

impl Query {
    /// Reads a query. Nonsense in `limit` and `sort` means their defaults, as with JumpCloud; any other fault is an error.
    pub fn parse(body: &Value) -> Result<Self, QueryError> {
        let body = body.as_object().ok_or(QueryError::NotAnObject)?;
        check_keys(body)?;
        let get = |key: &str| body.get(key).filter(|value| !value.is_null());
        let start = get("start_time").ok_or(QueryError::StartMissing);
        Ok(Self {
            services: services(get("service"))?,
            start: time("start_time", start?)?,
            end: get("end_time").map(|value| time("end_time", value)).transpose()?,
            limit: limit(get("limit")),
            skip: get("skip").map_or(Ok(0), skip)?,
            order: order(get("sort")),
            after: get("search_after").map_or(Ok(None), Cursor::parse)?,
            fields: get("fields").map(field_names).transpose()?,
        })
    }

    /// `document` with only the fields that the query asks for.
    pub fn project(&self, document: Value) -> Value {
        let Some(fields) = &self.fields else {
            return document;
        };
        let names: Vec<&str> = fields.iter().map(String::as_str).collect();
        fields::project(&document, &names)
    }
}

fn check_keys(body: &Map<String, Value>) -> Result<(), QueryError> {
    let is_known = |key: &str| KEYS.contains(&key) || LATER_KEYS.contains(&key);
    let unknown: Vec<String> = body.keys().filter(|key| !is_known(key)).cloned().collect();
    if !unknown.is_empty() {
        return Err(QueryError::UnknownKeys(unknown));
    }
    let later = |key: &&&str| body.get(**key).is_some_and(|value| !value.is_null());
    let not_yet: Vec<&'static str> = LATER_KEYS.iter().filter(later).copied().collect();
    if !not_yet.is_empty() {
        return Err(QueryError::NotYet(not_yet));
    }
    Ok(())
}

fn services(value: Option<&Value>) -> Result<Services, QueryError> {
    let asked = match value {
        Some(Value::Array(items)) if !items.is_empty() => items.iter().collect(),
        Some(name @ Value::String(_)) => vec![name],
        _ => return Err(QueryError::ServiceMissing),
    };
    let mut named = Vec::new();
    let mut unknown = Vec::new();
    let mut all = false;
    for item in asked {
        let name = item.as_str().unwrap_or_default();
        match SERVICES.iter().find(|service| **service == name) {
            Some(service) if named.contains(service) => {}
            Some(service) => named.push(*service),
            None if name == ALL_SERVICES => all = true,
            None => unknown.push(shown(item)),
        }
    }
    if !unknown.is_empty() {
        return Err(QueryError::UnknownService(unknown));
    }
    Ok(if all { Services::All } else { Services::Named(named) })
}

fn valid_services() -> String {
    format!("{ALL_SERVICES}, {}", SERVICES.join(", "))
}

fn time(key: &'static str, value: &Value) -> Result<i64, QueryError> {
    value.as_str().and_then(millis).ok_or(QueryError::Time(key))
}

fn millis(text: &str) -> Option<i64> {
    let at = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| {
        Date::parse(text, format_description!("[year]-[month]-[day]"))
            .map(|date| date.midnight().assume_utc())
    });
    at.ok().map(clock::millis)
}

fn limit(value: Option<&Value>) -> u32 {
    let Some(value) = value else {
        return DEFAULT_LIMIT;
    };
    // A number that no i64 holds is still a number, and too large a one.
    let is_huge = value.as_f64().is_some_and(|limit| limit > f64::from(MAX_LIMIT));
    let limit = if is_huge { i64::from(MAX_LIMIT) } else { integer(value).unwrap_or(0) };
    match u32::try_from(limit.min(i64::from(MAX_LIMIT))) {
        Ok(limit) if limit > 0 => limit,
        _ => DEFAULT_LIMIT,
    }
}

fn skip(value: &Value) -> Result<u64, QueryError> {
    integer(value).and_then(|skip| u64::try_from(skip).ok()).ok_or(QueryError::Skip)
}

fn order(value: Option<&Value>) -> Order {
    match value.and_then(Value::as_str) {
        Some(text) if text.eq_ignore_ascii_case("DESC") => Order::Descending,
        _ => Order::Ascending,
    }
}

fn field_names(value: &Value) -> Result<Vec<String>, QueryError> {
    let asked = value.as_array().filter(|names| !names.is_empty()).ok_or(QueryError::NoFields)?;
    let known: Vec<String> = asked
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| fields::is_known(name))
        .map(str::to_owned)
        .collect();
    if known.is_empty() {
        return Err(QueryError::UnknownFields(asked.iter().map(shown).collect()));
    }
    Ok(known)
}

/// A whole number, or one in a string: collectors keep what headers gave them as text.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
