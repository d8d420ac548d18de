//! The real program is killed, or asked to stop, with work open: nothing is lost and nothing is done twice.

use gangway::simulator::{Action, Handle, Simulator};
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    Backend, Client, Process, TOKEN, database, eventually, hold, on, replace, simulator, user,
};

const NAME: &str = "ann.berg@contoso.example";

/// What outlives a process: its folder, its database and the tenant.
struct World {
    folder: TempDir,
    database: Option<String>,
    simulator: Simulator,
}

impl World {
    async fn new(backend: Backend) -> Option<Self> {
        let database = database(backend).await?;
        let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
        Some(Self { folder, database, simulator })
    }

    /// Starts the program. A dead one's claims are not waited for long.
    async fn start(&self, settings: &[(&str, &str)]) -> Process {
        let mut all = vec![("GANGWAY_WORKER__LEASE", "1s"), ("GANGWAY_WORKER__SWEEP", "200ms")];
        if let Some(url) = &self.database {
            all.push(("GANGWAY_DATABASE_URL", url));
        }
        all.extend(settings);
        Process::serve(self.folder.path(), &self.simulator.url(), &all).await
    }

    async fn bootstrapped(&self) -> Process {
        self.start(&[("GANGWAY_BOOTSTRAP_TOKEN", TOKEN)]).await
    }

    fn tenant(&self) -> Handle {
        self.simulator.directory()
    }
}

async fn told(http: &Client) -> Vec<(String, bool)> {
    let query = json!({"service": ["directory"], "start_time": "2020-01-01"});
    let json = http.clone().with("content-type", "application/json");
    let page = json.post("/insights/directory/v1/events", &query).await.expect(200);
    let events = page.body.as_array().unwrap();
    let tell = |event: &Value| (event["event_type"].as_str().unwrap().to_owned(), event["success"] == true);
    events.iter().map(tell).collect()
}

fn once(event_type: &str) -> (String, bool) {
    (event_type.to_owned(), true)
}

async fn settle(scim: &Client, path: &str) {
    let asked =
        format!("{path}?attributes=urn:ietf:params:scim:schemas:extension:gangway:2.0:User:syncStatus");
    eventually("the user is synced", async || {
        (scim.get(&asked).await.expect(200).sync_status() == "synced").then_some(())
    })
    .await;
}

