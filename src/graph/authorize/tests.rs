//! Beginning and ending an authorisation against a login host that answers as it is told.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::graph::TokenFault;

const TENANT: &str = "11111111-1111-4111-8111-111111111111";
const PERSON: &str = "22222222-2222-4222-8222-222222222222";
const NOW: i64 = 1_700_000_000;
const LIMITS: TimeLimits = TimeLimits { total: Duration::from_secs(10), connect: Duration::from_secs(5) };

fn application(cloud: Cloud, credential: ApplicationCredential) -> Application {
    Application { cloud, tenant: TENANT.to_owned(), client_id: "the-app".to_owned(), credential }
}

fn redirect() -> Url {
    "https://gangway.example/oauth/callback".parse().unwrap()
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

#[rstest]
#[case("global", "login.microsoftonline.com", "https://graph.microsoft.com/.default")]
#[case("us-gov", "login.microsoftonline.us", "https://graph.microsoft.us/.default")]
#[case("us-dod", "login.microsoftonline.us", "https://dod-graph.microsoft.us/.default")]
#[case("china", "login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn/.default")]
fn an_authorisation_begins_at_the_login_page_of_its_cloud(
    #[case] cloud: &str,
    #[case] host: &str,
    #[case] scope: &str,
) {
    let application = application(Cloud::named(cloud).unwrap(), ApplicationCredential::None);
    let begun = application.begin(&redirect()).unwrap();
    assert_eq!((begun.url.scheme(), begun.url.host_str()), ("https", Some(host)));
    assert_eq!(begun.url.path(), format!("/{TENANT}/oauth2/v2.0/authorize"));
    let redirect = redirect();
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.expose_secret()));
    let expected = [
        ("response_type", "code"),
        ("client_id", "the-app"),
        ("redirect_uri", redirect.as_str()),
        ("response_mode", "query"),
        ("prompt", "select_account"),
        ("code_challenge_method", "S256"),
        ("code_challenge", &challenge),
        ("state", begun.state.expose_secret()),
        ("nonce", begun.nonce.expose_secret()),
        ("scope", &format!("openid profile offline_access {scope}")),
    ];
    let expected: BTreeMap<String, String> =
        expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(query(&begun.url), expected);
    assert!(!begun.url.as_str().contains(begun.verifier.expose_secret()));
}

#[test]
fn each_authorisation_has_secrets_of_its_own() {
    let application = application(Cloud::global().unwrap(), ApplicationCredential::None);
    let (one, other) = (application.begin(&redirect()).unwrap(), application.begin(&redirect()).unwrap());
    let secrets = |begun: &Begun| [begun.state.clone(), begun.nonce.clone(), begun.verifier.clone()];
    let all: Vec<SecretString> = secrets(&one).into_iter().chain(secrets(&other)).collect();
    let distinct: std::collections::BTreeSet<&str> = all.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(distinct.len(), 6);
    for secret in &distinct {
        assert!(secret.len() >= 22 && !format!("{one:?}").contains(secret), "{one:?}");
    }
    assert!((43..=128).contains(&one.verifier.expose_secret().len()));
}

#[rstest]
#[case("common", "the-app")]
#[case("../evil", "the-app")]
#[case("contoso.example", " ")]
fn a_wrong_connection_does_not_begin(#[case] tenant: &str, #[case] client_id: &str) {
    let application = Application {
        tenant: tenant.to_owned(),
        client_id: client_id.to_owned(),
        ..application(Cloud::global().unwrap(), ApplicationCredential::None)
    };
    assert!(application.begin(&redirect()).is_err());
    assert!(application.admin_consent_url(&redirect(), &"s".into()).is_err());
}

#[test]
fn the_consent_link_is_of_the_tenant() {
    let application = application(Cloud::global().unwrap(), ApplicationCredential::None);
    let url = application.admin_consent_url(&redirect(), &"a state".into()).unwrap();
    assert!(url.as_str().starts_with(&format!("https://login.microsoftonline.com/{TENANT}/adminconsent?")));
    let query = query(&url);
    assert_eq!(query["client_id"], "the-app");
    assert_eq!(query["state"], "a state");
    assert_eq!(query["redirect_uri"], redirect().as_str());
    assert_eq!(query.len(), 3);
}

