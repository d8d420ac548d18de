//! A running server and the simulator that it provisions into.

use std::collections::BTreeSet;
use std::path::Path;

use gangway::app::{App, AppError, Core};
use gangway::clock::Clock;
use gangway::config::{Config, SimulatorMode};
use gangway::directory::caller::Origin;
use gangway::directory::{DomainName, NewAccess, NewConnection, Scope, simulator_connection};
use gangway::scim::Dialect;
use gangway::simulator::{Handle, Options, Simulator, TenantSeed, UserRecord};
use sea_orm::{ConnectionTrait as _, Database, Statement};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use super::postgres;
use super::{Answer, Client, Ended, GANGWAY, command, eventually};

/// The bootstrap token of every server that a test starts.
pub(crate) const TOKEN: &str = "black-box-tests-0123456789abcdef";

/// The kinds of databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A server, its database and its simulator.
pub(crate) struct Gangway {
    app: Option<App>,
    config: Config,
    clock: Clock,
    simulator: Simulator,
    folder: TempDir,
}

/// A server with the default settings. None where its database is not installed: the test is left out.
pub(crate) async fn gangway(backend: Backend) -> Option<Gangway> {
    gangway_with(backend, |_| {}).await
}

/// A server with other settings.
pub(crate) async fn gangway_with(backend: Backend, adjust: impl FnOnce(&mut Config)) -> Option<Gangway> {
    gangway_on(backend, simulator().await, adjust).await
}

/// A server with other settings that provisions into this simulator.
pub(crate) async fn gangway_on(
    backend: Backend,
    simulator: Simulator,
    adjust: impl FnOnce(&mut Config),
) -> Option<Gangway> {
    let mut gangway = Gangway::prepare_on(backend, simulator, adjust).await?;
    gangway.start().await;
    gangway.has_looked().await;
    Some(gangway)
}

/// A simulator. It appends its traffic to a file of its own in the folder that `GANGWAY_TEST_TRAFFIC` names.
pub(crate) async fn simulator() -> Simulator {
    simulator_with(|_| {}).await
}

/// A simulator of another kind or with another tenant.
pub(crate) async fn simulator_with(adjust: impl FnOnce(&mut Options)) -> Simulator {
    recorded("application", adjust).await
}

/// A simulator in which Gangway acts for a person. Its traffic is judged by other rules.
pub(crate) async fn delegated_simulator_with(adjust: impl FnOnce(&mut Options)) -> Simulator {
    recorded("delegated", adjust).await
}

async fn recorded(kind: &str, adjust: impl FnOnce(&mut Options)) -> Simulator {
    let record = std::env::var_os("GANGWAY_TEST_TRAFFIC").map(|folder| {
        std::fs::create_dir_all(&folder).unwrap();
        Path::new(&folder).join(format!("{kind}-{}.jsonl", Uuid::new_v4()))
    });
    let mut options = Options { record, ..Options::default() };
    adjust(&mut options);
    Simulator::start(options, Clock::system()).await.unwrap()
}

/// The address of a new database, if it is not the file in the data folder. The outer None where PostgreSQL is not installed.
pub(crate) async fn database(backend: Backend) -> Option<Option<String>> {
    match backend {
        Backend::Sqlite => Some(None),
        Backend::Postgres => postgres::new_database().await.unwrap().map(Some),
    }
}

impl Gangway {
    /// Everything but the server, which [`Gangway::start`] starts.
    pub(crate) async fn prepare(backend: Backend, adjust: impl FnOnce(&mut Config)) -> Option<Self> {
        Self::prepare_on(backend, simulator().await, adjust).await
    }

    /// The same with this simulator.
    pub(crate) async fn prepare_on(
        backend: Backend,
        simulator: Simulator,
        adjust: impl FnOnce(&mut Config),
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::for_folder(folder.path()).unwrap();
        config.database_url = database(backend).await?.map(Into::into);
        config.bootstrap_token = Some(TOKEN.into());
        config.simulator.mode = SimulatorMode::External;
        config.simulator.url = Some(simulator.url());
        config.http_workers = 2;
        adjust(&mut config);
        Some(Self { app: None, config, clock: Clock::system(), simulator, folder })
    }

