//! Black-box tests: the real server with the real store, pushed to over HTTP, and a Graph simulator behind it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, also inside a helper"
)]

mod architecture;
mod bad_input;
mod clients;
mod connections;
mod crash;
mod doctor;
mod drift;
mod events;
mod filters;
mod groups;
mod lifecycle;
mod microsoft;
mod oauth;
mod operations;
mod resources;
mod settling;
mod smoke;
mod support;
mod throttling;
mod tokens;