fn id_token(changes: &Value) -> String {
    let mut claims = json!({
        "aud": "the-app", "iss": format!("https://login.example/{TENANT}/v2.0"), "tid": TENANT, "oid": PERSON,
        "exp": NOW + 3600, "iat": NOW, "nonce": "the-nonce", "preferred_username": "admin@contoso.example",
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn answer(id_token: &str) -> Value {
    json!({
        "token_type": "Bearer", "expires_in": 3599, "access_token": "access-secret", "refresh_token": "refresh-secret",
        "id_token": id_token, "scope": "User.ReadWrite.All Domain.Read.All",
    })
}

/// Redeems a code where the login host answers so, and says what was sent.
async fn redeem(
    credential: ApplicationCredential,
    status: u16,
    body: &Value,
) -> (Result<Granted, Error>, BTreeMap<String, String>) {
    let server = MockServer::start().await;
    let endpoint = format!("/{TENANT}/oauth2/v2.0/token");
    let mock = Mock::given(method("POST")).and(path(endpoint));
    mock.respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
    let cloud = Cloud::custom(&server.uri(), &server.uri()).unwrap();
    let outcome = application(cloud, credential)
        .redeem(
            &redirect(),
            &"the-code".into(),
            &"the-verifier".into(),
            &"the-nonce".into(),
            &Clock::fixed(NOW * 1000),
            LIMITS,
        )
        .await;
    let requests = server.received_requests().await.unwrap();
    let [request] = requests.as_slice() else { panic!("one request: {requests:?}") };
    assert!(!request.headers.contains_key("authorization"));
    let form = url::form_urlencoded::parse(&request.body).into_owned().collect();
    (outcome, form)
}

#[rstest]
#[case::public(ApplicationCredential::None, None)]
#[case::confidential(ApplicationCredential::Secret("s3cret~&".into()), Some("s3cret~&"))]
#[tokio::test]
async fn a_code_is_redeemed_once_and_says_who_granted_what(
    #[case] credential: ApplicationCredential,
    #[case] secret: Option<&str>,
) {
    let (outcome, form) = redeem(credential, 200, &answer(&id_token(&json!({})))).await;
    let granted = outcome.unwrap();
    assert_eq!(granted.refresh.expose_secret(), "refresh-secret");
    assert_eq!(granted.access.expose_secret(), "access-secret");
    assert_eq!((granted.tenant_id.to_string(), granted.user_id.to_string()), (TENANT.into(), PERSON.into()));
    assert_eq!(granted.user_name, "admin@contoso.example");
    assert_eq!(granted.scopes, ["User.ReadWrite.All", "Domain.Read.All"]);
    let expected = [
        ("grant_type", Some("authorization_code")),
        ("code", Some("the-code")),
        ("code_verifier", Some("the-verifier")),
        ("redirect_uri", Some("https://gangway.example/oauth/callback")),
        ("client_id", Some("the-app")),
        ("client_secret", secret),
    ];
    for (name, value) in expected {
        assert_eq!(form.get(name).map(String::as_str), value, "{name}");
    }
    let shown = format!("{granted:?}");
    assert!(!shown.contains("-secret"), "{shown}");
}

#[tokio::test]
async fn a_certificate_proves_the_application() {
    use crate::graph::Certificate;
    use crate::graph::certificate::tests::Made;

    let made = Made::rsa();
    let credential = ApplicationCredential::Certificate(Certificate::from_pem(&made.pem()).unwrap());
    let (outcome, form) = redeem(credential, 200, &answer(&id_token(&json!({})))).await;
    outcome.unwrap();
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    assert!(!form.contains_key("client_secret"));
}

#[rstest]
#[case(json!({"nonce": "another"}), IdTokenFault::OtherAttempt)]
#[case(json!({"aud": "another"}), IdTokenFault::OtherApplication)]
#[case(json!({"tid": PERSON, "iss": format!("https://login.example/{PERSON}/v2.0")}), IdTokenFault::OtherTenant)]
#[case(json!({"exp": NOW - 301}), IdTokenFault::Time)]
#[tokio::test]
async fn an_identity_token_of_another_is_not_taken(#[case] changes: Value, #[case] fault: IdTokenFault) {
    let (outcome, _) = redeem(ApplicationCredential::None, 200, &answer(&id_token(&changes))).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::IdToken(found) if found == fault), "{error:?}");
}

#[rstest]
#[case("id_token", "no identity token")]
#[case("refresh_token", "offline_access")]
#[tokio::test]
async fn what_is_missing_is_told(#[case] missing: &str, #[case] says: &str) {
    let mut body = answer(&id_token(&json!({})));
    body.as_object_mut().unwrap().remove(missing);
    let (outcome, _) = redeem(ApplicationCredential::None, 200, &body).await;
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
}

#[rstest]
#[case("invalid_grant", "AADSTS70008: The provided authorization code is expired.", TokenFault::WrongCode)]
#[case(
    "invalid_grant",
    "AADSTS54005: OAuth2 Authorization code was already redeemed.",
    TokenFault::WrongCode
)]
#[case("invalid_request", "AADSTS501481: The Code_Verifier does not match.", TokenFault::WrongCode)]
#[case("invalid_client", "AADSTS7000215: Invalid client secret.", TokenFault::WrongSecret)]
#[case("invalid_client", "AADSTS7000218: Missing.", TokenFault::NoCredential)]
#[case("invalid_client", "AADSTS50011: The redirect URI does not match.", TokenFault::RedirectUri)]
#[case("interaction_required", "AADSTS53003: Blocked.", TokenFault::ConditionalAccess)]
#[tokio::test]
async fn a_refused_code_is_explained(
    #[case] error: &str,
    #[case] description: &str,
    #[case] fault: TokenFault,
) {
    let body = json!({"error": error, "error_description": format!("{description} the-code the-verifier")});
    let (outcome, _) = redeem(ApplicationCredential::None, 400, &body).await;
    let error = outcome.unwrap_err();
    let Error::Token(failure) = &error else { panic!("{error:?}") };
    assert_eq!(failure.fault, fault);
    let shown = format!("{error:?} {error}");
    assert!(!shown.contains("the-code") && !shown.contains("the-verifier"), "{shown}");
}

#[tokio::test]
async fn a_login_host_that_is_not_there_is_told() {
    let nobody = Cloud::custom("http://127.0.0.1:1", "http://127.0.0.1:1").unwrap();
    let application = application(nobody, ApplicationCredential::None);
    let secret = SecretString::from("x");
    let clock = Clock::fixed(NOW * 1000);
    let error = application.redeem(&redirect(), &secret, &secret, &secret, &clock, LIMITS).await.unwrap_err();
    assert!(error.to_string().contains("login host was not reached"), "{error}");
}
