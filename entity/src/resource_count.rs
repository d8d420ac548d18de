//! How many resources live, so that nobody counts them; kept by triggers.

use sea_orm::entity::prelude::*;

/// A part of one number: the parts add up to it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "resource_count")]
pub struct Model {
    /// Whose they are.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// `user` or `group`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Which part: those who write at once need not wait for each other.
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot: i16,
    /// May be below zero in one part.
    pub count: i64,
}

impl ActiveModelBehavior for ActiveModel {}
