//! A user as a client sees it.

use serde_json::{Map, Value, json};

use super::prefer::etag;
use crate::directory::users::{SyncStatus, UserView};
use crate::scim::schema::GANGWAY_USER;
use crate::scim::{Identity, Projection, USER, render};

/// The whole representation, before any projection: what a filter looks at. A user of whom nobody has said
/// whether it is active is, and is found so.
pub(super) fn whole(view: &UserView, base_url: &str) -> Map<String, Value> {
    let mut read_only = sync(view);
    read_only.insert("active".to_owned(), json!(view.resource.is_active()));
    representation(view, base_url, read_only)
}

/// The answer to a read. `syncStatus`, `syncError` and `accountId` are there when they are asked for, and unasked
/// while Microsoft 365 is behind: whoever reads such a user must see it.
pub(super) fn read(view: &UserView, base_url: &str, projection: &Projection) -> Value {
    projected(view, base_url, projection, view.is_behind)
}

/// The answer to a push that wrote a whole resource: it always says how far Microsoft 365 has followed.
pub(super) fn pushed(view: &UserView, base_url: &str, projection: &Projection) -> Value {
    projected(view, base_url, projection, true)
}

/// The answer to a push that changed a part: it says so unless all is well.
pub(super) fn patched(view: &UserView, base_url: &str, projection: &Projection) -> Value {
    projected(view, base_url, projection, view.status != SyncStatus::Synced)
}

fn projected(view: &UserView, base_url: &str, projection: &Projection, shown: bool) -> Value {
    let read_only = if shown || projection.is_explicit() { sync(view) } else { Map::new() };
    let representation = representation(view, base_url, read_only);
    Value::Object(if shown {
        projection.clone().with_on_request().apply(representation)
    } else {
        projection.apply(representation)
    })
}

fn representation(view: &UserView, base_url: &str, read_only: Map<String, Value>) -> Map<String, Value> {
    let id = view.id.to_string();
    let identity = Identity {
        location: format!("{base_url}/Users/{id}"),
        id,
        created: view.created_at,
        last_modified: view.updated_at,
        version: etag(view.version),
    };
    render(&USER, &view.resource, &identity, read_only)
}

/// What the server fills in.
fn sync(view: &UserView) -> Map<String, Value> {
    let mut extension = Map::new();
    extension.insert("syncStatus".to_owned(), json!(view.status.as_str()));
    if let Some(error) = &view.error {
        extension.insert("syncError".to_owned(), json!(error));
    }
    if let Some(account) = &view.account_id {
        extension.insert("accountId".to_owned(), json!(account));
    }
    Map::from_iter([(GANGWAY_USER.id.to_owned(), Value::Object(extension))])
}
