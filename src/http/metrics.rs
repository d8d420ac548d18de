//! `/metrics`, in Prometheus' text format.

use actix_web::web::Data;
use actix_web::{HttpResponse, get};

use super::State;
use crate::telemetry::names;

/// Counters, histograms and gauges for Prometheus.
#[utoipa::path(tag = "health", responses((status = 200, description = "Prometheus text format", body = String)))]
#[get("/metrics")]
pub(super) async fn show_metrics(state: Data<State>) -> HttpResponse {
    match state.directory.backlog().await {
        Ok(backlog) => {
            for (lane, waiting) in backlog {
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "a gauge is a float; no backlog reaches 2^52"
                )]
                metrics::gauge!(names::DIRTY, "lane" => lane).set(waiting as f64);
            }
        }
        // The rest is needed most when the database is down.
        Err(error) => tracing::warn!(%error, "the backlog could not be counted"),
    }
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(state.metrics.render())
}
