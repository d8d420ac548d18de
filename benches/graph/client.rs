//! Changes a second through the client alone, at 50 ms latency without throttle.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use gangway::clock::Clock;
use gangway::graph::{
    AccountId, Call, Cloud, Credential, Graph, NewUser, Pace, Property, Settings, UserPatch,
};
use gangway::simulator::TenantSeed;
use tokio::task::JoinSet;

use crate::world::Microsoft;
use crate::{Limit, Row};

const TASKS: usize = 400;
const ACCOUNTS: usize = 400;
/// Enough for some seconds: a rate that is sustained.
const CHANGES: usize = 20_000;

/// Updates accounts from some hundred tasks.
#[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
pub(crate) async fn measure() -> Vec<Row> {
    let microsoft = Microsoft::start(&["--latency", "50ms"]);
    let (graph, clock) = (client(&microsoft.url), Clock::system());
    let accounts = Arc::new(accounts(&graph, &clock).await);
    microsoft.forget_counts().await;
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (graph, clock, accounts, next) = (graph.clone(), clock.clone(), accounts.clone(), next.clone());
        tasks.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= CHANGES {
                    return;
                }
                let patch = UserPatch::new().with(Property::JobTitle, format!("Title {n}"));
                graph.update_user(&Call::new(&clock), &accounts[n % ACCOUNTS], &patch).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let took = began.elapsed().as_secs_f64();
    assert_eq!(microsoft.count("PATCH /users/{id}").await, CHANGES as u64, "each change is one call");
    vec![Row {
        name: format!("changes through the client at 50 ms, {TASKS} tasks"),
        measured: CHANGES as f64 / took,
        unit: "a second",
        limit: Limit::AtLeast(1_000.0),
    }]
}

fn client(url: &str) -> Graph {
    let seed = TenantSeed::contoso();
    let app = &seed.apps[0];
    let settings = Settings::new(
        Cloud::custom(url, url).unwrap(),
        &seed.tenant_id.to_string(),
        &app.client_id.to_string(),
        Credential::ClientSecret(app.client_secret.clone()),
    );
    let graph = Graph::new(settings, Clock::system()).unwrap();
    graph.set_pace(Pace { metered: false, ..Pace::default() });
    graph
}

async fn accounts(graph: &Graph, clock: &Clock) -> Vec<AccountId> {
    let mut tasks = JoinSet::new();
    for n in 0..ACCOUNTS {
        let (graph, clock) = (graph.clone(), clock.clone());
        tasks.spawn(async move {
            let properties = UserPatch::new()
                .with(Property::UserPrincipalName, format!("user.{n}@contoso.example"))
                .with(Property::MailNickname, format!("user.{n}"))
                .with(Property::DisplayName, format!("User {n}"))
                .with(Property::AccountEnabled, true);
            let new = NewUser::new(properties, "Gang-Way-77x".into()).unwrap();
            graph.create_user(&Call::new(&clock), &new).await.unwrap().value.user.id
        });
    }
    tasks.join_all().await
}
