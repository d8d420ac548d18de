//! What the server offers (RFC 7644 §4), told from the data that does the work.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use serde_json::Value;

use super::bulk::MOST_OPERATIONS;
use super::documents::{Found, Guarded, ListResponse};
use super::{LIMITS, base_url};
use crate::http::State;
use crate::http::auth::ScimCaller;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::scim::schema::discovery::{self, AuthenticationScheme, Bulk, Capabilities, Pagination};
use crate::scim::{GROUP, ResourceType, USER, list};

/// The resource types that have endpoints.
static OFFERED: [&ResourceType; 2] = [&USER, &GROUP];

/// What of the protocol works (RFC 7643 §5).
#[utoipa::path(
    tag = "scim",
    responses((status = 200, description = "The configuration", body = Object, content_type = SCIM_JSON), Guarded),
    security(("bearer" = []))
)]
#[get("/ServiceProviderConfig")]
pub(in crate::http) async fn read_service_provider_config(
    _caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse, Fault> {
    refuse_filter(&request)?;
    let offered = Capabilities {
        patch: true,
        bulk: Some(Bulk {
            max_operations: MOST_OPERATIONS as u64,
            max_payload_size: state.max_body_bytes as u64,
        }),
        filter_max_results: Some(LIMITS.max_count),
        change_password: true,
        sort: true,
        etag: true,
        pagination: Pagination {
            cursor: true,
            index: true,
            default_page_size: LIMITS.default_count,
            max_page_size: LIMITS.max_count,
        },
        authentication_schemes: vec![AuthenticationScheme {
            kind: "oauthbearertoken".to_owned(),
            name: "Bearer token".to_owned(),
            description: "A token made by `gangway token create`, sent as `Authorization: Bearer TOKEN`"
                .to_owned(),
            spec_uri: Some("https://www.rfc-editor.org/rfc/rfc6750".to_owned()),
            primary: true,
        }],
        documentation_uri: None,
    };
    let body = discovery::service_provider_config(&offered, &base_url(&request, &state));
    Ok(respond(&body))
}

/// The types of resources (RFC 7643 §6).
#[utoipa::path(
    tag = "scim",
    responses((status = 200, description = "All of them", body = ListResponse, content_type = SCIM_JSON), Guarded),
    security(("bearer" = []))
)]
#[get("/ResourceTypes")]
pub(in crate::http) async fn list_resource_types(
    _caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse, Fault> {
    refuse_filter(&request)?;
    Ok(respond_all(discovery::resource_types(&OFFERED, &base_url(&request, &state))))
}

/// One type of resource.
#[utoipa::path(
    tag = "scim",
    params(("name" = String, Path, description = "Its name, such as User")),
    responses((status = 200, description = "It", body = Object, content_type = SCIM_JSON), Found, Guarded),
    security(("bearer" = []))
)]
#[get("/ResourceTypes/{name}")]
pub(in crate::http) async fn read_resource_type(
    _caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    name: Path<String>,
) -> Result<HttpResponse, Fault> {
    let found = discovery::find_resource_type(&OFFERED, &name).ok_or_else(|| {
        Fault::new(
            StatusCode::NOT_FOUND,
            None,
            format!("there is no resource type \"{name}\"; see /ResourceTypes"),
        )
    })?;
    Ok(respond(&discovery::resource_type(found, &base_url(&request, &state))))
}

/// The schemas (RFC 7643 §7).
#[utoipa::path(
    tag = "scim",
    responses((status = 200, description = "All of them", body = ListResponse, content_type = SCIM_JSON), Guarded),
    security(("bearer" = []))
)]
#[get("/Schemas")]
pub(in crate::http) async fn list_schemas(
    _caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse, Fault> {
    refuse_filter(&request)?;
    Ok(respond_all(discovery::schemas(&OFFERED, &base_url(&request, &state))))
}

/// One schema, by its URN.
#[utoipa::path(
    tag = "scim",
    params(("urn" = String, Path, description = "Its URN")),
    responses((status = 200, description = "It", body = Object, content_type = SCIM_JSON), Found, Guarded),
    security(("bearer" = []))
)]
#[get("/Schemas/{urn}")]
pub(in crate::http) async fn read_schema(
    _caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    urn: Path<String>,
) -> Result<HttpResponse, Fault> {
    let found = discovery::find_schema(&OFFERED, &urn).ok_or_else(|| {
        Fault::new(StatusCode::NOT_FOUND, None, format!("there is no schema \"{urn}\"; see /Schemas"))
    })?;
    Ok(respond(&discovery::schema(found, &base_url(&request, &state))))
}

/// RFC 7644 §4: a filter on these endpoints is refused, so that a client does not take all for some.
fn refuse_filter(request: &HttpRequest) -> Result<(), Fault> {
    let asked = url::form_urlencoded::parse(request.query_string().as_bytes())
        .any(|(name, _)| name.eq_ignore_ascii_case("filter"));
    if !asked {
        return Ok(());
    }
    Err(Fault::new(
        StatusCode::FORBIDDEN,
        None,
        "this endpoint cannot be filtered (RFC 7644 §4); read it whole",
    ))
}

fn respond(body: &Value) -> HttpResponse {
    HttpResponse::Ok().content_type(SCIM_JSON).body(body.to_string())
}

fn respond_all(resources: Vec<Value>) -> HttpResponse {
    let total = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    respond(&list::response(total, 1, resources))
}
