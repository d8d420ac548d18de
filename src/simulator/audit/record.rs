//! What an operation is called in the audit log, and whom and what it concerns.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::account::{self, Account};
use super::super::caller::Caller;
use super::super::group::Group;
use super::super::message::Request;
use super::super::object::Object as _;
use super::super::routes::Route;
use super::super::service::Service;

/// What a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
    /// Of either type, among the deleted items.
    Deleted,
}

impl Kind {
    /// The kind of a write that the log tells of.
    pub(super) fn of(method: &str, template: &str) -> Option<Self> {
        if method == "GET" || template.ends_with("/sendMail") {
            return None;
        }
        let first = template.split('/').nth(1).unwrap_or_default();
        match first {
            "users" => Some(Self::User),
            "groups" => Some(Self::Group),
            "directory" => Some(Self::Deleted),
            _ => None,
        }
    }
}

/// An object that a write concerns, as it was at one time.
#[derive(Clone, Debug)]
pub(super) enum Target {
    User(Arc<Account>),
    Group(Arc<Group>),
}

impl Target {
    /// The object with this key, deleted or not.
    pub(super) fn find(service: &Service, kind: Kind, key: &str) -> Option<Self> {
        let now = service.clock.millis();
        let directory = service.latest();
        let deleted = Uuid::parse_str(key).ok();
        let user = || directory.find(key).or_else(|| directory.find_deleted(deleted?, now)).cloned();
        let group = || {
            let found = directory.group(key).ok();
            found.or_else(|| directory.find_deleted_group(deleted?, now)).cloned()
        };
        match kind {
            Kind::User => user().map(Self::User),
            Kind::Group => group().map(Self::Group),
            Kind::Deleted => user().map(Self::User).or_else(|| group().map(Self::Group)),
        }
    }

    pub(super) fn id(&self) -> Uuid {
        match self {
            Self::User(account) => account.id,
            Self::Group(group) => group.id,
        }
    }

    fn properties(&self) -> Map<String, Value> {
        match self {
            Self::User(account) => {
                let mut all = account.properties.clone();
                all.insert("AssignedLicense".to_owned(), account.shown("assignedLicenses", ""));
                all.extend(account.manager.map(|id| ("Manager".to_owned(), json!(id))));
                all
            }
            Self::Group(group) => group.properties.clone(),
        }
    }

    /// The item of `targetResources`.
    fn shown(&self, modified: &[Value]) -> Value {
        match self {
            Self::User(account) => json!({
                "id": account.id,
                "displayName": null,
                "type": "User",
                "userPrincipalName": account.upn(),
                "groupType": null,
                "modifiedProperties": modified,
            }),
            Self::Group(group) => json!({
                "id": group.id,
                "displayName": group.text("displayName"),
                "type": "Group",
                "userPrincipalName": null,
                "groupType": if group.is_unified() { "unifiedGroups" } else { "azureAD" },
                "modifiedProperties": modified,
            }),
        }
    }
}

/// One thing that a write did.
#[derive(Debug)]
pub(super) struct Activity {
    name: &'static str,
    operation: &'static str,
    category: &'static str,
    targets: Vec<Value>,
}

/// What the write did, from what the object was before and is now.
pub(super) fn activities(
    service: &Service,
    request: &Request,
    route: &Route,
    kind: Kind,
    (before, after): (Option<&Target>, Option<&Target>),
) -> Vec<Activity> {
    let Some(target) = after.or(before) else {
        return Vec::new();
    };
    let modified = modified(before, after);
    let category = if matches!(target, Target::User(_)) { "UserManagement" } else { "GroupManagement" };
    let activity =
        |name, operation| Activity { name, operation, category, targets: vec![target.shown(&modified)] };
    let is_user = matches!(target, Target::User(_));
    let of = |user: &'static str, group: &'static str| if is_user { user } else { group };
    match (request.method.as_str(), route.template) {
        ("POST", "/users" | "/groups") => vec![activity(of("Add user", "Add group"), "Add")],
        ("DELETE", "/users/{id}" | "/groups/{id}") => {
            vec![activity(of("Delete user", "Delete group"), "Delete")]
        }
        ("DELETE", _) if kind == Kind::Deleted => {
            vec![activity(of("Hard Delete user", "Hard Delete group"), "Delete")]
        }
        ("POST", _) if kind == Kind::Deleted => vec![activity(of("Restore user", "Restore Group"), "Add")],
        ("POST", "/users/{id}/assignLicense") => vec![activity("Change user license", "Update")],
        ("POST", "/users/{id}/revokeSignInSessions") => {
            vec![activity("Update StsRefreshTokenValidFrom Timestamp", "Update")]
        }
        ("PUT", "/users/{id}/manager/$ref") => vec![activity("Set user manager", "Update")],
        ("DELETE", "/users/{id}/manager/$ref") => vec![activity("Remove user's manager", "Update")],
        ("PATCH", "/users/{id}") => {
            updates(before, after).into_iter().map(|name| activity(name, "Update")).collect()
        }
        ("POST", "/groups/{id}/members/$ref") => membership(service, request, target, &[]),
        ("DELETE", "/groups/{id}/members/{member}/$ref") => {
            membership(service, request, target, route.ids.get(1..).unwrap_or_default())
        }
        ("PATCH", "/groups/{id}") => {
            let mut all = membership(service, request, target, &[]);
            if all.is_empty() || !modified.is_empty() {
                all.push(activity("Update group", "Update"));
            }
            all
        }
        _ => vec![activity(of("Update user", "Update group"), "Update")],
    }
}

