//! The grants of a person: a code from the login page, and the refresh tokens that follow it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::super::account::Account;
use super::super::application::AppSeed;
use super::super::message::Request;
use super::fault::Fault;
use super::form::Form;
use super::tokens::{self, LIFE, Stale};
use super::{Host, Obstacle, scope};
use crate::clock;

/// How long a code is good, in milliseconds: about ten minutes.
const CODE_LIFE: i64 = 10 * 60 * 1000;

/// The length of a PKCE verifier (RFC 7636 §4.1).
const VERIFIER: std::ops::RangeInclusive<usize> = 43..=128;

/// What a code stands for.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) app: Uuid,
    pub(super) person: Uuid,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    pub(super) challenge: Option<String>,
    pub(super) nonce: Option<String>,
    /// When it was given out, in milliseconds since the Unix epoch.
    pub(super) at: i64,
    pub(super) used: bool,
}

/// The codes that are out, and those that were used of late.
#[derive(Debug, Default)]
pub(super) struct Codes(Mutex<HashMap<String, Code>>);

impl Codes {
    /// Gives a code out.
    pub(super) fn issue(&self, code: Code) -> String {
        let text = tokens::random();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, old| code.at - old.at < 2 * CODE_LIFE);
        all.insert(text.clone(), code);
        text
    }

    /// Takes a code: it is used up, whatever comes of it.
    fn take(&self, text: &str, now: i64) -> Result<Code, Fault> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(code) = all.get_mut(text) else {
            return Err(Fault::grant(70_000, "The provided value for the 'code' parameter is not valid."));
        };
        if std::mem::replace(&mut code.used, true) {
            return Err(Fault::grant(
                54_005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
            ));
        }
        if now - code.at >= CODE_LIFE {
            return Err(expired());
        }
        Ok(code.clone())
    }
}

fn expired() -> Fault {
    Fault::grant(
        70_008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    )
}

