//! The identifiers of what Gangway keeps: one type each, so that a user's id cannot stand where a connection's is asked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

id!(
    /// An isolated customer of one installation.
    OrganizationId
);
id!(
    /// An identity system that pushes.
    UpstreamId
);
id!(
    /// A bearer token of an upstream.
    TokenId
);
id!(
    /// A Microsoft 365 tenant that an organization has authorised.
    ConnectionId
);
id!(
    /// A SCIM user; the `id` that upstream sees (RFC 7643 §3.1).
    UserId
);
id!(
    /// The link from a SCIM user to one account in one connection.
    BindingId
);
id!(
    /// A SCIM group; the `id` that upstream sees (RFC 7643 §3.1).
    GroupId
);
id!(
    /// The link from a SCIM group to one group in one connection.
    GroupBindingId
);
id!(
    /// A directory-insights event.
    EventId
);
