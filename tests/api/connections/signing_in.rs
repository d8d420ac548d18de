//! Every way in which an application signs in, with its faults.

use std::fs;

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};

use super::support::{add, add_with, domain, named, tenant_of};
use crate::support::{Backend, Gangway, eventually, gangway};

/// A certificate and its key, in PEM.
fn certificate() -> (String, String) {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate =
        CertificateParams::new(vec!["gangway.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// Pushes a user of the domain, who must get an account.
async fn assert_provisions(gangway: &Gangway, name: &str) {
    let scim = gangway.scim();
    let path = eventually("the domains are read", async || {
        let answer = scim.post("/Users", &named(name)).await;
        (answer.status == 201).then(|| answer.path())
    })
    .await;
    assert_eq!(gangway.settled(&path).await, "synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_signs_in_and_its_key_is_told_nowhere() {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    let (public, key) = certificate();
    let other = tenant_of(vec![domain("northwind.example", true)], |tenant| {
        tenant.apps[0].certificates = vec![public.clone()];
        tenant.apps[0].client_secret = String::new().into();
    })
    .await;
    let file = gangway.folder().join("gangway.pem");
    fs::write(&file, format!("{public}{key}")).unwrap();
    let more = ["--certificate", file.to_str().unwrap()];
    let added = add_with(&mut gangway, "northwind", &other, &more, &[]).await;
    added.well();
    // The file is not needed any more.
    fs::remove_file(&file).unwrap();
    assert_provisions(&gangway, "ann@northwind.example").await;
    let shown = gangway.command(&["connection", "show", "northwind"], &[]).await;
    assert!(shown.well().contains("certificate"), "{shown:?}");
    assert!(!shown.stdout.contains("PRIVATE"), "{shown:?}");
    let tokens: Vec<_> = other.directory().exchanges();
    let asked = tokens.iter().any(|one| one.to_string().contains("client_assertion_type"));
    assert!(asked, "it signs in with an assertion");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_certificate_is_refused_when_it_is_given() {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    let other = tenant_of(vec![domain("northwind.example", true)], |_| {}).await;
    let ((public, key), (_, foreign)) = (certificate(), certificate());
    let file = gangway.folder().join("gangway.pem");
    for (text, says) in [
        (public.clone(), "key"),
        (key.clone(), "certificate"),
        (format!("{public}{foreign}"), "certificate"),
        ("nothing".to_owned(), "pem"),
    ] {
        fs::write(&file, &text).unwrap();
        let refused =
            add_with(&mut gangway, "northwind", &other, &["--certificate", file.to_str().unwrap()], &[])
                .await;
        assert!(refused.badly().to_lowercase().contains(says), "{refused:?}");
        assert!(!refused.stderr.contains("-----BEGIN"), "{refused:?}");
    }
    let list = gangway.command(&["connection", "list"], &[]).await;
    assert!(!list.well().contains("northwind"), "{list:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_secret_stops_nothing_but_the_tenant_until_it_is_replaced() {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    let other = tenant_of(vec![domain("northwind.example", true)], |_| {}).await;
    add(&mut gangway, "northwind", &other, &[]).await.well();
    assert_provisions(&gangway, "ann@northwind.example").await;
    let app = other.directory().apps()[0].client_id;
    other.directory().change_app(app, |app| app.client_secret = "The-Next-Secret-88".into());
    other.directory().expire_tokens();
    let scim = gangway.scim();
    let waiting = scim.post("/Users", &named("bo@northwind.example")).await.expect(201);
    assert_eq!(waiting.sync_status(), "pending");
    let health = eventually("it is told", async || {
        let text = gangway.http().get("/health/ready").await.expect(200).text;
        text.contains("degraded").then_some(text)
    })
    .await;
    assert!(health.to_lowercase().contains("client secret"), "{health}");
    let replaced = gangway
        .command(
            &["connection", "credential", "northwind"],
            &[("GANGWAY_CLIENT_SECRET", "The-Next-Secret-88")],
        )
        .await;
    replaced.well();
    assert!(!replaced.stdout.contains("The-Next-Secret-88"), "{replaced:?}");
    assert_eq!(gangway.settled(&waiting.path()).await, "synced");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_ways_at_once_are_none() {
    let mut gangway = gangway(Backend::Sqlite).await.unwrap();
    let other = tenant_of(vec![domain("northwind.example", true)], |_| {}).await;
    let both = ["--delegated", "--federated-token-file", "token"];
    let refused = add_with(&mut gangway, "northwind", &other, &both, &[]).await;
    assert!(!refused.success, "{refused:?}");
    let none = add_with(&mut gangway, "northwind", &other, &[], &[]).await;
    assert!(none.badly().contains("GANGWAY_CLIENT_SECRET"), "{none:?}");
}
