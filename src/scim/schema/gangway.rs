//! Gangway's own extensions: what Microsoft 365 has and the RFC has no attribute for.

use super::{Attribute, Schema};

/// `urn:ietf:params:scim:schemas:extension:gangway:2.0:User`
pub static GANGWAY_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:gangway:2.0:User",
    name: "GangwayUser",
    description: "The user's account in Microsoft 365",
    attributes: &[
        SYNC_STATUS,
        SYNC_ERROR,
        Attribute::string("accountId", "The id of the account in Microsoft 365.")
            .exact()
            .read_only()
            .on_request(),
        Attribute::boolean("passwordExpired", "Whether the password has expired upstream."),
        Attribute::boolean("locked", "Whether the person is locked out upstream."),
        Attribute::string("mailNickname", "The mail alias; made from userName when absent."),
        Attribute::string(
            "usageLocation",
            "The country in which licences are used, as an ISO 3166-1 alpha-2 code.",
        ),
        Attribute::string("officeLocation", "The office."),
        // Text, since a date alone is what upstreams have, and dateTime (RFC 7643 §2.3.5) is not that.
        Attribute::string(
            "employeeHireDate",
            "When the person was hired: 2026-01-31, or with a time and zone.",
        ),
        Attribute::string("onPremisesImmutableId", "The anchor that ties the account to one on premises.")
            .exact(),
    ],
};

/// `urn:ietf:params:scim:schemas:extension:gangway:2.0:Group`
pub static GANGWAY_GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group",
    name: "GangwayGroup",
    description: "The group in Microsoft 365",
    attributes: &[
        SYNC_STATUS,
        SYNC_ERROR,
        Attribute::string("groupId", "The id of the group in Microsoft 365.")
            .exact()
            .read_only()
            .on_request(),
        Attribute::string("description", "What the group is for."),
    ],
};

const SYNC_STATUS: Attribute =
    Attribute::string("syncStatus", "How far Microsoft 365 has what was asked for.")
        .suggests(&["pending", "synced", "failed", "unbound"])
        .read_only()
        .on_request();

const SYNC_ERROR: Attribute =
    Attribute::string("syncError", "Why it has not, and what to do.").read_only().on_request();
