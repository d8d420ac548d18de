//! Configuration: defaults < file < environment < flags. The defaults are `gangway.default.toml`, which is
//! also the reference of every key.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::settings::Settings;

/// The embedded defaults, commented.
pub const DEFAULTS: &str = include_str!("../gangway.default.toml");

const PREFIX: &str = "GANGWAY_";
/// Any string at all: never read as a number or a list, as other variables are.
const TEXTS: [&str; 3] = ["master_key", "bootstrap_token", "database_url"];

/// The whole configuration of one process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The base URL as clients see it.
    pub public_url: Option<Url>,
    /// The folder of everything that is kept in files.
    pub data_dir: PathBuf,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub database_url: Option<SecretString>,
    /// 32 bytes in base64; else a key file in the data folder.
    pub master_key: Option<SecretString>,
    /// A fixed token for automation.
    pub bootstrap_token: Option<SecretString>,
    /// A level or tracing directives.
    pub log: String,
    /// How a log line is written.
    pub log_format: LogFormat,
    /// How long a SCIM request waits to settle.
    #[serde(with = "humantime_serde")]
    pub settle_deadline: Duration,
    /// How long running work may take to finish at a stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// The largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Threads that serve HTTP; 0 for one a core.
    pub http_workers: usize,
    /// The provisioning worker.
    pub worker: Worker,
    /// Calls to Microsoft Graph.
    pub graph: GraphCalls,
    /// The simulator.
    pub simulator: Simulator,
    /// Directory insights.
    pub directory: Directory,
    /// What a connection does not set itself.
    pub defaults: Settings,
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The provisioning worker.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Resources provisioned at the same time.
    pub concurrency: usize,
    /// Further places for the security lane alone.
    pub security_reserve: usize,
    /// How long a claim lasts.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How often the database is looked through.
    #[serde(with = "humantime_serde")]
    pub sweep: Duration,
}

/// Calls to Microsoft Graph.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphCalls {
    /// How long one call may take.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// How long connecting may take.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
}

/// The simulator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulator {
    /// Whether there is one, and where.
    pub mode: SimulatorMode,
    /// The one to use, in `external` mode.
    pub url: Option<Url>,
    /// Where the built-in one listens.
    pub listen: SocketAddr,
    /// Delay of every answer of the built-in one.
    #[serde(with = "humantime_serde")]
    pub latency: Duration,
}

/// Whether there is a simulator, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SimulatorMode {
    /// Inside this process.
    BuiltIn,
    /// Elsewhere, at `simulator.url`.
    External,
    /// None: real tenants only.
    Off,
}

/// Directory insights.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Which events are recorded.
    pub events: Events,
}

/// Which events are recorded.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Whether failures are recorded beside successes.
    pub failures: bool,
}

/// What the command line says; each flag overrides everything else.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// The configuration file; default: gangway.toml, where there is one
    #[arg(long, global = true, env = "GANGWAY_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the server listens, such as 127.0.0.1:8080
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// The folder of the database, the key file and the simulator's journal
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// What is logged, such as info or debug
    #[arg(long, global = true, value_name = "DIRECTIVES")]
    pub log: Option<String>,
}

/// A configuration that cannot be used. The message names the key and where its value came from.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Values that cannot be read.
    #[error("the configuration cannot be used:\n  {0}")]
    Values(String),
    /// A named file that is not there.
    #[error("the configuration file {0} is not there; check --config and GANGWAY_CONFIG")]
    NoFile(PathBuf),
    /// `external` without a URL.
    #[error(
        "simulator.mode is \"external\", so simulator.url must say where it is, such as \"http://127.0.0.1:9090\""
    )]
    NoSimulatorUrl,
}

impl Config {
    /// Reads the configuration of this process.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        if let Some(file) = flags.config.as_ref().filter(|file| !file.is_file()) {
            return Err(ConfigError::NoFile(file.clone()));
        }
        let file = flags.config.as_deref().unwrap_or_else(|| Path::new("gangway.toml"));
        let mut figment = Figment::from(Toml::string(DEFAULTS)).merge(Toml::file(file)).merge(environment());
        for key in TEXTS {
            if let Ok(text) = env::var(format!("{PREFIX}{}", key.to_uppercase())) {
                figment = figment.merge(Serialized::default(key, text));
            }
        }
        Self::extract(&flags.over(figment))
    }

    fn extract(figment: &Figment) -> Result<Self, ConfigError> {
        let config: Self = figment.extract().map_err(|faults| {
            let lines: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
            ConfigError::Values(lines.join("\n  "))
        })?;
        if config.simulator.mode == SimulatorMode::External && config.simulator.url.is_none() {
            return Err(ConfigError::NoSimulatorUrl);
        }
        Ok(config)
    }

    /// The defaults with everything in `folder` and any free port: what a test starts from.
    pub fn for_folder(folder: &Path) -> Result<Self, ConfigError> {
        let mut config = Self::extract(&Figment::from(Toml::string(DEFAULTS)))?;
        folder.clone_into(&mut config.data_dir);
        config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(config)
    }

    /// The database's URL.
    pub fn database_url(&self) -> SecretString {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("gangway.db").display()).into())
    }
}

impl Flags {
    fn over(&self, mut figment: Figment) -> Figment {
        if let Some(listen) = self.listen {
            figment = figment.merge(("listen", listen));
        }
        if let Some(folder) = &self.data_dir {
            figment = figment.merge(("data_dir", folder));
        }
        if let Some(log) = &self.log {
            figment = figment.merge(("log", log));
        }
        figment
    }
}

/// Two underscores between levels. Variables that are no settings of the server are left out.
fn environment() -> Env {
    Env::prefixed(PREFIX)
        .filter(|key| {
            let other = key.starts_with("test_") || key == "config" || key == "client_secret";
            !other && !TEXTS.contains(&key.as_str().to_ascii_lowercase().as_str())
        })
        .split("__")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{OnDelete, Unmatched};

    fn read(toml: &str) -> Result<Config, ConfigError> {
        Config::extract(&Figment::from(Toml::string(DEFAULTS)).merge(Toml::string(toml)))
    }

    #[test]
    fn the_defaults_are_whole_and_equal_the_codes_own() {
        let config = read("").unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.settle_deadline, Duration::from_secs(4));
        assert_eq!(config.defaults, Settings::default());
        assert_eq!(config.simulator.mode, SimulatorMode::BuiltIn);
    }

    #[test]
    fn a_file_overrides_what_it_names() {
        let config = read(
            "listen = '127.0.0.1:9'\n[defaults]\non_delete = 'soft_delete'\n[defaults.routing]\nunmatched = 'refuse'",
        )
        .unwrap();
        assert_eq!(config.listen.port(), 9);
        assert_eq!(config.defaults.on_delete, OnDelete::SoftDelete);
        assert_eq!(config.defaults.routing.unmatched, Some(Unmatched::Refuse));
        assert_eq!(config.max_body_bytes, 8 << 20);
    }

    #[test]
    fn faults_name_the_key() {
        let message = |toml| read(toml).unwrap_err().to_string();
        assert!(message("lisen = '1'").contains("lisen"));
        assert!(message("max_body_bytes = 'many'").contains("max_body_bytes"));
        assert!(message("[defaults.password]\nmin = 4").contains("password.min"));
        assert!(message("[simulator]\nmode = 'external'").contains("simulator.url"));
    }

    #[test]
    fn debug_shows_no_secret() {
        let config = read("bootstrap_token = 'a-fixed-bootstrap-token'").unwrap();
        assert!(!format!("{config:?}").contains("bootstrap-token"));
    }
}
