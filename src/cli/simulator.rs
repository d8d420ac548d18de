//! `gangway simulator`: Microsoft Graph for tests and demonstrations, alone.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::clock::Clock;
use crate::config::Flags;
use crate::simulator::{Options, Simulator, TenantSeed};

const DEFAULT_ADDRESS: &str = "127.0.0.1:9090";

/// How the simulator runs; --listen says where (default 127.0.0.1:9090).
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Record every exchange to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Keep the directory in this file
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Delay every answer, such as 50ms
    #[arg(long, default_value = "0s", value_parser = humantime::parse_duration)]
    latency: Duration,
    /// The share of calls answered 429, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    throttle: f64,
    /// The share of calls answered 503, from 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    unavailable: f64,
}

pub(super) async fn run(flags: &Flags, arguments: Arguments) -> anyhow::Result<()> {
    let tenant = TenantSeed::contoso();
    let app = tenant.apps.first().map(|app| (app.client_id, app.client_secret.clone()));
    let id = tenant.tenant_id;
    let listen: SocketAddr = match flags.listen {
        Some(listen) => listen,
        None => DEFAULT_ADDRESS.parse()?,
    };
    let options = Options {
        listen,
        record: arguments.record,
        state: arguments.state,
        latency: arguments.latency,
        throttle: arguments.throttle,
        unavailable: arguments.unavailable,
        tenant,
        ..Options::default()
    };
    let simulator = Simulator::start(options, Clock::system()).await?;
    println!("Microsoft Graph simulator at {} (login host and Graph host)", simulator.url());
    if let Some((client_id, client_secret)) = app {
        println!(
            "  tenant         {id}\n  client id      {client_id}\n  client secret  {}",
            client_secret.expose_secret()
        );
    }
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(())
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("not between 0 and 1".to_owned()) }
}
