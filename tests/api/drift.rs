//! What others change in the tenant: told once each, and undone where the connection asks for that.

mod accounts;
mod crash;
mod groups;
mod repair;
mod rounds;

use std::time::Duration;

use gangway::settings::DriftPolicy;
use gangway::simulator::{DeltaSettings, Simulator};
use serde_json::Value;

use crate::support::{Backend, Gangway, eventually, gangway_on, simulator};

/// A server that looks for changes several times a second. Microsoft tells it some of them twice.
async fn watching(backend: Backend, policy: DriftPolicy) -> Option<Gangway> {
    let gangway = watching_on(backend, policy, simulator().await).await?;
    gangway.simulator().set_delta_settings(DeltaSettings { page_size: 2, noise: true });
    gangway.rounds(1).await;
    Some(gangway)
}

/// The same with this simulator, and without waiting for its first round.
async fn watching_on(backend: Backend, policy: DriftPolicy, simulator: Simulator) -> Option<Gangway> {
    gangway_on(backend, simulator, |config| {
        config.defaults.drift.policy = policy;
        config.defaults.drift.interval = Duration::from_millis(100);
    })
    .await
}

/// The fields of an event's changes.
fn fields(event: &Value) -> Vec<&str> {
    event["changes"].as_array().unwrap().iter().map(|change| change["field"].as_str().unwrap()).collect()
}

impl Gangway {
    /// Waits until so many more rounds over both streams have come to their end.
    async fn rounds(&self, more: i64) {
        let rounds = async || self.number("SELECT COALESCE(MIN(round), 0) AS n FROM delta_link").await;
        let before = rounds().await;
        eventually("rounds come to their end", async || (rounds().await >= before + more).then_some(()))
            .await;
    }

    /// Waits until all that was written is seen in the tenant's changes, or was looked at.
    async fn calm(&self) {
        self.quiet().await;
        let doubts = "SELECT (SELECT COUNT(*) FROM account_binding WHERE unverified_at IS NOT NULL)
            + (SELECT COUNT(*) FROM group_binding WHERE unverified_at IS NOT NULL) AS n";
        eventually("nothing is in doubt", async || (self.number(doubts).await == 0).then_some(())).await;
    }

    /// The events of drift, oldest first.
    async fn drifts(&self) -> Vec<Value> {
        let is_drift = |event: &Value| event["event_type"].as_str().unwrap().ends_with("_drift_detected");
        self.events().await.into_iter().filter(is_drift).collect()
    }

    /// The one event of drift, once it is there; and no other comes in further rounds.
    async fn the_drift(&self) -> Value {
        eventually("the drift is told", async || (!self.drifts().await.is_empty()).then_some(())).await;
        self.rounds(3).await;
        let mut drifts = self.drifts().await;
        assert_eq!(drifts.len(), 1, "{drifts:#?}");
        drifts.remove(0)
    }

    /// No drift is told in the next rounds.
    async fn no_drift(&self) {
        self.rounds(4).await;
        let drifts = self.drifts().await;
        assert!(drifts.is_empty(), "{drifts:#?}");
    }
}
