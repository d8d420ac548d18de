//! E-mail domains, each of one connection.

use entity::domain::{COLUMN, Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
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
    /// Whether another identity provider signs its users in: Microsoft keeps no passwords for them.
    pub federated: bool,
    /// When it was claimed.
    pub created_at: i64,
}

/// Claims a domain; [`Error::Taken`] when a connection has it already. The transaction stays usable after that error.
pub async fn insert(tx: &Tx, domain: &Domain) -> Result<(), Error> {
    // `DO NOTHING` in place of an error: PostgreSQL refuses to go on in a transaction in which a statement failed.
    let added = Entity::insert(row(domain).into_active_model().reset_all())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.db())
        .await?;
    if added == 0 { Err(Error::Taken(Unique::Domain)) } else { Ok(()) }
}

/// Writes what the tenant says of a domain; [`Error::Missing`] when the connection no longer has it.
pub async fn update(tx: &Tx, domain: &Domain) -> Result<(), Error> {
    let changed = Entity::update_many()
        .set(row(domain).into_active_model().reset_all())
        .filter(COLUMN.name.eq(domain.name.to_lowercase()))
        .filter(COLUMN.connection_id.eq(domain.connection.0))
        .exec(tx.db())
        .await?;
    match changed.rows_affected {
        0 => Err(Error::Missing("domain")),
        _ => Ok(()),
    }
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

/// The domain of that name, in any case of letters.
pub async fn get(
    reads: &impl Reads,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Domain>, Error> {
    let row = Entity::find_by_id(name.to_lowercase())
        .filter(COLUMN.organization_id.eq(organization.0))
        .one(&reads.executor())
        .await?;
    Ok(row.map(Into::into))
}

/// The domains of one connection, by name.
pub async fn of_connection(
    reads: &impl Reads,
    organization: OrganizationId,
    connection: ConnectionId,
) -> Result<Vec<Domain>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.connection_id.eq(connection.0))
        .order_by_asc(Column::Name)
        .all(&reads.executor())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
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

fn row(domain: &Domain) -> Model {
    Model {
        name: domain.name.to_lowercase(),
        organization_id: domain.organization.0,
        connection_id: domain.connection.0,
        is_default: domain.is_default,
        federated: domain.federated,
        created_at: domain.created_at,
    }
}

impl From<Model> for Domain {
    fn from(row: Model) -> Self {
        Self {
            name: row.name,
            organization: OrganizationId(row.organization_id),
            connection: ConnectionId(row.connection_id),
            is_default: row.is_default,
            federated: row.federated,
            created_at: row.created_at,
        }
    }
}
