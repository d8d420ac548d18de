//! Errors as HTTP answers: the only place that turns the directory's words into status codes.

use std::fmt;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde_json::Value;

use crate::directory::refusal::RefusalKind;
use crate::directory::{AccessError, Error};
use crate::scim::{self, ErrorKind};
use crate::store;

/// The media type of SCIM (RFC 7644 §8.1).
pub(super) const SCIM_JSON: &str = "application/scim+json";

/// An error in the SCIM shape (RFC 7644 §3.12).
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    scim_type: Option<&'static str>,
    detail: String,
    extra: Option<Extra>,
}

#[derive(Debug)]
enum Extra {
    /// RFC 6750 §3: a challenge, with an error when a token was presented.
    Challenge(Option<&'static str>),
    /// Seconds until it makes sense to try again.
    RetryAfter(u32),
    /// The methods that the resource has.
    Allow(&'static str),
}

impl Fault {
    pub(super) fn new(
        status: StatusCode,
        scim_type: Option<&'static str>,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, scim_type, detail: detail.into(), extra: None }
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorKind::InvalidSyntax.scim_type(), detail)
    }

    /// A body that did not come in time.
    pub(super) fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, None, "the body did not come in time; send the request again")
    }

    /// A body that could not be read to its end.
    pub(super) fn unreadable(error: &actix_web::Error) -> Self {
        if let Some(PayloadError::Overflow) = error.as_error::<PayloadError>() {
            let detail = "the body is larger than the server takes; send less at once (max_body_bytes)";
            return Self::new(StatusCode::PAYLOAD_TOO_LARGE, None, detail);
        }
        Self::syntax(format!("the body could not be read: {error}"))
    }

    pub(super) fn no_token() -> Self {
        Self::challenge(
            None,
            "this needs a bearer token: send `Authorization: Bearer TOKEN`; make one with `gangway token create`",
        )
    }

    pub(super) fn malformed_token() -> Self {
        Self::challenge(Some("invalid_request"), "the Authorization header must be `Bearer TOKEN` (RFC 6750)")
    }

    pub(super) fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            None,
            "there is nothing at this path; SCIM is at /scim/v2/Users, /scim/v2/Groups, /scim/v2/Bulk, \
             /scim/v2/Schemas, /scim/v2/ResourceTypes and /scim/v2/ServiceProviderConfig",
        )
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        let detail = format!("this resource does not have that method; it has {allowed}");
        Self { extra: Some(Extra::Allow(allowed)), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, None, detail) }
    }

    fn challenge(error: Option<&'static str>, detail: impl Into<String>) -> Self {
        Self { extra: Some(Extra::Challenge(error)), ..Self::new(StatusCode::UNAUTHORIZED, None, detail) }
    }

    /// The answer with the body that the endpoint's protocol wants.
    pub(super) fn respond(&self, media_type: &'static str, body: String) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status);
        response.insert_header((CONTENT_TYPE, media_type));
        match &self.extra {
            Some(Extra::Challenge(None)) => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"gangway\""));
            }
            Some(Extra::Challenge(Some(error))) => {
                let challenge = format!("Bearer realm=\"gangway\", error=\"{error}\"");
                response.insert_header((WWW_AUTHENTICATE, challenge));
            }
            Some(Extra::RetryAfter(seconds)) => {
                response.insert_header((RETRY_AFTER, seconds.to_string()));
            }
            Some(Extra::Allow(methods)) => {
                response.insert_header((ALLOW, *methods));
            }
            None => {}
        }
        response.body(body)
    }

    /// The body that SCIM wants (RFC 7644 §3.12).
    pub(super) fn body(&self) -> Value {
        scim::error::body(self.status.as_u16(), self.scim_type, &self.detail)
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(SCIM_JSON, self.body().to_string())
    }
}

impl From<scim::Error> for Fault {
    fn from(error: scim::Error) -> Self {
        let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, error.scim_type(), error.detail)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let kind = match error {
            Error::Scim(error) => return error.into(),
            Error::Store(error) => return error.into(),
            Error::NoSuchUser(_) | Error::NoSuchGroup(_) => ErrorKind::NotFound,
            Error::Taken(_) | Error::GroupTaken(_) => ErrorKind::Uniqueness,
            Error::Stale { .. } => ErrorKind::PreconditionFailed,
            Error::Password(_)
            | Error::Routing(_)
            | Error::OtherConnection(_)
            | Error::NoAnchor(_)
            | Error::UnknownMembers(_)
            | Error::OwnMember(_) => ErrorKind::InvalidValue,
            Error::Refused(refusal) => match refusal.kind {
                RefusalKind::InvalidValue => ErrorKind::InvalidValue,
                RefusalKind::Uniqueness => ErrorKind::Uniqueness,
                RefusalKind::Forbidden => return Self::new(StatusCode::FORBIDDEN, None, detail),
            },
            Error::Settings(_) | Error::NoConnection(_) | Error::NotInUse(_) | Error::Corrupt(_) => {
                tracing::error!(%detail, "a request could not be served");
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, None, detail);
            }
        };
        scim::Error::new(kind, detail).into()
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        let detail = error.to_string();
        if matches!(error, store::Error::Text) {
            return scim::Error::new(ErrorKind::InvalidValue, detail).into();
        }
        tracing::error!(%detail, "the database failed a request");
        Self {
            extra: Some(Extra::RetryAfter(5)),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                None,
                format!("nothing was changed, repeat the request later: {detail}"),
            )
        }
    }
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Self {
        let detail = error.to_string();
        match error {
            AccessError::Unknown | AccessError::Expired(_) | AccessError::Revoked => {
                Self::challenge(Some("invalid_token"), detail)
            }
            AccessError::Scope(_) => Self::new(StatusCode::FORBIDDEN, None, detail),
            AccessError::Store(error) => error.into(),
        }
    }
}
