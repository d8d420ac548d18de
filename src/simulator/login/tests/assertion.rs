//! How an application proves itself by an assertion.

use std::sync::LazyLock;

use jsonwebtoken::Algorithm;
use rstest::rstest;
use serde_json::{Value, json};

use super::super::testing::Signer;
use super::*;

/// In seconds since the Unix epoch, as the desk's clock stands.
const NOW: i64 = 1_790_000_000;

static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);
static OTHER: LazyLock<Signer> = LazyLock::new(Signer::new);

fn claims() -> Value {
    json!({
        "aud": format!("{BASE}/{TENANT}/oauth2/v2.0/token"),
        "iss": APP,
        "sub": APP,
        "jti": "an id",
        "nbf": NOW,
        "iat": NOW,
        "exp": NOW + 600,
    })
}

fn registered() -> Desk {
    Desk::with(|app| app.certificates = vec![OTHER.certificate.clone(), SIGNER.certificate.clone()])
}

fn signed(claims: &Value) -> String {
    SIGNER.sign(Algorithm::PS256, json!({"x5t#S256": SIGNER.thumbprint}), claims)
}

fn with(assertion: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", APP),
        ("scope", "http://127.0.0.1:1/.default"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ]
}

#[rstest]
#[case(Algorithm::PS256, "x5t#S256")]
#[case(Algorithm::RS256, "x5t#S256")]
#[case(Algorithm::RS256, "x5t")]
fn a_registered_certificate_proves_the_application(#[case] algorithm: Algorithm, #[case] name: &str) {
    let header = json!({name: SIGNER.thumbprint});
    let (status, body) = registered().ask(TENANT, &[], &with(&SIGNER.sign(algorithm, header, &claims())));
    assert_eq!(status, 200, "{body}");
}

#[test]
fn the_audience_may_name_the_tenant_by_its_id() {
    let mut claims = claims();
    claims["aud"] = json!(format!("{BASE}/72f988bf-0000-4000-8000-c0a705000001/oauth2/v2.0/token"));
    assert_eq!(registered().ask(TENANT, &[], &with(&signed(&claims))).0, 200);
}

#[rstest]
#[case("aud", json!("https://login.microsoftonline.us/contoso.example/oauth2/v2.0/token"), 401, 700_023)]
#[case("iss", json!("somebody"), 401, 700_021)]
#[case("sub", json!("somebody"), 401, 700_021)]
#[case("exp", json!(NOW - 301), 401, 700_024)]
#[case("exp", Value::Null, 401, 700_024)]
#[case("nbf", json!(NOW + 301), 401, 700_024)]
#[case("jti", Value::Null, 400, 50_027)]
fn a_claim_that_is_wrong(#[case] name: &str, #[case] value: Value, #[case] status: u16, #[case] number: u64) {
    let mut claims = claims();
    claims[name] = value;
    let (answered, found, text) = registered().refused(&with(&signed(&claims)));
    assert_eq!((answered, found), (status, number), "{text}");
}

#[test]
fn an_assertion_is_used_once() {
    let desk = registered();
    assert_eq!(desk.ask(TENANT, &[], &with(&signed(&claims()))).0, 200);
    let (_, number, text) = desk.refused(&with(&signed(&claims())));
    assert_eq!(number, 50_027, "{text}");
    let mut fresh = claims();
    fresh["jti"] = json!("another id");
    assert_eq!(desk.ask(TENANT, &[], &with(&signed(&fresh))).0, 200);
}

#[test]
fn keys_that_prove_nothing() {
    let sign = |signer: &Signer, thumbprint: &str| {
        signer.sign(Algorithm::PS256, json!({"x5t#S256": thumbprint}), &claims())
    };
    let unknown = Desk::new();
    assert_eq!(unknown.refused(&with(&signed(&claims()))).1, 700_027, "no certificate is registered");
    let desk = registered();
    assert_eq!(desk.refused(&with(&sign(&OTHER, &SIGNER.thumbprint))).1, 700_027, "another key");
    let nameless = SIGNER.sign(Algorithm::PS256, json!({}), &claims());
    assert_eq!(desk.refused(&with(&nameless)).1, 50_027);
    assert_eq!(desk.refused(&with("no token")).1, 50_027);
    let mut kind = with("x");
    kind[3].1 = "urn:something:else";
    assert_eq!(desk.refused(&kind).1, 50_027);
    desk.clock.advance((Signer::UNTIL - NOW) * 1000 + 1);
    assert!(desk.refused(&with(&signed(&claims()))).2.contains("expired"), "the certificate has ended");
}

fn workload() -> Desk {
    Desk::with(|app| {
        app.federated = vec![crate::simulator::FederatedSeed {
            issuer: "https://issuer.example".to_owned(),
            subject: "system:gangway".to_owned(),
            public_key: SIGNER.public_key.clone(),
            ..Default::default()
        }];
    })
}

#[rstest]
#[case("", Value::Null, 0)]
#[case("aud", json!(["else", "api://AzureADTokenExchange"]), 0)]
#[case("iss", json!("https://else.example"), 700_211)]
#[case("sub", json!("somebody"), 700_213)]
#[case("aud", json!("else"), 700_212)]
#[case("exp", json!(NOW - 301), 700_024)]
fn another_issuer_vouches_for_a_workload(#[case] name: &str, #[case] value: Value, #[case] number: u64) {
    let mut claims = json!({
        "iss": "https://issuer.example",
        "sub": "system:gangway",
        "aud": "api://AzureADTokenExchange",
        "exp": NOW + 60,
    });
    if !name.is_empty() {
        claims[name] = value;
    }
    let assertion = SIGNER.sign(Algorithm::RS256, json!({"kid": "1"}), &claims);
    let (_, body) = workload().ask(TENANT, &[], &with(&assertion));
    assert_eq!(body["error_codes"][0].as_u64().unwrap_or(0), number, "{body}");
    let forged = OTHER.sign(Algorithm::RS256, json!({"kid": "1"}), &claims);
    assert_ne!(workload().ask(TENANT, &[], &with(&forged)).0, 200);
}
