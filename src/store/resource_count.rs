//! How many users and groups live, without counting them: the database keeps the numbers by triggers.

use entity::resource_count::{COLUMN, Column, Entity};
use sea_orm::{EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::{Error, Reads};
use crate::ids::OrganizationId;

/// The organization's living users.
pub(super) async fn users(reads: &impl Reads, organization: OrganizationId) -> Result<u64, Error> {
    of(reads, organization, "user").await
}

/// The organization's living groups.
pub(super) async fn groups(reads: &impl Reads, organization: OrganizationId) -> Result<u64, Error> {
    of(reads, organization, "group").await
}

async fn of(reads: &impl Reads, organization: OrganizationId, kind: &str) -> Result<u64, Error> {
    let parts: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Count)
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.kind.eq(kind))
        .into_tuple()
        .all(&reads.executor())
        .await?;
    Ok(u64::try_from(parts.into_iter().sum::<i64>()).unwrap_or(0))
}
