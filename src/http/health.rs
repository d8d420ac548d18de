//! `/health/live` and `/health/ready`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, get};
use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;
use utoipa::ToSchema;

use super::State;

/// How a part of the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComponentState {
    /// It does its part.
    Up,
    /// It does not, though pushes are still taken and kept.
    Degraded,
    /// It does not, and pushes cannot be taken.
    Down,
}

/// One part of the server and how it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Component {
    /// Which part.
    pub name: String,
    /// How it is.
    pub state: ComponentState,
    /// What is wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Asks parts of the server how they are.
pub type Check = Arc<dyn Fn() -> BoxFuture<'static, Vec<Component>> + Send + Sync>;

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// The worst state of all parts.
    state: ComponentState,
    /// Every part.
    components: Vec<Component>,
}

/// Whether the process answers at all.
#[utoipa::path(tag = "health", responses((status = 200, description = "The process answers", body = Health)))]
#[get("/health/live")]
pub(super) async fn live() -> Json<Health> {
    Json(Health { state: ComponentState::Up, components: Vec::new() })
}

/// Whether the server can take pushes, part by part. A tenant that cannot be reached degrades it only: pushes are
/// kept and carried out later.
#[utoipa::path(tag = "health", responses(
    (status = 200, description = "Pushes are taken", body = Health),
    (status = 503, description = "Pushes cannot be taken", body = Health),
))]
#[get("/health/ready")]
pub(super) async fn ready(state: Data<State>) -> HttpResponse {
    let answers = join_all(state.checks.iter().map(|check| check())).await;
    let components: Vec<Component> = answers.into_iter().flatten().collect();
    let is = |wanted| components.iter().any(|component| component.state == wanted);
    let (overall, status) = if is(ComponentState::Down) {
        (ComponentState::Down, StatusCode::SERVICE_UNAVAILABLE)
    } else if is(ComponentState::Degraded) {
        (ComponentState::Degraded, StatusCode::OK)
    } else {
        (ComponentState::Up, StatusCode::OK)
    };
    HttpResponse::build(status).json(Health { state: overall, components })
}
