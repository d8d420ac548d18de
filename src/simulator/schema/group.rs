//! The properties of a group (the closed request bodies of Graph's description; L:group-post-groups, L:group-update).

use super::{Kind, Property, fixed, set};

/// What a body may hold.
pub(in crate::simulator) const WRITABLE: &[Property] = &[
    set("classification", Kind::Text(None)),
    set("description", Kind::Text(Some(1024))),
    fixed("displayName", Kind::Text(Some(256))),
    fixed("groupTypes", Kind::Texts(2, 32)),
    set("isAssignableToRole", Kind::Boolean),
    fixed("mailEnabled", Kind::Boolean),
    fixed("mailNickname", Kind::Nickname),
    set("membershipRule", Kind::Text(Some(3072))),
    set("membershipRuleProcessingState", Kind::Word(&["On", "Paused", "on", "paused"])),
    set("preferredDataLocation", Kind::Text(None)),
    set("preferredLanguage", Kind::Text(None)),
    fixed("resourceBehaviorOptions", Kind::Texts(32, 64)),
    fixed("resourceProvisioningOptions", Kind::Texts(32, 64)),
    fixed("securityEnabled", Kind::Boolean),
    set("theme", Kind::Word(&["Teal", "Purple", "Green", "Blue", "Pink", "Orange", "Red"])),
    set("uniqueName", Kind::Text(None)),
    set("visibility", Kind::Word(&["Private", "Public", "HiddenMembership", "Hiddenmembership"])),
    set("allowExternalSenders", Kind::Delegated),
    set("autoSubscribeNewMembers", Kind::Delegated),
    set("hideFromAddressLists", Kind::Delegated),
    set("hideFromOutlookClients", Kind::Delegated),
    set("isSubscribedByMail", Kind::Delegated),
];

/// What only the service sets.
pub(super) const READ_ONLY: &[&str] = &[
    "accessType",
    "assignedLicenses",
    "createdByAppId",
    "createdDateTime",
    "deletedDateTime",
    "expirationDateTime",
    "hasMembersWithLicenseErrors",
    "id",
    "infoCatalogs",
    "isArchived",
    "isFavorite",
    "isManagementRestricted",
    "licenseProcessingState",
    "mail",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "organizationId",
    "proxyAddresses",
    "renewedDateTime",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "unseenConversationsCount",
    "unseenCount",
    "unseenMessagesCount",
    "welcomeMessageEnabled",
];

/// What a create may set and a change may not.
pub(in crate::simulator) const AT_CREATE_ONLY: &[&str] =
    &["isAssignableToRole", "resourceBehaviorOptions", "resourceProvisioningOptions", "uniqueName"];

pub(super) const COLLECTIONS: &[&str] = &[
    "assignedLicenses",
    "groupTypes",
    "infoCatalogs",
    "onPremisesProvisioningErrors",
    "proxyAddresses",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "serviceProvisioningErrors",
];

/// What Graph shows without `$select` (the answer on the page "Get group").
pub(in crate::simulator) const DEFAULT: &[&str] = &[
    "id",
    "deletedDateTime",
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "preferredDataLocation",
    "preferredLanguage",
    "proxyAddresses",
    "renewedDateTime",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "securityEnabled",
    "securityIdentifier",
    "serviceProvisioningErrors",
    "theme",
    "uniqueName",
    "visibility",
];

/// What a create must give.
pub(in crate::simulator) const REQUIRED: &[&str] =
    &["displayName", "mailEnabled", "mailNickname", "securityEnabled"];
