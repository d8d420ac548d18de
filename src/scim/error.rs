//! Errors in SCIM's own words (RFC 7644 §3.12).

use serde_json::{Value, json};

/// The URN of an error body (RFC 7644 §3.12).
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What is wrong with a request: the `scimType` keywords of RFC 7644 table 9 and RFC 9865 §2.1, and the kinds that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The filter's syntax is wrong, or its operator does not fit the attribute's type.
    InvalidFilter,
    /// The filter yields more results than the server is willing to compute.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
    /// The attribute cannot be changed in the way asked for.
    Mutability,
    /// The body is not what the request needs.
    InvalidSyntax,
    /// A PATCH path that is malformed or names no attribute.
    InvalidPath,
    /// A PATCH path that selects nothing.
    NoTarget,
    /// A value is missing, or does not fit its attribute.
    InvalidValue,
    /// The protocol's version is not supported.
    InvalidVers,
    /// Sensitive data must not travel in a URI.
    Sensitive,
    /// A cursor that the server did not make for this query (RFC 9865 §2.1).
    InvalidCursor,
    /// A cursor whose time is over (RFC 9865 §2.1).
    ExpiredCursor,
    /// A page length that goes with no cursor (RFC 9865 §2.1).
    InvalidCount,
    /// No such resource.
    NotFound,
    /// The resource is not in the state the client thinks it is (RFC 7644 §3.14).
    PreconditionFailed,
    /// The body is larger than the server takes.
    TooLarge,
    /// The operation is not offered.
    NotImplemented,
}

impl ErrorKind {
    /// The `scimType` keyword, for the kinds that have one (RFC 7644 table 9, RFC 9865 §2.1).
    pub const fn scim_type(self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
            Self::NotFound | Self::PreconditionFailed | Self::TooLarge | Self::NotImplemented => return None,
        })
    }

    /// The HTTP status that RFC 7644 tables 8 and 9 give to this kind.
    pub const fn status(self) -> u16 {
        match self {
            Self::Sensitive => 403,
            Self::NotFound => 404,
            Self::Uniqueness => 409,
            Self::PreconditionFailed => 412,
            Self::TooLarge => 413,
            Self::NotImplemented => 501,
            Self::InvalidFilter
            | Self::TooMany
            | Self::Mutability
            | Self::InvalidSyntax
            | Self::InvalidPath
            | Self::NoTarget
            | Self::InvalidValue
            | Self::InvalidVers
            | Self::InvalidCursor
            | Self::ExpiredCursor
            | Self::InvalidCount => 400,
        }
    }
}

/// A refused request: its kind, and a sentence for the person who has to put it right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// Which rule was broken.
    pub kind: ErrorKind,
    /// What is wrong and what to do. It names attributes, never a secret's value.
    pub detail: String,
}

impl Error {
    /// An error of this kind with this sentence.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidValue, detail)
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidSyntax, detail)
    }

    /// The `scimType` keyword of the body, if this kind has one.
    pub const fn scim_type(&self) -> Option<&'static str> {
        self.kind.scim_type()
    }

    /// The error body (RFC 7644 §3.12) for an answer with this HTTP `status`, which it repeats as a string.
    pub fn body(&self, status: u16) -> Value {
        body(status, self.scim_type(), &self.detail)
    }
}

/// The start of a client's own text, quoted for a message.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        None => format!("{text:?}"),
        Some((end, _)) => format!("{:?}…", &text[..end]),
    }
}

/// An error body (RFC 7644 §3.12) from its parts, for refusals that no [`Error`] stands for (401, 405, 429, 5xx).
pub fn body(status: u16, scim_type: Option<&str>, detail: &str) -> Value {
    let mut body = json!({"schemas": [SCHEMA], "status": status.to_string()});
    if let Some(scim_type) = scim_type {
        body["scimType"] = scim_type.into();
    }
    body["detail"] = detail.into();
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_repeats_the_status_as_a_string() {
        let error = Error::new(ErrorKind::Uniqueness, "The userName is taken.");
        assert_eq!(
            error.body(error.kind.status()),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "status": "409",
                "scimType": "uniqueness",
                "detail": "The userName is taken."
            })
        );
    }

    #[test]
    fn kinds_outside_table_9_have_no_scim_type() {
        let error = Error::new(ErrorKind::NotFound, "No user has this id.");
        assert_eq!(error.body(404).get("scimType"), None);
    }
}