    /// Starts the server.
    pub(crate) async fn start(&mut self) {
        assert!(self.app.is_none(), "it runs already");
        // A program that another test of this process is starting holds the old lock for the moment before it runs.
        let app = eventually("the data folder is free", async || {
            match App::build(self.config.clone(), self.clock.clone()).await {
                Err(AppError::Locked(_)) => None,
                built => Some(built.unwrap()),
            }
        });
        self.app = Some(app.await);
    }

    /// Waits for the server's first look at a tenant, which tests that count calls would count too. Where there is none to
    /// look at, or it does not answer, nothing comes, and the test goes on.
    async fn has_looked(&self) {
        let simulator = self.simulator();
        let looked = eventually("the first look", async || {
            let counts = simulator.counts();
            let seen = |call: &str| counts.contains_key(call);
            (seen("GET /domains") && seen("GET /users/delta") && seen("GET /groups/delta")).then_some(())
        });
        let _ = tokio::time::timeout(std::time::Duration::from_secs(2), looked).await;
    }

    /// Stops the server in order.
    pub(crate) async fn stop(&mut self) {
        self.app.take().expect("it runs").stop().await;
    }

    /// Stops the server in order and starts it again on the same data, on another port.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// The configuration; changes take effect at the next start.
    pub(crate) fn config(&mut self) -> &mut Config {
        &mut self.config
    }

