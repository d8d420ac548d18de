//! Gangway: a SCIM 2.0 provisioning bridge into Microsoft 365.

pub mod clock;
pub mod ids;
