//! `/_simulator/…`: the handle over HTTP, for another process. The table of requests is in the simulator's own page.

mod access;
mod lab;

use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::handle::{GroupSeed, Handle, UserSeed};
use super::message::{Request, Response};
use super::service::Service;

/// Whether the request is for the control endpoint.
pub(super) fn is_for(request: &Request) -> bool {
    request.path == "/_simulator" || request.path.starts_with("/_simulator/")
}

/// A name and a password to try.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attempt {
    user: String,
    password: SecretString,
}

/// Answers a request of the control endpoint.
pub(super) async fn answer(service: &Arc<Service>, request: &Request) -> Response {
    let handle = Handle(Arc::clone(service));
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let method = request.method.as_str();
    if (method, path.as_slice()) == ("GET", &["held"]) {
        let count = option(request, "count").and_then(|count| count.parse().ok()).unwrap_or(1);
        handle.held(count).await;
        return Response::no_content();
    }
    act(&handle, request, method, &path).unwrap_or_else(|message| failure(400, &message))
}

fn act(handle: &Handle, request: &Request, method: &str, path: &[&str]) -> Result<Response, String> {
    let answer = match (method, path) {
        ("GET", ["users"]) => Response::json(200, json!({ "value": handle.users() })),
        ("PUT", ["users"]) => {
            let seed: UserSeed = body(request)?;
            let user = handle.put(&seed).map_err(|error| error.to_string())?;
            Response::json(200, json!(user))
        }
        ("GET", ["users", key]) => match handle.user(key) {
            Some(user) => Response::json(200, json!(user)),
            None => missing("user"),
        },
        ("DELETE", ["users", key]) => {
            let purge = option(request, "purge").as_deref() == Some("true");
            done(if purge { handle.purge(key) } else { handle.delete(key) }, "user")
        }
        ("POST", ["check-password"]) => {
            let attempt: Attempt = body(request)?;
            let password = secrecy::ExposeSecret::expose_secret(&attempt.password);
            Response::json(200, json!({ "signsIn": handle.signs_in(&attempt.user, password) }))
        }
        ("GET", ["counts"]) => Response::json(200, json!(handle.counts())),
        ("DELETE", ["counts"]) => {
            handle.clear_counts();
            Response::no_content()
        }
        ("GET", ["exchanges"]) => {
            let all: Vec<Value> = handle.exchanges().iter().map(|one| one.as_ref().clone()).collect();
            Response::json(200, json!({ "value": all }))
        }
        ("DELETE", ["exchanges"]) => {
            handle.clear_exchanges();
            Response::no_content()
        }
        (_, ["domains" | "skus" | "delta" | "expire-deltas" | "audits" | "mails", ..]) => {
            return lab::answer(handle, request, method, path);
        }
        (
            _,
            ["apps" | "sign-in" | "limits" | "replication" | "expire-tokens" | "revoke-refresh-tokens", ..],
        ) => {
            return access::answer(handle, request, method, path);
        }
        (_, ["groups", ..]) => return groups(handle, request, method, path),
        _ => return faults(handle, request, method, path),
    };
    Ok(answer)
}

fn groups(handle: &Handle, request: &Request, method: &str, path: &[&str]) -> Result<Response, String> {
    let answer = match (method, path) {
        ("GET", ["groups"]) => Response::json(200, json!({ "value": handle.groups() })),
        ("PUT", ["groups"]) => {
            let seed: GroupSeed = body(request)?;
            let group = handle.add_group(&seed).map_err(|error| error.to_string())?;
            Response::json(200, json!(group))
        }
        ("GET", ["groups", key]) => {
            let by_id = Uuid::parse_str(key).ok().and_then(|id| handle.group(id));
            match by_id.or_else(|| handle.group_named(key)) {
                Some(group) => Response::json(200, json!(group)),
                None => missing("group"),
            }
        }
        ("DELETE", ["groups", id]) => {
            done(Uuid::parse_str(id).is_ok_and(|id| handle.delete_group(id)), "group")
        }
        _ => nothing_here(),
    };
    Ok(answer)
}

fn faults(handle: &Handle, request: &Request, method: &str, path: &[&str]) -> Result<Response, String> {
    let answer = match (method, path) {
        ("GET", ["faults"]) => {
            let rules: Vec<Value> =
                handle.faults().iter().map(|(id, rule)| json!({ "id": id, "rule": rule })).collect();
            Response::json(200, json!({ "value": rules }))
        }
        ("POST", ["faults"]) => Response::json(201, json!({ "id": handle.add_fault(body(request)?) })),
        ("DELETE", ["faults"]) => {
            handle.clear_faults();
            Response::no_content()
        }
        ("DELETE", ["faults", id]) => done(id.parse().is_ok_and(|id| handle.remove_fault(id)), "fault rule"),
        ("POST", ["release"]) => {
            handle.release();
            Response::no_content()
        }
        _ => nothing_here(),
    };
    Ok(answer)
}

fn body<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| format!("The body does not fit: {error}."))
}

fn option(request: &Request, name: &str) -> Option<String> {
    request.options().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn done(found: bool, what: &str) -> Response {
    if found { Response::no_content() } else { missing(what) }
}

fn missing(what: &str) -> Response {
    failure(404, &format!("There is no such {what}."))
}

fn nothing_here() -> Response {
    failure(404, "The control endpoint does not have this; its module page lists what it has.")
}

fn failure(status: u16, message: &str) -> Response {
    Response::json(status, json!({ "error": message }))
}
