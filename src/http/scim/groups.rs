//! `/Groups` (RFC 7644 §3.2).

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, patch, post, put};

use super::answer::{Asked, Heading, list_query};
use super::body::ScimBody;
use super::documents::{
    Choice, Conditional, Found, GroupBody, Guarded, ListParameters, ListResponse, PatchOp, Read,
    SearchRequest, Taken, Unique,
};
use super::pour::{Pour, Source};
use super::prefer::Preferences;
use super::represent::{Told, group};
use super::search::Search;
use super::{LIMITS, prefer};
use crate::directory::caller::Caller;
use crate::directory::groups::GroupView;
use crate::directory::{Error, Pushed};
use crate::http::State;
use crate::http::auth::ScimCaller;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::ids::GroupId;
use crate::scim::GROUP;
use crate::scim::list::ListQuery;
use crate::scim::members::{GroupInput, GroupPatch};

/// Creates a group here and in Microsoft 365. The answer's `syncStatus` says whether it is there.
#[utoipa::path(
    tag = "scim",
    params(Choice),
    request_body(content = GroupBody, content_type = SCIM_JSON),
    responses(
        (status = 201, description = "Created; syncStatus is synced, pending or unbound. Without a body with Prefer: return=minimal", body = GroupBody, content_type = SCIM_JSON),
        (status = 202, description = "Taken, with Prefer: respond-async", body = GroupBody, content_type = SCIM_JSON),
        Read, Taken, Unique, Guarded
    ),
    security(("bearer" = []))
)]
#[post("/Groups")]
pub(in crate::http) async fn create_group(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state, &GROUP)?;
    let input = GroupInput::parse(body?.0, who.dialect)?;
    let pushed = state.directory.create_group(&who, input, asked.wait).await?;
    asked.group(&state, &who, pushed, StatusCode::CREATED).await
}

/// A page of groups, filtered (RFC 7644 §3.4.2). `excludedAttributes=members` makes it quick where groups are large.
#[utoipa::path(
    tag = "scim",
    params(ListParameters),
    responses((status = 200, description = "The page", body = ListResponse, content_type = SCIM_JSON), Read, Guarded),
    security(("bearer" = []))
)]
#[get("/Groups")]
pub(in crate::http) async fn list_groups(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let query = list_query(&request)?;
    Search::new(&who, &request, &state, &query).groups().await
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
#[post("/Groups/.search")]
pub(in crate::http) async fn search_groups(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let query = ListQuery::parse_search(&body?.0, LIMITS)?;
    Search::new(&who, &request, &state, &query).groups().await
}

/// One group with its members, however many (RFC 7644 §3.4.1).
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The group's id"), Choice),
    responses(
        (status = 200, description = "The group, with its ETag", body = GroupBody, content_type = SCIM_JSON),
        (status = 304, description = "The client has this version (If-None-Match)"),
        Read, Found, Guarded
    ),
    security(("bearer" = []))
)]
#[get("/Groups/{id}")]
pub(in crate::http) async fn read_group(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state, &GROUP)?;
    let view = state.directory.group(who.organization, group_id(&id)?).await?;
    // What Microsoft 365 has is no part of the version: whoever reads a group that is behind must see it.
    if !view.is_behind && prefer::is_known(&request, view.version) {
        return Ok(Asked::known(view.version));
    }
    let response = asked.read(&heading(&view));
    asked.whole_group(&state, &who, &view, Told::Behind, response).await
}

/// Replaces a group (RFC 7644 §3.5.1): also its members. What the body leaves out is cleared.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The group's id"), Choice),
    request_body(content = GroupBody, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "The group as it is now", body = GroupBody, content_type = SCIM_JSON),
        (status = 202, description = "Taken, with Prefer: respond-async", body = GroupBody, content_type = SCIM_JSON),
        (status = 204, description = "Done, with Prefer: return=minimal"),
        Read, Taken, Found, Unique, Conditional, Guarded
    ),
    security(("bearer" = []))
)]
#[put("/Groups/{id}")]
pub(in crate::http) async fn replace_group(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state, &GROUP)?;
    let id = group_id(&id)?;
    let input = GroupInput::parse(body?.0, who.dialect)?;
    let condition = prefer::precondition(&request);
    let pushed = state.directory.replace_group(&who, id, input, condition, asked.wait).await?;
    asked.group(&state, &who, pushed, StatusCode::OK).await
}

/// Patches a group (RFC 7644 §3.5.2): every operation or none. The answer has no body unless the client asks for
/// attributes or for the representation: whoever adds one member to very many does not want them all back.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The group's id"), Choice),
    request_body(content = PatchOp, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "The group as it is now, with attributes or Prefer: return=representation", body = GroupBody, content_type = SCIM_JSON),
        (status = 202, description = "Taken, with Prefer: respond-async"),
        (status = 204, description = "Done"),
        Read, Taken, Found, Unique, Conditional, Guarded
    ),
    security(("bearer" = []))
)]
#[patch("/Groups/{id}")]
pub(in crate::http) async fn patch_group(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let asked = Asked::of(&request, &state, &GROUP)?.sparingly();
    let id = group_id(&id)?;
    let patch = GroupPatch::parse(body?.0, who.dialect)?;
    let condition = prefer::precondition(&request);
    let pushed = state.directory.patch_group(&who, id, patch, condition, asked.wait).await?;
    asked.group(&state, &who, pushed, StatusCode::OK).await
}

/// Deletes a group (RFC 7644 §3.6), here and in Microsoft 365, where Gangway has made it.
#[utoipa::path(
    tag = "scim",
    params(("id" = String, Path, description = "The group's id")),
    responses((status = 204, description = "The group is gone"), Found, Conditional, Guarded),
    security(("bearer" = []))
)]
#[delete("/Groups/{id}")]
pub(in crate::http) async fn delete_group(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let wait = Preferences::of(&request).wait(state.settle_deadline);
    let condition = prefer::precondition(&request);
    state.directory.delete_group(&who, group_id(&id)?, condition, wait).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl Asked {
    async fn group(
        &self,
        state: &State,
        who: &Caller,
        pushed: Pushed<GroupView>,
        done: StatusCode,
    ) -> Result<HttpResponse, Fault> {
        let is_pending = matches!(pushed, Pushed::Pending(_));
        let view = pushed.view();
        let mut opened = self.pushed(done, is_pending, &heading(&view));
        if !opened.has_body {
            return Ok(opened.response.finish());
        }
        self.whole_group(state, who, &view, Told::Always, opened.response).await
    }

    async fn whole_group(
        &self,
        state: &State,
        who: &Caller,
        view: &GroupView,
        told: Told,
        response: HttpResponseBuilder,
    ) -> Result<HttpResponse, Fault> {
        let source = Source {
            directory: state.directory.clone(),
            organization: who.organization,
            base_url: self.base_url.clone(),
            projection: self.projection.clone(),
        };
        let pieces = group::shown(view, &self.base_url, &self.projection, told);
        Ok(Pour::new(source, pieces).answer(response).await?)
    }
}

fn heading(view: &GroupView) -> Heading {
    Heading { version: view.version, path: format!("/Groups/{}", view.id) }
}

/// An id that is none of ours is the id of nobody.
pub(super) fn group_id(text: &str) -> Result<GroupId, Fault> {
    text.parse().map_err(|_| Error::NoSuchGroup(text.to_owned()).into())
}
