//! A user as a client sees it.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Told, projected, sync};
use crate::directory::GroupRef;
use crate::directory::users::UserView;
use crate::http::scim::prefer::etag;
use crate::scim::schema::{ENTERPRISE_USER, GANGWAY_USER};
use crate::scim::{Identity, Projection, USER, render};

/// The whole representation, before any projection: what a filter looks at. A user of whom nobody has said
/// whether it is active is, and is found so.
pub(in crate::http::scim) fn whole(view: &UserView, base_url: &str) -> Map<String, Value> {
    let mut read_only = synced(view);
    read_only.insert("active".to_owned(), json!(view.resource.is_active()));
    representation(view, base_url, read_only)
}

/// As it is answered.
pub(in crate::http::scim) fn shown(
    view: &UserView,
    base_url: &str,
    projection: &Projection,
    told: Told,
) -> Value {
    let is_due = told.is_due(view.status, view.is_behind);
    let read_only = if is_due || projection.is_explicit() { synced(view) } else { Map::new() };
    Value::Object(projected(representation(view, base_url, read_only), projection, is_due))
}

fn representation(view: &UserView, base_url: &str, mut read_only: Map<String, Value>) -> Map<String, Value> {
    let id = view.id.to_string();
    let identity = Identity {
        location: format!("{base_url}/Users/{id}"),
        id,
        created: view.created_at,
        last_modified: view.updated_at,
        version: etag(view.version),
    };
    if !view.groups.is_empty() {
        let groups: Vec<Value> = view.groups.iter().map(|group| in_group(group, base_url)).collect();
        read_only.insert("groups".to_owned(), Value::Array(groups));
    }
    if let Some(manager) = manager(view, base_url) {
        read_only.insert(ENTERPRISE_USER.id.to_owned(), json!({ "manager": manager }));
    }
    render(&USER, &view.resource, &identity, read_only)
}

fn in_group(group: &GroupRef, base_url: &str) -> Value {
    json!({
        "value": group.group.to_string(),
        "$ref": format!("{base_url}/Groups/{}", group.group),
        "display": group.display,
        "type": if group.direct { "direct" } else { "indirect" },
    })
}

/// The manager with the address of its user. What is no id of ours is left as the client has sent it.
fn manager(view: &UserView, base_url: &str) -> Option<Value> {
    let manager = view.resource.extension(ENTERPRISE_USER.id)?.get("manager")?.as_object()?;
    let id = Uuid::try_parse(manager.get("value")?.as_str()?).ok()?;
    let mut manager = manager.clone();
    manager.insert("$ref".to_owned(), json!(format!("{base_url}/Users/{id}")));
    Some(Value::Object(manager))
}

/// What the server says of the account.
fn synced(view: &UserView) -> Map<String, Value> {
    let extension = sync(view.status, view.error.as_deref(), ("accountId", view.account_id.as_deref()));
    Map::from_iter([(GANGWAY_USER.id.to_owned(), Value::Object(extension))])
}