impl Host<'_> {
    /// `grant_type=authorization_code`.
    pub(super) fn code(&self, request: &Request, form: &Form, app: &AppSeed) -> Result<Value, Fault> {
        let (text, redirect_uri) = (form.need("code")?, form.need("redirect_uri")?);
        let code = self.login.codes.take(text, self.clock.millis())?;
        if code.app != app.client_id {
            return Err(Fault::grant(70_000, "The provided value for the 'code' parameter is not valid."));
        }
        if code.redirect_uri != redirect_uri {
            let text = format!(
                "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting Authorization code.",
                code.redirect_uri
            );
            return Err(Fault::grant(500_112, text));
        }
        verify(code.challenge.as_deref(), form.get("code_verifier"))?;
        self.tokens(request, app, code.person, &code.scopes, code.nonce.as_deref())
    }

    /// `grant_type=refresh_token`.
    pub(super) fn refresh(&self, request: &Request, form: &Form, app: &AppSeed) -> Result<Value, Fault> {
        let now = self.clock.millis();
        let held =
            self.login.tokens.redeem(form.need("refresh_token")?, now).map_err(|stale| match stale {
                Stale::Expired => expired(),
                Stale::Revoked => revoked(),
                Stale::Unknown => {
                    Fault::grant(9_002_313, "Invalid request. Request is malformed or invalid.")
                }
            })?;
        if held.app != app.client_id {
            return Err(Fault::grant(70_000, "The provided refresh token was issued to another client id."));
        }
        if self.session_start(held.person).is_some_and(|from| held.at < from) {
            return Err(revoked());
        }
        self.login.check_obstacle(app, held.at)?;
        let scopes = match form.get("scope") {
            Some(text) => scope::read(text, &request.base)?,
            None => held.scopes.clone(),
        };
        // An id token and a further refresh token are given as they were at first.
        let kept = held.scopes.iter().filter(|one| *one == "openid" || *one == "offline_access");
        let scopes: Vec<String> = scopes.iter().chain(kept).cloned().collect();
        self.tokens(request, app, held.person, &scopes, None)
    }

    fn session_start(&self, person: Uuid) -> Option<i64> {
        let account = self.directory.find(&person.to_string())?;
        let text = account.text("signInSessionsValidFromDateTime")?;
        OffsetDateTime::parse(text, &Rfc3339).ok().map(clock::millis)
    }

    /// The tokens of a person, as far as the scopes ask for them.
    fn tokens(
        &self,
        request: &Request,
        app: &AppSeed,
        person: Uuid,
        scopes: &[String],
        nonce: Option<&str>,
    ) -> Result<Value, Fault> {
        let account = self.directory.find(&person.to_string()).ok_or_else(|| {
            let tenant = self.tenant.tenant_id;
            Fault::grant(
                50_034,
                format!("The user account {{EUII Hidden}} does not exist in the {tenant} directory."),
            )
        })?;
        may_sign_in(account)?;
        if !scope::missing(scopes, app).is_empty() {
            return Err(Fault::consent(app.client_id, &app.display_name));
        }
        let (now, rules) = (self.clock.millis(), self.login.rules());
        let granted = scope::granted(app);
        let mut claims = self.claims(request, app, &rules);
        claims["idtyp"] = "user".into();
        claims["oid"] = json!(person);
        claims["sub"] = claims["oid"].clone();
        claims["upn"] = account.upn().into();
        claims["scp"] = granted.join(" ").into();
        claims["wids"] = super::wids(&account.held_roles());
        let in_full: Vec<String> = granted.iter().map(|one| format!("{}/{one}", request.base)).collect();
        let mut body = json!({
            "token_type": "Bearer",
            "scope": in_full.join(" "),
            "expires_in": LIFE,
            "ext_expires_in": LIFE,
            "access_token": self.access(claims, &rules)?,
        });
        if scope::has(scopes, "offline_access") {
            let token = self.login.tokens.refresh(app.client_id, person, scopes, now);
            body["refresh_token"] = token.ok_or_else(Fault::server)?.into();
        }
        if scope::has(scopes, "openid") {
            let token = self.login.tokens.identity(self.identity(request, app, account, nonce), now);
            body["id_token"] = token.ok_or_else(Fault::server)?.into();
        }
        Ok(body)
    }

    /// What an id token says (`OpenID` Connect Core §2).
    fn identity(&self, request: &Request, app: &AppSeed, account: &Account, nonce: Option<&str>) -> Value {
        let tenant = self.tenant.tenant_id;
        let mut claims = json!({
            "aud": app.client_id,
            "iss": format!("{}/{tenant}/v2.0", request.base),
            "tid": tenant,
            "oid": account.id,
            "sub": account.id,
            "name": account.text("displayName"),
            "preferred_username": account.upn(),
            "ver": "2.0",
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        claims
    }
}

/// Whether the person may sign in at all.
pub(super) fn may_sign_in(account: &Account) -> Result<(), Fault> {
    if !account.enabled() {
        return Err(Fault::grant(50_057, "The user account is disabled."));
    }
    if account.must_change {
        return Err(Fault::grant(50_055, "The password is expired."));
    }
    Ok(())
}

fn revoked() -> Fault {
    Fault::grant(
        50_173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
    )
}

/// Whether the verifier is the challenge's (RFC 7636 §4.6).
fn verify(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), Fault> {
    let (Some(challenge), Some(verifier)) = (challenge, verifier) else {
        return if challenge.is_none() && verifier.is_none() { Ok(()) } else { Err(mismatch()) };
    };
    if !VERIFIER.contains(&verifier.len()) {
        return Err(Fault::grant(501_491, "Invalid size of Code_Verifier parameter."));
    }
    let made = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    if made == challenge { Ok(()) } else { Err(mismatch()) }
}

fn mismatch() -> Fault {
    Fault::grant(
        501_481,
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    )
}

impl super::Login {
    /// Whether something stands in the way of a person whose last sign-in was at `signed_in`.
    fn check_obstacle(&self, app: &AppSeed, signed_in: i64) -> Result<(), Fault> {
        match self.rules().obstacle {
            None => Ok(()),
            Some(Obstacle::Mfa) if signed_in > self.obstacle_since() => Ok(()),
            Some(Obstacle::Mfa) => Err(Fault::interaction(
                50_076,
                "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '00000003-0000-0000-c000-000000000000'.",
            )),
            Some(Obstacle::ConditionalAccess) => Err(Fault::blocked("invalid_grant")),
            Some(Obstacle::Consent) => Err(Fault::consent(app.client_id, &app.display_name)),
        }
    }
}