    /// The clock that the next start takes.
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// The folder of what is kept in files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's origin.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.app.as_ref().expect("it runs").address())
    }

    /// A SCIM client with the bootstrap token.
    pub(crate) fn scim(&self) -> Client {
        Client::new(format!("{}/scim/v2", self.url())).bearer(TOKEN)
    }

    /// A client of the origin, with the bootstrap token.
    pub(crate) fn http(&self) -> Client {
        Client::new(self.url()).bearer(TOKEN)
    }

    /// The origin of the simulated tenant's login host and Graph host.
    pub(crate) fn simulator_url(&self) -> Url {
        self.simulator.url()
    }

    /// The simulated tenant from within.
    pub(crate) fn simulator(&self) -> Handle {
        self.simulator.directory()
    }

    /// The account of "local@contoso.example".
    #[track_caller]
    pub(crate) fn account(&self, local: &str) -> UserRecord {
        let name = format!("{local}@contoso.example");
        self.simulator().user(&name).unwrap_or_else(|| panic!("there is no account {name}"))
    }

    /// What Graph was asked to change since the last look, in order: `["PATCH /users/{id}", body]`. Ids stand as `{id}`.
    pub(crate) fn changes(&self) -> Vec<Value> {
        let simulator = self.simulator();
        let exchanges = simulator.exchanges();
        simulator.clear_exchanges();
        let writes = exchanges.iter().filter(|one| one["method"] != "GET");
        writes
            .filter_map(|one| {
                let path = one["path"].as_str()?.strip_prefix("/v1.0")?;
                let is_id = |part: &str| Uuid::parse_str(part).is_ok();
                let parts = path.split('/').map(|part| if is_id(part) { "{id}" } else { part });
                let call = parts.collect::<Vec<_>>().join("/");
                Some(json!([format!("{} {call}", one["method"].as_str()?), one["body"]]))
            })
            .collect()
    }

    /// Connects the simulated tenant a second time, for another domain of it.
    pub(crate) async fn connect(&self, domain: &str) {
        let core = Core::open(&self.config, &Clock::system()).await.unwrap();
        let tenant = TenantSeed::contoso();
        let app = &tenant.apps[0];
        let connection = NewConnection {
            name: domain.to_owned(),
            ..simulator_connection(
                tenant.tenant_id.to_string(),
                app.client_id.to_string(),
                app.client_secret.clone(),
                vec![DomainName::parse(domain).unwrap()],
            )
        };
        let origin = Origin::command_line(Clock::system().uuid());
        core.directory.add_connection(core.organization, connection, origin).await.unwrap();
    }

    /// Runs a command on the server's data, beside it or without it.
    pub(crate) async fn command(&mut self, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
        let (folder, simulator) = (self.folder().to_owned(), self.simulator.url());
        let url = self.config.database_url.as_ref().map(|url| ExposeSecret::expose_secret(url).to_owned());
        let mut all = vec![
            ("GANGWAY_DATA_DIR", folder.to_str().unwrap()),
            ("GANGWAY_SIMULATOR__MODE", "external"),
            ("GANGWAY_SIMULATOR__URL", simulator.as_str()),
        ];
        all.extend(url.as_deref().map(|url| ("GANGWAY_DATABASE_URL", url)));
        all.extend(settings);
        command(&folder, arguments, &all).await
    }

    /// A token for a new upstream of this dialect, which gives the upstream its name.
    pub(crate) async fn token(&self, dialect: Dialect, scopes: &[Scope], expires_at: Option<i64>) -> String {
        let core = Core::open(&self.config, &Clock::system()).await.unwrap();
        let access = NewAccess {
            organization: "default".to_owned(),
            upstream: dialect.to_string(),
            dialect,
            name: "test".to_owned(),
            scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
            expires_at,
        };
        let (_, token) = core.directory.create_token(access).await.unwrap();
        token.expose().to_owned()
    }

    /// Waits until nothing is left to be carried out.
    pub(crate) async fn quiet(&self) {
        let dirty = "SELECT (SELECT COUNT(*) FROM account_binding WHERE lane IS NOT NULL)
            + (SELECT COUNT(*) FROM group_binding WHERE lane IS NOT NULL) AS n";
        eventually("all work is done", async || (self.number(dirty).await == 0).then_some(())).await;
    }

    /// How many bindings hold a sealed password.
    pub(crate) async fn sealed_passwords(&self) -> i64 {
        self.number("SELECT COUNT(*) AS n FROM account_binding WHERE sealed_password IS NOT NULL").await
    }

    /// Changes the database behind the server's back.
    pub(crate) async fn execute(&self, sql: &str) {
        let url = self.config.database_url();
        let database = Database::connect(secrecy::ExposeSecret::expose_secret(&url)).await.unwrap();
        database.execute_unprepared(sql).await.unwrap();
        database.close().await.unwrap();
    }

    /// The number `n` that a query of the database finds.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let url = self.config.database_url();
        let database = Database::connect(secrecy::ExposeSecret::expose_secret(&url)).await.unwrap();
        let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql));
        let number = row.await.unwrap().unwrap().try_get("", "n").unwrap();
        database.close().await.unwrap();
        number
    }

    /// Sends a query for events.
    pub(crate) async fn query(&self, query: &Value) -> Answer {
        let events = self.http().with("content-type", "application/json");
        events.post("/insights/directory/v1/events", query).await
    }

    /// Every event, oldest first.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let query = json!({"service": ["directory"], "start_time": "2020-01-01", "limit": 10_000});
        let answer = self.query(&query).await.expect(200);
        answer.body.as_array().expect("a list of events").clone()
    }

    /// The types of the events about one user, oldest first; `!` in front of a failure's.
    pub(crate) async fn told(&self, id: &str) -> Vec<String> {
        let events = self.events().await;
        let about = events.iter().filter(|event| event["resource"]["id"] == id);
        about
            .map(|event| {
                let mark = if event["success"] == true { "" } else { "!" };
                format!("{mark}{}", event["event_type"].as_str().unwrap())
            })
            .collect()
    }

    /// How far Microsoft 365 has followed: the extension's `syncStatus`, asked for.
    pub(crate) async fn status_of(&self, path: &str) -> String {
        let asked = format!("{path}?attributes={GANGWAY}:syncStatus");
        let answer = self.scim().get(&asked).await.expect(200);
        answer.sync_status().to_owned()
    }

    /// Waits until the user is not pending any more; the status that it has then.
    pub(crate) async fn settled(&self, path: &str) -> String {
        eventually("the user settles", async || {
            let status = self.status_of(path).await;
            (status != "pending").then_some(status)
        })
        .await
    }
}
