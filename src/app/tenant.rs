//! What the app asks of a tenant for those who may not name Microsoft Graph: the command line and the directory.

use std::sync::Arc;

use crate::app::Core;
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::connections::{DomainsRead, TenantDomain};
use crate::directory::{ConnectionError, Directory};
use crate::graph::{self, Call, Priority};
use crate::provision::{ClientError, Clients};
use crate::store::connections::Connection;

/// Why a tenant could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// The connection's own settings.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Microsoft refused, or did not answer.
    #[error("{}", .0.advice())]
    Graph(#[from] graph::Error),
    /// What it said could not be kept.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}

impl Core {
    /// Clients of Microsoft Graph for one command.
    pub fn clients(&self, config: &Config) -> Clients {
        Clients::new(
            self.store.clone(),
            self.key.clone(),
            self.clock.clone(),
            config.simulator.url.clone(),
            config.graph.timeout,
            config.graph.connect_timeout,
        )
    }

    /// Whether a client can be made of a connection; nothing is sent.
    pub fn check(&self, config: &Config, connection: &Connection) -> Result<(), TenantError> {
        self.clients(config).of(connection)?;
        Ok(())
    }

    /// Reads the domains of a connection's tenant and keeps them.
    pub async fn read_domains(
        &self,
        clients: &Clients,
        connection: &Connection,
    ) -> Result<DomainsRead, TenantError> {
        read_domains(&self.directory, clients, &self.clock, connection).await
    }
}

pub(super) async fn read_domains(
    directory: &Arc<Directory>,
    clients: &Clients,
    clock: &Clock,
    connection: &Connection,
) -> Result<DomainsRead, TenantError> {
    let graph = clients.of(connection)?;
    let call = Call::new(clock).with_priority(Priority::Background);
    let domains = graph.domains(&call).await?.value;
    let domains = domains.into_iter().map(TenantDomain::from).collect();
    Ok(directory.domains_read(connection.organization, connection.id, domains).await?)
}

impl From<graph::Domain> for TenantDomain {
    fn from(domain: graph::Domain) -> Self {
        Self {
            federated: domain.is_federated(),
            verified: domain.is_verified,
            is_default: domain.is_default,
            name: domain.name,
        }
    }
}
