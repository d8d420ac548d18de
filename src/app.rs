//! One place that wires everything. Production, tests and the demo differ only in [`Config`].

mod attend;
mod health;
mod sign_in;
mod tenant;

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use tenant::TenantError;

use attend::Attendant;
use sign_in::sign_in;

use crate::clock::Clock;
use crate::config::{Config, SimulatorMode};
use crate::directory::handover::Handover;
use crate::directory::{
    Bootstrap, BootstrapError, Directory, DomainName, NewConnection, Simulated, simulator_connection,
};
use crate::http::{self, Server, ServerError};
use crate::ids::OrganizationId;
use crate::provision::drift;
use crate::provision::{self, Clients, Deleted, Watcher, Worker};
use crate::secret::{BearerToken, KeyError, MasterKey};
use crate::simulator::{self, Simulator, TenantSeed};
use crate::store::{self, Store};
use crate::telemetry;

const UPKEEP: Duration = Duration::from_secs(5);

/// A server that runs.
#[derive(Debug)]
pub struct App {
    server: Server,
    worker: JoinHandle<()>,
    watcher: JoinHandle<()>,
    attendant: JoinHandle<()>,
    stop: CancellationToken,
    core: Core,
    simulator: Option<Simulator>,
    token: Option<BearerToken>,
    public_url: Option<Url>,
}

/// The parts that commands use as well as the server.
#[derive(Debug)]
pub struct Core {
    /// The wanted state.
    pub directory: Arc<Directory>,
    /// The default organization.
    pub organization: OrganizationId,
    clock: Clock,
    store: Store,
    key: MasterKey,
    handover: Handover,
    /// Held while a process uses the data folder; the system lets go of it when the process ends, however it ends.
    _lock: Option<File>,
}

/// Why the server cannot start. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data folder.
    #[error("the data folder {path} cannot be used: {source}; check GANGWAY_DATA_DIR and its owner")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A second server on one SQLite database.
    #[error(
        "another Gangway uses the data folder {0}: stop it first, or give this one another folder with --data-dir; \
         several replicas share a PostgreSQL database, not a folder"
    )]
    Locked(PathBuf),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What the first start makes.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The simulator.
    #[error("the built-in simulator cannot start: {0}")]
    Simulator(#[from] simulator::Error),
    /// The HTTP server.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl Core {
    /// Opens the database for a command that may run beside a server, and makes what is missing.
    pub async fn open(config: &Config, clock: &Clock) -> Result<Self, AppError> {
        make_folder(config)?;
        Self::prepare(config, clock, None, Simulated::Untouched).await
    }

    /// Opens the database for the server: a second one on the same folder is refused.
    async fn open_to_serve(config: &Config, clock: &Clock) -> Result<Self, AppError> {
        make_folder(config)?;
        let lock = lock(config)?;
        let simulated = match config.simulator.mode {
            SimulatorMode::Off => Simulated::Off,
            SimulatorMode::BuiltIn | SimulatorMode::External => {
                Simulated::Tenant(Box::new(simulated_tenant()))
            }
        };
        Self::prepare(config, clock, Some(lock), simulated).await
    }

    async fn prepare(
        config: &Config,
        clock: &Clock,
        lock: Option<File>,
        simulator: Simulated,
    ) -> Result<Self, AppError> {
        let key = match &config.master_key {
            Some(text) => MasterKey::parse(text)?,
            None => MasterKey::load_or_create(&config.data_dir)?,
        };
        let store = Store::open(config.database_url()).await?;
        let handover = Handover::default();
        let directory = Arc::new(Directory::new(
            store.clone(),
            clock.clone(),
            key.clone(),
            config.defaults.clone(),
            config.directory.events.failures,
            handover.clone(),
        ));
        let wanted = Bootstrap { token: config.bootstrap_token.clone(), simulator };
        let organization = directory.bootstrap(wanted).await?;
        Ok(Self { directory, organization, clock: clock.clone(), store, key, handover, _lock: lock })
    }
}

