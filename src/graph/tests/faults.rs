//! Networks and hosts that misbehave.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::path;
use wiremock::{Mock, ResponseTemplate};

use super::support::{Server, connect, id, new_user};
use crate::graph::{
    Cloud, Credential, Disposition, Effect, Error, Graph, Oddity, Property, Settings, TransportFault,
    UserPatch,
};

/// A host that reads a request, sends `answer` and closes the connection.
async fn host(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    uri
}

fn transport(error: &Error) -> (TransportFault, Effect) {
    match error {
        Error::Transport { fault, effect, .. } => (*fault, *effect),
        other => panic!("there was an answer: {other:?}"),
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_has_done_nothing() {
    let login = Server::start().await;
    let graph = connect(&login.uri(), "http://127.0.0.1:1", login.clock.clone());
    let error = graph.create_user(&login.call(), &new_user()).await.unwrap_err();
    assert_eq!(transport(&error), (TransportFault::Connect, Effect::None));
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert!(error.advice().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_it_open_whether_it_was_done() {
    let login = Server::start().await;
    let graph = connect(&login.uri(), &host(b"").await, login.clock.clone());
    let error = graph.create_user(&login.call(), &new_user()).await.unwrap_err();
    assert_eq!(transport(&error), (TransportFault::Broken, Effect::Unknown));
    assert_eq!(error.disposition(), Disposition::Ambiguous);

    let patch = UserPatch::new().with(Property::City, "Zürich");
    let error = graph.update_user(&login.call(), &id(), &patch).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn a_host_that_does_not_answer_in_time_leaves_it_open_too() {
    let server = Server::start().await;
    let mut settings = Settings::new(
        Cloud::custom(&server.uri(), &server.uri()).unwrap(),
        "contoso.example",
        "the-app",
        Credential::ClientSecret("x".into()),
    );
    settings.timeout = Duration::from_millis(200);
    let graph = Graph::new(settings, server.clock.clone()).unwrap();
    graph.ensure_token().await.unwrap();
    let late = ResponseTemplate::new(201).set_delay(Duration::from_mins(1));
    Mock::given(path("/v1.0/users")).respond_with(late).mount(server.http()).await;
    let error = graph.create_user(&server.call(), &new_user()).await.unwrap_err();
    assert_eq!(transport(&error), (TransportFault::TimedOut, Effect::Unknown));
    assert_eq!(error.disposition(), Disposition::Ambiguous);
    assert_eq!(server.graph_requests().await.len(), 1);
}

#[tokio::test]
async fn half_a_body_leaves_it_open() {
    let login = Server::start().await;
    let half =
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"id\":";
    let graph = connect(&login.uri(), &host(half).await, login.clock.clone());
    let error = graph.create_user(&login.call(), &new_user()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::Syntax, .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Ambiguous);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let away = ResponseTemplate::new(307).insert_header("Location", elsewhere.uri());
    Mock::given(path("/v1.0/users")).respond_with(away).mount(server.http()).await;
    let error = server.graph.create_user(&server.call(), &new_user()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::Redirect, .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert!(elsewhere.graph_requests().await.is_empty());
}

#[tokio::test]
async fn a_body_above_the_bound_is_not_read() {
    let server = Server::start().await;
    let huge = json!({"value": [], "filler": "x".repeat(5 << 20)});
    server.answer("GET", "/v1.0/domains", 200, huge).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::TooLarge, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_without_end_costs_no_more_than_the_bound() {
    let login = Server::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let sender = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let (mut sent, blanks) = (0_usize, vec![b' '; 65_536]);
        while stream.write_all(&blanks).await.is_ok() {
            sent += blanks.len();
        }
        sent
    });
    let graph = connect(&login.uri(), &uri, login.clock.clone());
    let error = graph.domains(&login.call()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::TooLarge, .. }), "{error:?}");
    // What the sockets' buffers took comes on top.
    assert!(sender.await.unwrap() < 32 << 20);
}
