//! Connections: the Microsoft 365 tenants that an organization has authorised.

use entity::connection::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Error, Reads, Sealed, Tx, Unique};
use crate::ids::{ConnectionId, OrganizationId};

/// Whether a connection is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Work is carried out in it.
    Active,
    /// It is switched off: every account stays as it is, nothing is carried out in it.
    Inactive,
    /// What was granted to it is good no longer: pushes are taken and kept until an administrator grants it anew.
    NeedsAuthorization,
}

/// How a connection signs in to its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrantKind {
    /// As the application, by its client secret: the sealed credential is the secret.
    ClientSecret,
    /// As the application, by its certificate: the sealed credential is the certificate and its private key in PEM.
    Certificate,
    /// As the application, by a token of another issuer: the sealed credential is the path of the file that has it.
    Federated,
    /// For the administrator who has signed in, by the refresh token in [`grants`](super::grants): the sealed credential
    /// is the application's secret, where it has one.
    Delegated,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub name: String,
    /// Which of Microsoft's clouds.
    pub cloud: String,
    /// The login host, where it is not the cloud's own.
    pub login_url: Option<String>,
    /// The Graph host, where it is not the cloud's own.
    pub graph_url: Option<String>,
    /// The tenant's id or one of its domains.
    pub tenant: String,
    /// The application's id in the tenant.
    pub client_id: String,
    /// How it signs in.
    pub grant: GrantKind,
    /// The application's credential; what it is depends on `grant`. It opens with the connection's id.
    pub credential: Option<Sealed>,
    /// What an admin has set; a JSON object.
    pub settings: Value,
    /// The domain for users that have none: the one that was named, else the tenant's own once it is known.
    pub default_domain: Option<String>,
    /// Whether it is in use.
    pub state: ConnectionState,
    /// Why it is in that state, or what else an administrator should know.
    pub state_detail: Option<String>,
    /// Whether its bindings are cleared while it is inactive: an administrator has switched it off. Not so where only the
    /// simulator is away.
    pub clearing: bool,
    /// The domains that an administrator named; `None` for all that the tenant has verified.
    pub wished_domains: Option<Vec<String>>,
    /// The default domain that an administrator named; `None` for the tenant's own.
    pub wished_default: Option<String>,
    /// When the tenant's domains were last read.
    pub domains_read_at: Option<i64>,
    /// When it was made.
    pub created_at: i64,
}

