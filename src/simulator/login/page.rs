//! The pages of the login host: plain HTML, no scripts, everything escaped.

use askama::Template;

use super::super::message::{Body, Response};

/// Asks for a name and a password.
#[derive(Template)]
#[template(path = "simulator/sign_in.html")]
pub(super) struct SignIn<'a> {
    pub(super) tenant: &'a str,
    pub(super) app: &'a str,
    pub(super) action: &'a str,
    /// The sealed request that the page belongs to.
    pub(super) request: &'a str,
    pub(super) login: &'a str,
    pub(super) problem: Option<&'a str>,
}

/// Asks for consent.
#[derive(Template)]
#[template(path = "simulator/consent.html")]
pub(super) struct Consent<'a> {
    pub(super) tenant: &'a str,
    pub(super) app: &'a str,
    pub(super) action: &'a str,
    pub(super) request: &'a str,
    pub(super) login: &'a str,
    pub(super) permissions: &'a [String],
    /// Whether an administrator consents for the whole organization.
    pub(super) everybody: bool,
}

/// Says what is wrong, where nobody can be sent back, or as a last word before that.
#[derive(Template)]
#[template(path = "simulator/refused.html")]
pub(super) struct Refused<'a> {
    pub(super) tenant: &'a str,
    pub(super) problem: &'a str,
    pub(super) back: Option<&'a str>,
}

/// Carries an answer back in a form (`response_mode=form_post`).
#[derive(Template)]
#[template(path = "simulator/post.html")]
pub(super) struct Post<'a> {
    pub(super) tenant: &'a str,
    pub(super) action: &'a str,
    pub(super) fields: &'a [(&'static str, String)],
}

/// An answer that shows the page.
pub(super) fn show(status: u16, page: &impl Template) -> Response {
    let html = |page: String| Body::Bytes("text/html; charset=utf-8", page.into_bytes());
    let body = page.render().map_or_else(|error| Body::Text(error.to_string()), html);
    let mut response = Response { status, headers: Vec::new(), body };
    response.headers.extend([
        ("Cache-Control", "no-store, no-cache".to_owned()),
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
                .to_owned(),
        ),
        ("Referrer-Policy", "no-referrer".to_owned()),
    ]);
    response
}

/// An answer that sends the browser on.
pub(super) fn redirect(address: &str) -> Response {
    Response {
        status: 302,
        headers: vec![("Location", address.to_owned()), ("Cache-Control", "no-store, no-cache".to_owned())],
        body: Body::Empty,
    }
}
