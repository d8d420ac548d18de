//! Upstreams: the identity systems that push.

use entity::upstream::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};

use super::{Error, Reads, Tx, Unique};
use crate::ids::{OrganizationId, UpstreamId};

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its id.
    pub id: UpstreamId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub name: String,
    /// Which client's habits the SCIM server allows for, by the dialect's name.
    pub dialect: String,
    /// When it was made.
    pub created_at: i64,
}

/// Adds an upstream; [`Error::Taken`] when the organization has one of that name.
pub async fn insert(tx: &Tx, upstream: &Upstream) -> Result<(), Error> {
    let row = Model {
        id: upstream.id.0,
        organization_id: upstream.organization.0,
        name: upstream.name.clone(),
        dialect: upstream.dialect.clone(),
        created_at: upstream.created_at,
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await
        .map_err(Error::unique(Unique::Upstream))?;
    Ok(())
}

/// The upstream with that id.
pub async fn get(
    reads: &impl Reads,
    organization: OrganizationId,
    id: UpstreamId,
) -> Result<Option<Upstream>, Error> {
    let row = Entity::find_by_id(id.0)
        .filter(COLUMN.organization_id.eq(organization.0))
        .one(&reads.executor())
        .await?;
    Ok(row.map(Into::into))
}

/// The upstream of that name.
pub async fn by_name(
    reads: &impl Reads,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Upstream>, Error> {
    let row = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.name.eq(name))
        .one(&reads.executor())
        .await?;
    Ok(row.map(Into::into))
}

/// All of the organization's, by name.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<Upstream>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .order_by_asc(Column::Name)
        .all(&reads.executor())
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl From<Model> for Upstream {
    fn from(row: Model) -> Self {
        Self {
            id: UpstreamId(row.id),
            organization: OrganizationId(row.organization_id),
            name: row.name,
            dialect: row.dialect,
            created_at: row.created_at,
        }
    }
}
