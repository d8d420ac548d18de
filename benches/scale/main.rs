//! How the server's answers and memory grow with the directory: the same requests with few users and with many, and one
//! group of all of them, on SQLite, over HTTP against the real program.
//!
//! ```console
//! $ cargo bench --profile perf --bench scale                     # 1,000 against 100,000 users
//! $ cargo bench --profile perf --bench scale -- --users 1000,20000 --samples 300 --json scale.json
//! ```
//!
//! `--microsoft simulator` (the default) has the simulator in a process of its own, so that its memory is not the
//! server's; every user has an account, and a member change waits for it. `--microsoft none` has no connection at all:
//! nobody is provisioned, and the figures are those of SCIM and of the database alone.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark that cannot go on ends"
)]

mod directory;
mod figures;
mod process;
mod requests;

use std::path::PathBuf;

use serde_json::json;

use figures::Figures;
use process::{Microsoft, Server};
use requests::Dice;

const ROUNDS: usize = 5;

/// What is measured, from the command line.
struct Plan {
    users: Vec<usize>,
    samples: usize,
    microsoft: Microsoft,
    json: Option<PathBuf>,
}

impl Plan {
    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut plan =
            Self { users: vec![1_000, 100_000], samples: 1_000, microsoft: Microsoft::Simulator, json: None };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{argument} needs a value"));
            match argument.as_str() {
                // What cargo itself says.
                "--bench" => {}
                "--users" => plan.users = value().split(',').map(|count| count.parse().unwrap()).collect(),
                "--samples" => plan.samples = value().parse().unwrap(),
                "--json" => plan.json = Some(value().into()),
                "--microsoft" => {
                    plan.microsoft = match value().as_str() {
                        "simulator" => Microsoft::Simulator,
                        "none" => Microsoft::None,
                        other => panic!("--microsoft is simulator or none, not {other:?}"),
                    }
                }
                other => panic!("{other:?} is not known; see the head of benches/scale/main.rs"),
            }
        }
        plan
    }
}

#[tokio::main]
async fn main() {
    let plan = Plan::read(std::env::args().skip(1));
    let mut worlds = Vec::new();
    for &users in &plan.users {
        worlds.push(World::new(plan.microsoft, users).await);
    }
    // By turns, so that what else the machine does falls on all of them.
    for round in 1..=ROUNDS {
        for world in &mut worlds {
            world.measure(plan.samples.div_ceil(ROUNDS)).await;
            eprintln!("{} users, round {round} of {ROUNDS}", world.figures.users);
        }
    }
    let all: Vec<Figures> = worlds.into_iter().map(World::finished).collect();
    println!("{}", figures::table(&all));
    let report = json!({
        "microsoft": plan.microsoft.name(),
        "samples": plan.samples,
        "runs": all.iter().map(Figures::to_json).collect::<Vec<_>>(),
        "ratios": figures::ratios(&all),
    });
    println!("{report}");
    if let Some(path) = plan.json {
        std::fs::write(path, format!("{report:#}\n")).unwrap();
    }
}

/// One server with so many users and a group of all of them.
struct World {
    server: Server,
    people: Vec<String>,
    group: String,
    dice: Dice,
    figures: Figures,
}

impl World {
    async fn new(microsoft: Microsoft, users: usize) -> Self {
        let server = Server::start(microsoft);
        let mut figures = Figures::new(users);
        figures.rss("started", &server);
        let people = directory::people(&server, users).await;
        figures.rss("users are made", &server);
        let group = directory::group(&server, &people).await;
        figures.rss("the group has them all", &server);
        Self { server, people, group, dice: Dice::default(), figures }
    }

    async fn measure(&mut self, samples: usize) {
        let Self { server, people, group, dice, figures } = self;
        requests::measure(server, people, group, dice, samples, figures).await;
    }

    fn finished(mut self) -> Figures {
        self.figures.rss("measured", &self.server);
        self.figures
    }
}