#[rstest]
#[case::before_it_has_a_token("*/oauth2/v2.0/token", Action::Hold)]
#[case::before_graph_has_acted("/users", Action::Hold)]
#[case::after_graph_has_acted("/users", Action::HoldAfter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_was_cut_off_makes_one_account_and_one_event(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] path: &str,
    #[case] action: Action,
) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let tenant = world.tenant();
    tenant.add_fault(on("POST", path, action));
    let process = world.bootstrapped().await;
    let scim = process.scim(TOKEN);
    let taken = scim.with("prefer", "respond-async").post("/Users", &user("ann.berg")).await.expect(202);
    tenant.held(1).await;
    process.kill();
    tenant.clear_faults();

    let process = world.bootstrapped().await;
    settle(&process.scim(TOKEN), &taken.path()).await;
    assert_eq!(tenant.users().len(), 1);
    assert_eq!(tenant.user(NAME).unwrap().get("accountEnabled"), true);
    assert_eq!(told(&process.http(TOKEN)).await, [once("user_create_provision")]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_waited_when_the_program_was_killed_is_set(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let tenant = world.tenant();
    let process = world.bootstrapped().await;
    let scim = process.scim(TOKEN);
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    tenant.add_fault(hold("PATCH", "/users/*"));
    let hasty = scim.with("prefer", "respond-async");
    hasty.patch(&created.path(), &replace("password", "Ab3-xY7q")).await.expect(202);
    tenant.held(1).await;
    process.kill();
    tenant.clear_faults();

    let process = world.bootstrapped().await;
    settle(&process.scim(TOKEN), &created.path()).await;
    assert!(tenant.signs_in(NAME, "Ab3-xY7q"));
    let events = [once("user_create_provision"), once("user_password_update_provision")];
    assert_eq!(told(&process.http(TOKEN)).await, events);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_was_cut_off_before_the_sign_out_is_finished(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let tenant = world.tenant();
    let process = world.bootstrapped().await;
    let scim = process.scim(TOKEN);
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    tenant.add_fault(hold("POST", "/users/*/revokeSignInSessions"));
    let hasty = scim.with("prefer", "respond-async");
    hasty.delete(&created.path()).await.expect(204);
    tenant.held(1).await;
    assert_eq!(tenant.user(NAME).unwrap().get("accountEnabled"), false);
    process.kill();
    tenant.clear_faults();
    tenant.clear_counts();

    let process = world.bootstrapped().await;
    let http = process.http(TOKEN);
    eventually("the departure is told", async || (told(&http).await.len() == 2).then_some(())).await;
    assert_eq!(told(&http).await, [once("user_create_provision"), once("user_deprovision")]);
    assert_eq!(tenant.count("POST /users/{id}/revokeSignInSessions"), 1);
    assert_eq!(tenant.user(NAME).unwrap().get("accountEnabled"), false);
    process.scim(TOKEN).get(&created.path()).await.expect(404);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_create_was_cut_off_sends_it_again(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let tenant = world.tenant();
    tenant.add_fault(hold("POST", "/users"));
    let process = world.bootstrapped().await;
    let scim = process.scim(TOKEN);
    let waiting = tokio::spawn(async move {
        let body = user("ann.berg").to_string().into_bytes();
        scim.send_bytes(Method::POST, "/Users", Some(body)).await
    });
    tenant.held(1).await;
    process.kill();
    assert!(waiting.await.unwrap().is_err(), "nobody answered");
    tenant.clear_faults();

    let process = world.bootstrapped().await;
    let scim = process.scim(TOKEN);
    let again = scim.post("/Users", &user("ann.berg")).await.expect(409);
    assert_eq!(again.body["scimType"], "uniqueness");
    let found = scim.get(&format!("/Users?filter=userName eq \"{NAME}\"")).await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
    let id = found.body["Resources"][0]["id"].as_str().unwrap();
    settle(&scim, &format!("/Users/{id}")).await;
    assert_eq!((tenant.users().len(), tenant.count("POST /users")), (1, 2));
    assert_eq!(told(&process.http(TOKEN)).await, [once("user_create_provision")]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_survives_being_killed_again_and_again(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let tenant = world.tenant();
    tenant.add_fault(hold("POST", "/users"));
    let mut process = world.bootstrapped().await;
    let queue = process.scim(TOKEN).with("prefer", "respond-async");
    for n in 0..30 {
        queue.post("/Users", &user(&format!("new.hire{n}"))).await.expect(202);
    }
    for _ in 0..3 {
        tenant.held(1).await;
        process.kill();
        // Whatever was held goes on: some accounts are made, and nobody is there to hear of it.
        tenant.release();
        process = world.bootstrapped().await;
    }
    tenant.clear_faults();
    let http = process.http(TOKEN);
    eventually("everything is told", async || (told(&http).await.len() >= 30).then_some(())).await;
    assert_eq!(told(&http).await, vec![once("user_create_provision"); 30]);
    assert_eq!(tenant.users().len(), 30);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn sigterm_answers_who_waits_and_keeps_open_work(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let tenant = world.tenant();
    tenant.add_fault(hold("POST", "/users"));
    let settings = [
        ("GANGWAY_BOOTSTRAP_TOKEN", TOKEN),
        ("GANGWAY_SETTLE_DEADLINE", "2s"),
        ("GANGWAY_SHUTDOWN_GRACE", "5s"),
    ];
    let mut process = world.start(&settings).await;
    let scim = process.scim(TOKEN);
    let waiting = tokio::spawn(async move { scim.post("/Users", &user("ann.berg")).await });
    tenant.held(1).await;
    process.signal("TERM");
    let late = process.scim(TOKEN);
    eventually("new requests are not taken any more", async || {
        late.send_bytes(Method::GET, "/Users", None).await.is_err().then_some(())
    })
    .await;
    let created = waiting.await.unwrap().expect(201);
    assert_eq!(created.sync_status(), "pending");
    let ended = process.ended().await;
    assert!(ended.success(), "{ended}: {}", process.output());
    assert!(!process.output().contains(TOKEN));
    tenant.clear_faults();

    let process = world.bootstrapped().await;
    settle(&process.scim(TOKEN), &created.path()).await;
    assert_eq!(tenant.users().len(), 1);
    assert_eq!(told(&process.http(TOKEN)).await, [once("user_create_provision")]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_takes_no_longer_than_it_must(
    #[case] backend: Backend,
    #[values("TERM", "INT")] signal: &str,
) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let mut process = world.bootstrapped().await;
    process.scim(TOKEN).post("/Users", &user("ann.berg")).await.expect(201);
    // A client that keeps its connection, as real ones do.
    let kept = reqwest::Client::builder().no_proxy().build().unwrap();
    let origin = process.http(TOKEN);
    let answer = kept.get(origin.url("/health/live")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    let before = tokio::time::Instant::now();
    process.signal(signal);
    let ended = process.ended().await;
    assert!(ended.success(), "{ended}");
    let took = before.elapsed();
    assert!(took.as_secs() < 8, "an idle connection held it up for {took:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_keeps_the_token_and_everything_else(#[case] backend: Backend) {
    let Some(world) = World::new(backend).await else {
        return;
    };
    let mut process = world.start(&[]).await;
    let token = process.token();
    let first = process.output();
    assert!(token.len() >= 32, "{first}");
    assert!(first.contains("/scim/v2") && first.contains("curl"), "{first}");
    let scim = process.scim(&token);
    let mut body = user("ann.berg");
    body["title"] = json!("Buyer");
    let created = scim.post("/Users", &body).await.expect(201);
    let read = scim.get(&created.path()).await.expect(200);
    process.signal("TERM");
    assert!(process.ended().await.success());

    let process = world.start(&[]).await;
    assert!(!process.output().contains(&token), "a token is shown once");
    let again = process.scim(&token).get(&created.path()).await.expect(200);
    let without_address = |body: &Value| {
        let mut body = body.clone();
        body["meta"]["location"] = Value::Null;
        body
    };
    assert_eq!(without_address(&again.body), without_address(&read.body));
    process.scim(&token).patch(&created.path(), &replace("title", "Seller")).await.expect(200);
    assert_eq!(world.tenant().user(NAME).unwrap().get("jobTitle"), "Seller");
    assert_eq!(world.tenant().count("POST /users"), 1);
    let events = [once("user_create_provision"), once("user_update_provision")];
    assert_eq!(told(&process.http(&token)).await, events);
}
