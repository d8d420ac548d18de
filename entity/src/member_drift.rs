//! That somebody is in a group in Microsoft Graph, or is not, against what was given.

use sea_orm::entity::prelude::*;

/// One object in one group.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "member_drift")]
pub struct Model {
    /// The group's binding.
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_binding_id: Uuid,
    /// The object's id in Microsoft Graph, whether or not it is known here.
    #[sea_orm(primary_key, auto_increment = false)]
    pub object_id: String,
    /// Whether it was put in by others; else it was taken out by others.
    pub inside: bool,
    /// Whether an event has told it; else it may yet turn out to be Gangway's own change.
    pub told: bool,
    /// When it was seen first.
    pub seen_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
