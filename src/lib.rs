//! Gangway: a SCIM 2.0 provisioning bridge into Microsoft 365.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod directory;
pub mod doctor;
pub mod graph;
pub mod http;
pub mod ids;
pub mod insights;
pub mod provision;
pub mod scim;
pub mod secret;
pub mod settings;
pub mod simulator;
pub mod store;
pub mod telemetry;
