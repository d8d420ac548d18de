//! Faults of every kind on the way to Graph: a push is kept, nothing is made twice, and in the end it is as upstream wants.

use std::time::{Duration, Instant};

use gangway::simulator::{Action, FaultRule, When};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Gangway, answer, gangway, on, patch, replace, user};

fn page() -> Action {
    raw("text/html", "<html><body>Sign in to the network</body></html>")
}

fn raw(content_type: &str, body: &str) -> Action {
    Action::Raw { status: 200, content_type: content_type.to_owned(), body: body.to_owned() }
}

/// The accounts of this name, deleted ones as well.
fn accounts(gangway: &Gangway, local: &str) -> usize {
    let name = format!("{local}@contoso.example");
    let users = gangway.simulator().users();
    users.iter().filter(|user| user.get("userPrincipalName") == name.as_str()).count()
}

#[rstest]
#[case::page(page())]
#[case::wrong_type(raw("text/plain", "{}"))]
#[case::no_json(raw("application/json", "{\"id\": "))]
#[case::nothing_of_it(raw("application/json", "[]"))]
#[case::half(Action::HalfBody)]
#[case::redirect(Action::Redirect)]
#[case::huge(Action::Huge(2_000_000_000))]
#[case::before(Action::ResetBefore)]
#[case::after(Action::ResetAfter)]
#[case::down(answer(503, "serviceNotAvailable", Some(1)))]
#[case::gateway(answer(504, "gatewayTimeout", None))]
#[case::concurrent(answer(409, "Directory_ConcurrencyViolation", None))]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_ends_as_one_account(#[case] action: Action) {
    let gangway = gangway(Backend::Sqlite).await.unwrap();
    let rule = FaultRule { when: When::First(1), ..on("POST", "/users", action) };
    gangway.simulator().add_fault(rule);
    let began = Instant::now();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(accounts(&gangway, "ann.berg"), 1);
    assert_eq!(gangway.told(&created.id()).await.last().map(String::as_str), Some("user_create_provision"));
}

#[rstest]
#[case::page(page())]
#[case::half(Action::HalfBody)]
#[case::redirect(Action::Redirect)]
#[case::huge(Action::Huge(2_000_000_000))]
#[case::before(Action::ResetBefore)]
#[case::after(Action::ResetAfter)]
#[case::down(answer(503, "serviceNotAvailable", Some(1)))]
#[case::concurrent(answer(409, "Directory_ConcurrencyViolation", Some(1)))]
#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_blocked_all_the_same(#[case] action: Action) {
    let gangway = gangway(Backend::Sqlite).await.unwrap();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    for path in ["/users/*", "*/revokeSignInSessions", "*/$batch"] {
        let rule = FaultRule { method: None, when: When::First(1), ..on("POST", path, action.clone()) };
        gangway.simulator().add_fault(rule);
    }
    let answer = gangway.scim().patch(&created.path(), &replace("active", false)).await;
    assert!(answer.status == 200, "{}", answer.text);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
}

#[rstest]
#[case::page(page())]
#[case::half(Action::HalfBody)]
#[case::huge(Action::Huge(2_000_000_000))]
#[case::after(Action::ResetAfter)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_none_is_asked_for_again(#[case] action: Action) {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let rule = FaultRule { when: When::First(1), ..on("POST", "*/oauth2/v2.0/token", action) };
    gangway.simulator().add_fault(rule);
    gangway.restart().await;
    gangway.scim().patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn among_many_faults_many_changes_arrive(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let actions = [page(), Action::HalfBody, Action::ResetBefore, Action::ResetAfter, answer(503, "x", None)];
    for action in actions {
        let rule = FaultRule { method: None, when: When::Share(0.04), ..on("POST", "/v1.0/*", action) };
        gangway.simulator().add_fault(rule);
    }
    let scim = gangway.scim().with("prefer", "respond-async");
    let mut pushes = tokio::task::JoinSet::new();
    for n in 0..40 {
        let scim = scim.clone();
        pushes.spawn(async move {
            let created = scim.post("/Users", &user(&format!("p{n}.berg"))).await;
            assert!(created.status < 300, "{}", created.text);
            let path = created.path();
            let change = patch([
                json!({"op": "replace", "path": "title", "value": "Buyer"}),
                json!({"op": "replace", "path": "active", "value": n % 2 == 0}),
            ]);
            let changed = scim.patch(&path, &change).await;
            assert!(changed.status < 300, "{}", changed.text);
            (n, path)
        });
    }
    let paths = pushes.join_all().await;
    gangway.simulator().clear_faults();
    for (n, path) in paths {
        assert_eq!(gangway.settled(&path).await, "synced");
        assert_eq!(accounts(&gangway, &format!("p{n}.berg")), 1);
        let account = gangway.account(&format!("p{n}.berg"));
        assert_eq!(account.get("accountEnabled"), &Value::from(n % 2 == 0));
        assert_eq!(account.get("jobTitle"), "Buyer");
    }
}
