//! What the browser brings back from the login host, in the query of the redirect URI.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::form_urlencoded;

use super::super::advice::ended;
use super::super::token::aadsts;

/// The longest query that is read, in bytes: a code has one or two thousand.
const LONGEST_QUERY: usize = 16 * 1024;

/// The longest description that is repeated, in characters.
const LONGEST_DESCRIPTION: usize = 300;

/// What the browser brought.
#[derive(Clone, Debug)]
pub enum Callback {
    /// A code to redeem (RFC 6749 §4.1.2).
    Code {
        /// Good for ten minutes and one use.
        code: SecretString,
        /// As it was sent.
        state: SecretString,
    },
    /// The answer of the admin-consent page.
    Consent {
        /// The tenant whose administrator consented.
        tenant: String,
        /// As it was sent.
        state: SecretString,
    },
    /// A refusal (RFC 6749 §4.1.2.1), of either page.
    Refused {
        /// What was said.
        refusal: Refusal,
        /// As it was sent, if it came back.
        state: Option<SecretString>,
    },
}

/// A refusal of the login page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// OAuth's `error`, such as `access_denied`.
    pub error: String,
    /// The first line of its description, shortened.
    pub description: String,
    /// The number of the `AADSTS` code.
    pub aadsts: Option<u32>,
}

/// A query that is not an answer of the login host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCallback {
    /// It is longer than 16 KiB.
    #[error("The address is too long to be Microsoft's answer: begin the authorisation again.")]
    TooLong,
    /// A parameter is there twice (RFC 6749 §3.1).
    #[error(
        "The address has a parameter twice, as Microsoft's answer never has: begin the authorisation again."
    )]
    Repeated,
    /// Neither a code, nor a consent, nor an error, or no state.
    #[error(
        "The address does not hold Microsoft's answer: do not open it by hand, begin the authorisation again."
    )]
    Incomplete,
}

impl Callback {
    /// Reads a query without its question mark.
    pub fn parse(query: &str) -> Result<Self, InvalidCallback> {
        if query.len() > LONGEST_QUERY {
            return Err(InvalidCallback::TooLong);
        }
        let mut values = parameters(query)?;
        let mut take = |name: &str| values.remove(name).filter(|value| !value.is_empty());
        let state = take("state").map(SecretString::from);
        if let Some(error) = take("error") {
            let description = take("error_description").unwrap_or_default();
            return Ok(Self::Refused { refusal: Refusal::new(&error, &description), state });
        }
        let state = state.ok_or(InvalidCallback::Incomplete)?;
        if let Some(code) = take("code") {
            return Ok(Self::Code { code: code.into(), state });
        }
        let tenant = take("tenant").unwrap_or_default();
        match take("admin_consent") {
            Some(consented) if consented.eq_ignore_ascii_case("true") => Ok(Self::Consent { tenant, state }),
            Some(_) => {
                let refusal = Refusal::new("permission_denied", "");
                Ok(Self::Refused { refusal, state: Some(state) })
            }
            None => Err(InvalidCallback::Incomplete),
        }
    }
}

fn parameters(query: &str) -> Result<BTreeMap<String, String>, InvalidCallback> {
    let mut values = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if values.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(InvalidCallback::Repeated);
        }
    }
    Ok(values)
}

impl Refusal {
    fn new(error: &str, description: &str) -> Self {
        let bounded = |text: &str| -> String {
            let line = text.lines().next().unwrap_or_default();
            line.chars().filter(|c| !c.is_control()).take(LONGEST_DESCRIPTION).collect()
        };
        Self { error: bounded(error), description: bounded(description), aadsts: aadsts(description) }
    }

