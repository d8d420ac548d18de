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
mod crash;
mod events;
mod filters;
mod groups;
mod lifecycle;
mod operations;
mod resources;
mod settling;
mod smoke;
mod support;
mod tokens;
