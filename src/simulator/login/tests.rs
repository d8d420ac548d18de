//! The token endpoint, asked without a server.

mod assertion;

use rstest::rstest;
use serde_json::Value;

use super::*;
use crate::simulator::message::Body;
use crate::simulator::refusal::Refusal;
use base64::Engine as _;

const APP: &str = "6a7e57a9-0000-4000-8000-c0a705000002";
const BASE: &str = "http://127.0.0.1:1";

/// A login host with its clock.
struct Desk {
    login: Login,
    tenant: TenantSeed,
    directory: Directory,
    clock: Clock,
}

impl Desk {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// A login host whose application was changed.
    fn with(change: impl FnOnce(&mut AppSeed)) -> Self {
        let mut tenant = TenantSeed::contoso();
        change(&mut tenant.apps[0]);
        let login = Login::new(&tenant);
        Self { login, tenant, directory: Directory::default(), clock: Clock::fixed(1_790_000_000_000) }
    }

    fn ask(&self, tenant: &str, headers: &[(&str, &str)], form: &[(&str, &str)]) -> (u16, Value) {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form.iter().filter(|(_, value)| !value.is_empty()));
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request {
            method: "POST".to_owned(),
            path: format!("/{tenant}/oauth2/v2.0/token"),
            query: String::new(),
            headers,
            body: body.finish().into_bytes(),
            base: BASE.to_owned(),
        };
        let (login, tenant, directory, clock) = (&self.login, &self.tenant, &self.directory, &self.clock);
        let response = token(&Host { login, tenant, directory, clock }, &request);
        let Body::Json(body) = response.body else { panic!("JSON") };
        (response.status, body)
    }

    /// The number and the text of the error that such a request gets.
    fn refused(&self, form: &[(&str, &str)]) -> (u16, u64, String) {
        let (status, body) = self.ask(TENANT, &[], form);
        let number = body["error_codes"][0].as_u64().unwrap_or_else(|| panic!("no error: {body}"));
        (status, number, body["error_description"].as_str().unwrap().to_owned())
    }

    fn use_token(&self, authorization: &str, base: &str) -> Result<tokens::Grant, Refusal> {
        let request = Request {
            method: "GET".to_owned(),
            path: "/v1.0/users".to_owned(),
            query: String::new(),
            headers: vec![("authorization".to_owned(), authorization.to_owned())],
            body: Vec::new(),
            base: base.to_owned(),
        };
        self.login.tokens.bearer(&request, self.clock.millis())
    }
}

fn form<'a>(change: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let all = [
        ("grant_type", "client_credentials"),
        ("client_id", APP),
        ("client_secret", "simulator-secret"),
        ("scope", "http://127.0.0.1:1/.default"),
    ];
    all.into_iter().map(|(name, old)| (name, if name == change { value } else { old })).collect()
}

const TENANT: &str = "contoso.example";

#[rstest]
#[case(TENANT)]
#[case("CONTOSO.onmicrosoft.example")]
#[case("72f988bf-0000-4000-8000-c0a705000001")]
fn a_tenant_is_its_id_or_a_domain(#[case] tenant: &str) {
    let (status, body) = Desk::new().ask(tenant, &[], &form("", ""));
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
    assert!(body.get("refresh_token").is_none());
}

