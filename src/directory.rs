//! The wanted state: users, where they belong, and the rules that hold before anything is written.

mod address;
pub mod password;
pub mod settings;

pub use address::{Address, AddressFault, DomainName, domain_of};
