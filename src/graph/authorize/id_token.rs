//! The identity token: who authorised, where, and whether it is the answer to what was asked.
//!
//! Its signature is not looked at: it comes straight from the token endpoint over TLS, where OpenID Connect Core §3.1.3.7
//! (item 6) lets TLS stand for it. (Without TLS it comes from this computer itself.)

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use url::Url;
use uuid::Uuid;

use super::super::token::payload;

/// How far the two clocks may be apart, in seconds.
const SKEW: i64 = 5 * 60;

/// What the identity token must say.
pub(super) struct Expected<'a> {
    pub(super) client_id: &'a str,
    /// The connection's tenant, when it is known by its id.
    pub(super) tenant: Option<Uuid>,
    pub(super) nonce: &'a SecretString,
    /// In seconds since the Unix epoch.
    pub(super) now: i64,
}

/// Who signed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) tenant: Uuid,
    pub(super) id: Uuid,
    pub(super) name: String,
}

/// What is wrong with the identity token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenFault {
    /// There is none.
    #[error(
        "Microsoft sent no identity token: check that the login host of the connection is right, and authorise again."
    )]
    Missing,
    /// It is no identity token of Microsoft.
    #[error(
        "The identity token is not one of Microsoft's: check that the login host of the connection is right and that no proxy answers in its place."
    )]
    Malformed,
    /// `aud` is another application.
    #[error(
        "The identity token is for another application: check the connection's client id, and authorise again."
    )]
    OtherApplication,
    /// `tid` is another tenant, or `iss` does not fit it.
    #[error(
        "You signed in to another tenant than the connection's: authorise again with an administrator's account of the connection's tenant, or correct its tenant id."
    )]
    OtherTenant,
    /// `nonce` is not the one that was sent.
    #[error(
        "The identity token belongs to another attempt: begin the authorisation again in one browser window."
    )]
    OtherAttempt,
    /// `exp` or `iat` does not fit our clock.
    #[error(
        "The identity token is outside its time: set the clock of this computer right, and authorise again."
    )]
    Time,
}

/// "ID token claims reference".
#[derive(Deserialize)]
struct Claims {
    aud: String,
    iss: String,
    tid: Uuid,
    oid: Uuid,
    exp: i64,
    iat: i64,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    preferred_username: String,
}

/// The checks of OpenID Connect Core §3.1.3.7.
pub(super) fn check(token: &str, expected: &Expected<'_>) -> Result<Person, IdTokenFault> {
    let claims: Claims = payload(token).ok_or(IdTokenFault::Malformed)?;
    if !claims.aud.eq_ignore_ascii_case(expected.client_id) {
        return Err(IdTokenFault::OtherApplication);
    }
    if !is_issuer(&claims.iss, claims.tid) || expected.tenant.is_some_and(|tenant| tenant != claims.tid) {
        return Err(IdTokenFault::OtherTenant);
    }
    let nonce = expected.nonce.expose_secret();
    if nonce.is_empty() || !bool::from(claims.nonce.as_bytes().ct_eq(nonce.as_bytes())) {
        return Err(IdTokenFault::OtherAttempt);
    }
    if claims.exp.saturating_add(SKEW) <= expected.now || claims.iat.saturating_sub(SKEW) > expected.now {
        return Err(IdTokenFault::Time);
    }
    Ok(Person { tenant: claims.tid, id: claims.oid, name: claims.preferred_username })
}

/// Whether `issuer` is that of the tenant: its host differs from the login host's in some clouds.
fn is_issuer(issuer: &str, tenant: Uuid) -> bool {
    Url::parse(issuer).is_ok_and(|issuer| issuer.path() == format!("/{tenant}/v2.0"))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const TENANT: &str = "11111111-1111-4111-8111-111111111111";
    const OTHER: &str = "22222222-2222-4222-8222-222222222222";
    const NOW: i64 = 1_700_000_000;

    fn token(changes: &Value) -> String {
        let mut claims = json!({
            "aud": "the-app", "iss": format!("https://login.example/{TENANT}/v2.0"), "tid": TENANT, "oid": OTHER,
            "exp": NOW + 3600, "iat": NOW, "nonce": "n", "preferred_username": "admin@contoso.example",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn checked(token: &str, tenant: Option<&str>) -> Result<Person, IdTokenFault> {
        let tenant = tenant.map(|tenant| tenant.parse().unwrap());
        check(token, &Expected { client_id: "the-app", tenant, nonce: &"n".into(), now: NOW })
    }

    #[test]
    fn a_good_one_says_who_signed_in() {
        for tenant in [None, Some(TENANT)] {
            let person = checked(&token(&json!({})), tenant).unwrap();
            assert_eq!((person.tenant.to_string(), person.id.to_string()), (TENANT.into(), OTHER.into()));
            assert_eq!(person.name, "admin@contoso.example");
        }
    }

    #[rstest]
    #[case(json!({"aud": "another-app"}), IdTokenFault::OtherApplication)]
    #[case(json!({"tid": OTHER}), IdTokenFault::OtherTenant)]
    #[case(json!({"tid": OTHER, "iss": format!("https://login.example/{OTHER}/v2.0")}), IdTokenFault::OtherTenant)]
    #[case(json!({"iss": "https://login.example/v2.0"}), IdTokenFault::OtherTenant)]
    #[case(json!({"nonce": "m"}), IdTokenFault::OtherAttempt)]
    #[case(json!({"nonce": ""}), IdTokenFault::OtherAttempt)]
    #[case(json!({"nonce": "nn"}), IdTokenFault::OtherAttempt)]
    #[case(json!({"exp": NOW - 300}), IdTokenFault::Time)]
    #[case(json!({"iat": NOW + 301}), IdTokenFault::Time)]
    #[case(json!({"iat": i64::MIN, "exp": i64::MIN}), IdTokenFault::Time)]
    #[case(json!({"tid": "contoso"}), IdTokenFault::Malformed)]
    #[case(json!({"aud": ["the-app"]}), IdTokenFault::Malformed)]
    fn another_one_is_refused(#[case] changes: Value, #[case] fault: IdTokenFault) {
        assert_eq!(checked(&token(&changes), Some(TENANT)), Err(fault));
    }

    #[rstest]
    #[case(json!({"exp": NOW - 299}))]
    #[case(json!({"iat": NOW + 300}))]
    #[case(json!({"aud": "THE-APP"}))]
    fn clocks_may_differ_a_little(#[case] changes: Value) {
        assert!(checked(&token(&changes), Some(TENANT)).is_ok());
    }

    #[test]
    fn of_a_tenant_known_by_its_domain_the_id_is_told() {
        let changes = json!({"tid": OTHER, "iss": format!("https://login.example/{OTHER}/v2.0")});
        assert_eq!(checked(&token(&changes), None).unwrap().tenant.to_string(), OTHER);
    }

    #[test]
    fn without_a_nonce_of_ours_nothing_is_taken() {
        let expected = Expected { client_id: "the-app", tenant: None, nonce: &"".into(), now: NOW };
        assert_eq!(check(&token(&json!({"nonce": ""})), &expected), Err(IdTokenFault::OtherAttempt));
    }

    proptest! {
        #[test]
        fn no_token_makes_it_panic(text in "\\PC{0,60}", claims in "\\PC{0,60}") {
            let _ = checked(&text, None);
            let _ = checked(&format!("a.{}.c", URL_SAFE_NO_PAD.encode(claims)), None);
        }
    }
}