/// A change of a user may be several activities.
fn updates(before: Option<&Target>, after: Option<&Target>) -> Vec<&'static str> {
    let (Some(Target::User(before)), Some(Target::User(after))) = (before, after) else {
        return vec!["Update user"];
    };
    let mut names = Vec::new();
    if before.enabled() != after.enabled() {
        names.push(if after.enabled() { "Enable account" } else { "Disable account" });
    }
    let changed = |name: &str| before.properties.get(name) != after.properties.get(name);
    if before.password != after.password {
        names.push("Reset user password");
    }
    let told = ["accountEnabled", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime"];
    let others = before.properties.keys().chain(after.properties.keys());
    if names.is_empty() || others.filter(|name| !told.contains(&name.as_str())).any(|name| changed(name)) {
        names.push("Update user");
    }
    names
}

/// Members that a body names were added, the one in the path was removed. Each is an activity of two targets.
fn membership(service: &Service, request: &Request, group: &Target, removed: &[String]) -> Vec<Activity> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let bound = body.get("members@odata.bind").and_then(Value::as_array).into_iter().flatten();
    let named = bound.chain(body.get("@odata.id")).filter_map(Value::as_str);
    let added: Vec<String> = named.filter_map(|url| url.rsplit('/').next()).map(str::to_owned).collect();
    let (ids, name, operation) = match removed {
        [] => (added.as_slice(), "Add member to group", "Assign"),
        ids => (ids, "Remove member from group", "Unassign"),
    };
    let one = |id: &String| {
        let member = Target::find(service, Kind::Deleted, id)?;
        let group_id = format!("\"{}\"", group.id());
        let (old, new) = if removed.is_empty() { (None, Some(group_id)) } else { (Some(group_id), None) };
        let modified = [json!({ "displayName": "Group.ObjectID", "oldValue": old, "newValue": new })];
        let targets = vec![member.shown(&modified), group.shown(&[])];
        Some(Activity { name, operation, category: "GroupManagement", targets })
    };
    ids.iter().filter_map(one).collect()
}

/// `modifiedProperties`: the values as the log writes them, each a list in a text.
fn modified(before: Option<&Target>, after: Option<&Target>) -> Vec<Value> {
    let (old, new) = (
        before.map(Target::properties).unwrap_or_default(),
        after.map(Target::properties).unwrap_or_default(),
    );
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    let text =
        |value: Option<&Value>| value.map_or_else(|| "[]".to_owned(), |value| json!([value]).to_string());
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| {
            let mut shown = name.clone();
            if let Some(first) = shown.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            json!({ "displayName": shown, "oldValue": text(old.get(name)), "newValue": text(new.get(name)) })
        })
        .collect()
}

impl Activity {
    /// The entry; with a reason, if it failed.
    pub(super) fn entry(
        &self,
        service: &Service,
        request: &Request,
        caller: &Caller,
        id: Uuid,
        failure: Option<&str>,
    ) -> Value {
        let correlation = request.header("client-request-id").filter(|text| Uuid::parse_str(text).is_ok());
        json!({
            "id": format!("Directory_{id}"),
            "category": self.category,
            "correlationId": correlation.map_or_else(|| id.to_string(), str::to_owned),
            "result": if failure.is_some() { "failure" } else { "success" },
            "resultReason": failure.unwrap_or_default(),
            "activityDisplayName": self.name,
            "activityDateTime": account::seconds(service.clock.millis()),
            "loggedByService": "Core Directory",
            "operationType": self.operation,
            "initiatedBy": initiator(service, caller),
            "targetResources": self.targets,
            "additionalDetails": [],
        })
    }
}

fn initiator(service: &Service, caller: &Caller) -> Value {
    let person = caller.user.and_then(|id| service.read().find(&id.to_string()).cloned());
    if let Some(person) = person {
        return json!({ "app": null, "user": {
            "id": person.id,
            "displayName": person.text("displayName"),
            "userPrincipalName": person.upn(),
            "ipAddress": "127.0.0.1",
        }});
    }
    let name = service.login.app(caller.app).map(|app| app.display_name);
    json!({ "user": null, "app": {
        "appId": caller.app,
        "displayName": name,
        "servicePrincipalId": caller.app,
        "servicePrincipalName": null,
    }})
}
