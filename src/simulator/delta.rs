//! `/users/delta` and `/groups/delta`: rounds of pages, and the tokens between them.

mod round;

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use super::filter::Filter;
use super::message::{Request, Response};
use super::query::selected;
use super::refusal::Refusal;
use super::schema::Entity;
use super::service::Service;
use super::users::context;
use round::Round;

/// How long a token is good: seven days, in milliseconds.
const LIFE: i64 = 7 * 24 * 60 * 60 * 1000;

/// How many objects a filter may name.
const MOST: usize = 50;

/// How delta queries are answered, as a test wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DeltaSettings {
    /// How many objects, and how many members of one group, a page holds at most.
    pub page_size: usize,
    /// Whether answers use what the documentation allows: a change that was told is told again, an object stands in a
    /// round twice, a first round holds deleted objects, and a round ends with an empty page.
    pub noise: bool,
}

impl Default for DeltaSettings {
    /// Pages of 100, without noise.
    fn default() -> Self {
        Self { page_size: 100, noise: false }
    }
}

/// What the tokens of this simulator have in common.
#[derive(Debug)]
pub(super) struct Deltas(Mutex<State>);

#[derive(Debug)]
struct State {
    settings: DeltaSettings,
    /// Chosen anew at each start: the log of an earlier one is gone.
    life: Uuid,
    /// Tokens of another generation have expired, with this status and code.
    generation: u32,
    expiry: (u16, String),
}

impl Default for Deltas {
    fn default() -> Self {
        let state = State {
            settings: DeltaSettings::default(),
            life: Uuid::new_v4(),
            generation: 0,
            expiry: (410, "syncStateNotFound".to_owned()),
        };
        Self(Mutex::new(state))
    }
}

impl Deltas {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How delta queries are answered.
    pub(super) fn settings(&self) -> DeltaSettings {
        self.state().settings
    }

    /// Changes how delta queries are answered.
    pub(super) fn set(&self, settings: DeltaSettings) {
        self.state().settings = settings;
    }

    /// Makes every token so far expired; a request with one is answered with this status and code.
    pub(super) fn expire(&self, status: u16, code: &str) {
        let mut state = self.state();
        state.generation += 1;
        state.expiry = (status, code.to_owned());
    }
}

/// What a `$deltatoken` and a `$skiptoken` hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    life: Uuid,
    generation: u32,
    /// When it was given, in milliseconds since the Unix epoch.
    at: i64,
    select: Option<Vec<String>>,
    /// The only objects to tell of.
    ids: Option<Vec<Uuid>>,
    /// The number of the last change that was told; none: the first round, which tells everything.
    since: Option<u64>,
    /// The number of the last change of this round.
    until: u64,
    /// Where the next page begins; none in a `$deltatoken`.
    place: Option<Place>,
}

/// A place in a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// Behind this object of the first round, or within it behind this member.
    Behind { id: Uuid, member: Option<Uuid> },
    /// Behind so many parts of a later round.
    Skipped(usize),
    /// Behind everything: the empty page at the end.
    End,
}

/// What the query asks for.
enum Start {
    Token(Box<Token>),
    /// From now on.
    Latest(Box<Token>),
}

/// `GET /users/delta` and `GET /groups/delta`.
pub(super) fn answer(service: &Service, request: &Request, entity: Entity) -> Result<Response, Refusal> {
    let directory = service.read();
    let start = start(service, request, entity, directory.log().last())?;
    let (token, next) = match start {
        Start::Latest(token) => (token, (Vec::new(), None)),
        Start::Token(token) => {
            let minimal = request.header("prefer").is_some_and(|value| value.contains("return=minimal"));
            let settings = service.deltas.settings();
            let issuer = service.tenant.default_domain();
            let round = Round { directory: &directory, entity, token: &token, minimal, settings, issuer };
            let Some(page) = round.page(service.clock.millis()) else {
                return Err(expired(service, request, entity));
            };
            (token, page)
        }
    };
    let (values, place) = next;
    let mut token = Token { at: service.clock.millis(), ..*token };
    let link = if place.is_some() {
        token.place = place;
        ("@odata.nextLink", "$skiptoken")
    } else {
        token.since = Some(token.until);
        token.place = None;
        ("@odata.deltaLink", "$deltatoken")
    };
    let mut body = Map::new();
    let select = token.select.as_deref();
    body.insert("@odata.context".to_owned(), json!(context(request, entity.set(), select, false)));
    let url = format!("{}{}?{}={}", request.base, path(entity), link.1, write(&token));
    body.insert(link.0.to_owned(), json!(url));
    body.insert("value".to_owned(), values.into());
    Ok(Response::json(200, body.into()))
}

