//! What the application must be allowed, and what for: the one table that the doctor and the documentation read.
//!
//! "Microsoft Graph permissions reference", and the permissions tables of each call's page, the least privileged first.

use time::OffsetDateTime;

use super::{Certificate, Claims, Graph};

/// A permission of Microsoft Graph that Gangway uses. All of them exist both as application and as delegated
/// permissions.
#[derive(Debug, PartialEq, Eq)]
pub struct Permission {
    /// Its name in Microsoft Entra ID.
    pub name: &'static str,
    /// Which of the two kinds Gangway needs.
    pub kind: PermissionKind,
    /// What for, as a sentence.
    pub needed_for: &'static str,
    /// The feature that needs it; none when nothing works without.
    pub feature: Option<Feature>,
    /// The directory role that is needed beside it, whoever acts: the application's service principal or, for a
    /// delegated connection, the administrator.
    pub role: Option<&'static str>,
    /// Wider permissions that hold it too.
    pub covered_by: &'static [&'static str],
}

/// As whom Gangway acts with a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionKind {
    /// As the application.
    Application,
    /// On behalf of an administrator.
    Delegated,
    /// Either.
    Both,
}

/// A part of what Gangway does that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Passwords pushed by the upstream.
    Passwords,
    /// Telephone numbers.
    Phones,
    /// Other mail addresses.
    OtherMails,
    /// Deleting accounts, and restoring deleted ones.
    Deletion,
    /// Licences.
    Licenses,
    /// Photos.
    Photos,
    /// Security groups and their members.
    Groups,
    /// Telling accounts that hold administrator roles apart before they are written to.
    Administrators,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Passwords,
        Self::Phones,
        Self::OtherMails,
        Self::Deletion,
        Self::Licenses,
        Self::Photos,
        Self::Groups,
        Self::Administrators,
    ];
}

const fn needed(name: &'static str, needed_for: &'static str) -> Permission {
    Permission { name, kind: PermissionKind::Both, needed_for, feature: None, role: None, covered_by: &[] }
}

const fn used(name: &'static str, feature: Feature, needed_for: &'static str) -> Permission {
    Permission { feature: Some(feature), ..needed(name, needed_for) }
}

/// Every permission that Gangway uses, the indispensable ones first.
pub const PERMISSIONS: &[Permission] = &[
    Permission {
        covered_by: &["Directory.ReadWrite.All"],
        ..needed("User.ReadWrite.All", "Creates, finds, reads and changes accounts, and sets their managers.")
    },
    needed("User.EnableDisableAccount.All", "Blocks accounts and unblocks them."),
    Permission {
        covered_by: &["User.ReadWrite.All"],
        ..needed(
            "User.RevokeSessions.All",
            "Signs a person out everywhere when the account is blocked or its password set.",
        )
    },
    Permission {
        covered_by: &["Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        ..needed("Domain.Read.All", "Reads the tenant's verified domains, by which people are routed to it.")
    },
    Permission {
        covered_by: &["Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        ..needed(
            "Organization.Read.All",
            "Reads the tenant's id, so that a connection cannot reach another tenant than it should.",
        )
    },
    Permission {
        role: Some("User Administrator"),
        ..used(
            "User-PasswordProfile.ReadWrite.All",
            Feature::Passwords,
            "Sets the password of an account that exists.",
        )
    },
    used("User-Phone.ReadWrite.All", Feature::Phones, "Writes business and mobile telephone numbers."),
    used("User-Mail.ReadWrite.All", Feature::OtherMails, "Writes other mail addresses."),
    Permission {
        covered_by: &["User.ReadWrite.All"],
        ..used(
            "User.DeleteRestore.All",
            Feature::Deletion,
            "Deletes accounts, where the connection says so, and restores deleted ones.",
        )
    },
    used(
        "LicenseAssignment.ReadWrite.All",
        Feature::Licenses,
        "Reads the licences and their free seats, assigns and removes them.",
    ),
    Permission {
        covered_by: &["User.ReadWrite.All"],
        ..used("ProfilePhoto.ReadWrite.All", Feature::Photos, "Sets the photos of people.")
    },
    used("Group.ReadWrite.All", Feature::Groups, "Creates, finds, changes and deletes security groups."),
    used("GroupMember.ReadWrite.All", Feature::Groups, "Adds members to security groups and removes them."),
    Permission {
        covered_by: &["Directory.ReadWrite.All"],
        ..used(
            "Directory.Read.All",
            Feature::Administrators,
            "Sees which accounts hold administrator roles, before they are written to.",
        )
    },
];

impl Permission {
    /// Whether one of `held` grants it.
    pub fn is_granted_by(&self, held: &[String]) -> bool {
        held.iter().any(|name| {
            std::iter::once(&self.name)
                .chain(self.covered_by)
                .any(|granting| name.eq_ignore_ascii_case(granting))
        })
    }

    /// Whether it is needed for what is switched on.
    pub fn is_needed(&self, features: &[Feature]) -> bool {
        self.feature.is_none_or(|feature| features.contains(&feature))
    }
}

/// The permissions that `features` need and `held` does not grant, in the table's order.
pub fn missing(held: &[String], features: &[Feature]) -> Vec<&'static Permission> {
    PERMISSIONS
        .iter()
        .filter(|permission| permission.is_needed(features) && !permission.is_granted_by(held))
        .collect()
}

