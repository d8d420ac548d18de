//! The properties of a user and of a group: which can be written, with what, and which can only be read
//!.

pub(super) mod group;

/// What a writable property takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text of at most so many characters, where a bound is documented.
    Text(Option<usize>),
    /// One of a few words.
    Word(&'static [&'static str]),
    Boolean,
    /// `Edm.DateTimeOffset`.
    Time,
    /// At most so many texts of at most so many characters.
    Texts(usize, usize),
    /// An object of nullable texts, by their names.
    Texted(&'static [&'static str]),
    UserName,
    Nickname,
    Mail,
    Country,
    ImmutableId,
    Policies,
    PasswordProfile,
    Identities,
    /// What lives outside the directory and refuses an application's token.
    Delegated,
    /// What needs a permission of its own, which nobody has here.
    Denied,
}

/// A writable property.
#[derive(Clone, Copy, Debug)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
}

const fn set(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, nullable: true }
}

const fn fixed(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, nullable: false }
}

const ORG: &[&str] = &["costCenter", "division"];
const ATTRIBUTES: &[&str] = &[
    "extensionAttribute1",
    "extensionAttribute2",
    "extensionAttribute3",
    "extensionAttribute4",
    "extensionAttribute5",
    "extensionAttribute6",
    "extensionAttribute7",
    "extensionAttribute8",
    "extensionAttribute9",
    "extensionAttribute10",
    "extensionAttribute11",
    "extensionAttribute12",
    "extensionAttribute13",
    "extensionAttribute14",
    "extensionAttribute15",
];

/// What a body may hold.
const WRITABLE: &[Property] = &[
    fixed("accountEnabled", Kind::Boolean),
    set("ageGroup", Kind::Word(&["Minor", "NotAdult", "Adult"])),
    fixed("businessPhones", Kind::Texts(1, 64)),
    set("city", Kind::Text(Some(128))),
    set("companyName", Kind::Text(Some(64))),
    set("consentProvidedForMinor", Kind::Word(&["Granted", "Denied", "NotRequired"])),
    set("country", Kind::Text(Some(128))),
    set("department", Kind::Text(Some(64))),
    fixed("displayName", Kind::Text(Some(256))),
    set("employeeHireDate", Kind::Time),
    set("employeeId", Kind::Text(Some(16))),
    set("employeeLeaveDateTime", Kind::Time),
    set("employeeOrgData", Kind::Texted(ORG)),
    set("employeeType", Kind::Text(None)),
    set("faxNumber", Kind::Text(None)),
    set("givenName", Kind::Text(Some(64))),
    fixed("identities", Kind::Identities),
    set("jobTitle", Kind::Text(Some(128))),
    fixed("mail", Kind::Mail),
    fixed("mailNickname", Kind::Nickname),
    set("mobilePhone", Kind::Text(Some(64))),
    set("officeLocation", Kind::Text(None)),
    set("onPremisesExtensionAttributes", Kind::Texted(ATTRIBUTES)),
    set("onPremisesImmutableId", Kind::ImmutableId),
    fixed("otherMails", Kind::Texts(250, 250)),
    set("passwordPolicies", Kind::Policies),
    fixed("passwordProfile", Kind::PasswordProfile),
    set("postalCode", Kind::Text(Some(40))),
    set("preferredDataLocation", Kind::Text(None)),
    set("preferredLanguage", Kind::Text(None)),
    set("state", Kind::Text(Some(128))),
    set("streetAddress", Kind::Text(Some(1024))),
    set("surname", Kind::Text(Some(64))),
    fixed("usageLocation", Kind::Country),
    fixed("userPrincipalName", Kind::UserName),
    set("userType", Kind::Word(&["Member", "Guest"])),
    set("authorizationInfo", Kind::Denied),
    set("customSecurityAttributes", Kind::Denied),
    set("aboutMe", Kind::Delegated),
    set("birthday", Kind::Delegated),
    set("hireDate", Kind::Delegated),
    set("interests", Kind::Delegated),
    set("mySite", Kind::Delegated),
    set("pastProjects", Kind::Delegated),
    set("responsibilities", Kind::Delegated),
    set("schools", Kind::Delegated),
    set("skills", Kind::Delegated),
];

/// What only the service sets.
const READ_ONLY: &[&str] = &[
    "assignedLicenses",
    "assignedPlans",
    "createdDateTime",
    "creationType",
    "deletedDateTime",
    "deviceEnrollmentLimit",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "id",
    "identityParentId",
    "imAddresses",
    "isManagementRestricted",
    "isResourceAccount",
    "lastPasswordChangeDateTime",
    "legalAgeGroupClassification",
    "licenseAssignmentStates",
    "mailboxSettings",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "preferredName",
    "print",
    "provisionedPlans",
    "proxyAddresses",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "showInAddressList",
    "signInActivity",
    "signInSessionsValidFromDateTime",
];

