//! Authorizing a connection in the browser: the way to Microsoft's sign-in page and back.
//!
//! What is remembered of a way is good once, for ten minutes, and for the browser that was sent on it: `state` and the
//! browser's cookie are kept as hashes, the nonce and the code verifier sealed (RFC 6749 §10.12, RFC 9700 §4.7).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::Directory;
use super::caller::Origin;
use super::connections::{ConnectionError, Granted};
use crate::ids::ConnectionId;
use crate::secret::{BearerToken, TokenHash};
use crate::store::authorizations::{self, Authorization, AuthorizationKind};
use crate::store::connections::{self, Connection};
use crate::store::{self, Sealed};

/// How long a browser may take to come back (ms): as long as Microsoft's code is good.
const LIFETIME: i64 = 10 * 60 * 1000;

/// Where the browser comes back to, below the server's own address.
pub const CALLBACK: &str = "/oauth/callback";

/// The way to Microsoft, handed in by the app, which alone may name Microsoft Graph. Errors are sentences for an
/// administrator.
#[derive(Clone)]
pub struct SignIn {
    /// The sign-in page for a connection, and what to remember until the browser comes back to the redirect URI.
    pub begin: Arc<Begin>,
    /// The page on which an administrator consents to the application, for this redirect URI and state.
    pub consent: Arc<Consent>,
    /// Reads the query that the browser brings back.
    pub read: Arc<Read>,
    /// Redeems a code, and checks the tenant and that the person administers it.
    pub redeem: Arc<Redeem>,
}

/// [`SignIn::begin`]
pub type Begin = dyn Fn(&Connection, &str) -> Result<Begun, String> + Send + Sync;
/// [`SignIn::consent`]
pub type Consent = dyn Fn(&Connection, &str, &SecretString) -> Result<String, String> + Send + Sync;
/// [`SignIn::read`]
pub type Read = dyn Fn(&str) -> Result<Answer, String> + Send + Sync;
/// [`SignIn::redeem`]
pub type Redeem = dyn Fn(Connection, Redemption) -> BoxFuture<'static, Result<Granted, String>> + Send + Sync;

/// A way to the sign-in page that begins.
#[derive(Clone)]
pub struct Begun {
    /// The page, with the state and the nonce in it.
    pub url: String,
    /// Comes back with the browser.
    pub state: SecretString,
    /// Comes back in the identity token.
    pub nonce: SecretString,
    /// Proves that whoever redeems the code has begun the way (RFC 7636).
    pub verifier: SecretString,
}

/// What a browser brings back.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A code to redeem.
    Code {
        /// Good once.
        code: SecretString,
        /// As it was sent.
        state: SecretString,
    },
    /// An administrator has consented to the application.
    Consent {
        /// As it was sent.
        state: SecretString,
    },
    /// Microsoft, or the person, has refused.
    Refused {
        /// Why, and what to do.
        sentence: String,
        /// As it was sent, if it came back.
        state: Option<SecretString>,
    },
}

/// A code and what is needed to redeem it.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The code.
    pub code: SecretString,
    /// Of the way.
    pub nonce: SecretString,
    /// Of the way.
    pub verifier: SecretString,
    /// As it was at the beginning, to the letter.
    pub redirect: String,
}

/// Where to send a browser.
pub struct Way {
    /// The page at Microsoft; not for logs.
    pub url: String,
    /// The name of the cookie to give to the browser.
    pub cookie_name: String,
    /// The cookie.
    pub cookie: SecretString,
    /// How long it is good, in seconds.
    pub seconds: i64,
}

/// What a browser has come back with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The connection is authorized.
    Authorized {
        /// The connection's name.
        connection: String,
        /// Who has authorized it.
        administrator: String,
        /// What was granted.
        scopes: Vec<String>,
    },
    /// The application is consented to for the whole tenant.
    Consented {
        /// The connection's name.
        connection: String,
        /// The link by which it is authorized, where that is still to be done.
        then: Option<ConnectionId>,
    },
}

