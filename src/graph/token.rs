//! The access token: fetched once for all who wait for it, and kept until shortly before it expires.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, Scope,
    StandardRevocableToken, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use url::Url;

use super::answer::{Body, shown};
use super::client::{fault, read, record, retry_after};
use super::{ConfigurationError, Credential, Error, Settings, TokenFailure, TokenFault};
use crate::clock::{Clock, from_millis};

/// A token is replaced so long before it expires, or a tenth of its life before if that is less. In milliseconds.
const MARGIN: i64 = 5 * 60 * 1000;

/// How long a token is taken to live when the login host does not say it (RFC 6749 §5.1 leaves that open).
const UNSAID_LIFE: Duration = Duration::from_mins(5);

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
    http: reqwest::Client,
    endpoint: Url,
    scope: String,
    settings: Settings,
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
        let path = format!("/{}/oauth2/v2.0/token", settings.tenant);
        let endpoint = settings.cloud.login().join(&path);
        let endpoint =
            endpoint.map_err(|_| ConfigurationError::Tenant { tenant: settings.tenant.clone() })?;
        let origin = settings.cloud.graph().origin().ascii_serialization();
        Ok(Self {
            http,
            endpoint,
            scope: format!("{origin}/.default"),
            settings,
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
        let outcome = self.fetch().await;
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

    async fn fetch(&self) -> Result<Bearer, Box<TokenFailure>> {
        let Credential::ClientSecret(secret) = &self.settings.credential;
        let asked = self.clock.millis();
        let started = Instant::now();
        let outcome = Entra::new(ClientId::new(self.settings.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            .set_token_uri(TokenUrl::from_url(self.endpoint.clone()))
            // Entra documents the credential in the body; the crate's default is the Authorization header.
            .set_auth_type(AuthType::RequestBody)
            .exchange_client_credentials()
            .add_scope(Scope::new(self.scope.clone()))
            .request_async(&|request| send(self.http.clone(), self.clock.clone(), request))
            .await;
        let outcome = match outcome {
            Ok(answer) => Ok(self.bearer_from(&answer, asked)),
            Err(error) => Err(Box::new(self.failure(error))),
        };
        let status = outcome.as_ref().map_or_else(|failure| failure.fault.name(), |_| "200");
        record("token", status.to_owned(), started);
        tracing::debug!(status, tenant = self.settings.tenant, "asked for an access token");
        outcome
    }

    fn bearer_from(&self, answer: &BasicTokenResponse, asked: i64) -> Bearer {
        let life = answer.expires_in().unwrap_or(UNSAID_LIFE);
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX / 2);
        let expires = asked.saturating_add(life);
        Bearer {
            token: answer.access_token().secret().as_str().into(),
            number: self.fetched.load(Ordering::Acquire),
            fresh_until: expires - MARGIN.min(life / 10),
            expires,
        }
    }

    fn failure(&self, error: RequestTokenError<SendError, EntraError>) -> TokenFailure {
        let mut failure = TokenFailure {
            fault: TokenFault::Malformed,
            aadsts: None,
            error: String::new(),
            message: String::new(),
            correlation_id: None,
            retry_after: None,
            tenant: self.settings.tenant.clone(),
            client_id: self.settings.client_id.clone(),
        };
        match error {
            RequestTokenError::ServerResponse(told) => {
                let Credential::ClientSecret(secret) = &self.settings.credential;
                failure.aadsts = told.aadsts();
                failure.fault = told.fault();
                failure.message = shown(told.first_line(), Some(secret));
                failure.error = told.error;
                failure.correlation_id = told.correlation_id;
            }
            RequestTokenError::Request(SendError { fault, retry_after }) => {
                failure.fault = fault;
                failure.retry_after = retry_after;
            }
            // The body may hold a token, so nothing of it is kept.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {}
        }
        failure
    }
}

type Entra = oauth2::Client<
    EntraError,
    BasicTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// Why the request for a token had no answer of OAuth.
#[derive(Debug, thiserror::Error)]
#[error("no answer of OAuth")]
struct SendError {
    fault: TokenFault,
    retry_after: Option<Duration>,
}

/// Carries a request of the oauth2 crate with our client, which follows no redirects (RFC 9700 §4.11 on SSRF).
async fn send(http: reqwest::Client, clock: Clock, request: HttpRequest) -> Result<HttpResponse, SendError> {
    let of = |fault| SendError { fault, retry_after: None };
    let request = request.try_into().map_err(|_| of(TokenFault::Malformed))?;
    let mut response = http.execute(request).await.map_err(|error| {
        tracing::debug!(fault = fault(&error).1, "the login host did not answer");
        of(TokenFault::Unreachable)
    })?;
    let retry_after = retry_after(response.headers(), &clock);
    match response.status().as_u16() {
        429 => {
            return Err(SendError { fault: TokenFault::Throttled, retry_after });
        }
        500.. => {
            return Err(SendError { fault: TokenFault::Unavailable, retry_after });
        }
        _ => {}
    }
    let Body::Whole(body) = read(&mut response).await else {
        return Err(of(TokenFault::Malformed));
    };
    let mut answer = HttpResponse::new(body);
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    Ok(answer)
}

/// Entra's error body: OAuth's (RFC 6749 §5.2) and its own numbers and ids.
#[derive(Debug, Deserialize, Serialize)]
struct EntraError {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u32>,
    #[serde(default)]
    correlation_id: Option<String>,
}

impl oauth2::ErrorResponse for EntraError {}

impl fmt::Display for EntraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl EntraError {
    fn first_line(&self) -> &str {
        self.error_description.lines().next().unwrap_or_default()
    }

    fn aadsts(&self) -> Option<u32> {
        if let Some(code) = self.error_codes.first() {
            return Some(*code);
        }
        let (_, rest) = self.error_description.split_once("AADSTS")?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    fn fault(&self) -> TokenFault {
        // The numbers are not promised to stay, so OAuth's own word is the second choice.
        match self.aadsts() {
            Some(7_000_215 | 7_000_218) => TokenFault::WrongSecret,
            Some(7_000_222) => TokenFault::ExpiredSecret,
            Some(700_027) => TokenFault::WrongAssertion,
            Some(700_024) => TokenFault::AssertionTime,
            Some(700_016) => TokenFault::UnknownApplication,
            Some(7_000_112) => TokenFault::DisabledApplication,
            Some(90_002 | 900_023) => TokenFault::UnknownTenant,
            Some(65_001) => TokenFault::ConsentMissing,
            Some(50_076 | 50_079 | 53_000..=53_004) => TokenFault::ConditionalAccess,
            Some(70_011 | 500_011) => TokenFault::BadScope,
            _ => match self.error.as_str() {
                "invalid_grant" | "interaction_required" => TokenFault::InvalidGrant,
                "invalid_scope" | "invalid_resource" => TokenFault::BadScope,
                "unauthorized_client" => TokenFault::UnknownApplication,
                "temporarily_unavailable" => TokenFault::Unavailable,
                _ => TokenFault::Other,
            },
        }
    }
}

impl TokenFault {
    /// The name in metrics and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::WrongSecret => "wrong_secret",
            Self::ExpiredSecret => "expired_secret",
            Self::WrongAssertion => "wrong_assertion",
            Self::AssertionTime => "assertion_time",
            Self::UnknownApplication => "unknown_application",
            Self::DisabledApplication => "disabled_application",
            Self::UnknownTenant => "unknown_tenant",
            Self::ConsentMissing => "consent_missing",
            Self::ConditionalAccess => "conditional_access",
            Self::BadScope => "bad_scope",
            Self::InvalidGrant => "invalid_grant",
            Self::Other => "other",
        }
    }
}
