//! The OpenAPI document, made from the handlers that answer.

use actix_web::{App, HttpResponse, get};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa_actix_web::AppExt as _;

use super::scim::documents;
use super::server::described;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Gangway",
        description = "A SCIM 2.0 provisioning bridge into Microsoft 365: push users, read what was done.",
    ),
    // What derived answers refer to is not collected from the handlers.
    components(schemas(documents::ErrorBody)),
    tags(
        (name = "scim", description = "SCIM 2.0 (RFC 7643, RFC 7644); also at /scim"),
        (name = "insights", description = "Directory insights: what was done, when, for whom and by whom"),
        (name = "oauth", description = "Authorizing a connection in the browser"),
        (name = "health", description = "For those who run the server"),
    )
)]
struct Base;

/// The document of every endpoint.
pub fn document() -> OpenApi {
    let (_, mut document) =
        App::new().into_utoipa_app().openapi(Base::openapi()).configure(described).split_for_parts();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    let key = ApiKeyValue::with_description("x-api-key", "For collectors made for JumpCloud's API");
    components.add_security_scheme("api_key", SecurityScheme::ApiKey(ApiKey::Header(key)));
    document
}

/// This document.
#[utoipa::path(tag = "health", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
#[get("/openapi.json")]
pub(super) async fn show_openapi() -> HttpResponse {
    HttpResponse::Ok().json(document())
}
