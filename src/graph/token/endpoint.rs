//! The token endpoint of one tenant: one request for a token and its answer.

use std::fmt;
use std::time::{Duration, Instant};

use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType};
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, ExtraTokenFields,
    HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::super::answer::{Body, shown};
use super::super::client::{fault, read, record, retry_after};
use super::super::credential::Proof;
use super::super::{Cloud, ConfigurationError};
use super::{TokenFailure, TokenFault};
use crate::clock::Clock;

/// How long a token is taken to live when the login host does not say it (RFC 6749 §5.1 leaves that open).
const UNSAID_LIFE: Duration = Duration::from_mins(5);

/// RFC 7523 §2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Where one application asks for its tokens.
#[derive(Debug)]
pub(in crate::graph) struct Endpoint {
    http: reqwest::Client,
    url: Url,
    /// `.default`: all that was consented to, of Graph in this cloud.
    scope: String,
    tenant: String,
    client_id: String,
    clock: Clock,
}

/// What a token is asked for with.
pub(in crate::graph) enum Asked<'a> {
    /// As the application itself (RFC 6749 §4.4).
    Application,
    /// With a refresh token (RFC 6749 §6).
    Refresh(&'a SecretString),
    /// With the code that the browser brought (RFC 6749 §4.1.3) and its verifier (RFC 7636 §4.5).
    Code { code: &'a SecretString, verifier: &'a SecretString, redirect: &'a Url },
}

impl Asked<'_> {
    fn secrets(&self) -> Vec<&SecretString> {
        match self {
            Self::Application => Vec::new(),
            Self::Refresh(token) => vec![token],
            Self::Code { code, verifier, .. } => vec![code, verifier],
        }
    }
}

/// What the endpoint gave.
pub(in crate::graph) struct Given {
    pub(in crate::graph) access: SecretString,
    pub(in crate::graph) refresh: Option<SecretString>,
    pub(in crate::graph) id_token: Option<SecretString>,
    pub(in crate::graph) life: Duration,
    pub(in crate::graph) scopes: Vec<String>,
}

impl Endpoint {
    pub(in crate::graph) fn new(
        http: reqwest::Client,
        cloud: &Cloud,
        tenant: &str,
        client_id: &str,
        clock: Clock,
    ) -> Result<Self, ConfigurationError> {
        Ok(Self {
            http,
            url: cloud.login_page(tenant, "oauth2/v2.0/token")?,
            scope: format!("{}/.default", cloud.resource()),
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            clock,
        })
    }

    /// The endpoint's own address, which is the audience of assertions.
    pub(in crate::graph) fn url(&self) -> &Url {
        &self.url
    }

    pub(in crate::graph) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Asks once.
    pub(in crate::graph) async fn ask(
        &self,
        proof: &Proof,
        asked: Asked<'_>,
    ) -> Result<Given, Box<TokenFailure>> {
        let started = Instant::now();
        let outcome = match self.exchange(proof, &asked).await {
            Ok(answer) => Ok(given(&answer)),
            Err(error) => Err(Box::new(self.failure(error, proof, &asked))),
        };
        let status = outcome.as_ref().map_or_else(|failure| failure.fault.name(), |_| "200");
        record("token", status.to_owned(), started);
        tracing::debug!(status, tenant = self.tenant, "asked for an access token");
        outcome
    }

