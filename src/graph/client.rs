//! One request to Graph and its answer.

use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::token::Tokens;
use super::{Call, ConfigurationError, Error, Operation, Reply, Settings};
use crate::clock::Clock;

/// The HTTP side of one connection.
#[derive(Debug)]
pub(super) struct Client {
    tokens: Tokens,
}
