//! `/Users` (RFC 7644 §3.2).

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderName, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, patch, post, put};
use serde_json::Value;
use url::form_urlencoded;

use super::body::ScimBody;
use super::body::documents::{ErrorBody, ListResponse, PatchOp, UserBody};
use super::{LIMITS, base_url, prefer, represent};
use crate::directory::Error;
use crate::directory::caller::Caller;
use crate::directory::users::{Pushed, UserView, Wait};
use crate::http::State;
use crate::http::auth::ScimCaller;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::ids::UserId;
use crate::scim::list::{self, ListQuery};
use crate::scim::{PatchRequest, Predicate, Projection, Resource, USER, filter};

/// Creates a user and its account in Microsoft 365. The answer's `syncStatus` says whether the account is there.
#[utoipa::path(
    tag = "scim",
    request_body(content = UserBody, content_type = "application/scim+json"),
    responses(
        (status = 201, description = "Created; syncStatus is synced, pending or unbound", body = UserBody, content_type = "application/scim+json"),
        (status = 202, description = "Taken, with Prefer: respond-async", body = UserBody, content_type = "application/scim+json"),
        (status = 400, description = "Bad input, or Microsoft refused a value", body = ErrorBody, content_type = "application/scim+json"),
        (status = 401, description = "No valid token with the scope scim", body = ErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The userName is taken", body = ErrorBody, content_type = "application/scim+json"),
        (status = 413, description = "The body is too large", body = ErrorBody, content_type = "application/scim+json"),
        (status = 503, description = "Nothing was changed; repeat later", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[post("/Users")]
pub(in crate::http) async fn create_user(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state)?;
    let input = Resource::parse(&USER, body?.0, who.dialect)?;
    let pushed = state.directory.create_user(&who, input, asked.wait).await?;
    Ok(asked.pushed(pushed, StatusCode::CREATED))
}

/// A page of users, filtered (RFC 7644 §3.4.2).
#[utoipa::path(
    tag = "scim",
    params(
        ("filter" = Option<String>, Query, description = "RFC 7644 §3.4.2.2"),
        ("startIndex" = Option<i64>, Query, description = "From 1"),
        ("count" = Option<i64>, Query, description = "At most 1000; default 100"),
        ("attributes" = Option<String>, Query, description = "The attributes to return"),
        ("excludedAttributes" = Option<String>, Query, description = "The attributes to leave out"),
    ),
    responses(
        (status = 200, description = "The page", body = ListResponse, content_type = "application/scim+json"),
        (status = 400, description = "The filter cannot be read; the detail says where", body = ErrorBody, content_type = "application/scim+json"),
        (status = 401, description = "No valid token with the scope scim", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[get("/Users")]
pub(in crate::http) async fn list_users(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let query = list_query(&request)?;
    search(&who, &request, &state, &query).await
}

/// The same, with the query in the body, where no log of addresses sees it (RFC 7644 §3.4.3).
#[utoipa::path(
    tag = "scim",
    request_body(content = Object, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "The page", body = ListResponse, content_type = "application/scim+json"),
        (status = 400, description = "The query cannot be read", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[post("/Users/.search")]
pub(in crate::http) async fn search_users(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let query = ListQuery::parse_search(&body?.0, LIMITS)?;
    search(&who, &request, &state, &query).await
}

/// A search over all resource types, of which there is one.
#[utoipa::path(
    tag = "scim",
    request_body(content = Object, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "The page", body = ListResponse, content_type = "application/scim+json"),
        (status = 400, description = "The query cannot be read", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[post("/.search")]
pub(in crate::http) async fn search_all(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let query = ListQuery::parse_search(&body?.0, LIMITS)?;
    search(&who, &request, &state, &query).await
}

async fn search(
    who: &Caller,
    request: &HttpRequest,
    state: &State,
    query: &ListQuery,
) -> Result<HttpResponse, Fault> {
    let base_url = base_url(request, state);
    let projection = query.projection(&USER)?;
    let predicate = match &query.filter {
        Some(text) => Some(filter::parse(&USER, text, who.dialect)?),
        None => None,
    };
    let exactly = |view: &UserView| {
        predicate.as_ref().is_none_or(|filter: &Predicate| filter.matches(&represent::whole(view, &base_url)))
    };
    let page = state
        .directory
        .users(who.organization, predicate.as_ref(), exactly, query.start_index, query.count)
        .await?;
    let resources = page.users.iter().map(|view| represent::read(view, &base_url, &projection)).collect();
    let body = list::response(page.total, query.start_index, resources);
    Ok(HttpResponse::Ok().content_type(media_type(request)).body(body.to_string()))
}

/// One user (RFC 7644 §3.4.1).
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 200, description = "The user, with its ETag", body = UserBody, content_type = "application/scim+json"),
        (status = 304, description = "The client has this version (If-None-Match)"),
        (status = 404, description = "There is no such user", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[get("/Users/{id}")]
pub(in crate::http) async fn read_user(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state)?;
    let view = state.directory.user(who.organization, user_id(&id)?).await?;
    // What Microsoft 365 has is no part of the version: whoever reads a user that is behind must see it.
    if !view.is_behind && prefer::is_known(&request, view.version) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, prefer::etag(view.version))).finish());
    }
    let body = represent::read(&view, &asked.base_url, &asked.projection);
    Ok(asked.answer(&view, StatusCode::OK, &body))
}

/// Replaces a user (RFC 7644 §3.5.1): what the body leaves out is cleared, except `active`.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id")),
    request_body(content = UserBody, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "The user as it is now", body = UserBody, content_type = "application/scim+json"),
        (status = 202, description = "Taken, with Prefer: respond-async", body = UserBody, content_type = "application/scim+json"),
        (status = 400, description = "Bad input, or Microsoft refused a value", body = ErrorBody, content_type = "application/scim+json"),
        (status = 403, description = "Microsoft does not allow this; the detail says why", body = ErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such user", body = ErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The userName is taken", body = ErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "If-Match names another version", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[put("/Users/{id}")]
pub(in crate::http) async fn replace_user(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state)?;
    let id = user_id(&id)?;
    let input = Resource::parse(&USER, body?.0, who.dialect)?;
    let condition = prefer::precondition(&request);
    let pushed = state.directory.replace_user(&who, id, input, condition, asked.wait).await?;
    Ok(asked.pushed(pushed, StatusCode::OK))
}

/// Patches a user (RFC 7644 §3.5.2): every operation or none.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id")),
    request_body(content = PatchOp, content_type = "application/scim+json"),
    responses(
        (status = 200, description = "The user as it is now", body = UserBody, content_type = "application/scim+json"),
        (status = 202, description = "Taken, with Prefer: respond-async", body = UserBody, content_type = "application/scim+json"),
        (status = 400, description = "Bad input, or Microsoft refused a value", body = ErrorBody, content_type = "application/scim+json"),
        (status = 403, description = "Microsoft does not allow this; the detail says why", body = ErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such user", body = ErrorBody, content_type = "application/scim+json"),
        (status = 409, description = "The userName is taken", body = ErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "If-Match names another version", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[patch("/Users/{id}")]
pub(in crate::http) async fn patch_user(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state)?;
    let id = user_id(&id)?;
    let operations = PatchRequest::parse(body?.0, who.dialect)?;
    let condition = prefer::precondition(&request);
    let pushed = state.directory.patch_user(&who, id, operations, condition, asked.wait).await?;
    Ok(asked.patched(pushed))
}

/// Deletes a user (RFC 7644 §3.6). The account in Microsoft 365 is blocked, or deleted where `on_delete` says so.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 204, description = "The user is gone"),
        (status = 403, description = "Microsoft does not allow this; the user stays", body = ErrorBody, content_type = "application/scim+json"),
        (status = 404, description = "There is no such user", body = ErrorBody, content_type = "application/scim+json"),
        (status = 412, description = "If-Match names another version", body = ErrorBody, content_type = "application/scim+json"),
    ),
    security(("bearer" = []))
)]
#[delete("/Users/{id}")]
pub(in crate::http) async fn delete_user(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let wait = prefer::wait(&request, state.settle_deadline);
    let condition = prefer::precondition(&request);
    state.directory.delete_user(&who, user_id(&id)?, condition, wait).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How a client wants its request carried out and answered.
struct Asked {
    wait: Wait,
    base_url: String,
    projection: Projection,
    media_type: &'static str,
}

impl Asked {
    fn of(request: &HttpRequest, state: &State) -> Result<Self, Fault> {
        Ok(Self {
            wait: prefer::wait(request, state.settle_deadline),
            base_url: base_url(request, state),
            projection: list_query(request)?.projection(&USER)?,
            media_type: media_type(request),
        })
    }

    fn pushed(&self, pushed: Pushed, status: StatusCode) -> HttpResponse {
        let status = self.status(&pushed, status);
        let view = pushed.view();
        let body = represent::pushed(&view, &self.base_url, &self.projection);
        self.answer(&view, status, &body)
    }

    fn patched(&self, pushed: Pushed) -> HttpResponse {
        let status = self.status(&pushed, StatusCode::OK);
        let view = pushed.view();
        let body = represent::patched(&view, &self.base_url, &self.projection);
        self.answer(&view, status, &body)
    }

    fn status(&self, pushed: &Pushed, done: StatusCode) -> StatusCode {
        let accepted = self.wait == Wait::Not && matches!(pushed, Pushed::Pending(_));
        if accepted { StatusCode::ACCEPTED } else { done }
    }

    fn answer(&self, view: &UserView, status: StatusCode, body: &Value) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(status);
        response
            .insert_header((ETAG, prefer::etag(view.version)))
            .insert_header((LOCATION, format!("{}/Users/{}", self.base_url, view.id)))
            .content_type(self.media_type);
        if status == StatusCode::ACCEPTED {
            response.insert_header((HeaderName::from_static("preference-applied"), "respond-async"));
        }
        response.body(body.to_string())
    }
}

/// An id that is none of ours is the id of nobody.
fn user_id(text: &str) -> Result<UserId, Fault> {
    text.parse().map_err(|_| Error::NoSuchUser(text.to_owned()).into())
}

fn list_query(request: &HttpRequest) -> Result<ListQuery, Fault> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(ListQuery::parse(pairs, LIMITS)?)
}

/// SCIM's media type, unless the client accepts only plain JSON (RFC 7644 §3.1).
pub(super) fn media_type(request: &HttpRequest) -> &'static str {
    let accept = request.headers().get(actix_web::http::header::ACCEPT).and_then(|value| value.to_str().ok());
    match accept {
        Some(accept) if accept.contains("application/json") && !accept.contains("scim+json") => {
            "application/json"
        }
        _ => SCIM_JSON,
    }
}
