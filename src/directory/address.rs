//! Addresses: what a `userName` says, and the user principal name that Microsoft 365 takes.
//!
//! Microsoft's rules: <https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy>,
//! "userPrincipalName policies".

use std::fmt;

const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 48;
const LOCAL_SYMBOLS: &[u8] = b"'.-_!#^~";

/// A DNS domain in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

/// An address that Microsoft 365 takes as `userPrincipalName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// Why a text is no address for Microsoft 365. Each message says what to change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// Nothing in front of the `@`.
    #[error("userName \"{0}\" has nothing in front of the @")]
    NoLocalPart(String),
    /// A domain that is no domain.
    #[error("userName \"{text}\" does not end in a domain: \"{domain}\" is not a domain name")]
    BadDomain {
        /// The whole text.
        text: String,
        /// What stands behind the `@`.
        domain: String,
    },
    /// A character that a user principal name cannot have.
    #[error(
        "userName \"{text}\" has the character \"{character}\", which Microsoft 365 does not allow: \
         letters A-Z without accents, digits and ' . - _ ! # ^ ~ may stand in front of the @"
    )]
    Character {
        /// The whole text.
        text: String,
        /// The first character that is wrong.
        character: char,
    },
    /// A dot right before the `@`.
    #[error("userName \"{0}\" has a dot right in front of the @, which Microsoft 365 does not allow")]
    TrailingDot(String),
    /// Longer than Microsoft's limits.
    #[error(
        "userName is too long for Microsoft 365: at most 64 characters may stand in front of the @ and 48 behind it"
    )]
    TooLong,
}

impl DomainName {
    /// Reads a DNS name of at least two labels, at most 48 characters as Microsoft allows behind the `@`.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let fits = name.len() <= LONGEST_DOMAIN && name.contains('.') && name.split('.').all(label);
        fits.then_some(Self(name))
    }

    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Address {
    /// Holds a `userName` that names its domain to Microsoft's rules. The text stays as it was written.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        let (local, domain) = split(text);
        let domain = domain.unwrap_or_default();
        if local.is_empty() {
            return Err(AddressFault::NoLocalPart(text.to_owned()));
        }
        if local.chars().count() > LONGEST_LOCAL || domain.chars().count() > LONGEST_DOMAIN {
            return Err(AddressFault::TooLong);
        }
        if DomainName::parse(domain).is_none() {
            return Err(AddressFault::BadDomain { text: text.to_owned(), domain: domain.to_owned() });
        }
        if let Some(character) = local.chars().find(|c| !allowed(*c)) {
            return Err(AddressFault::Character { text: text.to_owned(), character });
        }
        if local.ends_with('.') {
            return Err(AddressFault::TrailingDot(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The address made from the local part of any `userName` and `domain`: characters that Microsoft does
    /// not take fall away, and what is too long is cut. None when nothing is left.
    pub fn in_domain(user_name: &str, domain: &DomainName) -> Option<Self> {
        let (local, _) = split(user_name);
        let clean: String = local.chars().filter(|c| allowed(*c)).take(LONGEST_LOCAL).collect();
        let clean = clean.trim_end_matches('.');
        (!clean.is_empty()).then(|| Self(format!("{clean}@{domain}")))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part behind the `@`.
    pub fn domain(&self) -> Option<DomainName> {
        domain_of(&self.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The domain that a `userName` names; None where it names none that can exist.
pub fn domain_of(user_name: &str) -> Option<DomainName> {
    split(user_name).1.and_then(DomainName::parse)
}

fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (text, None),
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || u8::try_from(c).is_ok_and(|b| LOCAL_SYMBOLS.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("ann.berg@contoso.example")]
    #[case("O'Hara-1_!#^~@Contoso.Example")]
    fn these_are_addresses(#[case] text: &str) {
        assert_eq!(Address::parse(text).unwrap().as_str(), text);
    }

    #[rstest]
    #[case("@contoso.example", AddressFault::NoLocalPart("@contoso.example".into()))]
    #[case("ann", AddressFault::BadDomain { text: "ann".into(), domain: String::new() })]
    #[case("ann@localhost", AddressFault::BadDomain { text: "ann@localhost".into(), domain: "localhost".into() })]
    #[case("änn@contoso.example", AddressFault::Character { text: "änn@contoso.example".into(), character: 'ä' })]
    #[case("a b@contoso.example", AddressFault::Character { text: "a b@contoso.example".into(), character: ' ' })]
    #[case("a@b@contoso.example", AddressFault::Character { text: "a@b@contoso.example".into(), character: '@' })]
    #[case("ann.@contoso.example", AddressFault::TrailingDot("ann.@contoso.example".into()))]
    fn these_are_refused(#[case] text: &str, #[case] fault: AddressFault) {
        assert_eq!(Address::parse(text), Err(fault));
    }

    #[test]
    fn lengths_are_microsofts() {
        assert!(Address::parse(&format!("{}@contoso.example", "a".repeat(64))).is_ok());
        assert_eq!(
            Address::parse(&format!("{}@contoso.example", "a".repeat(65))),
            Err(AddressFault::TooLong)
        );
        assert_eq!(Address::parse(&format!("a@{}.example", "d".repeat(48))), Err(AddressFault::TooLong));
    }

    #[rstest]
    #[case("Änn Berg", Some("nnBerg@contoso.example"))]
    #[case("bob.@elsewhere.example", Some("bob@contoso.example"))]
    #[case("東京", None)]
    fn a_local_part_is_cleaned(#[case] user_name: &str, #[case] made: Option<&str>) {
        let domain = DomainName::parse("Contoso.example").unwrap();
        assert_eq!(Address::in_domain(user_name, &domain).map(|a| a.as_str().to_owned()).as_deref(), made);
    }

    proptest! {
        #[test]
        fn what_is_cleaned_is_an_address(user_name in any::<String>()) {
            let domain = DomainName::parse("contoso.example").unwrap();
            if let Some(address) = Address::in_domain(&user_name, &domain) {
                prop_assert!(Address::parse(address.as_str()).is_ok(), "{}", address);
            }
        }
    }
}
