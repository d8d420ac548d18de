//! Each kind of credential, as it travels to the token endpoint.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{header, path};
use wiremock::{Mock, Request, ResponseTemplate};

use super::delegated::Kept;
use super::support::{SECRET, Server};
use crate::graph::certificate::tests::Made;
use crate::graph::{
    ApplicationCredential, Certificate, Cloud, ConfigurationError, Credential, Disposition, Error,
    FederatedToken, FileFault, Graph, Settings, TokenFailure, TokenFault,
};

const TEN_YEARS: i64 = 10 * 366 * 24 * 3600 * 1000;

fn settings(server: &Server, credential: Credential) -> Settings {
    let cloud = Cloud::custom(&server.uri(), &server.uri()).unwrap();
    Settings::new(cloud, "contoso.example", "the-app", credential)
}

pub(super) fn connect(server: &Server, credential: Credential) -> Graph {
    Graph::new(settings(server, credential), server.clock.clone()).unwrap()
}

fn form(request: &Request) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

pub(super) async fn forms(server: &Server) -> Vec<BTreeMap<String, String>> {
    server.token_requests().await.iter().map(form).collect()
}

pub(super) fn failure(error: &Error) -> &TokenFailure {
    match error {
        Error::Token(failure) => failure,
        other => panic!("not about the token: {other:?}"),
    }
}

pub(super) fn token(access: &str, refresh: Option<&str>) -> ResponseTemplate {
    let mut body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": access});
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn a_certificate_signs_an_assertion_for_each_token() {
    let server = Server::start().await;
    let made = Made::rsa();
    let graph = connect(&server, Credential::Certificate(Certificate::from_pem(&made.pem()).unwrap()));
    graph.ensure_token().await.unwrap();
    server.clock.advance(3_599_000);
    graph.ensure_token().await.unwrap();
    let forms = forms(&server).await;
    let audience = format!("{}/contoso.example/oauth2/v2.0/token", server.uri());
    let claims: Vec<Value> =
        forms.iter().map(|form| made.verified(&form["client_assertion"], &audience)).collect();
    for (form, claims) in forms.iter().zip(&claims) {
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(form["client_id"], "the-app");
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert_eq!(form["scope"], format!("{}/.default", server.uri()));
        assert!(!form.contains_key("client_secret"));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("the-app"), &json!("the-app")));
    }
    assert_ne!(claims[0]["jti"], claims[1]["jti"]);
    assert_eq!(claims[1]["exp"].as_i64(), Some(server.clock.millis() / 1000 + 600));
}

#[tokio::test]
async fn an_expired_certificate_is_told_before_it_is_used() {
    let server = Server::start().await;
    let credential = Credential::Certificate(Certificate::from_pem(&Made::rsa().pem()).unwrap());
    let graph = connect(&server, credential.clone());
    graph.ensure_token().await.unwrap();
    server.clock.advance(TEN_YEARS);
    let error = graph.ensure_token().await.unwrap_err();
    assert_eq!(failure(&error).fault, TokenFault::ExpiredCertificate);
    assert_eq!(error.disposition(), Disposition::Blocked);
    assert!(error.advice().contains("make a new one"), "{error}");
    assert_eq!(server.token_requests().await.len(), 1);
    let late = Graph::new(settings(&server, credential), server.clock.clone());
    assert!(matches!(late, Err(ConfigurationError::ExpiredCertificate(_))));
}

#[tokio::test]
async fn when_the_certificate_expires_is_told() {
    let server = Server::start().await;
    let certificate = Certificate::from_pem(&Made::rsa().pem()).unwrap();
    let expires = certificate.not_after();
    assert_eq!(connect(&server, Credential::Certificate(certificate)).certificate_expires(), Some(expires));
    assert_eq!(server.graph.certificate_expires(), None);
}

#[tokio::test]
async fn an_identity_token_is_read_anew_for_each_token() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let graph = connect(&server, Credential::Federated(FederatedToken { file: file.clone() }));
    for expected in ["aaa.bbb.ccc", "ddd.eee.fff"] {
        std::fs::write(&file, format!("{expected}\n")).unwrap();
        graph.ensure_token().await.unwrap();
        server.clock.advance(3_599_000);
        let last = forms(&server).await.pop().unwrap();
        assert_eq!(last["client_assertion"], expected);
        assert_eq!(last["grant_type"], "client_credentials");
    }
}

