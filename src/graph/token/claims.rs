//! What stands in a JWT, read without trust: to tell an administrator, not to decide on.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The longest JWT that is read, in bytes: tokens with many groups have some ten thousand.
const LONGEST: usize = 256 * 1024;

/// What an access token for Graph says of itself ("Access token claims reference"). Microsoft may encrypt it any day,
/// so nothing depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// `aud`: the resource that it is for, the Graph host or Graph's application id.
    #[serde(default, rename = "aud")]
    pub audience: Option<String>,
    /// `tid`: the tenant's id.
    #[serde(default, rename = "tid")]
    pub tenant: Option<String>,
    /// `appid`: the application.
    #[serde(default, rename = "appid")]
    pub application: Option<String>,
    /// `roles`: the application permissions.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// `scp`: the delegated permissions, with blanks between.
    #[serde(default, rename = "scp")]
    pub scopes: Option<String>,
    /// `wids`: template ids of the directory roles of the person or the service principal.
    #[serde(default, rename = "wids")]
    pub directory_roles: Option<Vec<String>>,
}

impl Claims {
    /// Those of `token`; none when it is opaque.
    pub(in crate::graph) fn read(token: &str) -> Option<Self> {
        payload(token)
    }

    /// The permissions, delegated or of the application; empty when the token has none.
    pub fn permissions(&self) -> Vec<String> {
        match (&self.roles, &self.scopes) {
            (_, Some(scopes)) => scopes.split_whitespace().map(str::to_owned).collect(),
            (Some(roles), None) => roles.clone(),
            (None, None) => Vec::new(),
        }
    }

    /// Whether it acts on behalf of a person.
    pub fn is_delegated(&self) -> bool {
        self.scopes.is_some()
    }
}

/// The claims of a JWT (RFC 7519 §3), its signature not looked at.
pub(in crate::graph) fn payload<T: DeserializeOwned>(token: &str) -> Option<T> {
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn jwt(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[rstest]
    #[case(json!({"roles": ["User.ReadWrite.All", "Group.ReadWrite.All"]}), &["User.ReadWrite.All", "Group.ReadWrite.All"], false)]
    #[case(json!({"scp": "User.Read  Domain.Read.All"}), &["User.Read", "Domain.Read.All"], true)]
    #[case(json!({"scp": "", "roles": null}), &[], true)]
    #[case(json!({}), &[], false)]
    fn permissions_are_read(#[case] claims: Value, #[case] expected: &[&str], #[case] delegated: bool) {
        let claims = Claims::read(&jwt(&claims)).unwrap();
        assert_eq!(claims.permissions(), expected);
        assert_eq!(claims.is_delegated(), delegated);
    }

    #[rstest]
    #[case("token-1")]
    #[case("")]
    #[case("a.b")]
    #[case("e30.e30.c2ln.x")]
    #[case("e30.!!!.c2ln")]
    #[case("e30.MQ.c2ln")]
    fn what_is_opaque_stays_so(#[case] token: &str) {
        assert_eq!(Claims::read(token), None);
    }

    proptest! {
        #[test]
        fn no_token_makes_it_panic(text in "\\PC{0,80}", body in "\\PC{0,80}") {
            let _ = Claims::read(&text);
            let _ = Claims::read(&format!("a.{}.c", URL_SAFE_NO_PAD.encode(body)));
        }
    }
}
