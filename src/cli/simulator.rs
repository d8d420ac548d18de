//! `gangway simulator`: Microsoft Graph for tests and demonstrations, alone.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;

use crate::clock::Clock;
use crate::config::Flags;
use crate::simulator::{FaultRule, Limits, Options, Simulator, TenantSeed, TenantSize};

const DEFAULT_ADDRESS: &str = "127.0.0.1:9090";

/// How the simulator runs; --listen says where (default 127.0.0.1:9090).
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The tenant, its applications, users and groups, as JSON; what it leaves out is Contoso's
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Record every exchange to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Keep the directory in this file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Delay every answer, such as 50ms
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// Meter calls by Microsoft's own quotas for a tenant of this size
    #[arg(long, value_name = "SIZE")]
    limits: Option<Size>,
    /// Let reads lag this far behind writes, such as 5s; advanced queries lag twice as far
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    replication: Duration,
    /// Fault rules from the start, as a JSON list
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// The share of calls answered 429, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    throttle: f64,
    /// The share of calls answered 503, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    unavailable: f64,
}

/// How large a tenant Microsoft takes it for.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Size {
    /// Fewer than 50 users: 3,500 resource units in 10 s
    Small,
    /// 50 to 500 users: 5,000
    Medium,
    /// More than 500 users: 8,000
    Large,
}

impl From<Size> for TenantSize {
    fn from(size: Size) -> Self {
        match size {
            Size::Small => Self::Small,
            Size::Medium => Self::Medium,
            Size::Large => Self::Large,
        }
    }
}

pub(super) async fn run(flags: &Flags, arguments: Arguments) -> anyhow::Result<()> {
    let mut tenant = match &arguments.seed {
        Some(path) => read(path)?,
        None => TenantSeed::contoso(),
    };
    let rules: Vec<FaultRule> = match &arguments.faults {
        Some(path) => read(path)?,
        None => Vec::new(),
    };
    tenant.size = arguments.limits.map_or(tenant.size, TenantSize::from);
    let options = Options {
        listen: listen(flags)?,
        record: arguments.record,
        state: arguments.state,
        latency: arguments.latency,
        limits: arguments.limits.map(|size| Limits::real(size.into())),
        replication: arguments.replication,
        throttle: arguments.throttle,
        unavailable: arguments.unavailable,
        tenant: tenant.clone(),
        ..Options::default()
    };
    let simulator = Simulator::start(options, Clock::system()).await?;
    for rule in rules {
        simulator.directory().add_fault(rule);
    }
    // Whoever started it may have stopped reading; that is no reason not to serve.
    let _ = io::stdout().write_all(introduction(&simulator.url(), &tenant).as_bytes());
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}

fn listen(flags: &Flags) -> anyhow::Result<SocketAddr> {
    match flags.listen {
        Some(listen) => Ok(listen),
        None => Ok(DEFAULT_ADDRESS.parse()?),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} does not fit; docs/simulator.md shows what it may hold", path.display()))
}

/// What one needs to sign in: everything here is the simulator's own and protects nothing.
fn introduction(url: &impl Display, tenant: &TenantSeed) -> String {
    let mut lines = vec![
        format!("Microsoft Graph simulator at {url} (login host and Graph host)"),
        format!("  tenant         {}", tenant.tenant_id),
    ];
    if let Some(app) = tenant.apps.first() {
        lines.push(format!("  client id      {}", app.client_id));
        lines.push(format!("  client secret  {}", app.client_secret.expose_secret()));
    }
    let person = tenant.users.iter().find_map(|user| {
        let name = user.properties.get("userPrincipalName")?.as_str()?;
        Some((name, user.password.as_ref()?))
    });
    if let Some((name, password)) = person {
        lines.push(format!("  signs in       {name} with the password {}", password.expose_secret()));
    }
    lines.join("\n") + "\n"
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("not between 0 and 1".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_or_said_to_be_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed.json");
        assert!(read::<TenantSeed>(&path).unwrap_err().to_string().contains("cannot read"));
        fs::write(&path, r#"{"displayName": "Fabrikam", "size": "large", "users": [], "apps": [
            {"clientId": "6a7e57a9-0000-4000-8000-c0a705000009", "clientSecret": "s", "permissions": ["User.Read.All"]}]}"#)
        .unwrap();
        let seed: TenantSeed = read(&path).unwrap();
        assert_eq!((seed.display_name.as_str(), seed.size), ("Fabrikam", TenantSize::Large));
        assert_eq!(seed.tenant_id, TenantSeed::contoso().tenant_id, "what is left out is Contoso's");
        assert_eq!(seed.apps[0].permissions, ["User.Read.All"]);
        fs::write(&path, r#"{"colour": 1}"#).unwrap();
        let wrong = read::<TenantSeed>(&path).unwrap_err();
        assert!(wrong.to_string().contains("does not fit"), "{wrong:#}");
    }

    #[test]
    fn what_one_needs_is_said() {
        let text = introduction(&"http://127.0.0.1:9090/", &TenantSeed::contoso());
        let documented = include_str!("../../docs/simulator.md");
        assert_eq!(text.lines().count(), 5);
        assert!(documented.contains(&text), "{text}");
    }

    #[test]
    fn the_fault_rules_of_the_documentation_can_be_read() {
        let text = include_str!("../../docs/simulator.md");
        let (_, behind) = text.split_once("<!-- faults.json -->\n\n```json\n").unwrap();
        let rules: Vec<FaultRule> = serde_json::from_str(behind.split("```").next().unwrap()).unwrap();
        assert!(rules.len() >= 4);
        let (_, behind) = text.split_once("<!-- seed.json -->\n\n```json\n").unwrap();
        let seed: TenantSeed = serde_json::from_str(behind.split("```").next().unwrap()).unwrap();
        assert_eq!((seed.users.len(), seed.groups.len()), (1, 1));
    }
}
