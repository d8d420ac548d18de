//! Connections: the Microsoft 365 tenants that an organization has authorised.

use entity::connection::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};
use serde_json::Value;

use super::{Error, Reads, Sealed, Tx, Unique};
use crate::ids::{ConnectionId, OrganizationId};

/// Whether a connection is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Work is carried out in it.
    Active,
    /// An admin has switched it off: every account stays as it is.
    Inactive,
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
    /// The application's credential.
    pub credential: Option<Sealed>,
    /// What an admin has set; a JSON object.
    pub settings: Value,
    /// The domain for users that have none.
    pub default_domain: Option<String>,
    /// Whether it is in use.
    pub state: ConnectionState,
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

impl ConnectionState {
    /// The word that is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
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
        credential: connection.credential.clone().map(Vec::from),
        settings: connection.settings.clone(),
        default_domain: connection.default_domain.clone(),
        state: connection.state.as_str().to_owned(),
        created_at: connection.created_at,
    }
}

impl TryFrom<Model> for Connection {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let state = match row.state.as_str() {
            "active" => ConnectionState::Active,
            "inactive" => ConnectionState::Inactive,
            other => {
                return Err(Error::Unreadable { table: "connection", what: format!("the state {other:?}") });
            }
        };
        Ok(Self {
            id: ConnectionId(row.id),
            organization: OrganizationId(row.organization_id),
            name: row.name,
            cloud: row.cloud,
            login_url: row.login_url,
            graph_url: row.graph_url,
            tenant: row.tenant,
            client_id: row.client_id,
            credential: row.credential.map(Sealed::from),
            settings: row.settings,
            default_domain: row.default_domain,
            state,
            created_at: row.created_at,
        })
    }
}
