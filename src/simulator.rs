//! A Microsoft Graph that speaks HTTP: a tenant with its users and groups, its login host, its permissions, quotas and
//! refusals, and faults on demand.
//!
//! The login host and the Graph host are one origin: `/{tenant}/oauth2/v2.0/…` and `/v1.0/…`.
//! What it answers is built from captured and documented answers of the real service; what Graph has and the
//! simulator has not is answered with 501 and a sentence that says so.
//!
//! # Driving it
//! A test in the same process uses [`Simulator::directory`]; another process uses the same by HTTP, as JSON:
//!
//! | request | does |
//! |---|---|
//! | `GET /_simulator/users` | every user, also the deleted: `{"value":[{"id","properties","deleted","privileged","roles","manager","licenses","photo"}]}` |
//! | `GET /_simulator/users/{id or name}` | one of them |
//! | `PUT /_simulator/users` | makes or changes a user directly: a [`UserSeed`], with properties (`onPremisesSyncEnabled` too), password, roles, licences (inherited and failed ones too), photo |
//! | `DELETE /_simulator/users/{id or name}` | deletes it softly, whatever it is; `?purge=true` for good |
//! | `GET /_simulator/groups` | every group: `{"value":[{"id","displayName","description","mailNickname","kind","members"}]}` |
//! | `GET /_simulator/groups/{id or name}` | one of them |
//! | `PUT /_simulator/groups` | makes or changes a group directly: a [`GroupSeed`] |
//! | `DELETE /_simulator/groups/{id}` | removes it for good, whatever its kind |
//! | `GET`, `PUT /_simulator/domains` | the tenant's domains; adds or changes one: a [`DomainSeed`]; `DELETE /_simulator/domains/{name}` takes one away |
//! | `GET`, `PUT /_simulator/skus` | the subscriptions; adds or changes one, such as its seats: a [`SkuSeed`] |
//! | `GET`, `PUT /_simulator/delta` | how delta queries are answered: [`DeltaSettings`] |
//! | `POST /_simulator/expire-deltas` | makes every delta token expired: `{"status": 410, "code": "syncStateNotFound"}`, which is what no body means, or e.g. `{"status": 400, "code": "resyncRequired"}` |
//! | `GET`, `DELETE /_simulator/audits` | the directory's audit log, oldest first; `DELETE` forgets it |
//! | `GET`, `DELETE /_simulator/mails` | what `sendMail` was given: `{"value":[{"from","message"}]}` |
//! | `POST /_simulator/check-password` | `{"user","password"}` → `{"signsIn": bool}` |
//! | `GET`, `PUT /_simulator/apps`; `PATCH …/{client id}` | the applications ([`AppSeed`]), without their secrets; adds, replaces or changes one |
//! | `GET`, `PUT /_simulator/sign-in` | what stands in the way of every sign-in ([`SignInRules`]) |
//! | `POST /_simulator/expire-tokens` | makes every access token expired |
//! | `POST /_simulator/revoke-refresh-tokens` | revokes every refresh token |
//! | `GET`, `PUT`, `DELETE /_simulator/limits` | the quotas ([`Limits`]), with full buckets; `DELETE`: nothing is metered |
//! | `GET`, `PUT /_simulator/replication` | how far reads lag behind writes: `{"millis"}` |
//! | `GET`, `DELETE /_simulator/counts` | calls by operation, e.g. `{"POST /users": 1}`; `DELETE` counts from nothing |
//! | `GET`, `DELETE /_simulator/exchanges` | the last 4,096 exchanges, without secrets |
//! | `GET`, `POST`, `DELETE /_simulator/faults` | the fault rules ([`FaultRule`]); `DELETE /_simulator/faults/{id}` takes one out |
//! | `GET /_simulator/held?count=n` | answers when n requests are held |
//! | `POST /_simulator/release` | lets the held requests go |
//!
//! Anybody who reaches the port may do this: the simulator is for loopback.

mod account;
mod application;
mod audit;
mod batch;
mod caller;
mod control;
mod deleted;
mod delta;
mod directory;
mod faults;
mod filter;
mod group;
mod groups;
mod handle;
mod journal;
mod licences;
mod login;
mod mail;
mod message;
mod object;
mod organization;
mod password;
mod permission;
mod photo;
mod query;
mod record;
mod refusal;
mod replication;
mod roles;
mod routes;
mod schema;
mod server;
mod service;
mod sku;
mod tenant;
mod throttle;
mod users;
mod write;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use thiserror::Error as ThisError;
use tokio::net::TcpListener;
use url::Url;

