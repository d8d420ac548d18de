//! One Graph client a connection, made when it is first needed and again when the connection's credential or place
//! changes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::clock::Clock;
use crate::directory::connections::SIMULATOR_CLOUD;
use crate::graph::authorize::{Application, TimeLimits};
use crate::graph::{
    self, ApplicationCredential, Certificate, Cloud, Credential, Delegated, FederatedToken, Grant, Graph,
};
use crate::ids::ConnectionId;
use crate::secret::{MasterKey, Sealed, UnsealError};
use crate::store::connections::{Connection, GrantKind};
use crate::store::{self, Store, grants};

/// The Graph clients of all connections.
#[derive(Debug)]
pub struct Clients {
    store: Store,
    key: MasterKey,
    clock: Clock,
    simulator: Option<Url>,
    limits: TimeLimits,
    made: Mutex<HashMap<ConnectionId, (Makings, Graph)>>,
}

/// What a client is made of. Whatever else changes of a connection leaves its client and its token as they are.
#[derive(Debug, PartialEq, Eq)]
struct Makings {
    cloud: String,
    login_url: Option<String>,
    graph_url: Option<String>,
    tenant: String,
    client_id: String,
    grant: GrantKind,
    credential: Option<Sealed>,
}

impl Makings {
    fn of(connection: &Connection) -> Self {
        Self {
            cloud: connection.cloud.clone(),
            login_url: connection.login_url.clone(),
            graph_url: connection.graph_url.clone(),
            tenant: connection.tenant.clone(),
            client_id: connection.client_id.clone(),
            grant: connection.grant,
            credential: connection.credential.clone(),
        }
    }
}

