//! The domains of a tenant: which of them route users, and what became of those that were claimed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fault::ConnectionError;
use super::telling::Tale;
use crate::directory::Directory;
use crate::directory::caller::Origin;
use crate::ids::{ConnectionId, OrganizationId};
use crate::insights::EventType;
use crate::store::connections::{self, Connection, ConnectionState};
use crate::store::domains::{self, Domain};
use crate::store::{self, Tx};

/// How long what a tenant said of its domains is believed (ms).
const BELIEVED: i64 = 60 * 60 * 1000;

/// What a tenant says of one of its domains (Graph resource type `domain`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantDomain {
    /// Its name, in any case of letters.
    pub name: String,
    /// Whether the tenant has proved that it owns it.
    pub verified: bool,
    /// Whether another identity provider signs its users in.
    pub federated: bool,
    /// Whether new users get it.
    pub is_default: bool,
}

/// What came of a look at a tenant's domains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainsRead {
    /// Newly claimed.
    pub added: Vec<String>,
    /// Given up: the tenant has them no longer.
    pub removed: Vec<String>,
    /// Another connection has them, and keeps them; each with its owner as a part of a sentence.
    pub clashes: Vec<(String, String)>,
    /// Named by an administrator, but not verified in the tenant.
    pub missing: Vec<String>,
}

