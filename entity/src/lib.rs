//! The rows of Gangway's database, one file a table. Times are milliseconds since the Unix epoch in integer
//! columns (they sort the same in SQLite and in PostgreSQL), ids are UUIDs, and `…_key` columns hold folded text.

pub mod account_binding;
pub mod authorization_grant;
pub mod authorization_request;
pub mod connection;
pub mod delta_link;
pub mod domain;
pub mod event;
pub mod group_binding;
pub mod member_drift;
pub mod membership;
pub mod organization;
pub mod replica;
pub mod resource_count;
pub mod scim_group;
pub mod scim_user;
pub mod token;
pub mod upstream;
pub mod user_email;
