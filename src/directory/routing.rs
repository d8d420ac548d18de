//! Which connection a user belongs to, and the address that it gets there. Pure.

use super::address::{Address, AddressFault, DomainName, domain_of};
use crate::ids::ConnectionId;
use crate::settings::Unmatched;

/// What routing knows of an organization.
#[derive(Clone, Debug)]
pub struct Map<'a> {
    /// The connection that has the user's own domain, when one has.
    pub owner: Option<ConnectionId>,
    /// Every domain that a connection has, for the message.
    pub known: &'a [String],
    /// The connection and the domain for users whose own domain nobody has.
    pub fallback: Option<(ConnectionId, DomainName)>,
    /// What happens to those users.
    pub unmatched: Unmatched,
}

/// Where a user goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Into this connection, under this address.
    Bound(ConnectionId, Address),
    /// Nowhere for now.
    Unbound,
}

/// Why a user cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// The domain is nobody's.
    #[error("userName \"{user_name}\" {problem}; {known}")]
    Unmatched {
        /// As upstream sent it.
        user_name: String,
        /// What is wrong with its domain.
        problem: String,
        /// Which domains there are.
        known: String,
    },
    /// Microsoft would not take the address.
    #[error(transparent)]
    Address(#[from] AddressFault),
    /// Nothing of the user name is left in an address.
    #[error(
        "userName \"{0}\" has no character that Microsoft 365 allows in front of the @ (letters A-Z, digits and ' . - _ ! # ^ ~)"
    )]
    Nothing(String),
    /// There is no connection that could take users without a domain of its own.
    #[error(
        "userName \"{0}\" belongs to no connected domain, and no connection has a default domain; connect a tenant first"
    )]
    NoFallback(String),
}

/// Decides where the user named `user_name` goes.
pub fn route(user_name: &str, map: &Map<'_>) -> Result<Route, RoutingError> {
    if let Some(owner) = map.owner {
        return Ok(Route::Bound(owner, Address::parse(user_name)?));
    }
    match map.unmatched {
        Unmatched::Unbound => Ok(Route::Unbound),
        Unmatched::Refuse => Err(unmatched(user_name, map.known)),
        Unmatched::DefaultDomain => {
            let (connection, domain) =
                map.fallback.as_ref().ok_or_else(|| RoutingError::NoFallback(user_name.to_owned()))?;
            let address = Address::in_domain(user_name, domain)
                .ok_or_else(|| RoutingError::Nothing(user_name.to_owned()))?;
            Ok(Route::Bound(*connection, address))
        }
    }
}

fn unmatched(user_name: &str, known: &[String]) -> RoutingError {
    let problem = match domain_of(user_name) {
        Some(domain) => format!("is in the domain {domain}, which no connection has"),
        None => "has no domain, so no connection can take it".to_owned(),
    };
    let known = if known.is_empty() {
        "no domain is connected yet: connect a tenant first".to_owned()
    } else {
        format!("connected domains: {}", known.join(", "))
    };
    RoutingError::Unmatched { user_name: user_name.to_owned(), problem, known }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use uuid::Uuid;

    const CONTOSO: ConnectionId = ConnectionId(Uuid::from_u128(1));

    fn map(owner: Option<ConnectionId>, unmatched: Unmatched, known: &[String]) -> Map<'_> {
        let fallback = DomainName::parse("contoso.example").map(|domain| (CONTOSO, domain));
        Map { owner, known, fallback, unmatched }
    }

    #[rstest]
    #[case(Unmatched::Refuse)]
    #[case(Unmatched::DefaultDomain)]
    #[case(Unmatched::Unbound)]
    fn a_domain_that_is_connected_decides_whatever_the_setting(#[case] unmatched: Unmatched) {
        let routed = route("Ann@contoso.example", &map(Some(CONTOSO), unmatched, &[])).unwrap();
        assert_eq!(routed, Route::Bound(CONTOSO, Address::parse("Ann@contoso.example").unwrap()));
    }

    #[test]
    fn a_connected_domain_does_not_excuse_a_bad_address() {
        let routed = route("a b@contoso.example", &map(Some(CONTOSO), Unmatched::DefaultDomain, &[]));
        assert!(matches!(routed, Err(RoutingError::Address(AddressFault::Character { .. }))));
    }

    #[test]
    fn refuse_names_the_domain_and_the_known_ones() {
        let known = ["contoso.example".to_owned(), "fabrikam.example".to_owned()];
        let message =
            route("ann@other.example", &map(None, Unmatched::Refuse, &known)).unwrap_err().to_string();
        assert!(message.contains("other.example"), "{message}");
        assert!(message.contains("contoso.example, fabrikam.example"), "{message}");
        let message = route("ann", &map(None, Unmatched::Refuse, &known)).unwrap_err().to_string();
        assert!(message.contains("has no domain"), "{message}");
    }

    #[rstest]
    #[case("ann", "ann@contoso.example")]
    #[case("ann@other.example", "ann@contoso.example")]
    #[case("Änn B", "nnB@contoso.example")]
    fn the_default_domain_takes_the_local_part(#[case] user_name: &str, #[case] address: &str) {
        let routed = route(user_name, &map(None, Unmatched::DefaultDomain, &[])).unwrap();
        assert_eq!(routed, Route::Bound(CONTOSO, Address::parse(address).unwrap()));
    }

    #[test]
    fn unbound_users_are_kept() {
        assert_eq!(route("ann@other.example", &map(None, Unmatched::Unbound, &[])), Ok(Route::Unbound));
    }
}
