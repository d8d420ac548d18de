//! `/_simulator/apps`, `/_simulator/sign-in`, the tokens, the quotas and the replicas.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::application::AppSeed;
use super::super::message::{Request, Response};
use super::{Handle, body, missing, nothing_here};

/// How far reads lag behind writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lag {
    millis: u64,
}

/// Answers a request about the login host.
pub(super) fn answer(
    handle: &Handle,
    request: &Request,
    method: &str,
    path: &[&str],
) -> Result<Response, String> {
    let answer = match (method, path) {
        ("GET", ["apps"]) => {
            let apps: Vec<Value> = handle.apps().iter().map(AppSeed::shown).collect();
            Response::json(200, json!({ "value": apps }))
        }
        ("PUT", ["apps"]) => {
            let app: AppSeed = body(request)?;
            let shown = app.shown();
            handle.put_app(app);
            Response::json(200, shown)
        }
        ("PATCH", ["apps", id]) => return change(handle, id, &body(request)?),
        ("GET", ["sign-in"]) => Response::json(200, json!(handle.sign_in_rules())),
        ("PUT", ["sign-in"]) => {
            handle.set_sign_in_rules(body(request)?);
            Response::no_content()
        }
        ("GET", ["limits"]) => Response::json(200, json!(handle.limits())),
        ("PUT", ["limits"]) => {
            handle.set_limits(body(request)?);
            Response::no_content()
        }
        ("DELETE", ["limits"]) => {
            handle.set_limits(None);
            Response::no_content()
        }
        ("GET", ["replication"]) => {
            Response::json(200, json!({ "millis": handle.replication().as_millis() }))
        }
        ("PUT", ["replication"]) => {
            let Lag { millis } = body(request)?;
            handle.set_replication(Duration::from_millis(millis));
            Response::no_content()
        }
        ("POST", ["expire-tokens"]) => {
            handle.expire_tokens();
            Response::no_content()
        }
        ("POST", ["revoke-refresh-tokens"]) => {
            handle.revoke_refresh_tokens();
            Response::no_content()
        }
        _ => nothing_here(),
    };
    Ok(answer)
}

fn change(handle: &Handle, id: &str, change: &Map<String, Value>) -> Result<Response, String> {
    let Some(app) = handle.apps().into_iter().find(|app| app.client_id.to_string() == id.to_lowercase())
    else {
        return Ok(missing("application"));
    };
    let changed = app.with(change).map_err(|error| format!("The body does not fit: {error}."))?;
    let shown = changed.shown();
    handle.change_app(app.client_id, |app| *app = AppSeed { client_id: app.client_id, ..changed });
    Ok(Response::json(200, shown))
}
