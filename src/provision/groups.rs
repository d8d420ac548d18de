//! Groups, wanted → given: which properties and members Microsoft 365 must be told, and the work that tells it.
//!
//! [`mapping`] and [`plan`] are pure. A run takes the member rows that differ, a bounded number at a time, makes the
//! calls and leaves what was done to [`record`], so that a group of any size costs one call for one changed member.

mod bind;
mod carry;
mod given;
pub mod mapping;
mod members;
pub mod plan;
mod record;

pub(super) use carry::{Finished, Run, Work};
pub use given::GivenGroup;
