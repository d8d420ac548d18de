//! The text and the place in it: words, blanks, and faults at a place.

use crate::error::{Error, ErrorKind, Found};

/// The longest part of the text, in characters, that a message repeats.
const SNIPPET: usize = 32;

/// A text and how far it has been read. The position is always on a character's boundary.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes to `at`, a position that was the scanner's or stands behind ASCII that was peeked.
    pub(crate) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads `byte`, which must be ASCII, if it is next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Reads blanks; says whether there were any.
    pub(crate) fn blanks(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
        self.at > start
    }

    /// The longest run of bytes of which attribute names, URNs and operators are made; perhaps empty.
    pub(crate) fn word(&self) -> &'a str {
        self.run(is_word)
    }

    /// The longest run of bytes for which `wanted` holds. `wanted` must hold for every non-ASCII byte or for none.
    pub(crate) fn run(&self, wanted: fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !wanted(byte));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    }

    /// The fault that `expected` does not stand here.
    pub(crate) fn expected(&self, expected: &'static str) -> Error {
        let found = match self.peek() {
            None => Found::End,
            Some(b'"') => Found::QuotedString,
            Some(_) => Found::Text(self.snippet()),
        };
        self.fault(ErrorKind::Expected { expected, found })
    }

    pub(crate) fn fault(&self, kind: ErrorKind) -> Error {
        Error { at: self.at, kind }
    }

    /// What stands here up to the next blank, quote or bracket, and not too much of it.
    pub(crate) fn snippet(&self) -> String {
        let rest = self.rest();
        let stops = |c: char| c.is_ascii() && (is_blank(c as u8) || is_delimiter(c as u8));
        let length = rest.chars().take_while(|c| !stops(*c)).count().max(1);
        rest.chars().take(length.min(SNIPPET)).collect()
    }
}

/// RFC 7644 asks for one SP; other blanks come from filters that people lay out.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// What ends a value besides a blank.
pub(crate) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'[' | b']' | b'"')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b':' | b'$' | b'/' | b'%' | b'+' | b'~' | b'#')
}

/// `ATTRNAME` of RFC 7644 figure 1, and `$ref` (RFC 7643 §2.4).
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.strip_prefix('$').unwrap_or(text);
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
