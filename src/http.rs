//! HTTP: each endpoint takes a request apart, makes one call into the directory, and renders the answer.

mod auth;
mod fault;
mod head;
mod header;
mod health;
mod insights;
mod meter;
mod metrics;
mod negotiate;
mod oauth;
mod openapi;
mod scim;
mod server;

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use url::Url;

pub use health::{Check, Component, ComponentState};
pub use openapi::document;
pub use server::{Server, ServerError};

use crate::directory::Directory;
use crate::directory::authorize::SignIn;

/// What every handler can reach.
#[derive(Clone)]
pub struct State {
    /// The wanted state.
    pub directory: Arc<Directory>,
    /// The base URL as clients see it, when a proxy stands in front.
    pub public_url: Option<Url>,
    /// The way to Microsoft's sign-in page.
    pub sign_in: SignIn,
    /// How long a push waits to settle.
    pub settle_deadline: Duration,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// What `/health/ready` asks.
    pub checks: Vec<Check>,
    /// What `/metrics` shows.
    pub metrics: PrometheusHandle,
}
