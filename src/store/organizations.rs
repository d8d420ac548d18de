//! Organizations: the isolated customers of the installation.

use entity::organization::{COLUMN, Column, Entity, Model};
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};

use super::{Error, Reads, Tx, Unique};
use crate::ids::OrganizationId;

/// One organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Unique in the installation.
    pub name: String,
    /// When it was made.
    pub created_at: i64,
}

/// Adds an organization; [`Error::Taken`] when the name is in use.
pub async fn insert(tx: &Tx, organization: &Organization) -> Result<(), Error> {
    let row =
        Model { id: organization.id.0, name: organization.name.clone(), created_at: organization.created_at };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(tx.db())
        .await
        .map_err(Error::unique(Unique::Organization))?;
    Ok(())
}

/// The organization of that name.
pub async fn by_name(reads: &impl Reads, name: &str) -> Result<Option<Organization>, Error> {
    let row = Entity::find().filter(COLUMN.name.eq(name)).one(&reads.executor()).await?;
    Ok(row.map(Into::into))
}

/// All of them, by name.
pub async fn list(reads: &impl Reads) -> Result<Vec<Organization>, Error> {
    let rows = Entity::find().order_by_asc(Column::Name).all(&reads.executor()).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

impl From<Model> for Organization {
    fn from(row: Model) -> Self {
        Self { id: OrganizationId(row.id), name: row.name, created_at: row.created_at }
    }
}
