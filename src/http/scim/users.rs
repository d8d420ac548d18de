//! `/Users` (RFC 7644 §3.2).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};

use super::answer::{Asked, Heading, json, list_query};
use super::body::ScimBody;
use super::documents::{
    Choice, Conditional, Found, Guarded, ListParameters, ListResponse, PatchOp, Read, SearchRequest, Taken,
    Unique, UserBody,
};
use super::prefer::Preferences;
use super::represent::{self, Told, user};
use super::search::Search;
use super::{LIMITS, prefer};
use crate::directory::users::UserView;
use crate::directory::{Error, Pushed};
use crate::http::State;
use crate::http::auth::ScimCaller;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::ids::UserId;
use crate::scim::list::ListQuery;
use crate::scim::{PatchRequest, Resource, USER};

/// Creates a user and its account in Microsoft 365. The answer's `syncStatus` says whether the account is there.
#[utoipa::path(
    tag = "scim",
    params(Choice),
    request_body(content = UserBody, content_type = SCIM_JSON),
    responses(
        (status = 201, description = "Created; syncStatus is synced, pending or unbound. Without a body with Prefer: return=minimal", body = UserBody, content_type = SCIM_JSON),
        (status = 202, description = "Taken, with Prefer: respond-async", body = UserBody, content_type = SCIM_JSON),
        Read, Taken, Unique, Guarded
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
    let asked = Asked::of(&request, &state, &USER)?;
    let input = Resource::parse(&USER, body?.0, who.dialect)?;
    let pushed = state.directory.create_user(&who, input, asked.wait).await?;
    Ok(asked.user(pushed, StatusCode::CREATED, Told::Always))
}

/// A page of users, filtered (RFC 7644 §3.4.2).
#[utoipa::path(
    tag = "scim",
    params(ListParameters),
    responses((status = 200, description = "The page", body = ListResponse, content_type = SCIM_JSON), Read, Guarded),
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
    Search::new(&who, &request, &state, &query).users().await
}

/// The same, with the query in the body, where no log of addresses sees it (RFC 7644 §3.4.3).
#[utoipa::path(
    tag = "scim",
    request_body(content = SearchRequest, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "The page", body = ListResponse, content_type = SCIM_JSON),
        Read, Taken, Guarded
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
    Search::new(&who, &request, &state, &query).users().await
}

/// One user (RFC 7644 §3.4.1).
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id"), Choice),
    responses(
        (status = 200, description = "The user, with its ETag", body = UserBody, content_type = SCIM_JSON),
        (status = 304, description = "The client has this version (If-None-Match)"),
        Read, Found, Guarded
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
    let asked = Asked::of(&request, &state, &USER)?;
    let with_groups = represent::wants(&asked.projection, "groups");
    let view = state.directory.user(who.organization, user_id(&id)?, with_groups).await?;
    // What Microsoft 365 has is no part of the version: whoever reads a user that is behind must see it.
    if !view.is_behind && prefer::is_known(&request, view.version) {
        return Ok(Asked::known(view.version));
    }
    let body = user::shown(&view, &asked.base_url, &asked.projection, Told::Behind);
    Ok(json(asked.read(&heading(&view)), &body))
}

/// Replaces a user (RFC 7644 §3.5.1): what the body leaves out is cleared, except `active`.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id"), Choice),
    request_body(content = UserBody, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "The user as it is now", body = UserBody, content_type = SCIM_JSON),
        (status = 202, description = "Taken, with Prefer: respond-async", body = UserBody, content_type = SCIM_JSON),
        (status = 204, description = "Done, with Prefer: return=minimal"),
        Read, Taken, Found, Unique, Conditional, Guarded
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
    let asked = Asked::of(&request, &state, &USER)?;
    let id = user_id(&id)?;
    let input = Resource::parse(&USER, body?.0, who.dialect)?;
    let condition = prefer::precondition(&request);
    let pushed = state.directory.replace_user(&who, id, input, condition, asked.wait).await?;
    Ok(asked.user(pushed, StatusCode::OK, Told::Always))
}

/// Patches a user (RFC 7644 §3.5.2): every operation or none.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id"), Choice),
    request_body(content = PatchOp, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "The user as it is now", body = UserBody, content_type = SCIM_JSON),
        (status = 202, description = "Taken, with Prefer: respond-async", body = UserBody, content_type = SCIM_JSON),
        (status = 204, description = "Done, with Prefer: return=minimal"),
        Read, Taken, Found, Unique, Conditional, Guarded
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
    let asked = Asked::of(&request, &state, &USER)?;
    let id = user_id(&id)?;
    let operations = PatchRequest::parse(body?.0, who.dialect)?;
    let condition = prefer::precondition(&request);
    let pushed = state.directory.patch_user(&who, id, operations, condition, asked.wait).await?;
    Ok(asked.user(pushed, StatusCode::OK, Told::Unsynced))
}

/// Deletes a user (RFC 7644 §3.6). The account in Microsoft 365 is blocked, or deleted where `on_delete` says so.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The user's id")),
    responses((status = 204, description = "The user is gone"), Found, Conditional, Guarded),
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
    let wait = Preferences::of(&request).wait(state.settle_deadline);
    let condition = prefer::precondition(&request);
    state.directory.delete_user(&who, user_id(&id)?, condition, wait).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Asked {
    fn user(&self, pushed: Pushed<UserView>, done: StatusCode, told: Told) -> HttpResponse {
        let is_pending = matches!(pushed, Pushed::Pending(_));
        let view = pushed.view();
        let opened = self.pushed(done, is_pending, &heading(&view));
        opened.with(|| user::shown(&view, &self.base_url, &self.projection, told))
    }
}

fn heading(view: &UserView) -> Heading {
    Heading { version: view.version, path: format!("/Users/{}", view.id) }
}

/// An id that is none of ours is the id of nobody.
pub(super) fn user_id(text: &str) -> Result<UserId, Fault> {
    text.parse().map_err(|_| Error::NoSuchUser(text.to_owned()).into())
}
