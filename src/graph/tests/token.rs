//! Tokens: one for all, replaced in time, and the login host's refusals.

use std::time::Duration;

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use wiremock::Mock;
use wiremock::ResponseTemplate;
use wiremock::matchers::{header, path};

use super::support::{SECRET, Server, connect};
use crate::clock::Clock;
use crate::graph::{Disposition, Error, TokenFailure, TokenFault, TokenState};

async fn refused_with(status: u16, error: &str, description: &str, codes: Value) -> (Server, Error) {
    let server = Server::without_tokens().await;
    let mut body = json!({"error": error, "error_description": description, "correlation_id": "their-id"});
    if !codes.is_null() {
        body["error_codes"] = codes;
    }
    server.tokens(ResponseTemplate::new(status).set_body_json(body)).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    (server, error)
}

fn failure(error: &Error) -> &TokenFailure {
    match error {
        Error::Token(failure) => failure,
        other => panic!("not about the token: {other:?}"),
    }
}

#[tokio::test]
async fn the_credential_travels_in_the_form() {
    let server = Server::start().await;
    assert_eq!(server.graph.token_state(), TokenState::Absent);
    let state = server.graph.ensure_token().await.unwrap();
    let TokenState::Held { expires } = state else { panic!("{state:?}") };
    assert_eq!(expires - server.clock.now(), time::Duration::seconds(3599));
    let request = &server.token_requests().await[0];
    assert!(!request.headers.contains_key("authorization"));
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body).into_owned().collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for expected in [
        pair("grant_type", "client_credentials"),
        pair("client_id", "the-app"),
        pair("client_secret", SECRET),
        pair("scope", &format!("{}/.default", server.uri())),
    ] {
        assert!(form.contains(&expected), "{form:?}");
    }
}

#[tokio::test]
async fn all_who_wait_share_one_token() {
    let server = Server::start().await;
    server.answer("GET", "/v1.0/domains", 200, json!({"value": []})).await;
    let call = server.call();
    let replies = join_all((0..50).map(|_| server.graph.domains(&call))).await;
    assert!(replies.iter().all(Result::is_ok));
    assert_eq!(server.token_requests().await.len(), 1);
}

#[tokio::test]
async fn all_who_wait_share_one_failure_and_the_next_tries_again() {
    let (server, _) =
        refused_with(401, "invalid_client", "AADSTS7000215: Invalid client secret.", Value::Null).await;
    let call = server.call();
    let replies = join_all((0..50).map(|_| server.graph.domains(&call))).await;
    assert!(replies.iter().all(|reply| matches!(reply, Err(Error::Token(_)))));
    assert_eq!(server.token_requests().await.len(), 2);
    assert!(matches!(server.graph.token_state(), TokenState::Failed(_)));
}

#[tokio::test]
async fn a_token_is_replaced_five_minutes_before_it_expires() {
    let server = Server::start().await;
    server.graph.ensure_token().await.unwrap();
    server.clock.advance(3_298_999);
    server.graph.ensure_token().await.unwrap();
    assert_eq!(server.token_requests().await.len(), 1);
    server.clock.advance(1);
    server.graph.ensure_token().await.unwrap();
    assert_eq!(server.token_requests().await.len(), 2);
    server.clock.advance(3_599_000);
    assert_eq!(server.graph.token_state(), TokenState::Expired);
}

#[tokio::test]
async fn a_short_lived_token_is_used_for_nine_tenths_of_its_life() {
    let server = Server::without_tokens().await;
    let token = json!({"token_type": "Bearer", "expires_in": 60, "access_token": "t"});
    server.tokens(ResponseTemplate::new(200).set_body_json(token)).await;
    server.graph.ensure_token().await.unwrap();
    server.clock.advance(53_999);
    server.graph.ensure_token().await.unwrap();
    assert_eq!(server.token_requests().await.len(), 1);
    server.clock.advance(1);
    server.graph.ensure_token().await.unwrap();
    assert_eq!(server.token_requests().await.len(), 2);
}

#[tokio::test]
async fn a_token_that_graph_no_longer_takes_is_replaced_once() {
    let server = Server::start().await;
    let old = Mock::given(path("/v1.0/domains")).and(header("authorization", "Bearer token-1"));
    old.respond_with(ResponseTemplate::new(401)).mount(server.http()).await;
    server.answer("GET", "/v1.0/domains", 200, json!({"value": []})).await;
    server.graph.domains(&server.call()).await.unwrap();
    assert_eq!(server.graph_requests().await.len(), 2);
    assert_eq!(server.token_requests().await.len(), 2);
}

#[tokio::test]
async fn calls_that_fail_together_replace_the_token_once() {
    let server = Server::start().await;
    server.graph.ensure_token().await.unwrap();
    let old = Mock::given(path("/v1.0/domains")).and(header("authorization", "Bearer token-1"));
    let late = ResponseTemplate::new(401).set_delay(Duration::from_millis(50));
    old.respond_with(late).mount(server.http()).await;
    server.answer("GET", "/v1.0/domains", 200, json!({"value": []})).await;
    let call = server.call();
    let replies = join_all((0..20).map(|_| server.graph.domains(&call))).await;
    assert!(replies.iter().all(Result::is_ok));
    assert_eq!(server.token_requests().await.len(), 2);
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_leaves_the_new_one() {
    let server = Server::start().await;
    let tokens = server.graph.0.tokens();
    let old = tokens.bearer().await.unwrap();
    tokens.forget(&old);
    tokens.bearer().await.unwrap();
    tokens.forget(&old);
    tokens.bearer().await.unwrap();
    assert_eq!(server.token_requests().await.len(), 2);
}

#[tokio::test]
async fn a_second_refusal_of_the_token_is_final() {
    let server = Server::start().await;
    let body = json!({"error": {"code": "InvalidAuthenticationToken", "message": "Access token is empty."}});
    server.answer("GET", "/v1.0/domains", 401, body).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized(_)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Blocked);
    assert_eq!(server.graph_requests().await.len(), 2);
}

