//! What is wrong with a text, and where.

use std::fmt;

/// Why a text is not a filter, a path or an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The byte offset, from 0, of what does not fit; the text's length when something is missing at its end.
    pub at: usize,
    /// What does not fit.
    pub kind: ErrorKind,
}

/// The kinds of fault. `Display` of [`Error`] puts them in words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something else must stand here.
    Expected {
        /// What must stand here, in words.
        expected: &'static str,
        /// What stands here instead.
        found: Found,
    },
    /// A string without double quotes, where quotes are asked.
    Unquoted(String),
    /// A string that begins with a single quote, as in `OData`.
    SingleQuoted,
    /// A string whose closing quote is missing; the position is that of its opening quote.
    UnclosedString,
    /// A raw control character in a string (RFC 8259 §7).
    ControlCharacter,
    /// A backslash that is followed by no JSON escape, or half a surrogate pair (RFC 8259 §7).
    BadEscape,
    /// A number beyond the range of a 64-bit float.
    NumberTooLarge,
    /// `a[b[…]]`: RFC 7644 figure 1 allows no value path in a value path.
    NestedBrackets,
    /// `a.b[…]`: brackets stand behind an attribute, not behind a sub-attribute.
    BracketsAfterSubAttribute,
    /// The text has more bytes than [`Options::max_length`](crate::Options::max_length).
    TooLong(usize),
    /// More brackets in brackets than [`Options::max_depth`](crate::Options::max_depth).
    TooDeep(usize),
    /// More comparisons than [`Options::max_terms`](crate::Options::max_terms).
    TooManyTerms(usize),
}

/// What stands where something else is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the text ends.
    End,
    /// A string in quotes, which is not repeated: it may be personal.
    QuotedString,
    /// Something else; at most its first 32 characters.
    Text(String),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("the end"),
            Self::QuotedString => f.write_str("a string in quotes"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.kind {
            ErrorKind::Expected { expected, found } => {
                write!(f, "expected {expected} at position {at}, found {found}")
            }
            ErrorKind::Unquoted(text) => write!(
                f,
                "put the value at position {at} in double quotes: found {text:?}, which is no number, true, false or null"
            ),
            ErrorKind::SingleQuoted => {
                write!(f, "put the value at position {at} in double quotes instead of single ones")
            }
            ErrorKind::UnclosedString => {
                write!(f, "the string that begins at position {at} has no closing quote")
            }
            ErrorKind::ControlCharacter => {
                write!(f, "the control character at position {at} must be escaped, as in \\n or \\u0007")
            }
            ErrorKind::BadEscape => write!(
                f,
                "the backslash at position {at} begins no JSON escape; write \\\\ for a backslash itself"
            ),
            ErrorKind::NumberTooLarge => write!(f, "the number at position {at} is too large"),
            ErrorKind::NestedBrackets => write!(
                f,
                "the bracket at position {at} stands inside other square brackets, which SCIM does not allow"
            ),
            ErrorKind::BracketsAfterSubAttribute => write!(
                f,
                "the bracket at position {at} follows a sub-attribute; it may only follow an attribute"
            ),
            ErrorKind::TooLong(max) => write!(f, "the text is longer than {max} bytes; shorten it"),
            ErrorKind::TooDeep(max) => write!(
                f,
                "the bracket at position {at} is nested more than {max} levels deep; simplify the filter"
            ),
            ErrorKind::TooManyTerms(max) => write!(
                f,
                "the filter has more than {max} comparisons (the next is at position {at}); split it"
            ),
        }
    }
}

impl std::error::Error for Error {}
