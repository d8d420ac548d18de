//! The processes that work on the database, by their signs of life.

use entity::replica::{COLUMN, Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _,
};
use uuid::Uuid;

use super::{Error, Reads, Tx};

/// After so long without a sign of life (ms) a process is forgotten.
const FORGOTTEN_AFTER: i64 = 24 * 60 * 60 * 1000;

/// A sign of life of the process `id`; those that are long gone are forgotten.
pub async fn beat(tx: &Tx, id: Uuid, now: i64) -> Result<(), Error> {
    let row = Model { id, seen_at: now };
    let seen = OnConflict::column(Column::Id).update_column(Column::SeenAt).to_owned();
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(seen)
        .exec_without_returning(tx.db())
        .await?;
    let forgotten = now.saturating_sub(FORGOTTEN_AFTER);
    Entity::delete_many().filter(COLUMN.seen_at.lt(forgotten)).exec(tx.db()).await?;
    Ok(())
}

/// The process `id` ends: it no longer counts.
pub async fn leave(tx: &Tx, id: Uuid) -> Result<(), Error> {
    Entity::delete_by_id(id).exec(tx.db()).await?;
    Ok(())
}

/// How many were seen at `since` or later.
pub async fn live(reads: &impl Reads, since: i64) -> Result<u64, Error> {
    Ok(Entity::find().filter(COLUMN.seen_at.gte(since)).count(&reads.executor()).await?)
}