#[rstest]
#[case(401, "invalid_client", 7_000_215, TokenFault::WrongSecret, "enter its Value (not its Secret ID)")]
#[case(
    401,
    "invalid_client",
    7_000_222,
    TokenFault::ExpiredSecret,
    "has expired: in Microsoft Entra ID open App registrations > the-app > Certificates & secrets"
)]
#[case(401, "invalid_client", 7_000_218, TokenFault::NoCredential, "Allow public client flows")]
#[case(401, "invalid_client", 700_025, TokenFault::PublicClient, "platform Web")]
#[case(
    401,
    "invalid_client",
    700_027,
    TokenFault::WrongAssertion,
    "upload the certificate that the connection uses"
)]
#[case(401, "invalid_client", 700_023, TokenFault::OtherAssertion, "Application (client) ID")]
#[case(400, "invalid_request", 50_027, TokenFault::OtherAssertion, "check the login host")]
#[case(401, "invalid_client", 700_024, TokenFault::AssertionTime, "clock")]
#[case(400, "invalid_client", 700_213, TokenFault::NoFederation, "Issuer, Subject identifier and Audience")]
#[case(
    400,
    "unauthorized_client",
    700_016,
    TokenFault::UnknownApplication,
    "does not know the application the-app: compare it with Application (client) ID"
)]
#[case(
    401,
    "unauthorized_client",
    7_000_112,
    TokenFault::DisabledApplication,
    "Enabled for users to sign-in to Yes"
)]
#[case(
    400,
    "invalid_request",
    90_002,
    TokenFault::UnknownTenant,
    "no tenant contoso.example: enter the Directory (tenant) ID"
)]
#[case(
    400,
    "invalid_grant",
    65_001,
    TokenFault::ConsentMissing,
    "API permissions and press Grant admin consent"
)]
#[case(400, "interaction_required", 50_076, TokenFault::ConditionalAccess, "Protection > Conditional Access")]
#[case(400, "interaction_required", 53_003, TokenFault::ConditionalAccess, "Protection > Conditional Access")]
#[case(400, "invalid_scope", 70_011, TokenFault::BadScope, "pair of the cloud")]
#[case(
    400,
    "invalid_grant",
    50_173,
    TokenFault::InvalidGrant,
    "(AADSTS50173: Because): check its credentials"
)]
#[case(400, "invalid_request", 900_144, TokenFault::Other, "invalid_request: AADSTS900144: Because.")]
#[tokio::test]
async fn each_refusal_of_the_login_host_is_explained(
    #[case] status: u16,
    #[case] error: &str,
    #[case] code: u32,
    #[case] fault: TokenFault,
    #[case] says: &str,
    #[values(true, false)] numbered: bool,
) {
    let description = format!("AADSTS{code}: Because.\r\nTrace ID: x\r\nTimestamp: y");
    let codes = if numbered { json!([code]) } else { Value::Null };
    let (_, error) = refused_with(status, error, &description, codes).await;
    let failure = failure(&error);
    assert_eq!((failure.fault, failure.aadsts), (fault, Some(code)));
    assert_eq!(failure.message, format!("AADSTS{code}: Because."));
    assert_eq!(failure.correlation_id.as_deref(), Some("their-id"));
    assert_eq!(error.disposition(), Disposition::Blocked);
    assert!(error.advice().contains(says), "{error}");
}

#[rstest]
#[case::throttled(ResponseTemplate::new(429).insert_header("Retry-After", "5"), TokenFault::Throttled, Some(5))]
#[case::down(ResponseTemplate::new(503).set_body_string("<html>"), TokenFault::Unavailable, None)]
#[case::html(ResponseTemplate::new(200).set_body_string("<html>"), TokenFault::Malformed, None)]
#[case::proxy(ResponseTemplate::new(404).set_body_string("<html>"), TokenFault::Malformed, None)]
#[case::redirect(ResponseTemplate::new(302).insert_header("Location", "/elsewhere"), TokenFault::Malformed, None)]
#[case::huge(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 << 20]), TokenFault::Malformed, None)]
#[tokio::test]
async fn what_is_no_answer_of_a_login_host_is_tried_again(
    #[case] answer: ResponseTemplate,
    #[case] fault: TokenFault,
    #[case] seconds: Option<u64>,
) {
    let server = Server::without_tokens().await;
    server.tokens(answer).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert_eq!(failure(&error).fault, fault);
    let after = seconds.map(Duration::from_secs);
    assert_eq!(error.disposition(), Disposition::Retry { after });
    assert_eq!(server.graph_requests().await.len(), 0);
}

#[tokio::test]
async fn a_login_host_that_is_not_there_is_tried_again() {
    let nobody = "http://127.0.0.1:1";
    let clock = Clock::fixed(0);
    let error = connect(nobody, nobody, clock).ensure_token().await.unwrap_err();
    assert_eq!(failure(&error).fault, TokenFault::Unreachable);
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn secrets_are_shown_nowhere() {
    let server = Server::start().await;
    server.graph.ensure_token().await.unwrap();
    let shown = format!("{:?}", server.graph);
    assert!(!shown.contains("token-1") && !shown.contains(SECRET), "{shown}");

    let description = format!("AADSTS7000215: {SECRET} is wrong.");
    let (server, error) = refused_with(401, "invalid_client", &description, Value::Null).await;
    let shown = format!("{error:?} {error} {:?}", server.graph);
    assert!(!shown.contains(SECRET), "{shown}");
}
