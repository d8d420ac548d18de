//! The addresses of a user, to look up by.

use sea_orm::entity::prelude::*;

/// One address.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_email")]
pub struct Model {
    /// The user.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Its place in `emails`, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The user's organization.
    pub organization_id: Uuid,
    /// `emails.value` folded.
    pub value_key: String,
}

impl ActiveModelBehavior for ActiveModel {}
