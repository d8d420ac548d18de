//! Which permission, and which role of a person, each operation takes. As the table there has it: where
//! Microsoft names a least privileged permission for a property, that very permission is asked for.

use serde_json::Value;

use super::caller::Caller;
use super::message::Request;
use super::refusal::Refusal;

type Names = &'static [&'static str];

const READ_USERS: Names =
    &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const BASIC: &str = "User.ReadBasic.All";
/// What `User.ReadBasic.All` reads.
const BASIC_PROPERTIES: Names = &[
    "displayName",
    "givenName",
    "id",
    "mail",
    "photo",
    "securityIdentifier",
    "surname",
    "userPrincipalName",
];
const CREATE_USERS: Names = &["User.Create", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const UPDATE_USERS: Names = &["User.ReadUpdate.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_USERS: Names = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const DELETE_USERS: Names = &["User.DeleteRestore.All", "User.ReadWrite.All"];
const READ_DELETED: Names = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "User.DeleteRestore.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const REVOKE: Names = &["User.RevokeSessions.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const LICENSE: Names = &["LicenseAssignment.ReadWrite.All"];
const LICENSE_FOR_PERSONS: Names =
    &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_LICENSES: Names = &[
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_PHOTO: Names =
    &["ProfilePhoto.Read.All", "ProfilePhoto.ReadWrite.All", "User.Read.All", "User.ReadWrite.All", BASIC];
const WRITE_PHOTO: Names = &["ProfilePhoto.ReadWrite.All", "User.ReadWrite.All"];
const READ_GROUPS: Names = &[
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_MEMBERS: Names = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// The same for the groups of a person who signed in.
const READ_BELONGING: Names = &[
    SELF,
    "User.Read.All",
    "User.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const CREATE_GROUPS: Names = &["Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_GROUPS: Names = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE_MEMBERS: Names = &["GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_DOMAINS: Names =
    &["Domain.Read.All", "Domain.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];
const READ_ORGANIZATION: Names = &[
    "Organization.Read.All",
    "Organization.ReadWrite.All",
    "DeviceManagementServiceConfig.Read.All",
    "User.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const SELF: &str = "User.Read";

/// The properties whose change takes a permission of their own.
const OWN_PERMISSION: [(&str, &str); 7] = [
    ("passwordProfile", "User-PasswordProfile.ReadWrite.All"),
    ("accountEnabled", "User.EnableDisableAccount.All"),
    ("businessPhones", "User-Phone.ReadWrite.All"),
    ("mobilePhone", "User-Phone.ReadWrite.All"),
    ("otherMails", "User-Mail.ReadWrite.All"),
    ("identities", "User.ManageIdentities.All"),
    ("employeeLeaveDateTime", "User-LifeCycleInfo.ReadWrite.All"),
];

/// The roles that let a person write users, groups, licences and the audit log's readers.
const USER_ROLES: Names = &["User Administrator", "Global Administrator"];
const GROUP_ROLES: Names =
    &["Groups Administrator", "User Administrator", "Directory Writers", "Global Administrator"];
const LICENSE_ROLES: Names =
    &["License Administrator", "User Administrator", "Directory Writers", "Global Administrator"];
const AUDIT_ROLES: Names = &["Reports Reader", "Security Administrator", "Global Administrator"];
/// The roles that set passwords.
const PASSWORD_ROLES: Names =
    &["User Administrator", "Privileged Authentication Administrator", "Global Administrator"];

/// Whether the caller may carry the operation out at all. What an object's own protection says comes later.
pub(super) fn check(caller: &Caller, request: &Request, template: &str) -> Result<(), Refusal> {
    let method = request.method.as_str();
    let permitted = match (method, template) {
        ("PATCH", "/users/{id}") => updates_user(caller, request),
        ("PATCH", "/groups/{id}") => updates_group(caller, request),
        ("GET", "/users" | "/users/{id}" | "/users/$count") => reads_users(caller, request),
        _ => any(caller, needed(method, template, caller.user.is_some())),
    };
    let ranks = caller.user.is_none() || roles(method, template).is_none_or(|roles| holds(caller, roles));
    if permitted && ranks { Ok(()) } else { Err(Refusal::denied()) }
}

fn any(caller: &Caller, names: Option<Names>) -> bool {
    names.is_none_or(|names| names.iter().any(|name| caller.has(name)))
}

fn holds(caller: &Caller, roles: Names) -> bool {
    roles.iter().any(|role| caller.holds(role))
}

/// The permissions of which one is needed; none: nothing is, or there is no such operation.
fn needed(method: &str, template: &str, delegated: bool) -> Option<Names> {
    let names = match (method, template) {
        ("POST", "/users") => CREATE_USERS,
        ("DELETE", "/users/{id}" | "/groups/{id}/members/{member}" | "/directory/deletedItems/{id}")
        | (_, "/directory/deletedItems/{id}/restore") => DELETE_USERS,
        ("GET", "/users/delta" | "/users/{id}/manager") => READ_USERS,
        ("GET", path) if path.starts_with("/directory/deletedItems") => READ_DELETED,
        ("PUT" | "DELETE", "/users/{id}/manager/$ref") => WRITE_USERS,
        (_, "/users/{id}/assignLicense") if delegated => LICENSE_FOR_PERSONS,
        (_, "/users/{id}/assignLicense") => LICENSE,
        ("GET", "/users/{id}/licenseDetails" | "/subscribedSkus") => READ_LICENSES,
        (_, "/users/{id}/revokeSignInSessions") => REVOKE,
        ("GET", "/users/{id}/photo/$value") => READ_PHOTO,
        ("PUT", "/users/{id}/photo/$value") => WRITE_PHOTO,
        ("GET", "/users/{id}/memberOf") if delegated => READ_BELONGING,
        ("GET", "/users/{id}/memberOf") => READ_MEMBERS,
        (_, "/users/{id}/sendMail") => &["Mail.Send"],
        ("POST", "/groups") => {
            if delegated {
                WRITE_GROUPS
            } else {
                CREATE_GROUPS
            }
        }
        ("DELETE", "/groups/{id}") => WRITE_GROUPS,
        ("GET", "/groups" | "/groups/$count" | "/groups/delta" | "/groups/{id}") => READ_GROUPS,
        ("GET", path) if path.starts_with("/groups/{id}/members") => READ_MEMBERS,
        (_, path) if path.starts_with("/groups/{id}/members") => WRITE_MEMBERS,
        ("GET", path) if path.starts_with("/domains") => READ_DOMAINS,
        ("GET", "/organization") if !delegated => READ_ORGANIZATION,
        ("GET", "/auditLogs/directoryAudits") => &["AuditLog.Read.All"],
        _ => return None,
    };
    Some(names)
}

/// The roles of which a person needs one; none: everybody may.
fn roles(method: &str, template: &str) -> Option<Names> {
    match (method, template) {
        (_, "/auditLogs/directoryAudits") => Some(AUDIT_ROLES),
        ("GET", _) | (_, "/$batch" | "/users/{id}/sendMail") => None,
        (_, "/users/{id}/assignLicense") => Some(LICENSE_ROLES),
        (_, path) if path.starts_with("/groups") => Some(GROUP_ROLES),
        (_, path) if path.starts_with("/users") || path.starts_with("/directory") => Some(USER_ROLES),
        _ => None,
    }
}

/// `User.ReadBasic.All` reads a few properties only; of others Graph shows null, and the simulator refuses the request,
/// so that nobody takes it for an answer.
fn reads_users(caller: &Caller, request: &Request) -> bool {
    if any(caller, Some(READ_USERS)) || (caller.has(SELF) && is_self(caller, request)) {
        return true;
    }
    let options = request.options();
    let select = options.iter().find(|(name, _)| name == "$select");
    let basic =
        select.is_some_and(|(_, names)| names.split(',').all(|name| BASIC_PROPERTIES.contains(&name.trim())));
    basic && caller.has(BASIC)
}

/// Whether the request is for the person who signed in.
fn is_self(caller: &Caller, request: &Request) -> bool {
    let own = caller.user.map(|id| id.to_string());
    own.is_some() && own == request.segments().pop()
}

fn updates_user(caller: &Caller, request: &Request) -> bool {
    let properties = properties(request);
    let own = |name: &str| OWN_PERMISSION.iter().find(|(property, _)| *property == name);
    properties.iter().all(|name| match own(name) {
        None => any(caller, Some(UPDATE_USERS)),
        Some(("passwordProfile", permission)) => caller.has(permission) && holds(caller, PASSWORD_ROLES),
        Some(("accountEnabled" | "employeeLeaveDateTime", permission)) => {
            caller.has(permission) && any(caller, Some(READ_USERS))
        }
        Some((_, permission)) => caller.has(permission),
    })
}

fn updates_group(caller: &Caller, request: &Request) -> bool {
    let only_members = properties(request).iter().all(|name| name == "members@odata.bind");
    any(caller, Some(if only_members { WRITE_MEMBERS } else { WRITE_GROUPS }))
}

/// The properties that the body names. One that cannot be read names one without a permission of its own.
fn properties(request: &Request) -> Vec<String> {
    match serde_json::from_slice(&request.body) {
        Ok(Value::Object(members)) if !members.is_empty() => members.keys().cloned().collect(),
        _ => vec![String::new()],
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use uuid::Uuid;

    use super::super::application::PRACTICAL;
    use super::super::routes;
    use super::*;

    fn request(head: &str, body: &Value) -> Request {
        let (method, address) = head.split_once(' ').unwrap();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        Request {
            method: method.to_owned(),
            path: format!("/v1.0{path}"),
            query: query.to_owned(),
            headers: Vec::new(),
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            base: String::new(),
        }
    }

    fn may(caller: &Caller, head: &str, body: &Value) -> bool {
        let request = request(head, body);
        let route = routes::find(&request);
        check(caller, &request, route.template).is_ok()
    }

    fn caller(permissions: &str, role: &str) -> Caller {
        let list = |text: &str| text.split(", ").filter(|one| !one.is_empty()).map(str::to_owned).collect();
        Caller { permissions: list(permissions), roles: list(role), ..Caller::default() }
    }

    const OPERATIONS: [&str; 30] = [
        "GET /users",
        "GET /users/1",
        "GET /users/$count",
        "GET /users/delta",
        "POST /users",
        "PATCH /users/1",
        "DELETE /users/1",
        "GET /users/1/manager",
        "PUT /users/1/manager/$ref",
        "DELETE /users/1/manager/$ref",
        "POST /users/1/revokeSignInSessions",
        "POST /users/1/assignLicense",
        "GET /users/1/licenseDetails",
        "GET /users/1/photo/$value",
        "PUT /users/1/photo/$value",
        "GET /users/1/memberOf",
        "GET /groups",
        "POST /groups",
        "PATCH /groups/1",
        "DELETE /groups/1",
        "GET /groups/delta",
        "GET /groups/1/members",
        "POST /groups/1/members/$ref",
        "DELETE /groups/1/members/2/$ref",
        "GET /directory/deletedItems/microsoft.graph.user",
        "POST /directory/deletedItems/1/restore",
        "GET /subscribedSkus",
        "GET /domains",
        "GET /organization",
        "GET /auditLogs/directoryAudits",
    ];

    #[test]
    fn the_practical_set_does_everything_and_no_permission_does_nothing() {
        let all = caller(&PRACTICAL.join(", "), "User Administrator");
        let none = caller("", "Global Administrator");
        for head in OPERATIONS {
            assert!(may(&all, head, &json!({"department": "Sales"})), "{head}");
            assert!(!may(&none, head, &json!({"department": "Sales"})), "{head}");
        }
        assert!(!may(&all, "POST /users/1/sendMail", &Value::Null), "mail is not in it");
        assert!(may(&none, "POST /$batch", &Value::Null));
    }

    #[rstest]
    #[case("User.ReadWrite.All", "", "department", true)]
    #[case("User.ReadWrite.All", "", "accountEnabled", false)]
    #[case("User.EnableDisableAccount.All, User.Read.All", "", "accountEnabled", true)]
    #[case("User.EnableDisableAccount.All", "", "accountEnabled", false)]
    #[case("User.EnableDisableAccount.All, User.Read.All", "", "department", false)]
    #[case("User-PasswordProfile.ReadWrite.All", "", "passwordProfile", false)]
    #[case("User-PasswordProfile.ReadWrite.All", "User Administrator", "passwordProfile", true)]
    #[case("User.ReadWrite.All", "User Administrator", "passwordProfile", false)]
    #[case("User-Phone.ReadWrite.All", "", "mobilePhone", true)]
    #[case("User.ReadWrite.All", "", "mobilePhone", false)]
    #[case("User-Mail.ReadWrite.All", "", "otherMails", true)]
    fn a_change_takes_the_permission_of_its_property(
        #[case] permissions: &str,
        #[case] role: &str,
        #[case] property: &str,
        #[case] expected: bool,
    ) {
        let caller = caller(permissions, role);
        assert_eq!(may(&caller, "PATCH /users/1", &json!({property: true})), expected);
    }

    #[rstest]
    #[case("POST /users", "User Administrator", true)]
    #[case("POST /users", "", false)]
    #[case("POST /users/1/assignLicense", "License Administrator", true)]
    #[case("POST /users", "License Administrator", false)]
    #[case("POST /groups/1/members/$ref", "Groups Administrator", true)]
    #[case("GET /users", "", true)]
    #[case("GET /auditLogs/directoryAudits", "", false)]
    fn a_person_needs_the_role_as_well(#[case] head: &str, #[case] role: &str, #[case] expected: bool) {
        let person = Caller { user: Some(Uuid::nil()), ..caller(&PRACTICAL.join(", "), role) };
        assert_eq!(may(&person, head, &json!({})), expected);
    }

    #[test]
    fn a_person_reads_themselves_with_less() {
        let person = Caller { user: Some(Uuid::from_u128(7)), ..caller("User.Read", "") };
        assert!(may(&person, &format!("GET /users/{}", Uuid::from_u128(7)), &Value::Null));
        assert!(!may(&person, &format!("GET /users/{}", Uuid::from_u128(8)), &Value::Null));
        assert!(!may(&person, "GET /users", &Value::Null));
        assert!(may(&person, "GET /users/7/memberOf", &Value::Null));
        assert!(!may(&caller("User.Read", ""), "GET /users/7", &Value::Null), "an application is no person");
    }

    #[test]
    fn basic_reading_is_for_basic_properties() {
        let caller = caller(BASIC, "");
        assert!(may(&caller, "GET /users?$select=id,displayName", &Value::Null));
        assert!(!may(&caller, "GET /users?$select=id,accountEnabled", &Value::Null));
        assert!(!may(&caller, "GET /users", &Value::Null));
    }
}
