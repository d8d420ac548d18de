//! One request's way through the simulator: faults, throttling, the token, the operation, the record.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;
use uuid::Uuid;

use super::account;
use super::audit::Audits;
use super::batch;
use super::caller::Caller;
use super::delta::Deltas;
use super::directory::Directory;
use super::faults::{Action, Faults};
use super::login::{self, Host, Login};
use super::mail::Mails;
use super::message::{Body, Request, Response};
use super::permission;
use super::record::Recorder;
use super::refusal::Refusal;
use super::replication::Replicas;
use super::routes::{self, Route};
use super::tenant::TenantSeed;
use super::throttle::{self, Throttle, Throttled};
use super::{Error, Options};
use crate::clock::Clock;

/// From how many hundredths of a quota on its answers say how much is used.
const NEAR: u32 = 80;

/// The simulator without its server.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) clock: Clock,
    /// The tenant as it was at the start: what never changes of it.
    pub(super) tenant: TenantSeed,
    /// The tenant as it is now.
    pub(super) present: RwLock<Arc<TenantSeed>>,
    pub(super) directory: RwLock<Directory>,
    pub(super) login: Login,
    pub(super) faults: Faults,
    pub(super) recorder: Recorder,
    pub(super) deltas: Deltas,
    pub(super) audits: Audits,
    pub(super) mails: Mails,
    pub(super) throttle: Throttle,
    pub(super) replicas: Replicas,
    counts: Mutex<BTreeMap<String, u64>>,
    random: Mutex<StdRng>,
    latency: Duration,
    /// The share of calls that are turned away by chance.
    throttled: f64,
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
            present: RwLock::new(Arc::new(options.tenant.clone())),
            directory: RwLock::new(directory),
            login: Login::new(&options.tenant),
            faults: Faults::default(),
            recorder,
            deltas: Deltas::default(),
            audits: Audits::default(),
            mails: Mails::default(),
            throttle: Throttle::new(options.limits),
            replicas: Replicas::default(),
            counts: Mutex::default(),
            random: Mutex::new(StdRng::seed_from_u64(options.seed)),
            latency: options.latency,
            throttled: options.throttle,
            unavailable: options.unavailable,
        })
    }

    /// Answers a request of the login host or of Graph. `None`: the connection is to be closed without an answer.
    pub(super) async fn serve(&self, request: Request) -> Option<Response> {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        let response = self.handle(&request, None).await;
        self.recorder.record(&request, response.as_ref());
        response
    }

    /// Answers a request, or one of a batch, whose caller is known then.
    pub(super) async fn handle(&self, request: &Request, caller: Option<&Caller>) -> Option<Response> {
        let route = routes::find(request);
        self.count(&format!("{} {}", request.method, route.template));
        let fault = self.faults.decide(&request.method, &request.path, || self.chance());
        match &fault {
            Some(Action::Delay(millis)) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            Some(Action::Hold) => self.faults.hold().await,
            Some(Action::ResetBefore) => return None,
            _ => {}
        }
        let answer = match fault.as_ref().and_then(|action| instead(action, request, &route)) {
            Some(answer) => answer,
            None if route.is_login() => Ok(self.login(request, &route)),
            None => self.graph(request, &route, caller).await?,
        };
        let mut response = self.finish(request, &route, answer);
        match fault {
            Some(Action::HoldAfter) => self.faults.hold().await,
            Some(Action::ResetAfter) => return None,
            Some(Action::HalfBody) => response.body = Body::Half(Box::new(response.body)),
            _ => {}
        }
        Some(response)
    }

    fn login(&self, request: &Request, route: &Route) -> Response {
        let (directory, tenant) = (self.latest(), self.tenant_now());
        let host = Host { login: &self.login, tenant: &tenant, directory: &directory, clock: &self.clock };
        match route.page {
            Some(page) => login::show(&host, request, page),
            None => login::token(&host, request),
        }
    }

    /// Carries an operation of Graph out. `None`: a request of a batch closes the connection.
    async fn graph(
        &self,
        request: &Request,
        route: &Route,
        known: Option<&Caller>,
    ) -> Option<Result<Response, Refusal>> {
        let caller = match known.map_or_else(|| self.caller(request), |caller| Ok(caller.clone())) {
            Ok(caller) => caller,
            Err(refusal) => return Some(Err(refusal)),
        };
        if route.is_batch() && known.is_none() {
            return Box::pin(batch::answer(self, request, &caller)).await;
        }
        Some(self.operate(request, route, &caller))
    }

    /// Carries an operation out, if the quota, the permissions and the roles let it.
    fn operate(&self, request: &Request, route: &Route, caller: &Caller) -> Result<Response, Refusal> {
        self.pressure(request, caller.app)?;
        let cost = throttle::cost(request, route.template);
        let tenant = self.tenant.tenant_id;
        let used = self
            .throttle
            .take(caller.app, cost, self.clock.millis())
            .map_err(|refused| throttled(refused, caller.app, tenant))?;
        permission::check(caller, request, route.template)?;
        self.replicate();
        self.check_seen(request, route)?;
        let mut response = routes::answer(self, request, route, caller)?;
        if used > NEAR {
            let share = format!("{}.{:02}", used / 100, used % 100);
            response.headers.push(("x-ms-throttle-limit-percentage", share));
        }
        Ok(response)
    }

    /// Who calls.
    fn caller(&self, request: &Request) -> Result<Caller, Refusal> {
        let grant = self.login.tokens.bearer(request, self.clock.millis())?;
        let own = self.login.roles_of(grant.app).ok_or_else(Refusal::identity)?;
        let roles = match grant.person {
            None => own,
            Some(id) => {
                self.latest().find(&id.to_string()).map(|person| person.held_roles()).unwrap_or_default()
            }
        };
        Ok(Caller { app: grant.app, user: grant.person, permissions: grant.permissions, roles })
    }

    /// The share of calls that the options turn away.
    fn pressure(&self, request: &Request, app: Uuid) -> Result<(), Refusal> {
        if self.throttled > 0.0 && self.chance() < self.throttled {
            let write = request.method != "GET";
            let information = if write { "WriteLimitExceeded" } else { "ResourceUnitLimitExceeded" };
            let refused = Throttled { retry_after: 1, scope: "Tenant_Application/ReadWrite", information };
            return Err(throttled(refused, app, self.tenant.tenant_id));
        }
        if self.unavailable > 0.0 && self.chance() < self.unavailable {
            return Err(Refusal::new(503, "ServiceUnavailable", "The service is temporarily unavailable."));
        }
        Ok(())
    }

    /// The answer with the headers that every answer has.
    pub(super) fn finish(
        &self,
        request: &Request,
        route: &Route,
        answer: Result<Response, Refusal>,
    ) -> Response {
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
        if !route.is_login() {
            response.headers.push(("OData-Version", "4.0".to_owned()));
            let units = throttle::cost(request, route.template).units;
            response.headers.push(("x-ms-resource-unit", units.to_string()));
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

    /// Puts `places` into an order that the seed chooses.
    pub(super) fn shuffle(&self, places: &mut [usize]) {
        places.shuffle(&mut *self.random.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn chance(&self) -> f64 {
        self.random.lock().unwrap_or_else(PoisonError::into_inner).random()
    }
}

/// What a fault answers in place of the operation, if it does.
fn instead(action: &Action, request: &Request, route: &Route) -> Option<Result<Response, Refusal>> {
    let plain = |status, body| Response { status, headers: Vec::new(), body };
    let answer = match action {
        Action::Answer { status, code, message, retry_after } if route.is_login() => {
            Ok(login::forced(*status, code, message, *retry_after))
        }
        Action::Answer { status, code, message, retry_after } => {
            Err(forced(*status, code, message, *retry_after))
        }
        Action::Raw { status, content_type, body } => {
            Ok(plain(*status, Body::Raw(content_type.clone(), body.clone())))
        }
        Action::Redirect => {
            let mut response = plain(302, Body::Raw("text/plain".to_owned(), String::new()));
            let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
            response.headers.push(("Location", format!("{}{}{query}", request.base, request.path)));
            Ok(response)
        }
        Action::Huge(length) => Ok(plain(200, Body::Huge(*length))),
        _ => return None,
    };
    Some(answer)
}

fn forced(status: u16, code: &str, message: &str, retry_after: Option<u64>) -> Refusal {
    let mut refusal = Refusal::new(status, code, message);
    refusal.headers.extend(retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
    refusal
}

/// 429 with the headers that Microsoft documents.
fn throttled(refused: Throttled, app: Uuid, tenant: Uuid) -> Refusal {
    let mut refusal = Refusal::new(429, "TooManyRequests", "Please retry after");
    refusal.inner = Some("429");
    refusal.headers.extend([
        ("Retry-After", refused.retry_after.to_string()),
        ("x-ms-throttle-scope", format!("{}/{app}/{tenant}", refused.scope)),
        ("x-ms-throttle-information", refused.information.to_owned()),
    ]);
    refusal
}