impl Graph {
    /// The permissions that the access token names, application or delegated; none when there is no token yet or it is
    /// opaque. It is read without trust, to tell an administrator.
    pub fn permissions(&self) -> Option<Vec<String>> {
        self.claims().map(|claims| claims.permissions())
    }

    /// What the access token that is held says of itself; none when there is none or it is opaque.
    pub fn claims(&self) -> Option<Claims> {
        self.0.tokens().claims()
    }

    /// When the certificate expires that the application signs in with; none when it has no certificate.
    pub fn certificate_expires(&self) -> Option<OffsetDateTime> {
        self.0.tokens().certificate().map(Certificate::not_after)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn names(permissions: &[&str]) -> Vec<String> {
        permissions.iter().map(|name| (*name).to_owned()).collect()
    }

    fn missing_names(held: &[&str], features: &[Feature]) -> Vec<&'static str> {
        missing(&names(held), features).iter().map(|permission| permission.name).collect()
    }

    #[test]
    fn each_stands_once_with_a_sentence() {
        let distinct: BTreeSet<&str> = PERMISSIONS.iter().map(|permission| permission.name).collect();
        assert_eq!(distinct.len(), PERMISSIONS.len());
        for permission in PERMISSIONS {
            assert!(permission.needed_for.ends_with('.'), "{}", permission.name);
            assert!(!permission.covered_by.contains(&permission.name));
        }
    }

    #[test]
    fn each_feature_needs_a_permission() {
        for feature in Feature::ALL {
            assert!(PERMISSIONS.iter().any(|permission| permission.feature == Some(feature)), "{feature:?}");
        }
    }

    #[rstest]
    #[case(&["User.ReadWrite.All", "User.EnableDisableAccount.All", "Domain.Read.All", "Organization.Read.All"], &[], &[])]
    #[case(&["Directory.ReadWrite.All"], &[], &["User.EnableDisableAccount.All", "User.RevokeSessions.All"])]
    #[case(
        &["user.readwrite.all", "User.EnableDisableAccount.All", "Domain.Read.All", "Organization.Read.All", "Group.ReadWrite.All"],
        &[Feature::Groups, Feature::Photos],
        &["GroupMember.ReadWrite.All"]
    )]
    #[case(&[], &[], &["User.ReadWrite.All", "User.EnableDisableAccount.All", "User.RevokeSessions.All", "Domain.Read.All", "Organization.Read.All"])]
    fn what_is_missing_is_told(
        #[case] held: &[&str],
        #[case] features: &[Feature],
        #[case] expected: &[&str],
    ) {
        assert_eq!(missing_names(held, features), expected);
    }

    #[test]
    fn with_the_whole_table_nothing_is_missing() {
        let all: Vec<&str> = PERMISSIONS.iter().map(|permission| permission.name).collect();
        assert_eq!(missing_names(&all, &Feature::ALL), [""; 0]);
    }

    proptest! {
        /// One more permission never makes more missing, one more feature never fewer.
        #[test]
        fn more_held_is_less_missing(held in proptest::sample::subsequence(PERMISSIONS.iter().map(|p| p.name).collect::<Vec<_>>(), 0..PERMISSIONS.len()), more in 0..PERMISSIONS.len(), features in proptest::sample::subsequence(Feature::ALL.to_vec(), 0..8)) {
            let before = missing_names(&held, &features);
            let mut with = held.clone();
            with.push(PERMISSIONS[more].name);
            prop_assert!(missing_names(&with, &features).iter().all(|name| before.contains(name)));
            let of_all = missing_names(&held, &Feature::ALL);
            prop_assert!(before.iter().all(|name| of_all.contains(name)));
        }
    }
}
