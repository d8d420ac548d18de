//! Certificates made on the spot, and assertions verified with their public keys by another library's eyes.

use jsonwebtoken::{DecodingKey, Validation};
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rstest::rstest;
use serde_json::Value;
use time::macros::datetime;

use super::*;

/// The RSA key inside of `pkcs8`.
pub(in crate::graph) fn pkcs1(pkcs8: &[u8]) -> &[u8] {
    der::pkcs8(pkcs8).unwrap()
}

/// A certificate and its key, both in PEM.
pub(in crate::graph) struct Made {
    pub(in crate::graph) key: KeyPair,
    pub(in crate::graph) certificate: rcgen::Certificate,
}

impl Made {
    /// One of the years 2023 to 2033.
    fn with(key: KeyPair) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = date_time_ymd(2023, 1, 1);
        params.not_after = date_time_ymd(2033, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Self { key, certificate }
    }

    pub(in crate::graph) fn rsa() -> Self {
        Self::with(KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap())
    }

    pub(in crate::graph) fn pem(&self) -> SecretString {
        format!("{}{}", self.certificate.pem(), self.key.serialize_pem()).into()
    }

    fn pkcs1_pem(&self) -> String {
        let der = self.key.serialize_der();
        let body = base64::engine::general_purpose::STANDARD.encode(pkcs1(&der));
        format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n")
    }

    /// The claims of `assertion`, if the key signed it by PS256 for `audience`.
    pub(in crate::graph) fn verified(&self, assertion: &str, audience: &str) -> Value {
        let spki = self.key.public_key_raw();
        let key = DecodingKey::from_rsa_der(spki);
        let mut validation = Validation::new(Algorithm::PS256);
        validation.set_audience(&[audience]);
        validation.validate_exp = false;
        jsonwebtoken::decode::<Value>(assertion, &key, &validation).unwrap().claims
    }
}

fn endpoint() -> Url {
    "https://login.example/contoso.example/oauth2/v2.0/token".parse().unwrap()
}

#[test]
fn an_assertion_is_signed_for_the_token_endpoint() {
    let made = Made::rsa();
    let clock = Clock::fixed(1_700_000_000_500);
    for pem in [made.pem(), format!("{}\n{}", made.pkcs1_pem(), made.certificate.pem()).into()] {
        let certificate = Certificate::from_pem(&pem).unwrap();
        assert_eq!(certificate.not_after(), datetime!(2033-01-01 0:00 UTC));
        let assertion = certificate.assertion(&endpoint(), "the-app", &clock).unwrap();
        let header = jsonwebtoken::decode_header(assertion.expose_secret()).unwrap();
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(made.certificate.der()));
        assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::PS256, Some("JWT")));
        assert_eq!(header.x5t_s256.as_ref(), Some(&thumbprint));
        assert_eq!(certificate.thumbprint(), thumbprint);
        let claims = made.verified(assertion.expose_secret(), endpoint().as_str());
        assert_eq!((&claims["iss"], &claims["sub"]), (&Value::from("the-app"), &Value::from("the-app")));
        let now = 1_700_000_000;
        assert_eq!(
            (&claims["nbf"], &claims["iat"], &claims["exp"]),
            (&now.into(), &now.into(), &(now + 600).into())
        );
        let id: Uuid = claims["jti"].as_str().unwrap().parse().unwrap();
        let again = certificate.assertion(&endpoint(), "the-app", &clock).unwrap();
        let again = made.verified(again.expose_secret(), endpoint().as_str());
        assert_ne!(again["jti"], id.to_string());
    }
}

#[test]
fn of_a_chain_the_certificate_of_the_key_counts() {
    let (made, other) = (Made::rsa(), Made::rsa());
    let pem = format!("{}{}{}", other.certificate.pem(), made.certificate.pem(), made.key.serialize_pem());
    let certificate = Certificate::from_pem(&pem.into()).unwrap();
    assert_eq!(certificate.thumbprint(), URL_SAFE_NO_PAD.encode(Sha256::digest(made.certificate.der())));
}

#[test]
fn what_cannot_work_says_what_to_do() {
    let (made, other) = (Made::rsa(), Made::rsa());
    let elliptic = Made::with(KeyPair::generate().unwrap());
    let (certificate, key) = (made.certificate.pem(), made.key.serialize_pem());
    let cases = [
        (String::new(), "no private key"),
        (certificate.clone(), "no private key"),
        (key.clone(), "no certificate"),
        (format!("{certificate}{}", other.key.serialize_pem()), "does not belong"),
        (elliptic.pem().expose_secret().to_owned(), "not an RSA key"),
        (format!("{certificate}{}", key.replace("PRIVATE", "ENCRYPTED PRIVATE")), "is encrypted"),
        (
            format!("{certificate}{}", made.pkcs1_pem().replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1)),
            "is encrypted",
        ),
        (
            format!("{certificate}-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"),
            "cannot be read",
        ),
        (
            format!("{key}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
            "certificate cannot be read",
        ),
        (format!("{key}-----BEGIN CERTIFICATE-----\nMIIB"), "certificate cannot be read"),
    ];
    for (pem, says) in cases {
        let error = Certificate::from_pem(&pem.into()).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[rstest]
#[case(datetime!(2022-12-31 23:59:59 UTC), Some("not valid before 2023-01-01"))]
#[case(datetime!(2023-01-01 0:00 UTC), None)]
#[case(datetime!(2032-12-31 23:59:59 UTC), None)]
#[case(datetime!(2033-01-01 0:00 UTC), Some("expired on 2033-01-01"))]
fn its_dates_are_checked(#[case] now: OffsetDateTime, #[case] says: Option<&str>) {
    let certificate = Certificate::from_pem(&Made::rsa().pem()).unwrap();
    match (certificate.check(now), says) {
        (Ok(()), None) => {}
        (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
        (outcome, _) => panic!("{outcome:?}"),
    }
}

#[test]
fn an_expired_one_signs_nothing() {
    let certificate = Certificate::from_pem(&Made::rsa().pem()).unwrap();
    let clock = Clock::fixed(crate::clock::millis(datetime!(2033-01-01 0:00 UTC)));
    let outcome = certificate.assertion(&endpoint(), "the-app", &clock);
    assert_eq!(outcome.unwrap_err(), TokenFault::ExpiredCertificate);
}

#[test]
fn the_key_is_shown_nowhere() {
    let made = Made::rsa();
    let certificate = Certificate::from_pem(&made.pem()).unwrap();
    let shown = format!("{certificate:?}");
    assert!(shown.contains(certificate.thumbprint()) && shown.len() < 200, "{shown}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        prop_assert!(Certificate::from_pem(&text.into()).is_err());
    }

    #[test]
    fn no_section_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), key in any::<bool>()) {
        let body = base64::engine::general_purpose::STANDARD.encode(bytes);
        let label = if key { "PRIVATE KEY" } else { "CERTIFICATE" };
        let text = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
        prop_assert!(Certificate::from_pem(&text.into()).is_err());
    }
}
