//! A certificate of the app registration, and the assertions that are signed with its key.
//!
//! "Microsoft identity platform application authentication certificate credentials".

mod der;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rustls::SignatureAlgorithm;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

use super::ConfigurationError;
use super::token::TokenFault;
use crate::clock::Clock;

/// How long an assertion is good, in seconds: Microsoft suggests five to ten minutes.
const LIFE: i64 = 10 * 60;

/// A certificate with its private key. Clones share them.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    key: EncodingKey,
    /// base64url of the SHA-256 of the DER certificate (RFC 7515 §4.1.8).
    thumbprint: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("thumbprint", &self.0.thumbprint)
            .field("not_after", &self.0.not_after)
            .finish_non_exhaustive()
    }
}

/// RFC 7523 §3.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: Uuid,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl Certificate {
    /// Reads a certificate and its unencrypted RSA key (PKCS#8 or PKCS#1) from PEM text, in any order. Where there are
    /// several certificates, such as a chain, the one that the key belongs to counts. Its dates are not looked at.
    pub fn from_pem(pem: &SecretString) -> Result<Self, ConfigurationError> {
        let text = pem.expose_secret();
        let (key, public) = private_key(text)?;
        let mut seen = false;
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|_| ConfigurationError::UnreadableCertificate)?;
            let facts = der::certificate(&certificate).ok_or(ConfigurationError::UnreadableCertificate)?;
            seen = true;
            if facts.public_key != public {
                continue;
            }
            return Ok(Self(Arc::new(Inner {
                key,
                thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate)),
                not_before: facts.not_before,
                not_after: facts.not_after,
            })));
        }
        Err(if seen { ConfigurationError::OtherKey } else { ConfigurationError::NoCertificate })
    }

    /// Until when it can be used.
    pub fn not_after(&self) -> OffsetDateTime {
        self.0.not_after
    }

    /// Its SHA-256 thumbprint in base64url, as it stands in `x5t#S256`.
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Whether `now` is between its dates.
    pub fn check(&self, now: OffsetDateTime) -> Result<(), ConfigurationError> {
        if now >= self.0.not_after {
            return Err(ConfigurationError::ExpiredCertificate(self.0.not_after));
        }
        if now < self.0.not_before {
            return Err(ConfigurationError::EarlyCertificate(self.0.not_before));
        }
        Ok(())
    }

    /// A new assertion of the application `client_id` for the token endpoint `audience`.
    pub(super) fn assertion(
        &self,
        audience: &Url,
        client_id: &str,
        clock: &Clock,
    ) -> Result<SecretString, TokenFault> {
        if clock.now() >= self.0.not_after {
            return Err(TokenFault::ExpiredCertificate);
        }
        let now = clock.now().unix_timestamp();
        let claims = Claims {
            aud: audience.as_str(),
            iss: client_id,
            sub: client_id,
            jti: clock.uuid(),
            nbf: now,
            iat: now,
            exp: now + LIFE,
        };
        let header = Header { x5t_s256: Some(self.0.thumbprint.clone()), ..Header::new(Algorithm::PS256) };
        // The key has been read before, so only the operating system's randomness can fail here.
        let signed = jsonwebtoken::encode(&header, &claims, &self.0.key);
        signed.map(SecretString::from).map_err(|_| TokenFault::WrongAssertion)
    }
}

/// The private key in PEM text, and the `SubjectPublicKeyInfo` (RFC 5280 §4.1) of a certificate that it belongs to.
fn private_key(text: &str) -> Result<(EncodingKey, Vec<u8>), ConfigurationError> {
    // PKCS#8 (RFC 7468 §11), and "Proc-Type: 4,ENCRYPTED" of the older form (RFC 1421 §4.6.1.1).
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("4,ENCRYPTED") {
        return Err(ConfigurationError::EncryptedKey);
    }
    let Some(key) = PrivateKeyDer::pem_slice_iter(text.as_bytes()).next() else {
        return Err(ConfigurationError::NoPrivateKey);
    };
    let key = key.map_err(|_| ConfigurationError::UnusableKey)?;
    let pair = any_supported_type(&key).map_err(|_| ConfigurationError::UnusableKey)?;
    if pair.algorithm() != SignatureAlgorithm::RSA {
        return Err(ConfigurationError::NotRsa);
    }
    let public = pair.public_key().ok_or(ConfigurationError::UnusableKey)?.to_vec();
    let pkcs1 = match &key {
        PrivateKeyDer::Pkcs1(key) => Some(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => der::pkcs8(key.secret_pkcs8_der()),
        _ => None,
    };
    let pkcs1 = pkcs1.ok_or(ConfigurationError::UnusableKey)?;
    Ok((EncodingKey::from_rsa_der(pkcs1), public))
}

#[cfg(test)]
pub(super) mod tests;
