//! `gangway doctor`.

use std::process::ExitCode;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::doctor::{self, Check, Finding, Report};

/// What to look at.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Look at this connection alone
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Looks at everything and tells it. The exit code is 0 when all is well, 1 when somebody should look, 2 when something
/// does not work.
pub(super) async fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = doctor::examine(config, &Clock::system(), arguments.connection.as_deref()).await;
    tell(&report, arguments)
}

/// Tells that there is no configuration to go on with.
pub(super) fn refuse(error: &ConfigError, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let advice = "Correct it; `gangway config check` says the same, `gangway config default` has every key.";
    let finding = Finding::fail(Check::Configuration, "unusable", error.to_string(), advice);
    tell(&Report { findings: vec![finding] }, arguments)
}

fn tell(report: &Report, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report.to_json())?);
    } else {
        print!("{report}");
    }
    Ok(ExitCode::from(report.exit_code()))
}
