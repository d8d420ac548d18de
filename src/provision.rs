//! Wanted → given: what Microsoft 365 must be told, and the worker that tells it.
//!
//! [`mapping`] says which SCIM attribute is which Graph property, [`plan`] which calls close the difference;
//! both are pure. [`worker`] takes dirty bindings, [`carry`] makes the calls, [`record`] writes what was given
//! and the events in one transaction. [`drift`] watches what others change in the tenant.

mod begin;
mod carry;
mod clients;
mod deleted;
mod describe;
pub mod drift;
mod end;
mod given;
pub mod groups;
mod licenses;
pub mod mapping;
pub mod plan;
mod record;
mod worker;

pub use clients::{ClientError, Clients};
pub use deleted::Deleted;
pub use drift::Watcher;
pub use given::{Given, Owed};
pub use worker::{Settings, Worker};