fn path(entity: Entity) -> String {
    format!("/v1.0/{}/delta", entity.set())
}

fn start(service: &Service, request: &Request, entity: Entity, last: u64) -> Result<Start, Refusal> {
    let options = request.options();
    let option = |name: &str| options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let known = ["$select", "$filter", "$deltatoken", "$skiptoken", "$format"];
    if let Some((name, _)) =
        options.iter().find(|(key, _)| key.starts_with('$') && !known.contains(&key.as_str()))
    {
        return Err(Refusal::query(format!(
            "The query parameter '{name}' is not supported in a delta query."
        )));
    }
    let skip = option("$skiptoken");
    if skip.is_some() && (option("$select").is_some() || option("$filter").is_some()) {
        return Err(Refusal::query("$select and $filter cannot be combined with $skiptoken."));
    }
    let given = skip.or_else(|| option("$deltatoken").filter(|token| !token.is_empty()));
    let fresh = || -> Result<Box<Token>, Refusal> {
        let state = service.deltas.state();
        Ok(Box::new(Token {
            life: state.life,
            generation: state.generation,
            at: service.clock.millis(),
            select: option("$select").map(|names| selected(names, &[entity])).transpose()?,
            ids: option("$filter").map(identifiers).transpose()?,
            since: None,
            until: last,
            place: None,
        }))
    };
    match given {
        None => Ok(Start::Token(fresh()?)),
        Some("latest") => Ok(Start::Latest(fresh()?)),
        Some(text) => {
            let mut token = read(text).ok_or_else(malformed)?;
            if !good(service, &token) {
                return Err(expired(service, request, entity));
            }
            if token.place.is_none() {
                token.until = last;
            }
            Ok(Start::Token(Box::new(token)))
        }
    }
}

fn good(service: &Service, token: &Token) -> bool {
    let state = service.deltas.state();
    let age = service.clock.millis() - token.at;
    token.life == state.life && token.generation == state.generation && age <= LIFE
}

/// The objects that `$filter` names; a delta query takes no other filter.
fn identifiers(filter: &str) -> Result<Vec<Uuid>, Refusal> {
    let named = Filter::parse(filter)?.only_ids();
    let ids: Option<Vec<Uuid>> =
        named.and_then(|ids| ids.iter().map(|id| Uuid::parse_str(id).ok()).collect());
    let ids = ids.ok_or_else(|| Refusal::query("A delta query supports $filter by id only."))?;
    if ids.len() > MOST {
        return Err(Refusal::query(format!(
            "The filter names {} objects; at most {MOST} can be tracked.",
            ids.len()
        )));
    }
    Ok(ids)
}

fn write(token: &Token) -> String {
    URL_SAFE_NO_PAD.encode(json!(token).to_string())
}

fn read(text: &str) -> Option<Token> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn malformed() -> Refusal {
    Refusal::new(400, "BadRequest", "Badly formed content: the delta or skip token cannot be read.")
}

/// A token whose changes are not known any more: 410 with the address of a full round, or what a test asked for.
fn expired(service: &Service, request: &Request, entity: Entity) -> Refusal {
    let (status, code) = service.deltas.state().expiry.clone();
    let text =
        "Resync required. Please retry the request without the sync state: it was not found or has expired.";
    let mut refusal = Refusal::new(status, &code, text);
    if status == 410 {
        refusal.headers.push(("Location", format!("{}{}?$deltatoken=", request.base, path(entity))));
    }
    refusal
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_filter_names_at_most_fifty_objects_by_id() {
        let id = |n: u128| format!("id eq '{}'", Uuid::from_u128(n));
        let filter = |count: u128| (0..count).map(id).collect::<Vec<_>>().join(" or ");
        assert_eq!(identifiers(&filter(1)).unwrap(), [Uuid::from_u128(0)]);
        assert_eq!(identifiers(&filter(50)).unwrap().len(), 50);
        assert_eq!(identifiers(&filter(51)).unwrap_err().code, "Request_UnsupportedQuery");
        for bad in ["displayName eq 'x'", "id eq 'x'", "id ne '1'"] {
            assert_eq!(identifiers(bad).unwrap_err().code, "Request_UnsupportedQuery", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_token_is_read_or_refused(text in "[A-Za-z0-9_-]{0,60}|.{0,40}") {
            let _ = read(&text);
        }
    }
}
