//! `/Bulk` (RFC 7644 §3.7): each operation goes the way of a single request.

use std::sync::Arc;
use std::time::Instant;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, post};
use serde_json::Value;

use super::answer::json;
use super::base_url;
use super::body::ScimBody;
use super::documents::{BulkBody, BulkResponse, Guarded, Read, Taken};
use super::prefer::{Preferences, etag, precondition_of};
use super::{groups::group_id, users::user_id};
use crate::directory::caller::Caller;
use crate::directory::groups::GroupView;
use crate::directory::users::UserView;
use crate::directory::{Directory, Precondition, Pushed, Wait};
use crate::http::State;
use crate::http::auth::ScimCaller;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::scim::bulk::{self, BulkLimits, BulkRequest, BulkRun, Failure, Made, Method, Step};
use crate::scim::members::{GroupInput, GroupPatch};
use crate::scim::{PatchRequest, Resource, ResourceType, USER};

/// Operations in one bulk, at most.
pub(super) const MOST_OPERATIONS: usize = 1_000;

/// Carries out many operations, in order as far as their `bulkId` references allow. What the operations take together
/// to settle in Microsoft 365 is bounded as it is for one: those for which no time is left are answered as pending.
#[utoipa::path(
    tag = "scim",
    request_body(content = BulkBody, content_type = SCIM_JSON),
    responses(
        (status = 200, description = "What became of each operation, also where some failed", body = BulkResponse, content_type = SCIM_JSON),
        Read, Taken, Guarded
    ),
    security(("bearer" = []))
)]
#[post("/Bulk")]
pub(in crate::http) async fn run_bulk(
    caller: ScimCaller,
    request: HttpRequest,
    state: Data<State>,
    body: Result<ScimBody, Fault>,
) -> Result<HttpResponse, Fault> {
    let ScimCaller(who) = caller;
    let base_url = base_url(&request, &state);
    let limits = BulkLimits { max_operations: MOST_OPERATIONS, base_url: &base_url };
    let mut run = BulkRun::new(BulkRequest::parse(body?.0, limits)?);
    let runner = Runner {
        directory: &state.directory,
        who: &who,
        wait: Preferences::of(&request).wait(state.settle_deadline),
        began: Instant::now(),
    };
    while let Some(step) = run.next_step() {
        let (index, outcome) = runner.step(step).await;
        run.done(index, outcome.map_err(|fault| failure(&fault)));
    }
    Ok(json(HttpResponse::Ok(), &bulk::response(run.into_results())))
}

/// Carries out the steps of one bulk.
struct Runner<'a> {
    directory: &'a Arc<Directory>,
    who: &'a Caller,
    /// How long all of them may wait for Microsoft 365, together.
    wait: Wait,
    began: Instant,
}

/// One request of the many.
struct Operation {
    method: Method,
    id: String,
    condition: Precondition,
    data: Value,
}

impl Runner<'_> {
    async fn step(&self, step: Step) -> (usize, Result<Made, Fault>) {
        let (index, resource_type, operation) = match step {
            Step::Run { index, method, resource_type, id, version, data } => {
                let (id, data) = (id.unwrap_or_default(), data.unwrap_or_default());
                let condition = precondition_of(version.as_deref());
                (index, resource_type, Operation { method, id, condition, data })
            }
            Step::Link { index, resource_type, id, patch } => {
                let (method, condition) = (Method::Patch, Precondition::None);
                (index, resource_type, Operation { method, id, condition, data: patch })
            }
        };
        (index, self.carry_out(resource_type, operation).await)
    }

    async fn carry_out(&self, of: &ResourceType, operation: Operation) -> Result<Made, Fault> {
        if of.name == USER.name { self.user(operation).await } else { self.group(operation).await }
    }

    async fn user(&self, operation: Operation) -> Result<Made, Fault> {
        let Operation { method, id, condition, data } = operation;
        let (directory, who, wait) = (self.directory, self.who, self.left());
        let pushed = match method {
            Method::Post => {
                let input = Resource::parse(&USER, data, who.dialect)?;
                directory.create_user(who, input, wait).await?
            }
            Method::Put => {
                let (id, input) = (user_id(&id)?, Resource::parse(&USER, data, who.dialect)?);
                directory.replace_user(who, id, input, condition, wait).await?
            }
            Method::Patch => {
                let (id, operations) = (user_id(&id)?, PatchRequest::parse(data, who.dialect)?);
                directory.patch_user(who, id, operations, condition, wait).await?
            }
            Method::Delete => {
                directory.delete_user(who, user_id(&id)?, condition, wait).await?;
                return Ok(gone(id));
            }
        };
        let of = |view: UserView| (view.id.to_string(), view.version);
        Ok(self.made(method, pushed, of))
    }

    async fn group(&self, operation: Operation) -> Result<Made, Fault> {
        let Operation { method, id, condition, data } = operation;
        let (directory, who, wait) = (self.directory, self.who, self.left());
        let pushed = match method {
            Method::Post => directory.create_group(who, GroupInput::parse(data, who.dialect)?, wait).await?,
            Method::Put => {
                let (id, input) = (group_id(&id)?, GroupInput::parse(data, who.dialect)?);
                directory.replace_group(who, id, input, condition, wait).await?
            }
            Method::Patch => {
                let (id, patch) = (group_id(&id)?, GroupPatch::parse(data, who.dialect)?);
                directory.patch_group(who, id, patch, condition, wait).await?
            }
            Method::Delete => {
                directory.delete_group(who, group_id(&id)?, condition, wait).await?;
                return Ok(gone(id));
            }
        };
        let of = |view: GroupView| (view.id.to_string(), view.version);
        Ok(self.made(method, pushed, of))
    }

    /// What is left of the wait.
    fn left(&self) -> Wait {
        match self.wait {
            Wait::AtMost(longest) => match longest.saturating_sub(self.began.elapsed()) {
                left if left.is_zero() => Wait::Not,
                left => Wait::AtMost(left),
            },
            Wait::Not => Wait::Not,
        }
    }

    fn made<V>(&self, method: Method, pushed: Pushed<V>, of: impl FnOnce(V) -> (String, i64)) -> Made {
        let is_accepted = self.wait == Wait::Not && matches!(pushed, Pushed::Pending(_));
        let status = match method {
            _ if is_accepted => 202,
            Method::Post => 201,
            _ => 200,
        };
        let (id, version) = of(pushed.view());
        Made { id, status, version: Some(etag(version)) }
    }
}

fn gone(id: String) -> Made {
    Made { id, status: 204, version: None }
}

fn failure(fault: &Fault) -> Failure {
    Failure { status: fault.status_code().as_u16(), response: fault.body() }
}
