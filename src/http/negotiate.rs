//! The media type of an answer: what the client accepts, where SCIM leaves a choice.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use actix_web::middleware::Next;

use super::fault::SCIM_JSON;
use super::header::{elements, parameters};

/// The media types that a SCIM answer can have (RFC 7644 §3.1), the better one first.
const OFFERED: [&str; 2] = [SCIM_JSON, "application/json"];

/// Names each SCIM answer, an error's too, as the client wants it. Handlers say [`SCIM_JSON`].
pub(super) async fn label(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let wanted = media_type(&elements(request.headers(), ACCEPT));
    let mut response = next.call(request).await?;
    let is_scim = response.headers().get(CONTENT_TYPE).is_some_and(|value| value == SCIM_JSON);
    if is_scim && wanted != SCIM_JSON {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(wanted));
    }
    Ok(response)
}

/// The media type that these ranges like best (RFC 9110 §12.5.1). Among equals the one that is named more exactly, so
/// that `application/json, */*` asks for the plain one, then SCIM's own. Ranges that allow neither are disregarded,
/// as RFC 9110 leaves it to a server: a client can read an answer that it has not asked for, but none at all is of no
/// use to it.
fn media_type(ranges: &[&str]) -> &'static str {
    let mut best = (SCIM_JSON, Wish::NONE);
    for offered in OFFERED {
        let wish = Wish::of(ranges, offered);
        if wish.quality > 0 && wish > best.1 {
            best = (offered, wish);
        }
    }
    best.0
}

/// How much a client wants a media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    /// The weight `q`, in thousandths.
    quality: u16,
    /// 1 for `*/*`, 2 for `application/*`, 3 for the type itself.
    exactness: u8,
}

impl Wish {
    const NONE: Self = Self { quality: 0, exactness: 0 };

    /// What the range says that names the type most exactly: it overrides the others, also where it says less.
    fn of(ranges: &[&str], offered: &str) -> Self {
        let wishes = ranges.iter().filter_map(|range| Self::read(range, offered));
        wishes.max_by_key(|wish| (wish.exactness, wish.quality)).unwrap_or(Self::NONE)
    }

    /// None for a range that another type is meant by, or whose weight is none. Parameters other than the weight, such
    /// as a charset, make no difference for JSON (RFC 8259 §11).
    fn read(range: &str, offered: &str) -> Option<Self> {
        let (range, mut parameters) = parameters(range);
        let exactness = match range {
            "*/*" => 1,
            range if range.eq_ignore_ascii_case("application/*") => 2,
            range if range.eq_ignore_ascii_case(offered) => 3,
            _ => return None,
        };
        let weight = parameters.find(|(name, _)| name.eq_ignore_ascii_case("q"));
        let quality = weight.map_or(Some(1000), |(_, value)| thousandths(value))?;
        Some(Self { quality, exactness })
    }
}

/// A weight such as `0.75` (RFC 9110 §12.4.2).
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() > 3 || !is_digits {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, fraction) {
        ("0", fraction) => Some(fraction),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const JSON: &str = "application/json";

    #[rstest]
    #[case::nothing("", SCIM_JSON)]
    #[case::scim("application/scim+json", SCIM_JSON)]
    #[case::json("application/json", JSON)]
    #[case::case_and_charset("Application/JSON; charset=utf-8", JSON)]
    #[case::both("application/json, application/scim+json", SCIM_JSON)]
    #[case::any("*/*", SCIM_JSON)]
    #[case::any_application("application/*", SCIM_JSON)]
    #[case::json_or_any("application/json, text/plain, */*", JSON)]
    #[case::json_preferred("application/scim+json;q=0.5, application/json", JSON)]
    #[case::scim_preferred("application/scim+json, application/json;q=0.9", SCIM_JSON)]
    #[case::any_over_json("application/json;q=0.5, */*", SCIM_JSON)]
    #[case::json_over_any("application/json;q=0.5, */*;q=0.1", JSON)]
    #[case::not_scim("application/scim+json;q=0, */*", JSON)]
    #[case::not_scim_but_applications("application/*;q=0.2, application/scim+json;q=0.0", JSON)]
    #[case::neither("text/html", SCIM_JSON)]
    #[case::refused("application/json;q=0", SCIM_JSON)]
    #[case::all_refused("*/*;q=0", SCIM_JSON)]
    #[case::bad_weight("application/json;q=high", SCIM_JSON)]
    #[case::quoted("text/x;note=\"application/json, \", application/scim+json", SCIM_JSON)]
    #[case::a_lookalike("application/json-patch+json", SCIM_JSON)]
    fn the_best_range_wins(#[case] accept: &str, #[case] expected: &str) {
        let request = actix_web::test::TestRequest::default().insert_header((ACCEPT, accept));
        let request = request.to_http_request();
        assert_eq!(media_type(&elements(request.headers(), ACCEPT)), expected);
    }

    #[test]
    fn ranges_may_stand_on_several_lines() {
        let request = actix_web::test::TestRequest::default()
            .append_header((ACCEPT, "application/scim+json;q=0.1"))
            .append_header((ACCEPT, "application/json"))
            .to_http_request();
        assert_eq!(media_type(&elements(request.headers(), ACCEPT)), JSON);
    }

    #[rstest]
    #[case("1", Some(1000))]
    #[case("1.000", Some(1000))]
    #[case("0.5", Some(500))]
    #[case("0.001", Some(1))]
    #[case("0", Some(0))]
    #[case("0.", Some(0))]
    #[case("1.001", None)]
    #[case("0.0001", None)]
    #[case("2", None)]
    #[case("-1", None)]
    #[case(".5", None)]
    #[case("", None)]
    fn weights_are_exact(#[case] weight: &str, #[case] expected: Option<u16>) {
        assert_eq!(thousandths(weight), expected);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(ranges in proptest::collection::vec("\\PC*", 0..4)) {
            let ranges: Vec<&str> = ranges.iter().map(String::as_str).collect();
            prop_assert!(OFFERED.contains(&media_type(&ranges)));
        }
    }
}
