//! The exchanges, as JSON Lines that a validator of Graph traffic reads. Secrets are replaced before anything is kept.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::login;
use super::message::{Body, Request, Response};
use super::password;

/// How many exchanges are kept in memory; the oldest go first.
const KEPT: usize = 4096;

/// What stands where a secret stood.
const HIDDEN: &str = "redacted";

/// The recorded exchanges.
#[derive(Debug)]
pub(super) struct Recorder {
    file: Option<Mutex<File>>,
    kept: Mutex<VecDeque<Arc<Value>>>,
}

impl Recorder {
    /// A recorder that also appends to the file at `path`, if one is named.
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let file = match path {
            Some(path) => Some(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)),
            None => None,
        };
        Ok(Self { file, kept: Mutex::default() })
    }

    /// Records an exchange; without an answer, if the connection was closed instead.
    pub(super) fn record(&self, request: &Request, response: Option<&Response>) {
        let segments = request.segments();
        let token = login::is_token_path(&segments);
        // A person's password is typed there.
        if login::page(&segments).is_some() || (token && login::is_person(request)) {
            return;
        }
        let exchange = Arc::new(exchange(request, response, token));
        if let Some(file) = &self.file {
            let mut line = exchange.to_string();
            line.push('\n');
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(line.as_bytes()) {
                tracing::warn!(%error, "the simulator cannot write its recording; check the disk");
            }
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(exchange);
    }

    /// The last exchanges, oldest first.
    pub(super) fn exchanges(&self) -> Vec<Arc<Value>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Forgets the exchanges that are kept in memory.
    pub(super) fn clear(&self) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn exchange(request: &Request, response: Option<&Response>, token: bool) -> Value {
    let mut line = Map::new();
    line.insert("method".to_owned(), json!(request.method));
    line.insert("path".to_owned(), json!(request.path));
    line.insert("query".to_owned(), json!(request.query));
    line.insert("headers".to_owned(), headers(request));
    line.insert("body".to_owned(), if token { form(request) } else { body(request) });
    if let Some(response) = response.filter(|response| !response.body.is_broken()) {
        line.insert("status".to_owned(), json!(response.status));
        let answer = match &response.body {
            Body::Empty | Body::Half(_) | Body::Huge(_) => Value::Null,
            Body::Text(text) => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
            Body::Raw(_, text) => json!(text),
            Body::Bytes(_, bytes) => json!(STANDARD.encode(bytes)),
            Body::Json(body) => hidden(body.clone()),
        };
        line.insert("response".to_owned(), answer);
    }
    line.into()
}

fn headers(request: &Request) -> Value {
    let shown = request.headers.iter().map(|(name, value)| {
        let value = match (name.as_str(), value.split_once(' ')) {
            ("authorization", Some((kind, _))) => json!(format!("{kind} {HIDDEN}")),
            ("authorization", None) => json!(HIDDEN),
            _ => json!(value),
        };
        (name.clone(), value)
    });
    Value::Object(shown.collect())
}

fn form(request: &Request) -> Value {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in request.form() {
        out.append_pair(&name, &shown(&name, &value));
    }
    json!(out.finish())
}

/// A form's value without its secret, in the same form: of an assertion all but the signature.
fn shown(name: &str, value: &str) -> String {
    match name {
        "client_assertion" => login::unsigned(value).unwrap_or_else(|| HIDDEN.to_owned()),
        "code_verifier" => "x".repeat(43),
        _ if is_secret(name) => HIDDEN.to_owned(),
        _ => value.to_owned(),
    }
}

fn body(request: &Request) -> Value {
    let bytes = &request.body;
    if bytes.is_empty() {
        return Value::Null;
    }
    if request.header("content-type").is_some_and(|kind| kind.starts_with("image/")) {
        return json!(STANDARD.encode(bytes));
    }
    // What cannot be read may hold a secret anywhere.
    serde_json::from_slice(bytes).map_or_else(|_| json!("unreadable"), hidden)
}

fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "client_secret"
            | "client_assertion"
            | "refresh_token"
            | "access_token"
            | "id_token"
            | "code"
            | "code_verifier"
    )
}

/// `value` without the secrets in it. A password is replaced by one that the same rules judge alike.
fn hidden(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name.eq_ignore_ascii_case("password") => {
                        *text = password::placeholder(text);
                    }
                    Value::String(text) if is_secret(name) && name != "code" => HIDDEN.clone_into(text),
                    _ => *member = hidden(member.take()),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = hidden(item.take());
            }
        }
        _ => {}
    }
    value
}
