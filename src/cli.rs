//! The command line: one file a command.

mod connection;
mod doctor;
mod serve;
mod simulator;
mod token;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::config::{Config, DEFAULTS, Flags};
use crate::{http, telemetry};

/// A SCIM 2.0 provisioning bridge into Microsoft 365.
///
/// Without a command it serves: SCIM at /scim/v2, events at /insights/directory/v1, with a built-in Microsoft
/// Graph to try things out.
#[derive(Parser)]
#[command(name = "gangway", version)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Bring the database up to date and end
    Migrate,
    /// Make, list and revoke bearer tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Connect Microsoft 365 tenants
    #[command(subcommand)]
    Connection(connection::Command),
    /// Look for what is wrong, here and in the tenants, and say what to do; changes nothing
    Doctor(doctor::Arguments),
    /// Run the Microsoft Graph simulator alone
    Simulator(simulator::Arguments),
    /// Print the OpenAPI document
    Openapi,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Read the configuration and say whether it can be used
    Check,
    /// Print every setting with its default
    Default,
}

/// Runs the command of this process.
pub fn main() -> ExitCode {
    run(Cli::parse()).unwrap_or_else(|error| {
        eprintln!("gangway: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Some(Command::Openapi) => {
            println!("{}", http::document().to_pretty_json().context("the document cannot be written")?);
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Config(ConfigCommand::Default)) => {
            print!("{DEFAULTS}");
            return Ok(ExitCode::SUCCESS);
        }
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Cli::command(), "gangway", &mut std::io::stdout());
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let config = match (Config::load(&cli.flags), &cli.command) {
        (Ok(config), _) => config,
        (Err(error), Some(Command::Doctor(arguments))) => return doctor::refuse(&error, arguments),
        (Err(error), _) => return Err(error.into()),
    };
    telemetry::start_logs(&config.log, config.log_format)?;
    // One TLS provider for the process; a second installation would only say that there is one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    runtime.block_on(async {
        match cli.command {
            None | Some(Command::Serve) => serve::run(config).await?,
            Some(Command::Migrate) => serve::migrate(&config).await?,
            Some(Command::Token(command)) => token::run(&config, command).await?,
            Some(Command::Connection(command)) => connection::run(&config, command).await?,
            Some(Command::Doctor(arguments)) => return doctor::run(&config, &arguments).await,
            Some(Command::Simulator(arguments)) => simulator::run(&cli.flags, arguments).await?,
            Some(Command::Config(ConfigCommand::Check)) => println!("the configuration can be used"),
            Some(Command::Openapi | Command::Config(_) | Command::Completions { .. }) => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}
