//! The first start: an organization, an upstream with a token, and the simulator's tenant as a connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::access::{NewAccess, Scope};
use super::connections::{ConnectionError, NewConnection, NewCredential, SIMULATOR_CLOUD, Wish};
use super::{Directory, DomainName};
use crate::ids::OrganizationId;
use crate::scim::Dialect;
use crate::secret::BearerToken;
use crate::store::connections::{self, Connection, ConnectionState};
use crate::store::{self, Reads, Tx, domains, organizations, tokens};

/// The name of the organization and of the upstream that exist by default.
pub const DEFAULT_NAME: &str = "default";

/// What the first start must make.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// A fixed token, for automation.
    pub token: Option<SecretString>,
    /// What there is to be done about the simulator's tenant.
    pub simulator: Simulated,
}

/// The simulator's tenant at a start.
#[derive(Clone, Debug)]
pub enum Simulated {
    /// A command that does not serve leaves it as it is.
    Untouched,
    /// There is a simulator: its tenant is connected.
    Tenant(Box<NewConnection>),
    /// There is none: its tenant, if it was ever connected, routes nobody.
    Off,
}

/// Why the start cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The database does not do its part.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The fixed token is none.
    #[error("GANGWAY_BOOTSTRAP_TOKEN must have between 16 and 512 characters of A-Z a-z 0-9 - . _ ~ + / =")]
    BadToken,
    /// No such organization.
    #[error("there is no organization \"{0}\"")]
    NoOrganization(String),
    /// The simulator's tenant cannot be connected.
    #[error(transparent)]
    Connection(ConnectionError),
    /// The fixed token was revoked.
    #[error("GANGWAY_BOOTSTRAP_TOKEN is a token that was revoked; choose another one, or unset it")]
    RevokedToken,
}

impl From<ConnectionError> for BootstrapError {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Store(error) => Self::Store(error),
            other => Self::Connection(other),
        }
    }
}

impl Directory {
    /// Makes what is missing. A second start finds everything and makes nothing.
    pub async fn bootstrap(self: &Arc<Self>, wanted: Bootstrap) -> Result<OrganizationId, BootstrapError> {
        let fixed = match &wanted.token {
            Some(token) => Some(parse_token(token)?),
            None => None,
        };
        match self.try_bootstrap(wanted.clone(), fixed.clone()).await {
            // Another replica made the same things at the same moment: now they are found.
            Err(BootstrapError::Store(store::Error::Taken(_))) => self.try_bootstrap(wanted, fixed).await,
            other => other,
        }
    }

    async fn try_bootstrap(
        self: &Arc<Self>,
        wanted: Bootstrap,
        fixed: Option<BearerToken>,
    ) -> Result<OrganizationId, BootstrapError> {
        let this = Arc::clone(self);
        self.store.write(move |tx| Box::pin(async move { this.prepare(tx, wanted, fixed).await })).await
    }

    async fn prepare(
        &self,
        tx: &Tx,
        wanted: Bootstrap,
        fixed: Option<BearerToken>,
    ) -> Result<OrganizationId, BootstrapError> {
        let organization = self.default_organization(tx).await?;
        if let Simulated::Tenant(connection) = &wanted.simulator
            && connections::by_name(tx, organization, &connection.name).await?.is_none()
        {
            let connection = self.draft(organization, connection)?;
            self.insert_connection(tx, &connection).await?;
        }
        set_simulated(tx, organization, &wanted.simulator).await?;
        if let Some(fixed) = fixed {
            self.ensure_token(tx, &fixed).await?;
        }
        Ok(organization)
    }

    /// The token of the first start, when there is none at all. Made last, when nothing can go wrong any more before
    /// it is shown: it is shown once.
    pub async fn first_token(
        self: &Arc<Self>,
        organization: OrganizationId,
    ) -> Result<Option<BearerToken>, BootstrapError> {
        let this = Arc::clone(self);
        self.store.write(move |tx| Box::pin(async move { this.insert_first(tx, organization).await })).await
    }

