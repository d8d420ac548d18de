//! Lists and parameters in header fields (RFC 9110 §5.6).

use actix_web::http::header::{AsHeaderName, HeaderMap};

/// The elements of a header that may stand on several lines; empty ones are passed over (RFC 9110 §5.6.1.2), and so
/// is a line that is no text.
pub(super) fn elements(headers: &HeaderMap, name: impl AsHeaderName) -> Vec<&str> {
    let lines = headers.get_all(name).filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| split(line, ',')).filter(|element| !element.is_empty()).collect()
}

/// An element's name and its parameters: `a;b=1;c="2"` is `a` with `("b", "1")` and `("c", "2")`.
pub(super) fn parameters(element: &str) -> (&str, impl Iterator<Item = (&str, &str)>) {
    let mut parts = split(element, ';').into_iter();
    (parts.next().unwrap_or_default(), parts.map(pair))
}

/// `name=value`, or a name alone, whose value is empty. Quotation marks around the value are taken off.
pub(super) fn pair(text: &str) -> (&str, &str) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let value = value.trim();
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    (name.trim(), bare.unwrap_or(value))
}

/// The trimmed parts between separators, of which one inside a quoted string (RFC 9110 §5.6.4) is none.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => {
                parts.push(text[from..at].trim());
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a, b", &["a", "b"])]
    #[case("", &[""])]
    #[case(",a,", &["", "a", ""])]
    #[case("a;x=\"1,2\", b", &["a;x=\"1,2\"", "b"])]
    #[case("a;x=\"1\\\",2\", b", &["a;x=\"1\\\",2\"", "b"])]
    #[case("a;x=\"1, b", &["a;x=\"1, b"])]
    fn separators_in_quoted_strings_are_none(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(split(text, ','), expected);
    }

    #[test]
    fn parameters_follow_the_name() {
        let (name, parameters) = parameters("text/plain ; Q = 0.5;x=\"a;b\";flag");
        assert_eq!(name, "text/plain");
        assert_eq!(parameters.collect::<Vec<_>>(), [("Q", "0.5"), ("x", "a;b"), ("flag", "")]);
    }

    proptest! {
        #[test]
        fn any_text_is_split_and_nothing_of_it_is_lost(text in "\\PC*") {
            let parts = split(&text, ',');
            let kept: usize = parts.iter().map(|part| part.len()).sum();
            prop_assert!(kept <= text.len());
            for part in parts {
                let (_, parameters) = parameters(part);
                parameters.for_each(drop);
            }
        }
    }
}
