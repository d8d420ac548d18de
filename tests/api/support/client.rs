//! An HTTP client with verbs.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::{GANGWAY, GANGWAY_GROUP};

/// A client that sends to one base URL, with headers of its own.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body; null where it is empty or no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Client {
    /// A client without a token.
    pub(crate) fn new(base: impl Into<String>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_mins(1))
            // A kept connection would hold up the server's orderly stop.
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()
            .unwrap();
        Self { http, base: base.into(), headers: HeaderMap::new() }
    }

    /// The client with this header instead of any other of that name.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        self
    }

    /// The client without a header of this name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// The client with this bearer token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.with(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// The whole address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends a request with a JSON body, as `application/scim+json` unless a header says otherwise.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let bytes = body.map(|body| body.to_string().into_bytes());
        self.send_bytes(method, path, bytes).await.unwrap()
    }

    /// Sends any bytes; an error where no answer comes.
    pub(crate) async fn send_bytes(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        let mut headers = self.headers.clone();
        if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        let mut request = self.http.request(method, self.url(path)).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, body, text })
    }
}

impl Answer {
    /// The answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The resource's id.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().expect("the answer has an id").to_owned()
    }

    /// The path of the resource, `/Users/…` or `/Groups/…`.
    #[track_caller]
    pub(crate) fn path(&self) -> String {
        let endpoint = if self.body["meta"]["resourceType"] == "Group" { "Groups" } else { "Users" };
        format!("/{endpoint}/{}", self.id())
    }

    /// The header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// `syncStatus` of Gangway's extension of users or of groups; empty where the answer does not have it.
    pub(crate) fn sync_status(&self) -> &str {
        let extension = [GANGWAY, GANGWAY_GROUP].into_iter().find(|urn| self.body.get(urn).is_some());
        extension.and_then(|urn| self.body[urn]["syncStatus"].as_str()).unwrap_or_default()
    }

    /// `detail` of a SCIM error, whose shape and status are checked (RFC 7644 §3.12).
    #[track_caller]
    pub(crate) fn detail(&self) -> &str {
        assert_eq!(
            self.body["schemas"],
            serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
            "{}",
            self.text
        );
        assert_eq!(self.body["status"], self.status.to_string(), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/scim+json");
        self.body["detail"].as_str().expect("an error has a detail")
    }
}
