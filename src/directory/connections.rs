//! Connections as the directory needs them: which one a user belongs to, and what holds there.

mod domains;
mod fault;
mod new;
mod rebind;
mod standing;
mod switch;
mod telling;

pub use domains::{DomainsRead, TenantDomain};
pub use fault::ConnectionError;
pub use new::{NewConnection, NewCredential, Wish, parse_setting, settings_of};
pub use rebind::Whom;
pub use standing::Granted;

pub use crate::store::connections::Connection;

use serde_json::Value;

use super::error::Error;
use super::routing::{self, Map, Route};
use super::{Address, Directory, DomainName, domain_of};
use crate::ids::{ConnectionId, OrganizationId};
use crate::settings::{Settings, Unmatched};
use crate::store::bindings::Binding;
use crate::store::connections;
use crate::store::domains as known_domains;
use crate::store::users::User;
use crate::store::{Reads, domains::Domain};

/// The name in `connection.cloud` of the simulator, whose hosts are known only while it runs.
pub const SIMULATOR_CLOUD: &str = "simulator";

/// Where a user belongs, and by which rules.
#[derive(Clone, Debug)]
pub struct Place {
    /// The connection and the user's address in it; None while no connection takes the user.
    pub bound: Option<(Connection, Address)>,
    /// The settings that hold for the user.
    pub settings: Settings,
    /// The domain of the address, where another identity provider signs its users in.
    pub federated: Option<String>,
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
        let (connection, address) = match self.owner_of(reads, organization, user_name).await? {
            Some((connection, _)) if connection.is_asleep() => return self.unbound_in(&connection),
            Some((connection, domain)) => {
                let map = Map {
                    owner: Some(connection.id),
                    known: &[],
                    fallback: None,
                    unmatched: Unmatched::Refuse,
                };
                let Route::Bound(_, address) = routing::route(user_name, &map)? else {
                    return self.unbound_in(&connection);
                };
                let settings = self.settings(&connection.settings)?;
                let federated = domain.federated.then_some(domain.name);
                return Ok(Place { bound: Some((connection, address)), settings, federated });
            }
            None => match self.route_unmatched(reads, organization, user_name).await? {
                Route::Bound(id, address) => (self.connection(reads, organization, id).await?, address),
                Route::Unbound => {
                    return Ok(Place { bound: None, settings: self.defaults.clone(), federated: None });
                }
            },
        };
        if connection.is_asleep() {
            return self.unbound_in(&connection);
        }
        let settings = self.settings(&connection.settings)?;
        let domain = match address.domain() {
            Some(domain) => known_domains::get(reads, organization, domain.as_str()).await?,
            None => None,
        };
        let federated = domain.filter(|domain| domain.federated).map(|domain| domain.name);
        Ok(Place { bound: Some((connection, address)), settings, federated })
    }

    /// The place of a user whose connection was switched off: kept by its rules, bound to nothing.
    fn unbound_in(&self, connection: &Connection) -> Result<Place, Error> {
        Ok(Place { bound: None, settings: self.settings(&connection.settings)?, federated: None })
    }

    /// The connection that has the user's own domain, in use or switched off by an administrator.
    async fn owner_of(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
        user_name: &str,
    ) -> Result<Option<(Connection, Domain)>, Error> {
        let Some(domain) = domain_of(user_name) else {
            return Ok(None);
        };
        let Some(domain) = known_domains::get(reads, organization, domain.as_str()).await? else {
            return Ok(None);
        };
        let connection = connections::get(reads, organization, domain.connection).await?;
        Ok(connection.filter(is_known).map(|connection| (connection, domain)))
    }

    /// Whether the connection that has the user's domain was switched off by an administrator.
    pub(super) async fn is_switched_off(&self, reads: &impl Reads, user: &User) -> Result<bool, Error> {
        let owner = self.owner_of(reads, user.organization, &user.user_name).await?;
        Ok(owner.is_some_and(|(connection, _)| connection.is_asleep()))
    }

    /// What carries `binding` out for its `user`. Who has an account is carried out where it is, also when its domain routes
    /// nobody today: a leaver must be blocked whatever has become of the domain.
    pub async fn target(&self, binding: &Binding, user: &User) -> Result<Target, Error> {
        if user.deleted_at.is_none() {
            match self.place(&self.store, user.organization, &user.user_name).await {
                Ok(Place { bound: Some((connection, address)), settings, .. })
                    if connection.id == binding.connection =>
                {
                    return Ok(Target { connection, settings, address: Some(address) });
                }
                _ if binding.account_id.is_some() => {}
                Err(error) => return Err(error),
                Ok(_) => {
                    let connection =
                        self.connection(&self.store, user.organization, binding.connection).await?;
                    return Err(if connection.is_in_use() {
                        Error::OtherConnection(user.user_name.clone())
                    } else {
                        Error::NotInUse(connection.name)
                    });
                }
            }
        }
        let connection = self.connection(&self.store, user.organization, binding.connection).await?;
        if !connection.is_in_use() {
            return Err(Error::NotInUse(connection.name));
        }
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
        connections.retain(is_known);
        // Those that were switched off last: a user who finds no other place waits for them.
        connections.sort_by_key(Connection::is_asleep);
        let domains = known_domains::list(reads, organization).await?;
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

/// Whether a connection has a say in where users go: not so the simulator's while there is no simulator.
fn is_known(connection: &Connection) -> bool {
    connection.is_in_use() || connection.is_asleep()
}

#[cfg(test)]
mod tests;
