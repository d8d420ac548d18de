//! Reads Graph's answers, and refusals into typed errors.
//!
//! Microsoft's advice is to branch on the status and `code` only, but several conditions of the directory share
//! `Request_BadRequest`: then `details[].code`, and last the message, tells them apart. Bodies are read leniently, since
//! `details` has been seen as an object, `message` as `{"value": …}`, and codes in `innerError`.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::id::AccountId;
use super::{Call, Effect, Error, Failure, Oddity, Operation, Reply};

/// The longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 500;

/// An answer of any status.
pub(super) struct Answer {
    pub(super) operation: Operation,
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) client_request_id: Uuid,
    pub(super) retry_after: Option<Duration>,
    pub(super) content_type: String,
    pub(super) body: Body,
}

/// What was read of the body.
pub(super) enum Body {
    Whole(Vec<u8>),
    TooLarge,
    Broken,
}

impl Call {
    /// What is known of an answer that is none.
    pub(super) fn nothing_from(&self, operation: Operation) -> Failure {
        Failure {
            operation,
            status: 200,
            code: String::new(),
            message: String::new(),
            request_id: None,
            client_request_id: self.client_request_id,
        }
    }
}

impl Answer {
    /// The answer itself if it is a 2xx, else what is wrong. `secret` is kept out of the message.
    pub(super) fn accepted(self, secret: Option<&SecretString>) -> Result<Self, Error> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        Err(self.refusal(secret))
    }

    /// A reply without a value, whatever the body is.
    pub(super) fn nothing(self) -> Reply<()> {
        self.reply(())
    }

    /// A reply with the body's value.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<Reply<T>, Error> {
        let (value, answer) = self.read()?;
        Ok(answer.reply(value))
    }

    /// The body's value, and the answer for what else is in it.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<(T, Self), Error> {
        let value = self.value().map_err(|oddity| self.odd(oddity))?;
        let value = T::deserialize(value).map_err(|_| self.odd(Oddity::Shape))?;
        Ok((value, self))
    }

    pub(super) fn reply<T>(self, value: T) -> Reply<T> {
        Reply {
            value,
            status: self.status,
            request_id: self.request_id,
            client_request_id: self.client_request_id,
        }
    }

    /// The error for an answer that is not Graph's.
    pub(super) fn odd(&self, oddity: Oddity) -> Error {
        Error::Malformed {
            oddity,
            effect: match self.status {
                200..300 => Effect::Unknown,
                _ => Effect::None,
            },
            failure: Box::new(self.failure(String::new(), String::new())),
        }
    }

    fn value(&self) -> Result<Value, Oddity> {
        let body = match &self.body {
            Body::Whole(body) => body,
            Body::TooLarge => return Err(Oddity::TooLarge),
            Body::Broken => return Err(Oddity::Syntax),
        };
        let essence = self.content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Oddity::ContentType);
        }
        serde_json::from_slice(body).map_err(|_| Oddity::Syntax)
    }

    fn failure(&self, code: String, message: String) -> Failure {
        Failure {
            operation: self.operation,
            status: self.status,
            code,
            message,
            request_id: self.request_id.clone(),
            client_request_id: self.client_request_id,
        }
    }

    fn refusal(self, secret: Option<&SecretString>) -> Error {
        let told = match self.value() {
            Ok(value) => Told::read(&value).ok_or(Oddity::Shape),
            Err(oddity) => Err(oddity),
        };
        let retry_after = self.retry_after;
        let mut failure = match &told {
            Ok(told) => self.failure(told.code.clone(), shown(&told.message, secret)),
            Err(_) => self.failure(String::new(), String::new()),
        };
        if let (None, Ok(told)) = (&failure.request_id, &told) {
            failure.request_id.clone_from(&told.request_id);
        }
        let failure = Box::new(failure);
        // A proxy's page says enough by such a status, with no body of Graph's.
        match self.status {
            429 | 509 => return Error::Throttled { retry_after, failure },
            500 | 502..=504 | 408 => {
                let effect = match self.status {
                    503 => Effect::None,
                    _ => Effect::Unknown,
                };
                return Error::Unavailable { retry_after, effect, failure };
            }
            300..400 => return self.odd(Oddity::Redirect),
            _ => {}
        }
        match told {
            Ok(told) => told.classify(self.status, retry_after, failure),
            Err(oddity) => self.odd(oddity),
        }
    }
}

/// What the body of a refusal says.
struct Told {
    code: String,
    message: String,
    details: Vec<Detail>,
    inner_codes: Vec<String>,
    request_id: Option<String>,
}

struct Detail {
    code: String,
    target: String,
}

