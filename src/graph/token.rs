//! The access token: fetched once for all who wait for it, and kept until shortly before it expires.

mod claims;
mod endpoint;
mod fault;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio::sync::Mutex;

pub use self::claims::Claims;
pub(super) use self::claims::payload;
pub(super) use self::endpoint::{Asked, Endpoint, Given, aadsts};
pub use self::fault::{FileFault, TokenFailure, TokenFault};
use super::credential::Proof;
use super::{Certificate, ConfigurationError, Credential, Delegated, Error, Settings};
use crate::clock::{Clock, from_millis};

/// A token is replaced so long before it expires, or a tenth of its life before if that is less. In milliseconds.
const MARGIN: i64 = 5 * 60 * 1000;

/// How long a token that was given is used: Graph says itself when it is over.
const GIVEN_LIFE: Duration = Duration::from_hours(1);

/// How a connection stands with its access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// None was needed yet.
    Absent,
    /// One is held.
    Held {
        /// When it expires; it is replaced before.
        expires: OffsetDateTime,
    },
    /// One was held and is used up; the next call fetches another.
    Expired,
    /// The last attempt to get one failed; the next call tries again.
    Failed(Box<TokenFailure>),
}

/// An access token in use.
#[derive(Clone, Debug)]
pub(super) struct Bearer {
    token: SecretString,
    /// Which fetch it came from.
    number: u64,
    fresh_until: i64,
    expires: i64,
}

impl Bearer {
    pub(super) fn token(&self) -> &SecretString {
        &self.token
    }
}

/// The keeper of a connection's token.
#[derive(Debug)]
pub(super) struct Tokens {
    endpoint: Endpoint,
    credential: Credential,
    clock: Clock,
    last: RwLock<Last>,
    /// Held by the one who fetches.
    flight: Mutex<()>,
    /// How many fetches have ended.
    fetched: AtomicU64,
}

#[derive(Debug)]
enum Last {
    Nothing,
    Token(Bearer),
    Failure(Box<TokenFailure>),
}

impl Tokens {
    pub(super) fn new(
        http: reqwest::Client,
        settings: Settings,
        clock: Clock,
    ) -> Result<Self, ConfigurationError> {
        if let Some(certificate) = settings.credential.certificate() {
            certificate.check(clock.now())?;
        }
        let Settings { cloud, tenant, client_id, credential, .. } = settings;
        Ok(Self {
            endpoint: Endpoint::new(http, &cloud, &tenant, &client_id, clock.clone())?,
            credential,
            clock,
            last: RwLock::new(Last::Nothing),
            flight: Mutex::new(()),
            fetched: AtomicU64::new(0),
        })
    }

    pub(super) fn state(&self) -> TokenState {
        match &*self.last.read().unwrap_or_else(PoisonError::into_inner) {
            Last::Nothing => TokenState::Absent,
            Last::Token(bearer) if bearer.expires <= self.clock.millis() => TokenState::Expired,
            Last::Token(bearer) => TokenState::Held { expires: from_millis(bearer.expires) },
            Last::Failure(failure) => TokenState::Failed(failure.clone()),
        }
    }

    /// What the token that was fetched last says of itself; none when there is none or it is opaque.
    pub(super) fn claims(&self) -> Option<Claims> {
        match &*self.last.read().unwrap_or_else(PoisonError::into_inner) {
            Last::Token(bearer) => Claims::read(bearer.token.expose_secret()),
            Last::Nothing | Last::Failure(_) => None,
        }
    }