#[rstest]
#[case(None, FileFault::Unreadable, "check the path")]
#[case(Some(""), FileFault::Empty, "is empty")]
#[case(Some("sesame"), FileFault::NotAToken, "does not hold a signed token")]
#[tokio::test]
async fn a_file_without_an_identity_token_is_told(
    #[case] content: Option<&str>,
    #[case] fault: FileFault,
    #[case] says: &str,
) {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    if let Some(content) = content {
        std::fs::write(&file, content).unwrap();
    }
    let error =
        connect(&server, Credential::Federated(FederatedToken { file })).ensure_token().await.unwrap_err();
    assert_eq!(failure(&error).fault, TokenFault::AssertionFile(fault));
    assert_eq!(error.disposition(), Disposition::Blocked);
    assert!(error.advice().contains(says), "{error}");
    assert!(server.token_requests().await.is_empty());
}

#[tokio::test]
async fn a_given_token_is_used_as_it_is() {
    let server = Server::start().await;
    let taken = Mock::given(path("/v1.0/domains")).and(header("authorization", "Bearer given"));
    taken
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"value": []})))
        .mount(server.http())
        .await;
    let settings = settings(&server, Credential::ClientSecret(SECRET.into()));
    let graph = Graph::with_token(settings, "given".into(), server.clock.clone()).unwrap();
    graph.domains(&server.call()).await.unwrap();
    let error = graph.organization(&server.call()).await.unwrap_err();
    assert!(matches!(error, Error::Other(_) | Error::NotFound(_) | Error::Malformed { .. }), "{error:?}");
    assert!(server.token_requests().await.is_empty());
}

#[tokio::test]
async fn what_the_token_permits_is_told_when_it_can_be_read() {
    let server = Server::start().await;
    assert_eq!(server.graph.permissions(), None);
    server.graph.ensure_token().await.unwrap();
    assert_eq!(server.graph.permissions(), None);

    let server = Server::without_tokens().await;
    let claims = json!({"aud": server.uri(), "tid": "t", "roles": ["User.ReadWrite.All", "Domain.Read.All"]});
    let jwt = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
    server.tokens(token(&jwt, None)).await;
    server.graph.ensure_token().await.unwrap();
    assert_eq!(server.graph.permissions().unwrap(), ["User.ReadWrite.All", "Domain.Read.All"]);
    assert_eq!(server.graph.claims().unwrap().audience, Some(server.uri()));
}

#[tokio::test]
async fn a_token_for_another_cloud_is_told() {
    let server = Server::start().await;
    let message = "Access token validation failure. Invalid audience.";
    let body = json!({"error": {"code": "InvalidAuthenticationToken", "message": message}});
    server.answer("GET", "/v1.0/domains", 401, body).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert!(error.advice().contains("for another cloud"), "{error}");
}

/// What `work` logs on this thread, at the finest level.
async fn logged<T>(work: impl Future<Output = T>) -> (T, String) {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let outcome = work.await;
    let text = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    (outcome, text)
}

#[tokio::test]
async fn nothing_secret_is_shown_or_logged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "identity.token.secret").unwrap();
    let certificate = Certificate::from_pem(&Made::rsa().pem()).unwrap();
    let delegated =
        || Kept::holding("refresh-secret").delegated(ApplicationCredential::Secret(SECRET.into()));
    let credentials = || {
        [
            Credential::Certificate(certificate.clone()),
            Credential::Federated(FederatedToken { file: file.clone() }),
            delegated(),
        ]
    };
    // The login host repeats all that it got, and Graph gets a token.
    for refused in [true, false] {
        for credential in credentials() {
            let server = Server::without_tokens().await;
            server
                .tokens(move |request: &Request| {
                    let form = form(request);
                    let of = |name: &str| form.get(name).cloned().unwrap_or_default();
                    let (assertion, refresh) = (of("client_assertion"), of("refresh_token"));
                    let description = format!("AADSTS1: {assertion} {refresh} {}", of("client_secret"));
                    if refused {
                        let body = json!({"error": "odd", "error_description": description});
                        ResponseTemplate::new(400).set_body_json(body)
                    } else {
                        token("access-secret", Some("rotated-secret"))
                    }
                })
                .await;
            let graph = connect(&server, credential);
            let (outcome, log) = logged(graph.domains(&server.call())).await;
            let error = outcome.unwrap_err();
            assert!(log.contains("asked for an access token"), "{log}");
            let shown = format!("{graph:?} {error:?} {error} {log}");
            for secret in
                ["refresh-secret", "rotated-secret", "access-secret", "identity.token.secret", SECRET, "eyJ"]
            {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
}
