//! A group as a client sees it. Its members are not in here: there may be very many, and they are read as they are sent.

use serde_json::{Map, Value, json};

use super::{Told, projected, reference_sample, sync};
use crate::directory::groups::GroupView;
use crate::directory::{Member, MemberKind};
use crate::http::scim::pour::Piece;
use crate::http::scim::prefer::etag;
use crate::scim::schema::GANGWAY_GROUP;
use crate::scim::{GROUP, Identity, Projection, render};

const MEMBERS: &str = "members";

/// The whole representation but for the members, before any projection: what a filter looks at.
pub(in crate::http::scim) fn whole(view: &GroupView, base_url: &str) -> Map<String, Value> {
    representation(view, base_url, synced(view))
}

/// As it is answered. The members have a piece of their own, where they are wanted.
pub(in crate::http::scim) fn shown(
    view: &GroupView,
    base_url: &str,
    projection: &Projection,
    told: Told,
) -> Vec<Piece> {
    let is_due = told.is_due(view.status, view.is_behind);
    let mut read_only = if is_due || projection.is_explicit() { synced(view) } else { Map::new() };
    // It stands where the members come, and goes where the projection does not want them.
    read_only.insert(MEMBERS.to_owned(), json!([reference_sample()]));
    let shown = projected(representation(view, base_url, read_only), projection, is_due);
    if !shown.contains_key(MEMBERS) {
        return vec![Piece::Text(Value::Object(shown).to_string())];
    }
    let (mut before, mut after) = (Map::new(), Map::new());
    let mut is_before = true;
    for (name, value) in shown {
        match name.as_str() {
            MEMBERS => is_before = false,
            _ if is_before => drop(before.insert(name, value)),
            _ => drop(after.insert(name, value)),
        }
    }
    vec![Piece::Text(opened(before)), Piece::Members(view.id), Piece::Text(closed(after))]
}

/// A list of these members, as much of it as is wanted.
pub(in crate::http::scim) fn members(
    members: &[Member],
    base_url: &str,
    projection: &Projection,
) -> Vec<Value> {
    let elements: Vec<Value> = members.iter().map(|member| element(member, base_url)).collect();
    let all = Map::from_iter([(MEMBERS.to_owned(), Value::Array(elements))]);
    match projection.apply(all).swap_remove(MEMBERS) {
        Some(Value::Array(elements)) => elements,
        _ => Vec::new(),
    }
}

fn element(member: &Member, base_url: &str) -> Value {
    let kind = match member.kind {
        MemberKind::User => "User",
        MemberKind::Group => "Group",
    };
    let mut element = Map::with_capacity(4);
    element.insert("value".to_owned(), json!(member.id.to_string()));
    element.insert("$ref".to_owned(), json!(format!("{base_url}/{kind}s/{}", member.id)));
    if let Some(display) = &member.display {
        element.insert("display".to_owned(), json!(display));
    }
    element.insert("type".to_owned(), json!(kind));
    Value::Object(element)
}

fn representation(view: &GroupView, base_url: &str, read_only: Map<String, Value>) -> Map<String, Value> {
    let id = view.id.to_string();
    let identity = Identity {
        location: format!("{base_url}/Groups/{id}"),
        id,
        created: view.created_at,
        last_modified: view.updated_at,
        version: etag(view.version),
    };
    render(&GROUP, &view.resource, &identity, read_only)
}

/// What the server says of the group in Microsoft 365.
fn synced(view: &GroupView) -> Map<String, Value> {
    let extension = sync(view.status, view.error.as_deref(), ("groupId", view.object_id.as_deref()));
    Map::from_iter([(GANGWAY_GROUP.id.to_owned(), Value::Object(extension))])
}

/// The text of an object that goes on: without the brace at its end.
pub(in crate::http::scim) fn opened(object: Map<String, Value>) -> String {
    let mut text = Value::Object(object).to_string();
    text.pop();
    text
}

/// The text of the rest of an object that has something already.
fn closed(rest: Map<String, Value>) -> String {
    if rest.is_empty() {
        return "}".to_owned();
    }
    let mut text = Value::Object(rest).to_string();
    text.replace_range(..1, ",");
    text
}
