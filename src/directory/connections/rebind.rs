//! Binding users and groups to a connection: again after it was switched on, or once it has their domain.

use std::collections::HashSet;
use std::sync::Arc;

use super::fault::ConnectionError;
use crate::directory::caller::{Caller, Origin};
use crate::directory::{Directory, Error, domain_of};
use crate::ids::{ConnectionId, GroupId, OrganizationId, UserId};
use crate::scim::Dialect;
use crate::store::connections::{self, Connection};
use crate::store::queue::Lane;
use crate::store::users::{self, User};
use crate::store::{Tx, unbound};

/// So many are bound in one transaction.
const AT_ONCE: u64 = 200;

/// Who is to be bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// These users.
    Users(Vec<UserId>),
    /// Every user that belongs to the connection, and every group where groups belong to it.
    All,
}

impl Directory {
    /// Binds users who are bound to nothing to the connection that they belong to; how many users and groups those were.
    /// Each account is found by its address and adopted. Whoever is bound already is passed over.
    pub async fn rebind(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        whom: Whom,
        origin: Origin,
    ) -> Result<u64, ConnectionError> {
        let found = connections::get(&self.store, organization, id).await?;
        let connection = found.ok_or_else(|| ConnectionError::NoSuch(id.to_string()))?;
        if !connection.is_in_use() {
            return Err(ConnectionError::NotInUse(connection.name));
        }
        let who = Caller { organization, upstream: None, dialect: Dialect::Auto, origin };
        let bound = match whom {
            Whom::Users(ids) => self.rebind_some(&who, &connection, ids).await?,
            Whom::All => {
                let users = self.rebind_users(&who, &connection, |_| true).await?;
                users + self.rebind_groups(&who, &connection).await?
            }
        };
        self.handover.wake();
        Ok(bound)
    }

    /// The id of a living user, by its userName or its id.
    pub async fn user_named(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<UserId, ConnectionError> {
        if let Some((user, _)) = users::by_user_name(&self.store, organization, name).await? {
            return Ok(user.id);
        }
        let by_id = match name.parse() {
            Ok(id) => users::get(&self.store, organization, id).await?,
            Err(_) => None,
        };
        by_id.map(|(user, _)| user.id).ok_or_else(|| ConnectionError::NoSuchUser(name.to_owned()))
    }

    /// Binds those who waited for one of these domains.
    pub(super) async fn bind_waiting(
        self: &Arc<Self>,
        connection: &Connection,
        domains: &[String],
    ) -> Result<(), ConnectionError> {
        if domains.is_empty() || !connection.is_in_use() {
            return Ok(());
        }
        let domains: HashSet<&str> = domains.iter().map(String::as_str).collect();
        let who = Caller {
            organization: connection.organization,
            upstream: None,
            dialect: Dialect::Auto,
            origin: Origin::system(self.clock.uuid()),
        };
        let waits =
            |user: &User| domain_of(&user.user_name).is_some_and(|domain| domains.contains(domain.as_str()));
        if self.rebind_users(&who, connection, waits).await? > 0 {
            self.handover.wake();
        }
        Ok(())
    }

    async fn rebind_some(
        self: &Arc<Self>,
        who: &Caller,
        connection: &Connection,
        ids: Vec<UserId>,
    ) -> Result<u64, ConnectionError> {
        for id in &ids {
            let found = users::get(&self.store, who.organization, *id).await?;
            let (user, binding) = found.ok_or_else(|| ConnectionError::NoSuchUser(id.to_string()))?;
            if binding.is_none() {
                self.check_owner(connection, &user).await?;
            }
        }
        self.bind_lot(who, connection.id, ids, Lane::Create).await
    }

    async fn check_owner(&self, connection: &Connection, user: &User) -> Result<(), ConnectionError> {
        let why = match self.place(&self.store, user.organization, &user.user_name).await {
            Ok(place) if place.connection() == Some(connection.id) => return Ok(()),
            Ok(_) => "its domain belongs to none or to another one".to_owned(),
            Err(Error::Store(error)) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        let (user, connection) = (user.user_name.clone(), connection.name.clone());
        Err(ConnectionError::OtherUser { user, connection, why })
    }

    async fn rebind_users(
        self: &Arc<Self>,
        who: &Caller,
        connection: &Connection,
        which: impl Fn(&User) -> bool + Send,
    ) -> Result<u64, ConnectionError> {
        let (mut bound, mut after) = (0, None);
        loop {
            let users = unbound::users(&self.store, who.organization, after, AT_ONCE).await?;
            let Some(last) = users.last() else {
                return Ok(bound);
            };
            after = Some(last.id);
            let ids: Vec<UserId> = users.iter().filter(|user| which(user)).map(|user| user.id).collect();
            bound += self.bind_lot(who, connection.id, ids, Lane::Background).await?;
        }
    }

    async fn bind_lot(
        self: &Arc<Self>,
        who: &Caller,
        connection: ConnectionId,
        ids: Vec<UserId>,
        lane: Lane,
    ) -> Result<u64, ConnectionError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let (this, who) = (Arc::clone(self), who.clone());
        let bind = async move |tx: &Tx| {
            let mut bound = 0;
            for id in ids {
                bound += u64::from(this.bind_user(tx, &who, id, connection, lane).await?);
            }
            Ok::<_, Error>(bound)
        };
        Ok(self.store.write(move |tx| Box::pin(async move { bind(tx).await })).await?)
    }

    async fn rebind_groups(
        self: &Arc<Self>,
        who: &Caller,
        connection: &Connection,
    ) -> Result<u64, ConnectionError> {
        let (mut bound, mut after) = (0, None);
        loop {
            let groups = unbound::groups(&self.store, who.organization, after, AT_ONCE).await?;
            let ids: Vec<GroupId> = groups.iter().map(|group| group.id).collect();
            let Some(last) = ids.last() else {
                return Ok(bound);
            };
            after = Some(*last);
            let (this, who, id) = (Arc::clone(self), who.clone(), connection.id);
            let bind = async move |tx: &Tx| {
                let mut bound = 0;
                for group in ids {
                    bound += u64::from(this.bind_group(tx, &who, group, id).await?);
                }
                Ok::<_, Error>(bound)
            };
            bound += self.store.write(move |tx| Box::pin(async move { bind(tx).await })).await?;
        }
    }
}
