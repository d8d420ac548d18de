//! `/_simulator/domains`, `/skus`, `/delta`, `/expire-deltas`, `/audits` and `/mails`.

use serde::Deserialize;
use serde_json::json;

use super::super::message::{Request, Response};
use super::{Handle, body, done, nothing_here};

/// How a delta token is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expiry {
    status: u16,
    code: String,
}

impl Default for Expiry {
    fn default() -> Self {
        Self { status: 410, code: "syncStateNotFound".to_owned() }
    }
}

/// Answers a request about what is neither an object nor a sign-in.
pub(super) fn answer(
    handle: &Handle,
    request: &Request,
    method: &str,
    path: &[&str],
) -> Result<Response, String> {
    match (method, path) {
        ("GET", ["delta"]) => return Ok(Response::json(200, json!(handle.delta_settings()))),
        ("GET", ["audits"]) => return Ok(Response::json(200, json!({ "value": handle.audits() }))),
        ("GET", ["mails"]) => return Ok(Response::json(200, json!({ "value": handle.mails() }))),
        ("GET", ["domains"]) => return Ok(Response::json(200, json!({ "value": handle.domains() }))),
        ("GET", ["skus"]) => return Ok(Response::json(200, json!({ "value": handle.skus() }))),
        ("PUT", ["domains"]) => handle.put_domain(body(request)?),
        ("DELETE", ["domains", name]) => return Ok(done(handle.remove_domain(name), "domain")),
        ("PUT", ["skus"]) => handle.put_sku(body(request)?),
        ("PUT", ["delta"]) => handle.set_delta_settings(body(request)?),
        ("DELETE", ["audits"]) => handle.clear_audits(),
        ("DELETE", ["mails"]) => handle.clear_mails(),
        ("POST", ["expire-deltas"]) => {
            let expiry = if request.body.is_empty() { Expiry::default() } else { body(request)? };
            handle.expire_deltas(expiry.status, &expiry.code);
        }
        _ => return Ok(nothing_here()),
    }
    Ok(Response::no_content())
}