/// Adds a connection; [`Error::Taken`] when the organization has one of that name.
pub async fn insert(tx: &Tx, connection: &Connection) -> Result<(), Error> {
    Entity::insert(row(connection).into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await
        .map_err(Error::unique(Unique::Connection))?;
    Ok(())
}

/// Writes the whole row; [`Error::Missing`] when it is gone.
pub async fn update(tx: &Tx, connection: &Connection) -> Result<(), Error> {
    let changed = Entity::update_many()
        .set(row(connection).into_active_model().reset_all())
        .filter(COLUMN.id.eq(connection.id.0))
        .filter(COLUMN.organization_id.eq(connection.organization.0))
        .exec(tx.db())
        .await
        .map_err(Error::unique(Unique::Connection))?;
    match changed.rows_affected {
        0 => Err(Error::Missing("connection")),
        _ => Ok(()),
    }
}

/// The connection with that id.
pub async fn get(
    reads: &impl Reads,
    organization: OrganizationId,
    id: ConnectionId,
) -> Result<Option<Connection>, Error> {
    Entity::find_by_id(id.0)
        .filter(COLUMN.organization_id.eq(organization.0))
        .one(&reads.executor())
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// The connection with that id, whose-ever it is: for a browser, which brings nothing but the id.
pub async fn anywhere(reads: &impl Reads, id: ConnectionId) -> Result<Option<Connection>, Error> {
    Entity::find_by_id(id.0).one(&reads.executor()).await?.map(TryInto::try_into).transpose()
}

/// Like [`get`], holding the row until the unit of work ends: take this before a change that depends on what was read.
pub async fn lock(
    tx: &Tx,
    organization: OrganizationId,
    id: ConnectionId,
) -> Result<Option<Connection>, Error> {
    Entity::find_by_id(id.0)
        .filter(COLUMN.organization_id.eq(organization.0))
        .lock_exclusive()
        .one(tx.db())
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// Removes a connection with its domains, bindings and grants; false when there was none.
pub async fn remove(tx: &Tx, organization: OrganizationId, id: ConnectionId) -> Result<bool, Error> {
    let gone = Entity::delete_many()
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .exec(tx.db())
        .await?;
    Ok(gone.rows_affected > 0)
}

/// The connection of that name.
pub async fn by_name(
    reads: &impl Reads,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Connection>, Error> {
    Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.name.eq(name))
        .one(&reads.executor())
        .await?
        .map(TryInto::try_into)
        .transpose()
}

/// The organization's connections, by name.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<Connection>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .order_by_asc(Column::Name)
        .all(&reads.executor())
        .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Those of all organizations: for the worker, which serves them all.
pub async fn all(reads: &impl Reads) -> Result<Vec<Connection>, Error> {
    let rows = Entity::find().order_by_asc(Column::Id).all(&reads.executor()).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Those in which nothing is carried out for now, of all organizations.
pub(super) async fn at_rest(reads: &impl Reads) -> Result<Vec<ConnectionId>, Error> {
    let rows: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(COLUMN.state.ne(ConnectionState::Active.as_str()))
        .into_tuple()
        .all(&reads.executor())
        .await?;
    Ok(rows.into_iter().map(ConnectionId).collect())
}

impl Connection {
    /// Whether pushes for it are taken: carried out at once, or kept until it is authorized.
    pub fn is_in_use(&self) -> bool {
        self.state != ConnectionState::Inactive
    }

    /// Whether it signs in for a person.
    pub fn is_delegated(&self) -> bool {
        self.grant == GrantKind::Delegated
    }

    /// Whether a person must sign in before anything is carried out in it.
    pub fn needs_authorization(&self) -> bool {
        self.state == ConnectionState::NeedsAuthorization
    }

    /// Whether an administrator has switched it off: its users are kept, and bound to nothing.
    pub fn is_asleep(&self) -> bool {
        self.state == ConnectionState::Inactive && self.clearing
    }
}

impl ConnectionState {
    const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::NeedsAuthorization];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::NeedsAuthorization => "needs_authorization",
        }
    }
}

impl GrantKind {
    const ALL: [Self; 4] = [Self::ClientSecret, Self::Certificate, Self::Federated, Self::Delegated];

    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::Certificate => "certificate",
            Self::Federated => "federated",
            Self::Delegated => "delegated",
        }
    }
}

fn row(connection: &Connection) -> Model {
    Model {
        id: connection.id.0,
        organization_id: connection.organization.0,
        name: connection.name.clone(),
        cloud: connection.cloud.clone(),
        login_url: connection.login_url.clone(),
        graph_url: connection.graph_url.clone(),
        tenant: connection.tenant.clone(),
        client_id: connection.client_id.clone(),
        grant_kind: connection.grant.as_str().to_owned(),
        credential: connection.credential.clone().map(Vec::from),
        settings: connection.settings.clone(),
        default_domain: connection.default_domain.clone(),
        state: connection.state.as_str().to_owned(),
        state_detail: connection.state_detail.clone(),
        clearing: connection.clearing,
        wished_domains: connection.wished_domains.clone().map(Value::from),
        wished_default: connection.wished_default.clone(),
        domains_read_at: connection.domains_read_at,
        created_at: connection.created_at,
    }
}

impl TryFrom<Model> for Connection {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let unreadable = |what: String| Error::Unreadable { table: "connection", what };
        let state = ConnectionState::ALL.into_iter().find(|known| known.as_str() == row.state);
        let grant = GrantKind::ALL.into_iter().find(|known| known.as_str() == row.grant_kind);
        let wished_domains = row.wished_domains.map(serde_json::from_value).transpose();
        Ok(Self {
            id: ConnectionId(row.id),
            organization: OrganizationId(row.organization_id),
            name: row.name,
            cloud: row.cloud,
            login_url: row.login_url,
            graph_url: row.graph_url,
            tenant: row.tenant,
            client_id: row.client_id,
            grant: grant.ok_or_else(|| unreadable(format!("the grant {:?}", row.grant_kind)))?,
            credential: row.credential.map(Sealed::from),
            settings: row.settings,
            default_domain: row.default_domain,
            state: state.ok_or_else(|| unreadable(format!("the state {:?}", row.state)))?,
            state_detail: row.state_detail,
            clearing: row.clearing,
            wished_domains: wished_domains.map_err(|_| unreadable("a list of domains".to_owned()))?,
            wished_default: row.wished_default,
            domains_read_at: row.domains_read_at,
            created_at: row.created_at,
        })
    }
}
