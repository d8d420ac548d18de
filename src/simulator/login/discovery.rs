//! What the login host says of a tenant to anybody: its OpenID configuration (OpenID Connect Discovery 1.0 §4).

use serde_json::json;

use super::super::message::{Request, Response};
use super::Host;

/// Answers `GET /{tenant}/v2.0/.well-known/openid-configuration`.
pub(super) fn answer(host: &Host<'_>, request: &Request) -> Response {
    if let Err(fault) = host.check_tenant(request) {
        return fault.response(request, host.clock);
    }
    let (base, id) = (&request.base, host.tenant.tenant_id);
    let body = json!({
        "issuer": format!("{base}/{id}/v2.0"),
        "authorization_endpoint": format!("{base}/{id}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/{id}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_modes_supported": ["query", "form_post"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": null,
    });
    Response::json(200, body)
}
