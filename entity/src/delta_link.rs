//! How far the changes of a tenant's users or groups were read.

use sea_orm::entity::prelude::*;

/// One place in one stream of changes.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delta_link")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub connection_id: Uuid,
    /// `users` or `groups`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    /// Microsoft's own text for the place; NULL before the first round.
    pub link: Option<String>,
    /// Whether the link is that of a further page, in the middle of a round.
    pub walking: bool,
    /// Whether the round shows all there is, not only what has changed.
    pub complete: bool,
    /// How many rounds came to their end.
    pub round: i64,
    /// When the last round came to its end.
    pub finished_at: Option<i64>,
    /// Not to be tried before.
    pub next_at: i64,
    /// The process that reads.
    pub lease_owner: Option<Uuid>,
    /// Until when that process has it.
    pub lease_until: i64,
    /// When the link was got.
    pub updated_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
