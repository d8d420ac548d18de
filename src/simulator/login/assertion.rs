//! Client assertions: how an application proves itself by a certificate, or by the word of another issuer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::super::application::{AppSeed, FederatedSeed};
use super::certificate::{self, Key};
use super::fault::Fault;
use super::jwt::Jwt;

/// The only kind of assertion there is (RFC 7523 §2.2).
pub(super) const KIND: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far clocks may differ, in milliseconds.
const SKEW: i64 = 5 * 60 * 1000;

/// The ids of the assertions that were used, and until when they could be used again, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Used(Mutex<HashMap<String, i64>>);

impl Used {
    /// Whether the id is new.
    fn first(&self, id: &str, until: i64, now: i64) -> bool {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, until| *until + SKEW > now);
        used.insert(id.to_owned(), until).is_none()
    }
}

/// Whether `assertion` proves `app`. `endpoint` ends the token endpoint's address behind its host.
pub(super) fn check(
    app: &AppSeed,
    assertion: &str,
    endpoints: &[String],
    used: &Used,
    now: i64,
) -> Result<(), Fault> {
    let jwt = Jwt::read(assertion)
        .ok_or_else(|| Fault::malformed_assertion("The assertion is not three parts of base64url JSON."))?;
    if jwt.text("iss") == app.client_id.to_string() || app.federated.is_empty() {
        return own(app, &jwt, endpoints, used, now);
    }
    federated(app, &jwt, now)
}

/// An assertion that the application signed itself.
fn own(app: &AppSeed, jwt: &Jwt<'_>, endpoints: &[String], used: &Used, now: i64) -> Result<(), Fault> {
    let id = app.client_id.to_string();
    if jwt.text("iss") != id || jwt.text("sub") != id {
        return Err(Fault::assertion_subject());
    }
    let key = registered(app, jwt)?;
    if key.valid.is_some_and(|(from, until)| now < from || now > until) {
        return Err(Fault::assertion_key(
            "The key used is expired.",
            key.thumbprint.as_deref().unwrap_or(""),
        ));
    }
    if !endpoints.iter().any(|endpoint| endpoint == jwt.text("aud")) {
        return Err(Fault::assertion_audience());
    }
    let until = in_time(jwt, now)?;
    if jwt.text("jti").is_empty() {
        return Err(Fault::malformed_assertion("The claim 'jti' is missing."));
    }
    if used.first(jwt.text("jti"), until, now) {
        Ok(())
    } else {
        // Entra is not known to look; an assertion that is used twice is a fault of the client all the same.
        Err(Fault::malformed_assertion("The assertion has been used before: its 'jti' is known."))
    }
}

/// The registered certificate whose key made the signature.
fn registered(app: &AppSeed, jwt: &Jwt<'_>) -> Result<Key, Fault> {
    let keys = app.certificates.iter().filter_map(|pem| certificate::key(pem));
    let named = match jwt.header["x5t#S256"].as_str() {
        Some(named) => named,
        // A SHA-1 thumbprint (`x5t`) is not compared: any registered key may have made the signature.
        None if jwt.header["x5t"].is_string() => "",
        None => {
            let why = "The assertion's header has neither 'x5t#S256' nor 'x5t'.";
            return Err(Fault::malformed_assertion(why));
        }
    };
    let mut keys: Vec<Key> =
        keys.filter(|key| named.is_empty() || key.thumbprint.as_deref() == Some(named)).collect();
    if keys.is_empty() {
        return Err(Fault::assertion_key("The key was not found.", named));
    }
    keys.retain(|key| jwt.is_signed_by(&key.rsa));
    let wrong = "The key was found, but use of the key to verify the signature failed.";
    keys.pop().ok_or_else(|| Fault::assertion_key(wrong, named))
}

/// An assertion that another issuer signed about a workload.
fn federated(app: &AppSeed, jwt: &Jwt<'_>, now: i64) -> Result<(), Fault> {
    let (issuer, subject) = (jwt.text("iss"), jwt.text("sub"));
    let known: Vec<&FederatedSeed> = app.federated.iter().filter(|known| known.issuer == issuer).collect();
    if known.is_empty() {
        return Err(Fault::federation(700_211, "issuer", issuer));
    }
    let Some(known) = known.into_iter().find(|known| known.subject == subject) else {
        return Err(Fault::federation(700_213, "subject", subject));
    };
    let audience = known.audience();
    let named = match &jwt.claims["aud"] {
        serde_json::Value::Array(all) => all.iter().any(|one| one == audience),
        one => one == audience,
    };
    if !named {
        return Err(Fault::federation(700_212, "audience", jwt.text("aud")));
    }
    let key = certificate::key(&known.public_key);
    if !key.is_some_and(|key| jwt.is_signed_by(&key.rsa)) {
        return Err(Fault::assertion_key("The issuer's key does not verify the signature.", ""));
    }
    in_time(jwt, now).map(|_| ())
}

/// When the assertion ends; an error outside its time.
fn in_time(jwt: &Jwt<'_>, now: i64) -> Result<i64, Fault> {
    let (from, until) = (jwt.time("nbf").or(jwt.time("iat")), jwt.time("exp"));
    match until {
        Some(end) if end > now - SKEW && from.is_none_or(|from| from < now + SKEW) => Ok(end),
        _ => Err(Fault::assertion_time(now, from, until)),
    }
}
