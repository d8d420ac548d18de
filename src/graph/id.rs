//! The ids of Microsoft 365: GUIDs, so each is safe in a path. Written in lower case with dashes.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The text is not a GUID in the form that Graph writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("An id of Microsoft 365 must be a GUID such as 00000000-0000-0000-0000-000000000000.")]
pub struct InvalidId;

/// An id of one kind of object, so that an account's cannot stand where a group's belongs.
macro_rules! id {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The same id as a [`Uuid`].
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                read(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.hyphenated())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

id! {
    /// The id of an account in Microsoft 365.
    AccountId
}

id! {
    /// The id of a group in Microsoft 365.
    GroupId
}

id! {
    /// The id of any object that can be a member of a group: an account or a group.
    ObjectId
}

id! {
    /// The id of a product that the tenant has licences of.
    SkuId
}

impl AccountId {
    /// The id without dashes, as Entra puts it before the user name of a deleted account.
    pub(super) fn without_dashes(self) -> String {
        self.0.simple().to_string()
    }
}

impl From<AccountId> for ObjectId {
    fn from(account: AccountId) -> Self {
        Self(account.0)
    }
}

impl From<GroupId> for ObjectId {
    fn from(group: GroupId) -> Self {
        Self(group.0)
    }
}

fn read(text: &str) -> Result<Uuid, InvalidId> {
    // `Uuid` also reads braces, URNs and bare digits, which are not what Graph writes.
    if text.len() != 36 {
        return Err(InvalidId);
    }
    Uuid::try_parse(text).map_err(|_| InvalidId)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ID: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";

    #[rstest]
    #[case("")]
    #[case("ada@contoso.example")]
    #[case("6e7b768e07e248108459485f84f8f204")]
    #[case("{6e7b768e-07e2-4810-8459-485f84f8f204}")]
    #[case("6e7b768e-07e2-4810-8459-485f84f8f20g")]
    #[case("../../users/6e7b768e-07e2-4810-8459-")]
    fn only_a_guid_is_an_id(#[case] text: &str) {
        assert_eq!(text.parse::<AccountId>(), Err(InvalidId));
        assert_eq!(text.parse::<GroupId>(), Err(InvalidId));
    }

    #[test]
    fn an_id_is_written_in_lower_case() {
        let id: AccountId = ID.to_uppercase().parse().unwrap();
        assert_eq!(id.to_string(), ID);
        assert_eq!(serde_json::to_value(id).unwrap(), json!(ID));
        assert_eq!(ObjectId::from(id).to_string(), ID);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_fail(text: String) {
            let _ = text.parse::<ObjectId>();
        }
    }
}
