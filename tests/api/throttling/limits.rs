//! 429 and what must go on all the same.

use std::time::{Duration, Instant};

use gangway::simulator::{FaultRule, When};
use rstest::rstest;
use tokio::task::JoinSet;

use crate::support::{Backend, answer, eventually, gangway, on, replace, user};

fn full(seconds: u64) -> gangway::simulator::Action {
    answer(429, "TooManyRequests", Some(seconds))
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_short_wait_is_waited_and_nothing_is_made_twice(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let rule = FaultRule { when: When::First(2), ..on("POST", "/users", full(1)) };
    gangway.simulator().add_fault(rule);
    let began = Instant::now();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert!(began.elapsed() >= Duration::from_secs(1), "Retry-After is a promise");
    let accounts = gangway.simulator().users();
    assert_eq!(
        accounts.iter().filter(|user| user.get("userPrincipalName") == "ann.berg@contoso.example").count(),
        1
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_long_wait_keeps_pushes_and_answers_them(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let first = scim.post("/Users", &user("ann.berg")).await.expect(201);
    let everything = FaultRule { method: None, ..on("POST", "/users*", full(6)) };
    gangway.simulator().add_fault(everything);
    let began = Instant::now();
    let kept = scim.post("/Users", &user("bo.vik")).await.expect(201);
    let patched = scim.patch(&first.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!((kept.sync_status(), patched.sync_status()), ("pending", "pending"));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    let asked = gangway.simulator().counts().values().sum::<u64>();
    gangway.simulator().clear_faults();
    assert!(asked < 20, "it does not go on asking: {asked}");
    assert_eq!(gangway.settled(&kept.path()).await, "synced");
    assert_eq!(gangway.settled(&first.path()).await, "synced");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_blocked_while_many_creates_wait(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim().with("prefer", "respond-async");
    let leaver = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    gangway.simulator().add_fault(on("POST", "/users", gangway::simulator::Action::Delay(300)));
    let mut pushes = JoinSet::new();
    for n in 0..300 {
        let scim = scim.clone();
        pushes.spawn(async move { scim.post("/Users", &user(&format!("p{n}.berg"))).await });
    }
    for answer in pushes.join_all().await {
        assert!(answer.status < 300, "{}", answer.text);
    }
    let began = Instant::now();
    gangway.scim().patch(&leaver.path(), &replace("active", false)).await.expect(200);
    eventually("the leaver is blocked", async || {
        (gangway.account("ann.berg").get("accountEnabled") == false).then_some(())
    })
    .await;
    let waiting = gangway.simulator().users().len();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(waiting < 300, "the creates are still under way: {waiting}");
}
