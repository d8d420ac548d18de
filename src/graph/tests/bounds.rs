//! What hosts may send at worst: each costs a bounded time and a bounded memory, and is told as what it is.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::path;
use wiremock::{Mock, ResponseTemplate};

use super::support::{SECRET, Server, id, new_user};
use crate::graph::{Cloud, Credential, Disposition, Error, Graph, Oddity, Property, Settings, UserPatch};

/// A host that answers every request with `head` and then what `more` writes.
async fn host<F, W>(head: &'static [u8], more: F) -> String
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 65_536];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(head).await;
            tokio::spawn(more(stream));
        }
    });
    uri
}

/// A connection whose calls take at most half a second.
fn hasty(login: &Server, graph: &str) -> Graph {
    let cloud = Cloud::custom(&login.uri(), graph).unwrap();
    let credential = Credential::ClientSecret(SECRET.into());
    let mut settings = Settings::new(cloud, "contoso.example", "the-app", credential);
    settings.timeout = Duration::from_millis(500);
    Graph::new(settings, login.clock.clone()).unwrap()
}

fn oddity(error: &Error) -> Oddity {
    match error {
        Error::Malformed { oddity, .. } => *oddity,
        other => panic!("it is malformed: {other:?}"),
    }
}

/// What three updates at the same time, which travel together, come to.
async fn together(server: &Server, graph: &Graph) -> Vec<Error> {
    let update = |number: u128| async move {
        let account = uuid::Uuid::from_u128(number).into();
        let patch = UserPatch::new().with(Property::City, "Zürich");
        graph.update_user(&server.call(), &account, &patch).await.unwrap_err()
    };
    join_all((1..4).map(update)).await
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up_in_time() {
    let server = Server::start().await;
    let head =
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let uri = host(head, |mut stream| async move {
        let mut pace = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(b"1\r\n \r\n").await.is_ok() {
            pace.tick().await;
        }
    })
    .await;
    let graph = hasty(&server, &uri);
    let started = Instant::now();
    let error = graph.create_user(&server.call(), &new_user()).await.unwrap_err();
    assert_eq!(oddity(&error), Oddity::Syntax);
    assert_eq!(error.disposition(), Disposition::Ambiguous);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn two_gigabytes_are_not_even_begun_to_be_kept() {
    let server = Server::start().await;
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2147483648\r\n\r\n";
    let uri = host(head, |mut stream| async move {
        let blanks = vec![b' '; 65_536];
        while stream.write_all(&blanks).await.is_ok() {}
    })
    .await;
    let graph = super::support::connect(&server.uri(), &uri, server.clock.clone());
    assert_eq!(oddity(&graph.domains(&server.call()).await.unwrap_err()), Oddity::TooLarge);
    for error in together(&server, &graph).await {
        assert_eq!(oddity(&error), Oddity::TooLarge);
    }
}

#[tokio::test]
async fn what_is_compressed_is_not_unpacked() {
    let server = Server::start().await;
    let bomb = ResponseTemplate::new(200).insert_header("Content-Encoding", "gzip").set_body_raw(
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\x56\x2a\x4b\xcc\x29".to_vec(),
        "application/json",
    );
    Mock::given(path("/v1.0/domains")).respond_with(bomb).mount(server.http()).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert_eq!(oddity(&error), Oddity::Syntax);
    assert!(!server.graph_requests().await[0].headers.contains_key("accept-encoding"));
}

#[tokio::test]
async fn json_without_a_bottom_is_not_followed() {
    let server = Server::start().await;
    let deep = ResponseTemplate::new(200).set_body_raw("[".repeat(1_000_000), "application/json");
    Mock::given(path("/v1.0/domains")).respond_with(deep.clone()).mount(server.http()).await;
    Mock::given(path("/v1.0/$batch")).respond_with(deep).mount(server.http()).await;
    assert_eq!(oddity(&server.graph.domains(&server.call()).await.unwrap_err()), Oddity::Syntax);
    for error in together(&server, &server.graph).await {
        assert_eq!(oddity(&error), Oddity::Shape);
    }
}

#[tokio::test]
async fn redirects_without_end_are_not_followed() {
    let server = Server::start().await;
    let again = |target: &str| {
        ResponseTemplate::new(308).insert_header("Location", format!("{}{target}", server.uri()))
    };
    for target in ["/v1.0/domains", "/v1.0/$batch"] {
        Mock::given(path(target)).respond_with(again(target)).mount(server.http()).await;
    }
    assert_eq!(oddity(&server.graph.domains(&server.call()).await.unwrap_err()), Oddity::Redirect);
    for error in together(&server, &server.graph).await {
        assert_eq!(oddity(&error), Oddity::Redirect);
    }
    assert_eq!(server.graph_requests().await.len(), 2);
}

#[tokio::test]
async fn an_absurd_wait_is_ten_minutes_at_most() {
    let server = Server::start().await;
    let body = json!({"error": {"code": "TooManyRequests", "message": "m"}});
    let wait = ResponseTemplate::new(429).insert_header("Retry-After", "31536000").set_body_json(body);
    Mock::given(path("/v1.0/domains")).respond_with(wait).mount(server.http()).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(10)));
    let next = server.graph.domains(&server.call()).await.unwrap_err();
    assert!(next.retry_after().unwrap() <= Duration::from_mins(10));
}

#[tokio::test]
async fn a_batch_of_a_hundred_thousand_answers_is_read_for_its_own() {
    let server = Server::start().await;
    let mut answers: Vec<Value> =
        (1..4).map(|id| json!({"id": id.to_string(), "status": 403, "body": {"error": {"code": "x", "message": "m"}}})).collect();
    answers.resize(100_000, json!({"id": "99", "status": 204, "headers": {}}));
    let whole = ResponseTemplate::new(200).set_body_json(json!({ "responses": answers }));
    Mock::given(path("/v1.0/$batch")).respond_with(whole).mount(server.http()).await;
    for error in together(&server, &server.graph).await {
        assert!(matches!(error, Error::Forbidden(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_host_that_closes_at_once_is_tried_again_and_then_left_alone() {
    let server = Server::start().await;
    let uri = host(b"", |_| async {}).await;
    let graph = hasty(&server, &uri);
    let started = Instant::now();
    let error = graph.user(&server.call(), &id()).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}
