//! This computer and the database.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use rstest::rstest;

use super::support::{Connected, Installation, advice, faults, with_app};
use crate::support::Backend;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_is_left_empty_and_told_as_new() {
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    let report = installation.examine(&[]).await;
    assert_eq!(
        faults(&report),
        ["data_folder warn missing", "master_key warn missing", "database warn missing"]
    );
    assert!(!installation.data().exists(), "the doctor makes nothing");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_without_a_tenant_is_told_so(#[case] backend: Backend) {
    let Some(installation) = Installation::new(backend).await else {
        return;
    };
    installation.run(&["migrate"], &[]).await.well();
    let report = installation.examine(&[]).await;
    assert_eq!(faults(&report), ["connection warn no_connection"]);
    let named = installation.run(&["doctor", "--json", "--connection", "nobody"], &[]).await;
    assert_eq!(named.code, Some(2));
    assert!(named.stdout.contains("no_such_connection"), "{named:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_its_tables_is_told_and_left_so() {
    let Some(installation) = Installation::new(Backend::Postgres).await else {
        return;
    };
    for _ in 0..2 {
        let report = installation.examine(&[]).await;
        assert_eq!(
            faults(&report),
            ["data_folder warn missing", "master_key fail missing", "database fail behind"]
        );
        assert!(advice(&report, "database").contains("gangway migrate"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_named_without_its_password() {
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    let url = "postgres://gangway:hunter2@127.0.0.1:9/gangway";
    let report = installation.examine(&[("GANGWAY_DATABASE_URL", url)]).await;
    assert!(faults(&report).contains(&"database fail unusable".to_owned()), "{report}");
    assert!(advice(&report, "database").contains("127.0.0.1:9"), "{report}");
    assert!(!report.to_string().contains("hunter2"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_may_read_is_told() {
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    installation.run(&["migrate"], &[]).await.well();
    fs::set_permissions(installation.data(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(installation.data().join("master.key"), Permissions::from_mode(0o644)).unwrap();
    let report = installation.examine(&[]).await;
    assert_eq!(
        faults(&report),
        ["data_folder warn open", "master_key warn open", "connection warn no_connection"]
    );
    assert!(advice(&report, "data_folder").contains("chmod 700"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_lost_or_another_is_told() {
    let simulator = with_app(|_| {}).await;
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    Connected::to(&simulator).add(&installation).await;
    let other = [("GANGWAY_MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")];
    let report = installation.examine(&other).await;
    assert_eq!(faults(&report), ["credential fail unusable"]);
    assert!(advice(&report, "credential").contains("another master key"), "{report}");

    fs::remove_file(installation.data().join("master.key")).unwrap();
    let report = installation.examine(&[]).await;
    assert_eq!(faults(&report), ["master_key fail missing", "credential fail unusable"]);

    let report = installation.examine(&[("GANGWAY_MASTER_KEY", "short")]).await;
    assert_eq!(faults(&report), ["master_key fail unusable", "credential fail unusable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_read_is_a_finding_too() {
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    let report = installation.examine(&[("GANGWAY_SETTLE_DEADLINE", "soon")]).await;
    assert_eq!(faults(&report), ["configuration fail unusable"]);
    assert!(report["findings"][0]["found"].as_str().unwrap().contains("SETTLE_DEADLINE"), "{report}");
    let text = installation.run(&["doctor"], &[("GANGWAY_SETTLE_DEADLINE", "soon")]).await;
    assert_eq!(text.code, Some(2));
    assert!(text.stdout.starts_with("fail  configuration"), "{text:?}");
}
