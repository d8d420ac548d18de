//! The real program is killed between two pages: nothing is lost and nothing is told twice.

use gangway::simulator::{DeltaSettings, Handle, UserSeed, When};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Client, Process, TOKEN, database, eventually, hold, simulator, user};

const PEOPLE: usize = 6;

async fn drifts(http: &Client) -> Vec<String> {
    let query = json!({"service": ["directory"], "start_time": "2020-01-01"});
    let json = http.clone().with("content-type", "application/json");
    let page = json.post("/insights/directory/v1/events", &query).await.expect(200);
    let events = page.body.as_array().unwrap();
    let mut names: Vec<String> = events
        .iter()
        .filter(|event| event["event_type"] == "user_drift_detected")
        .map(|event: &Value| event["resource"]["username"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Waits until some more pages of changes were read.
async fn more_pages(tenant: &Handle) {
    let before = tenant.count("GET /users/delta");
    let more = async || (tenant.count("GET /users/delta") >= before + 12).then_some(());
    eventually("further pages are read", more).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite, false)]
#[case::postgres(Backend::Postgres, false)]
#[case::sqlite_reading_everything(Backend::Sqlite, true)]
#[case::postgres_reading_everything(Backend::Postgres, true)]
#[tokio::test(flavor = "multi_thread")]
async fn a_round_goes_on_after_a_kill(#[case] backend: Backend, #[case] everything: bool) {
    let Some(database) = database(backend).await else { return };
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let tenant = simulator.directory();
    tenant.set_delta_settings(DeltaSettings { page_size: 1, noise: false });
    let mut settings = vec![
        ("GANGWAY_DEFAULTS__DRIFT__INTERVAL", "200ms"),
        ("GANGWAY_WORKER__LEASE", "1s"),
        ("GANGWAY_WORKER__SWEEP", "200ms"),
        ("GANGWAY_BOOTSTRAP_TOKEN", TOKEN),
    ];
    if let Some(url) = &database {
        settings.push(("GANGWAY_DATABASE_URL", url));
    }
    let first = Process::serve(folder.path(), &simulator.url(), &settings).await;
    let mut accounts = Vec::new();
    for n in 0..PEOPLE {
        let created = first.scim(TOKEN).post("/Users", &user(&format!("p{n}.berg"))).await.expect(201);
        assert_eq!(created.sync_status(), "synced");
        accounts.push(tenant.user(&format!("p{n}.berg@contoso.example")).unwrap().id);
    }
    // What was made is seen, and doubted no more.
    more_pages(&tenant).await;
    assert_eq!(drifts(&first.http(TOKEN)).await, Vec::<String>::new());
    let mut stop = hold("GET", "/users/delta*");
    stop.when = When::Nth(if everything { 6 } else { 4 });
    tenant.add_fault(stop);
    for id in &accounts {
        let seed = UserSeed { id: Some(*id), ..UserSeed::default() }.with("surname", json!("Other"));
        tenant.put(&seed).unwrap();
    }
    if everything {
        tenant.expire_deltas(410, "syncStateNotFound");
    }
    eventually("a page is waited for", async || {
        let held = drifts(&first.http(TOKEN)).await.len();
        (held > 0 && held < PEOPLE).then_some(())
    })
    .await;
    first.kill();
    tenant.clear_faults();
    let second = Process::serve(folder.path(), &simulator.url(), &settings).await;
    let http = second.http(TOKEN);
    eventually("all are told", async || (drifts(&http).await.len() >= PEOPLE).then_some(())).await;
    more_pages(&tenant).await;
    let names: Vec<String> = (0..PEOPLE).map(|n| format!("p{n}.berg@contoso.example")).collect();
    assert_eq!(drifts(&http).await, names, "each is told once");
}
