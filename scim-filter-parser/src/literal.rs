//! The right side of a comparison: a JSON scalar (RFC 8259), perhaps a string without quotes.

use crate::ast::Value;
use crate::error::{Error, ErrorKind};
use crate::scan::{Scanner, is_blank, is_delimiter};

/// Reads one value; the scanner stands on its first byte and then behind its last.
pub(crate) fn value(scanner: &mut Scanner<'_>, unquoted_strings: bool) -> Result<Value, Error> {
    let value = if scanner.peek() == Some(b'"') {
        Value::String(string(scanner)?)
    } else {
        bare(scanner, unquoted_strings)?
    };
    match scanner.peek() {
        Some(byte) if !is_blank(byte) && !matches!(byte, b')' | b']') => {
            Err(scanner.expected("a blank or a closing bracket after the value"))
        }
        _ => Ok(value),
    }
}

fn bare(scanner: &mut Scanner<'_>, unquoted_strings: bool) -> Result<Value, Error> {
    let text = scanner.run(|byte| !is_blank(byte) && !is_delimiter(byte));
    if text.is_empty() {
        return Err(scanner.expected("a value such as \"x\", 7, true, false or null"));
    }
    let value = match word(text) {
        Some(value) => value,
        None if is_number(text) => number(text).ok_or_else(|| scanner.fault(ErrorKind::NumberTooLarge))?,
        None if text.starts_with('\'') => return Err(scanner.fault(ErrorKind::SingleQuoted)),
        None if !unquoted_strings => {
            return Err(scanner.fault(ErrorKind::Unquoted(scanner.snippet())));
        }
        None => Value::String(without_controls(scanner, text)?),
    };
    scanner.go_to(scanner.at() + text.len());
    Ok(value)
}

/// `true`, `false` and `null`: ABNF's literals have no case (RFC 5234 §2.3), and clients write `True`.
fn word(text: &str) -> Option<Value> {
    if text.eq_ignore_ascii_case("true") {
        Some(Value::Bool(true))
    } else if text.eq_ignore_ascii_case("false") {
        Some(Value::Bool(false))
    } else if text.eq_ignore_ascii_case("null") {
        Some(Value::Null)
    } else {
        None
    }
}

/// Whether `text` is a JSON number (RFC 8259 §6): narrower than what Rust parses as one.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse() {
        return Some(Value::Integer(integer));
    }
    let decimal: f64 = text.parse().ok()?;
    decimal.is_finite().then_some(Value::Decimal(decimal))
}

fn without_controls(scanner: &mut Scanner<'_>, text: &str) -> Result<String, Error> {
    if let Some(offset) = text.bytes().position(|byte| byte < 0x20) {
        scanner.go_to(scanner.at() + offset);
        return Err(scanner.fault(ErrorKind::ControlCharacter));
    }
    Ok(text.to_owned())
}

fn string(scanner: &mut Scanner<'_>) -> Result<String, Error> {
    let start = scanner.at();
    scanner.eat(b'"');
    let mut text = String::new();
    loop {
        let plain = scanner.run(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
        text.push_str(plain);
        scanner.go_to(scanner.at() + plain.len());
        match scanner.peek() {
            Some(b'"') => {
                scanner.eat(b'"');
                return Ok(text);
            }
            Some(b'\\') => text.push(escape(scanner)?),
            Some(_) => return Err(scanner.fault(ErrorKind::ControlCharacter)),
            None => {
                return Err(Error { at: start, kind: ErrorKind::UnclosedString });
            }
        }
    }
}

/// Reads one escape (RFC 8259 §7), a surrogate pair as one character.
fn escape(scanner: &mut Scanner<'_>) -> Result<char, Error> {
    let bytes = scanner.rest().as_bytes();
    let simple = match bytes.get(1) {
        Some(b'"') => Some('"'),
        Some(b'\\') => Some('\\'),
        Some(b'/') => Some('/'),
        Some(b'b') => Some('\u{8}'),
        Some(b'f') => Some('\u{c}'),
        Some(b'n') => Some('\n'),
        Some(b'r') => Some('\r'),
        Some(b't') => Some('\t'),
        _ => None,
    };
    let read = simple.map(|c| (c, 2)).or_else(|| unicode_escape(bytes));
    let (character, length) = read.ok_or_else(|| scanner.fault(ErrorKind::BadEscape))?;
    scanner.go_to(scanner.at() + length);
    Ok(character)
}

/// The character of the `\uXXXX` or the pair of them with which `bytes` begins, and how many bytes it takes.
fn unicode_escape(bytes: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(bytes)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, 6));
    }
    let second = code_unit(bytes.get(6..)?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 12))
}

fn code_unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit: u16, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}