/// Why a connection has no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No credential was stored.
    #[error("the connection \"{0}\" has no credential; give it one with `gangway connection credential`")]
    NoCredential(String),
    /// The credential cannot be read.
    #[error("the credential of the connection \"{name}\" cannot be read: {source}")]
    Credential {
        /// The connection's name.
        name: String,
        /// Why.
        source: UnsealError,
    },
    /// It is to be authorised in the browser, but signs in by itself.
    #[error(
        "the connection \"{0}\" signs in as the application, so there is nothing to authorise in the browser; an administrator consents to it by its admin-consent link"
    )]
    NotDelegated(String),
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
    /// Clients that reach the simulator, if there is one, at `simulator`, and keep refresh tokens in `store`.
    pub fn new(
        store: Store,
        key: MasterKey,
        clock: Clock,
        simulator: Option<Url>,
        timeout: Duration,
        connect_timeout: Duration,
    ) -> Self {
        let limits = TimeLimits { total: timeout, connect: connect_timeout };
        Self { store, key, clock, simulator, limits, made: Mutex::default() }
    }

    /// The client of `connection`.
    pub fn of(&self, connection: &Connection) -> Result<Graph, ClientError> {
        let makings = Makings::of(connection);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((as_it_was, graph)) = made.get(&connection.id)
            && *as_it_was == makings
        {
            return Ok(graph.clone());
        }
        let settings = self.settings(connection, self.credential(connection)?)?;
        let graph = Graph::new(settings, self.clock.clone())?;
        made.insert(connection.id, (makings, graph.clone()));
        Ok(graph)
    }

    /// A client of `connection` with one access token, for checks right after an authorisation.
    pub fn with_token(&self, connection: &Connection, access: SecretString) -> Result<Graph, ClientError> {
        let settings = self.settings(connection, Credential::Given(access))?;
        Ok(Graph::new(settings, self.clock.clone())?)
    }

    /// The application with which `connection` is authorised in the browser.
    pub fn application(&self, connection: &Connection) -> Result<Application, ClientError> {
        if connection.grant != GrantKind::Delegated {
            return Err(ClientError::NotDelegated(connection.name.clone()));
        }
        self.as_application(connection, self.application_credential(connection)?)
    }

    /// The application whose permissions an administrator consents to for the whole tenant; its credential is not in
    /// it, so it is for [`Application::admin_consent_url`] alone.
    pub fn consent(&self, connection: &Connection) -> Result<Application, ClientError> {
        self.as_application(connection, ApplicationCredential::None)
    }

    /// How long a call may take.
    pub fn limits(&self) -> TimeLimits {
        self.limits
    }

    fn as_application(
        &self,
        connection: &Connection,
        credential: ApplicationCredential,
    ) -> Result<Application, ClientError> {
        Ok(Application {
            cloud: self.cloud(connection)?,
            tenant: connection.tenant.clone(),
            client_id: connection.client_id.clone(),
            credential,
        })
    }

    fn settings(
        &self,
        connection: &Connection,
        credential: Credential,
    ) -> Result<graph::Settings, ClientError> {
        let cloud = self.cloud(connection)?;
        let settings = graph::Settings::new(cloud, &connection.tenant, &connection.client_id, credential);
        Ok(graph::Settings { timeout: self.limits.total, connect_timeout: self.limits.connect, ..settings })
    }

    fn credential(&self, connection: &Connection) -> Result<Credential, ClientError> {
        if connection.grant == GrantKind::Delegated {
            return Ok(Credential::Delegated(Delegated {
                application: self.application_credential(connection)?,
                grant: self.grant(connection.id),
            }));
        }
        let text =
            self.opened(connection)?.ok_or_else(|| ClientError::NoCredential(connection.name.clone()))?;
        Ok(match connection.grant {
            GrantKind::Certificate => Credential::Certificate(Certificate::from_pem(&text)?),
            GrantKind::Federated => {
                Credential::Federated(FederatedToken { file: PathBuf::from(text.expose_secret()) })
            }
            GrantKind::ClientSecret | GrantKind::Delegated => Credential::ClientSecret(text),
        })
    }

    fn application_credential(&self, connection: &Connection) -> Result<ApplicationCredential, ClientError> {
        let secret = self.opened(connection)?;
        Ok(secret.map_or(ApplicationCredential::None, ApplicationCredential::Secret))
    }

    /// What is sealed in the connection, if anything is.
    fn opened(&self, connection: &Connection) -> Result<Option<SecretString>, ClientError> {
        let Some(sealed) = &connection.credential else {
            return Ok(None);
        };
        let opened = self.key.open(sealed, connection.id.0);
        opened.map(Some).map_err(|source| ClientError::Credential { name: connection.name.clone(), source })
    }

    /// The refresh token of the connection `id`, which is in the database since other replicas replace it too.
    fn grant(&self, id: ConnectionId) -> Grant {
        let (store, key) = (self.store.clone(), self.key.clone());
        let loaded = Arc::new(Mutex::new(None));
        let load = {
            let (store, loaded) = (store.clone(), Arc::clone(&loaded));
            let key = key.clone();
            move || load(store.clone(), key.clone(), id, Arc::clone(&loaded)).boxed()
        };
        let keep = move |token: SecretString| {
            let before = loaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
            keep(store.clone(), id, before, key.seal(&token, id.0)).boxed()
        };
        Grant { load: Arc::new(load), keep: Arc::new(keep) }
    }

    /// The cloud that `connection` is in.
    pub fn cloud(&self, connection: &Connection) -> Result<Cloud, ClientError> {
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

/// Reads the refresh token and remembers, sealed as it is, which one it was.
async fn load(
    store: Store,
    key: MasterKey,
    id: ConnectionId,
    loaded: Arc<Mutex<Option<Sealed>>>,
) -> Result<Option<SecretString>, String> {
    let grant = grants::get(&store, id).await.map_err(|error| error.to_string())?;
    let sealed = grant.map(|grant| grant.refresh_token);
    let opened = sealed.as_ref().map(|sealed| key.open(sealed, id.0)).transpose();
    *loaded.lock().unwrap_or_else(PoisonError::into_inner) = sealed;
    opened.map_err(|error| error.to_string())
}

/// Puts `after` in the place of `before`. Where another token is there meanwhile it stays: it is of another replica, or
/// of the administrator who has just authorised the connection anew.
async fn keep(store: Store, id: ConnectionId, before: Option<Sealed>, after: Sealed) -> Result<(), String> {
    let kept = store.write::<_, store::Error, _>(move |tx| {
        async move {
            let newest = grants::get(tx, id).await?.map(|grant| grant.refresh_token);
            if newest.is_some() && newest != before {
                return Ok(());
            }
            grants::rotate(tx, id, &after).await
        }
        .boxed()
    });
    kept.await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
