//! `/oauth/…`: an administrator authorizes a connection in the browser, or consents to its application.

use std::fmt::Write as _;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::Uri;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderValue, LOCATION, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, get};
use askama::Template;
use secrecy::ExposeSecret as _;

use super::State;
use super::auth::origin_of_browser;
use crate::directory::ConnectionError;
use crate::directory::authorize::{Arrival, AuthorizeError, Way, base_url};
use crate::ids::ConnectionId;

/// The page holds texts of ours alone: no scripts, nothing from elsewhere, in nobody's frame.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// A page that says how it went.
#[derive(Default, Template)]
#[template(path = "oauth.html")]
struct Page {
    title: String,
    lines: Vec<String>,
    link: Option<Link>,
    items: Vec<String>,
}

struct Link {
    address: String,
    text: String,
}

/// What Microsoft has sent with the browser, out of the address before anything logs that.
#[derive(Clone)]
struct Query(String);

/// Sends an administrator of the tenant to Microsoft's sign-in page, to authorize a connection.
#[utoipa::path(
    tag = "oauth",
    params(("id" = String, Path, description = "The connection's id")),
    responses(
        (status = 302, description = "To Microsoft's sign-in page; a cookie binds the browser for ten minutes"),
        (status = 404, description = "No such connection", content_type = "text/html"),
        (status = 409, description = "The connection is switched off, or signs in as the application", content_type = "text/html"),
    )
)]
#[get("/oauth/connect/{id}")]
pub(super) async fn begin_authorization(
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
) -> HttpResponse {
    let base = base(&request, &state);
    let begun = match id.parse() {
        Ok(id) => state.directory.begin_authorization(&state.sign_in, id, &base).await,
        Err(_) => Err(AuthorizeError::NoSuch),
    };
    depart(begun, &base)
}

/// Sends an administrator of the tenant to Microsoft's consent page for the connection's application.
#[utoipa::path(
    tag = "oauth",
    params(("id" = String, Path, description = "The connection's id")),
    responses(
        (status = 302, description = "To Microsoft's consent page; a cookie binds the browser for ten minutes"),
        (status = 404, description = "No such connection", content_type = "text/html"),
        (status = 409, description = "The connection is switched off", content_type = "text/html"),
    )
)]
#[get("/oauth/consent/{id}")]
pub(super) async fn begin_consent(
    request: HttpRequest,
    state: Data<State>,
    id: Path<String>,
) -> HttpResponse {
    let base = base(&request, &state);
    let begun = match id.parse() {
        Ok(id) => state.directory.begin_consent(&state.sign_in, id, &base).await,
        Err(_) => Err(AuthorizeError::NoSuch),
    };
    depart(begun, &base)
}

/// Where Microsoft sends the browser back to: the redirect URI of the application.
#[utoipa::path(
    tag = "oauth",
    params(
        ("state" = String, Query, description = "As it was sent"),
        ("code" = Option<String>, Query, description = "What the grant is redeemed with"),
        ("admin_consent" = Option<String>, Query, description = "`True` where an administrator has consented"),
        ("error" = Option<String>, Query, description = "Why Microsoft or the person has refused"),
    ),
    responses(
        (status = 200, description = "The connection is authorized, or its application consented to", content_type = "text/html"),
        (status = 400, description = "It is not, and stays as it was; the page says what to do", content_type = "text/html"),
        (status = 503, description = "The database does not answer", content_type = "text/html"),
    )
)]
#[get("/oauth/callback")]
pub(super) async fn come_back(request: HttpRequest, state: Data<State>) -> HttpResponse {
    let query = request.extensions().get::<Query>().cloned().unwrap_or_else(|| Query(String::new()));
    let cookie = |name: &str| cookie(&request, name);
    let origin = origin_of_browser(&request);
    match state.directory.come_back(&state.sign_in, &query.0, cookie, origin).await {
        Ok(arrival) => arrived(arrival, &base(&request, &state)),
        Err(error) => refused(&error),
    }
}

/// Takes Microsoft's answer out of the address, so that neither a code nor a state is ever logged.
pub(super) async fn hide_answer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.path().starts_with("/oauth/")
        && let Some(query) = request.uri().query().map(str::to_owned)
        && let Ok(bare) = request.path().parse::<Uri>()
    {
        request.match_info_mut().get_mut().update(&bare);
        request.head_mut().uri = bare;
        request.extensions_mut().insert(Query(query));
    }
    next.call(request).await
}

fn base(request: &HttpRequest, state: &State) -> String {
    base_url(state.public_url.as_ref(), request.app_config().local_addr())
}