impl App {
    /// Starts the server. It listens when this returns.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, AppError> {
        let metrics = telemetry::metrics();
        let core = Core::open_to_serve(&config, &clock).await?;
        let simulator = match config.simulator.mode {
            SimulatorMode::BuiltIn => Some(start_simulator(&config, &clock).await?),
            SimulatorMode::External | SimulatorMode::Off => None,
        };
        let simulator_url = simulator.as_ref().map(Simulator::url).or_else(|| config.simulator.url.clone());
        let clients = Arc::new(Clients::new(
            core.store.clone(),
            core.key.clone(),
            clock.clone(),
            simulator_url,
            config.graph.timeout,
            config.graph.connect_timeout,
        ));
        let deleted = Arc::new(Deleted::default());
        let watcher = Watcher::new(
            core.store.clone(),
            clock.clone(),
            Arc::clone(&core.directory),
            Arc::clone(&clients),
            Arc::clone(&deleted),
            core.handover.clone(),
            drift::Settings { lease: config.worker.lease },
        );
        let worker = Worker::new(
            core.store.clone(),
            clock,
            core.key.clone(),
            Arc::clone(&core.directory),
            Arc::clone(&clients),
            deleted,
            core.handover.clone(),
            provision::Settings {
                concurrency: config.worker.concurrency,
                security_reserve: config.worker.security_reserve,
                lease: config.worker.lease,
                sweep: config.worker.sweep,
                grace: config.shutdown_grace,
            },
        );
        let attendant = Attendant {
            directory: Arc::clone(&core.directory),
            clients: Arc::clone(&clients),
            clock: core.clock.clone(),
            organization: core.organization,
            handover: core.handover.clone(),
        };
        let state = http::State {
            directory: Arc::clone(&core.directory),
            public_url: config.public_url.clone(),
            sign_in: sign_in(&clients, &core.clock),
            settle_deadline: config.settle_deadline,
            max_body_bytes: config.max_body_bytes,
            checks: health::checks(&core, &worker, &watcher, &clients, config.public_url.clone()),
            metrics: metrics.clone(),
        };
        let server = Server::start(config.listen, state, config.http_workers, config.shutdown_grace)?;
        let stop = CancellationToken::new();
        let worker = tokio::spawn({
            let stop = stop.clone();
            async move { worker.run(stop).await }
        });
        let watcher = tokio::spawn({
            let stop = stop.clone();
            async move { watcher.run(stop).await }
        });
        let attendant = tokio::spawn(attendant.run(config.worker.sweep, stop.clone()));
        tokio::spawn(keep_up(metrics, stop.clone()));
        let token = core.directory.first_token(core.organization).await?;
        Ok(Self {
            server,
            worker,
            watcher,
            attendant,
            stop,
            core,
            simulator,
            token,
            public_url: config.public_url,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The base URL of SCIM, as a client on this machine sees it.
    pub fn scim_url(&self) -> String {
        match &self.public_url {
            Some(url) => format!("{}/scim/v2", url.as_str().trim_end_matches('/')),
            None => format!("http://{}/scim/v2", self.address()),
        }
    }

    /// The token that the first start has made, to be shown once.
    pub fn first_token(&self) -> Option<&BearerToken> {
        self.token.as_ref()
    }

    /// The built-in simulator.
    pub fn simulator(&self) -> Option<&Simulator> {
        self.simulator.as_ref()
    }

    /// Runs until `signal`, then stops in order: no new requests, running ones finished, open work left durable.
    pub async fn run_until(self, signal: impl Future<Output = ()>) {
        signal.await;
        tracing::info!("stopping: no new requests are taken, running ones finish");
        self.stop().await;
    }

    /// Stops in order.
    pub async fn stop(self) {
        // The worker goes on while requests wait for it.
        self.server.stop().await;
        self.stop.cancel();
        if let Err(error) = self.worker.await {
            tracing::error!(%error, "the worker ended with a panic; its claims run out by themselves");
        }
        if let Err(error) = self.watcher.await {
            tracing::error!(%error, "the watch over the tenants ended with a panic; the next start goes on with it");
        }
        if let Err(error) = self.attendant.await {
            tracing::error!(%error, "the care for the connections ended with a panic; the next start goes on with it");
        }
        if let Some(simulator) = self.simulator {
            simulator.stop().await;
        }
        self.core.store.close().await;
        tracing::info!("stopped; what is not carried out yet is kept for the next start");
    }
}

/// Makes the data folder, for its owner alone: the database holds who may sign in.
fn make_folder(config: &Config) -> Result<(), AppError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(&config.data_dir)
        .map_err(|source| AppError::DataDir { path: config.data_dir.clone(), source })
}

fn lock(config: &Config) -> Result<File, AppError> {
    let folder = |source| AppError::DataDir { path: config.data_dir.clone(), source };
    let path = config.data_dir.join("gangway.lock");
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(AppError::Locked(config.data_dir.clone())),
        Err(fs::TryLockError::Error(source)) => Err(folder(source)),
    }
}

async fn start_simulator(config: &Config, clock: &Clock) -> Result<Simulator, simulator::Error> {
    let options = simulator::Options {
        listen: config.simulator.listen,
        state: Some(config.data_dir.join("simulator.jsonl")),
        latency: config.simulator.latency,
        ..simulator::Options::default()
    };
    Simulator::start(options, clock.clone()).await
}

/// The connection to the tenant that the simulator plays.
fn simulated_tenant() -> NewConnection {
    let seed = TenantSeed::contoso();
    let (client_id, client_secret) = seed
        .apps
        .first()
        .map(|app| (app.client_id.to_string(), app.client_secret.clone()))
        .unwrap_or_default();
    let domains = seed.domains.iter().filter(|domain| domain.verified && !domain.federated);
    let mut domains: Vec<_> = domains.collect();
    domains.sort_by_key(|domain| !domain.is_default);
    let domains = domains.into_iter().filter_map(|domain| DomainName::parse(&domain.name)).collect();
    simulator_connection(seed.tenant_id.to_string(), client_id, client_secret, domains)
}

/// Folds the samples of the histograms, which would pile up where nobody reads `/metrics`.
async fn keep_up(metrics: PrometheusHandle, stop: CancellationToken) {
    let mut tick = tokio::time::interval(UPKEEP);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}
