//! Gangway: a SCIM 2.0 provisioning bridge into Microsoft 365.

pub mod clock;
pub mod config;
pub mod directory;
pub mod graph;
pub mod ids;
pub mod secret;
pub mod telemetry;
pub mod store;
pub mod scim;
pub mod insights;
