//! A token request: who asks, how they prove it, and which grant they mean.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use super::super::application::AppSeed;
use super::super::message::Request;
use super::assertion::{self, Used};
use super::fault::Fault;

/// A token request's parameters.
pub(super) struct Form {
    values: HashMap<String, String>,
}

impl Form {
    pub(super) fn read(request: &Request) -> Self {
        let mut values: HashMap<String, String> = request.form().into_iter().collect();
        if let Some((id, secret)) = request.header("authorization").and_then(basic) {
            values.insert("client_id".to_owned(), id);
            values.insert("client_secret".to_owned(), secret);
        }
        Self { values }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| Fault::missing(name))
    }

    /// The application that asks.
    pub(super) fn app<'a>(&self, apps: &'a [AppSeed], tenant: &str) -> Result<&'a AppSeed, Fault> {
        let id = self.need("client_id")?;
        let known = Uuid::parse_str(id).ok();
        let app = apps.iter().find(|app| Some(app.client_id) == known);
        let app = app.ok_or_else(|| Fault::application(id, tenant))?;
        if app.disabled {
            return Err(Fault::disabled_application(app.client_id, &app.display_name));
        }
        Ok(app)
    }

    /// Whether the application proves itself. A public one has nothing to prove.
    pub(super) fn authenticate(
        &self,
        app: &AppSeed,
        endpoints: &[String],
        used: &Used,
        now: i64,
    ) -> Result<(), Fault> {
        let (secret, assertion) = (self.get("client_secret"), self.get("client_assertion"));
        match (secret, assertion) {
            (None, None) if app.public => Ok(()),
            _ if app.public => Err(Fault::public_client()),
            (None, None) => Err(Fault::no_credential()),
            (_, Some(assertion)) => {
                if self.need("client_assertion_type")? != assertion::KIND {
                    return Err(Fault::malformed_assertion("'client_assertion_type' is not supported."));
                }
                assertion::check(app, assertion, endpoints, used, now)
            }
            (Some(secret), None) => check_secret(app, secret, now),
        }
    }
}

fn check_secret(app: &AppSeed, secret: &str, now: i64) -> Result<(), Fault> {
    if secret != app.client_secret.expose_secret() {
        return Err(Fault::secret(app.client_id));
    }
    if app.secret_expires.is_some_and(|at| at <= now) {
        return Err(Fault::expired_secret(app.client_id));
    }
    Ok(())
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
