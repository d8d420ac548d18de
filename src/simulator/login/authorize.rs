//! The login page and the consent page: `GET /{tenant}/oauth2/v2.0/authorize`, `GET /{tenant}/adminconsent`, and what
//! their forms post. Between two pages the request travels sealed; the host remembers codes only.

use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::super::application::AppSeed;
use super::super::message::{Request, Response};
use super::code::Code;
use super::fault::Fault;
use super::page::{self, Consent, Post, Refused, SignIn};
use super::{Host, Obstacle, Page, scope};

/// Who may consent on behalf of the organization.
const CONSENTING: [&str; 4] = [
    "Global Administrator",
    "Privileged Role Administrator",
    "Application Administrator",
    "Cloud Application Administrator",
];

/// What a browser came for, once it is known to be in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Wish {
    app: Uuid,
    redirect_uri: String,
    /// `response_mode=form_post`.
    post: bool,
    state: Option<String>,
    nonce: Option<String>,
    scopes: Vec<String>,
    /// The PKCE challenge (S256).
    challenge: Option<String>,
    /// `prompt=consent`.
    ask: bool,
    /// Admin consent instead of a code.
    admin: bool,
    /// Who has signed in.
    person: Option<Uuid>,
}

/// What a browser came for and cannot get.
struct Denied {
    error: &'static str,
    description: String,
}

/// The values of a form or a query.
struct Values(Vec<(String, String)>);

