//! That a user or a group is, or was, a member of a group.

use sea_orm::entity::prelude::*;

/// One membership. It is dirty while it is wanted and not given, or given (perhaps) and not wanted.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "membership")]
pub struct Model {
    /// The group.
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: Uuid,
    /// The SCIM id of the user or group in it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub member_id: Uuid,
    /// Whose both are.
    pub organization_id: Uuid,
    /// `user` or `group`.
    pub member_kind: String,
    /// Whether upstream wants it; else Microsoft Graph has it to take out, and then the row goes.
    pub wanted: bool,
    /// The member's object id that Graph was given.
    pub given_as: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
