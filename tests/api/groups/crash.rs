//! The program is killed with member changes open.

use rstest::rstest;

use gangway::simulator::Action;

use crate::support::{
    Backend, GANGWAY_GROUP, Process, TOKEN, add_members, database, eventually, group, on, remove_member,
    simulator, user,
};

#[rstest]
#[case::before_graph_has_acted(Action::Hold)]
#[case::after_graph_has_acted(Action::HoldAfter)]
#[tokio::test(flavor = "multi_thread")]
async fn member_changes_that_were_cut_off_are_finished(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] action: Action,
) {
    let Some(database) = database(backend).await else {
        return;
    };
    let (folder, simulator) = (tempfile::tempdir().unwrap(), simulator().await);
    let mut settings = vec![
        ("GANGWAY_BOOTSTRAP_TOKEN", TOKEN),
        ("GANGWAY_WORKER__LEASE", "1s"),
        ("GANGWAY_WORKER__SWEEP", "200ms"),
    ];
    if let Some(url) = &database {
        settings.push(("GANGWAY_DATABASE_URL", url));
    }
    let process = Process::serve(folder.path(), &simulator.url(), &settings).await;
    let scim = process.scim(TOKEN);
    let mut ids = Vec::new();
    for name in ["ann.berg", "bo.lind", "cy.dahl"] {
        ids.push(scim.post("/Users", &user(name)).await.expect(201).id());
    }
    let path = scim.post("/Groups", &group("Sales", &[&ids[0]])).await.expect(201).path();
    let tenant = simulator.directory();
    tenant.add_fault(on("PATCH", "/groups/*", action.clone()));
    tenant.add_fault(on("DELETE", "/groups/*", action));
    let hasty = scim.with("prefer", "respond-async");
    hasty.patch(&path, &add_members(&[&ids[1], &ids[2]])).await.expect(202);
    hasty.patch(&path, &remove_member(&ids[0])).await.expect(202);
    tenant.held(1).await;
    process.kill();
    tenant.clear_faults();

    let process = Process::serve(folder.path(), &simulator.url(), &settings).await;
    let scim = process.scim(TOKEN);
    let asked = format!("{path}?attributes={GANGWAY_GROUP}:syncStatus");
    eventually("the group is synced", async || {
        let read = scim.get(&asked).await.expect(200);
        (read.body[GANGWAY_GROUP]["syncStatus"] == "synced").then_some(())
    })
    .await;
    let groups = tenant.groups();
    assert_eq!(groups.len(), 1, "{groups:?}");
    let mut members: Vec<String> = groups[0].members.iter().map(ToString::to_string).collect();
    let mut expected = Vec::new();
    for name in ["bo.lind", "cy.dahl"] {
        expected.push(tenant.user(&format!("{name}@contoso.example")).unwrap().id.to_string());
    }
    members.sort();
    expected.sort();
    assert_eq!(members, expected);
    assert!(tenant.user("ann.berg@contoso.example").unwrap().deleted.is_none());
}
