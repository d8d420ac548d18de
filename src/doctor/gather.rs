//! Looks at this computer and the database. Nothing is made that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::facts::{Claim, Credential, Database, Folder, Installation, Key, State, Tenant, Work};
use super::probe::Known;
use crate::clock::{Clock, millis};
use crate::config::{Config, SimulatorMode};
use crate::directory::connections::SIMULATOR_CLOUD;
use crate::directory::refusal::Failure;
use crate::graph::Certificate;
use crate::provision::Clients;
use crate::secret::MasterKey;
use crate::store::connections::{self, Connection, ConnectionState, GrantKind};
use crate::store::domains::{self, Domain};
use crate::store::inspect::{Inspection, Tables, work_of};
use crate::store::{self, Options, Store, grants};

/// The name of the key's file in the data folder.
const KEY_FILE: &str = "master.key";
/// Credentials are sealed with it.
const NO_KEY: &str = "It cannot be read without the master key.";
/// Others than the owner.
const OTHERS: u32 = 0o077;

/// A database whose tables are as this version wants them, and the key, if there is one.
pub(super) struct Opened {
    store: Store,
    key: Option<MasterKey>,
}

impl Opened {
    pub(super) async fn close(self) {
        self.store.close().await;
    }
}

/// What is here, and the database where it can be looked into.
pub(super) async fn installation(config: &Config) -> (Installation, Option<Opened>) {
    let (key_state, key) = key(config);
    let (database, store) = database(config).await;
    let installation = Installation { folder: folder(&config.data_dir), key: key_state, database };
    (installation, store.map(|store| Opened { store, key }))
}

