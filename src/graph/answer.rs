//! Reads Graph's answers, and refusals into typed errors.
//!
//! Microsoft's advice is to branch on the status and `code` only, but several conditions of the directory share
//! `Request_BadRequest`: then `details[].code`, and last the message, tells them apart. Bodies are read leniently, since
//! `details` has been seen as an object, `message` as `{"value": …}`, and codes in `innerError`.

mod told;

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use self::told::Told;
use super::batch::ItemAnswer;
use super::budget::Scarce;

use super::{Call, Effect, Error, Failure, Oddity, Operation, Reply};

/// The longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 500;

/// The longest refusal of a whole batch that is read, in bytes.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// An answer of any status.
pub(super) struct Answer {
    pub(super) operation: Operation,
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) client_request_id: Uuid,
    pub(super) retry_after: Option<Duration>,
    /// Which quota a 429 says to be used up.
    pub(super) scarce: Option<Scarce>,
    pub(super) content_type: String,
    pub(super) body: Body,
}

/// What was read of the body.
pub(super) enum Body {
    Whole(Vec<u8>),
    /// Read already, as one of a batch.
    Json(Value),
    TooLarge,
    Broken,
}

/// Whether a body that came with a success tells a fault.
fn says_error(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|value| value.get("error").is_some())
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

    /// A reply without a value. What Graph says in the body does not matter, but Graph must have said it: behind a proxy's
    /// page with a 200 nobody is blocked.
    pub(super) fn nothing(self) -> Result<Reply<()>, Error> {
        let oddity = match &self.body {
            Body::Whole(body) if body.is_empty() => None,
            Body::Whole(body) if says_error(body) => Some(Oddity::Shape),
            Body::Whole(_) | Body::TooLarge => self.json_text().err(),
            Body::Json(value) => value.get("error").map(|_| Oddity::Shape),
            // The status came before it broke; but it must have been Graph that answered.
            Body::Broken => (!self.is_json()).then_some(Oddity::ContentType),
        };
        match oddity {
            Some(oddity) => Err(self.odd(oddity)),
            None => Ok(self.reply(())),
        }
    }

    /// A reply with the body's value.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<Reply<T>, Error> {
        let (value, answer) = self.read()?;
        Ok(answer.reply(value))
    }

    /// The body's value, and the answer for what else is in it.
    pub(super) fn read<T: DeserializeOwned>(mut self) -> Result<(T, Self), Error> {
        let value = self.take_value().map_err(|oddity| self.odd(oddity))?;
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

    /// The body's value, once.
    fn take_value(&mut self) -> Result<Value, Oddity> {
        if let Body::Json(value) = &mut self.body {
            return Ok(value.take());
        }
        serde_json::from_slice(self.json_text()?).map_err(|_| Oddity::Syntax)
    }

    /// The body, if it says to be JSON.
    pub(super) fn json_text(&self) -> Result<&[u8], Oddity> {
        let body = match &self.body {
            Body::Whole(body) => body,
            Body::TooLarge => return Err(Oddity::TooLarge),
            Body::Broken | Body::Json(_) => return Err(Oddity::Syntax),
        };
        if self.is_json() { Ok(body) } else { Err(Oddity::ContentType) }
    }

    fn is_json(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    }

    /// What this answer to a whole batch means for one request of it.
    pub(super) fn of_all(&self, operation: Operation, call: &Call) -> Self {
        Self {
            operation,
            status: self.status,
            request_id: self.request_id.clone(),
            client_request_id: call.client_request_id,
            retry_after: self.retry_after,
            scarce: self.scarce,
            content_type: self.content_type.clone(),
            body: match &self.body {
                // An honest refusal is short; a long one is not worth twenty copies.
                Body::Whole(body) if body.len() <= LONGEST_REFUSAL => Body::Whole(body.clone()),
                Body::Whole(_) | Body::TooLarge => Body::TooLarge,
                Body::Json(value) => Body::Json(value.clone()),
                Body::Broken => Body::Broken,
            },
        }
    }

    /// The answer to one request of the batch that this answers, as if it had come alone; `wait` reads a `Retry-After`.
    pub(super) fn item(
        &self,
        item: ItemAnswer,
        operation: Operation,
        call: &Call,
        wait: impl FnOnce(&str) -> Option<Duration>,
    ) -> Self {
        let is_error = item.body.as_ref().is_some_and(|body| body.get("error").is_some());
        Self {
            operation,
            status: item.status,
            // An error has an id of its own inside.
            request_id: item.header("request-id").or_else(|| self.request_id.clone().filter(|_| !is_error)),
            client_request_id: call.client_request_id,
            retry_after: item.header("retry-after").and_then(|text| wait(&text)),
            scarce: item.header("x-ms-throttle-information").as_deref().and_then(Scarce::named),
            content_type: item.header("content-type").unwrap_or_else(|| "application/json".to_owned()),
            body: match item.body {
                Some(body @ (Value::Object(_) | Value::Array(_))) => Body::Json(body),
                // What is not JSON comes as a text.
                Some(Value::String(text)) => Body::Whole(text.into_bytes()),
                _ => Body::Whole(Vec::new()),
            },
        }
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

    fn refusal(mut self, secret: Option<&SecretString>) -> Error {
        let told = match self.take_value() {
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
            // Its body may be empty: what matters is that there is nothing behind the link any more.
            410 if is_delta(self.operation) => return Error::DeltaExpired(failure),
            300..400 => return self.odd(Oddity::Redirect),
            _ => {}
        }
        match told {
            Ok(told) => told.classify(self.status, retry_after, failure),
            Err(oddity) => self.odd(oddity),
        }
    }
}

const fn is_delta(operation: Operation) -> bool {
    matches!(operation, Operation::UsersDelta | Operation::GroupsDelta)
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
