//! `/health/live` and `/health/ready`.

use std::net::TcpListener;
use std::time::Duration;

use gangway::app::App;
use gangway::clock::Clock;
use gangway::secret::MasterKey;
use rstest::rstest;
use sea_orm::{ConnectionTrait as _, Database};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{
    Answer, Backend, Gangway, Process, answer, command, eventually, gangway, gangway_with, on, simulator,
    user,
};

async fn ready(gangway: &Gangway) -> Answer {
    gangway.http().without("authorization").get("/health/ready").await
}

fn component<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    let components = answer.body["components"].as_array().unwrap();
    let found = components.iter().find(|component| component["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {}", answer.text))
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_server_says_so_part_by_part(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let live = gangway.http().without("authorization").get("/health/live").await.expect(200);
    assert_eq!(live.body, json!({"state": "up", "components": []}));
    let up = eventually("all parts are up", async || {
        let answer = ready(&gangway).await.expect(200);
        (answer.body["state"] == "up").then_some(answer)
    })
    .await;
    assert_eq!(
        up.body,
        json!({"state": "up", "components": [
            {"name": "database", "state": "up"},
            {"name": "worker", "state": "up"},
            {"name": "graph:contoso", "state": "up"},
        ]})
    );
    assert_eq!(up.header("content-type"), "application/json");
}

