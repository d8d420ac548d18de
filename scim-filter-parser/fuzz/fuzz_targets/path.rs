//! Any text: no panic, and what is accepted reads back from its own writing. Run with `cargo fuzz run path`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scim_filter_parser::{Options, Path};

fuzz_target!(|input: (bool, &str)| {
    let (unquoted_strings, text) = input;
    let options = Options {
        unquoted_strings,
        ..Options::default()
    };
    let Ok(parsed) = Path::parse_with(text, &options) else {
        return;
    };
    // The writing may have brackets and quotes that the text did without.
    let wider = Options {
        unquoted_strings: false,
        max_depth: 2 * options.max_depth,
        max_length: 8 * options.max_length,
        ..options
    };
    assert_eq!(Path::parse_with(&parsed.to_string(), &wider), Ok(parsed));
});
