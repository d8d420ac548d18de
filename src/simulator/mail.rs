//! `POST /users/{id}/sendMail`: what was sent is kept for who looks.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::message::{Body, Request, Response};
use super::refusal::Refusal;
use super::service::Service;
use super::write;

/// How many messages are kept; the oldest go first.
const KEPT: usize = 1000;

/// What a message may hold (Graph's description, `message.send`).
const MEMBERS: &[&str] = &[
    "subject",
    "body",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "from",
    "sender",
    "importance",
    "categories",
    "internetMessageHeaders",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "flag",
    "attachments",
];

/// The messages that were sent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Mails(Mutex<Vec<Value>>);

impl Mails {
    /// All messages: `{"from", "message"}`.
    pub(super) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all messages.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn push(&self, mail: Value) {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.len() == KEPT {
            mails.remove(0);
        }
        mails.push(mail);
    }
}

/// `POST /users/{id}/sendMail`: 202 without a body.
pub(super) fn send(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let sender = service.read().find(key).cloned().ok_or_else(|| Refusal::not_found(key))?;
    let message = parse(&request.json()?)?;
    service.mails.push(json!({ "from": sender.upn(), "message": message }));
    Ok(Response { status: 202, headers: Vec::new(), body: Body::Empty })
}

fn parse(body: &Value) -> Result<Value, Refusal> {
    let members =
        write::object(body, "sendMail", "microsoft.graph.sendMail", &["message", "saveToSentItems"])?;
    let message = members.get("message").unwrap_or(&Value::Null);
    let parts = write::object(message, "message", "microsoft.graph.message", MEMBERS)?;
    let recipients = ["toRecipients", "ccRecipients", "bccRecipients"]
        .iter()
        .filter_map(|name| parts.get(*name).and_then(Value::as_array))
        .flatten();
    let mut addresses = recipients.map(|recipient| recipient.pointer("/emailAddress/address"));
    let valid = |address: Option<&Value>| {
        address.and_then(Value::as_str).is_some_and(|address| {
            address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        })
    };
    let first = addresses.next().is_some_and(valid);
    if !first || !addresses.all(valid) {
        return Err(Refusal::new(400, "ErrorInvalidRecipients", "At least one recipient is not valid."));
    }
    Ok(message.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn to(address: &str) -> Value {
        json!({"message": {"subject": "Hello", "toRecipients": [{"emailAddress": {"address": address}}]}})
    }

    #[test]
    fn a_message_has_a_recipient() {
        assert_eq!(parse(&to("ann@contoso.example")).unwrap()["subject"], "Hello");
    }

    #[rstest]
    #[case(to("ann"), "ErrorInvalidRecipients")]
    #[case(json!({"message": {"subject": "Hello"}}), "ErrorInvalidRecipients")]
    #[case(json!({"message": {"colour": "red"}}), "Request_BadRequest")]
    #[case(json!({}), "Request_BadRequest")]
    fn what_cannot_be_sent(#[case] body: Value, #[case] code: &str) {
        assert_eq!(parse(&body).unwrap_err().code, code);
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(name in "message|.{0,6}", address in ".{0,20}") {
            let _ = parse(&json!({ name: to(&address)["message"] }));
        }
    }
}
