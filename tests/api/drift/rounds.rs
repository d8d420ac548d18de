//! The rounds themselves: what they cost, expired places, replicas, failures.

use std::time::Duration;

use gangway::app::App;
use gangway::clock::Clock;
use gangway::settings::DriftPolicy;
use gangway::simulator::{DeltaSettings, UserSeed};
use rstest::rstest;
use serde_json::{Value, json};

use super::groups::set_members;
use super::{watching, watching_on};
use crate::support::{Backend, answer, eventually, on, simulator, user};

/// What changed while the place in the stream was lost is found, what was deleted too; what was told is not told again.
#[rstest]
#[case::gone(410, "syncStateNotFound")]
#[case::bad_request(400, "resyncRequired")]
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_place_is_made_up_for_by_reading_everything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] status: u16,
    #[case] code: &str,
) {
    let Some(mut gangway) = watching(backend, DriftPolicy::Report).await else { return };
    let people = gangway.people(5).await;
    gangway.a_group("Sales", &[&people[0], &people[1]]).await;
    gangway.calm().await;
    let simulator = gangway.simulator();
    let changed = |n: usize| {
        let name = format!("p{n}.berg@contoso.example");
        simulator
            .put(
                &UserSeed { id: simulator.user(&name).map(|user| user.id), ..UserSeed::default() }
                    .with("surname", json!("Other")),
            )
            .unwrap();
    };
    changed(0);
    gangway.the_drift().await;
    gangway.stop().await;
    changed(1);
    assert!(simulator.purge(&gangway.account("p2.berg").id.to_string()));
    assert!(simulator.delete(&gangway.account("p3.berg").id.to_string()));
    let group = gangway.graph_group("Sales");
    set_members(&gangway, &group, &[gangway.account("p1.berg").id]);
    simulator.expire_deltas(status, code);
    gangway.start().await;
    eventually("all of it is told", async || (gangway.drifts().await.len() >= 5).then_some(())).await;
    gangway.rounds(3).await;
    let drifts = gangway.drifts().await;
    assert_eq!(drifts.len(), 5, "{drifts:#?}");
    let kind = |drift: &Value| drift["message_chain"]["response_message"].as_str().unwrap().to_owned();
    let mut kinds: Vec<String> = drifts[1..].iter().map(kind).collect();
    kinds.sort();
    // Deleted accounts are among those that the noise shows in a first round.
    assert_eq!(kinds, ["changed", "deleted", "members_changed", "soft_deleted"]);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_round_without_changes_costs_a_call_a_stream(#[case] backend: Backend) {
    let Some(gangway) = watching_on(backend, DriftPolicy::Report, simulator().await).await else { return };
    gangway.people(3).await;
    gangway.calm().await;
    gangway.rounds(2).await;
    let rounds = async || gangway.number("SELECT CAST(SUM(round) AS BIGINT) AS n FROM delta_link").await;
    let before = rounds().await;
    gangway.simulator().clear_counts();
    gangway.rounds(5).await;
    let (counts, done) = (gangway.simulator().counts(), rounds().await - before);
    let calls = counts.get("GET /users/delta").unwrap_or(&0) + counts.get("GET /groups/delta").unwrap_or(&0);
    let calls = i64::try_from(calls).unwrap();
    assert!((done - 2..=done + 3).contains(&calls), "{calls} calls, {done} rounds: {counts:?}");
    // The deleted accounts are read with each round, so that no create has to.
    let expected = ["delta", "domains", "deletedItems"];
    let others = counts.keys().filter(|call| !expected.iter().any(|known| call.contains(known)));
    assert_eq!(others.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Two replicas make one round between them, and tell a change once.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_the_rounds() {
    let Some(mut gangway) = watching(Backend::Postgres, DriftPolicy::Report).await else { return };
    // Each round is one page then.
    gangway.simulator().set_delta_settings(DeltaSettings::default());
    let folder = tempfile::tempdir().unwrap();
    let mut config = gangway.config().clone();
    config.data_dir = folder.path().to_owned();
    config.master_key =
        Some(std::fs::read_to_string(gangway.folder().join("master.key")).unwrap().trim().to_owned().into());
    let other = App::build(config, Clock::system()).await.unwrap();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    gangway.calm().await;
    let rounds = async || gangway.number("SELECT CAST(SUM(round) AS BIGINT) AS n FROM delta_link").await;
    let before = rounds().await;
    gangway.simulator().clear_counts();
    let account = gangway.account("ann.berg").id;
    let seed = UserSeed { id: Some(account), ..UserSeed::default() };
    gangway.simulator().put(&seed.with("surname", json!("Other"))).unwrap();
    gangway.the_drift().await;
    gangway.rounds(5).await;
    let (counts, done) = (gangway.simulator().counts(), rounds().await - before);
    let calls: u64 = counts.iter().filter(|(call, _)| call.contains("delta")).map(|(_, n)| n).sum();
    assert!(i64::try_from(calls).unwrap() <= done + 4, "{calls} calls, {done} rounds");
    assert_eq!(gangway.told(&created.id()).await, ["user_create_provision", "user_drift_detected"]);
    other.stop().await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_cannot_be_read_is_told_and_read_on_from_where_it_was(#[case] backend: Backend) {
    let Some(gangway) = watching_on(backend, DriftPolicy::Report, simulator().await).await else { return };
    gangway.simulator().set_delta_settings(DeltaSettings { page_size: 1, noise: false });
    gangway.people(2).await;
    gangway.calm().await;
    let fault = gangway.simulator().add_fault(on(
        "GET",
        "/users/delta*",
        answer(403, "Authorization_RequestDenied", None),
    ));
    let seed = |n: usize| {
        let name = format!("p{n}.berg");
        UserSeed { id: Some(gangway.account(&name).id), ..UserSeed::default() }
            .with("surname", json!("Other"))
    };
    gangway.simulator().put(&seed(0)).unwrap();
    eventually("health says it", async || {
        let health = gangway.http().get("/health/ready").await;
        health.text.contains("User.Read.All").then_some(())
    })
    .await;
    gangway.simulator().remove_fault(fault);
    gangway.simulator().put(&seed(1)).unwrap();
    eventually("both are told", async || (gangway.drifts().await.len() == 2).then_some(())).await;
    tokio::time::timeout(Duration::from_secs(5), gangway.rounds(2)).await.unwrap();
    assert_eq!(gangway.drifts().await.len(), 2);
}
