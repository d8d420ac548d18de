//! The grammar from outside: tables, properties, and a comparison with another parser.

mod differential;
mod properties;
mod table;
mod trees;
