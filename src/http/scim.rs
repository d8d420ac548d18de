//! The SCIM endpoints (RFC 7644).

mod answer;
mod body;
mod bulk;
mod discovery;
#[expect(dead_code, reason = "it describes what scim and http::fault read and write")]
pub(super) mod documents;
mod groups;
mod pour;
mod prefer;
mod represent;
mod search;
mod users;

use actix_web::http::StatusCode;
use actix_web::http::header::HOST;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use futures_util::future::{Ready, ready};
use utoipa_actix_web::service_config::ServiceConfig;

use super::State;
use super::auth::ScimCaller;
use super::fault::Fault;
use crate::scim::list::Limits;

/// How many resources a page has.
const LIMITS: Limits = Limits { default_count: 100, max_count: 1000 };
const RESOURCE_METHODS: &str = "GET, HEAD, PUT, PATCH, DELETE";
const RESOURCES_METHODS: &str = "GET, HEAD, POST";
const DOCUMENT_METHODS: &str = "GET, HEAD";

/// Every endpoint but the searches, which must stand in front of `/Users/{id}` and `/Groups/{id}`.
macro_rules! endpoints {
    ($config:expr) => {
        $config
            .service(users::create_user)
            .service(users::list_users)
            .service(users::read_user)
            .service(users::replace_user)
            .service(users::patch_user)
            .service(users::delete_user)
            .service(groups::create_group)
            .service(groups::list_groups)
            .service(groups::read_group)
            .service(groups::replace_group)
            .service(groups::patch_group)
            .service(groups::delete_group)
            .service(bulk::run_bulk)
            .service(discovery::read_service_provider_config)
            .service(discovery::list_resource_types)
            .service(discovery::read_resource_type)
            .service(discovery::list_schemas)
            .service(discovery::read_schema)
    };
}

/// The endpoints, with their descriptions for the OpenAPI document.
pub(super) fn described(config: &mut ServiceConfig<'_>) {
    endpoints!(
        config.service(users::search_users).service(groups::search_groups).service(search::search_all)
    );
}

/// The endpoints, and what answers the rest.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(users::search_users)
        .service(groups::search_groups)
        .service(search::search_all)
        .service(web::resource("/.search").to(|| refuse("POST")))
        .service(web::resource("/Users/.search").to(|| refuse("POST")))
        .service(web::resource("/Groups/.search").to(|| refuse("POST")));
    endpoints!(config)
        .service(web::resource("/Users").to(|| refuse(RESOURCES_METHODS)))
        .service(web::resource("/Users/{id}").to(|| refuse(RESOURCE_METHODS)))
        .service(web::resource("/Groups").to(|| refuse(RESOURCES_METHODS)))
        .service(web::resource("/Groups/{id}").to(|| refuse(RESOURCE_METHODS)))
        .service(web::resource("/Bulk").to(|| refuse("POST")))
        .service(web::resource("/ServiceProviderConfig").to(|| refuse(DOCUMENT_METHODS)))
        .service(web::resource("/ResourceTypes").to(|| refuse(DOCUMENT_METHODS)))
        .service(web::resource("/ResourceTypes/{name}").to(|| refuse(DOCUMENT_METHODS)))
        .service(web::resource("/Schemas").to(|| refuse(DOCUMENT_METHODS)))
        .service(web::resource("/Schemas/{urn}").to(|| refuse(DOCUMENT_METHODS)))
        .service(web::resource("/Me").to(refuse_me))
        .default_service(web::to(no_route));
}

/// RFC 7644 §3.11 wants 501 of a server for which nobody is "me".
async fn refuse_me(_caller: ScimCaller) -> Result<HttpResponse, Fault> {
    Err(Fault::new(
        StatusCode::NOT_IMPLEMENTED,
        None,
        "/Me is not offered: a bearer token stands for an identity system, not for a person; \
         use /Users/{id}, or find the user with a filter such as userName eq \"ann@contoso.example\"",
    ))
}

fn refuse(allowed: &'static str) -> Ready<Result<HttpResponse, Fault>> {
    ready(Err(Fault::method(allowed)))
}

/// Whatever is at no path, in the SCIM shape.
pub(super) async fn no_route() -> HttpResponse {
    Fault::no_route().error_response()
}

/// The absolute base URL of the SCIM endpoints, without a slash at its end. What headers such as `X-Forwarded-Host`
/// say counts for nothing: anybody can send them. Behind a proxy `public_url` says what clients see.
fn base_url(request: &HttpRequest, state: &State) -> String {
    if let Some(url) = &state.public_url {
        return format!("{}/scim/v2", url.as_str().trim_end_matches('/'));
    }
    let config = request.app_config();
    let scheme = if config.secure() { "https" } else { "http" };
    format!("{scheme}://{}/scim/v2", host(request).unwrap_or_else(|| config.host()))
}

/// The host that the request is for (RFC 9112 §3.3).
fn host(request: &HttpRequest) -> Option<&str> {
    match request.uri().authority() {
        // Without what stands in front of an `@`, which is no part of the host.
        Some(authority) => authority.as_str().rsplit('@').next(),
        None => request.headers().get(HOST)?.to_str().ok().filter(|host| !host.is_empty()),
    }
}
