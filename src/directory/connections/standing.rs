//! Whether what was granted to a connection is still good.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::fault::ConnectionError;
use super::telling::Tale;
use crate::directory::Directory;
use crate::directory::caller::Origin;
use crate::ids::{ConnectionId, OrganizationId};
use crate::insights::{Change, EventType};
use crate::store::connections::{Connection, ConnectionState, GrantKind};
use crate::store::grants::{self, Grant};

/// What an administrator has granted in the browser.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The refresh token.
    pub refresh_token: SecretString,
    /// The administrator's object id in the tenant.
    pub user_id: String,
    /// The administrator's name in the tenant.
    pub user_name: String,
    /// The scopes that were granted.
    pub scopes: Vec<String>,
}

impl Directory {
    /// Notes that Microsoft no longer takes what was granted, for this `reason`: pushes are taken and kept, nothing is
    /// carried out until an administrator grants it anew. `began_at` is when the call began that was refused: what was
    /// granted since is not touched. False when there is nothing to note.
    pub async fn needs_authorization(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        reason: &str,
        began_at: i64,
    ) -> Result<bool, ConnectionError> {
        let (this, reason) = (Arc::clone(self), reason.to_owned());
        let told = reason.clone();
        let connection = self
            .change(organization, id, move |tx, connection| {
                Box::pin(async move {
                    let grant = grants::get(tx, connection.id).await?;
                    let is_news = connection.state == ConnectionState::Active
                        && connection.grant == GrantKind::Delegated
                        && grant.is_none_or(|grant| grant.granted_at < began_at);
                    if !is_news {
                        return Ok(());
                    }
                    connection.state = ConnectionState::NeedsAuthorization;
                    connection.state_detail = Some(reason.clone());
                    let origin = Origin::system(this.clock.uuid());
                    let tale = Tale::failure(EventType::ConnectionNeedsAuthorization, &reason);
                    Ok(this.tell(tx, connection, &origin, tale).await?)
                })
            })
            .await?;
        let needs = connection.state == ConnectionState::NeedsAuthorization;
        Ok(needs && connection.state_detail.as_deref() == Some(told.as_str()))
    }

    /// Keeps what an administrator has granted: what waits is due at once.
    pub async fn authorized(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        granted: Granted,
        origin: Origin,
    ) -> Result<Connection, ConnectionError> {
        let this = Arc::clone(self);
        let connection = self
            .change(organization, id, move |tx, connection| {
                Box::pin(async move {
                    if connection.grant != GrantKind::Delegated {
                        return Err(ConnectionError::NotDelegated(connection.name.clone()));
                    }
                    let grant = Grant {
                        connection: connection.id,
                        refresh_token: this.seal(&granted.refresh_token, connection.id),
                        user_id: granted.user_id,
                        user_name: granted.user_name,
                        scopes: granted.scopes,
                        granted_at: this.clock.millis(),
                    };
                    grants::put(tx, &grant).await?;
                    if connection.state == ConnectionState::NeedsAuthorization {
                        connection.state = ConnectionState::Active;
                        connection.state_detail = None;
                    }
                    let administrator = Change::new("administrator", json!(null), json!(grant.user_name));
                    let tale = Tale::success(EventType::ConnectionAuthorized).with(administrator);
                    this.tell(tx, connection, &origin, tale).await?;
                    this.make_due(tx, connection).await
                })
            })
            .await?;
        self.handover.resume(id);
        Ok(connection)
    }

    /// Who has authorized a connection, and when (ms).
    pub async fn authorized_by(
        &self,
        connection: &Connection,
    ) -> Result<Option<(String, i64)>, ConnectionError> {
        let grant = grants::get(&self.store, connection.id).await?;
        Ok(grant.map(|grant| (grant.user_name, grant.granted_at)))
    }
}
