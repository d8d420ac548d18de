//! What the token endpoint reads out of a certificate or a public key in PEM: the RSA key, the thumbprint, the validity.
//! Of DER (X.690) no more is understood than the way to these.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{PrimitiveDateTime, UtcDateTime};

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// A key that verifies assertions, and what names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The RSA public key (PKCS#1), as a verifier takes it.
    pub(super) rsa: Vec<u8>,
    /// `x5t#S256` of its certificate; none for a bare key.
    pub(super) thumbprint: Option<String>,
    /// From when to when the certificate is good, in milliseconds since the Unix epoch.
    pub(super) valid: Option<(i64, i64)>,
}

/// The first certificate, or else the first public key, in `pem`.
pub(super) fn key(pem: &str) -> Option<Key> {
    match block(pem, "CERTIFICATE") {
        Some(der) => from_certificate(&der),
        None => from_spki(&block(pem, "PUBLIC KEY")?),
    }
}

fn block(pem: &str, label: &str) -> Option<Vec<u8>> {
    let (_, behind) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (text, _) = behind.split_once(&format!("-----END {label}-----"))?;
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok()
}

/// RFC 5280 §4.1: the fields of `TBSCertificate` up to `subjectPublicKeyInfo`.
fn from_certificate(der: &[u8]) -> Option<Key> {
    let (certificate, _) = take(der, SEQUENCE)?;
    let (mut fields, _) = take(certificate, SEQUENCE)?;
    if let Some((_, rest)) = take(fields, VERSION) {
        fields = rest;
    }
    let (_, fields) = take(fields, INTEGER)?;
    let (_, fields) = take(fields, SEQUENCE)?;
    let (_, fields) = take(fields, SEQUENCE)?;
    let (validity, fields) = take(fields, SEQUENCE)?;
    let (_, fields) = take(fields, SEQUENCE)?;
    let (from, rest) = moment(validity)?;
    let (until, _) = moment(rest)?;
    Some(Key {
        thumbprint: Some(URL_SAFE_NO_PAD.encode(Sha256::digest(der))),
        valid: Some((from, until)),
        ..from_spki(fields)?
    })
}

fn from_spki(der: &[u8]) -> Option<Key> {
    let (info, _) = take(der, SEQUENCE)?;
    let (_, info) = take(info, SEQUENCE)?;
    let (bits, _) = take(info, BIT_STRING)?;
    // The first byte counts the unused bits at the end: none.
    let rsa = bits.strip_prefix(&[0])?.to_vec();
    Some(Key { rsa, thumbprint: None, valid: None })
}

/// `Time` at the front of `der`, in milliseconds since the Unix epoch, and what is behind it.
fn moment(der: &[u8]) -> Option<(i64, &[u8])> {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year][month][day][hour][minute][second]Z");
    let (text, rest) = if let Some((text, rest)) = take(der, UTC_TIME) {
        let text = std::str::from_utf8(text).ok()?;
        // RFC 5280 §4.1.2.5.1: from 50 on, the year is of the last century.
        let century = if text < "50" { "20" } else { "19" };
        (format!("{century}{text}"), rest)
    } else {
        let (text, rest) = take(der, GENERALIZED_TIME)?;
        (std::str::from_utf8(text).ok()?.to_owned(), rest)
    };
    let at: UtcDateTime = PrimitiveDateTime::parse(&text, FORMAT).ok()?.as_utc();
    Some((at.unix_timestamp() * 1000, rest))
}

/// The content of the element at the front of `der`, if it has this tag, and what is behind it.
pub(super) fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = der.strip_prefix(&[tag])?;
    let (&first, rest) = rest.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    if length.len() > 4 {
        return None;
    }
    let length = length.iter().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte));
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::simulator::login::testing::Signer;

    #[test]
    fn a_certificate_gives_its_key_its_thumbprint_and_its_validity() {
        let signer = Signer::new();
        let found = key(&signer.certificate).unwrap();
        let bare = key(&signer.public_key).unwrap();
        assert_eq!(found.rsa, bare.rsa);
        assert_eq!(found.thumbprint, Some(signer.thumbprint.clone()));
        let (from, until) = found.valid.unwrap();
        assert_eq!((from, until), (Signer::FROM * 1000, Signer::UNTIL * 1000));
        assert_eq!((bare.thumbprint, bare.valid), (None, None));
    }

    #[test]
    fn a_year_of_two_digits_has_its_century() {
        let time = |text: &str| {
            let mut der = vec![UTC_TIME, 13];
            der.extend(text.as_bytes());
            moment(&der).map(|(at, _)| at)
        };
        assert_eq!(time("700101000000Z"), Some(0));
        assert_eq!(time("260101000000Z"), Some(1_767_225_600_000));
        assert_eq!(time("269901000000Z"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_certificate(&bytes);
            let _ = from_spki(&bytes);
            let _ = key(&format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", STANDARD.encode(&bytes)));
        }

        #[test]
        fn any_text_is_read_or_not(text in ".{0,200}") {
            let _ = key(&text);
        }
    }
}
