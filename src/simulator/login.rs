//! The token endpoint (graph-facts §1) and the tokens it gave out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;
use serde_json::json;
use uuid::Uuid;

use super::directory::Directory;
use super::message::{Request, Response};
use super::refusal::Refusal;
use super::tenant::{AppSeed, TenantSeed};
use crate::clock::Clock;

/// How long a token is good, in seconds, as Entra says it.
const LIFE: i64 = 3599;

/// An error of the token endpoint.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    status: u16,
    error: &'static str,
    number: u32,
    text: String,
}

fn fault(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Fault {
    Fault { status, error, number, text: text.into() }
}

/// The tokens that are out, by their text.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<HashMap<String, Token>>);

#[derive(Clone, Copy, Debug)]
struct Token {
    app: Uuid,
    /// When it ends, in milliseconds since the Unix epoch.
    until: i64,
}

impl Tokens {
    fn issue(&self, app: Uuid, now: i64) -> String {
        let text = opaque();
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An hour longer, so that a client hears that its token has expired and not that nobody knows it.
        tokens.retain(|_, token| token.until + LIFE * 1000 > now);
        tokens.insert(text.clone(), Token { app, until: now + LIFE * 1000 });
        text
    }

    /// The application whose token the request carries.
    pub(super) fn bearer(&self, request: &Request, now: i64) -> Result<Uuid, Refusal> {
        let header = request.header("authorization").unwrap_or_default();
        let Some(text) = header.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"))
        else {
            return Err(Refusal::token("Access token is empty."));
        };
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match tokens.get(text.1.trim()) {
            Some(token) if token.until > now => Ok(token.app),
            Some(_) => Err(Refusal::token("Lifetime validation failed, the token is expired.")),
            None => Err(Refusal::token("Access token has expired or is not yet valid.")),
        }
    }

    /// Makes every token expired, as if its time had come.
    pub(super) fn expire(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for token in tokens.values_mut() {
            token.until = i64::MIN / 2;
        }
    }
}

fn opaque() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether the path is a token endpoint's.
pub(super) fn is_token_path(segments: &[String]) -> bool {
    matches!(segments, [_, oauth, version, token]
        if oauth.eq_ignore_ascii_case("oauth2") && version == "v2.0" && token.eq_ignore_ascii_case("token"))
}

/// Whether the request signs a person in with a password: a convenience of tests, which no recording holds.
pub(super) fn is_person(request: &Request) -> bool {
    request.form().iter().any(|(name, value)| name == "grant_type" && value == "password")
}

/// Answers `POST /{tenant}/oauth2/v2.0/token`.
pub(super) fn token(
    request: &Request,
    tenant: &TenantSeed,
    directory: &Directory,
    tokens: &Tokens,
    clock: &Clock,
) -> Response {
    let answer = Form::read(request).grant(request, tenant, directory, tokens, clock.millis());
    let mut response = match answer {
        Ok(token) => Response::json(
            200,
            json!({
                "token_type": "Bearer",
                "expires_in": LIFE,
                "ext_expires_in": LIFE,
                "access_token": token,
            }),
        ),
        Err(fault) => refuse(&fault, request, clock),
    };
    response.headers.push(("Cache-Control", "no-store, no-cache".to_owned()));
    response
}

/// An error that a fault rule asks for, in the token endpoint's own shape.
pub(super) fn forced(status: u16, error: &str, text: &str, retry_after: Option<u64>) -> Response {
    let body = json!({ "error": error, "error_description": text, "error_codes": [] });
    let mut response = Response::json(status, body);
    response.headers.extend(retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
    response
}

fn refuse(fault: &Fault, request: &Request, clock: &Clock) -> Response {
    let trace = clock.uuid().to_string();
    let correlation =
        request.header("client-request-id").map_or_else(|| clock.uuid().to_string(), str::to_owned);
    let at = super::account::seconds(clock.millis()).replace('T', " ");
    let text = &fault.text;
    Response::json(
        fault.status,
        json!({
            "error": fault.error,
            "error_description": format!(
                "AADSTS{}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {at}",
                fault.number
            ),
            "error_codes": [fault.number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
        }),
    )
}

/// A token request's parameters.
struct Form {
    values: HashMap<String, String>,
}

impl Form {
    fn read(request: &Request) -> Self {
        let mut values: HashMap<String, String> = request.form().into_iter().collect();
        if let Some((id, secret)) = request.header("authorization").and_then(basic) {
            values.insert("client_id".to_owned(), id);
            values.insert("client_secret".to_owned(), secret);
        }
        Self { values }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            fault(400, "invalid_request", 900_144, text)
        })
    }

    fn grant(
        &self,
        request: &Request,
        tenant: &TenantSeed,
        directory: &Directory,
        tokens: &Tokens,
        now: i64,
    ) -> Result<String, Fault> {
        let name = request.segments().into_iter().next().unwrap_or_default();
        if !tenant.is(&name) {
            let text = format!(
                "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            );
            return Err(fault(400, "invalid_request", 90_002, text));
        }
        let kind = self.need("grant_type")?;
        let app = self.app(tenant)?;
        match kind {
            "client_credentials" => {
                self.authenticate(app)?;
                self.scope(request)?;
                Ok(tokens.issue(app.client_id, now))
            }
            "password" => self.person(tenant, directory),
            _ => {
                let text = format!("The app requested an unsupported grant type '{kind}'.");
                Err(fault(400, "unsupported_grant_type", 70_003, text))
            }
        }
    }

    fn app<'a>(&self, tenant: &'a TenantSeed) -> Result<&'a AppSeed, Fault> {
        let id = self.need("client_id")?;
        let known = Uuid::parse_str(id).ok();
        tenant.apps.iter().find(|app| Some(app.client_id) == known).ok_or_else(|| {
            let text = format!(
                "Application with identifier '{id}' was not found in the directory '{}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
                tenant.display_name
            );
            fault(400, "unauthorized_client", 700_016, text)
        })
    }

    fn authenticate(&self, app: &AppSeed) -> Result<(), Fault> {
        let secret = self.need("client_secret")?;
        if secret == app.client_secret.expose_secret() {
            return Ok(());
        }
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'.",
            app.client_id
        );
        Err(fault(401, "invalid_client", 7_000_215, text))
    }

    /// Exactly one scope: everything that the application has on this Graph.
    fn scope(&self, request: &Request) -> Result<(), Fault> {
        let scope = self.need("scope")?;
        if scope == format!("{}/.default", request.base) {
            return Ok(());
        }
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        Err(fault(400, "invalid_scope", 70_011, text))
    }

    /// Signs a person in. The token is good for nothing: it only says that the password is right.
    fn person(&self, tenant: &TenantSeed, directory: &Directory) -> Result<String, Fault> {
        let name = self.need("username")?;
        let password = self.need("password")?;
        let Some(account) = directory.find(name) else {
            let text = format!(
                "The user account {{EUII Hidden}} does not exist in the {} directory.",
                tenant.tenant_id
            );
            return Err(fault(400, "invalid_grant", 50_034, text));
        };
        if !account.password.as_ref().is_some_and(|hash| hash.is(password)) {
            let text = "Error validating credentials due to invalid username or password.";
            return Err(fault(400, "invalid_grant", 50_126, text));
        }
        if !account.enabled() {
            return Err(fault(400, "invalid_grant", 50_057, "The user account is disabled."));
        }
        if account.must_change {
            return Err(fault(400, "invalid_grant", 50_055, "The password is expired."));
        }
        Ok(opaque())
    }
}

/// The id and secret of `Authorization: Basic`, each URL-encoded before it was put together (RFC 6749 §2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (kind, encoded) = header.split_once(' ')?;
    if !kind.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((unescape(id), unescape(secret)))
}

fn unescape(text: &str) -> String {
    let form = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
