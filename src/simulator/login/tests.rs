use rstest::rstest;
use serde_json::Value;

use super::*;
use crate::simulator::message::Body;

const APP: &str = "6a7e57a9-0000-4000-8000-c0a705000002";

struct Host {
    tenant: TenantSeed,
    directory: Directory,
    tokens: Tokens,
    clock: Clock,
}

impl Host {
    fn new() -> Self {
        Self {
            tenant: TenantSeed::contoso(),
            directory: Directory::default(),
            tokens: Tokens::default(),
            clock: Clock::fixed(1_790_000_000_000),
        }
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
            base: "http://127.0.0.1:1".to_owned(),
        };
        let response = token(&request, &self.tenant, &self.directory, &self.tokens, &self.clock);
        let Body::Json(body) = response.body else { panic!("JSON") };
        (response.status, body)
    }

    fn use_token(&self, authorization: &str) -> Result<Uuid, Refusal> {
        let request = Request {
            method: "GET".to_owned(),
            path: "/v1.0/users".to_owned(),
            query: String::new(),
            headers: vec![("authorization".to_owned(), authorization.to_owned())],
            body: Vec::new(),
            base: String::new(),
        };
        self.tokens.bearer(&request, self.clock.millis())
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
    let (status, body) = Host::new().ask(tenant, &[], &form("", ""));
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
    assert!(body.get("refresh_token").is_none());
}

#[rstest]
#[case("client_secret", "wrong", 401, "invalid_client", 7_000_215, "Invalid client secret provided.")]
#[case(
    "client_secret",
    "",
    400,
    "invalid_request",
    900_144,
    "The request body must contain the following parameter: 'client_secret'."
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
    let (answered, body) = Host::new().ask(TENANT, &[("client-request-id", "c-1")], &form(name, value));
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
    let (status, body) = Host::new().ask(tenant, &[], &form("", ""));
    assert_eq!(
        (status, &body["error"], &body["error_codes"]),
        (400, &json!("invalid_request"), &json!([90_002]))
    );
}

#[test]
fn the_secret_may_come_as_basic_authentication() {
    let mut host = Host::new();
    host.tenant.apps[0].client_secret = secrecy::SecretString::from("a+b c:%");
    let header = |secret: &str| format!("Basic {}", STANDARD.encode(format!("{APP}:{secret}")));
    let bare: Vec<_> =
        form("client_secret", "").into_iter().filter(|(name, _)| *name != "client_id").collect();
    let right = header("a%2Bb+c%3A%25");
    assert_eq!(host.ask(TENANT, &[("authorization", &right)], &bare).0, 200);
    let wrong = header("a%2Bb+c%3A");
    assert_eq!(host.ask(TENANT, &[("authorization", &wrong)], &bare).0, 401);
}

#[test]
fn a_token_is_good_for_an_hour() {
    let host = Host::new();
    let (_, body) = host.ask(TENANT, &[], &form("", ""));
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    host.clock.advance(3_598_999);
    assert_eq!(host.use_token(&bearer).unwrap().to_string(), APP);
    host.clock.advance(1);
    let refused = |authorization: &str| {
        let refusal = host.use_token(authorization).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (401, "InvalidAuthenticationToken"));
        assert_eq!(refusal.headers[0].0, "WWW-Authenticate");
        refusal.message
    };
    assert_eq!(refused(&bearer), "Lifetime validation failed, the token is expired.");
    assert_eq!(refused("Bearer nonsense"), "Access token has expired or is not yet valid.");
    assert_eq!(refused(""), "Access token is empty.");
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
    let mut host = Host::new();
    let mut account = crate::simulator::account::Account::new(Uuid::from_u128(1));
    account.set("userPrincipalName", json!("adele@contoso.example"));
    account.set("accountEnabled", json!(enabled));
    account.password = Some(crate::simulator::password::Hash::of("Right-1234"));
    host.directory.commit(account).unwrap();
    let form = [("grant_type", "password"), ("client_id", APP), ("username", name), ("password", password)];
    let (answered, body) = host.ask(TENANT, &[], &form);
    assert_eq!((answered, body.get("error_codes").cloned().unwrap_or_default()), (status, codes));
}
