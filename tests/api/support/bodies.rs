//! Bodies of SCIM requests, in short.

use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const GANGWAY: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User";
pub(crate) const GANGWAY_GROUP: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A user "given.family" of contoso.example.
pub(crate) fn user(local: &str) -> Value {
    let capital = |part: &str| {
        let (first, rest) = part.split_at(1);
        first.to_uppercase() + rest
    };
    let (given, family) = local.split_once('.').unwrap_or((local, "berg"));
    json!({
        "schemas": [USER],
        "userName": format!("{local}@contoso.example"),
        "name": {"givenName": capital(given), "familyName": capital(family)},
    })
}

/// A group of these members.
pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

/// A PATCH that adds members, or removes them.
pub(crate) fn members(op: &str, ids: &[&str]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    patch([json!({"op": op, "path": "members", "value": members})])
}

/// A PATCH of these operations.
pub(crate) fn patch(operations: impl IntoIterator<Item = Value>) -> Value {
    let operations: Vec<Value> = operations.into_iter().collect();
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// A PATCH that replaces what is at one path.
pub(crate) fn replace(path: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    patch([json!({"op": "replace", "path": path, "value": value})])
}

/// The path of an attribute of Gangway's extension.
pub(crate) fn extension(name: &str) -> String {
    format!("{GANGWAY}:{name}")
}