/// Why a connection was not authorized. It is as it was; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// No such connection.
    #[error(
        "there is no such connection; `gangway connection authorize NAME` prints the link of one that there is"
    )]
    NoSuch,
    /// The connection is switched off.
    #[error("the connection \"{0}\" is switched off; activate it first: `gangway connection activate {0}`")]
    NotInUse(String),
    /// The browser comes back from nowhere.
    #[error(
        "this answer of Microsoft belongs to no sign-in that is under way: it is older than ten minutes, was used \
         already, or was never begun here; open the link of the connection again"
    )]
    UnknownState,
    /// Another browser has begun it.
    #[error(
        "this sign-in was begun in another browser, or this one does not keep cookies; open the link of the connection \
         again in the browser in which you sign in"
    )]
    OtherBrowser,
    /// Microsoft, or the person, has refused, or what came is not good enough.
    #[error("{0}")]
    Refused(String),
    /// What was remembered cannot be read.
    #[error("what was remembered of this sign-in cannot be read: {0}; open the link of the connection again")]
    Unsealed(#[from] crate::secret::UnsealError),
    /// The connection could not be changed.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The database does not do its part.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is sealed until the browser is back.
#[derive(Serialize, Deserialize)]
struct Remembered {
    nonce: String,
    verifier: String,
    redirect: String,
}

impl Directory {
    /// Begins to authorize a connection: the browser that is sent on the way is the one that must come back.
    pub async fn begin_authorization(
        &self,
        sign_in: &SignIn,
        id: ConnectionId,
        base: &str,
    ) -> Result<Way, AuthorizeError> {
        let connection = self.to_authorize(id).await?;
        if !connection.is_delegated() {
            return Err(ConnectionError::NotDelegated(connection.name).into());
        }
        let redirect = format!("{base}{CALLBACK}");
        let begun = (sign_in.begin)(&connection, &redirect).map_err(AuthorizeError::Refused)?;
        let remembered = Remembered {
            nonce: begun.nonce.expose_secret().to_owned(),
            verifier: begun.verifier.expose_secret().to_owned(),
            redirect,
        };
        let text =
            serde_json::to_string(&remembered).map_err(|error| AuthorizeError::Refused(error.to_string()))?;
        let sealed = self.seal(&text.into(), id);
        self.send(id, AuthorizationKind::Connect, &begun.state, Some(sealed), begun.url).await
    }

    /// Begins the consent of an administrator to the application, for the whole tenant.
    pub async fn begin_consent(
        &self,
        sign_in: &SignIn,
        id: ConnectionId,
        base: &str,
    ) -> Result<Way, AuthorizeError> {
        let connection = self.to_authorize(id).await?;
        let state = SecretString::from(BearerToken::generate().expose());
        let redirect = format!("{base}{CALLBACK}");
        let url = (sign_in.consent)(&connection, &redirect, &state).map_err(AuthorizeError::Refused)?;
        self.send(id, AuthorizationKind::Consent, &state, None, url).await
    }

    async fn to_authorize(&self, id: ConnectionId) -> Result<Connection, AuthorizeError> {
        let connection = connections::anywhere(&self.store, id).await?.ok_or(AuthorizeError::NoSuch)?;
        if !connection.is_in_use() {
            return Err(AuthorizeError::NotInUse(connection.name));
        }
        Ok(connection)
    }

    async fn send(
        &self,
        id: ConnectionId,
        kind: AuthorizationKind,
        state: &SecretString,
        sealed: Option<Sealed>,
        url: String,
    ) -> Result<Way, AuthorizeError> {
        let state = hash(state.expose_secret()).ok_or(AuthorizeError::UnknownState)?;
        let cookie = BearerToken::generate();
        let now = self.clock.millis();
        let way = Authorization {
            state_hash: state,
            browser_hash: *cookie.hash().as_array(),
            connection: id,
            kind,
            sealed,
            expires_at: now.saturating_add(LIFETIME),
        };
        self.store
            .write::<_, store::Error, _>(move |tx| {
                Box::pin(async move { authorizations::put(tx, &way, now).await })
            })
            .await?;
        Ok(Way {
            url,
            cookie_name: cookie_name(&state),
            cookie: cookie.expose().into(),
            seconds: LIFETIME / 1000,
        })
    }

    /// Takes what a browser brings back: `query` is that of the redirect URI, `cookie` finds the browser's cookie of a
    /// name. On any error the connection is as it was; the way is used up all the same.
    pub async fn come_back(
        self: &Arc<Self>,
        sign_in: &SignIn,
        query: &str,
        cookie: impl Fn(&str) -> Option<String>,
        origin: Origin,
    ) -> Result<Arrival, AuthorizeError> {
        let answer = (sign_in.read)(query).map_err(AuthorizeError::Refused)?;
        let state = answer.state().and_then(hash).ok_or(AuthorizeError::UnknownState)?;
        let now = self.clock.millis();
        let way = self
            .store
            .write::<_, store::Error, _>(move |tx| {
                Box::pin(async move { authorizations::take(tx, &state, now).await })
            })
            .await?
            .ok_or(AuthorizeError::UnknownState)?;
        let presented = cookie(&cookie_name(&state)).and_then(|text| hash(&text)).map(TokenHash::from);
        if !presented.is_some_and(|presented| presented.matches(&TokenHash::from(way.browser_hash))) {
            return Err(AuthorizeError::OtherBrowser);
        }
        let connection = self.to_authorize(way.connection).await?;
        match (answer, way.kind) {
            (Answer::Refused { sentence, .. }, _) => Err(AuthorizeError::Refused(sentence)),
            (Answer::Code { code, .. }, AuthorizationKind::Connect) => {
                self.redeem(sign_in, connection, code, way.sealed, origin).await
            }
            (Answer::Consent { .. }, AuthorizationKind::Consent) => {
                let then = connection.needs_authorization().then_some(connection.id);
                Ok(Arrival::Consented { connection: connection.name, then })
            }
            _ => Err(AuthorizeError::UnknownState),
        }
    }

    async fn redeem(
        self: &Arc<Self>,
        sign_in: &SignIn,
        connection: Connection,
        code: SecretString,
        sealed: Option<Sealed>,
        mut origin: Origin,
    ) -> Result<Arrival, AuthorizeError> {
        let sealed = sealed.ok_or(AuthorizeError::UnknownState)?;
        let text = self.key.open(&sealed, connection.id.0)?;
        let remembered: Remembered = serde_json::from_str(text.expose_secret())
            .map_err(|_| AuthorizeError::Unsealed(crate::secret::UnsealError::Damaged))?;
        let redemption = Redemption {
            code,
            nonce: remembered.nonce.into(),
            verifier: remembered.verifier.into(),
            redirect: remembered.redirect,
        };
        let granted = (sign_in.redeem)(connection.clone(), redemption).await;
        let granted = granted.map_err(AuthorizeError::Refused)?;
        origin.initiated_by.id = Some(granted.user_id.clone());
        let (administrator, scopes) = (granted.user_name.clone(), granted.scopes.clone());
        let changed = self.authorized(connection.organization, connection.id, granted, origin).await?;
        Ok(Arrival::Authorized { connection: changed.name, administrator, scopes })
    }
}

/// The server's own address as a browser sees it.
pub fn base_url(public_url: Option<&Url>, listens: SocketAddr) -> String {
    match public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        // Nobody can go to 0.0.0.0, and Entra ID takes plain http only for localhost.
        None if listens.ip().is_unspecified() => format!("http://localhost:{}", listens.port()),
        None => format!("http://{listens}"),
    }
}

/// SHA-256 of a state or a cookie; None where it can be none of ours.
fn hash(text: &str) -> Option<[u8; 32]> {
    Some(*BearerToken::parse(text)?.hash().as_array())
}

/// Several ways may be under way in one browser.
fn cookie_name(state: &[u8; 32]) -> String {
    format!("gangway_oauth_{}", TokenHash::from(*state).lookup())
}

impl Answer {
    fn state(&self) -> Option<&str> {
        match self {
            Self::Code { state, .. } | Self::Consent { state } => Some(state.expose_secret()),
            Self::Refused { state, .. } => state.as_ref().map(ExposeSecret::expose_secret),
        }
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIn(…)")
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun(…)")
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way(…)")
    }
}

#[cfg(test)]
mod tests;
