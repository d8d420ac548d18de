//! The SCIM endpoints (RFC 7644).

mod body;
mod discovery;
mod prefer;
mod represent;
mod users;

use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use futures_util::future::{Ready, ready};
use utoipa_actix_web::service_config::ServiceConfig;

use super::State;
use super::fault::Fault;
use crate::scim::list::Limits;

/// How many resources a page has.
const LIMITS: Limits = Limits { default_count: 100, max_count: 1000 };
const USER_METHODS: &str = "GET, PUT, PATCH, DELETE";
const USERS_METHODS: &str = "GET, POST";

/// Every endpoint but the searches, which must stand in front of `/Users/{id}`.
macro_rules! endpoints {
    ($config:expr) => {
        $config
            .service(users::create_user)
            .service(users::list_users)
            .service(users::read_user)
            .service(users::replace_user)
            .service(users::patch_user)
            .service(users::delete_user)
            .service(discovery::read_service_provider_config)
            .service(discovery::list_resource_types)
            .service(discovery::read_resource_type)
            .service(discovery::list_schemas)
            .service(discovery::read_schema)
    };
}

/// The endpoints, with their descriptions for the OpenAPI document.
pub(super) fn described(config: &mut ServiceConfig<'_>) {
    endpoints!(config.service(users::search_users).service(users::search_all));
}

/// The endpoints, and what answers the rest.
pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(users::search_users)
        .service(users::search_all)
        .service(web::resource("/.search").to(|| refuse("POST")))
        .service(web::resource("/Users/.search").to(|| refuse("POST")));
    endpoints!(config)
        .service(web::resource("/Users").to(|| refuse(USERS_METHODS)))
        .service(web::resource("/Users/{id}").to(|| refuse(USER_METHODS)))
        .service(web::resource("/ServiceProviderConfig").to(|| refuse("GET")))
        .service(web::resource("/ResourceTypes").to(|| refuse("GET")))
        .service(web::resource("/ResourceTypes/{name}").to(|| refuse("GET")))
        .service(web::resource("/Schemas").to(|| refuse("GET")))
        .service(web::resource("/Schemas/{urn}").to(|| refuse("GET")))
        .default_service(web::to(no_route));
}

fn refuse(allowed: &'static str) -> Ready<Result<HttpResponse, Fault>> {
    ready(Err(Fault::method(allowed)))
}

/// Whatever is at no path, in the SCIM shape.
pub(super) async fn no_route() -> HttpResponse {
    Fault::no_route().error_response()
}

/// The absolute base URL of the SCIM endpoints, without a slash at its end.
fn base_url(request: &HttpRequest, state: &State) -> String {
    if let Some(url) = &state.public_url {
        return format!("{}/scim/v2", url.as_str().trim_end_matches('/'));
    }
    let info = request.connection_info();
    format!("{}://{}/scim/v2", info.scheme(), info.host())
}