fn folder(path: &Path) -> Folder {
    let own = || path.to_owned();
    match fs::read_dir(path).and_then(|_| fs::metadata(path)) {
        Ok(metadata) if metadata.permissions().readonly() => {
            Folder::Unusable(own(), "it can only be read".to_owned())
        }
        Ok(metadata) => match open_to_others(&metadata) {
            Some(mode) => Folder::Open(own(), mode),
            None => Folder::Good(own()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Folder::Missing(own()),
        Err(error) => Folder::Unusable(own(), error.to_string()),
    }
}

/// The mode, where others than the owner can look into it.
fn open_to_others(metadata: &fs::Metadata) -> Option<u32> {
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        (mode & OTHERS != 0).then_some(mode)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

fn key(config: &Config) -> (Key, Option<MasterKey>) {
    if let Some(text) = &config.master_key {
        return match MasterKey::parse(text) {
            Ok(key) => (Key::Configured, Some(key)),
            Err(error) => (Key::Unusable(error.to_string()), None),
        };
    }
    let path = config.data_dir.join(KEY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Key::Missing(path), None),
        Err(error) => return (Key::Unusable(format!("{}: {error}", path.display())), None),
    };
    match MasterKey::parse(&text.into()) {
        Ok(key) => {
            let open = fs::metadata(&path).ok().and_then(|metadata| open_to_others(&metadata));
            let state = match open {
                Some(mode) => Key::OpenFile(path, mode),
                None => Key::File(path),
            };
            (state, Some(key))
        }
        Err(error) => (Key::Unusable(format!("{}: {error}", path.display())), None),
    }
}

async fn database(config: &Config) -> (Database, Option<Store>) {
    let options = Options { max_connections: 2, ..Options::from(config.database_url()) };
    match Store::inspect(options).await {
        Ok(Inspection::Absent { place }) => (Database::Absent(place), None),
        Ok(Inspection::Opened { place, store, tables, read_only }) => {
            let (behind, unknown) = match tables {
                Tables::UpToDate => (0, None),
                Tables::Behind(count) => (count, None),
                Tables::Unknown(reason) => (0, Some(reason)),
            };
            let fits = behind == 0 && unknown.is_none();
            let database = Database::Open { place, behind, unknown, read_only };
            if fits {
                return (database, Some(store));
            }
            store.close().await;
            (database, None)
        }
        Err(error) => (Database::Unusable(error.to_string()), None),
    }
}

/// The connections of all organizations, or those called `only`.
pub(super) async fn connections(
    config: &Config,
    clock: &Clock,
    opened: &Opened,
    only: Option<&str>,
) -> Result<Vec<Known>, store::Error> {
    let reads = &opened.store;
    let mut known = Vec::new();
    for connection in connections::all(reads).await? {
        if only.is_none_or(|only| only == connection.name) {
            known.push(one(config, clock, opened, connection).await?);
        }
    }
    Ok(known)
}

async fn one(
    config: &Config,
    clock: &Clock,
    opened: &Opened,
    connection: Connection,
) -> Result<Known, store::Error> {
    let reads = &opened.store;
    let settings = config.defaults.overridden_by(&connection.settings).map_err(|error| error.to_string());
    let domains = domains::list(reads, connection.organization).await?;
    let claims = claims(&domains, &connection);
    let only_in_server =
        connection.cloud == SIMULATOR_CLOUD && config.simulator.mode != SimulatorMode::External;
    let (credential, client) = match (only_in_server, clients(config, clock, opened)) {
        (true, _) => (credential(opened, &connection).await?, None),
        (false, None) => (Credential::Unusable(NO_KEY.to_owned()), None),
        (false, Some(clients)) => match (credential(opened, &connection).await?, clients.of(&connection)) {
            // It has ended, which the client says too.
            (credential @ Credential::Certificate(_), Err(_)) => (credential, None),
            (_, Err(error)) => (Credential::Unusable(error.to_string()), None),
            (credential, Ok(graph)) => {
                (credential, clients.cloud(&connection).ok().map(|cloud| (graph, cloud)))
            }
        },
    };
    let tenant = Tenant {
        name: connection.name.clone(),
        state: state(&connection),
        only_in_server,
        settings,
        credential,
        tenant: connection.tenant.clone(),
        claims,
        work: work(reads, clock, &connection).await?,
        seen: None,
    };
    Ok(Known { tenant, client, timeout: config.graph.timeout, connect_timeout: config.graph.connect_timeout })
}

/// The domains that it has, and those that were wished for and that the tenant or another connection did not give.
fn claims(domains: &[Domain], connection: &Connection) -> Vec<Claim> {
    let is_its = |domain: &&Domain| domain.connection == connection.id;
    let mut names: BTreeSet<&str> =
        domains.iter().filter(is_its).map(|domain| domain.name.as_str()).collect();
    names.extend(connection.wished_domains.iter().flatten().map(String::as_str));
    let claim = |name: &str| Claim {
        name: name.to_owned(),
        is_default: connection.default_domain.as_deref() == Some(name),
        has_another: domains.iter().any(|domain| domain.name == name && !is_its(&domain)),
    };
    names.into_iter().map(claim).collect()
}

fn clients(config: &Config, clock: &Clock, opened: &Opened) -> Option<Clients> {
    Some(Clients::new(
        opened.store.clone(),
        opened.key.clone()?,
        clock.clone(),
        config.simulator.url.clone(),
        config.graph.timeout,
        config.graph.connect_timeout,
    ))
}

fn state(connection: &Connection) -> State {
    match connection.state {
        ConnectionState::Active => State::Active,
        ConnectionState::Inactive => State::Inactive,
        ConnectionState::NeedsAuthorization => {
            let why = connection.state_detail.clone();
            State::NeedsAuthorization(why.unwrap_or_else(|| "nobody has signed in yet".to_owned()))
        }
    }
}

async fn credential(opened: &Opened, connection: &Connection) -> Result<Credential, store::Error> {
    Ok(match connection.grant {
        GrantKind::ClientSecret => Credential::Secret,
        GrantKind::Certificate => certificate(opened, connection),
        GrantKind::Federated => Credential::Federated,
        GrantKind::Delegated => match grants::get(&opened.store, connection.id).await? {
            Some(grant) => Credential::Delegated { person: grant.user_name, granted_at: grant.granted_at },
            None => Credential::NotAuthorized,
        },
    })
}

fn certificate(opened: &Opened, connection: &Connection) -> Credential {
    let sealed = opened.key.as_ref().zip(connection.credential.as_ref());
    let pem = sealed.and_then(|(key, sealed)| key.open(sealed, connection.id.0).ok());
    match pem.map(|pem| Certificate::from_pem(&pem)) {
        Some(Ok(certificate)) => Credential::Certificate(millis(certificate.not_after())),
        Some(Err(error)) => Credential::Unusable(error.to_string()),
        None => Credential::Unusable(NO_KEY.to_owned()),
    }
}

async fn work(reads: &Store, clock: &Clock, connection: &Connection) -> Result<Work, store::Error> {
    let work = work_of(reads, connection.id, clock.millis()).await?;
    let since = |at: i64| Duration::from_millis(u64::try_from(clock.millis() - at).unwrap_or(0));
    let failures = work.failures.into_iter().filter_map(|failure| serde_json::from_value(failure).ok());
    // That a leaver's account waits for the end of the days of grace is no failure.
    let failures = failures.filter(|failure| !matches!(failure, Failure::Grace { .. }));
    Ok(Work { waiting: work.waiting, oldest: work.oldest.map(since), failures: failures.collect() })
}
