//! Headers that say how a request is to be carried out: `Prefer`, `If-Match`, `If-None-Match`.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::directory::{Precondition, Wait};
use crate::http::header::{elements, pair, parameters};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a request prefers (RFC 7240), of what the server can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// `respond-async` (§4.1).
    pub(super) respond_async: bool,
    /// `return` (§4.2).
    pub(super) returned: Option<Return>,
}

/// What the answer to a push holds (RFC 7240 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    /// No body.
    Minimal,
    /// The resource as it is now.
    Representation,
}

impl Preferences {
    pub(super) fn of(request: &HttpRequest) -> Self {
        let mut preferences = Self::default();
        let mut is_chosen = false;
        for preference in elements(request.headers(), PREFER) {
            let (preference, _) = parameters(preference);
            let (name, value) = pair(preference);
            if name.eq_ignore_ascii_case("respond-async") {
                preferences.respond_async = true;
            } else if name.eq_ignore_ascii_case("return") && !is_chosen {
                // Of one that is given twice the first counts (§2).
                preferences.returned = Return::of(value);
                is_chosen = true;
            }
        }
        preferences
    }

    /// How long to wait for Microsoft 365: not at all, where the client prefers that, else as long as the server allows.
    pub(super) fn wait(self, longest: Duration) -> Wait {
        if self.respond_async { Wait::Not } else { Wait::AtMost(longest) }
    }
}

impl Return {
    fn of(value: &str) -> Option<Self> {
        [Self::Minimal, Self::Representation]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(value))
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Representation => "representation",
        }
    }
}

/// The entity tag of a version (RFC 7644 §3.14); weak, since a projection may leave parts out.
pub(super) fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// `If-Match` (RFC 9110 §13.1.1). The comparison ignores weakness: our tags change with every change.
pub(super) fn precondition(request: &HttpRequest) -> Precondition {
    match tags(request, &IF_MATCH) {
        None => Precondition::None,
        Some(tags) => matching(&tags),
    }
}

/// The `version` of an operation in a bulk: what `If-Match` would say (RFC 7644 §3.7).
pub(super) fn precondition_of(tag: Option<&str>) -> Precondition {
    tag.map_or(Precondition::None, |tag| matching(&[tag.trim()]))
}

fn matching(tags: &[&str]) -> Precondition {
    if tags.contains(&"*") {
        return Precondition::None;
    }
    Precondition::OneOf(tags.iter().filter_map(|tag| version(tag)).collect())
}

/// Whether `If-None-Match` (RFC 9110 §13.1.2) says that the client has this version.
pub(super) fn is_known(request: &HttpRequest, current: i64) -> bool {
    tags(request, &IF_NONE_MATCH)
        .is_some_and(|tags| tags.into_iter().any(|tag| tag == "*" || version(tag) == Some(current)))
}

/// A header that is there and names nothing is a condition that nothing fulfils.
fn tags<'a>(request: &'a HttpRequest, header: &HeaderName) -> Option<Vec<&'a str>> {
    let headers = request.headers();
    headers.contains_key(header).then(|| elements(headers, header))
}

fn version(tag: &str) -> Option<i64> {
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("W/\"3\"", Precondition::OneOf(vec![3]))]
    #[case("\"3\", W/\"4\"", Precondition::OneOf(vec![3, 4]))]
    #[case("*", Precondition::None)]
    #[case("garbage", Precondition::OneOf(vec![]))]
    #[case("", Precondition::OneOf(vec![]))]
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

    fn preferences(header: &str) -> Preferences {
        Preferences::of(&TestRequest::default().insert_header((PREFER, header)).to_http_request())
    }

    #[rstest]
    #[case("respond-async", true, None)]
    #[case("return=minimal, Respond-Async; wait=10", true, Some(Return::Minimal))]
    #[case("return=minimal", false, Some(Return::Minimal))]
    #[case("Return = \"Minimal\" ; foo=\"a, b\"", false, Some(Return::Minimal))]
    #[case("return=representation", false, Some(Return::Representation))]
    #[case("return=representation, return=minimal", false, Some(Return::Representation))]
    #[case("return=headers-only, return=minimal", false, None)]
    #[case("return", false, None)]
    #[case("foo=\"return=minimal, respond-async\"", false, None)]
    #[case("handling=lenient;return=minimal", false, None)]
    #[case("", false, None)]
    fn prefer_is_read(#[case] header: &str, #[case] respond_async: bool, #[case] returned: Option<Return>) {
        assert_eq!(preferences(header), Preferences { respond_async, returned });
        let longest = Duration::from_secs(4);
        let expected = if respond_async { Wait::Not } else { Wait::AtMost(longest) };
        assert_eq!(preferences(header).wait(longest), expected);
    }

    #[test]
    fn preferences_may_stand_on_several_lines() {
        let request = TestRequest::default()
            .append_header((PREFER, "return=minimal"))
            .append_header((PREFER, "respond-async"));
        let both = Preferences { respond_async: true, returned: Some(Return::Minimal) };
        assert_eq!(Preferences::of(&request.to_http_request()), both);
    }

    proptest! {
        #[test]
        fn any_header_is_borne(text in "[ -~]*") {
            let request = TestRequest::default()
                .insert_header((PREFER, text.as_str()))
                .insert_header((IF_MATCH, text.as_str()))
                .insert_header((IF_NONE_MATCH, text.as_str()))
                .to_http_request();
            Preferences::of(&request);
            precondition(&request);
            is_known(&request, 1);
        }
    }
}
