//! Access: bearer tokens, whom they speak for and what they may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::Directory;
use crate::clock::rfc3339;
use crate::ids::{OrganizationId, TokenId, UpstreamId};
use crate::scim::Dialect;
use crate::secret::{BearerToken, TokenHash};
use crate::store::tokens::{self, NewToken, StoredToken};
use crate::store::{self, Tx, organizations, upstreams};

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Push users.
    Scim,
    /// Read directory-insights events.
    Insights,
}

/// A token that was accepted.
#[derive(Clone, Debug)]
pub struct Access {
    /// Whose resources it reaches.
    pub organization: OrganizationId,
    /// The token.
    pub token: TokenId,
    /// The upstream that it speaks for.
    pub upstream: Option<(UpstreamId, String)>,
    /// The upstream's dialect.
    pub dialect: Dialect,
}

/// Why a token was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Not a token of ours, or one that was never made.
    #[error("the bearer token is not known; make one with `gangway token create`")]
    Unknown,
    /// Its time is over.
    #[error("the bearer token expired at {0}; make a new one with `gangway token create`")]
    Expired(String),
    /// An administrator has revoked it.
    #[error("the bearer token was revoked; make a new one with `gangway token create`")]
    Revoked,
    /// It is good, but not for this.
    #[error(
        "the bearer token does not have the scope \"{0}\"; make one with `gangway token create --scope {0}`"
    )]
    Scope(Scope),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What an administrator says of a new token.
#[derive(Clone, Debug)]
pub struct NewAccess {
    /// The organization's name.
    pub organization: String,
    /// The upstream's name; made when there is none.
    pub upstream: String,
    /// The dialect of an upstream that is made.
    pub dialect: Dialect,
    /// What the token is called.
    pub name: String,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// When it ends (ms), if ever.
    pub expires_at: Option<i64>,
}

/// A token as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// Its id, by which it is revoked.
    pub id: TokenId,
    /// What it is called.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// The upstream that it speaks for.
    pub upstream: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// When it was made (ms).
    pub created_at: i64,
    /// When it ends (ms).
    pub expires_at: Option<i64>,
    /// When it was revoked (ms).
    pub revoked_at: Option<i64>,
}

/// A scope that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("there is no scope \"{0}\"; there are scim and insights")]
pub struct UnknownScope(String);

impl Scope {
    /// As it is written in settings and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Insights => "insights",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        match text {
            "scim" => Ok(Self::Scim),
            "insights" => Ok(Self::Insights),
            other => Err(UnknownScope(other.to_owned())),
        }
    }
}

impl Directory {
    /// Accepts a token for `scope`, or says why not.
    pub async fn authenticate(&self, presented: &str, scope: Scope) -> Result<Access, AccessError> {
        let hash = BearerToken::parse(presented).ok_or(AccessError::Unknown)?.hash();
        let known = tokens::by_lookup(&self.store, &hash.lookup()).await?;
        let token = known
            .into_iter()
            .find(|token| TokenHash::from_bytes(&token.hash).is_some_and(|kept| kept.matches(&hash)))
            .ok_or(AccessError::Unknown)?;
        if token.revoked_at.is_some() {
            return Err(AccessError::Revoked);
        }
        if let Some(end) = token.expires_at.filter(|end| *end <= self.clock.millis()) {
            return Err(AccessError::Expired(rfc3339(end)));
        }
        if !token.scopes.iter().any(|name| name == scope.as_str()) {
            return Err(AccessError::Scope(scope));
        }
        let dialect =
            token.upstream.as_ref().and_then(|upstream| upstream.dialect.parse().ok()).unwrap_or_default();
        Ok(Access {
            organization: token.organization,
            token: token.id,
            upstream: token.upstream.map(|upstream| (upstream.id, upstream.name)),
            dialect,
        })
    }

    /// Makes a token; it is shown this once.
    pub async fn create_token(
        self: &Arc<Self>,
        new: NewAccess,
    ) -> Result<(TokenId, BearerToken), super::BootstrapError> {
        let token = BearerToken::generate();
        let this = Arc::clone(self);
        let kept = token.clone();
        let id = self
            .store
            .write(move |tx| Box::pin(async move { this.insert_token(tx, &new, &kept).await }))
            .await?;
        Ok((id, token))
    }

    pub(super) async fn insert_token(
        &self,
        tx: &Tx,
        new: &NewAccess,
        token: &BearerToken,
    ) -> Result<TokenId, super::BootstrapError> {
        let organization = organizations::by_name(tx, &new.organization)
            .await?
            .ok_or_else(|| super::BootstrapError::NoOrganization(new.organization.clone()))?;
        let upstream = match upstreams::by_name(tx, organization.id, &new.upstream).await? {
            Some(upstream) => upstream,
            None => self.insert_upstream(tx, organization.id, &new.upstream, new.dialect).await?,
        };
        let id = TokenId(self.clock.uuid());
        let mut hash = [0; 32];
        hash.copy_from_slice(token.hash().as_bytes());
        let row = NewToken {
            id,
            organization: organization.id,
            upstream: Some(upstream.id),
            name: new.name.clone(),
            hash,
            prefix: token.prefix(),
            scopes: new.scopes.iter().map(ToString::to_string).collect(),
            created_at: self.clock.millis(),
            expires_at: new.expires_at,
        };
        tokens::insert(tx, &row).await?;
        Ok(id)
    }

    async fn insert_upstream(
        &self,
        tx: &Tx,
        organization: OrganizationId,
        name: &str,
        dialect: Dialect,
    ) -> Result<upstreams::Upstream, store::Error> {
        let upstream = upstreams::Upstream {
            id: UpstreamId(self.clock.uuid()),
            organization,
            name: name.to_owned(),
            dialect: dialect.to_string(),
            created_at: self.clock.millis(),
        };
        upstreams::insert(tx, &upstream).await?;
        Ok(upstream)
    }

    /// The tokens of an organization, oldest first.
    pub async fn tokens(&self, organization: OrganizationId) -> Result<Vec<TokenView>, store::Error> {
        Ok(tokens::list(&self.store, organization).await?.into_iter().map(TokenView::from).collect())
    }

    /// Revokes a token; false when there is none that is valid.
    pub async fn revoke_token(
        &self,
        organization: OrganizationId,
        id: TokenId,
    ) -> Result<bool, store::Error> {
        let now = self.clock.millis();
        self.store.write(move |tx| Box::pin(tokens::revoke(tx, organization, id, now))).await
    }
}

impl From<StoredToken> for TokenView {
    fn from(token: StoredToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            prefix: token.prefix,
            upstream: token.upstream.map(|upstream| upstream.name),
            scopes: token.scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
        }
    }
}
