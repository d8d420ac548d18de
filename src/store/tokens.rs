//! Bearer tokens, kept as hashes.

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
pub fn lookup_key(hash: &[u8; 32]) -> String { todo!() }
/// Stores a token.
pub async fn insert(tx: &Tx, token: &NewToken) -> Result<(), Error> { todo!() }
/// The tokens with that look-up key, of all organizations (the token is what tells the organization), revoked and expired
/// ones too. Usually one; the caller compares the whole hash in constant time.
pub async fn by_lookup(reads: &impl Reads, lookup: &str) -> Result<Vec<StoredToken>, Error> { todo!() }
/// The organization's tokens, oldest first.
pub async fn list(reads: &impl Reads, organization: OrganizationId) -> Result<Vec<StoredToken>, Error> { todo!() }
/// Revokes a token from `at` on; false when the organization has no such token or it is revoked already.
pub async fn revoke(tx: &Tx, organization: OrganizationId, id: TokenId, at: i64) -> Result<bool, Error> { todo!() }
