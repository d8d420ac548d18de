//! Directory insights (`/insights/directory/v1`), compatible with JumpCloud's API.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, post};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::State;
use super::auth::InsightsCaller;
use super::fault::Fault;
use crate::insights::Query;

const JSON: &str = "application/json";

/// What is asked for. Further keys are refused by name.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents the body; Query::parse reads it")]
struct EventsQuery {
    /// The services: `directory` or `all`.
    service: Vec<String>,
    /// RFC 3339, or a date.
    start_time: String,
    /// RFC 3339, or a date; default: now.
    end_time: Option<String>,
    /// Events at most: 1000, at most 10,000.
    limit: Option<u32>,
    /// Events to pass over.
    skip: Option<u64>,
    /// `ASC` or `DESC` by time.
    sort: Option<String>,
    /// The `X-Search_after` of the page before.
    search_after: Option<Vec<Value>>,
    /// The fields to return, with dots.
    fields: Option<Vec<String>>,
}

/// The recorded events, oldest first unless asked otherwise.
#[utoipa::path(
    tag = "insights",
    request_body = EventsQuery,
    responses(
        (status = 200, description = "The events; X-Result-Count, X-Limit, X-Sort and X-Search_after say where the page stands", body = Vec<Object>),
        (status = 400, description = "The query cannot be read; the message says why"),
        (status = 401, description = "No valid token with the scope insights"),
    ),
    security(("bearer" = []), ("api_key" = []))
)]
#[post("/events")]
pub(super) async fn query_events(
    caller: Result<InsightsCaller, Fault>,
    state: Data<State>,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    match answer(caller, &state, body).await {
        Ok(response) => response,
        Err(fault) => fault.respond(JSON, json!({ "message": fault.detail() }).to_string()),
    }
}

async fn answer(
    caller: Result<InsightsCaller, Fault>,
    state: &State,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let InsightsCaller(access) = caller?;
    let body = body.map_err(|error| Fault::unreadable(&error))?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| {
        Fault::new(StatusCode::BAD_REQUEST, None, format!("the body is not JSON: {error}"))
    })?;
    let query =
        Query::parse(&body).map_err(|error| Fault::new(StatusCode::BAD_REQUEST, None, error.to_string()))?;
    let page = state.directory.events(access.organization, &query).await?;
    // An empty page gives back the place that was asked for, so that a collector goes on from there.
    let after = page.last.or(query.after);
    let after = after.map_or_else(|| json!([]), |cursor| cursor.to_json());
    let projected: Vec<Value> = page.documents.into_iter().map(|document| query.project(document)).collect();
    Ok(HttpResponse::Ok()
        .insert_header((HeaderName::from_static("x-result-count"), projected.len().to_string()))
        .insert_header((HeaderName::from_static("x-limit"), query.limit.to_string()))
        .insert_header((HeaderName::from_static("x-sort"), query.order.as_str()))
        .insert_header((HeaderName::from_static("x-search_after"), after.to_string()))
        .json(projected))
}
