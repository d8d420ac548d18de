//! Many at once.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{
    Backend, ENTERPRISE, GANGWAY, answer, gangway, gangway_with, hold, on, patch, replace, user,
};

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_many_creates_of_one_name_one_is_taken(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut pushes = JoinSet::new();
    for n in 0..12 {
        let scim = gangway.scim();
        let mut body = user("ann.berg");
        if n % 2 == 0 {
            body["userName"] = json!("ANN.BERG@contoso.example");
        }
        pushes.spawn(async move { scim.post("/Users", &body).await });
    }
    let answers = pushes.join_all().await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let taken =
        answers.iter().filter(|answer| answer.status == 409 && answer.body["scimType"] == "uniqueness");
    assert_eq!((created, taken.count()), (1, 11), "{answers:?}");
    assert_eq!(gangway.simulator().users().len(), 1);
    let events = gangway.events().await;
    assert_eq!(events.len(), 1, "{events:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_patches_lose_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let attributes = [
        ("title".to_owned(), "jobTitle"),
        ("userType".to_owned(), "employeeType"),
        ("preferredLanguage".to_owned(), "preferredLanguage"),
        (format!("{ENTERPRISE}:department"), "department"),
        (format!("{ENTERPRISE}:employeeNumber"), "employeeId"),
        (format!("{ENTERPRISE}:organization"), "companyName"),
        (format!("{GANGWAY}:officeLocation"), "officeLocation"),
        ("displayName".to_owned(), "displayName"),
    ];
    let mut pushes = JoinSet::new();
    for (n, (path, _)) in attributes.iter().enumerate() {
        let (scim, user) = (gangway.scim(), created.path());
        let email = json!({"type": "other", "value": format!("ann{n}@home.example")});
        let change = patch([
            json!({"op": "replace", "path": path, "value": "en"}),
            json!({"op": "add", "path": "emails", "value": [email]}),
        ]);
        pushes.spawn(async move { scim.patch(&user, &change).await.expect(200) });
    }
    pushes.join_all().await;
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    let read = gangway.scim().get(&created.path()).await.expect(200);
    assert_eq!(read.body["meta"]["version"], "W/\"9\"");
    let account = gangway.account("ann.berg");
    for (_, property) in &attributes {
        assert_eq!(account.get(property), "en", "{property}");
    }
    let mut mails: Vec<_> =
        account.get("otherMails").as_array().unwrap().iter().map(ToString::to_string).collect();
    mails.sort();
    let expected: Vec<_> = (0..8).map(|n| format!("\"ann{n}@home.example\"")).collect();
    assert_eq!(mails, expected);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_that_saw_one_version_one_is_taken(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let mut pushes = JoinSet::new();
    for title in ["One", "Two", "Three", "Four"] {
        let (scim, path) = (gangway.scim().with("if-match", created.header("etag")), created.path());
        pushes.spawn(async move { (title, scim.patch(&path, &replace("title", title)).await) });
    }
    let answers = pushes.join_all().await;
    let taken: Vec<_> = answers.iter().filter(|(_, answer)| answer.status == 200).collect();
    assert_eq!(taken.len(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|(_, answer)| answer.status == 412).count(), 3);
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), taken[0].0);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_is_blocked_while_many_creates_are_queued(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, |config| config.worker.concurrency = 4).await else {
        return;
    };
    let (scim, simulator) = (gangway.scim(), gangway.simulator());
    let leaver = scim.post("/Users", &user("ann.berg")).await.expect(201);
    simulator.add_fault(hold("POST", "/users"));
    let queue = gangway.scim().with("prefer", "respond-async");
    for n in 0..60 {
        queue.post("/Users", &user(&format!("new.hire{n}"))).await.expect(202);
    }
    simulator.held(4).await;

    let before = Instant::now();
    let blocked = scim.patch(&leaver.path(), &replace("active", false)).await.expect(200);
    let took = before.elapsed();
    assert_eq!(blocked.body["active"], false);
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), false);
    assert_eq!(gangway.status_of(&leaver.path()).await, "synced");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(simulator.users().len(), 1, "every create still waits");

    simulator.clear_faults();
    gangway.quiet().await;
    assert_eq!(simulator.users().len(), 61);
    let created =
        gangway.events().await.iter().filter(|event| event["event_type"] == "user_create_provision").count();
    assert_eq!(created, 61);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_through_throttles_and_faults_makes_each_account_and_each_event_once(
    #[case] backend: Backend,
) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let simulator = gangway.simulator();
    let share =
        |share, rule| gangway::simulator::FaultRule { when: gangway::simulator::When::Share(share), ..rule };
    simulator.add_fault(share(0.1, on("POST", "/users", gangway::simulator::Action::ResetAfter)));
    simulator.add_fault(share(0.1, on("POST", "/users", answer(503, "ServiceUnavailable", None))));
    simulator.add_fault(share(0.1, on("PATCH", "/users/*", answer(429, "TooManyRequests", None))));
    let mut pushes = JoinSet::new();
    for n in 0..30 {
        let scim = gangway.scim();
        pushes.spawn(async move {
            let created = scim.post("/Users", &user(&format!("new.hire{n}"))).await.expect(201);
            scim.patch(&created.path(), &replace("title", "Buyer")).await.expect(200);
            created
        });
    }
    let created = pushes.join_all().await;
    gangway.quiet().await;
    let users = simulator.users();
    assert_eq!(users.len(), 30);
    assert!(users.iter().all(|user| user.get("jobTitle") == "Buyer"));
    for user in created {
        let told = gangway.told(&user.id()).await;
        let creates = told.iter().filter(|name| *name == "user_create_provision").count();
        let updates = told.iter().filter(|name| *name == "user_update_provision").count();
        // A title that comes while the create is still retried is part of the creation.
        assert!(creates == 1 && updates <= 1 && told.len() == creates + updates, "{told:?}");
    }
}
