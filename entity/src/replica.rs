//! A process that works on the database.

use sea_orm::entity::prelude::*;

/// One process and its last sign of life.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "replica")]
pub struct Model {
    /// Made anew at each start.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it was last seen.
    pub seen_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
