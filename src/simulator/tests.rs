//! The simulator over real HTTP: what a client meets. The client is ours, so that the simulator needs no other.

mod access;
mod audit;
mod batch;
mod browser;
mod client;
mod control;
mod delta;
mod faults;
mod groups;
mod lab;
mod licences;
mod lifecycle;
mod queries;
mod replication;

use super::*;

/// The id and secret of the seeded application.
fn app() -> (String, &'static str) {
    (TenantSeed::contoso().apps[0].client_id.to_string(), "simulator-secret")
}
