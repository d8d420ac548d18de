//! One HTTP request and its answer.

use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, redirect};
use secrecy::ExposeSecret;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;
use uuid::Uuid;

use super::answer::{Answer, Body};
use super::budget::Scarce;
use super::request::{Payload, Request};
use super::token::Bearer;
use super::{Call, ConfigurationError, Effect, Error, Operation, Settings, TransportFault};
use crate::clock::Clock;

/// The longest body that is read, in bytes. The largest honest answers (a page of 999 objects) stay well below it.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// The longest body of a batch, in bytes.
const LONGEST_BATCH: usize = 16 * 1024 * 1024;

/// The longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// The HTTP side of one connection.
#[derive(Debug)]
pub(super) struct Wire {
    http: reqwest::Client,
    graph: Url,
    clock: Clock,
}

/// An HTTP client by these settings, which follows no redirects and undoes no compression.
pub(super) fn http(settings: &Settings) -> Result<reqwest::Client, ConfigurationError> {
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
    http.build().map_err(|error| ConfigurationError::Client(reason(error)))
}

impl Wire {
    pub(super) fn new(http: reqwest::Client, graph: Url, clock: Clock) -> Self {
        Self { http, graph, clock }
    }

    /// The whole address of what is at `path`, as a reference to it is written.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}v1.0/{path}", self.graph)
    }

    /// Path and query of a link below `/v1.0/` of Graph's host; None if it leads elsewhere.
    pub(super) fn target_of(&self, link: &str) -> Option<String> {
        let link = Url::parse(link).ok()?;
        if link.origin() != self.graph.origin() {
            return None;
        }
        let path = link.path().strip_prefix("/v1.0/")?;
        Some(link.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
    }

    /// Sends one request.
    pub(super) async fn send(
        &self,
        call: &Call,
        request: &Request,
        bearer: &Bearer,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        let mut sent = self.request(request.method.clone(), &request.target, call.client_request_id, bearer);
        if request.advanced {
            sent = sent.header("ConsistencyLevel", HeaderValue::from_static("eventual"));
        }
        sent = match &request.body {
            Some(Payload::Json(body)) => sent.header(CONTENT_TYPE, "application/json").body(body.to_string()),
            Some(Payload::Bytes { content_type, bytes }) => {
                sent.header(CONTENT_TYPE, *content_type).body(bytes.clone())
            }
            None => sent,
        };
        let outcome = match sent.send().await {
            Ok(response) => Ok(self.answer(request.operation, call, response, LONGEST_BODY).await),
            Err(error) => Err(Broken::of(error).error(request.operation, call)),
        };
        note(request.operation, call, &outcome, started);
        outcome
    }

    /// Sends a batch. The answer is that of the whole, in the name of its first request.
    pub(super) async fn send_batch(
        &self,
        id: Uuid,
        (operation, call): (Operation, &Call),
        body: String,
        bearer: &Bearer,
    ) -> Result<Answer, Broken> {
        let sent = self.request(Method::POST, "$batch", id, bearer);
        match sent.header(CONTENT_TYPE, "application/json").body(body).send().await {
            Ok(response) => Ok(self.answer(operation, call, response, LONGEST_BATCH).await),
            Err(error) => Err(Broken::of(error)),
        }
    }

    fn request(&self, method: Method, target: &str, id: Uuid, bearer: &Bearer) -> RequestBuilder {
        self.http
            .request(method, self.address(target))
            .header(AUTHORIZATION, format!("Bearer {}", bearer.token().expose_secret()))
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header("client-request-id", id.to_string())
    }

    async fn answer(
        &self,
        operation: Operation,
        call: &Call,
        mut response: Response,
        longest: usize,
    ) -> Answer {
        let headers = response.headers();
        Answer {
            operation,
            status: response.status().as_u16(),
            request_id: text(headers, "request-id"),
            client_request_id: call.client_request_id,
            retry_after: retry_after(headers, &self.clock),
            scarce: text(headers, "x-ms-throttle-information").as_deref().and_then(Scarce::named),
            content_type: text(headers, "content-type").unwrap_or_default(),
            body: read_at_most(&mut response, longest).await,
        }
    }

    /// `Retry-After` of one of a batch.
    pub(super) fn wait(&self, text: &str) -> Option<Duration> {
        wait(text, &self.clock)
    }
}

