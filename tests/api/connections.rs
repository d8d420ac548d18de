//! Connections as an administrator handles them: every way to sign in, domains, switching off and on, binding again.

mod domains;
mod signing_in;
mod support;
mod switching;
