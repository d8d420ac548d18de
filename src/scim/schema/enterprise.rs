//! The enterprise extension (RFC 7643 §4.3).

use super::{Attribute, Schema};

/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`
pub static ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::string("employeeNumber", "The number that the organization gave the person."),
        Attribute::string("costCenter", "The name of the cost centre."),
        Attribute::string("organization", "The name of the organization."),
        Attribute::string("division", "The name of the division."),
        Attribute::string("department", "The name of the department."),
        Attribute::complex("manager", MANAGER, "The person's manager."),
    ],
};

const MANAGER: &[Attribute] = &[
    Attribute::string("value", "The id of the manager's user."),
    Attribute::reference("$ref", &["User"], "The URI of the manager's user."),
    Attribute::string("displayName", "The manager's name.").read_only(),
];
