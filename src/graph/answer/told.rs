//! What a refusal says, and which of our errors it is.

use std::time::Duration;

use serde_json::Value;

use super::super::{AccountId, Error, Failure, Operation};
use super::is_delta;

/// What Graph calls an object that is not there; the last two come from the service of photos.
const NOT_FOUND: [&str; 4] =
    ["Request_ResourceNotFound", "ResourceNotFound", "ImageNotFound", "ErrorUserNotFound"];

/// What the body of a refusal says.
pub(super) struct Told {
    pub(super) code: String,
    pub(super) message: String,
    details: Vec<Detail>,
    inner_codes: Vec<String>,
    pub(super) request_id: Option<String>,
}

struct Detail {
    code: String,
    target: String,
}

impl Told {
    pub(super) fn read(body: &Value) -> Option<Self> {
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

    fn is_of_an_old_round(&self) -> bool {
        ["syncStateNotFound", "syncStateInvalid", "resyncRequired"].iter().any(|code| self.has_code(code))
    }

    pub(super) fn classify(
        &self,
        status: u16,
        retry_after: Option<Duration>,
        failure: Box<Failure>,
    ) -> Error {
        let throttled = ["TooManyRequests", "Request_ThrottledTemporarily", "activityLimitReached"];
        if throttled.iter().any(|code| self.has_code(code)) {
            return Error::Throttled { retry_after, failure };
        }
        if self.has_code("Directory_ConcurrencyViolation") {
            return Error::ConcurrencyViolation { retry_after, failure };
        }
        if is_delta(failure.operation) && self.is_of_an_old_round() {
            return Error::DeltaExpired(failure);
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
            404 if NOT_FOUND.iter().any(|code| self.has_code(code)) => Error::NotFound(failure),
            400 | 409 => self.bad_request(failure),
            _ => Error::Other(failure),
        }
    }

    /// The many conditions behind `Request_BadRequest`.
    fn bad_request(&self, failure: Box<Failure>) -> Error {
        if failure.operation == Operation::AssignLicense {
            return self.license(failure);
        }
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

    /// The conditions of assignLicense.
    fn license(&self, failure: Box<Failure>) -> Error {
        if self.says("invalid usage location") {
            return Error::NoUsageLocation(failure);
        }
        if self.says("does not have any available licenses") {
            return Error::NoLicenseLeft(failure);
        }
        if self.says("depends on the service plan") || self.says("that conflicts") || self.says("conflicting")
        {
            return Error::LicenseConflict(failure);
        }
        if self.says("inherited from a group") {
            return Error::InheritedLicense(failure);
        }
        if self.says("does not have a corresponding license") {
            return Error::NotThere(failure);
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
