//! A tenant in a good set-up and in bad ones: each names its fault, and nothing else.

use gangway::simulator::{Action, FaultRule, Simulator, When};
use rstest::rstest;
use serde_json::Value;

use super::support::{Connected, Installation, advice, faults, pages, with_app};
use crate::support::{Backend, answer, on, simulator_with};

/// What the doctor says of a tenant that is connected like this.
async fn examined(connected: &Connected) -> Value {
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    connected.add(&installation).await;
    let report = installation.examine(&[]).await;
    if let Some(secret) = &connected.secret {
        assert!(!report.to_string().contains(secret.as_str()), "the secret is told: {report}");
    }
    report
}

/// Whether the doctor has changed nothing in the tenant.
#[track_caller]
fn assert_only_read(simulator: &Simulator) {
    let counts = simulator.directory().counts();
    let writes =
        counts.keys().filter(|operation| !operation.starts_with("GET ") && !operation.contains("/oauth2/"));
    assert_eq!(writes.collect::<Vec<_>>(), Vec::<&String>::new(), "{counts:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_good_set_up_has_no_fault(#[case] backend: Backend) {
    let Some(installation) = Installation::new(backend).await else {
        return;
    };
    let simulator = with_app(|_| {}).await;
    Connected::to(&simulator).add(&installation).await;
    let report = installation.examine(&[]).await;
    assert_eq!(faults(&report), Vec::<String>::new(), "{report:#}");
    let checks: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    for check in [
        "configuration",
        "data_folder",
        "master_key",
        "database",
        "connection",
        "credential",
        "login_host",
        "clock",
        "token",
        "tenant",
        "permissions",
        "role",
        "domains",
        "licences",
        "work",
    ] {
        assert!(checks.contains(&check), "{check} is not in {checks:?}");
    }
    assert_only_read(&simulator);
    let text = installation.run(&["doctor", "--connection", "contoso"], &[]).await;
    assert!(text.well().ends_with("All is well.\n"), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_tenant_is_named() {
    let simulator = with_app(|_| {}).await;
    let connected = Connected { tenant: "nowhere.example".to_owned(), ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["token fail unknown_tenant"]);
    assert!(advice(&report, "token").contains("nowhere.example"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_named() {
    let simulator = with_app(|_| {}).await;
    let connected = Connected { secret: Some("Wrong-Secret-99".to_owned()), ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["token fail wrong_secret"]);
    assert!(advice(&report, "token").to_lowercase().contains("client secret"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_secret_is_named() {
    let simulator = with_app(|app| app.secret_expires = Some(1)).await;
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["token fail expired_secret"]);
    assert!(advice(&report, "token").contains("expired"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_application_is_named() {
    let simulator = with_app(|_| {}).await;
    let unknown = "6a7e57a9-0000-4000-8000-000000000000".to_owned();
    let connected = Connected { client_id: unknown.clone(), ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["token fail unknown_application"]);
    assert!(advice(&report, "token").contains(&unknown), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_application_is_named() {
    let simulator = with_app(|app| app.disabled = true).await;
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["token fail disabled_application"]);
}

#[rstest]
#[case::needed("User.EnableDisableAccount.All", "permissions fail missing")]
#[case::passwords("User-PasswordProfile.ReadWrite.All", "permissions fail missing")]
#[case::groups("Group.ReadWrite.All", "permissions warn missing_optional")]
#[case::licences("LicenseAssignment.ReadWrite.All", "permissions warn missing_optional")]
#[case::domains("Domain.Read.All", "permissions fail missing")]
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named(#[case] lacking: &str, #[case] expected: &str) {
    let simulator = with_app(|app| {
        app.permissions.retain(|name| {
            name != lacking && (name != "Directory.Read.All" || !lacking.starts_with("Domain"))
        });
    })
    .await;
    let report = examined(&Connected::to(&simulator)).await;
    let told = faults(&report);
    assert!(told.contains(&expected.to_owned()), "{told:?}");
    assert!(told.iter().all(|fault| fault.starts_with("permissions ")), "{told:?}");
    assert!(advice(&report, "permissions").contains(lacking), "{report}");
    assert_only_read(&simulator);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_role_is_named() {
    let simulator = with_app(|app| app.roles.clear()).await;
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["role fail missing"]);
    assert!(advice(&report, "role").contains("User Administrator"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_of_two_clouds_are_named() {
    let (login, graph) = (with_app(|_| {}).await, with_app(|_| {}).await);
    let connected = Connected { graph: graph.url().to_string(), ..Connected::to(&login) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["token fail bad_scope"]);
    assert!(advice(&report, "token").contains("cloud"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_graph_does_not_take_is_named() {
    let simulator = with_app(|_| {}).await;
    let refused = answer(401, "InvalidAuthenticationToken", None);
    simulator.directory().add_fault(on("GET", "/v1.0/*", refused));
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["graph_host fail token_refused"]);
    assert!(advice(&report, "graph_host").contains("cloud"), "{report}");
}

#[rstest]
#[case::unverified("fabrikam.example", "domains fail unverified")]
#[case::federated("federated.example", "domains warn federated")]
#[case::gone("nowhere.example", "domains fail gone")]
#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_is_not_right_is_named(#[case] domain: &str, #[case] expected: &str) {
    let simulator = with_app(|_| {}).await;
    let connected = Connected { domain: domain.to_owned(), ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_answers_pages_is_named() {
    let simulator = with_app(|_| {}).await;
    let connected = Connected { login: pages().await, ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["login_host fail not_microsoft"]);
    assert!(report.to_string().contains("text/html"), "{report}");

    for (action, code) in [
        (raw("text/html", "<html>Welcome</html>"), "not_microsoft"),
        (raw("application/json", "{\"value\": "), "not_microsoft"),
        (Action::Huge(2_000_000_000), "not_microsoft"),
        (Action::HalfBody, "not_microsoft"),
        (Action::Redirect, "redirect"),
    ] {
        let id = simulator.directory().add_fault(on("GET", "/v1.0/*", action.clone()));
        let report = examined(&Connected::to(&simulator)).await;
        assert_eq!(faults(&report), [format!("graph_host fail {code}")], "{action:?}");
        simulator.directory().remove_fault(id);
    }
}

fn raw(content_type: &str, body: &str) -> Action {
    Action::Raw { status: 200, content_type: content_type.to_owned(), body: body.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_reached_is_named() {
    let simulator = with_app(|_| {}).await;
    let closed = "http://127.0.0.1:9".to_owned();
    let connected = Connected { login: closed.clone(), ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["login_host fail unreachable"]);
    simulator.directory().add_fault(on("GET", "/v1.0/*", Action::ResetBefore));
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["graph_host fail no_answer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_tenant_is_told_and_nothing_else() {
    let simulator = with_app(|_| {}).await;
    let full = answer(429, "TooManyRequests", Some(60));
    let rule = FaultRule { when: When::All, ..on("GET", "/v1.0/domains", full) };
    simulator.directory().add_fault(rule);
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["throttling warn throttled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_are_gone_are_told() {
    let simulator = with_app(|_| {}).await;
    drop(simulator);
    let simulator = simulator_with(|options| {
        options.tenant.apps[0].permissions.push("Directory.Read.All".to_owned());
        for sku in &mut options.tenant.skus {
            sku.enabled = 0;
        }
    })
    .await;
    let report = examined(&Connected::to(&simulator)).await;
    assert_eq!(faults(&report), ["licences warn no_seats"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_protects_nobody_is_told() {
    let simulator = with_app(|_| {}).await;
    let mut connected = Connected::to(&simulator);
    let list = r#"never_touch=["admin@contoso.example","breakglas@contoso.example"]"#;
    connected.more = ["--setting", list].map(str::to_owned).to_vec();
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["never_touch warn unknown"]);
    assert!(report.to_string().contains("nobody in the tenant is breakglas@contoso.example"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_nobody_has_authorised_is_told() {
    let simulator = with_app(|_| {}).await;
    let connected =
        Connected { secret: None, more: vec!["--delegated".to_owned()], ..Connected::to(&simulator) };
    let report = examined(&connected).await;
    assert_eq!(faults(&report), ["connection fail needs_authorization"]);
    assert!(advice(&report, "connection").contains("gangway connection authorize contoso"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_switched_off_is_left_alone() {
    let simulator = with_app(|app| app.disabled = true).await;
    let installation = Installation::new(Backend::Sqlite).await.unwrap();
    Connected::to(&simulator).add(&installation).await;
    installation.run(&["connection", "deactivate", "contoso"], &[]).await.well();
    let report = installation.examine(&[]).await;
    assert_eq!(faults(&report), Vec::<String>::new(), "{report:#}");
    assert_eq!(simulator.directory().counts().len(), 0, "nobody is asked");
}
