//! The login host: its token endpoint, and the applications and tokens that it knows.

mod assertion;
mod authorize;
mod certificate;
mod code;
mod discovery;
mod fault;
mod form;
mod jwt;
mod page;
mod scope;
mod tokens;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::application::AppSeed;
use super::directory::Directory;
use super::message::{Request, Response};
use super::roles;
use super::tenant::TenantSeed;
use crate::clock::Clock;
use assertion::Used;
use code::Codes;
use fault::Fault;
use form::Form;
pub(super) use jwt::unsigned;
use tokens::LIFE;
use tokens::Tokens;

/// What stands in the way of every sign-in, and what the tokens are like; for tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SignInRules {
    /// What refuses every token request, and every sign-in at the login page.
    pub obstacle: Option<Obstacle>,
    /// The audience of new access tokens instead of this Graph's, such as another cloud's.
    pub audience: Option<String>,
    /// New access tokens say nothing to who reads them, as Microsoft reserves the right to.
    pub opaque: bool,
}

/// What stands in the way of a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Obstacle {
    /// Multifactor authentication is asked for (AADSTS50076). It concerns persons only.
    Mfa,
    /// A conditional access policy blocks it (AADSTS53003).
    ConditionalAccess,
    /// The consent was withdrawn (AADSTS65001). It concerns persons only.
    Consent,
}

/// The login host's memory.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) tokens: Tokens,
    apps: RwLock<Vec<AppSeed>>,
    rules: RwLock<SignInRules>,
    /// When the obstacle was put there, in milliseconds since the Unix epoch.
    since: AtomicI64,
    used: Used,
    codes: Codes,
}

/// What a request to the login host is answered from.
pub(super) struct Host<'a> {
    pub(super) login: &'a Login,
    pub(super) tenant: &'a TenantSeed,
    pub(super) directory: &'a Directory,
    pub(super) clock: &'a Clock,
}

impl Login {
    /// The login host of this tenant.
    pub(super) fn new(tenant: &TenantSeed) -> Self {
        Self {
            tokens: Tokens::new(tenant.tenant_id),
            apps: RwLock::new(tenant.apps.clone()),
            rules: RwLock::default(),
            since: AtomicI64::new(i64::MIN),
            used: Used::default(),
            codes: Codes::default(),
        }
    }

    fn read_apps(&self) -> RwLockReadGuard<'_, Vec<AppSeed>> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The applications as they are now.
    pub(super) fn apps(&self) -> Vec<AppSeed> {
        self.read_apps().clone()
    }

    /// The application with this id as it is now.
    pub(super) fn app(&self, id: Uuid) -> Option<AppSeed> {
        self.read_apps().iter().find(|app| app.client_id == id).cloned()
    }

    /// The directory roles of an application that is switched on.
    pub(super) fn roles_of(&self, id: Uuid) -> Option<Vec<String>> {
        let apps = self.read_apps();
        apps.iter().find(|app| app.client_id == id && !app.disabled).map(|app| app.roles.clone())
    }

    /// Changes the application with this id; false if there is none.
    pub(super) fn change_app(&self, id: Uuid, change: impl FnOnce(&mut AppSeed)) -> bool {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        let found = apps.iter_mut().find(|app| app.client_id == id);
        found.map(change).is_some()
    }

    /// Adds an application, or puts it in the place of the one with its id.
    pub(super) fn put_app(&self, app: AppSeed) {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        apps.retain(|other| other.client_id != app.client_id);
        apps.push(app);
    }

