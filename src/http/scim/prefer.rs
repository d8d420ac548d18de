//! Headers that say how a request is to be carried out: `Prefer`, `If-Match`, `If-None-Match`.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::directory::users::{Precondition, Wait};

/// The entity tag of a version (RFC 7644 §3.14); weak, since a projection may leave parts out.
pub(super) fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// `Prefer: respond-async` (RFC 7240 §4.1), else the longest wait that the server allows.
pub(super) fn wait(request: &HttpRequest, longest: Duration) -> Wait {
    let prefer = HeaderName::from_static("prefer");
    let asks = request.headers().get_all(prefer).filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|preference| {
            preference.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("respond-async"))
        })
    });
    if asks { Wait::Not } else { Wait::AtMost(longest) }
}

/// `If-Match` (RFC 9110 §13.1.1). The comparison ignores weakness: our tags change with every change.
pub(super) fn precondition(request: &HttpRequest) -> Precondition {
    match tags(request, &IF_MATCH) {
        None => Precondition::None,
        Some(tags) if tags.iter().any(|tag| tag == "*") => Precondition::None,
        Some(tags) => Precondition::OneOf(tags.iter().filter_map(|tag| version(tag)).collect()),
    }
}

/// Whether `If-None-Match` (RFC 9110 §13.1.2) says that the client has this version.
pub(super) fn is_known(request: &HttpRequest, current: i64) -> bool {
    tags(request, &IF_NONE_MATCH)
        .is_some_and(|tags| tags.iter().any(|tag| tag == "*" || version(tag) == Some(current)))
}

fn tags(request: &HttpRequest, header: &HeaderName) -> Option<Vec<String>> {
    let mut values = request.headers().get_all(header).peekable();
    values.peek()?;
    let texts = values.filter_map(|value| value.to_str().ok());
    Some(texts.flat_map(|text| text.split(',')).map(|tag| tag.trim().to_owned()).collect())
}

fn version(tag: &str) -> Option<i64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use rstest::rstest;

    #[rstest]
    #[case("W/\"3\"", Precondition::OneOf(vec![3]))]
    #[case("\"3\", W/\"4\"", Precondition::OneOf(vec![3, 4]))]
    #[case("*", Precondition::None)]
    #[case("garbage", Precondition::OneOf(vec![]))]
    fn if_match_is_read(#[case] header: &str, #[case] expected: Precondition) {
        let request = TestRequest::default().insert_header(("If-Match", header)).to_http_request();
        assert_eq!(precondition(&request), expected);
    }

    #[test]
    fn without_a_header_there_is_no_condition() {
        let request = TestRequest::default().to_http_request();
        assert_eq!(precondition(&request), Precondition::None);
        assert!(!is_known(&request, 1));
    }

    #[rstest]
    #[case("respond-async", true)]
    #[case("return=minimal, Respond-Async; wait=10", true)]
    #[case("return=minimal", false)]
    fn prefer_is_read(#[case] header: &str, #[case] asynchronous: bool) {
        let request = TestRequest::default().insert_header(("Prefer", header)).to_http_request();
        let longest = Duration::from_secs(4);
        assert_eq!(wait(&request, longest) == Wait::Not, asynchronous);
    }
}
