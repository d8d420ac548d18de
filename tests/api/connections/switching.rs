//! Deactivate, activate, re-bind (product contract, section 1).

use rstest::rstest;
use serde_json::Value;

use crate::support::{Backend, Gangway, eventually, gangway, replace, user};

async fn status(gangway: &Gangway, path: &str, wanted: &str) {
    eventually(&format!("{path} is {wanted}"), async || {
        (gangway.status_of(path).await == wanted).then_some(())
    })
    .await;
}

/// Events of this type, successes only.
async fn told(gangway: &Gangway, event_type: &str) -> usize {
    let events = gangway.events().await;
    events.iter().filter(|event| event["event_type"] == event_type && event["success"] == true).count()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_is_switched_off_is_left_as_it_is_and_taken_up_again(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let mut paths = Vec::new();
    for local in ["ann.berg", "bo.vik", "eva.lund"] {
        let made = scim.post("/Users", &user(local)).await.expect(201);
        assert_eq!(made.sync_status(), "synced");
        paths.push(made.path());
    }
    let ids: Vec<&str> = paths.iter().map(|path| path.trim_start_matches("/Users/")).collect();
    let group = gangway.a_group("Crew", &ids).await;
    gangway.quiet().await;
    let before = gangway.simulator().users();
    gangway.changes();

    let off = gangway.command(&["connection", "deactivate", "contoso"], &[]).await;
    off.well();
    for path in &paths {
        status(&gangway, path, "unbound").await;
    }
    assert_eq!(told(&gangway, "connection_deactivate").await, 1);
    // Upstream goes on; nothing reaches the tenant.
    scim.patch(&paths[0], &replace("title", "Buyer")).await.expect(200);
    scim.patch(&paths[1], &replace("active", false)).await.expect(200);
    let new = scim.post("/Users", &user("liv.moe")).await.expect(201);
    assert_eq!(new.sync_status(), "unbound");
    scim.get(&group).await.expect(200);
    assert_eq!(gangway.changes(), Vec::<Value>::new());
    assert_eq!(gangway.simulator().users(), before);
    // A second time changes nothing more.
    gangway.command(&["connection", "deactivate", "contoso"], &[]).await;
    assert_eq!(told(&gangway, "connection_deactivate").await, 1);

    gangway.command(&["connection", "activate", "contoso"], &[]).await.well();
    assert_eq!(told(&gangway, "connection_activate").await, 1);
    assert_eq!(gangway.status_of(&paths[0]).await, "unbound");
    // One of them.
    let one = ["connection", "rebind", "contoso", "--user", "ann.berg@contoso.example"];
    gangway.command(&one, &[]).await.well();
    status(&gangway, &paths[0], "synced").await;
    assert_eq!(gangway.account("ann.berg").get("jobTitle"), "Buyer");
    assert_eq!(gangway.status_of(&paths[1]).await, "unbound");
    assert_eq!(gangway.account("bo.vik").get("accountEnabled"), true);
    // All of them.
    gangway.command(&["connection", "rebind", "contoso", "--all"], &[]).await.well();
    for path in &paths {
        status(&gangway, path, "synced").await;
    }
    status(&gangway, &new.path(), "synced").await;
    assert_eq!(
        gangway.account("bo.vik").get("accountEnabled"),
        false,
        "what was pushed meanwhile is carried out"
    );
    let after = gangway.simulator().users();
    for account in &before {
        assert!(after.iter().any(|known| known.id == account.id), "the same accounts");
    }
    assert_eq!(after.len(), before.len() + 1, "and the one that was new");
    gangway.has_members(&group, &ids).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn work_under_way_ends_with_the_connection(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let made = scim.post("/Users", &user("ann.berg")).await.expect(201);
    gangway.simulator().add_fault(crate::support::hold("PATCH", "/users/*"));
    let path = made.path();
    let pushed = tokio::spawn({
        let (scim, path) = (scim.clone(), path.clone());
        async move { scim.patch(&path, &replace("title", "Buyer")).await }
    });
    gangway.simulator().held(1).await;
    gangway.command(&["connection", "deactivate", "contoso"], &[]).await.well();
    status(&gangway, &path, "unbound").await;
    gangway.simulator().clear_faults();
    gangway.simulator().release();
    let answer = pushed.await.unwrap();
    assert!(answer.status < 500, "{}", answer.text);
    status(&gangway, &path, "unbound").await;
    assert_eq!(scim.get(&path).await.expect(200).body["title"], "Buyer");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_switched_is_answered_with_a_sentence() {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    for arguments in [
        vec!["connection", "deactivate", "nobody"],
        vec!["connection", "activate", "nobody"],
        vec!["connection", "rebind", "nobody", "--all"],
        vec!["connection", "rebind", "contoso", "--user", "nobody@contoso.example"],
    ] {
        let ended = gangway.command(&arguments, &[]).await;
        assert!(ended.badly().contains("nobody"), "{arguments:?}: {ended:?}");
    }
}

/// One who leaves before he is bound again has an account all the same.
#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_leaver_who_was_not_bound_again_is_blocked(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let made = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let gone = gangway.scim().post("/Users", &user("bo.vik")).await.expect(201);
    gangway.quiet().await;
    gangway.command(&["connection", "deactivate", "contoso"], &[]).await.well();
    status(&gangway, &gone.path(), "unbound").await;
    gangway.scim().delete(&gone.path()).await.expect(204);
    let events = gangway.events().await;
    let told = events.iter().any(|event| {
        event["event_type"] == "user_deprovision"
            && event["success"] == false
            && event["error_message"].as_str().is_some_and(|why| why.contains("switched off"))
    });
    assert!(told, "{events:?}");
    assert_eq!(
        gangway.account("bo.vik").get("accountEnabled"),
        true,
        "nothing is changed in a tenant that is off"
    );
    gangway.command(&["connection", "activate", "contoso"], &[]).await.well();
    eventually("it is in use", async || {
        let left = gangway.scim().delete(&made.path()).await;
        assert!([204, 404].contains(&left.status), "{}", left.text);
        (left.status == 404).then_some(())
    })
    .await;
    eventually("sign-in is blocked", async || {
        (gangway.account("ann.berg").get("accountEnabled") == false).then_some(())
    })
    .await;
}
