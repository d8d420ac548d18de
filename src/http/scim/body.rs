//! Request bodies: their media type and their size.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, dev};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::timeout;

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