/// A connection that gave no answer.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    fault: TransportFault,
    word: &'static str,
    reason: String,
}

impl Broken {
    fn of(error: reqwest::Error) -> Self {
        let (fault, word) = fault(&error);
        Self { fault, word, reason: reason(error) }
    }

    /// The word for it in the metrics.
    pub(super) const fn word(&self) -> &'static str {
        self.word
    }

    /// What it means for one request.
    pub(super) fn error(&self, operation: Operation, call: &Call) -> Error {
        Error::Transport {
            operation,
            fault: self.fault,
            effect: match self.fault {
                TransportFault::Connect => Effect::None,
                TransportFault::TimedOut | TransportFault::Broken => Effect::Unknown,
            },
            reason: self.reason.clone(),
            client_request_id: call.client_request_id,
        }
    }
}

/// Counts and traces what became of one request.
pub(super) fn note(operation: Operation, call: &Call, outcome: &Result<Answer, Error>, started: Instant) {
    let (status, request_id) = match outcome {
        Ok(answer) => (answer.status.to_string(), answer.request_id.as_deref()),
        Err(Error::Transport { fault, .. }) => (fault.name().to_owned(), None),
        Err(_) => ("malformed".to_owned(), None),
    };
    record(operation.name(), status.clone(), started);
    tracing::debug!(
        operation = operation.name(),
        status,
        request_id,
        client_request_id = %call.client_request_id,
        "called Microsoft Graph"
    );
}

/// Reads the body of an ordinary answer, at most 4 MiB; a longer one is given up, and its connection with it.
pub(super) async fn read(response: &mut Response) -> Body {
    read_at_most(response, LONGEST_BODY).await
}

async fn read_at_most(response: &mut Response, longest: usize) -> Body {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > longest => return Body::TooLarge,
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
    let fault = if error.is_connect() || error.is_builder() {
        TransportFault::Connect
    } else if error.is_timeout() {
        TransportFault::TimedOut
    } else {
        TransportFault::Broken
    };
    (fault, fault.name())
}

impl TransportFault {
    /// The word for it in the metrics.
    const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::TimedOut => "timeout",
            Self::Broken => "broken",
        }
    }
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
    wait(&text(headers, "retry-after")?, clock)
}

fn wait(text: &str, clock: &Clock) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_WAIT));
    }
    let until = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    let wait = Duration::try_from(until - clock.now()).unwrap_or_default();
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7", Some(7))]
    #[case("0", Some(0))]
    #[case("99999999999", Some(600))]
    #[case("99999999999999999999999999", None)]
    #[case("Thu, 01 Jan 1970 00:01:30 GMT", Some(30))]
    #[case("Fri, 31 Dec 9999 23:59:59 GMT", Some(600))]
    #[case("Wed, 31 Dec 1969 23:00:00 GMT", Some(0))]
    #[case("soon", None)]
    #[case("-1", None)]
    fn a_wait_is_seconds_or_a_date(#[case] header: &'static str, #[case] seconds: Option<u64>) {
        let mut headers = HeaderMap::new();
        headers.insert("Retry-After", HeaderValue::from_static(header));
        let wait = retry_after(&headers, &Clock::fixed(60_000));
        assert_eq!(wait, seconds.map(Duration::from_secs));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_a_wait_too_long(text: String) {
            let wait = wait(&text, &Clock::fixed(60_000));
            proptest::prop_assert!(wait.is_none_or(|wait| wait <= LONGEST_WAIT));
        }
    }
}
