//! The names of a document's fields, and a document cut down to some of them.

use serde_json::{Map, Value};

/// Every field of a document, with a dot before what lies inside another.
const KNOWN: &[&str] = &[
    "id",
    "@version",
    "event_type",
    "timestamp",
    "service",
    "organization",
    "provider",
    "success",
    "error_message",
    "initiated_by",
    "initiated_by.type",
    "initiated_by.id",
    "initiated_by.source",
    "initiated_by.source_metadata",
    "resource",
    "resource.type",
    "resource.id",
    "resource.username",
    "target_resource",
    "target_resource.type",
    "target_resource.id",
    "application",
    "application.id",
    "application.name",
    "changes",
    "changes.field",
    "changes.from",
    "changes.to",
    "message_chain",
    "message_chain.response_code",
    "message_chain.response_message",
    "message_chain.message_details",
    "correlation",
    "correlation.id",
    "correlation.type",
    "correlation.graph_request_id",
    "correlation.client_request_id",
    "client_ip",
    "useragent",
];

/// Fields whose insides are not Gangway's to name.
const OPEN: &[&str] = &["initiated_by.source_metadata.", "changes.from.", "changes.to."];

/// Whether a document can have this field.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
        || OPEN.iter().any(|open| name.strip_prefix(open).is_some_and(|rest| !rest.is_empty()))
}

/// `document` with nothing but `names`, each where it was; what it does not have is left out.
pub(crate) fn project(document: &Value, names: &[&str]) -> Value {
    match document {
        Value::Object(map) => {
            let kept =
                map.iter().filter_map(|(key, value)| Some((key.clone(), project_member(key, value, names)?)));
            Value::Object(kept.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| project(item, names)).collect(),
        scalar => scalar.clone(),
    }
}

fn project_member(key: &str, value: &Value, names: &[&str]) -> Option<Value> {
    if names.contains(&key) {
        return Some(value.clone());
    }
    let inside: Vec<&str> =
        names.iter().filter_map(|name| name.strip_prefix(key)?.strip_prefix('.')).collect();
    let has_inside = !inside.is_empty() && (value.is_object() || value.is_array());
    has_inside.then(|| project(value, &inside))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::insights::document::tests::full;

    fn names(value: &Value, before: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let name = format!("{before}{key}");
                    names(value, &format!("{name}."), found);
                    found.push(name);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, before, found)),
            _ => {}
        }
    }

    #[test]
    fn the_known_fields_are_those_of_a_full_document() {
        let mut found = Vec::new();
        names(&full().document(), "", &mut found);
        assert!(found.iter().all(|name| is_known(name)), "{found:?}");
        assert!(KNOWN.iter().all(|name| found.iter().any(|found| found == name)), "{found:?}");
    }

    #[test]
    fn a_projection_keeps_what_is_named_and_its_place() {
        let document = full().document();
        let table = [
            (vec!["id"], json!({"id": document["id"]})),
            (
                vec!["resource.username", "resource.id", "success"],
                json!({"success": false, "resource": {"id": "u-1", "username": "ann@contoso.example"}}),
            ),
            (vec!["application.name", "application"], json!({"application": document["application"]})),
            (vec!["changes.field"], json!({"changes": [{"field": "jobTitle"}]})),
            (
                vec!["initiated_by.source_metadata.name"],
                json!({"initiated_by": {"source_metadata": {"name": "okta"}}}),
            ),
            (vec!["client_ip.x"], json!({})),
        ];
        for (names, expected) in table {
            assert_eq!(project(&document, &names), expected, "{names:?}");
        }
    }
}
