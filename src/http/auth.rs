//! Who calls: the bearer token of a request, held to the scope of the endpoint.

use std::net::IpAddr;

use actix_web::http::header::{AUTHORIZATION, HeaderMap, USER_AGENT};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev};
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use tracing_actix_web::RequestId;
use uuid::Uuid;

use super::State;
use super::fault::Fault;
use crate::directory::caller::{Caller, Origin};
use crate::directory::{Access, Scope};
use crate::insights::{Initiator, InitiatorKind};

const LONGEST_USER_AGENT: usize = 512;

/// A caller whose token has the scope `scim`.
pub(super) struct ScimCaller(pub(super) Caller);

/// A caller whose token has the scope `insights`.
pub(super) struct InsightsCaller(pub(super) Access);

impl FromRequest for ScimCaller {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let access = authenticate(&request, Scope::Scim).await?;
            Ok(Self(caller(&request, access)))
        })
    }
}

impl FromRequest for InsightsCaller {
    type Error = Fault;
    type Future = LocalBoxFuture<'static, Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { authenticate(&request, Scope::Insights).await.map(Self) })
    }
}

async fn authenticate(request: &HttpRequest, scope: Scope) -> Result<Access, Fault> {
    let token = presented(request.headers(), scope)?;
    let state = state(request)?;
    Ok(state.directory.authenticate(token, scope).await?)
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1); for events also of `x-api-key`, as JumpCloud's API has it.
fn presented(headers: &HeaderMap, scope: Scope) -> Result<&str, Fault> {
    // Of two, a proxy and we might each believe another one.
    if headers.get_all(AUTHORIZATION).nth(1).is_some() {
        return Err(Fault::malformed_token());
    }
    if let Some(header) = headers.get(AUTHORIZATION) {
        let text = header.to_str().map_err(|_| Fault::malformed_token())?;
        let (scheme, token) = text.split_once(' ').ok_or_else(Fault::malformed_token)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Fault::malformed_token());
        }
        return Ok(token.trim());
    }
    match headers.get("x-api-key") {
        Some(key) if scope == Scope::Insights => key.to_str().map_err(|_| Fault::malformed_token()),
        _ => Err(Fault::no_token()),
    }
}

fn caller(request: &HttpRequest, access: Access) -> Caller {
    let (id, name) = access.upstream.clone().unzip();
    let initiated_by = Initiator {
        kind: InitiatorKind::Upstream,
        id: id.map(|id| id.to_string()),
        source: "scim".to_owned(),
        source_metadata: Some(json!({ "upstream": name, "token": access.token })),
    };
    let origin = Origin {
        initiated_by,
        request_id: request_id(request),
        client_ip: client_ip(request).map(|ip| ip.to_string()),
        useragent: useragent(request),
        ignored: Vec::new(),
    };
    Caller { organization: access.organization, upstream: access.upstream, dialect: access.dialect, origin }
}

/// An administrator in the browser, whom Microsoft has yet to name.
pub(super) fn origin_of_browser(request: &HttpRequest) -> Origin {
    let initiated_by =
        Initiator { kind: InitiatorKind::Admin, id: None, source: "oauth".to_owned(), source_metadata: None };
    Origin {
        initiated_by,
        request_id: request_id(request),
        client_ip: client_ip(request).map(|ip| ip.to_string()),
        useragent: useragent(request),
        ignored: Vec::new(),
    }
}

fn useragent(request: &HttpRequest) -> Option<String> {
    let useragent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    useragent.map(|text| text.chars().take(LONGEST_USER_AGENT).collect())
}

/// Our id of the request: in the log, in the answer, and in every event that it causes.
pub(super) fn request_id(request: &HttpRequest) -> Uuid {
    request.extensions().get::<RequestId>().map_or_else(Uuid::nil, |id| **id)
}

/// The address that the request comes from; what a proxy says counts only where one is configured.
fn client_ip(request: &HttpRequest) -> Option<IpAddr> {
    let proxied = state(request).ok().is_some_and(|state| state.public_url.is_some());
    if proxied {
        let info = request.connection_info();
        if let Some(ip) = info.realip_remote_addr().and_then(|text| text.parse().ok()) {
            return Some(ip);
        }
    }
    request.peer_addr().map(|peer| peer.ip())
}

fn state(request: &HttpRequest) -> Result<&Data<State>, Fault> {
    request.app_data::<Data<State>>().ok_or_else(Fault::no_route)
}
