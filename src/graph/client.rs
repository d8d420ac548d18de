//! One request to Graph and its answer.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Url, form_urlencoded};

use super::answer::{Answer, Body};
use super::token::{Bearer, Tokens};
use super::{Call, ConfigurationError, Effect, Error, Oddity, Operation, Reply, Settings, TransportFault};
use crate::clock::Clock;

/// The longest body that is read, in bytes. The largest honest answers (a page of 999 objects) stay well below it.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// The most pages that are read of one list: more than a tenant's 5,000 domains by 100.
const MOST_PAGES: usize = 100;

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// The HTTP side of one connection.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    graph: Url,
    tokens: Tokens,
    clock: Clock,
}

/// A request before it has a token: it can be sent alone, or gathered with others.
pub(super) struct Request {
    operation: Operation,
    method: Method,
    /// Path and query below `/v1.0/`, percent-encoded.
    target: String,
    advanced: bool,
    body: Option<Vec<u8>>,
    secret: Option<SecretString>,
}

impl Request {
    fn new(operation: Operation, method: Method, target: String) -> Self {
        Self { operation, method, target, advanced: false, body: None, secret: None }
    }

    pub(super) fn get(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::GET, target)
    }

    pub(super) fn post(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::POST, target)
    }

    pub(super) fn patch(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::PATCH, target)
    }

    pub(super) fn put(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::PUT, target)
    }

    pub(super) fn delete(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::DELETE, target)
    }

    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self
    }

    /// Keeps `secret`, which the body holds, out of any message that Graph may answer with it.
    pub(super) fn hiding(mut self, secret: &SecretString) -> Self {
        self.secret = Some(secret.clone());
        self
    }

    /// An advanced query, with the header that it needs besides `$count=true`.
    pub(super) fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }
}

/// The options of a query, percent-encoded as Graph wants them: a blank is `%20`, and `#` and `+` are never bare.
pub(super) struct Query(String);

impl Query {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    pub(super) fn and(mut self, name: &str, value: &str) -> Self {
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let mark = if self.0.is_empty() { '?' } else { '&' };
        self.0 = format!("{}{mark}{name}={}", self.0, value.replace('+', "%20"));
        self
    }

    pub(super) fn after(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    value: Vec<T>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
}

impl Client {
    pub(super) fn new(settings: Settings, clock: Clock) -> Result<Self, ConfigurationError> {
        settings.check()?;
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(settings.timeout)
            .connect_timeout(settings.connect_timeout)
            .https_only(!settings.cloud.is_plain())
            .user_agent(concat!("Gangway/", env!("CARGO_PKG_VERSION")));
        if settings.cloud.is_plain() {
            // Never hand to a proxy what is not encrypted.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| ConfigurationError::Client(reason(error)))?;
        Ok(Self {
            graph: settings.cloud.graph().clone(),
            tokens: Tokens::new(http.clone(), settings, clock.clone())?,
            http,
            clock,
        })
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The whole address of what is at `path`, as a reference to it is written.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}v1.0/{path}", self.graph)
    }

    /// Sends the request, with a fresh token once more if Graph no longer takes the one that we hold: a 401 is answered
    /// before anything is done. The answer is a 2xx.
    pub(super) async fn execute(&self, call: &Call, request: &Request) -> Result<Answer, Error> {
        let bearer = self.tokens.bearer().await?;
        let mut answer = self.send(call, request, &bearer).await?;
        if answer.status == 401 {
            self.tokens.forget(&bearer);
            let fresh = self.tokens.bearer().await?;
            answer = self.send(call, request, &fresh).await?;
        }
        answer.accepted(request.secret.as_ref())
    }

