//! Connections as the directory needs them: which one a user belongs to, and what holds there.

use serde_json::{Value, json};

use super::error::Error;
use super::routing::{self, Map, Route};
use super::{Address, Directory, DomainName, domain_of};
use crate::ids::{ConnectionId, OrganizationId};
use crate::settings::{Settings, Unmatched};
use crate::store::bindings::Binding;
use crate::store::connections::{self, Connection, ConnectionState};
use crate::store::users::User;
use crate::store::{Reads, domains};

/// The name in `connection.cloud` of the simulator, whose hosts are known only while it runs.
pub const SIMULATOR_CLOUD: &str = "simulator";

/// Where a user belongs, and by which rules.
#[derive(Clone, Debug)]
pub struct Place {
    /// The connection and the user's address in it; None while no connection takes the user.
    pub bound: Option<(Connection, Address)>,
    /// The settings that hold for the user.
    pub settings: Settings,
}

/// What carries a binding out.
#[derive(Clone, Debug)]
pub struct Target {
    /// The connection.
    pub connection: Connection,
    /// Its settings.
    pub settings: Settings,
    /// The user's address in it; None where the user name makes none any more.
    pub address: Option<Address>,
}

impl Place {
    /// The connection that the user belongs to.
    pub fn connection(&self) -> Option<ConnectionId> {
        self.bound.as_ref().map(|(connection, _)| connection.id)
    }
}

impl Directory {
    /// Finds the place of the user named `user_name`.
    pub(super) async fn place(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
        user_name: &str,
    ) -> Result<Place, Error> {
        let owner = self.owner_of(reads, organization, user_name).await?;
        let route = match &owner {
            Some(connection) => {
                let map = Map {
                    owner: Some(connection.id),
                    known: &[],
                    fallback: None,
                    unmatched: Unmatched::Refuse,
                };
                routing::route(user_name, &map)?
            }
            None => self.route_unmatched(reads, organization, user_name).await?,
        };
        let Route::Bound(id, address) = route else {
            return Ok(Place { bound: None, settings: self.defaults.clone() });
        };
        let connection = match owner {
            Some(connection) => connection,
            None => self.connection(reads, organization, id).await?,
        };
        let settings = self.settings(&connection.settings)?;
        Ok(Place { bound: Some((connection, address)), settings })
    }

    /// The connection in use that has the user's own domain.
    async fn owner_of(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
        user_name: &str,
    ) -> Result<Option<Connection>, Error> {
        let Some(domain) = domain_of(user_name) else {
            return Ok(None);
        };
        let Some(id) = domains::connection_of(reads, organization, domain.as_str()).await? else {
            return Ok(None);
        };
        let connection = connections::get(reads, organization, id).await?;
        Ok(connection.filter(|connection| connection.state == ConnectionState::Active))
    }

    /// What carries `binding` out for its `user`.
    pub async fn target(&self, binding: &Binding, user: &User) -> Result<Target, Error> {
        if user.deleted_at.is_none() {
            let place = self.place(&self.store, user.organization, &user.user_name).await?;
            let Some((connection, address)) = place.bound.filter(|(found, _)| found.id == binding.connection)
            else {
                return Err(Error::OtherConnection(user.user_name.clone()));
            };
            return Ok(Target { connection, settings: place.settings, address: Some(address) });
        }
        let connection = self.connection(&self.store, user.organization, binding.connection).await?;
        let settings = self.settings(&connection.settings)?;
        // A person who is leaving must be blocked also when the name would be refused today.
        let domain = connection.default_domain.as_deref().and_then(DomainName::parse);
        let address = Address::parse(&user.user_name)
            .ok()
            .or_else(|| domain.and_then(|domain| Address::in_domain(&user.user_name, &domain)));
        Ok(Target { connection, settings, address })
    }

    async fn route_unmatched(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
        user_name: &str,
    ) -> Result<Route, Error> {
        let mut connections = connections::list(reads, organization).await?;
        connections.retain(|connection| connection.state == ConnectionState::Active);
        let domains = domains::list(reads, organization).await?;
        let in_use = |id| connections.iter().any(|connection| connection.id == id);
        let known: Vec<String> = domains
            .into_iter()
            .filter(|domain| in_use(domain.connection))
            .map(|domain| domain.name)
            .collect();
        let only_simulated = connections.iter().all(|connection| connection.cloud == SIMULATOR_CLOUD);
        let natural = if only_simulated && !connections.is_empty() {
            Unmatched::DefaultDomain
        } else {
            Unmatched::Refuse
        };
        let unmatched = self.defaults.routing.unmatched.unwrap_or(natural);
        let fallback = connections.iter().find_map(fallback_of);
        Ok(routing::route(user_name, &Map { owner: None, known: &known, fallback, unmatched })?)
    }

    /// One connection, for the worker.
    pub async fn connection_of(
        &self,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<Connection, Error> {
        self.connection(&self.store, organization, id).await
    }

    async fn connection(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<Connection, Error> {
        connections::get(reads, organization, id).await?.ok_or(Error::NoConnection(id))
    }

    /// The defaults with a connection's own settings on top.
    pub fn settings(&self, own: &Value) -> Result<Settings, Error> {
        if own.as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(self.defaults.clone());
        }
        Ok(self.defaults.overridden_by(own)?)
    }
}

fn fallback_of(connection: &Connection) -> Option<(ConnectionId, DomainName)> {
    let domain = connection.default_domain.as_deref().and_then(DomainName::parse);
    domain.map(|domain| (connection.id, domain))
}

/// Settings that override nothing.
pub fn no_settings() -> Value {
    json!({})
}
