//! What must not be read by others: the installation's key, what is sealed with it, and bearer tokens.

mod seal;
mod token;

pub use seal::{KeyError, MasterKey, Sealed, UnsealError};
pub use token::{BearerToken, TokenHash};