fn depart(begun: Result<Way, AuthorizeError>, base: &str) -> HttpResponse {
    let way = match begun {
        Ok(way) => way,
        Err(error) => return refused(&error),
    };
    let mut cookie = format!(
        "{}={}; Path={}; Max-Age={}; HttpOnly; SameSite=Lax",
        way.cookie_name,
        way.cookie.expose_secret(),
        cookie_path(base),
        way.seconds
    );
    if base.starts_with("https://") {
        let _ = write!(cookie, "; Secure");
    }
    HttpResponse::Found()
        .insert_header((LOCATION, way.url))
        .insert_header((SET_COOKIE, cookie))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// The pages below the server's own address, which a proxy may have put below a path.
fn cookie_path(base: &str) -> String {
    let path = base.split("://").nth(1).and_then(|rest| rest.split_once('/')).map(|(_, path)| path);
    match path.map(|path| path.trim_end_matches('/')) {
        Some(path) if !path.is_empty() => format!("/{path}/oauth"),
        _ => "/oauth".to_owned(),
    }
}

fn arrived(arrival: Arrival, base: &str) -> HttpResponse {
    let page = match arrival {
        Arrival::Authorized { connection, administrator, scopes } => Page {
            title: "The connection is authorized".to_owned(),
            lines: vec![
                format!(
                    "\"{connection}\" works on behalf of {administrator} from now on; what had to wait is carried out."
                ),
                "You may close this page.".to_owned(),
            ],
            items: scopes,
            link: None,
        },
        Arrival::Consented { connection, then } => Page {
            title: "The application is consented to".to_owned(),
            lines: vec![format!("Your tenant has consented to the application of \"{connection}\".")],
            link: then.map(|id: ConnectionId| Link {
                address: format!("{base}/oauth/connect/{id}"),
                text: "Now authorize the connection".to_owned(),
            }),
            items: Vec::new(),
        },
    };
    show(StatusCode::OK, &page)
}

fn refused(error: &AuthorizeError) -> HttpResponse {
    let status = match error {
        AuthorizeError::NoSuch | AuthorizeError::Connection(ConnectionError::NoSuch(_)) => {
            StatusCode::NOT_FOUND
        }
        AuthorizeError::NotInUse(_) | AuthorizeError::Connection(ConnectionError::NotDelegated(_)) => {
            StatusCode::CONFLICT
        }
        AuthorizeError::Store(_) | AuthorizeError::Connection(ConnectionError::Store(_)) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::BAD_REQUEST,
    };
    tracing::warn!(%error, "a connection was not authorized");
    let page = Page {
        title: "The connection was not authorized".to_owned(),
        lines: vec![sentence(&error.to_string()), "Nothing was changed.".to_owned()],
        ..Page::default()
    };
    show(status, &page)
}

/// As a sentence of its own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

fn show(status: StatusCode, page: &Page) -> HttpResponse {
    let Ok(body) = page.render() else {
        return HttpResponse::InternalServerError().finish();
    };
    HttpResponseBuilder::new(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(body)
}

/// A cookie of the request (RFC 6265 §5.4); of several with a name the first.
fn cookie(request: &HttpRequest, name: &str) -> Option<String> {
    request
        .headers()
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let request = TestRequest::default()
            .append_header((COOKIE, "a=1; gangway_oauth_7=x=y;b"))
            .append_header((COOKIE, "c=3"))
            .to_http_request();
        assert_eq!(cookie(&request, "gangway_oauth_7").as_deref(), Some("x=y"));
        assert_eq!(cookie(&request, "c").as_deref(), Some("3"));
        assert_eq!(cookie(&request, "oauth_7"), None);
    }

    #[test]
    fn a_cookie_is_for_these_pages_alone() {
        for (base, path) in [
            ("http://127.0.0.1:8080", "/oauth"),
            ("https://gangway.example", "/oauth"),
            ("https://example.com/tools/gangway", "/tools/gangway/oauth"),
        ] {
            assert_eq!(cookie_path(base), path);
        }
    }

    #[test]
    fn a_page_shows_what_strangers_say_as_text() {
        let page = Page {
            title: "<script>".to_owned(),
            lines: vec!["\"<b>&\"".to_owned()],
            items: vec!["</ul>".to_owned()],
            link: None,
        };
        let html = page.render().unwrap();
        for bad in ["<script>", "<b>", "</ul></li>"] {
            assert!(!html.contains(bad), "{html}");
        }
        assert!(html.contains("&#60;b&#62;&#38;"), "{html}");
    }

    proptest! {
        #[test]
        fn no_cookie_header_makes_it_panic(header in "[ -~]{0,60}") {
            let request = TestRequest::default().append_header((COOKIE, header)).to_http_request();
            let _ = cookie(&request, "a");
        }

        #[test]
        fn a_sentence_keeps_its_words(text in ".{0,40}") {
            prop_assert!(sentence(&text).len() >= text.len().min(1));
        }
    }
}
