//! One Graph client a connection, made when it is first needed and again when the connection changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use url::Url;

use crate::clock::Clock;
use crate::directory::connections::SIMULATOR_CLOUD;
use crate::graph::{self, Cloud, Credential, Graph};
use crate::ids::ConnectionId;
use crate::secret::{MasterKey, UnsealError};
use crate::store::connections::Connection;

/// The Graph clients of all connections.
#[derive(Debug)]
pub struct Clients {
    key: MasterKey,
    clock: Clock,
    simulator: Option<Url>,
    timeout: Duration,
    connect_timeout: Duration,
    made: Mutex<HashMap<ConnectionId, (Connection, Graph)>>,
}

/// Why a connection has no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No credential was stored.
    #[error("the connection \"{0}\" has no credential; add it again with its client secret")]
    NoCredential(String),
    /// The credential cannot be read.
    #[error("the credential of the connection \"{name}\" cannot be read: {source}")]
    Credential {
        /// The connection's name.
        name: String,
        /// Why.
        source: UnsealError,
    },
    /// The simulator's connection without a simulator.
    #[error(
        "the connection \"{0}\" belongs to the simulator, which is off; set simulator.mode, or connect a real tenant"
    )]
    NoSimulator(String),
    /// Settings that the client refuses.
    #[error(transparent)]
    Configuration(#[from] graph::ConfigurationError),
}

impl Clients {
    /// Clients that reach the simulator, if there is one, at `simulator`.
    pub fn new(
        key: MasterKey,
        clock: Clock,
        simulator: Option<Url>,
        timeout: Duration,
        connect_timeout: Duration,
    ) -> Self {
        Self { key, clock, simulator, timeout, connect_timeout, made: Mutex::default() }
    }

    /// The client of `connection`.
    pub fn of(&self, connection: &Connection) -> Result<Graph, ClientError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((as_it_was, graph)) = made.get(&connection.id)
            && as_it_was == connection
        {
            return Ok(graph.clone());
        }
        let graph = self.make(connection)?;
        made.insert(connection.id, (connection.clone(), graph.clone()));
        Ok(graph)
    }

    fn make(&self, connection: &Connection) -> Result<Graph, ClientError> {
        let name = || connection.name.clone();
        let sealed = connection.credential.as_ref().ok_or_else(|| ClientError::NoCredential(name()))?;
        let secret = self
            .key
            .open(sealed, connection.id.0)
            .map_err(|source| ClientError::Credential { name: name(), source })?;
        let settings = graph::Settings {
            cloud: self.cloud(connection)?,
            tenant: connection.tenant.clone(),
            client_id: connection.client_id.clone(),
            credential: Credential::ClientSecret(secret),
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
        };
        Ok(Graph::new(settings, self.clock.clone())?)
    }

    fn cloud(&self, connection: &Connection) -> Result<Cloud, ClientError> {
        let name = || connection.name.clone();
        if connection.cloud == SIMULATOR_CLOUD {
            let url = self.simulator.clone().ok_or_else(|| ClientError::NoSimulator(name()))?;
            return Ok(Cloud::custom(url.as_str(), url.as_str())?);
        }
        if let (Some(login), Some(graph)) = (&connection.login_url, &connection.graph_url) {
            return Ok(Cloud::custom(login, graph)?);
        }
        Ok(Cloud::named(&connection.cloud)?)
    }
}
