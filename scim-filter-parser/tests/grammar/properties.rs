//! What holds for every tree and every text.

use proptest::prelude::*;
use scim_filter_parser::{AttrPath, Error, Filter, Options, Path};

use crate::trees;

/// Texts that come near the grammar: its own pieces in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        " ",
        " ",
        " ",
        "a",
        "emails",
        "urn:x:2.0:User:",
        ".",
        "eq",
        "pr",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        "\"",
        "\"x\"",
        "\\",
        "\\u",
        "d83d",
        "1",
        "-",
        "e9",
        "true",
        "null",
        "'",
        "$ref",
        "ü",
        "\n",
        "\u{0}",
    ];
    proptest::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

fn unquoted() -> Options {
    Options { unquoted_strings: true, ..Options::default() }
}

/// Parses in every way; gives the faults.
fn parse_all(text: &str) -> Vec<Error> {
    [
        Filter::parse(text).err(),
        Filter::parse_with(text, &unquoted()).err(),
        Path::parse(text).err(),
        Path::parse_with(text, &unquoted()).err(),
        AttrPath::parse(text).err(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn assert_in_text(text: &str) {
    for error in parse_all(text) {
        assert!(text.is_char_boundary(error.at), "{error:?}");
        assert!(error.to_string().contains(&format!("position {}", error.at)), "{error}");
    }
}

/// What was accepted, written out and read again, is the same.
fn assert_round_trip(text: &str) {
    for options in [Options::default(), unquoted()] {
        if let Ok(filter) = Filter::parse_with(text, &options) {
            assert_eq!(Filter::parse(&filter.to_string()), Ok(filter), "{text:?}");
        }
        if let Ok(path) = Path::parse_with(text, &options) {
            assert_eq!(Path::parse(&path.to_string()), Ok(path), "{text:?}");
        }
    }
}

proptest! {
    #[test]
    fn a_filter_is_read_as_it_is_written(filter in trees::filter(&trees::any_name(), &trees::any_value())) {
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn a_path_is_read_as_it_is_written(path in trees::path(&trees::any_name(), &trees::any_value())) {
        prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn an_attribute_is_read_as_it_is_written(attr in trees::attr_path(&trees::any_name())) {
        prop_assert_eq!(AttrPath::parse(&attr.to_string()), Ok(attr));
    }

    #[test]
    fn any_text_gets_a_tree_or_a_position_in_it(text in any::<String>()) {
        assert_in_text(&text);
    }

    #[test]
    fn near_filters_get_a_tree_or_a_position_in_it(text in soup()) {
        assert_in_text(&text);
        assert_round_trip(&text);
    }

    #[test]
    fn every_start_of_a_filter_gets_a_tree_or_a_position_in_it(
        filter in trees::filter(&trees::any_name(), &trees::any_value()),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = filter.to_string();
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let start = &text[..ends[cut.index(ends.len())]];
        assert_in_text(start);
        assert_round_trip(start);
    }

    #[test]
    fn case_and_blanks_do_not_matter(filter in trees::filter(&trees::plain_name(), &Just(scim_filter_parser::Value::Null).boxed())) {
        let text = filter.to_string();
        let loud = text.replace(" and ", "\tAND  ").replace(" or ", " Or\n").replace("not (", " NOT( ");
        prop_assert_eq!(Filter::parse(&loud), Ok(filter));
    }
}
