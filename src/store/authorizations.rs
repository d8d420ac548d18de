//! The ways to Microsoft's sign-in page that browsers were sent, until they come back.

use entity::authorization_request::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::{Error, Sealed, Tx};
use crate::ids::ConnectionId;

/// So many ways of one connection are remembered: whoever begins without end pushes the oldest out.
const MOST: u64 = 200;

/// What a browser was sent to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationKind {
    /// A person's grant.
    Connect,
    /// The consent of the tenant's administrator to the application.
    Consent,
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// SHA-256 of the `state` that Microsoft sends back.
    pub state_hash: [u8; 32],
    /// SHA-256 of the cookie that the browser was given: compare in constant time.
    pub browser_hash: [u8; 32],
    /// The connection.
    pub connection: ConnectionId,
    /// What is asked for.
    pub kind: AuthorizationKind,
    /// The nonce and the code verifier; they open with the connection's id.
    pub sealed: Option<Sealed>,
    /// From when it is refused (ms).
    pub expires_at: i64,
}

/// Remembers a way that begins now; those that nobody can come back from any more are forgotten.
pub async fn put(tx: &Tx, authorization: &Authorization, now: i64) -> Result<(), Error> {
    Entity::delete_many().filter(COLUMN.expires_at.lte(now)).exec(tx.db()).await?;
    let one_too_many = Entity::find()
        .filter(COLUMN.connection_id.eq(authorization.connection.0))
        .order_by_desc(Column::ExpiresAt)
        .offset(MOST - 1)
        .limit(1)
        .one(tx.db())
        .await?;
    if let Some(oldest) = one_too_many {
        Entity::delete_many()
            .filter(COLUMN.connection_id.eq(authorization.connection.0))
            .filter(COLUMN.expires_at.lte(oldest.expires_at))
            .exec(tx.db())
            .await?;
    }
    Entity::insert(row(authorization).into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await?;
    Ok(())
}

/// Takes the way with this `state`: of several that come back with it only the first gets it, and none when it has
/// expired.
pub async fn take(tx: &Tx, state_hash: &[u8; 32], now: i64) -> Result<Option<Authorization>, Error> {
    let Some(row) = Entity::find_by_id(state_hash.to_vec()).one(tx.db()).await? else {
        return Ok(None);
    };
    let gone = Entity::delete_by_id(state_hash.to_vec()).exec(tx.db()).await?;
    if gone.rows_affected == 0 || row.expires_at <= now {
        return Ok(None);
    }
    row.try_into().map(Some)
}

fn row(authorization: &Authorization) -> Model {
    Model {
        state_hash: authorization.state_hash.to_vec(),
        browser_hash: authorization.browser_hash.to_vec(),
        connection_id: authorization.connection.0,
        kind: authorization.kind.as_str().to_owned(),
        sealed: authorization.sealed.clone().map(Vec::from),
        expires_at: authorization.expires_at,
    }
}

impl AuthorizationKind {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Consent => "consent",
        }
    }
}

impl TryFrom<Model> for Authorization {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let unreadable =
            |what: &str| Error::Unreadable { table: "authorization_request", what: what.to_owned() };
        let kind = match row.kind.as_str() {
            "connect" => AuthorizationKind::Connect,
            "consent" => AuthorizationKind::Consent,
            other => return Err(unreadable(&format!("the kind {other:?}"))),
        };
        Ok(Self {
            state_hash: row.state_hash.try_into().map_err(|_| unreadable("a short hash"))?,
            browser_hash: row.browser_hash.try_into().map_err(|_| unreadable("a short hash"))?,
            connection: ConnectionId(row.connection_id),
            kind,
            sealed: row.sealed.map(Sealed::from),
            expires_at: row.expires_at,
        })
    }
}
