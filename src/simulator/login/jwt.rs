//! JSON Web Tokens in their compact form (RFC 7519): taken apart, verified and made.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto};
use serde_json::{Value, json};

/// A token whose signature has not been looked at yet.
#[derive(Debug)]
pub(super) struct Jwt<'a> {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Jwt<'a> {
    /// Takes a token apart.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let part = |text: &str| -> Option<Value> {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            serde_json::from_slice(&bytes).ok().filter(Value::is_object)
        };
        Some(Self { header: part(header)?, claims: part(claims)?, signed, signature })
    }

    /// The claim `name` if it is text.
    pub(super) fn text(&self, name: &str) -> &str {
        self.claims[name].as_str().unwrap_or_default()
    }

    /// The claim `name`, a time in whole seconds, in milliseconds.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.claims[name].as_i64()?.checked_mul(1000)
    }

    /// Whether the RSA key made the signature, by an algorithm that Entra takes: PS256, or the older RS256.
    pub(super) fn is_signed_by(&self, rsa: &[u8]) -> bool {
        let algorithm = match self.header["alg"].as_str() {
            Some("PS256") => Algorithm::PS256,
            Some("RS256") => Algorithm::RS256,
            _ => return false,
        };
        self.verified(&DecodingKey::from_rsa_der(rsa), algorithm)
    }

    /// Whether this secret made the signature.
    pub(super) fn is_made_with(&self, secret: &[u8]) -> bool {
        self.header["alg"] == "HS256" && self.verified(&DecodingKey::from_secret(secret), Algorithm::HS256)
    }

    fn verified(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        crypto::verify(self.signature, self.signed.as_bytes(), key, algorithm).unwrap_or(false)
    }
}

/// A token of these claims, signed with a secret.
pub(super) fn make(kind: &str, claims: &Value, secret: &[u8]) -> Option<String> {
    let header = json!({ "typ": kind, "alg": "HS256", "kid": "simulator" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature =
        crypto::sign(signed.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256).ok()?;
    Some(format!("{signed}.{signature}"))
}

/// `token` without its signature, for a recording: it says what was claimed, and proves nothing.
pub(in crate::simulator) fn unsigned(token: &str) -> Option<String> {
    let jwt = Jwt::read(token)?;
    Some(format!("{}.{}", jwt.signed, URL_SAFE_NO_PAD.encode("redacted")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_made_read_and_verified() {
        let token = make("JWT", &json!({"sub": "a", "exp": 5}), b"secret").unwrap();
        let jwt = Jwt::read(&token).unwrap();
        assert_eq!((jwt.text("sub"), jwt.time("exp"), jwt.time("nbf")), ("a", Some(5000), None));
        assert!(jwt.is_made_with(b"secret"));
        assert!(!jwt.is_made_with(b"another"));
        assert!(!jwt.is_signed_by(b"secret"), "an HMAC is no RSA signature");
        let bare = unsigned(&token).unwrap();
        let bare = Jwt::read(&bare).unwrap();
        assert_eq!(bare.text("sub"), "a");
        assert!(!bare.is_made_with(b"secret"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_not(text in "[a-zA-Z0-9._-]{0,80}|.{0,40}") {
            if let Some(jwt) = Jwt::read(&text) {
                prop_assert!(!jwt.is_made_with(b"secret"));
                prop_assert!(!jwt.is_signed_by(b"nonsense"));
            }
            let _ = unsigned(&text);
        }
    }
}
