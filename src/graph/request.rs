//! A request to Graph before it is sent: it can go alone, or with others in a batch.

use std::collections::BTreeMap;

use reqwest::Method;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::budget::Cost;
use super::{Call, Operation};

/// What a request carries.
#[derive(Clone)]
pub(super) enum Payload {
    /// JSON.
    Json(Value),
    /// Anything else.
    Bytes {
        /// Its content type.
        content_type: &'static str,
        /// The whole of it.
        bytes: Vec<u8>,
    },
}

/// A request before it has a token.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Path and query below `/v1.0/`, percent-encoded.
    pub(super) target: String,
    pub(super) advanced: bool,
    pub(super) body: Option<Payload>,
    pub(super) secret: Option<SecretString>,
}

impl Request {
    fn new(operation: Operation, method: Method, target: String) -> Self {
        Self { operation, method, target, advanced: false, body: None, secret: None }
    }

    pub(super) fn get(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::GET, target)
    }

    pub(super) fn post(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::POST, target)
    }

    pub(super) fn patch(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::PATCH, target)
    }

    pub(super) fn put(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::PUT, target)
    }

    pub(super) fn delete(operation: Operation, target: String) -> Self {
        Self::new(operation, Method::DELETE, target)
    }

    pub(super) fn json(mut self, body: Value) -> Self {
        self.body = Some(Payload::Json(body));
        self
    }

    /// A body that is no JSON.
    pub(super) fn bytes(mut self, content_type: &'static str, bytes: Vec<u8>) -> Self {
        self.body = Some(Payload::Bytes { content_type, bytes });
        self
    }

    /// Keeps `secret`, which the body holds, out of any message that Graph may answer with it.
    pub(super) fn hiding(mut self, secret: &SecretString) -> Self {
        self.secret = Some(secret.clone());
        self
    }

    /// An advanced query, with the header that it needs besides `$count=true`.
    pub(super) fn advanced(mut self) -> Self {
        self.advanced = true;
        self
    }

    /// The one account or group that it is about. Requests on the same object are made one after the other.
    pub(super) fn object(&self) -> Option<Uuid> {
        let path = self.target.split('?').next()?;
        let mut parts = path.split('/');
        match parts.next()? {
            "users" | "groups" => parts.next()?.parse().ok(),
            "directory" => parts.nth(1)?.parse().ok(),
            _ => None,
        }
    }

    /// Whether it cannot be one of a batch: what is not JSON would have to be coded, and twenty long lists would make an
    /// answer without bounds.
    pub(super) fn goes_alone(&self) -> bool {
        self.operation.is_list() || matches!(self.body, Some(Payload::Bytes { .. }))
    }

    /// What it costs of the quota.
    pub(super) fn cost(&self) -> Cost {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        if self.method == Method::GET {
            return Cost::of_read(path, query);
        }
        Cost::of_write(self.members_bound())
    }

    fn members_bound(&self) -> usize {
        let Some(Payload::Json(body)) = &self.body else {
            return 0;
        };
        body.get("members@odata.bind").and_then(Value::as_array).map_or(0, Vec::len)
    }

    /// The same request as one of a batch ("Combine multiple HTTP requests using JSON batching").
    pub(super) fn item(&self, id: usize, call: &Call) -> Item<'_> {
        let body = match &self.body {
            Some(Payload::Json(body)) => Some(body),
            _ => None,
        };
        let mut headers = BTreeMap::from([("client-request-id", call.client_request_id.to_string())]);
        if self.advanced {
            headers.insert("ConsistencyLevel", "eventual".to_owned());
        }
        if body.is_some() {
            headers.insert("Content-Type", "application/json".to_owned());
        }
        Item {
            id: id.to_string(),
            method: self.method.as_str(),
            url: format!("/{}", self.target),
            headers,
            body,
        }
    }
}

/// A request as it stands in a batch.
#[derive(Serialize)]
pub(super) struct Item<'a> {
    id: String,
    method: &'a str,
    url: String,
    headers: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a Value>,
}

/// The options of a query, percent-encoded as Graph wants them: a blank is `%20`, and `#` and `+` are never bare.
pub(super) struct Query(String);

impl Query {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    pub(super) fn and(mut self, name: &str, value: &str) -> Self {
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let mark = if self.0.is_empty() { '?' } else { '&' };
        self.0 = format!("{}{mark}{name}={}", self.0, value.replace('+', "%20"));
        self
    }

    pub(super) fn after(self, path: &str) -> String {
        format!("{path}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::clock::Clock;

    const ID: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";

    #[test]
    fn a_query_is_percent_encoded() {
        let target = Query::new()
            .and("$filter", "userPrincipalName eq 'o''neil#EXT#+1@contoso.example'")
            .and("$count", "true")
            .after("users");
        assert_eq!(
            target,
            "users?$filter=userPrincipalName%20eq%20%27o%27%27neil%23EXT%23%2B1%40contoso.example%27&$count=true"
        );
    }

    #[rstest]
    #[case("users", false)]
    #[case("users?$filter=x", false)]
    #[case("users/delta?$select=id", false)]
    #[case("users/6e7b768e-07e2-4810-8459-485f84f8f204", true)]
    #[case("users/6e7b768e-07e2-4810-8459-485f84f8f204?$select=id", true)]
    #[case("users/6e7b768e-07e2-4810-8459-485f84f8f204/manager/$ref", true)]
    #[case("groups/6e7b768e-07e2-4810-8459-485f84f8f204/members/x/$ref", true)]
    #[case("directory/deletedItems/6e7b768e-07e2-4810-8459-485f84f8f204/restore", true)]
    #[case("directory/deletedItems/microsoft.graph.user", false)]
    #[case("organization", false)]
    fn a_request_knows_its_object(#[case] target: &str, #[case] known: bool) {
        let request = Request::get(Operation::ReadUser, target.to_owned());
        assert_eq!(request.object(), known.then(|| ID.parse().unwrap()));
    }

    #[test]
    fn a_request_in_a_batch_has_its_headers_and_body() {
        let call = Call::new(&Clock::fixed(0));
        let own = call.client_request_id.to_string();
        let patch = Request::patch(Operation::UpdateUser, format!("users/{ID}")).json(json!({"city": null}));
        assert_eq!(
            serde_json::to_value(patch.item(7, &call)).unwrap(),
            json!({
                "id": "7", "method": "PATCH", "url": format!("/users/{ID}"), "body": {"city": null},
                "headers": {"client-request-id": own, "Content-Type": "application/json"},
            })
        );
        let query = Request::get(Operation::FindDeletedUser, "users?$count=true".to_owned()).advanced();
        assert_eq!(
            serde_json::to_value(query.item(1, &call)).unwrap(),
            json!({
                "id": "1", "method": "GET", "url": "/users?$count=true",
                "headers": {"client-request-id": own, "ConsistencyLevel": "eventual"},
            })
        );
    }

    #[test]
    fn lists_and_pictures_go_alone() {
        assert!(Request::get(Operation::UsersDelta, "users/delta".to_owned()).goes_alone());
        assert!(Request::put(Operation::SetPhoto, String::new()).bytes("image/png", vec![]).goes_alone());
        assert!(!Request::get(Operation::FindUser, "users?$filter=x".to_owned()).goes_alone());
    }
}
