//! The core Group (RFC 7643 §4.2 and §8.7.1).

use super::gangway::GANGWAY_GROUP;
use super::{Attribute, Resolved, ResourceType, Schema};

/// Groups.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "Group",
    schema: &CORE_GROUP,
    extensions: &[(&GANGWAY_GROUP, false)],
};

/// `urn:ietf:params:scim:schemas:core:2.0:Group`
pub static CORE_GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "Group",
    attributes: &[
        // Required by the text of §4.2, though not by the table of §8.7.1.
        Attribute::string("displayName", "The name of the group.").looked_up().required(),
        Attribute::complex("members", MEMBER, "The members of the group.").list().of_any_length(),
    ],
};

/// `members`, as a place in a group.
pub(in crate::scim) static MEMBERS: Resolved =
    Resolved { schema: &CORE_GROUP, attribute: &CORE_GROUP.attributes[1], sub: None };

const MEMBER: &[Attribute] = &[
    Attribute::string("value", "The id of the member.").immutable(),
    Attribute::reference("$ref", &["User", "Group"], "The URI of the member.").immutable(),
    // The table of §8.7.1 has none; the server's own, so that it follows when the member is renamed.
    Attribute::string("display", "The name of the member.").read_only().on_request(),
    Attribute::string("type", "What the member is.").suggests(&["User", "Group"]).immutable(),
];