/// A loopback port on which nobody listens.
fn nobody() -> url::Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn without_graph_the_server_is_degraded_and_takes_pushes_all_the_same(#[case] backend: Backend) {
    let started = gangway_with(backend, |config| {
        config.simulator.url = Some(nobody());
        config.settle_deadline = Duration::from_millis(300);
    });
    let Some(mut gangway) = started.await else {
        return;
    };
    let answer = ready(&gangway).await.expect(200);
    assert_eq!(answer.body["state"], "degraded");
    assert_eq!(component(&answer, "database")["state"], "up");
    let graph = component(&answer, "graph:contoso");
    assert_eq!(graph["state"], "degraded");
    assert!(graph["detail"].as_str().unwrap().len() > 40, "a sentence: {graph}");
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(created.sync_status(), "pending");

    let back = simulator().await;
    gangway.config().simulator.url = Some(back.url());
    gangway.restart().await;
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert!(back.directory().user("ann.berg@contoso.example").is_some());
    assert_eq!(ready(&gangway).await.expect(200).body["state"], "up");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_microsoft_refuses_is_named_with_what_to_do(#[case] backend: Backend) {
    let Some(mut gangway) = Gangway::prepare(backend, |_| {}).await else {
        return;
    };
    let refusal = answer(401, "invalid_client", None);
    gangway.simulator().add_fault(on("POST", "/*/oauth2/v2.0/token", refusal));
    gangway.start().await;
    let answer = ready(&gangway).await.expect(200);
    let graph = component(&answer, "graph:contoso");
    assert_eq!((&answer.body["state"], &graph["state"]), (&json!("degraded"), &json!("degraded")));
    assert!(!answer.text.contains("simulator-secret"), "{}", answer.text);
    gangway.simulator().clear_faults();
    eventually("Graph is reached again", async || {
        (ready(&gangway).await.expect(200).body["state"] == "up").then_some(())
    })
    .await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_is_told_by_what_it_cannot_read(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let other = tempfile::tempdir().unwrap();
    drop(MasterKey::load_or_create(other.path()).unwrap());
    let file = other.path().read_dir().unwrap().next().unwrap().unwrap().path();
    let key = std::fs::read_to_string(file).unwrap();
    gangway.config().master_key = Some(key.trim().into());
    gangway.restart().await;
    let answer = ready(&gangway).await.expect(200);
    let graph = component(&answer, "graph:contoso");
    assert_eq!(graph["state"], "degraded");
    assert!(
        graph["detail"].as_str().unwrap().contains("credential of the connection \"contoso\""),
        "{graph}"
    );
    assert!(!answer.text.contains(key.trim()), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_server_is_down_and_says_what_to_repeat() {
    let Some(mut gangway) = gangway(Backend::Postgres).await else {
        return;
    };
    gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let url = gangway.config().database_url.clone().unwrap();
    let mut server = url::Url::parse(url.expose_secret()).unwrap();
    let name = server.path().trim_start_matches('/').to_owned();
    server.set_path("/postgres");
    let admin = Database::connect(server.as_str()).await.unwrap();
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    admin.close().await.unwrap();

    let answer = ready(&gangway).await.expect(503);
    assert_eq!(answer.body["state"], "down");
    assert_eq!(component(&answer, "database")["state"], "down");
    assert!(component(&answer, "database")["detail"].is_string(), "{}", answer.text);
    gangway.http().get("/health/live").await.expect(200);
    let calls = gangway.simulator().counts();
    for answer in [
        gangway.scim().post("/Users", &user("bo.vik")).await,
        gangway.scim().get("/Users").await,
        gangway.scim().get("/ServiceProviderConfig").await,
    ] {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.detail().contains("nothing was changed"), "{}", answer.text);
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert_eq!(gangway.simulator().counts(), calls, "nothing that is not written down is given to Graph");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_folder_is_refused_with_a_sentence() {
    let Some(mut gangway) = gangway(Backend::Sqlite).await else {
        return;
    };
    let error = App::build(gangway.config().clone(), Clock::system()).await.unwrap_err().to_string();
    assert!(error.contains("another Gangway uses the data folder"), "{error}");
    let folder = gangway.folder().to_owned();
    let name = folder.to_str().unwrap();
    for arguments in [&["serve"][..], &[]] {
        let settings = [("GANGWAY_DATA_DIR", name), ("GANGWAY_LISTEN", "127.0.0.1:0")];
        let ended = command(&folder, arguments, &settings).await;
        assert!(ended.badly().contains("another Gangway uses the data folder"), "{ended:?}");
        assert!(ended.stderr.contains(name) && ended.stderr.contains("--data-dir"), "{ended:?}");
    }
    gangway.scim().get("/Users").await.expect(200);
    // Other commands work on the database beside the server.
    let migrated = command(&folder, &["migrate"], &[("GANGWAY_DATA_DIR", name)]).await;
    assert_eq!(migrated.well(), "the database is up to date\n");
    gangway.scim().get("/Users").await.expect(200);
    gangway.stop().await;
    gangway.start().await;
    gangway.scim().get("/Users").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named() {
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let name = folder.path().to_str().unwrap();
    let ended = command(folder.path(), &["--listen", &address, "--data-dir", name], &[]).await;
    assert!(ended.badly().contains(&format!("the server cannot listen on {address}")), "{ended:?}");
    assert!(ended.stderr.contains("--listen"), "{ended:?}");
    let server = Process::serve(folder.path(), &simulator.url(), &[]).await;
    server.http("nobody").get("/health/live").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_share_a_postgres_database() {
    let Some(mut first) = gangway(Backend::Postgres).await else {
        return;
    };
    let other = tempfile::tempdir().unwrap();
    let key = first.folder().read_dir().unwrap().map(|entry| entry.unwrap().path());
    let key = key.into_iter().find(|path| path.ends_with("master.key")).expect("the key file");
    let mut config = first.config().clone();
    other.path().clone_into(&mut config.data_dir);
    config.master_key = Some(std::fs::read_to_string(key).unwrap().trim().into());
    let second = App::build(config, Clock::system()).await.unwrap();
    let (one, two) =
        (first.scim(), crate::support::Client::new(second.scim_url()).bearer(crate::support::TOKEN));
    let mut paths = Vec::new();
    for n in 0..10 {
        let client = if n % 2 == 0 { &one } else { &two };
        let created = client.post("/Users", &user(&format!("p{n}"))).await.expect(201);
        assert_eq!(created.sync_status(), "synced", "{}", created.text);
        paths.push(created.path());
    }
    for (n, path) in paths.iter().enumerate() {
        let client = if n % 2 == 0 { &two } else { &one };
        client.patch(path, &crate::support::replace("title", "Boss")).await.expect(200);
        assert_eq!(one.get(path).await.body["title"], "Boss");
        assert_eq!(two.get(path).await.body["title"], "Boss");
    }
    assert_eq!(first.simulator().count("POST /users"), 10);
    assert_eq!(first.events().await.len(), 20, "each told once");
    second.stop().await;
}
