//! A bearer token, kept as its hash.

use sea_orm::entity::prelude::*;

/// One token.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is.
    pub organization_id: Uuid,
    /// The upstream that it speaks for; none for a token that only reads events or administers.
    pub upstream_id: Option<Uuid>,
    /// What an admin called it.
    pub name: String,
    /// The first 16 hexadecimal digits of the hash, to find the row by.
    pub lookup: String,
    /// SHA-256 of the token: 32 bytes.
    pub hash: Vec<u8>,
    /// The first characters of the token, shown in lists.
    pub prefix: String,
    /// What it may do: words with blanks between.
    pub scopes: String,
    /// When it was made.
    pub created_at: i64,
    /// From when it is refused.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// The upstream's row.
    #[sea_orm(belongs_to, from = "upstream_id", to = "id")]
    pub upstream: BelongsTo<Option<super::upstream::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
