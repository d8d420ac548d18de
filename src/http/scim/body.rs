//! Request bodies: their media type, their size, and what the OpenAPI document says of them.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, dev};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::http::fault::Fault;

/// How long a client may take to send a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body of one of SCIM's media types.
pub(super) struct ScimBody(pub(super) Value);

impl FromRequest for ScimBody {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let fits = check_media_type(request);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            fits?;
            let bytes = timeout(PATIENCE, bytes).await.map_err(|_| Fault::slow())?;
            let bytes = bytes.map_err(|error| Fault::unreadable(&error))?;
            parse(&bytes).map(Self)
        })
    }
}

/// RFC 7644 §8.1 wants `application/scim+json` and allows `application/json`; a client that names none means it.
fn check_media_type(request: &HttpRequest) -> Result<(), Fault> {
    let Some(header) = request.headers().get(CONTENT_TYPE) else {
        return Ok(());
    };
    let text = header.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if ["application/scim+json", "application/json"].iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    let detail = format!("the body's Content-Type is \"{essence}\"; send application/scim+json");
    Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, detail))
}

fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::syntax("the body is empty; send a JSON object"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Fault::syntax(format!("the body is not valid JSON: {error}")))
}

/// What the OpenAPI document says of SCIM's bodies. The whole truth is at `/scim/v2/Schemas`.
pub(in crate::http) mod documents {
    use super::{ToSchema, Value};

    /// A user (RFC 7643 §4.1) with the enterprise extension and Gangway's own.
    #[derive(ToSchema)]
    #[schema(as = User)]
    #[expect(dead_code, reason = "it documents the body; scim::Resource reads it")]
    pub(in crate::http) struct UserBody {
        /// The schemas in use.
        pub(in crate::http) schemas: Vec<String>,
        /// Ours; read-only.
        pub(in crate::http) id: Option<String>,
        /// The client's own id.
        #[schema(rename = "externalId")]
        pub(in crate::http) external_id: Option<String>,
        /// The address in Microsoft 365; unique without regard to case.
        #[schema(rename = "userName")]
        pub(in crate::http) user_name: String,
        /// Whether the person may sign in.
        pub(in crate::http) active: Option<bool>,
        /// The name's parts.
        pub(in crate::http) name: Option<Value>,
        /// The name as it is shown.
        #[schema(rename = "displayName")]
        pub(in crate::http) display_name: Option<String>,
        /// Set, never returned.
        #[schema(write_only)]
        pub(in crate::http) password: Option<String>,
        /// E-mail addresses.
        pub(in crate::http) emails: Option<Vec<Value>>,
        /// Gangway's extension: syncStatus, syncError, accountId, passwordExpired, locked and more.
        #[schema(rename = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User")]
        pub(in crate::http) gangway: Option<Value>,
    }

    /// A page of resources (RFC 7644 §3.4.2).
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "it documents the body; scim::list writes it")]
    pub(in crate::http) struct ListResponse {
        /// The URN of a list.
        pub(in crate::http) schemas: Vec<String>,
        /// How many match, on all pages.
        #[schema(rename = "totalResults")]
        pub(in crate::http) total_results: u64,
        /// The first one's place, from 1.
        #[schema(rename = "startIndex")]
        pub(in crate::http) start_index: u64,
        /// How many are on this page.
        #[schema(rename = "itemsPerPage")]
        pub(in crate::http) items_per_page: u64,
        /// The resources.
        #[schema(rename = "Resources")]
        pub(in crate::http) resources: Vec<Value>,
    }

    /// A PATCH (RFC 7644 §3.5.2).
    #[derive(ToSchema)]
    #[expect(dead_code, reason = "it documents the body; scim::patch reads it")]
    pub(in crate::http) struct PatchOp {
        /// The URN of a PATCH.
        pub(in crate::http) schemas: Vec<String>,
        /// `op`, `path` and `value` of each operation.
        #[schema(rename = "Operations")]
        pub(in crate::http) operations: Vec<Value>,
    }

    /// An error (RFC 7644 §3.12).
    #[derive(ToSchema)]
    #[schema(as = Error)]
    #[expect(dead_code, reason = "it documents the body; scim::error writes it")]
    pub(in crate::http) struct ErrorBody {
        /// The URN of an error.
        pub(in crate::http) schemas: Vec<String>,
        /// The HTTP status, as a string.
        pub(in crate::http) status: String,
        /// The keyword of RFC 7644 table 9.
        #[schema(rename = "scimType")]
        pub(in crate::http) scim_type: Option<String>,
        /// What happened and what to do.
        pub(in crate::http) detail: String,
    }
}
