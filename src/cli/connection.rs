//! `gangway connection add|list`.

use anyhow::Context as _;
use secrecy::SecretString;

use crate::app::Core;
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::{DomainName, NewConnection};

/// What to do with connections.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Connect a Microsoft 365 tenant by an application's client secret, read from `GANGWAY_CLIENT_SECRET`
    Add {
        /// What the connection is called
        name: String,
        /// The tenant's id, or one of its domains
        #[arg(long)]
        tenant: String,
        /// The application's id
        #[arg(long)]
        client_id: String,
        /// A domain whose users belong to it; the first one is the default; give it several times for several
        #[arg(long = "domain", required = true)]
        domains: Vec<String>,
        /// The cloud
        #[arg(long, default_value = "global", value_parser = ["global", "us-gov", "us-dod", "china"])]
        cloud: String,
        /// The login host, where it is not the cloud's own
        #[arg(long, requires = "graph_url")]
        login_url: Option<String>,
        /// The Graph host, where it is not the cloud's own
        #[arg(long, requires = "login_url")]
        graph_url: Option<String>,
    },
    /// List all connections with their domains
    List,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let core = Core::open(config, &Clock::system()).await?;
    match command {
        Command::Add { name, tenant, client_id, domains, cloud, login_url, graph_url } => {
            let secret = std::env::var("GANGWAY_CLIENT_SECRET").context(
                "set GANGWAY_CLIENT_SECRET to the application's client secret; a flag would show it to others",
            )?;
            let domains = domains
                .iter()
                .map(|text| DomainName::parse(text).with_context(|| format!("\"{text}\" is no domain name")))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let new = NewConnection {
                name,
                cloud,
                hosts: login_url.zip(graph_url),
                tenant,
                client_id,
                client_secret: SecretString::from(secret),
                domains,
            };
            let id = core.directory.add_connection(core.organization, new).await?;
            println!("connection {id} is added");
        }
        Command::List => {
            for (connection, domains) in core.directory.connections(core.organization).await? {
                println!(
                    "{}  {}  {}  tenant {}  {}",
                    connection.id,
                    connection.name,
                    connection.cloud,
                    connection.tenant,
                    domains.join(", "),
                );
            }
        }
    }
    Ok(())
}
