//! E-mail domains, each of one connection.

use entity::domain::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};

use super::{Error, Reads, Tx, Unique};
use crate::ids::{ConnectionId, OrganizationId};

/// One domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Unique in the installation; kept in lower case.
    pub name: String,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The connection that has it.
    pub connection: ConnectionId,
    /// Whether it is the tenant's own default.
    pub is_default: bool,
    /// When it was claimed.
    pub created_at: i64,
}

/// Claims a domain; [`Error::Taken`] when a connection has it already.
pub async fn insert(tx: &Tx, domain: &Domain) -> Result<(), Error> {
    let row = Model {
        name: domain.name.to_lowercase(),
        organization_id: domain.organization.0,
        connection_id: domain.connection.0,
        is_default: domain.is_default,
        created_at: domain.created_at,
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await
        .map_err(Error::unique(Unique::Domain))?;
    Ok(())
}

/// Gives a domain up; false when the organization did not have it.
pub async fn remove(tx: &Tx, organization: OrganizationId, name: &str) -> Result<bool, Error> {
    let gone = Entity::delete_many()
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.name.eq(name.to_lowercase()))
        .exec(tx.db())
        .await?;
    Ok(gone.rows_affected > 0)
}

/// The connection that has the domain, in any case of letters.
pub async fn connection_of(
    reads: &impl Reads,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<ConnectionId>, Error> {
    let row = Entity::find_by_id(name.to_lowercase())
        .filter(COLUMN.organization_id.eq(organization.0))
        .one(&reads.executor())
        .await?;
    Ok(row.map(|row| ConnectionId(row.connection_id)))
}

/// The organization's domains, by name.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<Domain>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .order_by_asc(Column::Name)
        .all(&reads.executor())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl From<Model> for Domain {
    fn from(row: Model) -> Self {
        Self {
            name: row.name,
            organization: OrganizationId(row.organization_id),
            connection: ConnectionId(row.connection_id),
            is_default: row.is_default,
            created_at: row.created_at,
        }
    }
}