#[rstest]
#[case("client_secret", "wrong", 401, "invalid_client", 7_000_215, "Invalid client secret provided.")]
#[case(
    "client_secret",
    "",
    401,
    "invalid_client",
    7_000_218,
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
)]
#[case(
    "client_id",
    "",
    400,
    "invalid_request",
    900_144,
    "The request body must contain the following parameter: 'client_id'."
)]
#[case(
    "client_id",
    "6a7e57a9-0000-4000-8000-000000000000",
    400,
    "unauthorized_client",
    700_016,
    "Application with identifier"
)]
#[case(
    "scope",
    "",
    400,
    "invalid_request",
    900_144,
    "The request body must contain the following parameter: 'scope'."
)]
#[case(
    "scope",
    "User.Read",
    400,
    "invalid_scope",
    70_011,
    "The provided request must include a 'scope' input parameter."
)]
#[case(
    "scope",
    "https://graph.microsoft.com/.default",
    400,
    "invalid_scope",
    70_011,
    "The provided request must"
)]
#[case(
    "scope",
    "http://127.0.0.1:1/.default openid",
    400,
    "invalid_scope",
    70_011,
    "The provided request must"
)]
#[case(
    "grant_type",
    "",
    400,
    "invalid_request",
    900_144,
    "The request body must contain the following parameter: 'grant_type'."
)]
#[case(
    "grant_type",
    "magic",
    400,
    "unsupported_grant_type",
    70_003,
    "The app requested an unsupported grant type 'magic'."
)]
fn what_is_refused(
    #[case] name: &str,
    #[case] value: &str,
    #[case] status: u16,
    #[case] error: &str,
    #[case] number: u32,
    #[case] text: &str,
) {
    let (answered, body) = Desk::new().ask(TENANT, &[("client-request-id", "c-1")], &form(name, value));
    assert_eq!((answered, &body["error"], &body["error_codes"]), (status, &json!(error), &json!([number])));
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{number}: {text}")), "{description}");
    assert!(
        description.contains("\r\nCorrelation ID: c-1\r\nTimestamp: 2026-09-21 14:13:20Z"),
        "{description}"
    );
    assert_eq!(
        (&body["timestamp"], &body["correlation_id"]),
        (&json!("2026-09-21 14:13:20Z"), &json!("c-1"))
    );
    assert!(body["trace_id"].is_string());
}

#[rstest]
#[case("common")]
#[case("nowhere.example")]
#[case("fabrikam.example")]
fn a_tenant_that_is_not_there(#[case] tenant: &str) {
    let (status, body) = Desk::new().ask(tenant, &[], &form("", ""));
    assert_eq!(
        (status, &body["error"], &body["error_codes"]),
        (400, &json!("invalid_request"), &json!([90_002]))
    );
}

#[test]
fn the_secret_may_come_as_basic_authentication() {
    let host = Desk::with(|app| app.client_secret = "a+b c:%".into());
    let header = |secret: &str| {
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{APP}:{secret}")))
    };
    let bare: Vec<_> =
        form("client_secret", "").into_iter().filter(|(name, _)| *name != "client_id").collect();
    let right = header("a%2Bb+c%3A%25");
    assert_eq!(host.ask(TENANT, &[("authorization", &right)], &bare).0, 200);
    let wrong = header("a%2Bb+c%3A");
    assert_eq!(host.ask(TENANT, &[("authorization", &wrong)], &bare).0, 401);
}

#[test]
fn a_token_is_good_for_an_hour_and_for_this_graph() {
    let host = Desk::new();
    let (_, body) = host.ask(TENANT, &[], &form("", ""));
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    host.clock.advance(3_598_999);
    assert_eq!(host.use_token(&bearer, BASE).unwrap().app.to_string(), APP);
    let refused = |authorization: &str, base: &str| {
        let refusal = host.use_token(authorization, base).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (401, "InvalidAuthenticationToken"));
        assert_eq!(refusal.headers[0].0, "WWW-Authenticate");
        refusal.message
    };
    let elsewhere = "https://graph.microsoft.us";
    assert_eq!(refused(&bearer, elsewhere), "Access token validation failure. Invalid audience.");
    host.clock.advance(1);
    assert_eq!(refused(&bearer, BASE), "Lifetime validation failed, the token is expired.");
    assert_eq!(refused("Bearer nonsense", BASE), "Access token has expired or is not yet valid.");
    assert_eq!(refused("", BASE), "Access token is empty.");
    let foreign = format!("Bearer {}", jwt::make("JWT", &json!({"aud": BASE}), b"another key").unwrap());
    assert_eq!(refused(&foreign, BASE), "Access token has expired or is not yet valid.");
}

