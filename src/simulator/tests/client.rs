//! An HTTP client just large enough.

use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// A running simulator and a token for it.
pub(super) struct Client {
    pub(super) simulator: Simulator,
    pub(super) token: String,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: String,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let line = self.headers.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
        line.split_once(':').map(|(_, value)| value.trim())
    }

    /// Status, code and message of an error.
    pub(super) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let part = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
        (self.status, part("code"), part("message"))
    }
}

/// Sends one request and reads until the connection closes. `None`: it closed without an answer.
pub(super) async fn send(url: &Url, head: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
    let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let mut text = format!("{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n", body]);
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (headers, text) = answer.split_once("\r\n\r\n")?;
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Reply { status, headers: headers.to_owned(), text: text.to_owned() })
}

impl Client {
    /// A simulator whose traffic is right, and recorded where a validator may look at it.
    pub(super) async fn start(options: Options, clock: Clock) -> Self {
        let recording = std::env::var_os("GANGWAY_SIMULATOR_RECORD").map(Into::into);
        let options = Options { record: options.record.clone().or(recording), ..options };
        Self::unrecorded(options, clock).await
    }

    /// A simulator whose traffic is wrong on purpose.
    pub(super) async fn rough() -> Self {
        Self::unrecorded(Options::default(), Clock::system()).await
    }

    async fn unrecorded(options: Options, clock: Clock) -> Self {
        let simulator = Simulator::start(options, clock).await.unwrap();
        let mut client = Self { simulator, token: String::new() };
        client.authorize().await;
        client
    }

    pub(super) async fn plain() -> Self {
        Self::start(Options::default(), Clock::system()).await
    }

    pub(super) async fn authorize(&mut self) {
        let (id, secret) = app();
        let reply = self.grant(&[("client_id", &id), ("client_secret", secret)]).await;
        self.token = reply.json()["access_token"].as_str().unwrap().to_owned();
    }

    /// A token request for client credentials, with `more` parameters; an empty value leaves one out.
    pub(super) async fn grant(&self, more: &[(&str, &str)]) -> Reply {
        let tenant = TenantSeed::contoso().tenant_id;
        self.grant_at(&tenant.to_string(), &[], more).await
    }

    pub(super) async fn grant_at(
        &self,
        tenant: &str,
        headers: &[(&str, &str)],
        more: &[(&str, &str)],
    ) -> Reply {
        let mut values = Map::new();
        values.insert("grant_type".to_owned(), json!("client_credentials"));
        values.insert("scope".to_owned(), json!(format!("{}.default", self.simulator.url())));
        for (name, value) in more {
            values.insert((*name).to_owned(), json!(value));
        }
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in values.iter().filter(|(_, value)| *value != "") {
            form.append_pair(name, value.as_str().unwrap());
        }
        let head = format!("POST /{tenant}/oauth2/v2.0/token");
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend(headers);
        send(&self.simulator.url(), &head, &all, &form.finish()).await.unwrap()
    }

    /// A Graph call. `head` is method and path behind `/v1.0`, a null `body` is none.
    pub(super) async fn try_call(&self, head: &str, headers: &[(&str, &str)], body: &Value) -> Option<Reply> {
        let (method, path) = head.split_once(' ').unwrap();
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        if !body.is_null() {
            all.push(("content-type", "application/json"));
        }
        all.extend(headers);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        send(&self.simulator.url(), &format!("{method} /v1.0{path}"), &all, &text).await
    }

    pub(super) async fn call(&self, head: &str, body: Value) -> Reply {
        self.try_call(head, &[], &body).await.expect("an answer")
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.call(&format!("GET {path}"), Value::Null).await
    }

    /// An advanced query.
    pub(super) async fn eventual(&self, path: &str) -> Reply {
        let headers = [("consistencylevel", "eventual")];
        self.try_call(&format!("GET {path}"), &headers, &Value::Null).await.expect("an answer")
    }

    /// Makes `name@contoso.example` and returns its id.
    pub(super) async fn create(&self, name: &str) -> String {
        let reply = self.call("POST /users", user(name)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}

/// The body of a create.
pub(super) fn user(name: &str) -> Value {
    json!({
        "accountEnabled": true,
        "displayName": name,
        "mailNickname": name,
        "userPrincipalName": format!("{name}@contoso.example"),
        "passwordProfile": { "password": "Correct-Horse-1", "forceChangePasswordNextSignIn": false },
    })
}
