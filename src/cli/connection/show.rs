//! What the commands print of connections.

use crate::app::Core;
use crate::clock::rfc3339;
use crate::config::Config;
use crate::directory::authorize::{CALLBACK, base_url};
use crate::directory::connections::{Connection, DomainsRead};

/// A line a connection, and one more where something is wrong with it.
pub(super) async fn list(core: &Core) -> anyhow::Result<()> {
    for (connection, domains) in core.directory.connections(core.organization).await? {
        println!(
            "{}  {}  {}  {}  {}  tenant {}  {}",
            connection.id,
            connection.name,
            connection.cloud,
            connection.state.as_str(),
            connection.grant.as_str(),
            connection.tenant,
            domains.join(", "),
        );
        if let Some(problem) = &connection.state_detail {
            println!("    {problem}");
        }
    }
    Ok(())
}

pub(super) async fn one(config: &Config, core: &Core, connection: &Connection) -> anyhow::Result<()> {
    println!("id              {}", connection.id);
    println!("name            {}", connection.name);
    println!("state           {}", connection.state.as_str());
    if let Some(problem) = &connection.state_detail {
        println!("problem         {problem}");
    }
    println!("cloud           {}", connection.cloud);
    for (name, host) in [("login host", &connection.login_url), ("graph host", &connection.graph_url)] {
        if let Some(host) = host {
            println!("{name:<16}{host}");
        }
    }
    println!("tenant          {}", connection.tenant);
    println!("client id       {}", connection.client_id);
    println!("signs in by     {}", connection.grant.as_str());
    if let Some((name, at)) = core.directory.authorized_by(connection).await? {
        println!("authorized by   {name}, {}", rfc3339(at));
    }
    println!("default domain  {}", connection.default_domain.as_deref().unwrap_or("-"));
    let read = connection.domains_read_at.map_or_else(|| "never".to_owned(), rfc3339);
    println!("domains read    {read}");
    println!("bindings        {}", core.directory.bound(connection).await?);
    println!("settings        {:#}", connection.settings);
    println!("domains");
    domains(core, connection).await?;
    how_to_authorize(config, connection);
    Ok(())
}

pub(super) async fn domains(core: &Core, connection: &Connection) -> anyhow::Result<()> {
    for domain in core.directory.domains_of(connection).await? {
        let federated = if domain.federated { "  federated" } else { "" };
        let default = if connection.default_domain.as_ref() == Some(&domain.name) { "  default" } else { "" };
        println!("{}{default}{federated}", domain.name);
    }
    Ok(())
}

/// What a look at the tenant has changed.
pub(super) fn reading(read: &DomainsRead) {
    for name in &read.added {
        eprintln!("added: {name}");
    }
    for name in &read.removed {
        eprintln!("removed, since the tenant has it no longer: {name}");
    }
    for (name, owner) in &read.clashes {
        eprintln!("not added: {name} is taken already{owner}");
    }
    for name in &read.missing {
        eprintln!("not verified in the tenant: {name}");
    }
}

pub(super) fn links(config: &Config, connection: &Connection) {
    let base = base_url(config.public_url.as_ref(), config.listen);
    if connection.is_delegated() {
        println!("authorize      {base}/oauth/connect/{}", connection.id);
    }
    println!("admin consent  {base}/oauth/consent/{}", connection.id);
    eprintln!(
        "open these while the server runs; the application in Entra ID needs the redirect URI {base}{CALLBACK}"
    );
}

/// For a connection that nothing can be done in before somebody has signed in.
pub(super) fn how_to_authorize(config: &Config, connection: &Connection) {
    if connection.needs_authorization() {
        println!("an administrator of the tenant must authorize it:");
        links(config, connection);
    }
}
