//! A way to Microsoft's sign-in page that a browser was sent and has not come back from.

use sea_orm::entity::prelude::*;

/// One request; it is used once.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_request")]
pub struct Model {
    /// SHA-256 of the `state` that Microsoft sends back: 32 bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub state_hash: Vec<u8>,
    /// SHA-256 of the cookie that the browser was given: 32 bytes.
    pub browser_hash: Vec<u8>,
    /// The connection that it is for.
    pub connection_id: Uuid,
    /// What is asked for: `connect` or `consent`.
    pub kind: String,
    /// The nonce and the code verifier, sealed.
    pub sealed: Option<Vec<u8>>,
    /// From when it is refused.
    pub expires_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