impl DomainsRead {
    /// What an administrator should know; None where all is well.
    fn problems(&self) -> Option<String> {
        let mut problems: Vec<String> = self
            .clashes
            .iter()
            .map(|(domain, owner)| {
                format!("the domain {domain} is taken already{owner}, which keeps it: its users are not routed here")
            })
            .collect();
        problems.extend(self.missing.iter().map(|domain| {
            format!(
                "the domain {domain} is not verified in the tenant: verify it in the Microsoft 365 admin center, \
                 or its users are not routed"
            )
        }));
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

/// What the tenant has of what was wished for, by name; and what of the wish it has not.
fn wanted(
    connection: &Connection,
    tenant: Vec<TenantDomain>,
) -> (BTreeMap<String, TenantDomain>, Vec<String>) {
    let wished =
        |name: &String| connection.wished_domains.as_ref().is_none_or(|wished| wished.contains(name));
    let found: BTreeMap<String, TenantDomain> = tenant
        .into_iter()
        .filter(|domain| domain.verified)
        .map(|domain| (domain.name.to_lowercase(), domain))
        .filter(|(name, _)| wished(name))
        .collect();
    let missing = connection.wished_domains.iter().flatten().chain(&connection.wished_default);
    let mut missing: Vec<String> = missing.filter(|name| !found.contains_key(*name)).cloned().collect();
    missing.sort_unstable();
    missing.dedup();
    (found, missing)
}

/// The default domain: the one that was named, else the tenant's own, else the first that was named.
fn default_domain(connection: &Connection, have: &[Domain]) -> Option<String> {
    let has = |name: &&String| have.iter().any(|domain| domain.name == **name);
    if let Some(wished) = &connection.wished_default {
        return Some(wished).filter(has).cloned();
    }
    let own = have.iter().find(|domain| domain.is_default).map(|domain| domain.name.clone());
    own.or_else(|| connection.wished_domains.iter().flatten().find(has).cloned())
}

impl Directory {
    /// Takes what a tenant says of its domains: only verified ones route users, and of those that two connections claim
    /// the first keeps them. A clash is told, and is no error. Users who waited for a domain that was claimed are bound.
    pub async fn domains_read(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        tenant: Vec<TenantDomain>,
    ) -> Result<DomainsRead, ConnectionError> {
        if !tenant.iter().any(|domain| domain.verified) {
            return Err(ConnectionError::NoVerifiedDomain);
        }
        let this = Arc::clone(self);
        let read = async move |tx: &Tx| {
            this.prepare_tale(tx, organization).await?;
            let found = connections::lock(tx, organization, id).await?;
            let mut connection = found.ok_or_else(|| ConnectionError::NoSuch(id.to_string()))?;
            let origin = Origin::system(this.clock.uuid());
            let (wanted, missing) = wanted(&connection, tenant);
            let mut read = DomainsRead { missing, ..DomainsRead::default() };
            this.give_up(tx, &connection, &origin, &wanted, &mut read).await?;
            this.claim(tx, &connection, &origin, &wanted, &mut read).await?;
            let have = domains::of_connection(tx, organization, id).await?;
            connection.default_domain = default_domain(&connection, &have);
            connection.domains_read_at = Some(this.clock.millis());
            this.note_problems(tx, &mut connection, &origin, &read).await?;
            connections::update(tx, &connection).await?;
            Ok::<_, ConnectionError>((connection, read))
        };
        let (connection, read) = self.store.write(move |tx| Box::pin(async move { read(tx).await })).await?;
        self.bind_waiting(&connection, &read.added).await?;
        Ok(read)
    }

    /// Domains that the tenant has no longer, or has no longer verified.
    async fn give_up(
        &self,
        tx: &Tx,
        connection: &Connection,
        origin: &Origin,
        wanted: &BTreeMap<String, TenantDomain>,
        read: &mut DomainsRead,
    ) -> Result<(), store::Error> {
        for domain in domains::of_connection(tx, connection.organization, connection.id).await? {
            if wanted.contains_key(&domain.name) {
                continue;
            }
            domains::remove(tx, connection.organization, &domain.name).await?;
            let tale = Tale::success(EventType::DomainRemove).of_domain(&domain.name);
            self.tell(tx, connection, origin, tale).await?;
            read.removed.push(domain.name);
        }
        Ok(())
    }

    async fn claim(
        &self,
        tx: &Tx,
        connection: &Connection,
        origin: &Origin,
        wanted: &BTreeMap<String, TenantDomain>,
        read: &mut DomainsRead,
    ) -> Result<(), store::Error> {
        let organization = connection.organization;
        for (name, tenant) in wanted {
            let known = domains::get(tx, organization, name).await?;
            let domain = Domain {
                name: name.clone(),
                organization,
                connection: connection.id,
                is_default: tenant.is_default,
                federated: tenant.federated,
                created_at: known.as_ref().map_or_else(|| self.clock.millis(), |known| known.created_at),
            };
            if known.as_ref() == Some(&domain) {
                continue;
            }
            if known.is_some_and(|known| known.connection == connection.id) {
                domains::update(tx, &domain).await?;
                continue;
            }
            match domains::insert(tx, &domain).await {
                Ok(()) => {
                    let tale = Tale::success(EventType::DomainAdd).of_domain(name);
                    self.tell(tx, connection, origin, tale).await?;
                    read.added.push(name.clone());
                }
                Err(store::Error::Taken(_)) => {
                    let owner = self.owner_in_words(tx, organization, name).await?;
                    read.clashes.push((name.clone(), owner));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What is wrong is told once, in the connection and by events, and again only when it changes.
    async fn note_problems(
        &self,
        tx: &Tx,
        connection: &mut Connection,
        origin: &Origin,
        read: &DomainsRead,
    ) -> Result<(), store::Error> {
        let problems = read.problems();
        if connection.state != ConnectionState::Active || connection.state_detail == problems {
            return Ok(());
        }
        connection.state_detail.clone_from(&problems);
        let Some(problems) = problems else {
            return Ok(());
        };
        let names = read.clashes.iter().map(|(name, _)| name).chain(&read.missing);
        for name in names {
            let tale = Tale::failure(EventType::DomainAdd, &problems).of_domain(name);
            self.tell(tx, connection, origin, tale).await?;
        }
        Ok(())
    }

    /// The connections in use whose domains were not read within the last hour.
    pub async fn domains_due(&self, now: i64) -> Result<Vec<Connection>, store::Error> {
        let mut due = connections::all(&self.store).await?;
        due.retain(|connection| {
            connection.state == ConnectionState::Active
                && connection.domains_read_at.is_none_or(|at| at <= now.saturating_sub(BELIEVED))
        });
        Ok(due)
    }
}
