//! Bearer tokens, kept as hashes.

use entity::token::{COLUMN, Column, Entity, Model};
use entity::upstream;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};

use super::upstreams::Upstream;
use super::{Error, Reads, Tx};
use crate::ids::{OrganizationId, TokenId, UpstreamId};

/// A token to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The upstream that it speaks for, when it pushes.
    pub upstream: Option<UpstreamId>,
    /// What an admin calls it.
    pub name: String,
    /// SHA-256 of the token; its first 16 hexadecimal digits become the look-up key.
    pub hash: [u8; 32],
    /// The token's first characters, shown in lists.
    pub prefix: String,
    /// What it may do, such as `scim`; a scope holds no blank.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: i64,
    /// From when it is refused.
    pub expires_at: Option<i64>,
}

/// A token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Its id.
    pub id: TokenId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The upstream that it speaks for, when it pushes.
    pub upstream: Option<Upstream>,
    /// What an admin calls it.
    pub name: String,
    /// SHA-256 of the token: compare in constant time.
    pub hash: [u8; 32],
    /// The token's first characters, shown in lists.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: i64,
    /// From when it is refused.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// The look-up key of a token with this hash: the first 16 hexadecimal digits.
pub fn lookup_key(hash: &[u8; 32]) -> String {
    let key = hash.iter().take(8).fold(0_u64, |key, byte| key << 8 | u64::from(*byte));
    format!("{key:016x}")
}

/// Stores a token.
pub async fn insert(tx: &Tx, token: &NewToken) -> Result<(), Error> {
    let row = Model {
        id: token.id.0,
        organization_id: token.organization.0,
        upstream_id: token.upstream.map(|id| id.0),
        name: token.name.clone(),
        lookup: lookup_key(&token.hash),
        hash: token.hash.to_vec(),
        prefix: token.prefix.clone(),
        scopes: token.scopes.join(" "),
        created_at: token.created_at,
        expires_at: token.expires_at,
        revoked_at: None,
    };
    Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// The tokens with that look-up key, of all organizations (the token is what tells the organization), revoked and expired
/// ones too. Usually one; the caller compares the whole hash in constant time.
pub async fn by_lookup(reads: &impl Reads, lookup: &str) -> Result<Vec<StoredToken>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.lookup.eq(lookup))
        .find_also_related(upstream::Entity)
        .all(&reads.executor())
        .await?;
    rows.into_iter().map(stored).collect()
}

/// The organization's tokens, oldest first.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<StoredToken>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.organization_id.eq(organization.0))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .find_also_related(upstream::Entity)
        .all(&reads.executor())
        .await?;
    rows.into_iter().map(stored).collect()
}

/// Revokes a token from `at` on; false when the organization has no such token or it is revoked already.
pub async fn revoke(tx: &Tx, organization: OrganizationId, id: TokenId, at: i64) -> Result<bool, Error> {
    let changed = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(at))
        .filter(COLUMN.id.eq(id.0))
        .filter(COLUMN.organization_id.eq(organization.0))
        .filter(COLUMN.revoked_at.is_null())
        .exec(tx.db())
        .await?;
    Ok(changed.rows_affected > 0)
}

fn stored((row, upstream): (Model, Option<upstream::Model>)) -> Result<StoredToken, Error> {
    let hash = row.hash.try_into().map_err(|hash: Vec<u8>| Error::Unreadable {
        table: "token",
        what: format!("a hash of {} bytes", hash.len()),
    })?;
    Ok(StoredToken {
        id: TokenId(row.id),
        organization: OrganizationId(row.organization_id),
        upstream: upstream.map(Into::into),
        name: row.name,
        hash,
        prefix: row.prefix,
        scopes: row.scopes.split_whitespace().map(str::to_owned).collect(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    })
}
