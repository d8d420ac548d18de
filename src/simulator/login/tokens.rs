//! The tokens that were given out. They say themselves what they are good for, so that they outlive a restart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::super::message::Request;
use super::super::refusal::Refusal;
use super::jwt::{self, Jwt};

/// How long an access token is good, in seconds, as Entra says it.
pub(super) const LIFE: i64 = 3599;

/// How long a refresh token is good, in seconds: 90 days.
const REFRESH_LIFE: i64 = 90 * 24 * 60 * 60;

/// The claim that says how often all tokens had been made to expire when this one was given out.
const ERA: &str = "xms_era";

/// The kinds of tokens, as the header's `typ`, so that none passes for another.
const ACCESS: &str = "JWT";
const REFRESH: &str = "refresh+jwt";
const PAGE: &str = "page+jwt";

/// What makes tokens, and tells whether they are good.
#[derive(Debug)]
pub(in crate::simulator) struct Tokens {
    key: Vec<u8>,
    era: AtomicI64,
    refresh_era: AtomicI64,
    /// The access tokens that are out in a form that nobody can read, and what they stand for.
    opaque: Mutex<HashMap<String, String>>,
}

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Grant {
    pub(in crate::simulator) app: Uuid,
    /// The person who signed in; none: the application acts for itself.
    pub(in crate::simulator) person: Option<Uuid>,
    /// `roles` or `scp`.
    pub(in crate::simulator) permissions: Vec<String>,
}

/// What a refresh token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    pub(super) app: Uuid,
    pub(super) person: Uuid,
    pub(super) scopes: Vec<String>,
    /// When it was given out, in milliseconds since the Unix epoch.
    pub(super) at: i64,
}

/// Why a refresh token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stale {
    Unknown,
    Expired,
    Revoked,
}

impl Tokens {
    /// The tokens of this tenant. Their key is made from its id: the simulator keeps no secret worth one.
    pub(super) fn new(tenant: Uuid) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"the key of a simulated tenant's tokens");
        hash.update(tenant.as_bytes());
        Self {
            key: hash.finalize().to_vec(),
            era: AtomicI64::new(0),
            refresh_era: AtomicI64::new(0),
            opaque: Mutex::default(),
        }
    }

    /// An access token of these claims, to which its times are added; `opaque`: one that says nothing.
    pub(super) fn access(&self, mut claims: Value, now: i64, opaque: bool) -> Option<String> {
        Self::stamp(&mut claims, now, LIFE, &self.era);
        let token = jwt::make(ACCESS, &claims, &self.key)?;
        if !opaque {
            return Some(token);
        }
        let name = random();
        self.hidden().insert(name.clone(), token);
        Some(name)
    }

    /// An id token of these claims.
    pub(super) fn identity(&self, mut claims: Value, now: i64) -> Option<String> {
        Self::stamp(&mut claims, now, LIFE, &self.era);
        jwt::make("id+jwt", &claims, &self.key)
    }

    /// A new refresh token.
    pub(super) fn refresh(&self, app: Uuid, person: Uuid, scopes: &[String], now: i64) -> Option<String> {
        let mut claims = json!({ "appid": app, "oid": person, "scp": scopes.join(" "), "uti": random() });
        Self::stamp(&mut claims, now, REFRESH_LIFE, &self.refresh_era);
        claims["at"] = now.into();
        jwt::make(REFRESH, &claims, &self.key)
    }

    /// Claims that a page carries to the next one.
    pub(super) fn seal(&self, mut claims: Value, now: i64) -> Option<String> {
        Self::stamp(&mut claims, now, LIFE, &self.era);
        jwt::make(PAGE, &claims, &self.key)
    }

    /// What a page carries, if it is genuine and not too old.
    pub(super) fn open(&self, text: &str, now: i64) -> Option<Value> {
        let jwt = self.genuine(text, PAGE)?;
        jwt.time("exp").is_some_and(|until| until > now).then_some(jwt.claims)
    }

    fn stamp(claims: &mut Value, now: i64, life: i64, era: &AtomicI64) {
        let at = now.div_euclid(1000);
        claims["iat"] = at.into();
        claims["nbf"] = at.into();
        claims["exp"] = (at + life).into();
        claims[ERA] = era.load(Ordering::SeqCst).into();
    }

    fn hidden(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.opaque.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the request's access token says.
    pub(in crate::simulator) fn bearer(&self, request: &Request, now: i64) -> Result<Grant, Refusal> {
        let header = request.header("authorization").unwrap_or_default();
        let Some((_, text)) = header.split_once(' ').filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"))
        else {
            return Err(Refusal::token("Access token is empty."));
        };
        let token = self.hidden().get(text.trim()).cloned().unwrap_or_else(|| text.trim().to_owned());
        let unknown = || Refusal::token("Access token has expired or is not yet valid.");
        let jwt = self.genuine(&token, ACCESS).ok_or_else(unknown)?;
        if Self::is_over(&jwt, now, &self.era) {
            return Err(Refusal::token("Lifetime validation failed, the token is expired."));
        }
        if jwt.text("aud") != request.base {
            return Err(Refusal::token("Access token validation failure. Invalid audience."));
        }
        grant(&jwt).ok_or_else(unknown)
    }

    /// What a refresh token stands for.
    pub(super) fn redeem(&self, token: &str, now: i64) -> Result<Refresh, Stale> {
        let jwt = self.genuine(token, REFRESH).ok_or(Stale::Unknown)?;
        if jwt.claims[ERA].as_i64() != Some(self.refresh_era.load(Ordering::SeqCst)) {
            return Err(Stale::Revoked);
        }
        if Self::is_over(&jwt, now, &self.refresh_era) {
            return Err(Stale::Expired);
        }
        let id = |name: &str| Uuid::parse_str(jwt.text(name)).map_err(|_| Stale::Unknown);
        Ok(Refresh {
            app: id("appid")?,
            person: id("oid")?,
            scopes: words(jwt.text("scp")),
            at: jwt.claims["at"].as_i64().unwrap_or_default(),
        })
    }

    fn genuine<'a>(&self, token: &'a str, kind: &str) -> Option<Jwt<'a>> {
        Jwt::read(token).filter(|jwt| jwt.header["typ"] == kind && jwt.is_made_with(&self.key))
    }

    fn is_over(jwt: &Jwt<'_>, now: i64, era: &AtomicI64) -> bool {
        let until = jwt.time("exp").unwrap_or_default();
        until <= now || jwt.claims[ERA].as_i64() != Some(era.load(Ordering::SeqCst))
    }

    /// Makes every access token expired, as if its time had come.
    pub(in crate::simulator) fn expire(&self) {
        self.era.fetch_add(1, Ordering::SeqCst);
    }

    /// Revokes every refresh token.
    pub(in crate::simulator) fn revoke(&self) {
        self.refresh_era.fetch_add(1, Ordering::SeqCst);
    }
}

fn grant(jwt: &Jwt<'_>) -> Option<Grant> {
    let app = Uuid::parse_str(jwt.text("appid")).ok()?;
    let person =
        if jwt.text("idtyp") == "user" { Some(Uuid::parse_str(jwt.text("oid")).ok()?) } else { None };
    let permissions = if person.is_some() {
        words(jwt.text("scp"))
    } else {
        let roles = jwt.claims["roles"].as_array().into_iter().flatten();
        roles.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Some(Grant { app, person, permissions })
}

/// The parts of a list that is separated by blanks.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// 256 random bits as text.
pub(super) fn random() -> String {
    let bytes: [u8; 32] = rand::random();
    URL_SAFE_NO_PAD.encode(bytes)
}
