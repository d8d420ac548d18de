//! The filter and PATCH-path grammar of SCIM 2.0 ([RFC 7644 §3.4.2.2] and [§3.5.2]), and nothing else:
//! text in, syntax tree out, faults with their byte position. No I/O, no schema, no dependency.
//!
//! The grammar, as it is obeyed here (RFC 7644 figures 1 and 7; words in any case):
//!
//! ```text
//! filter    = and-term *( "or" and-term )
//! and-term  = factor *( "and" factor )
//! factor    = [ "not" ] "(" filter ")"
//!           / attrPath "pr"
//!           / attrPath compareOp value
//!           / attrPath "[" filter "]" [ "." name ( "pr" / compareOp value ) ]   ; no brackets in brackets
//! path      = attrPath [ "[" filter "]" [ "." name ] ]
//! attrPath  = [ urn ":" ] name [ "." name ]
//! name      = ( ALPHA / "$" ALPHA ) *( ALPHA / DIGIT / "-" / "_" )              ; "$" for "$ref"
//! value     = a JSON string, number, true, false or null
//! ```
//!
//! Wider than the RFC, because clients send it: several blanks where one is asked, blanks inside brackets and
//! around the whole, a comparison behind the brackets inside a filter (Entra), and, only when [`Options`] asks
//! for it, strings without quotes.
//!
//! A PATCH path that is only a schema URN (`urn:…:enterprise:2.0:User`) cannot be told from attribute `User` of
//! the schema `urn:…:enterprise:2.0` and is parsed so: look the whole text up among the schemas first.
//!
//! ```
//! use scim_filter_parser::{Filter, Path};
//!
//! let filter = Filter::parse(r#"active eq true and not (emails[type eq "work"])"#)?;
//! assert_eq!(filter.to_string(), r#"active eq true and not (emails[type eq "work"])"#);
//! assert_eq!(Path::parse(r#"emails[type eq "work"].value"#)?.sub.as_deref(), Some("value"));
//! let error = Filter::parse(r#"userName eqq "x""#).unwrap_err();
//! assert_eq!(error.at, 9);
//! assert_eq!(error.to_string(), r#"expected an operator such as eq at position 9, found "eqq""#);
//! # Ok::<(), scim_filter_parser::Error>(())
//! ```
//!
//! [RFC 7644 §3.4.2.2]: https://www.rfc-editor.org/rfc/rfc7644#section-3.4.2.2
//! [§3.5.2]: https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2

mod ast;
mod display;
mod error;
mod literal;
mod parse;
mod scan;

pub use ast::{AttrPath, CompareOp, Filter, Path, Value};
pub use error::{Error, ErrorKind, Found};
pub use parse::Options;
