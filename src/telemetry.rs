//! Logs and metrics: how a line is written, and the names of what is counted.

use std::io::IsTerminal as _;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::LogFormat;

/// The names of the metrics, as they stand on `/metrics`.
pub mod names {
    /// Requests by method, route and status.
    pub const HTTP_REQUESTS: &str = "gangway_http_requests_total";
    /// Seconds a request took, by method and route.
    pub const HTTP_SECONDS: &str = "gangway_http_request_seconds";
    /// Resources whose wanted and given states differ, by lane.
    pub const DIRTY: &str = "gangway_dirty_resources";
    /// Directory-insights events by type and success.
    pub const EVENTS: &str = "gangway_events_total";
    /// Rounds over the changes of a tenant, by stream (users, groups) and result (done, failed).
    pub const DRIFT_ROUNDS: &str = "gangway_drift_rounds_total";
    /// What others have changed in a tenant, by kind.
    pub const DRIFT: &str = "gangway_drift_total";
}

const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Telemetry that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Directives that cannot be read.
    #[error(
        "log = \"{directives}\" cannot be read ({reason}); use a level such as info, or info,gangway=debug"
    )]
    Directives {
        /// As they were given.
        directives: String,
        /// What is wrong.
        reason: String,
    },
}

/// Writes logs to standard error from here on. A second call leaves the first in place.
pub fn start_logs(directives: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(directives).map_err(|error| TelemetryError::Directives {
        directives: directives.to_owned(),
        reason: error.to_string(),
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = match format {
        LogFormat::Text => registry
            .with(
                layer()
                    .with_writer(std::io::stderr)
                    .with_target(false)
                    .with_ansi(std::io::stderr().is_terminal()),
            )
            .try_init(),
        LogFormat::Json => registry.with(layer().json().with_writer(std::io::stderr)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logs were set up already");
    }
    Ok(())
}

/// The process's metrics. One recorder serves all servers of a process, as tests start several.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: std::sync::OnceLock<PrometheusHandle> = std::sync::OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder =
                match builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS) {
                    Ok(builder) => builder,
                    // Only an empty list of buckets is refused.
                    Err(_) => PrometheusBuilder::new(),
                };
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is installed; /metrics stays empty");
            }
            handle
        })
        .clone()
}