    async fn insert_first(
        &self,
        tx: &Tx,
        organization: OrganizationId,
    ) -> Result<Option<BearerToken>, BootstrapError> {
        if !tokens::list(tx, organization).await?.is_empty() {
            return Ok(None);
        }
        let made = BearerToken::generate();
        self.insert_token(tx, &first_access("first start"), &made).await?;
        Ok(Some(made))
    }

    async fn default_organization(&self, tx: &Tx) -> Result<OrganizationId, store::Error> {
        if let Some(found) = organizations::by_name(tx, DEFAULT_NAME).await? {
            return Ok(found.id);
        }
        let organization = organizations::Organization {
            id: OrganizationId(self.clock.uuid()),
            name: DEFAULT_NAME.to_owned(),
            created_at: self.clock.millis(),
        };
        organizations::insert(tx, &organization).await?;
        Ok(organization.id)
    }

    async fn ensure_token(&self, tx: &Tx, fixed: &BearerToken) -> Result<(), BootstrapError> {
        let known = tokens::by_lookup(tx, &fixed.hash().lookup()).await?;
        match known.iter().find(|token| token.hash.as_slice() == fixed.hash().as_bytes()) {
            Some(token) if token.revoked_at.is_some() => Err(BootstrapError::RevokedToken),
            Some(_) => Ok(()),
            None => self.insert_token(tx, &first_access("bootstrap"), fixed).await.map(|_| ()),
        }
    }

    /// The connections of an organization, with the domains of each.
    pub async fn connections(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<(Connection, Vec<String>)>, store::Error> {
        let domains = domains::list(&self.store, organization).await?;
        let connections = connections::list(&self.store, organization).await?;
        let of = |id| {
            domains.iter().filter(move |domain| domain.connection == id).map(|domain| domain.name.clone())
        };
        Ok(connections
            .into_iter()
            .map(|connection| (connection.clone(), of(connection.id).collect()))
            .collect())
    }

    /// The organization of that name.
    pub async fn organization(&self, name: &str) -> Result<OrganizationId, BootstrapError> {
        find(&self.store, name).await
    }
}

/// The connection of the simulator's tenant is in use exactly while there is a simulator, unless an administrator has
/// switched it off.
async fn set_simulated(
    tx: &Tx,
    organization: OrganizationId,
    simulated: &Simulated,
) -> Result<(), store::Error> {
    let wanted = match simulated {
        Simulated::Untouched => return Ok(()),
        Simulated::Tenant(_) => ConnectionState::Active,
        Simulated::Off => ConnectionState::Inactive,
    };
    for mut connection in connections::list(tx, organization).await? {
        let is_ours = connection.cloud == SIMULATOR_CLOUD && !connection.clearing;
        if is_ours && connection.state != wanted {
            connection.state = wanted;
            connections::update(tx, &connection).await?;
        }
    }
    Ok(())
}

async fn find(reads: &impl Reads, name: &str) -> Result<OrganizationId, BootstrapError> {
    let found = organizations::by_name(reads, name).await?;
    found.map(|found| found.id).ok_or_else(|| BootstrapError::NoOrganization(name.to_owned()))
}

/// The tenant that the built-in simulator plays.
pub fn simulator_connection(
    tenant: String,
    client_id: String,
    client_secret: SecretString,
    domains: Vec<DomainName>,
) -> NewConnection {
    NewConnection {
        name: "contoso".to_owned(),
        cloud: SIMULATOR_CLOUD.to_owned(),
        hosts: None,
        tenant,
        client_id,
        credential: NewCredential::ClientSecret(client_secret),
        default_domain: domains.first().cloned(),
        domains: Wish::Named(domains),
        settings: json!({}),
    }
}

fn parse_token(token: &SecretString) -> Result<BearerToken, BootstrapError> {
    use secrecy::ExposeSecret as _;
    BearerToken::parse(token.expose_secret()).ok_or(BootstrapError::BadToken)
}

fn first_access(name: &str) -> NewAccess {
    NewAccess {
        organization: DEFAULT_NAME.to_owned(),
        upstream: DEFAULT_NAME.to_owned(),
        dialect: Dialect::Auto,
        name: name.to_owned(),
        scopes: BTreeSet::from([Scope::Scim, Scope::Insights]),
        expires_at: None,
    }
}
