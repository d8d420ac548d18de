//! `gangway connection …`. Every command may run beside a server, which follows within a sweep.

mod credential;
mod show;

use anyhow::Context as _;
use serde_json::Value;

use self::credential::Credential;
use crate::app::Core;
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::caller::Origin;
use crate::directory::connections::{Whom, parse_setting};
use crate::directory::{ConnectionError, DomainName, NewConnection, Wish};

type Setting = (String, Option<Value>);

/// What to do with connections.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Connect a Microsoft 365 tenant
    Add(Box<Add>),
    /// List all connections with their domains and what is wrong with them
    List,
    /// Show everything about a connection but its secrets
    Show {
        /// Its name or id
        name: String,
    },
    /// Change settings of a connection
    Set {
        /// Its name or id
        name: String,
        /// KEY=VALUE, such as password.max=64; KEY= takes a setting back to the installation's default
        #[arg(required = true, value_parser = parse_setting)]
        settings: Vec<Setting>,
    },
    /// Replace how a connection signs in, such as a client secret that expires
    Credential {
        /// Its name or id
        name: String,
        #[command(flatten)]
        credential: Credential,
    },
    /// Print the links by which an administrator of the tenant authorizes a connection in the browser
    Authorize {
        /// Its name or id
        name: String,
    },
    /// Show the domains of a connection
    Domains {
        /// Its name or id
        name: String,
        /// Ask the tenant for them now
        #[arg(long)]
        read: bool,
    },
    /// Switch a connection off: accounts stay as they are and go on working, what Gangway knows of them is cleared
    Deactivate {
        /// Its name or id
        name: String,
    },
    /// Switch a connection on again
    Activate {
        /// Its name or id
        name: String,
    },
    /// Bind users to their accounts again, after a connection was switched on
    Rebind {
        /// The connection's name or id
        name: String,
        /// A userName or an id; give it several times for several
        #[arg(long = "user", required_unless_present = "all", conflicts_with = "all")]
        users: Vec<String>,
        /// Everybody who belongs to the connection, and the groups
        #[arg(long)]
        all: bool,
    },
    /// Remove a connection that is switched off; its domains are free, its users are kept
    Remove {
        /// Its name or id
        name: String,
    },
}

/// Connect a Microsoft 365 tenant
#[derive(clap::Args)]
pub(super) struct Add {
    /// What the connection is called
    name: String,
    /// The tenant's id, or one of its domains
    #[arg(long)]
    tenant: String,
    /// The application's id
    #[arg(long)]
    client_id: String,
    #[command(flatten)]
    credential: Credential,
    /// A domain whose users belong to it; give it several times for several; default: all that the tenant has verified
    #[arg(long = "domain")]
    domains: Vec<String>,
    /// The domain for users whose own is not the tenant's; default: the tenant's own
    #[arg(long)]
    default_domain: Option<String>,
    /// KEY=VALUE, such as password.max=64; give it several times for several
    #[arg(long = "setting", value_parser = parse_setting)]
    settings: Vec<Setting>,
    /// The cloud
    #[arg(long, default_value = "global", value_parser = ["global", "us-gov", "us-dod", "china"])]
    cloud: String,
    /// The login host, where it is not the cloud's own
    #[arg(long, requires = "graph_url")]
    login_url: Option<String>,
    /// The Graph host, where it is not the cloud's own
    #[arg(long, requires = "login_url")]
    graph_url: Option<String>,
}

pub(super) async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let clock = Clock::system();
    let core = Core::open(config, &clock).await?;
    let (directory, organization) = (&core.directory, core.organization);
    let origin = Origin::command_line(clock.uuid());
    let named = async |name: &str| directory.connection_named(organization, name).await;
    match command {
        Command::Add(add) => add.run(config, &core, origin).await?,
        Command::List => show::list(&core).await?,
        Command::Show { name } => show::one(config, &core, &named(&name).await?).await?,
        Command::Set { name, settings } => {
            let connection = named(&name).await?;
            directory.set_settings(organization, connection.id, settings).await?;
            println!("the settings of {} are changed", connection.name);
        }
        Command::Credential { name, credential } => {
            let mut connection = named(&name).await?;
            let new = credential.read()?;
            directory.recredential(&mut connection, &new)?;
            core.check(config, &connection)?;
            let changed = directory.set_credential(organization, connection.id, new).await?;
            println!("the credential of {} is replaced", changed.name);
            show::how_to_authorize(config, &changed);
        }
        Command::Authorize { name } => show::links(config, &named(&name).await?),
        Command::Domains { name, read } => {
            let connection = named(&name).await?;
            if read {
                show::reading(&core.read_domains(&core.clients(config), &connection).await?);
            }
            show::domains(&core, &connection).await?;
        }
        Command::Deactivate { name } => {
            let connection = named(&name).await?;
            let cleared = directory.deactivate(organization, connection.id, origin).await?;
            println!(
                "{} is deactivated; {cleared} bindings were cleared, and every account stays as it is",
                connection.name
            );
        }
        Command::Activate { name } => {
            let connection = named(&name).await?;
            let news = directory.activate(organization, connection.id, origin).await?;
            println!("{} is {}", connection.name, if news { "activated" } else { "active already" });
            if news {
                eprintln!(
                    "bind its users again with `gangway connection rebind {name} --all`, or some with --user"
                );
            }
        }
        Command::Rebind { name, users, all } => {
            let connection = named(&name).await?;
            let whom = if all { Whom::All } else { Whom::Users(ids(&core, &users).await?) };
            let bound = directory.rebind(organization, connection.id, whom, origin).await?;
            println!("{bound} users and groups are bound to {} again", connection.name);
        }
        Command::Remove { name } => {
            let connection = named(&name).await?;
            directory.remove_connection(organization, connection.id).await?;
            println!("{} is removed", connection.name);
        }
    }
    Ok(())
}

async fn ids(core: &Core, users: &[String]) -> Result<Vec<crate::ids::UserId>, ConnectionError> {
    let mut ids = Vec::with_capacity(users.len());
    for user in users {
        ids.push(core.directory.user_named(core.organization, user).await?);
    }
    Ok(ids)
}

impl Add {
    async fn run(self, config: &Config, core: &Core, origin: Origin) -> anyhow::Result<()> {
        let credential = self.credential.read()?;
        let domains = self.domains.iter().map(|text| domain(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let new = NewConnection {
            name: self.name,
            cloud: self.cloud,
            hosts: self.login_url.zip(self.graph_url),
            tenant: self.tenant,
            client_id: self.client_id,
            credential,
            domains: if domains.is_empty() { Wish::All } else { Wish::Named(domains) },
            default_domain: self.default_domain.as_deref().map(domain).transpose()?,
            settings: crate::directory::connections::settings_of(self.settings),
        };
        let draft = core.directory.draft(core.organization, &new)?;
        core.check(config, &draft)?;
        let id = core.directory.add_connection(core.organization, new, origin).await?;
        println!("connection {id} is added");
        let added = core.directory.connection_named(core.organization, &id.to_string()).await?;
        show::how_to_authorize(config, &added);
        if added.wished_domains.is_none() {
            eprintln!(
                "its domains are read from the tenant within a sweep of the server; \
                 `gangway connection domains {} --read` reads them now",
                added.name
            );
        }
        Ok(())
    }
}

fn domain(text: &str) -> anyhow::Result<DomainName> {
    DomainName::parse(text).with_context(|| format!("\"{text}\" is no domain name"))
}