impl Told {
    fn read(body: &Value) -> Option<Self> {
        let error = body.get("error")?.as_object()?;
        let inner =
            error.iter().find(|(name, _)| name.eq_ignore_ascii_case("innererror")).map(|(_, inner)| inner);
        let details = match error.get("details") {
            Some(Value::Array(details)) => details.iter().collect(),
            Some(detail @ Value::Object(_)) => vec![detail],
            _ => Vec::new(),
        };
        let told = Self {
            code: text(error.get("code")),
            message: text(error.get("message")),
            details: details
                .into_iter()
                .map(|detail| Detail { code: text(detail.get("code")), target: text(detail.get("target")) })
                .collect(),
            inner_codes: inner_codes(inner),
            request_id: inner
                .and_then(|inner| inner.get("request-id"))
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        (!told.code.is_empty() || !told.message.is_empty()).then_some(told)
    }

    fn has_code(&self, code: &str) -> bool {
        std::iter::once(&self.code).chain(&self.inner_codes).any(|told| told.eq_ignore_ascii_case(code))
    }

    fn detail(&self, code: &str) -> Option<&Detail> {
        self.details.iter().find(|detail| detail.code.eq_ignore_ascii_case(code))
    }

    fn says(&self, words: &str) -> bool {
        self.message.to_lowercase().contains(&words.to_lowercase())
    }

    fn classify(&self, status: u16, retry_after: Option<Duration>, failure: Box<Failure>) -> Error {
        let throttled = ["TooManyRequests", "Request_ThrottledTemporarily", "activityLimitReached"];
        if throttled.iter().any(|code| self.has_code(code)) {
            return Error::Throttled { retry_after, failure };
        }
        if self.has_code("Directory_ConcurrencyViolation") {
            return Error::ConcurrencyViolation { retry_after, failure };
        }
        let gone = ["Authorization_IdentityNotFound", "Authorization_IdentityDisabled"];
        if status == 401 || gone.iter().any(|code| self.has_code(code)) {
            return Error::Unauthorized(failure);
        }
        if self.has_code("Directory_QuotaExceeded") {
            return Error::QuotaExceeded(failure);
        }
        match status {
            403 => Error::Forbidden(failure),
            404 if self.has_code("Request_ResourceNotFound") || self.has_code("ResourceNotFound") => {
                Error::NotFound(failure)
            }
            400 | 409 => self.bad_request(failure),
            _ => Error::Other(failure),
        }
    }

    /// The many conditions behind `Request_BadRequest`.
    fn bad_request(&self, failure: Box<Failure>) -> Error {
        if self.is_conflict() {
            return Error::Conflict {
                property: self.conflicting_property(),
                other: self.conflicting_object(),
                failure,
            };
        }
        if self.says("domain portion of the userPrincipalName property is invalid") {
            return Error::UnverifiedDomain(failure);
        }
        if self.says("does not comply with password complexity") {
            return Error::WeakPassword(failure);
        }
        if self.says("on-premises mastered") {
            return Error::OnPremisesSynced(failure);
        }
        if self.says("source resource object or one of the objects being referenced") {
            return Error::NotReplicatedYet(failure);
        }
        if self.says("added object references already exist") {
            return Error::AlreadyThere(failure);
        }
        if self.says("removed object references do not exist") {
            return Error::NotThere(failure);
        }
        if ["mail-enabled security group", "mail-enabled groups", "distribution list"]
            .iter()
            .any(|words| self.says(words))
        {
            return Error::MailEnabledGroup(failure);
        }
        if self.says("A value is required for property") {
            let property = between(&self.message, "for property '", "'");
            return Error::MissingValue { property, failure };
        }
        if self.is_invalid_value() {
            let property = self.invalid_property();
            return Error::InvalidValue { property, failure };
        }
        Error::Other(failure)
    }

    fn is_conflict(&self) -> bool {
        self.detail("ObjectConflict").is_some()
            || self.detail("ConflictingObjects").is_some()
            || self.says("Another object with the same value for property")
            || self.says("conflicting object with one or more of the specified property values")
    }

    fn conflicting_property(&self) -> Option<String> {
        self.detail("ObjectConflict")
            .map(|detail| detail.target.clone())
            .filter(|target| !target.is_empty())
            .or_else(|| between(&self.message, "same value for property ", " "))
    }

    fn conflicting_object(&self) -> Option<AccountId> {
        let target = &self.detail("ConflictingObjects")?.target;
        target.strip_prefix("User_")?.parse().ok()
    }

    fn is_invalid_value(&self) -> bool {
        self.detail("InvalidValue").is_some()
            || self.says("Invalid value specified for property")
            || self.says("property values specified are invalid")
            || self.says("Invalid object identifier")
            || (self.says("Property ") && self.says(" is invalid."))
    }

    fn invalid_property(&self) -> Option<String> {
        self.detail("InvalidValue")
            .map(|detail| detail.target.clone())
            .filter(|target| !target.is_empty())
            .or_else(|| between(&self.message, "specified for property '", "'"))
            .or_else(|| between(&self.message, "Property ", " is invalid"))
    }
}

/// A text, also where it comes as `{"value": …}` or as a number.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Object(object)) => match object.get("value") {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

fn inner_codes(mut inner: Option<&Value>) -> Vec<String> {
    let mut codes = Vec::new();
    // Inner errors nest; nobody has seen more than two.
    for _ in 0..5 {
        let Some(object) = inner.and_then(Value::as_object) else {
            break;
        };
        codes.push(text(object.get("code")));
        inner =
            object.iter().find(|(name, _)| name.eq_ignore_ascii_case("innererror")).map(|(_, inner)| inner);
    }
    codes
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    (!found.is_empty()).then(|| found.to_owned())
}

/// The message in bounds, and without the secret should Graph ever repeat it.
pub(super) fn shown(message: &str, secret: Option<&SecretString>) -> String {
    let secret = secret.map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
    let safe = match secret {
        Some(secret) => message.replace(secret, "…"),
        None => message.to_owned(),
    };
    safe.chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests;