pub use application::{AppSeed, FederatedSeed};
pub use delta::DeltaSettings;
pub use faults::{Action, FaultRule, When};
pub use group::GroupKind;
pub use handle::{GroupSeed, Handle, LicenseSeed, SimulatedGroup, UserRecord, UserSeed};
pub use login::{Obstacle, SignInRules};
pub use sku::{PlanSeed, SkuSeed};
pub use tenant::{DomainSeed, TenantSeed, TenantSize};
pub use throttle::{Limits, Quota};

use crate::clock::Clock;
use service::Service;

/// How a simulator is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The tenant at the first start.
    pub tenant: TenantSeed,
    /// The journal that lets its objects survive a restart; none: they live in memory.
    pub state: Option<PathBuf>,
    /// The file to which every exchange is appended, as JSON Lines without secrets.
    pub record: Option<PathBuf>,
    /// How long every call takes at least.
    pub latency: Duration,
    /// The quotas that Graph calls are metered by; none: no call is.
    pub limits: Option<Limits>,
    /// How far reads lag behind writes; advanced queries lag twice as far.
    pub replication: Duration,
    /// The share, from 0 to 1, of Graph calls that are answered 429.
    pub throttle: f64,
    /// The share, from 0 to 1, of Graph calls that are answered 503.
    pub unavailable: f64,
    /// Chooses the calls that go wrong by a share; the same seed chooses alike.
    pub seed: u64,
    /// Threads that serve requests; at least one.
    pub workers: usize,
}

impl Default for Options {
    /// Contoso on a free loopback port, in memory, without faults.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tenant: TenantSeed::contoso(),
            state: None,
            record: None,
            latency: Duration::ZERO,
            limits: None,
            replication: Duration::ZERO,
            throttle: 0.0,
            unavailable: 0.0,
            seed: 0,
            workers: 1,
        }
    }
}

/// Why a simulator does not start, or an object cannot be put into it.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The address is taken or not this machine's.
    #[error("the simulator cannot listen on {0}: {1}; choose another address or stop what uses it")]
    Listen(SocketAddr, #[source] io::Error),
    /// The journal cannot be read or written.
    #[error(
        "the simulator cannot use its state file: {0}; repair it or move it away to start with an empty tenant"
    )]
    State(#[source] io::Error),
    /// The recording cannot be written.
    #[error("the simulator cannot write its recording: {0}; name a file in a folder that exists")]
    Record(#[source] io::Error),
    /// The address that it listens on cannot be written as a URL.
    #[error("the simulator cannot name its own address: {0}; listen on an IP address")]
    Address(#[source] url::ParseError),
    /// What an object may not be, even when it is put there directly.
    #[error("this cannot be put into the simulator: {0}")]
    Seed(String),
}

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    url: Url,
    service: Arc<Service>,
    server: ServerHandle,
}

impl Simulator {
    /// Starts a simulator. It is ready for requests when this returns.
    pub async fn start(options: Options, clock: Clock) -> Result<Self, Error> {
        let refused = |error| Error::Listen(options.listen, error);
        let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let url = Url::parse(&format!("http://{address}")).map_err(Error::Address)?;
        let service = Arc::new(Service::new(&options, clock)?);
        Handle(Arc::clone(&service)).seed(&options.tenant)?;
        Handle(Arc::clone(&service)).set_replication(options.replication);
        let server =
            listener.into_std().and_then(|std| server::run(std, Arc::clone(&service), options.workers));
        let server = server.map_err(refused)?;
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { url, service, server: handle })
    }

    /// The origin of its login host and of its Graph host, e.g. `http://127.0.0.1:40123/`.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// What is in it, and its faults.
    pub fn directory(&self) -> Handle {
        Handle(Arc::clone(&self.service))
    }

    /// Stops at once: held requests and open connections are closed.
    pub async fn stop(self) {
        self.service.faults.clear();
        self.server.stop(false).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.service.faults.clear();
        // The request to stop is sent here; only the wait for it is given up.
        drop(self.server.stop(false));
    }
}

#[cfg(test)]
mod tests;
