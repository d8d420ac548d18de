//! Cursors (RFC 9865): where in a list a page begins, in a text that clients keep and send back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::error::{Error, ErrorKind};

/// Where a page begins. It does not expire: it names a place in the order, not a state that the server keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Position {
    /// At the first resource.
    Start,
    /// Behind this one, in the order of creation.
    After {
        /// When it was created, in milliseconds since the Unix epoch.
        created_at: i64,
        /// Its id.
        id: Uuid,
    },
    /// Behind so many, in any other order.
    Offset(u64),
}

/// What a cursor belongs to: a digest of the query, so that it is refused when it comes with another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint([u8; LENGTH]);

const LENGTH: usize = 8;
const CHECKSUM: usize = 4;
/// Of the form below; another one would get another number.
const VERSION: u8 = 1;

impl Fingerprint {
    /// The digest of a query's parts, in their order; an absent one differs from an empty one.
    pub(super) fn of(parts: &[Option<&str>]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            match part {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update(text.len().to_be_bytes());
                    hash.update(text);
                }
            }
        }
        Self(first(&hash.finalize()))
    }
}

impl Position {
    /// The cursor, in the characters that a query may hold as they are (RFC 9865 §2, RFC 3986 §2.3). The one of
    /// [`Position::Start`] is empty.
    pub(super) fn encode(self, query: Fingerprint) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(query.0);
        match self {
            Self::Start => return String::new(),
            Self::After { created_at, id } => {
                bytes.extend(created_at.to_be_bytes());
                bytes.extend(id.as_bytes());
            }
            Self::Offset(offset) => bytes.extend(offset.to_be_bytes()),
        }
        bytes.extend(checksum(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What [`encode`](Self::encode) has written for the same query; anything else is `invalidCursor`.
    pub(super) fn decode(cursor: &str, query: Fingerprint) -> Result<Self, Error> {
        if cursor.is_empty() {
            return Ok(Self::Start);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let Some((of, position)) = bytes.as_deref().and_then(split) else {
            return Err(invalid(
                "The cursor is not one of this server's; send an empty cursor for the first page, then each nextCursor as it came.",
            ));
        };
        if of != query {
            return Err(invalid(
                "The cursor belongs to another query; send it with the filter and the sorting with which it came.",
            ));
        }
        Ok(position)
    }
}

fn split(bytes: &[u8]) -> Option<(Fingerprint, Position)> {
    let (rest, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
    let (version, rest_behind) = rest.split_first()?;
    if checksum(rest) != *sum || *version != VERSION {
        return None;
    }
    let (of, place) = rest_behind.split_first_chunk::<LENGTH>()?;
    let (number, id) = place.split_first_chunk::<8>()?;
    let position = if id.is_empty() {
        Position::Offset(u64::from_be_bytes(*number))
    } else {
        Position::After { created_at: i64::from_be_bytes(*number), id: Uuid::from_slice(id).ok()? }
    };
    Some((Fingerprint(*of), position))
}

/// Against slips, not against forgers: a forged cursor reads nothing that the query would not.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    first(&Sha256::digest(bytes))
}

fn first<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(digest) {
        *to = *from;
    }
    out
}

fn invalid(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidCursor, detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position() -> impl Strategy<Value = Position> {
        prop_oneof![
            Just(Position::Start),
            any::<u64>().prop_map(Position::Offset),
            (any::<i64>(), any::<u128>())
                .prop_map(|(created_at, id)| Position::After { created_at, id: Uuid::from_u128(id) }),
        ]
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_and_needs_no_escaping(position in position(), filter in prop::option::of(".{0,20}")) {
            let query = Fingerprint::of(&[Some("User"), filter.as_deref()]);
            let cursor = position.encode(query);
            prop_assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            prop_assert_eq!(Position::decode(&cursor, query), Ok(position));
        }

        #[test]
        fn a_cursor_of_another_query_is_refused(offset in any::<u64>(), a in prop::option::of("[ab]{0,2}"), b in prop::option::of("[ab]{0,2}")) {
            if a == b { return Ok(()) }
            let cursor = Position::Offset(offset).encode(Fingerprint::of(&[a.as_deref()]));
            let error = Position::decode(&cursor, Fingerprint::of(&[b.as_deref()])).unwrap_err();
            prop_assert_eq!(error.scim_type(), Some("invalidCursor"));
            prop_assert!(error.detail.contains("another query"));
        }

        #[test]
        fn a_changed_letter_is_noticed(offset in any::<u64>(), at in any::<prop::sample::Index>(), letter in "[a-zA-Z0-9_-]") {
            let query = Fingerprint::of(&[]);
            let cursor = Position::Offset(offset).encode(query);
            let at = at.index(cursor.len());
            prop_assume!(cursor[at..=at] != letter);
            let changed = format!("{}{letter}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assert!(Position::decode(&changed, query).is_err(), "{cursor} {changed}");
        }

        #[test]
        fn no_text_panics(text in ".{1,60}") {
            prop_assert!(Position::decode(&text, Fingerprint::of(&[])).is_err());
        }
    }

    #[test]
    fn where_a_part_ends_matters() {
        assert_ne!(Fingerprint::of(&[Some("ab"), Some("c")]), Fingerprint::of(&[Some("a"), Some("bc")]));
        assert_ne!(Fingerprint::of(&[None]), Fingerprint::of(&[Some("")]));
    }
}
