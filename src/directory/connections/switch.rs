//! Switching connections off and on. Off: every account stays as it is and goes on working; what Gangway remembers of it
//! is cleared, lot by lot, and a start or a sweep finishes what a crash has left.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::json;

use super::SIMULATOR_CLOUD;
use super::fault::ConnectionError;
use super::telling::Tale;
use crate::directory::Directory;
use crate::directory::caller::Origin;
use crate::directory::groups::leave_groups;
use crate::directory::users::remove_user;
use crate::ids::{ConnectionId, OrganizationId};
use crate::insights::{Change, EventType};
use crate::store::connections::{self, Connection, ConnectionState, GrantKind};
use crate::store::{self, Tx, clearing, grants, groups, queue};

/// A lot that meets others who change the same is tried so often before that is told.
const TRIES: u32 = 5;

impl Directory {
    /// Switches a connection off. How many bindings were cleared; 0 when it was off already.
    pub async fn deactivate(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        origin: Origin,
    ) -> Result<u64, ConnectionError> {
        let this = Arc::clone(self);
        let connection = self
            .change(organization, id, move |tx, connection| {
                Box::pin(async move {
                    if connection.is_asleep() {
                        return Ok(());
                    }
                    connection.state = ConnectionState::Inactive;
                    connection.state_detail = None;
                    connection.clearing = true;
                    let bound = clearing::bound(tx, connection.id).await?;
                    let tale = Tale::success(EventType::ConnectionDeactivate);
                    let tale = tale.with(Change::new("bindings", json!(bound), json!(0)));
                    Ok(this.tell(tx, connection, &origin, tale).await?)
                })
            })
            .await?;
        self.clear(&connection).await
    }

    /// Switches a connection on. Its users are bound again by [`Directory::rebind`], or by the next push of each. False
    /// when it was on already.
    pub async fn activate(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        origin: Origin,
    ) -> Result<bool, ConnectionError> {
        let found = connections::get(&self.store, organization, id).await?;
        let found = found.ok_or_else(|| ConnectionError::NoSuch(id.to_string()))?;
        if found.is_in_use() {
            return Ok(false);
        }
        if found.cloud == SIMULATOR_CLOUD && !found.clearing {
            return Err(ConnectionError::SimulatorOff(found.name));
        }
        // What a crash has left would else be carried out.
        self.clear(&found).await?;
        let this = Arc::clone(self);
        self.change(organization, id, move |tx, connection| {
            Box::pin(async move {
                if connection.is_in_use() {
                    return Ok(());
                }
                let granted = grants::get(tx, connection.id).await?.is_some();
                let waits = connection.grant == GrantKind::Delegated && !granted;
                connection.state =
                    if waits { ConnectionState::NeedsAuthorization } else { ConnectionState::Active };
                connection.clearing = false;
                // So that its domains are read anew.
                connection.domains_read_at = None;
                let tale = Tale::success(EventType::ConnectionActivate);
                Ok(this.tell(tx, connection, &origin, tale).await?)
            })
        })
        .await?;
        self.handover.resume(id);
        Ok(true)
    }

    /// How many users and groups are bound in a connection.
    pub async fn bound(&self, connection: &Connection) -> Result<u64, store::Error> {
        clearing::bound(&self.store, connection.id).await
    }

    /// Finishes what a crash has left of switching connections off: for the start, and for a sweep. How many bindings
    /// that were.
    pub async fn finish_clearing(self: &Arc<Self>) -> Result<u64, ConnectionError> {
        let mut cleared = 0;
        for connection in connections::all(&self.store).await? {
            if connection.is_asleep() {
                cleared += self.clear(&connection).await?;
            }
        }
        Ok(cleared)
    }

    /// Clears the bindings of a connection that is off, lot by lot; how many those were.
    pub(super) async fn clear(self: &Arc<Self>, connection: &Connection) -> Result<u64, ConnectionError> {
        let mut cleared = 0;
        loop {
            let lot = self.clear_lot(connection).await?;
            if lot == 0 {
                return Ok(cleared);
            }
            cleared += lot;
        }
    }

    async fn clear_lot(self: &Arc<Self>, connection: &Connection) -> Result<u64, ConnectionError> {
        let (organization, id) = (connection.organization, connection.id);
        for _ in 1..TRIES {
            match self.try_clear_lot(organization, id).await {
                Err(ConnectionError::Store(store::Error::Busy)) => {}
                other => return other,
            }
        }
        self.try_clear_lot(organization, id).await
    }

    async fn try_clear_lot(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<u64, ConnectionError> {
        let now = self.clock.millis();
        let clear = async move |tx: &Tx| {
            // Not when somebody has switched it on again meanwhile.
            let connection = connections::lock(tx, organization, id).await?;
            if connection.is_none_or(|connection| connection.is_in_use()) {
                return Ok(0);
            }
            let users = clearing::accounts(tx, id).await?;
            for user in users.iter().filter(|user| user.is_deleted) {
                remove_user(tx, user.organization, user.id, user.object.as_deref(), None, now).await?;
            }
            if !users.is_empty() {
                return Ok(users.len() as u64);
            }
            let cleared = clearing::groups(tx, id).await?;
            for group in cleared.iter().filter(|group| group.is_deleted) {
                let object = group.object.as_deref();
                leave_groups(tx, group.organization, group.id.0, object, None, now).await?;
                groups::remove(tx, group.organization, group.id).await?;
            }
            Ok(cleared.len() as u64)
        };
        self.store.write(move |tx| Box::pin(async move { clear(tx).await })).await
    }

    /// Changes a connection's row under its lock, after it is sure that events can be written.
    pub(super) async fn change<F>(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        change: F,
    ) -> Result<Connection, ConnectionError>
    where
        F: for<'t> FnOnce(&'t Tx, &'t mut Connection) -> BoxFuture<'t, Result<(), ConnectionError>>
            + Send
            + 'static,
    {
        let this = Arc::clone(self);
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    this.prepare_tale(tx, organization).await?;
                    let found = connections::lock(tx, organization, id).await?;
                    let mut connection = found.ok_or_else(|| ConnectionError::NoSuch(id.to_string()))?;
                    let before = connection.clone();
                    change(tx, &mut connection).await?;
                    if connection != before {
                        connections::update(tx, &connection).await?;
                    }
                    Ok(connection)
                })
            })
            .await
    }

    /// What waits in the connection need not wait any longer.
    pub(super) async fn make_due(&self, tx: &Tx, connection: &Connection) -> Result<(), ConnectionError> {
        queue::due_now(tx, connection.id, self.clock.millis()).await?;
        Ok(())
    }
}