#[test]
fn an_access_token_says_whose_it_is_and_what_it_permits() {
    let host = Desk::with(|app| app.permissions = vec!["User.Read.All".to_owned()]);
    let (_, body) = host.ask(TENANT, &[], &form("", ""));
    let text = body["access_token"].as_str().unwrap();
    let token = jwt::Jwt::read(text).unwrap();
    assert_eq!(token.claims["roles"], json!(["User.Read.All"]));
    assert_eq!((token.text("aud"), token.text("appid"), token.text("idtyp")), (BASE, APP, "app"));
    assert_eq!(token.text("tid"), "72f988bf-0000-4000-8000-c0a705000001");
    assert_eq!(token.claims["wids"], json!(["fe930be7-5e62-47db-91af-98c3a49a38b1"]));
    assert_eq!((token.time("exp"), token.time("nbf")), (Some(1_790_003_599_000), Some(1_790_000_000_000)));
    let grant = host.use_token(&format!("Bearer {text}"), BASE).unwrap();
    assert_eq!((grant.permissions, grant.person), (vec!["User.Read.All".to_owned()], None));
}

#[test]
fn rules_make_tokens_unreadable_or_for_another_graph_and_expiring_ends_them() {
    let host = Desk::new();
    host.login.set_rules(SignInRules { opaque: true, ..SignInRules::default() }, host.clock.millis());
    let get = || {
        let (_, body) = host.ask(TENANT, &[], &form("", ""));
        format!("Bearer {}", body["access_token"].as_str().unwrap())
    };
    let opaque = get();
    assert!(!opaque.contains('.'));
    assert_eq!(host.use_token(&opaque, BASE).unwrap().app.to_string(), APP);
    let other =
        SignInRules { audience: Some("https://graph.microsoft.us".to_owned()), ..SignInRules::default() };
    host.login.set_rules(other, host.clock.millis());
    assert_eq!(host.use_token(&get(), BASE).unwrap_err().status, 401);
    host.login.set_rules(SignInRules::default(), host.clock.millis());
    let plain = get();
    host.login.tokens.expire();
    for old in [opaque, plain] {
        let refusal = host.use_token(&old, BASE).unwrap_err();
        assert_eq!(refusal.message, "Lifetime validation failed, the token is expired.");
    }
    assert!(host.use_token(&get(), BASE).is_ok());
}

#[rstest]
#[case("expired secret", 401, 7_000_222)]
#[case("disabled", 400, 7_000_112)]
#[case("public", 401, 700_025)]
#[case("blocked", 400, 53_003)]
fn an_application_that_may_not(#[case] what: &str, #[case] status: u16, #[case] number: u64) {
    let host = Desk::with(|app| match what {
        "expired secret" => app.secret_expires = Some(1_790_000_000_000),
        "disabled" => app.disabled = true,
        "public" => app.public = true,
        _ => {}
    });
    if what == "blocked" {
        let obstacle = Some(Obstacle::ConditionalAccess);
        host.login.set_rules(SignInRules { obstacle, ..SignInRules::default() }, host.clock.millis());
    }
    let (answered, found, text) = host.refused(&form("", ""));
    assert_eq!((answered, found), (status, number), "{text}");
}

#[rstest]
#[case("adele@contoso.example", "Right-1234", true, 200, json!(null))]
#[case("adele@contoso.example", "Wrong-1234", true, 400, json!([50_126]))]
#[case("adele@contoso.example", "Right-1234", false, 400, json!([50_057]))]
#[case("nobody@contoso.example", "Right-1234", true, 400, json!([50_034]))]
fn a_person_signs_in(
    #[case] name: &str,
    #[case] password: &str,
    #[case] enabled: bool,
    #[case] status: u16,
    #[case] codes: Value,
) {
    let mut host = Desk::new();
    let mut account = crate::simulator::account::Account::new(Uuid::from_u128(1));
    account.set("userPrincipalName", json!("adele@contoso.example"));
    account.set("accountEnabled", json!(enabled));
    account.password = Some(crate::simulator::password::Hash::of("Right-1234"));
    host.directory.commit(account).unwrap();
    let form = [("grant_type", "password"), ("client_id", APP), ("username", name), ("password", password)];
    let (answered, body) = host.ask(TENANT, &[], &form);
    assert_eq!((answered, body.get("error_codes").cloned().unwrap_or_default()), (status, codes));
}
