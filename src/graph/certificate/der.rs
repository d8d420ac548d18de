//! As much of DER (X.690 §10) as it takes to find a certificate's dates and key.

use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]`, constructed: the version, which may be left out.
const VERSION: u8 = 0xa0;

/// What is read of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    /// The `SubjectPublicKeyInfo`, whole.
    pub(super) public_key: &'a [u8],
}

/// Reads a certificate (RFC 5280 §4.1).
pub(super) fn certificate(der: &[u8]) -> Option<Facts<'_>> {
    let mut certificate = Reader(der).sequence()?;
    let mut fields = certificate.sequence()?;
    let first = fields.next()?;
    if first.tag == VERSION {
        let _serial = fields.next()?;
    }
    let _signature = fields.next()?;
    let _issuer = fields.next()?;
    let mut validity = fields.sequence()?;
    let _subject = fields.next()?;
    let key = fields.next()?;
    Some(Facts {
        not_before: moment(&validity.next()?)?,
        not_after: moment(&validity.next()?)?,
        public_key: key.whole,
    })
}

/// The key inside of a PKCS#8 `PrivateKeyInfo` (RFC 5958 §2).
pub(super) fn pkcs8(der: &[u8]) -> Option<&[u8]> {
    let mut fields = Reader(der).sequence()?;
    let _version = fields.next()?;
    let _algorithm = fields.next()?;
    fields.next().filter(|key| key.tag == OCTET_STRING).map(|key| key.content)
}

/// A time in UTC to the second (RFC 5280 §4.1.2.5).
fn moment(element: &Element<'_>) -> Option<OffsetDateTime> {
    let text = str::from_utf8(element.content).ok()?;
    let format = format_description!("[year][month][day][hour][minute][second]Z");
    let text = match element.tag {
        // Two digits of a year: 50 to 99 are of the twentieth century.
        UTC_TIME if text >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    Some(PrimitiveDateTime::parse(&text, format).ok()?.assume_utc())
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            // The length in one to four bytes: nothing here is longer.
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some(Element { tag, content, whole })
    }

    fn sequence(&mut self) -> Option<Reader<'a>> {
        self.next().filter(|element| element.tag == SEQUENCE).map(|element| Reader(element.content))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;

    #[rstest]
    #[case(UTC_TIME, "261122101530Z", Some(datetime!(2026-11-22 10:15:30 UTC)))]
    #[case(UTC_TIME, "500101000000Z", Some(datetime!(1950-01-01 0:00 UTC)))]
    #[case(UTC_TIME, "491231235959Z", Some(datetime!(2049-12-31 23:59:59 UTC)))]
    #[case(GENERALIZED_TIME, "20500101000000Z", Some(datetime!(2050-01-01 0:00 UTC)))]
    #[case(GENERALIZED_TIME, "99991231235959Z", Some(datetime!(9999-12-31 23:59:59 UTC)))]
    #[case(UTC_TIME, "2611221015Z", None)]
    #[case(UTC_TIME, "261322101530Z", None)]
    #[case(UTC_TIME, "", None)]
    #[case(SEQUENCE, "261122101530Z", None)]
    fn times_are_read(#[case] tag: u8, #[case] text: &str, #[case] expected: Option<OffsetDateTime>) {
        let content = text.as_bytes();
        assert_eq!(moment(&Element { tag, content, whole: content }), expected);
    }

    #[rstest]
    #[case(&[])]
    #[case(&[0x30])]
    #[case(&[0x30, 0x82, 0x01])]
    #[case(&[0x30, 0x05, 0x00])]
    #[case(&[0x30, 0x80, 0x00, 0x00])]
    #[case(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff])]
    fn what_is_cut_off_is_refused(#[case] der: &[u8]) {
        assert_eq!(certificate(der), None);
        assert_eq!(pkcs8(der), None);
    }

    #[test]
    fn a_long_length_is_read() {
        let mut der = vec![SEQUENCE, 0x82, 0x01, 0x00];
        der.extend([0; 256]);
        let element = Reader(&der).next().unwrap();
        assert_eq!((element.content.len(), element.whole.len()), (256, 260));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(der in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = certificate(&der);
            let _ = pkcs8(&der);
        }

        /// Nearly right: nested sequences with any lengths.
        #[test]
        fn no_lengths_make_it_panic(lengths in proptest::collection::vec(any::<u8>(), 0..20)) {
            let der: Vec<u8> = lengths.into_iter().flat_map(|length| [SEQUENCE, length]).collect();
            let _ = certificate(&der);
            let _ = pkcs8(&der);
        }
    }
}
