//! What the doctor saw: plain data, from which [`judge`](super::judge) makes findings.

use std::path::PathBuf;
use std::time::Duration;

use crate::directory::refusal::Failure;
use crate::graph;
use crate::settings::Settings;

/// This computer and the database.
#[derive(Debug)]
pub struct Installation {
    /// The data folder.
    pub folder: Folder,
    /// The master key.
    pub key: Key,
    /// The database.
    pub database: Database,
}

/// The data folder.
#[derive(Debug, PartialEq, Eq)]
pub enum Folder {
    /// It can be used, by its owner alone.
    Good(PathBuf),
    /// The first start makes it.
    Missing(PathBuf),
    /// Others may look into it; the mode as `ls` means it.
    Open(PathBuf, u32),
    /// It cannot be used, in the system's words.
    Unusable(PathBuf, String),
}

/// The master key.
#[derive(Debug, PartialEq, Eq)]
pub enum Key {
    /// It comes from the configuration.
    Configured,
    /// It comes from this file.
    File(PathBuf),
    /// It comes from this file, which others may read.
    OpenFile(PathBuf, u32),
    /// There is none yet: the first start makes it.
    Missing(PathBuf),
    /// It is none; a sentence that says what to do.
    Unusable(String),
}

/// The database.
#[derive(Debug, PartialEq, Eq)]
pub enum Database {
    /// There is no file yet: the first start makes it.
    Absent(String),
    /// It could not be opened; a sentence that says what to do.
    Unusable(String),
    /// It answers.
    Open {
        /// Where, without a password.
        place: String,
        /// How many migrations are missing.
        behind: usize,
        /// Why its tables are not known; in the database's words.
        unknown: Option<String>,
        /// Why it cannot be written.
        read_only: Option<String>,
    },
}

/// One connection and its tenant.
#[derive(Debug)]
pub struct Tenant {
    /// The connection's name.
    pub name: String,
    /// Whether it is in use.
    pub state: State,
    /// Whether its tenant is the simulator's, which only the server reaches.
    pub only_in_server: bool,
    /// Its settings, or why they cannot be used.
    pub settings: Result<Settings, String>,
    /// The stored credential.
    pub credential: Credential,
    /// The tenant's id or domain, as configured.
    pub tenant: String,
    /// The domains that it has.
    pub claims: Vec<Claim>,
    /// What waits and what failed.
    pub work: Work,
    /// What Microsoft answered; None where nobody was asked.
    pub seen: Option<Seen>,
}

/// Whether a connection is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is.
    Active,
    /// An administrator switched it off.
    Inactive,
    /// Somebody must sign in again; why.
    NeedsAuthorization(String),
}

/// How the application signs in, as far as it can be told without asking Microsoft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A client secret, whose end only Entra knows.
    Secret,
    /// A certificate and its end, in milliseconds since the Unix epoch.
    Certificate(i64),
    /// A token of another issuer, read from a file.
    Federated,
    /// A person, and since when, in milliseconds since the Unix epoch.
    Delegated {
        /// The person's user name.
        person: String,
        /// When the person signed in.
        granted_at: i64,
    },
    /// Nobody has signed in yet.
    NotAuthorized,
    /// It cannot be used; a sentence that says what to do.
    Unusable(String),
}

/// A domain that the connection has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The domain.
    pub name: String,
    /// Whether users without a domain get it.
    pub is_default: bool,
    /// Whether another connection has it.
    pub has_another: bool,
}

/// What waits and what failed.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// How many users and groups wait.
    pub waiting: i64,
    /// How long the oldest of them has waited.
    pub oldest: Option<Duration>,
    /// Why users and groups failed or wait.
    pub failures: Vec<Failure>,
}

/// What Microsoft answered. The fields are in the order of asking: after one that failed, the later ones are None.
#[derive(Debug, Default)]
pub struct Seen {
    /// The login host.
    pub login: Option<Result<Login, graph::Unreachable>>,
    /// A token.
    pub token: Option<Result<(), graph::Error>>,
    /// The permissions in the token; None where it cannot be read.
    pub permissions: Option<Vec<String>>,
    /// The administrator roles of the application or the person; None where they cannot be read.
    pub roles: Option<Vec<String>>,
    /// The tenant.
    pub organization: Option<Result<graph::Organization, graph::Error>>,
    /// Its domains.
    pub domains: Option<Result<Vec<graph::Domain>, graph::Error>>,
    /// Its subscriptions.
    pub skus: Option<Result<Vec<graph::Sku>, graph::Error>>,
    /// Those of the never-touch list whom nobody in the tenant is.
    pub unknown_names: Vec<String>,
}

/// The login host's answer without any credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// By how many seconds this computer's clock is ahead of Microsoft's; None where it did not say.
    pub ahead: Option<i64>,
    /// The content type of an answer that no login host gives.
    pub odd: Option<String>,
}
