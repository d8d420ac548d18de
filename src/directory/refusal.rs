//! What went wrong in Microsoft 365, in the words in which upstream and administrators are told.

use serde::{Deserialize, Serialize};

/// What kind of refusal it is: how the SCIM answer must be marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A value that Microsoft does not take.
    InvalidValue,
    /// A value that another object has.
    Uniqueness,
    /// An act that Gangway's permissions, or the account's nature, do not allow.
    Forbidden,
}

/// Microsoft refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind it is.
    pub kind: RefusalKind,
    /// What happened and what to do.
    pub sentence: String,
    /// Graph's own code.
    pub code: Option<String>,
}

/// Why a user is not, or not wholly, in Microsoft 365: what `syncStatus` and `syncError` are made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// It will be tried again.
    Waiting {
        /// What happened last.
        sentence: String,
    },
    /// Refused for good after upstream had been told that the change was taken.
    Refused {
        /// What happened and what to do.
        sentence: String,
    },
    /// Nothing failed: a leaver's account waits for the end of the days of grace.
    Grace {
        /// What follows then.
        sentence: String,
    },
    /// A password broke a rule and was left out (`password.on_violation = skip`).
    PasswordSkipped {
        /// The rule.
        sentence: String,
    },
    /// Optional attributes whose values Microsoft 365 cannot take; all else is there.
    LeftOut {
        /// Which, and why.
        sentence: String,
    },
}

impl Failure {
    /// What happened and what to do.
    pub fn sentence(&self) -> &str {
        match self {
            Self::Waiting { sentence }
            | Self::Refused { sentence }
            | Self::Grace { sentence }
            | Self::PasswordSkipped { sentence }
            | Self::LeftOut { sentence } => sentence,
        }
    }
}