const COLLECTIONS: &[&str] = &[
    "assignedLicenses",
    "assignedPlans",
    "businessPhones",
    "identities",
    "imAddresses",
    "interests",
    "licenseAssignmentStates",
    "onPremisesProvisioningErrors",
    "otherMails",
    "pastProjects",
    "provisionedPlans",
    "proxyAddresses",
    "responsibilities",
    "schools",
    "serviceProvisioningErrors",
    "skills",
];

/// What Graph shows without `$select` (L:users).
pub(super) const DEFAULT: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
];

/// What a create must give.
pub(super) const REQUIRED: &[&str] =
    &["accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"];

/// What needs a role that outranks the target (L:users, "sensitive actions").
pub(super) const SENSITIVE: &[&str] = &[
    "accountEnabled",
    "businessPhones",
    "mobilePhone",
    "onPremisesImmutableId",
    "otherMails",
    "passwordProfile",
    "userPrincipalName",
];

/// What stays writable on an account that is mastered on-premises (commonly reported, not documented).
pub(super) const WRITABLE_WHEN_SYNCED: &[&str] = &["otherMails", "usageLocation"];

/// The two types of object whose properties are described here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Entity {
    #[default]
    User,
    Group,
}

impl Entity {
    /// What messages call it.
    pub(super) const fn resource(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The collection of all such objects.
    pub(super) const fn set(self) -> &'static str {
        match self {
            Self::User => "users",
            Self::Group => "groups",
        }
    }

    /// Its type in Graph's description.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::User => "microsoft.graph.user",
            Self::Group => "microsoft.graph.group",
        }
    }

    /// The writable property `name`.
    pub(super) fn writable(self, name: &str) -> Option<&'static Property> {
        let all = match self {
            Self::User => WRITABLE,
            Self::Group => group::WRITABLE,
        };
        all.iter().find(|property| property.name == name)
    }

    /// Whether only the service sets `name`.
    pub(super) fn is_read_only(self, name: &str) -> bool {
        match self {
            Self::User => READ_ONLY.contains(&name),
            Self::Group => group::READ_ONLY.contains(&name),
        }
    }

    /// Whether there is a property `name`.
    pub(super) fn exists(self, name: &str) -> bool {
        self.writable(name).is_some() || self.is_read_only(name) || is_extension(name)
    }

    /// Whether `name` is a relationship, which `$select` passes over.
    pub(super) fn is_navigation(self, name: &str) -> bool {
        match self {
            Self::User => matches!(
                name,
                "manager"
                    | "memberOf"
                    | "appRoleAssignments"
                    | "createdObjects"
                    | "licenseDetails"
                    | "oauth2PermissionGrants"
                    | "ownedObjects"
                    | "scopedRoleMemberOf"
            ),
            Self::Group => {
                matches!(name, "members" | "owners" | "memberOf" | "appRoleAssignments" | "createdOnBehalfOf")
            }
        }
    }

    /// Whether `name` holds a list, which is empty and not null.
    pub(super) fn is_collection(self, name: &str) -> bool {
        match self {
            Self::User => COLLECTIONS.contains(&name),
            Self::Group => group::COLLECTIONS.contains(&name),
        }
    }

    /// Whether `name` is true or false.
    pub(super) fn is_boolean(self, name: &str) -> bool {
        matches!(self.writable(name), Some(Property { kind: Kind::Boolean, .. }))
            || match self {
                Self::User => matches!(
                    name,
                    "onPremisesSyncEnabled"
                        | "isResourceAccount"
                        | "showInAddressList"
                        | "passwordProfile/forceChangePasswordNextSignIn"
                        | "passwordProfile/forceChangePasswordNextSignInWithMfa"
                ),
                Self::Group => matches!(name, "onPremisesSyncEnabled" | "hasMembersWithLicenseErrors"),
            }
    }
}

/// Whether `name` is a directory extension: `extension_<32 hex digits>_<name>`.
pub(super) fn is_extension(name: &str) -> bool {
    let Some((app, own)) = name.strip_prefix("extension_").and_then(|rest| rest.split_once('_')) else {
        return false;
    };
    app.len() == 32
        && app.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        && own.starts_with(|c: char| c.is_ascii_alphabetic())
        && own.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
