//! Passwords: the rules that are checked before anything is sent, and the first password nobody sees.

use rand::RngExt as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::settings::LengthRule;

const LOWER: &str = "abcdefghijkmnpqrstuvwxyz";
const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &str = "23456789";
/// The symbols that Microsoft Entra ID allows beside letters and digits, and the blank (graph: password policies).
const SYMBOLS: &str = "@#$%^&*-_!+=[]{}|\\:',.?/`~\"();<> ";
/// A shorter user name may stand in a password: it would forbid too much.
const SHORTEST_NAME: usize = 3;

/// A password that obeys the rules. Its text is in nobody's Debug.
#[derive(Clone, Debug)]
pub struct Password(SecretString);

/// The rule that a password breaks. It names the rule and its limits, never the password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Fewer characters than the rule asks.
    #[error(
        "the password is too short: it has {length} characters, and between {min} and {max} are required"
    )]
    TooShort {
        /// Characters it has.
        length: usize,
        /// Fewest allowed.
        min: u16,
        /// Most allowed.
        max: u16,
    },
    /// More characters than the rule allows.
    #[error("the password is too long: it has {length} characters, and between {min} and {max} are required")]
    TooLong {
        /// Characters it has.
        length: usize,
        /// Fewest allowed.
        min: u16,
        /// Most allowed.
        max: u16,
    },
    /// A character that Microsoft Entra ID does not take.
    #[error(
        "the password has a character that Microsoft 365 does not allow: only A-Z, a-z, 0-9, blank and \
         @ # $ % ^ & * - _ ! + = [ ] {{ }} | \\ : ' , . ? / ` ~ \" ( ) ; < > may be used, no accents or other Unicode"
    )]
    Characters,
    /// Fewer than three of the four classes.
    #[error(
        "the password is too simple: it needs characters of at least three of the four kinds \
         lower case, upper case, digit and symbol"
    )]
    Classes,
    /// The user's domain is federated.
    #[error(
        "the password was not set: the domain {0} is federated, so another identity provider keeps the passwords of its \
         users and Microsoft 365 takes none; set it there, and leave it out here"
    )]
    Federated(String),
    /// It contains the user's name.
    #[error("the password contains the user name, which Microsoft 365 does not allow")]
    ContainsUserName,
}

impl Password {
    /// Holds `secret` to `rule` and to Microsoft's own rules, for the user whose `userName` is given.
    pub fn parse(secret: SecretString, rule: LengthRule, user_name: &str) -> Result<Self, Violation> {
        let text = secret.expose_secret();
        let length = text.chars().count();
        let (min, max) = rule.limits();
        if length < usize::from(min) {
            return Err(Violation::TooShort { length, min, max });
        }
        if length > usize::from(max) {
            return Err(Violation::TooLong { length, min, max });
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || SYMBOLS.contains(c)) {
            return Err(Violation::Characters);
        }
        if classes(text) < 3 {
            return Err(Violation::Classes);
        }
        if contains_name(text, user_name) {
            return Err(Violation::ContainsUserName);
        }
        Ok(Self(secret))
    }

    /// A random password that obeys every rule, for an account whose upstream sends none.
    pub fn generate(rule: LengthRule) -> Self {
        let random = &mut rand::rng();
        // Sixteen of these characters carry some 90 bits; a longer minimum is met, a longer maximum not needed.
        let (min, max) = rule.limits();
        let length = usize::from(min.max(16).min(max));
        let classes = [LOWER, UPPER, DIGITS, "-_!+=.?"].map(str::as_bytes);
        let mut text: Vec<u8> = classes.iter().filter_map(|class| class.choose(random).copied()).collect();
        while text.len() < length {
            let class = classes[random.random_range(0..classes.len())];
            text.extend(class.choose(random));
        }
        text.shuffle(random);
        Self(text.into_iter().map(char::from).collect::<String>().into())
    }

    /// The password itself, for the call that sets it and for the seal.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl From<SecretString> for Password {
    /// A password that was checked before it was sealed.
    fn from(checked: SecretString) -> Self {
        Self(checked)
    }
}

fn classes(text: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    kinds.iter().filter(|kind| text.chars().any(kind)).count()
}

fn contains_name(text: &str, user_name: &str) -> bool {
    let local = user_name.split('@').next().unwrap_or_default();
    local.len() >= SHORTEST_NAME && text.to_ascii_lowercase().contains(&local.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn verdict(text: &str) -> Result<(), Violation> {
        Password::parse(text.into(), LengthRule::DEFAULT, "cy.dahl@contoso.example").map(|_| ())
    }

    #[rstest]
    #[case::shortest("Ab3-xY7q")]
    #[case::longest("Zx9-qwerty-Kp16x")]
    #[case::three_classes("abcdEFGH12")]
    #[case::blank("Ab3 xY7q")]
    #[case::every_symbol_is_a_class("abcdefg!A")]
    fn these_are_allowed(#[case] text: &str) {
        assert_eq!(verdict(text), Ok(()));
    }

    #[rstest]
    #[case("Ab3-xY7", Violation::TooShort { length: 7, min: 8, max: 16 })]
    #[case("Zx9-qwerty-Kp16ab", Violation::TooLong { length: 17, min: 8, max: 16 })]
    #[case("Ab3-xY7ü", Violation::Characters)]
    #[case("abcdefgh1", Violation::Classes)]
    #[case("Xcy.DAHL-1", Violation::ContainsUserName)]
    fn these_are_refused(#[case] text: &str, #[case] violation: Violation) {
        assert_eq!(verdict(text), Err(violation));
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        // Seven characters, fourteen bytes: too short, not of the right length.
        assert!(matches!(verdict("üüüüüüü"), Err(Violation::TooShort { length: 7, .. })));
    }

    #[test]
    fn a_message_names_the_limits_and_never_the_password() {
        let message = verdict("Sup3r-Secret-Words").unwrap_err().to_string();
        assert!(message.contains("between 8 and 16"), "{message}");
        assert!(!message.contains("Secret"), "{message}");
    }

    proptest! {
        #[test]
        fn a_generated_password_obeys_its_rule(min in 8_u16..=256, more in 0_u16..100) {
            let rule = LengthRule::new(min, min.saturating_add(more).min(256)).unwrap();
            let made = Password::generate(rule);
            prop_assert!(Password::parse(made.secret().clone(), rule, "someone@contoso.example").is_ok());
        }
    }
}
