//! The errors of the token endpoint. Most numbers and texts are known from practice, not from a page.

use serde_json::json;
use uuid::Uuid;

use super::super::account;
use super::super::message::{Request, Response};
use crate::clock::Clock;

/// An error of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: u16,
    /// OAuth's own word for it (RFC 6749 §5.2).
    pub(super) error: &'static str,
    /// The number behind `AADSTS`.
    pub(super) number: u32,
    pub(super) text: String,
    /// A hint for interactive clients.
    pub(super) suberror: Option<&'static str>,
}

fn fault(status: u16, error: &'static str, number: u32, text: impl Into<String>) -> Fault {
    Fault { status, error, number, text: text.into(), suberror: None }
}

impl Fault {
    pub(super) fn missing(parameter: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{parameter}'.");
        fault(400, "invalid_request", 900_144, text)
    }

    pub(super) fn tenant(name: &str) -> Self {
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
        );
        fault(400, "invalid_request", 90_002, text)
    }

    pub(super) fn application(id: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        );
        fault(400, "unauthorized_client", 700_016, text)
    }

    pub(super) fn disabled_application(id: Uuid, name: &str) -> Self {
        fault(400, "unauthorized_client", 7_000_112, format!("Application '{id}'({name}) is disabled."))
    }

    pub(super) fn grant_type(kind: &str) -> Self {
        let text = format!("The app requested an unsupported grant type '{kind}'.");
        fault(400, "unsupported_grant_type", 70_003, text)
    }

    pub(super) fn scope(scope: &str) -> Self {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        fault(400, "invalid_scope", 70_011, text)
    }

    pub(super) fn redirect(address: &str, app: Uuid) -> Self {
        let text = format!(
            "The redirect URI '{address}' specified in the request does not match the redirect URIs configured for the application '{app}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal."
        );
        fault(400, "invalid_request", 50_011, text)
    }

    pub(super) fn response_type(kind: &str) -> Self {
        let text = format!("Unsupported response type '{kind}'.");
        fault(400, "unsupported_response_type", 700_051, text)
    }

    pub(super) fn challenge() -> Self {
        let text =
            "The code_challenge or the code_challenge_method is not valid: S256 and 43 characters are.";
        fault(400, "invalid_request", 501_481, text)
    }

    pub(super) fn malformed_request() -> Self {
        fault(400, "invalid_request", 900_561, "The endpoint does not take this request.")
    }

    fn client(number: u32, text: impl Into<String>) -> Self {
        fault(401, "invalid_client", number, text)
    }

    pub(super) fn no_credential() -> Self {
        Self::client(
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )
    }

    pub(super) fn public_client() -> Self {
        Self::client(
            700_025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        )
    }

    pub(super) fn secret(app: Uuid) -> Self {
        Self::client(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'."
            ),
        )
    }

    pub(super) fn expired_secret(app: Uuid) -> Self {
        Self::client(
            7_000_222,
            format!(
                "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
        )
    }

    pub(super) fn malformed_assertion(why: &str) -> Self {
        fault(400, "invalid_request", 50_027, format!("JWT token is invalid or malformed. {why}"))
    }

    pub(super) fn assertion_subject() -> Self {
        Self::client(700_021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    }

    pub(super) fn assertion_audience() -> Self {
        Self::client(
            700_023,
            "Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        )
    }

    pub(super) fn assertion_key(why: &str, thumbprint: &str) -> Self {
        Self::client(
            700_027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - {why}, Thumbprint of key used by client: '{thumbprint}']"
            ),
        )
    }

    pub(super) fn assertion_time(now: i64, from: Option<i64>, until: Option<i64>) -> Self {
        let shown = |at: Option<i64>| at.map_or_else(|| "absent".to_owned(), account::seconds);
        Self::client(
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}.",
                account::seconds(now),
                shown(from),
                shown(until)
            ),
        )
    }

    pub(super) fn federation(number: u32, what: &str, value: &str) -> Self {
        Self::client(
            number,
            format!(
                "No matching federated identity record found for presented assertion {what} '{value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
            ),
        )
    }

    pub(super) fn grant(number: u32, text: impl Into<String>) -> Self {
        fault(400, "invalid_grant", number, text)
    }

    pub(super) fn interaction(number: u32, text: impl Into<String>) -> Self {
        Self { suberror: Some("basic_action"), ..fault(400, "interaction_required", number, text) }
    }

    pub(super) fn consent(id: Uuid, name: &str) -> Self {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{id}' named '{name}'. Send an interactive authorization request for this user and resource."
        );
        Self { suberror: Some("consent_required"), ..Self::grant(65_001, text) }
    }

    pub(super) fn blocked(error: &'static str) -> Self {
        let text = "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
        Self { suberror: Some("message_only"), ..fault(400, error, 53_003, text) }
    }

    pub(super) fn server() -> Self {
        fault(500, "server_error", 90_033, "A transient error has occurred. Please try again.")
    }

    /// `error_description`, which is also what an error page says.
    pub(super) fn description(&self, trace: &str, correlation: &str, at: &str) -> String {
        format!(
            "AADSTS{}: {}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {at}",
            self.number, self.text
        )
    }

    /// The endpoint's answer.
    pub(super) fn response(&self, request: &Request, clock: &Clock) -> Response {
        let trace = clock.uuid().to_string();
        let correlation =
            request.header("client-request-id").map_or_else(|| clock.uuid().to_string(), str::to_owned);
        let at = account::seconds(clock.millis()).replace('T', " ");
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(&trace, &correlation, &at),
            "error_codes": [self.number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        Response::json(self.status, body)
    }
}
