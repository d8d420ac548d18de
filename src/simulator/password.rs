//! Microsoft's password rules and the salted hash that is all the simulator keeps of one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The shortest and the longest password, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=256;

/// The shortest user name that a password may not contain: shorter ones are part of too many words.
const NAME: usize = 4;

/// Whether `password` may be set for the user whose name before the `@` is `local`.
/// `strong` is false under the policy `DisableStrongPassword`, which waives the three classes.
pub(super) fn complies(password: &str, local: &str, strong: bool) -> bool {
    if !LENGTH.contains(&password.chars().count()) {
        return false;
    }
    if !password.chars().all(|c| matches!(c, ' '..='~')) {
        return false;
    }
    let named = local.len() >= NAME && password.to_lowercase().contains(&local.to_lowercase());
    !named && (!strong || classes(password) >= 3)
}

fn classes(password: &str) -> usize {
    let kinds: [fn(&char) -> bool; 4] =
        [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit, |c| {
            !c.is_ascii_alphanumeric()
        }];
    kinds.iter().filter(|kind| password.chars().any(|c| kind(&c))).count()
}

/// Another text that the same rules judge in the same way, for a recording: each character is replaced by one of its class.
pub(super) fn placeholder(password: &str) -> String {
    password
        .chars()
        .map(|c| match c {
            'a'..='z' => 'x',
            'A'..='Z' => 'X',
            '0'..='9' => '0',
            ' '..='~' => '*',
            _ => '\u{e9}',
        })
        .collect()
}

/// A password, hashed with its own salt.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hash {
    salt: String,
    sha256: String,
}

impl Hash {
    /// Hashes `password` with a fresh salt.
    pub(super) fn of(password: &str) -> Self {
        let salt = Uuid::new_v4().to_string();
        let sha256 = digest(&salt, password);
        Self { salt, sha256 }
    }

    /// Whether `password` is the one that was hashed.
    pub(super) fn is(&self, password: &str) -> bool {
        digest(&self.salt, password) == self.sha256
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hash(…)")
    }
}

fn digest(salt: &str, password: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt.as_bytes());
    hasher.update(password.as_bytes());
    STANDARD.encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Aa1aaaaa", true)]
    #[case("Aa1aaaa", false)]
    #[case("aaaaaa11", false)]
    #[case("aaaa 11!", true)]
    #[case("Aa1aaaaé", false)]
    #[case("Aa1-MORGAN", false)]
    fn the_rules(#[case] password: &str, #[case] complies_with: bool) {
        assert_eq!(complies(password, "morgan", true), complies_with, "{password}");
    }

    #[test]
    fn the_length_counts_to_256() {
        assert!(complies(&format!("Aa1{}", "x".repeat(253)), "", true));
        assert!(!complies(&format!("Aa1{}", "x".repeat(254)), "", true));
    }

    #[test]
    fn without_strong_passwords_one_class_is_enough() {
        assert!(complies("aaaaaaaa", "", false));
    }

    #[test]
    fn a_placeholder_is_judged_like_the_password_and_shows_none_of_it() {
        assert_eq!(placeholder("Tr0ub4dor & é"), "Xx0xx0xxx***\u{e9}");
    }

    #[test]
    fn a_hash_knows_its_password_only() {
        let hash = Hash::of("Correct-1");
        assert!(hash.is("Correct-1"));
        assert!(!hash.is("correct-1"));
        assert_ne!(hash.sha256, Hash::of("Correct-1").sha256);
    }
}
