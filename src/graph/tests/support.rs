//! A server that gives tokens and answers as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::clock::Clock;
use crate::graph::{AccountId, Call, Cloud, Credential, Graph, NewUser, Property, Settings, UserPatch};

/// An account's id.
pub(super) const ID: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";
/// The client secret, with characters that a form must encode.
pub(super) const SECRET: &str = "s3cret~+&=%";
const TOKEN_PATH: &str = "/contoso.example/oauth2/v2.0/token";

pub(super) struct Server {
    http: MockServer,
    pub(super) graph: Graph,
    pub(super) clock: Clock,
}

impl Server {
    /// A server whose token endpoint gives `token-1`, `token-2`, …, each for 3,599 seconds.
    pub(super) async fn start() -> Self {
        let server = Self::without_tokens().await;
        let count = Arc::new(AtomicU32::new(0));
        let token = move |_: &Request| {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let token = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": format!("token-{number}")});
            ResponseTemplate::new(200).set_body_json(token)
        };
        server.tokens(token).await;
        server
    }

    /// A server whose token endpoint is not told yet what to answer.
    pub(super) async fn without_tokens() -> Self {
        let http = MockServer::start().await;
        let clock = Clock::fixed(1_700_000_000_000);
        let graph = connect(&http.uri(), &http.uri(), clock.clone());
        Self { http, graph, clock }
    }

    pub(super) async fn tokens(&self, answer: impl wiremock::Respond + 'static) {
        let mock = Mock::given(method("POST")).and(path(TOKEN_PATH));
        mock.respond_with(answer).mount(&self.http).await;
    }

    pub(super) async fn answer(&self, verb: &str, target: &str, status: u16, body: Value) {
        let answer = ResponseTemplate::new(status).insert_header("request-id", "their-id");
        let answer = if body.is_null() { answer } else { answer.set_body_json(body) };
        let mock = Mock::given(method(verb)).and(path(target));
        mock.respond_with(answer).mount(&self.http).await;
    }

    pub(super) fn http(&self) -> &MockServer {
        &self.http
    }

    pub(super) fn uri(&self) -> String {
        self.http.uri()
    }

    pub(super) fn call(&self) -> Call {
        Call::new(&self.clock)
    }

    pub(super) async fn token_requests(&self) -> Vec<Request> {
        self.requests(|path| path == TOKEN_PATH).await
    }

    pub(super) async fn graph_requests(&self) -> Vec<Request> {
        self.requests(|path| path != TOKEN_PATH).await
    }

    async fn requests(&self, which: impl Fn(&str) -> bool) -> Vec<Request> {
        let mut requests = self.http.received_requests().await.unwrap();
        requests.retain(|request| which(request.url.path()));
        requests
    }
}

pub(super) fn id() -> AccountId {
    ID.parse().unwrap()
}

/// A connection of the application `the-app`.
pub(super) fn connect(login: &str, graph: &str, clock: Clock) -> Graph {
    let credential = Credential::ClientSecret(SECRET.into());
    let cloud = Cloud::custom(login, graph).unwrap();
    let mut settings = Settings::new(cloud, "contoso.example", "the-app", credential);
    settings.timeout = Duration::from_secs(10);
    Graph::new(settings, clock).unwrap()
}

pub(super) fn new_user() -> NewUser {
    let properties = UserPatch::new()
        .with(Property::AccountEnabled, true)
        .with(Property::DisplayName, "Ada Lovelace")
        .with(Property::MailNickname, "ada")
        .with(Property::UserPrincipalName, "ada@contoso.example");
    NewUser::new(properties, "Sesame-0pen!".into()).unwrap()
}
