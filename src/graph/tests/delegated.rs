//! Connections that act on behalf of an administrator: refresh tokens, and what ends them.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use rstest::rstest;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use wiremock::matchers::body_string_contains;
use wiremock::{Mock, ResponseTemplate};

use super::credentials::{connect, failure, forms, token};
use super::support::{SECRET, Server};
use crate::graph::certificate::tests::Made;
use crate::graph::{
    ApplicationCredential, Certificate, Credential, Delegated, Disposition, Grant, Graph, TokenFault,
    TokenState,
};

fn refusal(error: &str, description: &str) -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_json(json!({"error": error, "error_description": description}))
}

/// A place for a refresh token, as the database is.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    token: Option<String>,
    /// Whether it cannot be read, or not be written.
    unreadable: bool,
    unwritable: bool,
    /// What another replica puts in its place after it was read.
    meanwhile: Option<String>,
    loads: usize,
    keeps: usize,
}

impl Kept {
    pub(super) fn holding(token: &str) -> Self {
        Self(Arc::new(Mutex::new(State { token: Some(token.to_owned()), ..State::default() })))
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    fn token(&self) -> Option<String> {
        self.0.lock().unwrap().token.clone()
    }

    fn counts(&self) -> (usize, usize) {
        let state = self.0.lock().unwrap();
        (state.loads, state.keeps)
    }

    fn load(&self) -> Result<Option<SecretString>, String> {
        let mut state = self.0.lock().unwrap();
        state.loads += 1;
        if state.unreadable {
            return Err("no database".to_owned());
        }
        let token = state.token.clone();
        if let Some(newer) = state.meanwhile.take() {
            state.token = Some(newer);
        }
        Ok(token.map(SecretString::from))
    }

    fn keep(&self, token: &SecretString) -> Result<(), String> {
        let mut state = self.0.lock().unwrap();
        state.keeps += 1;
        if state.unwritable {
            return Err("no database".to_owned());
        }
        state.token = Some(token.expose_secret().to_owned());
        Ok(())
    }

    fn grant(&self) -> Grant {
        let (loading, keeping) = (self.clone(), self.clone());
        Grant {
            load: Arc::new(move || {
                let outcome = loading.load();
                async move { outcome }.boxed()
            }),
            keep: Arc::new(move |token| {
                let outcome = keeping.keep(&token);
                async move { outcome }.boxed()
            }),
        }
    }

    pub(super) fn delegated(&self, application: ApplicationCredential) -> Credential {
        Credential::Delegated(Delegated { application, grant: self.grant() })
    }

    fn connect(&self, server: &Server) -> Graph {
        connect(server, self.delegated(ApplicationCredential::None))
    }
}

#[rstest]
#[case::public(ApplicationCredential::None, None)]
#[case::confidential(ApplicationCredential::Secret(SECRET.into()), Some(SECRET))]
#[tokio::test]
async fn a_refresh_token_is_replaced_with_each_token(
    #[case] application: ApplicationCredential,
    #[case] secret: Option<&str>,
) {
    let server = Server::without_tokens().await;
    for (old, new) in [("r1", "r2"), ("r2", "r3")] {
        let asked = Mock::given(body_string_contains(format!("refresh_token={old}")));
        asked.respond_with(token(&format!("for-{old}"), Some(new))).mount(server.http()).await;
    }
    let kept = Kept::holding("r1");
    let graph = connect(&server, kept.delegated(application));
    graph.ensure_token().await.unwrap();
    assert_eq!(kept.token().as_deref(), Some("r2"));
    server.clock.advance(3_599_000);
    graph.ensure_token().await.unwrap();
    assert_eq!(kept.token().as_deref(), Some("r3"));
    for form in forms(&server).await {
        assert_eq!((form["grant_type"].as_str(), form["client_id"].as_str()), ("refresh_token", "the-app"));
        assert_eq!(form["scope"], format!("openid profile offline_access {}/.default", server.uri()));
        assert_eq!(form.get("client_secret").map(String::as_str), secret);
    }
}

#[tokio::test]
async fn a_certificate_proves_the_application_beside_the_administrator() {
    let server = Server::without_tokens().await;
    server.tokens(token("access", None)).await;
    let made = Made::rsa();
    let certificate = ApplicationCredential::Certificate(Certificate::from_pem(&made.pem()).unwrap());
    connect(&server, Kept::holding("r1").delegated(certificate)).ensure_token().await.unwrap();
    let form = &forms(&server).await[0];
    let audience = format!("{}/contoso.example/oauth2/v2.0/token", server.uri());
    assert_eq!(made.verified(&form["client_assertion"], &audience)["sub"], "the-app");
    assert_eq!(form["refresh_token"], "r1");
}

#[rstest]
#[case::none(None)]
#[case::the_same(Some("r1"))]
#[tokio::test]
async fn a_refresh_token_that_stays_is_not_written_again(#[case] given: Option<&str>) {
    let server = Server::without_tokens().await;
    server.tokens(token("access", given)).await;
    let kept = Kept::holding("r1");
    kept.connect(&server).ensure_token().await.unwrap();
    assert_eq!((kept.token().as_deref(), kept.counts()), (Some("r1"), (1, 0)));
}

#[tokio::test]
async fn all_who_wait_share_one_refresh() {
    let server = Server::without_tokens().await;
    server.tokens(token("access", Some("r2"))).await;
    server.answer("GET", "/v1.0/domains", 200, json!({"value": []})).await;
    let kept = Kept::holding("r1");
    let (graph, call) = (kept.connect(&server), server.call());
    let replies = join_all((0..50).map(|_| graph.domains(&call))).await;
    assert!(replies.iter().all(Result::is_ok));
    assert_eq!((server.token_requests().await.len(), kept.counts()), (1, (1, 1)));
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_used() {
    let server = Server::without_tokens().await;
    server.tokens(token("access", Some("r2"))).await;
    let kept = Kept::holding("r1");
    kept.set(|state| state.unwritable = true);
    let graph = kept.connect(&server);
    let error = graph.domains(&server.call()).await.unwrap_err();
    assert_eq!(failure(&error).fault, TokenFault::GrantStore);
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert!(server.graph_requests().await.is_empty());
    assert!(matches!(graph.token_state(), TokenState::Failed(_)));

    kept.set(|state| state.unwritable = false);
    graph.ensure_token().await.unwrap();
    assert_eq!(kept.token().as_deref(), Some("r2"));
}

#[tokio::test]
async fn without_the_database_nothing_is_asked() {
    let server = Server::start().await;
    let kept = Kept::holding("r1");
    kept.set(|state| state.unreadable = true);
    let error = kept.connect(&server).ensure_token().await.unwrap_err();
    assert_eq!(failure(&error).fault, TokenFault::GrantStore);
    assert!(server.token_requests().await.is_empty());
}

#[tokio::test]
async fn nobody_has_authorised_it_yet() {
    let server = Server::start().await;
    let kept = Kept::default();
    let graph = kept.connect(&server);
    let error = graph.ensure_token().await.unwrap_err();
    assert!(error.needs_authorization());
    assert_eq!(error.disposition(), Disposition::Blocked);
    assert!(error.advice().starts_with("Nobody has authorised the connection"), "{error}");
    assert!(server.token_requests().await.is_empty());

    kept.set(|state| state.token = Some("r1".to_owned()));
    graph.ensure_token().await.unwrap();
}

#[rstest]
#[case("invalid_grant", 50_173, "password was changed")]
#[case("invalid_grant", 700_082, "not used for too long")]
#[case("invalid_grant", 50_057, "blocked or gone")]
#[case("interaction_required", 50_076, "multi-factor authentication")]
#[case("interaction_required", 53_003, "conditional access")]
#[case("invalid_grant", 65_001, "consent to application the-app was withdrawn")]
#[case("invalid_grant", 9_002_313, "has ended (AADSTS9002313: Because)")]
#[tokio::test]
async fn a_grant_that_has_ended_needs_an_administrator(
    #[case] error: &str,
    #[case] code: u32,
    #[case] says: &str,
) {
    let server = Server::without_tokens().await;
    server.tokens(refusal(error, &format!("AADSTS{code}: Because.\r\nTrace ID: x"))).await;
    let kept = Kept::holding("r1");
    let graph = kept.connect(&server);
    let error = graph.domains(&server.call()).await.unwrap_err();
    assert!(error.needs_authorization());
    assert_eq!((failure(&error).aadsts, error.disposition()), (Some(code), Disposition::Blocked));
    let advice = error.advice();
    assert!(
        advice.contains(says) && advice.ends_with("an administrator must authorise the connection again.")
    );
    assert_eq!(server.token_requests().await.len(), 1);

    // A new authorisation is taken up by itself.
    server.http().reset().await;
    server.tokens(token("access", None)).await;
    kept.set(|state| state.token = Some("r9".to_owned()));
    graph.ensure_token().await.unwrap();
    assert_eq!(forms(&server).await[0]["refresh_token"], "r9");
}

#[tokio::test]
async fn what_another_replica_has_put_in_its_place_is_tried_once() {
    let server = Server::without_tokens().await;
    let old = Mock::given(body_string_contains("refresh_token=r1"));
    old.respond_with(refusal("invalid_grant", "AADSTS50173: x")).mount(server.http()).await;
    let newer = Mock::given(body_string_contains("refresh_token=r2"));
    newer.respond_with(token("access", Some("r3"))).mount(server.http()).await;
    let kept = Kept::holding("r1");
    kept.set(|state| state.meanwhile = Some("r2".to_owned()));
    kept.connect(&server).ensure_token().await.unwrap();
    assert_eq!(kept.token().as_deref(), Some("r3"));
    assert_eq!(server.token_requests().await.len(), 2);
}

#[tokio::test]
async fn when_the_newer_one_is_refused_too_it_is_over() {
    let server = Server::without_tokens().await;
    server.tokens(refusal("invalid_grant", "AADSTS50173: x")).await;
    let kept = Kept::holding("r1");
    kept.set(|state| state.meanwhile = Some("r2".to_owned()));
    let error = kept.connect(&server).ensure_token().await.unwrap_err();
    assert!(error.needs_authorization());
    assert_eq!(server.token_requests().await.len(), 2);
}

#[rstest]
#[case("invalid_client", "AADSTS7000215: x", TokenFault::WrongSecret)]
#[case("unauthorized_client", "AADSTS700016: x", TokenFault::UnknownApplication)]
#[case("invalid_client", "AADSTS7000218: x", TokenFault::NoCredential)]
#[tokio::test]
async fn faults_of_the_application_are_not_the_administrators(
    #[case] error: &str,
    #[case] description: &str,
    #[case] fault: TokenFault,
) {
    let server = Server::without_tokens().await;
    server.tokens(refusal(error, description)).await;
    let error = Kept::holding("r1").connect(&server).ensure_token().await.unwrap_err();
    assert_eq!(failure(&error).fault, fault);
    assert!(!error.needs_authorization());
}
