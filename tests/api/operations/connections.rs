//! `gangway connection add|list`: tenants beside the simulator's.

use gangway::simulator::TenantSeed;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::support::{Backend, Ended, GANGWAY, Gangway, command, gangway, simulator, user};

const SECRET: &str = "Another-Client-Secret-88";

async fn connection(gangway: &mut Gangway, arguments: &[&str], secret: Option<&str>) -> Ended {
    let folder = gangway.folder().to_owned();
    let url = gangway.config().database_url.as_ref().map(|url| url.expose_secret().to_owned());
    let mut settings = vec![("GANGWAY_DATA_DIR", folder.to_str().unwrap())];
    settings.extend(url.as_deref().map(|url| ("GANGWAY_DATABASE_URL", url)));
    settings.extend(secret.map(|secret| ("GANGWAY_CLIENT_SECRET", secret)));
    let arguments: Vec<&str> = ["connection"].iter().chain(arguments).copied().collect();
    command(&folder, &arguments, &settings).await
}

/// `connection add` of this name for this domain, at these hosts.
fn add<'a>(name: &'a str, domain: &'a str, url: &'a str, seed: (&'a str, &'a str)) -> Vec<&'a str> {
    let (tenant, client) = seed;
    vec![
        "add",
        name,
        "--tenant",
        tenant,
        "--client-id",
        client,
        "--domain",
        domain,
        "--login-url",
        url,
        "--graph-url",
        url,
    ]
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_connected_while_the_server_runs_and_gets_its_users(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let (other, seed) = (simulator().await, TenantSeed::contoso());
    let (url, tenant, client) =
        (other.url().to_string(), seed.tenant_id.to_string(), seed.apps[0].client_id.to_string());
    let secret = seed.apps[0].client_secret.expose_secret().to_owned();
    let before = gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let arguments = add("second", "contoso.onmicrosoft.example", &url, (&tenant, &client));
    let taken = connection(&mut gangway, &arguments, Some(&secret)).await;
    assert!(taken.badly().contains("taken already"), "the first connection has this domain: {taken:?}");

    let arguments = add("second", "Federated.example", &url, (&tenant, &client));
    let added = connection(&mut gangway, &arguments, Some(&secret)).await;
    assert!(added.well().starts_with("connection ") && added.well().ends_with(" is added\n"), "{added:?}");
    let list = connection(&mut gangway, &["list"], None).await;
    let lines: Vec<&str> = list.well().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("contoso  simulator") && lines[0].contains("contoso.example"), "{lines:?}");
    assert!(lines[1].contains("second  global") && lines[1].ends_with("federated.example"), "{lines:?}");
    for text in [&added.stdout, &added.stderr, &list.stdout] {
        assert!(!text.contains(&secret), "{text}");
    }

    // Unmatched names are refused now: a real tenant is connected.
    let answer =
        gangway.scim().post("/Users", &json!({"userName": "bo.vik", "displayName": "Bo"})).await.expect(400);
    assert!(answer.detail().contains("federated.example"), "{}", answer.text);
    let mut body =
        json!({"userName": "eva@federated.example", "displayName": "Eva", "name": {"givenName": "Eva"}});
    body[GANGWAY] = json!({"onPremisesImmutableId": "abc123=="});
    let created = gangway.scim().post("/Users", &body).await;
    assert!(other.directory().count("POST /users") > 0, "the other tenant was asked: {}", created.text);
    assert_eq!(gangway.simulator().count("POST /users"), 1, "the first tenant was not");
    gangway.scim().get(&before.path()).await.expect(200);
    let ready = gangway.http().get("/health/ready").await.expect(200);
    assert!(ready.text.contains("graph:second"), "{}", ready.text);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_connected_is_answered_with_a_sentence(#[case] backend: Backend) {
    let Some(mut gangway) = gangway(backend).await else {
        return;
    };
    let (url, ids) = ("http://127.0.0.1:9", ("fabrikam.example", "6a7e57a9-0000-4000-8000-000000000000"));
    let good = add("second", "fabrikam.example", url, ids);
    let without = connection(&mut gangway, &good, None).await;
    assert!(without.badly().contains("set GANGWAY_CLIENT_SECRET"), "{without:?}");
    for (arguments, says) in [
        (add("second", "no domain", url, ids), "\"no domain\" is no domain name"),
        (add("second", "localhost", url, ids), "\"localhost\" is no domain name"),
        (add("contoso", "fabrikam.example", url, ids), "taken already"),
        (vec!["add", "second"], "--tenant"),
        ([&good[..], &["--cloud", "mars"]].concat(), "mars"),
    ] {
        let ended = connection(&mut gangway, &arguments, Some(SECRET)).await;
        assert!(ended.badly().contains(says), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains(SECRET), "{ended:?}");
    }
    let list = connection(&mut gangway, &["list"], None).await;
    assert_eq!(list.well().lines().count(), 1, "{list:?}");
}
