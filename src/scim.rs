//! The SCIM 2.0 protocol (RFC 7643 and 7644) without any I/O: schemas as data, bodies in, bodies out.
//!
//! Read [`schema`] first: every other file asks it what an attribute is. A body becomes a
//! [`Resource`] in `resource`, a PATCH changes one in [`patch`],
//! the members of a group go their own way in [`members`], a filter is decided in [`filter`],
//! and [`mod@render`] with [`attributes`] turns it back into what a client sees.

pub mod attributes;
pub mod bulk;
pub mod cursor;
pub mod dialect;
pub mod error;
pub mod filter;
pub mod list;
pub mod members;
pub mod patch;
pub mod render;
pub mod resource;
pub mod schema;
pub mod sort;
mod values;

pub use attributes::Projection;
pub use cursor::Position;
pub use dialect::Dialect;
pub use error::{Error, ErrorKind};
pub use filter::Predicate;
pub use members::{GroupInput, GroupPatch, MemberChange};
pub use patch::{PatchRequest, Patched};
pub use render::{Identity, render};
pub use resource::{Input, Resource};
pub use schema::{GROUP, ResourceType, USER};
pub use sort::{Sort, SortKey};