    /// The rules in force.
    pub(super) fn rules(&self) -> SignInRules {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn obstacle_since(&self) -> i64 {
        self.since.load(Ordering::SeqCst)
    }

    /// Takes an obstacle away, if it is this one.
    fn overcome(&self, obstacle: Obstacle) {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        if rules.obstacle == Some(obstacle) {
            rules.obstacle = None;
        }
    }

    /// Sets the rules, which hold for sign-ins up to `now` too.
    pub(super) fn set_rules(&self, rules: SignInRules, now: i64) {
        self.since.store(now, Ordering::SeqCst);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

/// A page of the login host, or what one of its forms posts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Authorize,
    AdminConsent,
    SignIn,
    Consent,
    Configuration,
}

/// Which page the path means.
pub(super) fn page(segments: &[String]) -> Option<Page> {
    let lower: Vec<String> = segments.iter().map(|part| part.to_lowercase()).collect();
    match lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["v1.0", ..] => None,
        [_, "oauth2", "v2.0", "authorize"] => Some(Page::Authorize),
        [_, "adminconsent"] => Some(Page::AdminConsent),
        [_, "login"] => Some(Page::SignIn),
        [_, "consent"] => Some(Page::Consent),
        [_, "v2.0", ".well-known", "openid-configuration"] => Some(Page::Configuration),
        _ => None,
    }
}

/// Answers a request for one of the pages.
pub(super) fn show(host: &Host<'_>, request: &Request, page: Page) -> Response {
    match page {
        Page::Configuration => discovery::answer(host, request),
        _ => authorize::answer(host, request, page),
    }
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

/// An error that a fault rule asks for, in the token endpoint's own shape.
pub(super) fn forced(status: u16, error: &str, text: &str, retry_after: Option<u64>) -> Response {
    let body = json!({ "error": error, "error_description": text, "error_codes": [] });
    let mut response = Response::json(status, body);
    response.headers.extend(retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
    response
}

/// Answers `POST /{tenant}/oauth2/v2.0/token`.
pub(super) fn token(host: &Host<'_>, request: &Request) -> Response {
    let mut response = match host.grant(request) {
        Ok(body) => Response::json(200, body),
        Err(fault) => fault.response(request, host.clock),
    };
    response.headers.push(("Cache-Control", "no-store, no-cache".to_owned()));
    response
}

impl Host<'_> {
    fn grant(&self, request: &Request) -> Result<Value, Fault> {
        self.check_tenant(request)?;
        let form = Form::read(request);
        let kind = form.need("grant_type")?;
        let apps = self.login.read_apps();
        let app = form.app(&apps, &self.tenant.display_name)?;
        if kind == "password" {
            self.person(form.need("username")?, form.need("password")?)?;
            // Good for nothing: it only says that the password is right.
            return Ok(
                json!({ "token_type": "Bearer", "expires_in": LIFE, "access_token": tokens::random() }),
            );
        }
        let grant = match kind {
            "client_credentials" => Self::client_credentials,
            "authorization_code" => Self::code,
            "refresh_token" => Self::refresh,
            _ => return Err(Fault::grant_type(kind)),
        };
        form.authenticate(app, &self.endpoints(request), &self.login.used, self.clock.millis())?;
        grant(self, request, &form, app)
    }

    fn check_tenant(&self, request: &Request) -> Result<(), Fault> {
        let name = request.segments().into_iter().next().unwrap_or_default();
        if self.tenant.is(&name) { Ok(()) } else { Err(Fault::tenant(&name)) }
    }

    /// The addresses that an assertion may name as its audience: the endpoint as it was called, and by the tenant's id.
    fn endpoints(&self, request: &Request) -> Vec<String> {
        let by = |tenant: &str| format!("{}/{tenant}/oauth2/v2.0/token", request.base);
        let named = request.segments().into_iter().next().unwrap_or_default();
        vec![by(&named), by(&self.tenant.tenant_id.to_string())]
    }

    /// Exactly one scope: everything that the application has on this Graph.
    fn client_credentials(&self, request: &Request, form: &Form, app: &AppSeed) -> Result<Value, Fault> {
        let scope = form.need("scope")?;
        if scope != format!("{}/.default", request.base) {
            return Err(Fault::scope(scope));
        }
        let rules = self.login.rules();
        if rules.obstacle == Some(Obstacle::ConditionalAccess) {
            return Err(Fault::blocked("unauthorized_client"));
        }
        let mut claims = self.claims(request, app, &rules);
        claims["idtyp"] = "app".into();
        claims["oid"] = json!(service_principal(app.client_id));
        claims["sub"] = claims["oid"].clone();
        claims["roles"] = json!(app.permissions);
        claims["wids"] = wids(&app.roles);
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": LIFE,
            "ext_expires_in": LIFE,
            "access_token": self.access(claims, &rules)?,
        }))
    }

    /// What every access token says.
    fn claims(&self, request: &Request, app: &AppSeed, rules: &SignInRules) -> Value {
        let tenant = self.tenant.tenant_id;
        json!({
            "aud": rules.audience.as_ref().unwrap_or(&request.base),
            "iss": format!("{}/{tenant}/", request.base),
            "app_displayname": app.display_name,
            "appid": app.client_id,
            "tid": tenant,
            "uti": tokens::random(),
            "ver": "1.0",
        })
    }

    fn access(&self, claims: Value, rules: &SignInRules) -> Result<String, Fault> {
        let token = self.login.tokens.access(claims, self.clock.millis(), rules.opaque);
        token.ok_or_else(Fault::server)
    }

    /// The person of this name and password, if they may sign in.
    fn person(&self, name: &str, password: &str) -> Result<Uuid, Fault> {
        let Some(account) = self.directory.find(name) else {
            let tenant = self.tenant.tenant_id;
            let text = format!("The user account {{EUII Hidden}} does not exist in the {tenant} directory.");
            return Err(Fault::grant(50_034, text));
        };
        if !account.password.as_ref().is_some_and(|hash| hash.is(password)) {
            let text = "Error validating credentials due to invalid username or password.";
            return Err(Fault::grant(50_126, text));
        }
        code::may_sign_in(account)?;
        Ok(account.id)
    }
}

/// The object's id of an application's service principal in the tenant: the application's, marked.
fn service_principal(app: Uuid) -> Uuid {
    Uuid::from_u128(app.as_u128() ^ 0x5e1f)
}

/// `wids`: the templates of directory roles.
fn wids(roles: &[String]) -> Value {
    roles.iter().map(|role| json!(roles::template(role))).collect()
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
