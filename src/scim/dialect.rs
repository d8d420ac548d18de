//! How clients' habits differ from the RFC, and what is made of them: the one list of it, [`Dialect::rules`].
//!
//! Where a rule turns one thing into another ([`canonical_urn`]) or only some clients have it
//! ([`Dialect::unquoted_filter_strings`]), it is carried out from here. The others are how bodies, paths and filters
//! are read from everybody; each has an example in the tests that holds it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod rules;

pub use rules::{Habit, Rule};

/// The client that an upstream is. Leniency that contradicts the RFC is given to a named client only;
/// [`Dialect::Auto`] is lenient where the RFC is silent, and nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Any client that keeps to the RFC.
    #[default]
    Auto,
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
    /// `JumpCloud`.
    JumpCloud,
    /// `OneLogin`.
    OneLogin,
    /// Google Workspace and Cloud Identity.
    Google,
    /// Keycloak with a SCIM extension.
    Keycloak,
    /// authentik.
    Authentik,
    /// `SailPoint`.
    SailPoint,
    /// `PingOne`.
    PingOne,
}

impl Dialect {
    /// Every dialect, in the order in which it is shown.
    pub const ALL: [Self; 10] = [
        Self::Auto,
        Self::Entra,
        Self::Okta,
        Self::JumpCloud,
        Self::OneLogin,
        Self::Google,
        Self::Keycloak,
        Self::Authentik,
        Self::SailPoint,
        Self::PingOne,
    ];

    /// The name used in settings and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::JumpCloud => "jumpcloud",
            Self::OneLogin => "onelogin",
            Self::Google => "google",
            Self::Keycloak => "keycloak",
            Self::Authentik => "authentik",
            Self::SailPoint => "sailpoint",
            Self::PingOne => "pingone",
        }
    }

    /// All rules, in the order in which they are shown.
    pub fn rules() -> &'static [Rule] {
        &rules::RULES
    }

    /// Whether this client's requests are read with this habit in mind.
    pub fn allows(self, habit: Habit) -> bool {
        Self::rules()
            .iter()
            .any(|rule| rule.habit == habit && (!rule.named_only || rule.clients.contains(&self)))
    }

    /// Whether a filter may compare with a bare word, `externalId eq annb`, which RFC 7644 figure 1 refuses.
    pub fn unquoted_filter_strings(self) -> bool {
        self.allows(Habit::UnquotedStrings)
    }
}

/// The URN that is meant, where it is an [`alias`].
pub(super) fn canonical_urn(urn: &str) -> &str {
    known(urn).map_or(urn, |(_, ours)| ours)
}

/// The URN, in canonical case, if it is one that a client uses in the stead of another.
pub(super) fn alias(urn: &str) -> Option<&'static str> {
    known(urn).map(|(alias, _)| *alias)
}

fn known(urn: &str) -> Option<&'static (&'static str, &'static str)> {
    rules::ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(urn))
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No dialect has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The dialect \"{0}\" is not known; use one of auto, entra, okta, jumpcloud, onelogin, google, keycloak, authentik, sailpoint, pingone."
)]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.as_str().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
