//! Bearer tokens: 256 random bits, kept as SHA-256, compared in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const PREFIX: &str = "gw_";
const SHOWN: usize = 8;

/// A token in clear: it exists while it is made or checked, never in the database.
#[derive(Clone, Debug)]
pub struct BearerToken(SecretString);

/// What is kept of a token. A plain hash is enough: nobody guesses 256 random bits.
#[derive(Clone, Copy, Debug)]
pub struct TokenHash([u8; 32]);

impl BearerToken {
    /// A new random token.
    pub fn generate() -> Self {
        let mut bytes = [0_u8; 32];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
    }

    /// A token that somebody presents or fixes. None where it cannot be one: RFC 6750 §2.1 allows the
    /// characters of `b64token`, and ours have at least 16 of them.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (16..=512).contains(&text.len());
        let clean = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
        (fits && clean).then(|| Self(text.to_owned().into()))
    }

    /// The token itself, to be shown once.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose_secret()).into())
    }

    /// The first characters, by which an administrator tells tokens apart.
    pub fn prefix(&self) -> String {
        self.0.expose_secret().chars().take(SHOWN).collect()
    }
}

impl TokenHash {
    /// The hash as it was stored; None where it has another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes to store.
    pub fn as_array(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The index key: 16 hexadecimal digits of the hash. It narrows the search to one row without
    /// letting the time of the database's comparison tell anything about the rest.
    pub fn lookup(&self) -> String {
        let mut head = [0_u8; 8];
        head.copy_from_slice(&self.0[..8]);
        format!("{:016x}", u64::from_be_bytes(head))
    }

    /// Whether the two are the same, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl From<[u8; 32]> for TokenHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_tokens_are_long_and_differ() {
        let (one, two) = (BearerToken::generate(), BearerToken::generate());
        assert_eq!(one.expose().len(), PREFIX.len() + 43);
        assert!(!one.hash().matches(&two.hash()));
        assert!(BearerToken::parse(one.expose()).is_some());
    }

    #[test]
    fn a_hash_survives_its_bytes_and_matches_itself_only() {
        let hash = BearerToken::parse("a-fixed-bootstrap-token").unwrap().hash();
        let back = TokenHash::from_bytes(hash.as_bytes()).unwrap();
        assert!(hash.matches(&back));
        assert_eq!(hash.lookup().len(), 16);
        assert!(TokenHash::from_bytes(&[0; 31]).is_none());
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        for text in ["", "short", "has a blank in it, so no", "ünïcödé-is-not-b64token"] {
            assert!(BearerToken::parse(text).is_none(), "{text:?}");
        }
        assert!(BearerToken::parse(&"x".repeat(513)).is_none());
    }

    #[test]
    fn debug_shows_nothing() {
        let token = BearerToken::parse("a-fixed-bootstrap-token").unwrap();
        assert!(!format!("{token:?}").contains("bootstrap"));
    }
}