    /// One sentence, in an administrator's words: what happened and what to do.
    pub fn advice(&self) -> String {
        match (self.aadsts, self.error.as_str()) {
            (Some(65_004), _) => "You declined what the connection needs to be allowed: authorise again and accept it.".to_owned(),
            (Some(90_094 | 90_095), _) => "Only an administrator may consent to this application: have a Global Administrator or Privileged Role Administrator open the admin-consent link of the connection, then authorise again.".to_owned(),
            (Some(65_001), _) | (_, "consent_required") => "Nobody has consented to the application: open the admin-consent link of the connection as an administrator, then authorise again.".to_owned(),
            (Some(50_020), _) => "Your account does not belong to the connection's tenant: authorise again with an administrator's account of that tenant.".to_owned(),
            (Some(50_105), _) => "Your account is not assigned to the application: in Microsoft Entra ID open Enterprise applications > the application > Users and groups and add it, or set Assignment required to No under Properties.".to_owned(),
            (Some(53_000..=53_004), _) => "A conditional access policy does not let you sign in to the application from here: use a device or place that it allows, or exempt the application in Microsoft Entra ID under Protection > Conditional Access.".to_owned(),
            (Some(700_016), _) | (_, "unauthorized_client") => "The tenant does not know the application: compare the connection's client id with Application (client) ID under App registrations > Overview in Microsoft Entra ID.".to_owned(),
            (Some(70_011 | 500_011), _) | (_, "invalid_scope" | "invalid_resource") => "The Graph host does not belong to the login host: set both to the pair of the cloud that the tenant lives in (global, us-gov, us-dod or china).".to_owned(),
            (_, "access_denied" | "permission_denied") => "The sign-in was cancelled or declined: authorise again and accept what the connection needs.".to_owned(),
            (_, "login_required" | "interaction_required") => "Microsoft wants you to sign in again: begin the authorisation again.".to_owned(),
            (_, "temporarily_unavailable" | "server_error") => "Microsoft's login host has a fault of its own: begin the authorisation again in a while.".to_owned(),
            _ => format!(
                "Microsoft's login page answered {}{}{}",
                self.error,
                if self.description.is_empty() { "" } else { ": " },
                ended(&self.description)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_code_comes_with_its_state() {
        let callback = Callback::parse("code=a%2Bb+c&state=s&session_state=x").unwrap();
        let Callback::Code { code, state } = &callback else { panic!("{callback:?}") };
        assert_eq!((code.expose_secret(), state.expose_secret()), ("a+b c", "s"));
        let shown = format!("{callback:?}");
        assert!(!shown.contains("a+b") && !shown.contains("\"s\""), "{shown}");
    }

    #[test]
    fn a_consent_names_the_tenant() {
        let callback = Callback::parse("tenant=contoso.example&state=s&admin_consent=True").unwrap();
        let Callback::Consent { tenant, state } = callback else { panic!("{callback:?}") };
        assert_eq!((tenant.as_str(), state.expose_secret()), ("contoso.example", "s"));
    }

    #[rstest]
    #[case("error=access_denied&state=s", "cancelled", true)]
    #[case(
        "error=permission_denied&error_description=The+admin+canceled+the+request&state=s",
        "declined",
        true
    )]
    #[case("admin_consent=False&state=s&tenant=x", "declined", true)]
    #[case("error=access_denied&error_description=AADSTS65004%3A+User+declined", "declined what", false)]
    #[case("error=access_denied&error_description=AADSTS90094%3A+Admin", "Global Administrator", false)]
    #[case("error=consent_required", "admin-consent link", false)]
    #[case("error=invalid_request&error_description=AADSTS50020%3A+x", "connection's tenant", false)]
    #[case("error=invalid_grant&error_description=AADSTS50105%3A+x", "Users and groups", false)]
    #[case("error=interaction_required&error_description=AADSTS53003%3A+x", "Conditional Access", false)]
    #[case("error=unauthorized_client&error_description=AADSTS700016%3A+x", "Application (client) ID", false)]
    #[case("error=invalid_resource", "pair of the cloud", false)]
    #[case("error=login_required", "sign in again", false)]
    #[case("error=server_error&state=s", "in a while", true)]
    #[case(
        "error=odd&error_description=Because%0D%0ATrace+ID%3A+x&code=c&state=s",
        "answered odd: Because.",
        true
    )]
    fn a_refusal_is_explained(#[case] query: &str, #[case] says: &str, #[case] with_state: bool) {
        let callback = Callback::parse(query).unwrap();
        let Callback::Refused { refusal, state } = callback else { panic!("{callback:?}") };
        assert!(refusal.advice().contains(says), "{}", refusal.advice());
        assert_eq!(state.is_some(), with_state);
    }

    #[rstest]
    #[case("", InvalidCallback::Incomplete)]
    #[case("code=c", InvalidCallback::Incomplete)]
    #[case("code=&state=s", InvalidCallback::Incomplete)]
    #[case("code=c&state=", InvalidCallback::Incomplete)]
    #[case("state=s", InvalidCallback::Incomplete)]
    #[case("admin_consent=True&tenant=x", InvalidCallback::Incomplete)]
    #[case("code=c&state=s&state=t", InvalidCallback::Repeated)]
    #[case("code=c&code=c&state=s", InvalidCallback::Repeated)]
    fn anything_else_is_refused(#[case] query: &str, #[case] expected: InvalidCallback) {
        assert_eq!(Callback::parse(query).err(), Some(expected));
    }

    #[test]
    fn a_long_query_is_not_read() {
        let query = format!("state=s&code={}", "c".repeat(20_000));
        assert_eq!(Callback::parse(&query).err(), Some(InvalidCallback::TooLong));
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in "\\PC{0,200}") {
            let _ = Callback::parse(&query);
        }

        #[test]
        fn a_refusal_is_short_and_on_one_line(error in "[^&=%+]{1,400}", description in "\\PC{0,600}") {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("error", &error)
                .append_pair("error_description", &description)
                .finish();
            if let Ok(Callback::Refused { refusal, .. }) = Callback::parse(&query) {
                let advice = refusal.advice();
                prop_assert!(advice.chars().count() < 700 && !advice.contains(['\n', '\r']));
            }
        }

        #[test]
        fn a_code_comes_through_unchanged(code in "\\PC{1,80}", state in "\\PC{1,80}") {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", &state)
                .finish();
            match Callback::parse(&query) {
                Ok(Callback::Code { code: c, state: s }) => {
                    prop_assert_eq!((c.expose_secret(), s.expose_secret()), (code.as_str(), state.as_str()));
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