    /// The certificate that the application signs in with.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        self.credential.certificate()
    }

    /// The token that is held, or a new one. Whoever waits while another fetches shares what that one gets, also when
    /// it is a failure: a thousand waiting calls must not ask a thousand times with a wrong secret.
    pub(super) async fn bearer(&self) -> Result<Bearer, Error> {
        if let Some(bearer) = self.held() {
            return Ok(bearer);
        }
        let seen = self.fetched.load(Ordering::Acquire);
        let _flight = self.flight.lock().await;
        if let Some(bearer) = self.held() {
            return Ok(bearer);
        }
        if self.fetched.load(Ordering::Acquire) != seen
            && let Some(failure) = self.failed()
        {
            return Err(Error::Token(failure));
        }
        let asked = self.clock.millis();
        let outcome = self.fetch().await.map(|given| self.bearer_from(given, asked));
        let last = match &outcome {
            Ok(bearer) => Last::Token(bearer.clone()),
            Err(failure) => Last::Failure(failure.clone()),
        };
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = last;
        self.fetched.fetch_add(1, Ordering::Release);
        outcome.map_err(Error::Token)
    }

    /// Drops `bearer`, which Graph did not take, unless another has taken its place meanwhile.
    pub(super) fn forget(&self, bearer: &Bearer) {
        let mut last = self.last.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*last, Last::Token(held) if held.number == bearer.number) {
            *last = Last::Nothing;
        }
    }

    fn held(&self) -> Option<Bearer> {
        match &*self.last.read().unwrap_or_else(PoisonError::into_inner) {
            Last::Token(bearer) if self.clock.millis() < bearer.fresh_until => Some(bearer.clone()),
            _ => None,
        }
    }

    fn failed(&self) -> Option<Box<TokenFailure>> {
        match &*self.last.read().unwrap_or_else(PoisonError::into_inner) {
            Last::Failure(failure) => Some(failure.clone()),
            _ => None,
        }
    }

    fn bearer_from(&self, given: Given, asked: i64) -> Bearer {
        let life = i64::try_from(given.life.as_millis()).unwrap_or(i64::MAX / 2);
        let expires = asked.saturating_add(life);
        Bearer {
            token: given.access,
            number: self.fetched.load(Ordering::Acquire),
            fresh_until: expires - MARGIN.min(life / 10),
            expires,
        }
    }

    async fn fetch(&self) -> Result<Given, Box<TokenFailure>> {
        let proof = match &self.credential {
            Credential::ClientSecret(secret) => Proof::Secret(secret.clone()),
            Credential::Certificate(certificate) => {
                let assertion =
                    certificate.assertion(self.endpoint.url(), self.endpoint.client_id(), &self.clock);
                Proof::Assertion(assertion.map_err(|fault| self.endpoint.unsent(fault))?)
            }
            Credential::Federated(token) => {
                Proof::Assertion(token.read().await.map_err(|fault| self.endpoint.unsent(fault))?)
            }
            Credential::Delegated(delegated) => return self.on_behalf(delegated).await,
            Credential::Given(access) => return Ok(as_given(access)),
        };
        self.endpoint.ask(&proof, Asked::Application).await
    }

    /// A token on behalf of the administrator. When the refresh token is refused although another replica has put a
    /// newer one in its place meanwhile, that one is tried, once.
    async fn on_behalf(&self, delegated: &Delegated) -> Result<Given, Box<TokenFailure>> {
        let refresh = self.load(delegated).await?;
        let refused = match self.refresh(delegated, &refresh).await {
            Err(failure) if failure.fault == TokenFault::NeedsAuthorization => failure,
            outcome => return outcome,
        };
        let newer = self.load(delegated).await?;
        if newer.expose_secret() == refresh.expose_secret() {
            return Err(refused);
        }
        self.refresh(delegated, &newer).await
    }

    async fn load(&self, delegated: &Delegated) -> Result<SecretString, Box<TokenFailure>> {
        let loaded = (delegated.grant.load)().await.map_err(|reason| {
            tracing::warn!(reason, "the refresh token cannot be read");
            self.endpoint.unsent(TokenFault::GrantStore)
        })?;
        loaded.ok_or_else(|| self.endpoint.unsent(TokenFault::NeedsAuthorization))
    }

    async fn refresh(
        &self,
        delegated: &Delegated,
        refresh: &SecretString,
    ) -> Result<Given, Box<TokenFailure>> {
        let proof = delegated.application.proof(self.endpoint.url(), self.endpoint.client_id(), &self.clock);
        let proof = proof.map_err(|fault| self.endpoint.unsent(fault))?;
        let given = self.endpoint.ask(&proof, Asked::Refresh(refresh)).await?;
        if let Some(rotated) = &given.refresh
            && rotated.expose_secret() != refresh.expose_secret()
        {
            // Before the access token is used: what cannot be continued must not be begun.
            (delegated.grant.keep)(rotated.clone()).await.map_err(|reason| {
                tracing::warn!(reason, "the new refresh token cannot be kept");
                self.endpoint.unsent(TokenFault::GrantStore)
            })?;
        }
        Ok(given)
    }
}

fn as_given(access: &SecretString) -> Given {
    Given { access: access.clone(), refresh: None, id_token: None, life: GIVEN_LIFE, scopes: Vec::new() }
}
