//! One request's way through the simulator: faults, throttling, the token, the operation, the record.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use uuid::Uuid;

use super::account;
use super::directory::Directory;
use super::faults::{Action, Faults};
use super::login::{self, Tokens};
use super::message::{Body, Request, Response};
use super::record::Recorder;
use super::refusal::Refusal;
use super::routes::{self, Route};
use super::tenant::TenantSeed;
use super::{Error, Options};
use crate::clock::Clock;

/// The simulator without its server.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) clock: Clock,
    pub(super) tenant: TenantSeed,
    pub(super) directory: RwLock<Directory>,
    pub(super) tokens: Tokens,
    pub(super) faults: Faults,
    pub(super) recorder: Recorder,
    counts: Mutex<BTreeMap<String, u64>>,
    random: Mutex<StdRng>,
    latency: Duration,
    throttle: f64,
    unavailable: f64,
}

impl Service {
    /// Everything but the server, as `options` say.
    pub(super) fn new(options: &Options, clock: Clock) -> Result<Self, Error> {
        let directory = Directory::open(options.state.as_deref()).map_err(Error::State)?;
        let recorder = Recorder::open(options.record.as_deref()).map_err(Error::Record)?;
        Ok(Self {
            clock,
            tenant: options.tenant.clone(),
            directory: RwLock::new(directory),
            tokens: Tokens::default(),
            faults: Faults::default(),
            recorder,
            counts: Mutex::default(),
            random: Mutex::new(StdRng::seed_from_u64(options.seed)),
            latency: options.latency,
            throttle: options.throttle,
            unavailable: options.unavailable,
        })
    }

    /// Answers a request of the login host or of Graph. `None`: the connection is to be closed without an answer.
    pub(super) async fn serve(&self, request: Request) -> Option<Response> {
        let route = routes::find(&request);
        self.count(&format!("{} {}", request.method, route.template));
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let fault = self.faults.decide(&request.method, &request.path, || self.chance());
        match &fault {
            Some(Action::Delay(millis)) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Some(Action::Hold) => self.faults.hold().await,
            Some(Action::ResetBefore) => {
                self.recorder.record(&request, None);
                return None;
            }
            _ => {}
        }
        let answer = match &fault {
            Some(Action::Answer { status, code, message, retry_after }) if route.is_token() => {
                Ok(login::forced(*status, code, message, *retry_after))
            }
            Some(Action::Answer { status, code, message, retry_after }) => {
                Err(forced(*status, code, message, *retry_after))
            }
            _ if route.is_token() => Ok(self.token(&request)),
            _ => self.graph(&request, &route),
        };
        let response = self.finish(&request, &route, answer);
        match fault {
            Some(Action::HoldAfter) => self.faults.hold().await,
            Some(Action::ResetAfter) => {
                self.recorder.record(&request, None);
                return None;
            }
            _ => {}
        }
        self.recorder.record(&request, Some(&response));
        Some(response)
    }

    fn token(&self, request: &Request) -> Response {
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        login::token(request, &self.tenant, &directory, &self.tokens, &self.clock)
    }

    fn graph(&self, request: &Request, route: &Route) -> Result<Response, Refusal> {
        let app = self.tokens.bearer(request, self.clock.millis())?;
        self.pressure(request, app)?;
        routes::answer(self, request, route)
    }

    /// The share of calls that the options turn away.
    fn pressure(&self, request: &Request, app: Uuid) -> Result<(), Refusal> {
        if self.throttle > 0.0 && self.chance() < self.throttle {
            return Err(throttled(request, app, self.tenant.tenant_id));
        }
        if self.unavailable > 0.0 && self.chance() < self.unavailable {
            return Err(Refusal::new(503, "ServiceUnavailable", "The service is temporarily unavailable."));
        }
        Ok(())
    }

    /// The answer with the headers that every answer has.
    fn finish(&self, request: &Request, route: &Route, answer: Result<Response, Refusal>) -> Response {
        let id = self.clock.uuid().to_string();
        let client = request.header("client-request-id").unwrap_or(&id).to_owned();
        let mut response = answer.unwrap_or_else(|refusal| {
            let now = account::seconds(self.clock.millis());
            let body = refusal.body(now.trim_end_matches('Z'), &id, &client);
            Response { status: refusal.status, headers: refusal.headers, body: Body::Json(body) }
        });
        let server = json!({ "ServerInfo": {
            "DataCenter": "Simulator", "Slice": "E", "Ring": "0", "ScaleUnit": "000", "RoleInstance": "GANGWAY",
        }});
        response.headers.extend([
            ("request-id", id),
            ("client-request-id", client),
            ("x-ms-ags-diagnostic", server.to_string()),
        ]);
        if !route.is_token() {
            response.headers.push(("OData-Version", "4.0".to_owned()));
            response.headers.push(("x-ms-resource-unit", route.cost(request).to_string()));
        }
        response
    }

    fn count(&self, operation: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(operation) {
            *count += 1;
        } else {
            counts.insert(operation.to_owned(), 1);
        }
    }

    /// How often each operation was called.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts from nothing again.
    pub(super) fn clear_counts(&self) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn chance(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).random()
    }
}

fn forced(status: u16, code: &str, message: &str, retry_after: Option<u64>) -> Refusal {
    let mut refusal = Refusal::new(status, code, message);
    refusal.headers.extend(retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
    refusal
}

/// 429 with the headers of graph-facts §4.
fn throttled(request: &Request, app: Uuid, tenant: Uuid) -> Refusal {
    let write = request.method != "GET";
    let limit = if write { "WriteLimitExceeded" } else { "ResourceUnitLimitExceeded" };
    let mut refusal = Refusal::new(429, "TooManyRequests", "Please retry after");
    refusal.inner = Some("429");
    refusal.headers.extend([
        ("Retry-After", "1".to_owned()),
        ("x-ms-throttle-scope", format!("Tenant_Application/ReadWrite/{app}/{tenant}")),
        ("x-ms-throttle-information", limit.to_owned()),
    ]);
    refusal
}
