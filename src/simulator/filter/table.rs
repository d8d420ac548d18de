//! Microsoft's table "directory objects: supported properties and operators".

use crate::simulator::schema::{self, Entity};

/// How an operator is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Support {
    /// As it stands.
    Plain,
    /// With `ConsistencyLevel: eventual` and `$count=true`.
    Advanced,
    /// Never.
    No,
}

/// A row of the table: `eq` (which `in` and `ne` follow), `startsWith`, `ge`/`le`, and comparison with null.
pub(super) struct Row {
    path: &'static str,
    pub(super) eq: Support,
    pub(super) starts: Support,
    pub(super) ge: Support,
    /// `None`: as `eq`.
    pub(super) null: Option<Support>,
}

/// A row written as four letters in the table's own marks: `D` by default, `A` advanced, `N` or `-` not, `=` as `eq`.
const fn row(path: &'static str, marks: [u8; 4]) -> Row {
    let [eq, starts, ge, null] = marks;
    let null = if null == b'=' { None } else { Some(support(null)) };
    Row { path, eq: support(eq), starts: support(starts), ge: support(ge), null }
}

const fn support(mark: u8) -> Support {
    match mark {
        b'D' => Support::Plain,
        b'A' => Support::Advanced,
        _ => Support::No,
    }
}

const USER: &[Row] = &[
    row("id", *b"D--="),
    row("accountEnabled", *b"D--N"),
    row("ageGroup", *b"D--N"),
    row("appRoleAssignments/any/id", *b"D--="),
    row("assignedLicenses/any/skuId", *b"D--="),
    row("assignedPlans/any/capabilityStatus", *b"A--N"),
    row("assignedPlans/any/service", *b"AA-N"),
    row("assignedPlans/any/servicePlanId", *b"A--="),
    row("authorizationInfo/certificateUserIds/any", *b"A--="),
    row("businessPhones/any", *b"AA-="),
    row("city", *b"DD-A"),
    row("companyName", *b"AA-A"),
    row("consentProvidedForMinor", *b"D--N"),
    row("country", *b"DD-A"),
    row("createdDateTime", *b"D-DA"),
    row("createdObjects/any/id", *b"A--="),
    row("creationType", *b"D--N"),
    row("department", *b"DD-A"),
    row("displayName", *b"DD-A"),
    row("employeeHireDate", *b"A-AN"),
    row("employeeId", *b"D--A"),
    row("employeeOrgData/costCenter", *b"AA-N"),
    row("employeeOrgData/division", *b"AA-N"),
    row("employeeType", *b"A--N"),
    row("externalUserState", *b"D--N"),
    row("faxNumber", *b"AA-A"),
    row("givenName", *b"DD-A"),
    row("identities/any/issuer", *b"DN-D"),
    row("identities/any/issuerAssignedId", *b"D--="),
    row("imAddresses/any", *b"DD-="),
    row("isResourceAccount", *b"D--N"),
    row("jobTitle", *b"DD-A"),
    row("licenseDetails/any/id", *b"D--="),
    row("mail", *b"DD-A"),
    row("mailNickname", *b"DD-A"),
    row("manager/id", *b"N--="),
    row("mobilePhone", *b"AA-A"),
    row("oauth2PermissionGrants/any/id", *b"D--="),
    row("officeLocation", *b"AA-A"),
    row("onPremisesDistinguishedName", *b"AA-A"),
    row("onPremisesImmutableId", *b"D--="),
    row("onPremisesLastSyncDateTime", *b"D-DN"),
    row("onPremisesProvisioningErrors/any/category", *b"D--N"),
    row("onPremisesProvisioningErrors/any/propertyCausingError", *b"D--N"),
    row("onPremisesSamAccountName", *b"AA-N"),
    row("onPremisesSecurityIdentifier", *b"D--A"),
    row("onPremisesSyncEnabled", *b"D--A"),
    row("otherMails/any", *b"DD-="),
    row("passwordPolicies", *b"NN-A"),
    row("passwordProfile/forceChangePasswordNextSignIn", *b"A--A"),
    row("passwordProfile/forceChangePasswordNextSignInWithMfa", *b"A--A"),
    row("postalCode", *b"AA-A"),
    row("preferredLanguage", *b"AA-A"),
    row("provisionedPlans/any/provisioningStatus", *b"A--N"),
    row("provisionedPlans/any/service", *b"AA-N"),
    row("proxyAddresses/any", *b"DD-="),
    row("scopedRoleMemberOf/any/id", *b"D--="),
    row("showInAddressList", *b"A--N"),
    row("state", *b"D--A"),
    row("streetAddress", *b"AA-A"),
    row("surname", *b"DD-A"),
    row("usageLocation", *b"DD-A"),
    row("userPrincipalName", *b"DD-N"),
    row("userType", *b"D--A"),
];

const GROUP: &[Row] = &[
    row("id", *b"D--="),
    row("appRoleAssignments/any/id", *b"D--="),
    row("assignedLicenses/any/skuId", *b"D--="),
    row("classification", *b"DD-N"),
    row("createdByAppId", *b"D--="),
    row("createdOnBehalfOf/id", *b"D--="),
    row("description", *b"AA-A"),
    row("displayName", *b"DD-A"),
    row("expirationDateTime", *b"A-AN"),
    row("groupTypes/any", *b"D--="),
    row("hasMembersWithLicenseErrors", *b"D--D"),
    row("infoCatalogs/any", *b"DD-="),
    row("isAssignableToRole", *b"D--N"),
    row("mail", *b"DD-A"),
    row("mailEnabled", *b"D--N"),
    row("mailNickname", *b"DD-A"),
    row("membershipRule", *b"DD-N"),
    row("membershipRuleProcessingState", *b"D--N"),
    row("onPremisesLastSyncDateTime", *b"D-DN"),
    row("onPremisesProvisioningErrors/any/category", *b"D--N"),
    row("onPremisesSamAccountName", *b"AA-N"),
    row("onPremisesSecurityIdentifier", *b"D--A"),
    row("onPremisesSyncEnabled", *b"D--A"),
    row("preferredLanguage", *b"AA-A"),
    row("proxyAddresses/any", *b"DD-="),
    row("renewedDateTime", *b"D-DN"),
    row("resourceProvisioningOptions/any", *b"D--="),
    row("securityEnabled", *b"D--N"),
    row("uniqueName", *b"DD-N"),
];

const EXTENSION: Row = row("extension_*", *b"DA-A");
const ATTRIBUTE: Row = row("onPremisesExtensionAttributes/*", *b"AA-A");

/// The row for `path`.
pub(super) fn find(entity: Entity, path: &str) -> Option<&'static Row> {
    if schema::is_extension(path) {
        return Some(&EXTENSION);
    }
    let table = match entity {
        Entity::User if path.starts_with("onPremisesExtensionAttributes/") => return Some(&ATTRIBUTE),
        Entity::User => USER,
        Entity::Group => GROUP,
    };
    table.iter().find(|row| row.path == path)
}

/// The collections whose size a filter may compare.
pub(super) const fn counted(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::User => &[
            "assignedLicenses",
            "otherMails",
            "proxyAddresses",
            "onPremisesProvisioningErrors",
            "ownedObjects",
        ],
        Entity::Group => &["assignedLicenses", "proxyAddresses"],
    }
}

/// The properties that take `endsWith`.
pub(super) const fn ends_with(entity: Entity) -> &'static [&'static str] {
    match entity {
        Entity::User => &["mail", "otherMails", "userPrincipalName", "proxyAddresses"],
        Entity::Group => &["mail", "proxyAddresses"],
    }
}
