//! How an administrator authorises a connection in the browser: OAuth's authorization code with PKCE, and the link by
//! which an administrator consents for the whole tenant.
//!
//! "Microsoft identity platform and OAuth 2.0 authorization code flow"; OpenID Connect Core §3.1.

mod callback;
mod id_token;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

pub use self::callback::{Callback, InvalidCallback, Refusal};
pub use self::id_token::IdTokenFault;
use super::cloud::check_names;
use super::token::{Asked, Endpoint};
use super::{ApplicationCredential, Cloud, ConfigurationError, Graph, Settings, TokenFailure};
use crate::clock::Clock;

/// The application that a connection signs in with on behalf of an administrator.
#[derive(Clone, Debug)]
pub struct Application {
    /// The cloud that the tenant lives in.
    pub cloud: Cloud,
    /// The tenant's id or one of its domains.
    pub tenant: String,
    /// The application (client) id of the app registration.
    pub client_id: String,
    /// How the application is known beside the administrator.
    pub credential: ApplicationCredential,
}

/// An authorisation that has begun. All but the address is kept until the browser comes back, for one use; the secrets
/// are random and of 128 bits or more.
#[derive(Clone)]
pub struct Begun {
    /// Where the browser goes. It holds the state and the nonce, so it is not for logs.
    pub url: Url,
    /// Comes back with the browser (RFC 6749 §10.12).
    pub state: SecretString,
    /// Stands in the identity token (OpenID Connect Core §3.1.2.1).
    pub nonce: SecretString,
    /// Proves that who redeems the code is who began (RFC 7636).
    pub verifier: SecretString,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun(…)")
    }
}

/// What an authorisation gave.
#[derive(Clone, Debug)]
pub struct Granted {
    /// To be kept sealed; it is replaced with each access token.
    pub refresh: SecretString,
    /// For the checks right after.
    pub access: SecretString,
    /// The tenant that the administrator signed in to.
    pub tenant_id: Uuid,
    /// The administrator's account.
    pub user_id: Uuid,
    /// Its user name; empty when Microsoft did not say it.
    pub user_name: String,
    /// The permissions that were granted.
    pub scopes: Vec<String>,
}

/// How long the login host has.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// For the whole exchange.
    pub total: Duration,
    /// For reaching the host.
    pub connect: Duration,
}

/// Why an authorisation gave nothing. The state of the connection is as it was.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection's own data cannot work.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// The login host refused.
    #[error("{}", .0.advice())]
    Token(Box<TokenFailure>),
    /// The identity token is not what was asked for.
    #[error(transparent)]
    IdToken(#[from] IdTokenFault),
    /// There is no refresh token, so that access would end within the hour.
    #[error(
        "Microsoft gave no refresh token: in Microsoft Entra ID open the app registration > API permissions and add the delegated permission offline_access of Microsoft Graph, then authorise again."
    )]
    NoRefreshToken,
}

impl Application {
    /// Begins an authorisation that ends at `redirect`, which must be a redirect URI of the app registration to the
    /// letter. All delegated permissions of the app registration are asked for (`.default`), so that what an
    /// administrator has set there is what is consented to.
    pub fn begin(&self, redirect: &Url) -> Result<Begun, ConfigurationError> {
        self.check()?;
        let page = self.cloud.login_page(&self.tenant, "oauth2/v2.0/authorize")?;
        let client =
            BasicClient::new(ClientId::new(self.client_id.clone())).set_auth_uri(AuthUrl::from_url(page));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random();
        let resource = format!("{}/.default", self.cloud.resource());
        let scopes = ["openid", "profile", "offline_access", &resource];
        let (url, state) = client
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(redirect.clone())))
            .add_scopes(scopes.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", nonce.secret())
            .add_extra_param("response_mode", "query")
            // An administrator has an account of their own beside the everyday one.
            .add_extra_param("prompt", "select_account")
            .url();
        Ok(Begun {
            url,
            state: state.into_secret().into(),
            nonce: nonce.into_secret().into(),
            verifier: verifier.into_secret().into(),
        })
    }

    /// Redeems the `code` that the browser brought to `redirect` and checks whom it is from. The code is good once.
    pub async fn redeem(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
        nonce: &SecretString,
        clock: &Clock,
        limits: TimeLimits,
    ) -> Result<Granted, Error> {
        self.check()?;
        let http = self.cloud.http(limits.total, limits.connect)?;
        let endpoint = Endpoint::new(http, &self.cloud, &self.tenant, &self.client_id, clock.clone())?;
        let proof = self.credential.proof(endpoint.url(), &self.client_id, clock);
        let proof = proof.map_err(|fault| Error::Token(endpoint.unsent(fault)))?;
        let given =
            endpoint.ask(&proof, Asked::Code { code, verifier, redirect }).await.map_err(Error::Token)?;
        let expected = id_token::Expected {
            client_id: &self.client_id,
            tenant: self.tenant.parse().ok(),
            nonce,
            now: clock.now().unix_timestamp(),
        };
        let id_token = given.id_token.as_ref().ok_or(IdTokenFault::Missing)?;
        let person = id_token::check(id_token.expose_secret(), &expected)?;
        Ok(Granted {
            refresh: given.refresh.ok_or(Error::NoRefreshToken)?,
            access: given.access,
            tenant_id: person.tenant,
            user_id: person.id,
            user_name: person.name,
            scopes: given.scopes,
        })
    }

    /// Where an administrator consents, for the whole tenant, to all permissions of the app registration. The browser
    /// comes back to `redirect` with `state`.
    pub fn admin_consent_url(&self, redirect: &Url, state: &SecretString) -> Result<Url, ConfigurationError> {
        self.check()?;
        let mut url = self.cloud.login_page(&self.tenant, "adminconsent")?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("state", state.expose_secret())
            .append_pair("redirect_uri", redirect.as_str());
        Ok(url)
    }

    fn check(&self) -> Result<(), ConfigurationError> {
        check_names(&self.tenant, &self.client_id)?;
        self.credential.check()
    }
}

impl Graph {
    /// A connection that uses the one access token `access`, whatever credential the settings have: for checks right
    /// after an authorisation.
    pub fn with_token(
        mut settings: Settings,
        access: SecretString,
        clock: Clock,
    ) -> Result<Self, ConfigurationError> {
        settings.credential = super::Credential::Given(access);
        Self::new(settings, clock)
    }
}

#[cfg(test)]
mod tests;
