//! A key pair and its certificate, and assertions signed with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::certificate::take;

pub(super) struct Signer {
    pub(super) certificate: String,
    pub(super) public_key: String,
    pub(super) thumbprint: String,
    key: EncodingKey,
}

impl Signer {
    /// The certificate's validity, in seconds since the Unix epoch.
    pub(super) const FROM: i64 = 1_700_000_000;
    pub(super) const UNTIL: i64 = 1_900_000_000;

    pub(super) fn new() -> Self {
        let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let mut params = CertificateParams::new(vec!["gangway.example".to_owned()]).unwrap();
        params.not_before = OffsetDateTime::from_unix_timestamp(Self::FROM).unwrap();
        params.not_after = OffsetDateTime::from_unix_timestamp(Self::UNTIL).unwrap();
        let certificate = params.self_signed(&pair).unwrap();
        Self {
            certificate: certificate.pem(),
            public_key: pair.public_key_pem(),
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der())),
            key: EncodingKey::from_rsa_der(&bare(&pair.serialize_der())),
        }
    }

    pub(super) fn sign(&self, algorithm: Algorithm, mut header: Value, claims: &Value) -> String {
        header["alg"] = json!(format!("{algorithm:?}"));
        header["typ"] = json!("JWT");
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = crypto::sign(signed.as_bytes(), &self.key, algorithm).unwrap();
        format!("{signed}.{signature}")
    }
}

/// The RSA key (PKCS#1) inside PKCS#8 (RFC 5208 §5): version, algorithm, key.
fn bare(pkcs8: &[u8]) -> Vec<u8> {
    let (info, _) = take(pkcs8, 0x30).unwrap();
    let (_, rest) = take(info, 0x02).unwrap();
    let (_, rest) = take(rest, 0x30).unwrap();
    take(rest, 0x04).unwrap().0.to_vec()
}