impl Values {
    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn own(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// Answers a request for one of the pages.
pub(super) fn answer(host: &Host<'_>, request: &Request, page: Page) -> Response {
    let posted = request.method == "POST";
    let values = Values(if posted { request.form() } else { request.options() });
    let answered = host.check_tenant(request).and_then(|()| match (page, posted) {
        (Page::Authorize, _) => host.begin(request, &values),
        (Page::AdminConsent, false) => host.begin_consent(&values),
        (Page::SignIn, true) => host.signed_in(&values),
        (Page::Consent, true) => host.consented(&values),
        _ => Err(Fault::malformed_request()),
    });
    answered.unwrap_or_else(|fault| {
        let (trace, correlation) = (host.clock.uuid().to_string(), host.clock.uuid().to_string());
        let at = super::super::account::seconds(host.clock.millis());
        let problem = fault.description(&trace, &correlation, &at);
        host.refused(400, &problem, None)
    })
}

impl Host<'_> {
    fn known(&self, values: &Values) -> Result<AppSeed, Fault> {
        let id = values.get("client_id").ok_or_else(|| Fault::missing("client_id"))?;
        let app = Uuid::parse_str(id).ok().and_then(|id| self.login.app(id));
        let app = app.ok_or_else(|| Fault::application(id, &self.tenant.display_name))?;
        if app.disabled {
            return Err(Fault::disabled_application(app.client_id, &app.display_name));
        }
        let address = values.get("redirect_uri").ok_or_else(|| Fault::missing("redirect_uri"))?;
        // Nobody is sent to an address that the registration does not hold, not even with an error.
        if app.redirects_to(address) { Ok(app) } else { Err(Fault::redirect(address, app.client_id)) }
    }

    /// `GET /{tenant}/oauth2/v2.0/authorize`.
    fn begin(&self, request: &Request, values: &Values) -> Result<Response, Fault> {
        let app = self.known(values)?;
        let mut wish = Wish {
            app: app.client_id,
            redirect_uri: values.own("redirect_uri").unwrap_or_default(),
            post: values.get("response_mode") == Some("form_post"),
            state: values.own("state"),
            nonce: values.own("nonce"),
            challenge: values.own("code_challenge"),
            ask: values.get("prompt") == Some("consent"),
            ..Wish::default()
        };
        match wanted(values, &request.base) {
            Ok(scopes) => wish.scopes = scopes,
            Err(fault) => return Ok(self.deny(&wish, &denied(&fault))),
        }
        if values.get("prompt") == Some("none") {
            let text = "AADSTS50058: Session information is not sufficient for single-sign-on.";
            return Ok(self.deny(&wish, &Denied { error: "login_required", description: text.to_owned() }));
        }
        self.sign_in(&app, &wish, values.get("login_hint").unwrap_or_default(), None)
    }

    /// `GET /{tenant}/adminconsent`.
    fn begin_consent(&self, values: &Values) -> Result<Response, Fault> {
        let app = self.known(values)?;
        let wish = Wish {
            app: app.client_id,
            redirect_uri: values.own("redirect_uri").unwrap_or_default(),
            state: values.own("state"),
            scopes: app.requested.clone(),
            ask: true,
            admin: true,
            ..Wish::default()
        };
        self.sign_in(&app, &wish, "", None)
    }

    fn action(&self, page: &str) -> String {
        format!("/{}/{page}", self.tenant.tenant_id)
    }

    fn seal(&self, wish: &Wish) -> Result<String, Fault> {
        let sealed = self.login.tokens.seal(json!({ "wish": wish }), self.clock.millis());
        sealed.ok_or_else(Fault::server)
    }

    fn unseal(&self, values: &Values) -> Result<(AppSeed, Wish), Fault> {
        let opened = self.login.tokens.open(values.get("request").unwrap_or_default(), self.clock.millis());
        let wish: Option<Wish> =
            opened.and_then(|claims| serde_json::from_value(claims["wish"].clone()).ok());
        let wish = wish.ok_or_else(Fault::malformed_request)?;
        let app = self.login.app(wish.app).ok_or_else(Fault::malformed_request)?;
        Ok((app, wish))
    }

    fn sign_in(
        &self,
        app: &AppSeed,
        wish: &Wish,
        login: &str,
        problem: Option<&str>,
    ) -> Result<Response, Fault> {
        let (action, request) = (self.action("login"), self.seal(wish)?);
        let page = SignIn {
            tenant: &self.tenant.display_name,
            app: &app.display_name,
            action: &action,
            request: &request,
            login,
            problem,
        };
        Ok(page::show(200, &page))
    }

    /// A name and a password were typed.
    fn signed_in(&self, values: &Values) -> Result<Response, Fault> {
        let (app, mut wish) = self.unseal(values)?;
        let login = values.get("login").unwrap_or_default();
        let person = match self.person(login, values.get("passwd").unwrap_or_default()) {
            Ok(person) => person,
            Err(fault) => return self.sign_in(&app, &wish, login, Some(&fault.text)),
        };
        let rules = self.login.rules();
        if rules.obstacle == Some(Obstacle::ConditionalAccess) {
            return Err(Fault::blocked("access_denied"));
        }
        wish.person = Some(person);
        let withdrawn = rules.obstacle == Some(Obstacle::Consent);
        let missing =
            if wish.ask || withdrawn { wish.scopes.clone() } else { scope::missing(&wish.scopes, &app) };
        if missing.is_empty() {
            return Ok(self.back_with_code(&wish, person));
        }
        let consents = self.roles_of(person).iter().any(|role| CONSENTING.contains(&role.as_str()));
        if !consents && (wish.admin || scope::need_administrator(&missing)) {
            return Ok(self.needs_administrator(&app, &wish));
        }
        let (action, sealed) = (self.action("consent"), self.seal(&wish)?);
        let permissions = scope::shown(&if missing.iter().any(|one| one == scope::DEFAULT) {
            [wish.scopes.as_slice(), app.requested.as_slice()].concat()
        } else {
            wish.scopes.clone()
        });
        let page = Consent {
            tenant: &self.tenant.display_name,
            app: &app.display_name,
            action: &action,
            request: &sealed,
            login,
            permissions: &permissions,
            everybody: wish.admin,
        };
        Ok(page::show(200, &page))
    }

    fn roles_of(&self, person: Uuid) -> Vec<String> {
        self.directory.find(&person.to_string()).map(|account| account.held_roles()).unwrap_or_default()
    }

    fn needs_administrator(&self, app: &AppSeed, wish: &Wish) -> Response {
        let name = &app.display_name;
        let text = format!(
            "AADSTS90094: {name} needs permission to access resources in your organization that only an admin can grant. Please ask an admin to grant permission to this app before you can use it."
        );
        let error = if wish.admin { "permission_denied" } else { "access_denied" };
        let fields = [
            ("error", error.to_owned()),
            ("error_description", text.clone()),
            ("state", wish.state.clone().unwrap_or_default()),
        ];
        self.refused(403, &text, Some(&address(&wish.redirect_uri, &fields)))
    }

    /// A button of the consent page was pressed.
    fn consented(&self, values: &Values) -> Result<Response, Fault> {
        let (app, wish) = self.unseal(values)?;
        let person = wish.person.ok_or_else(Fault::malformed_request)?;
        if values.get("answer") != Some("accept") {
            let error = if wish.admin { "permission_denied" } else { "access_denied" };
            let text = "AADSTS65004: User declined to consent to access the app.".to_owned();
            return Ok(self.deny(&wish, &Denied { error, description: text }));
        }
        let given = scope::missing(&wish.scopes, &app);
        self.login.change_app(app.client_id, |app| {
            app.delegated.extend(given);
            let more: Vec<String> =
                app.requested.iter().filter(|one| !scope::has(&app.permissions, one)).cloned().collect();
            if wish.admin {
                app.permissions.extend(more);
            }
        });
        self.login.overcome(Obstacle::Consent);
        if !wish.admin {
            return Ok(self.back_with_code(&wish, person));
        }
        let fields = [
            ("admin_consent", "True".to_owned()),
            ("tenant", self.tenant.tenant_id.to_string()),
            ("state", wish.state.clone().unwrap_or_default()),
        ];
        Ok(self.back(&wish, &fields))
    }

    fn back_with_code(&self, wish: &Wish, person: Uuid) -> Response {
        let code = self.login.codes.issue(Code {
            app: wish.app,
            person,
            redirect_uri: wish.redirect_uri.clone(),
            scopes: wish.scopes.clone(),
            challenge: wish.challenge.clone(),
            nonce: wish.nonce.clone(),
            at: self.clock.millis(),
            used: false,
        });
        let fields = [
            ("code", code),
            ("state", wish.state.clone().unwrap_or_default()),
            ("session_state", self.clock.uuid().to_string()),
        ];
        self.back(wish, &fields)
    }

    fn deny(&self, wish: &Wish, denied: &Denied) -> Response {
        let fields = [
            ("error", denied.error.to_owned()),
            ("error_description", denied.description.clone()),
            ("state", wish.state.clone().unwrap_or_default()),
        ];
        self.back(wish, &fields)
    }

    /// Sends the browser back to the application, without the fields that are empty.
    fn back(&self, wish: &Wish, fields: &[(&'static str, String)]) -> Response {
        let fields: Vec<_> = fields.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        if !wish.post {
            return page::redirect(&address(&wish.redirect_uri, &fields));
        }
        let post = Post { tenant: &self.tenant.display_name, action: &wish.redirect_uri, fields: &fields };
        page::show(200, &post)
    }

    fn refused(&self, status: u16, problem: &str, back: Option<&str>) -> Response {
        page::show(status, &Refused { tenant: &self.tenant.display_name, problem, back })
    }
}

/// The scopes of an authorization request whose other parameters are in order.
fn wanted(values: &Values, base: &str) -> Result<Vec<String>, Fault> {
    let kind = values.get("response_type").ok_or_else(|| Fault::missing("response_type"))?;
    if kind != "code" {
        return Err(Fault::response_type(kind));
    }
    if !matches!(values.get("response_mode"), None | Some("query" | "form_post")) {
        return Err(Fault::malformed_request());
    }
    let method = values.get("code_challenge_method");
    let challenge = values.get("code_challenge");
    if challenge.is_some() && (method != Some("S256") || challenge.is_some_and(|text| text.len() != 43)) {
        return Err(Fault::challenge());
    }
    scope::read(values.get("scope").unwrap_or_default(), base)
}

fn denied(fault: &Fault) -> Denied {
    Denied { error: fault.error, description: format!("AADSTS{}: {}", fault.number, fault.text) }
}

/// `redirect_uri` with fields behind its own query.
fn address(redirect_uri: &str, fields: &[(&'static str, String)]) -> String {
    let Ok(mut url) = Url::parse(redirect_uri) else {
        return redirect_uri.to_owned();
    };
    url.query_pairs_mut().extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
    url.into()
}