    async fn exchange(
        &self,
        proof: &Proof,
        asked: &Asked<'_>,
    ) -> Result<Answer, RequestTokenError<SendError, EntraError>> {
        let client = self.client(proof);
        let parameters = proof.parameters();
        let carry = |request| send(self.http.clone(), self.clock.clone(), request);
        match asked {
            Asked::Application => {
                let mut request =
                    client.exchange_client_credentials().add_scope(Scope::new(self.scope.clone()));
                for (name, value) in parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&carry).await
            }
            Asked::Refresh(token) => {
                let token = RefreshToken::new(token.expose_secret().to_owned());
                let scopes = ["openid", "profile", "offline_access", &self.scope];
                let scopes = scopes.map(|scope| Scope::new(scope.to_owned()));
                let mut request = client.exchange_refresh_token(&token).add_scopes(scopes);
                for (name, value) in parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&carry).await
            }
            Asked::Code { code, verifier, redirect } => {
                let code = AuthorizationCode::new(code.expose_secret().to_owned());
                let client = client.set_redirect_uri(RedirectUrl::from_url((*redirect).clone()));
                let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
                let mut request = client.exchange_code(code).set_pkce_verifier(verifier);
                for (name, value) in parameters {
                    request = request.add_extra_param(name, value);
                }
                request.request_async(&carry).await
            }
        }
    }

    fn client(&self, proof: &Proof) -> Entra {
        let client = oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(TokenUrl::from_url(self.url.clone()))
            // Entra documents the credential in the body; the crate's default is the Authorization header.
            .set_auth_type(AuthType::RequestBody);
        match proof {
            Proof::Secret(secret) => {
                client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            }
            Proof::None | Proof::Assertion(_) => client,
        }
    }

    /// A failure for which nothing was sent.
    pub(in crate::graph) fn unsent(&self, fault: TokenFault) -> Box<TokenFailure> {
        Box::new(self.blank(fault))
    }

    fn blank(&self, fault: TokenFault) -> TokenFailure {
        TokenFailure {
            fault,
            aadsts: None,
            error: String::new(),
            message: String::new(),
            correlation_id: None,
            retry_after: None,
            tenant: self.tenant.clone(),
            client_id: self.client_id.clone(),
        }
    }

    fn failure(
        &self,
        error: RequestTokenError<SendError, EntraError>,
        proof: &Proof,
        asked: &Asked<'_>,
    ) -> TokenFailure {
        let mut failure = self.blank(TokenFault::Malformed);
        match error {
            RequestTokenError::ServerResponse(told) => {
                failure.aadsts = told.aadsts();
                failure.fault = told.fault(asked);
                let secrets = asked.secrets().into_iter().chain(proof.secret());
                failure.message = shown(&without(told.first_line(), secrets), None);
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

impl Proof {
    fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::None => None,
            Self::Secret(secret) | Self::Assertion(secret) => Some(secret),
        }
    }

    /// What the oauth2 crate has no name for.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::None | Self::Secret(_) => Vec::new(),
            Self::Assertion(assertion) => vec![
                ("client_assertion_type", ASSERTION_TYPE.to_owned()),
                ("client_assertion", assertion.expose_secret().to_owned()),
            ],
        }
    }
}

/// `text` without the secrets, should the login host ever repeat one.
fn without<'a>(text: &str, secrets: impl Iterator<Item = &'a SecretString>) -> String {
    secrets
        .map(ExposeSecret::expose_secret)
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
}

fn given(answer: &Answer) -> Given {
    Given {
        access: answer.access_token().secret().as_str().into(),
        refresh: answer.refresh_token().map(|token| token.secret().as_str().into()),
        id_token: answer.extra_fields().id_token.clone(),
        life: answer.expires_in().unwrap_or(UNSAID_LIFE),
        scopes: answer.scopes().into_iter().flatten().map(|scope| scope.to_string()).collect(),
    }
}

type Answer = StandardTokenResponse<OpenId, BasicTokenType>;

type Entra = oauth2::Client<
    EntraError,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What OpenID Connect Core §3.1.3.3 adds to OAuth's answer.
#[derive(Debug, Deserialize, Serialize)]
struct OpenId {
    #[serde(default, skip_serializing)]
    id_token: Option<SecretString>,
}

impl ExtraTokenFields for OpenId {}

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
        self.error_codes.first().copied().or_else(|| aadsts(&self.error_description))
    }

    fn fault(&self, asked: &Asked<'_>) -> TokenFault {
        let fault = TokenFault::told(self.aadsts(), &self.error);
        match (self.error.as_str(), asked) {
            // "Handle the errors invalid_grant and interaction_required by a new sign-in", whatever the number.
            (
                "invalid_grant" | "interaction_required" | "consent_required" | "login_required",
                Asked::Refresh(_),
            ) => TokenFault::NeedsAuthorization,
            (_, Asked::Code { .. }) if fault == TokenFault::InvalidGrant => TokenFault::WrongCode,
            _ => fault,
        }
    }
}

/// The number after `AADSTS` in a description.
pub(in crate::graph) fn aadsts(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