    /// All items of a list, over all of its pages.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        call: &Call,
        mut request: Request,
    ) -> Result<Reply<Vec<T>>, Error> {
        let mut items = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.execute(call, &request).await?;
            let (page, answer) = answer.read::<Page<T>>()?;
            items.extend(page.value);
            let Some(next) = page.next else {
                return Ok(answer.reply(items));
            };
            // The token goes along, so the link must not lead elsewhere.
            let Some(target) = self.target_of(&next) else {
                return Err(answer.odd(Oddity::ForeignLink));
            };
            request.target = target;
        }
        Err(Error::Malformed {
            oddity: Oddity::TooLarge,
            effect: Effect::None,
            failure: Box::new(call.nothing_from(request.operation)),
        })
    }

    /// The first item of a list that always has one.
    pub(super) async fn first<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: Request,
    ) -> Result<Reply<T>, Error> {
        let (page, answer) = self.execute(call, &request).await?.read::<Page<T>>()?;
        match page.value.into_iter().next() {
            Some(item) => Ok(answer.reply(item)),
            None => Err(answer.odd(Oddity::Shape)),
        }
    }

    fn target_of(&self, link: &str) -> Option<String> {
        let link = Url::parse(link).ok()?;
        if link.origin() != self.graph.origin() {
            return None;
        }
        let path = link.path().strip_prefix("/v1.0/")?;
        Some(link.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }

    async fn send(&self, call: &Call, request: &Request, bearer: &Bearer) -> Result<Answer, Error> {
        let started = Instant::now();
        let outcome = self.exchange(call, request, bearer).await;
        let status = match &outcome {
            Ok(answer) => answer.status.to_string(),
            Err(error) => fault(error).1.to_owned(),
        };
        record(request.operation.name(), status.clone(), started);
        tracing::debug!(
            operation = request.operation.name(),
            status,
            request_id = outcome.as_ref().ok().and_then(|answer| answer.request_id.as_deref()),
            client_request_id = %call.client_request_id,
            "called Microsoft Graph"
        );
        outcome.map_err(|error| {
            let fault = fault(&error).0;
            Error::Transport {
                operation: request.operation,
                fault,
                effect: match fault {
                    TransportFault::Connect => Effect::None,
                    TransportFault::TimedOut | TransportFault::Broken => Effect::Unknown,
                },
                reason: reason(error),
                client_request_id: call.client_request_id,
            }
        })
    }

    async fn exchange(
        &self,
        call: &Call,
        request: &Request,
        bearer: &Bearer,
    ) -> Result<Answer, reqwest::Error> {
        let url = self.address(&request.target);
        let mut sent = self
            .http
            .request(request.method.clone(), url)
            .header(AUTHORIZATION, authorization(bearer))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("client-request-id", call.client_request_id.to_string());
        if request.advanced {
            sent = sent.header("ConsistencyLevel", HeaderValue::from_static("eventual"));
        }
        sent = match &request.body {
            Some(body) => sent.header(CONTENT_TYPE, "application/json").body(body.clone()),
            None => sent,
        };
        let mut response = sent.send().await?;
        let headers = response.headers();
        Ok(Answer {
            operation: request.operation,
            status: response.status().as_u16(),
            request_id: text(headers, "request-id"),
            client_request_id: call.client_request_id,
            retry_after: retry_after(headers, &self.clock),
            content_type: text(headers, "content-type").unwrap_or_default(),
            body: read(&mut response).await,
        })
    }
}

fn authorization(bearer: &Bearer) -> String {
    format!("Bearer {}", bearer.token().expose_secret())
}

/// Reads the body, at most [`LONGEST_BODY`]; a longer one is given up, and its connection with it.
pub(super) async fn read(response: &mut reqwest::Response) -> Body {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_BODY => return Body::TooLarge,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Body::Whole(body),
            Err(_) => return Body::Broken,
        }
    }
}

/// Counts one call; `status` is an HTTP status or a word for what came instead.
pub(super) fn record(operation: &'static str, status: String, started: Instant) {
    metrics::counter!("gangway_graph_calls_total", "operation" => operation, "status" => status).increment(1);
    metrics::histogram!("gangway_graph_call_seconds", "operation" => operation)
        .record(started.elapsed().as_secs_f64());
}

/// How the connection failed, and the word for it in the metrics.
pub(super) fn fault(error: &reqwest::Error) -> (TransportFault, &'static str) {
    // A request that could not be built was not sent either.
    if error.is_connect() || error.is_builder() {
        return (TransportFault::Connect, "connect");
    }
    if error.is_timeout() {
        return (TransportFault::TimedOut, "timeout");
    }
    (TransportFault::Broken, "broken")
}

/// The innermost cause, without the address.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), at most [`LONGEST_WAIT`].
pub(super) fn retry_after(headers: &HeaderMap, clock: &Clock) -> Option<Duration> {
    let text = text(headers, "retry-after")?;
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let until = OffsetDateTime::parse(text.trim(), &Rfc2822).ok()?;
    let wait = Duration::try_from(until - clock.now()).unwrap_or_default();
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_query_is_percent_encoded() {
        let target = Query::new()
            .and("$filter", "userPrincipalName eq 'o''neil#EXT#+1@contoso.example'")
            .and("$count", "true")
            .after("users");
        assert_eq!(
            target,
            "users?$filter=userPrincipalName%20eq%20%27o%27%27neil%23EXT%23%2B1%40contoso.example%27&$count=true"
        );
    }

    #[rstest]
    #[case("7", Some(7))]
    #[case("0", Some(0))]
    #[case("99999999999", Some(3600))]
    #[case("Thu, 01 Jan 1970 00:01:30 GMT", Some(30))]
    #[case("Wed, 31 Dec 1969 23:00:00 GMT", Some(0))]
    #[case("soon", None)]
    #[case("-1", None)]
    fn a_wait_is_seconds_or_a_date(#[case] header: &'static str, #[case] seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert("Retry-After", HeaderValue::from_static(header));
        let wait = retry_after(&headers, &Clock::fixed(60_000));
        assert_eq!(wait, seconds.map(Duration::from_secs));
    }
}
