//! How a client wants its request carried out and answered, and the answer.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderName, LOCATION};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde_json::Value;
use url::form_urlencoded;

use super::prefer::{self, Preferences, Return};
use super::{LIMITS, base_url};
use crate::directory::Wait;
use crate::http::State;
use crate::http::fault::{Fault, SCIM_JSON};
use crate::scim::list::ListQuery;
use crate::scim::{Projection, ResourceType};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How a client wants its request carried out and answered.
pub(super) struct Asked {
    /// How long it waits for Microsoft 365.
    pub(super) wait: Wait,
    /// What the locations in the answer begin with.
    pub(super) base_url: String,
    /// The attributes that the answer has.
    pub(super) projection: Projection,
    returned: Option<Return>,
    /// What a push is answered with where the client prefers nothing.
    usual: Return,
}

/// The answer to a push, but for its body.
pub(super) struct Opened {
    pub(super) response: HttpResponseBuilder,
    /// Whether it has one.
    pub(super) has_body: bool,
}

/// What the headers of an answer say about its resource.
pub(super) struct Heading {
    /// Its version.
    pub(super) version: i64,
    /// Its path below the base URL, such as `/Users/2819c223`.
    pub(super) path: String,
}

impl Asked {
    /// Reads the query and the headers of a request for one resource.
    pub(super) fn of(
        request: &HttpRequest,
        state: &State,
        resource_type: &'static ResourceType,
    ) -> Result<Self, Fault> {
        let preferences = Preferences::of(request);
        Ok(Self {
            wait: preferences.wait(state.settle_deadline),
            base_url: base_url(request, state),
            projection: list_query(request)?.projection(resource_type)?,
            returned: preferences.returned,
            usual: Return::Representation,
        })
    }

    /// The same, but a push is answered without a body unless the client wants one.
    pub(super) fn sparingly(self) -> Self {
        Self { usual: Return::Minimal, ..self }
    }

    /// The answer to a read, but for its body.
    pub(super) fn read(&self, heading: &Heading) -> HttpResponseBuilder {
        self.headed(StatusCode::OK, heading)
    }

    /// The answer to a client that has this version already.
    pub(super) fn known(version: i64) -> HttpResponse {
        HttpResponse::NotModified().insert_header((ETAG, prefer::etag(version))).finish()
    }

    /// The answer to a push: `done`, or 202 where the client did not want to wait and Microsoft 365 has yet to follow.
    pub(super) fn pushed(&self, done: StatusCode, is_pending: bool, heading: &Heading) -> Opened {
        let accepted = is_pending && self.wait == Wait::Not;
        let minimal = self.is_minimal();
        let status = match (accepted, minimal, done) {
            (true, _, _) => StatusCode::ACCEPTED,
            (false, true, StatusCode::OK) => StatusCode::NO_CONTENT,
            (false, _, done) => done,
        };
        let mut response = self.headed(status, heading);
        for applied in self.applied(accepted) {
            response.append_header((PREFERENCE_APPLIED, applied));
        }
        Opened { response, has_body: !minimal }
    }

    /// Whoever names the attributes that it wants gets them: RFC 7644 §3.5.2 knows no exception.
    fn is_minimal(&self) -> bool {
        self.returned.unwrap_or(self.usual) == Return::Minimal && !self.projection.is_explicit()
    }

    /// The preferences that the answer follows (RFC 7240 §3).
    fn applied(&self, accepted: bool) -> Vec<String> {
        let returned = self.returned.filter(|returned| *returned != Return::Minimal || self.is_minimal());
        let returned = returned.map(|returned| format!("return={}", returned.as_str()));
        accepted.then(|| "respond-async".to_owned()).into_iter().chain(returned).collect()
    }

    fn headed(&self, status: StatusCode, heading: &Heading) -> HttpResponseBuilder {
        let mut response = HttpResponseBuilder::new(status);
        response
            .insert_header((ETAG, prefer::etag(heading.version)))
            .insert_header((LOCATION, format!("{}{}", self.base_url, heading.path)));
        response
    }
}

impl Opened {
    /// With a body, where it has one.
    pub(super) fn with(mut self, body: impl FnOnce() -> Value) -> HttpResponse {
        if !self.has_body {
            return self.response.finish();
        }
        json(self.response, &body())
    }
}

/// An answer in SCIM's media type.
pub(super) fn json(mut response: HttpResponseBuilder, body: &Value) -> HttpResponse {
    response.content_type(SCIM_JSON).body(body.to_string())
}

/// The query of a request, read as that of a list.
pub(super) fn list_query(request: &HttpRequest) -> Result<ListQuery, Fault> {
    let pairs: Vec<(String, String)> =
        form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Ok(ListQuery::parse(pairs, LIMITS)?)
}
