//! What was measured, as a table and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::Server;

/// Times of one kind of request.
pub(crate) struct Times {
    pub(crate) name: &'static str,
    /// Sorted.
    sorted: Vec<Duration>,
}

/// How the group of all was read.
pub(crate) struct Streamed {
    pub(crate) first_byte: Duration,
    pub(crate) whole: Duration,
    pub(crate) bytes: usize,
    pub(crate) members: usize,
}

/// One directory's figures.
pub(crate) struct Figures {
    pub(crate) users: usize,
    times: Vec<Times>,
    pub(crate) streamed: Option<Streamed>,
    /// Resident memory in megabytes when something was done.
    memory: Vec<(&'static str, f64)>,
    /// The most that it ever was.
    peak: f64,
}

impl Streamed {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    fn megabytes_a_second(&self) -> f64 {
        self.bytes as f64 / 1_000_000.0 / self.whole.as_secs_f64()
    }
}

impl Times {
    /// The time below which this many hundredths of the requests are.
    pub(crate) fn percentile(&self, hundredths: usize) -> Duration {
        let rank = (self.sorted.len() * hundredths).div_ceil(100).max(1);
        self.sorted[rank - 1]
    }

    fn millis(&self, hundredths: usize) -> f64 {
        self.percentile(hundredths).as_secs_f64() * 1_000.0
    }
}

impl Figures {
    pub(crate) fn new(users: usize) -> Self {
        Self { users, times: Vec::new(), streamed: None, memory: Vec::new(), peak: 0.0 }
    }

    /// Adds times to those of the same name.
    pub(crate) fn add(&mut self, name: &'static str, times: Vec<Duration>) {
        let at = self.times.iter().position(|known| known.name == name).unwrap_or_else(|| {
            self.times.push(Times { name, sorted: Vec::new() });
            self.times.len() - 1
        });
        let sorted = &mut self.times[at].sorted;
        sorted.extend(times);
        sorted.sort_unstable();
    }

    pub(crate) fn rss(&mut self, when: &'static str, server: &Server) {
        self.memory.push((when, server.memory("VmRSS")));
        self.peak = self.peak.max(server.memory("VmHWM"));
    }

    pub(crate) fn to_json(&self) -> Value {
        let times: Value = self
            .times
            .iter()
            .map(|times| {
                let figures = json!({
                    "p50_ms": times.millis(50), "p90_ms": times.millis(90), "p99_ms": times.millis(99),
                    "samples": times.sorted.len(),
                });
                (times.name.to_owned(), figures)
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        let memory: serde_json::Map<_, _> =
            self.memory.iter().map(|(when, megabytes)| ((*when).to_owned(), json!(megabytes))).collect();
        json!({
            "users": self.users,
            "times": times,
            "group": self.streamed.as_ref().map(|streamed| json!({
                "members": streamed.members, "bytes": streamed.bytes,
                "first_byte_ms": streamed.first_byte.as_secs_f64() * 1_000.0,
                "whole_ms": streamed.whole.as_secs_f64() * 1_000.0,
                "mb_per_s": streamed.megabytes_a_second(),
            })),
            "memory_mb": memory,
            "peak_memory_mb": self.peak,
        })
    }
}

/// The p99 of the last run over that of the first.
pub(crate) fn ratios(all: &[Figures]) -> Value {
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        return Value::Null;
    };
    let ratio =
        |(few, many): (&Times, &Times)| (few.name.to_owned(), json!(many.millis(99) / few.millis(99)));
    first.times.iter().zip(&last.times).map(ratio).collect::<serde_json::Map<_, _>>().into()
}

/// All runs side by side.
pub(crate) fn table(all: &[Figures]) -> String {
    let mut text = String::from("\np99 (p50) in milliseconds");
    for figures in all {
        write!(text, " {:>22}", format!("{} users", figures.users)).unwrap();
    }
    text.push_str("    ratio of p99\n");
    let ratios = ratios(all);
    for (n, times) in all.first().map(|first| &first.times).into_iter().flatten().enumerate() {
        write!(text, "{:<25}", times.name).unwrap();
        for figures in all {
            let times = &figures.times[n];
            write!(text, " {:>22}", format!("{:.2} ({:.2})", times.millis(99), times.millis(50))).unwrap();
        }
        writeln!(text, " {:>15.2}", ratios[times.name].as_f64().unwrap_or_default()).unwrap();
    }
    text.push('\n');
    for figures in all {
        if let Some(streamed) = &figures.streamed {
            writeln!(
                text,
                "group of {}: first byte after {:.1?}, {} bytes in {:.1?}, {:.1} MB/s",
                streamed.members,
                streamed.first_byte,
                streamed.bytes,
                streamed.whole,
                streamed.megabytes_a_second(),
            )
            .unwrap();
        }
        let memory = figures.memory.iter().map(|(when, megabytes)| format!("{when} {megabytes:.0}"));
        writeln!(
            text,
            "resident memory of the server with {} users, MB: {}; at most {:.0}",
            figures.users,
            memory.collect::<Vec<_>>().join(", "),
            figures.peak,
        )
        .unwrap();
    }
    text
}
