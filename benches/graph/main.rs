//! What Microsoft 365 is asked, and how fast: Graph calls for each kind of change, 10,000 creates against Microsoft's own
//! quota, and changes a second at 50 ms latency. The simulator and the server are processes of their own.
//!
//! ```console
//! $ cargo bench --profile perf --bench graph                   # everything; the quota alone takes six minutes
//! $ cargo bench --profile perf --bench graph -- --quick        # 4,000 creates in place of 10,000
//! $ cargo bench --profile perf --bench graph -- --only counts  # or quota, client, end-to-end
//! ```
//!
//! It ends with exit code 1 when one of the promises is broken:
//!
//! - calls: create 1 (+1 for licences, +1 for a manager), unchanged PUT 0, update 1, password 2, block 2, twenty members
//!   added to one group 1;
//! - quota: within 3 % of the time that the quota alone takes, fewer than 1 % of the calls answered 429;
//! - client: 1,000 changes a second through batches at 50 ms latency without throttle.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot go on ends"
)]

mod client;
mod counts;
mod end_to_end;
mod people;
mod quota;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

/// A promise and what was measured.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
    pub(crate) limit: Limit,
}

/// What is promised.
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    /// Told for those who want to know.
    None,
}

impl Row {
    fn holds(&self) -> bool {
        match self.limit {
            Limit::AtMost(most) => self.measured <= most,
            Limit::AtLeast(least) => self.measured >= least,
            Limit::None => true,
        }
    }

    fn limit(&self) -> String {
        match self.limit {
            Limit::AtMost(most) => format!("at most {most}"),
            Limit::AtLeast(least) => format!("at least {least}"),
            Limit::None => String::new(),
        }
    }

    fn to_json(&self) -> Value {
        json!({"name": self.name, "measured": self.measured, "unit": self.unit, "limit": self.limit(), "holds": self.holds()})
    }
}

/// What is measured, from the command line.
#[derive(Default)]
struct Plan {
    quick: bool,
    only: Option<String>,
    json: Option<PathBuf>,
}

impl Plan {
    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut plan = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
            match argument.as_str() {
                // What cargo itself says.
                "--bench" => {}
                "--quick" => plan.quick = true,
                "--only" => plan.only = Some(value()),
                "--json" => plan.json = Some(value().into()),
                other => panic!("{other:?} is not known; see the head of benches/graph/main.rs"),
            }
        }
        plan
    }

    fn has(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let plan = Plan::read(std::env::args().skip(1));
    let mut rows = Vec::new();
    if plan.has("counts") {
        rows.extend(counts::measure().await);
    }
    if plan.has("client") {
        rows.extend(client::measure().await);
    }
    if plan.has("end-to-end") {
        rows.extend(end_to_end::measure().await);
    }
    if plan.has("quota") {
        rows.extend(quota::measure(if plan.quick { 4_000 } else { 10_000 }).await);
    }
    for row in &rows {
        let mark = if row.holds() { "ok" } else { "BROKEN" };
        println!("{mark:<7} {:<52} {:>10.2} {:<14} {}", row.name, row.measured, row.unit, row.limit());
    }
    let report = json!({ "rows": rows.iter().map(Row::to_json).collect::<Vec<_>>() });
    if let Some(path) = plan.json {
        std::fs::write(path, format!("{report:#}\n")).unwrap();
    }
    if rows.iter().all(Row::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
