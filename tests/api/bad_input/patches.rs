//! PATCH requests that cannot be carried out: every operation or none.

use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_user, refused};
use crate::support::{Backend, GANGWAY, gangway};

type Case = (Value, &'static str, &'static str);

/// Whole bodies, the `scimType` and what the sentence says.
fn bodies() -> Vec<Case> {
    vec![
        (json!({}), "invalidSyntax", "Operations"),
        (json!({"Operations": "x"}), "invalidSyntax", "Operations"),
        (json!({"Operations": []}), "invalidSyntax", "Operations"),
        (json!({"Operations": null}), "invalidSyntax", "Operations"),
        (json!({"Operations": [42]}), "invalidSyntax", "operation"),
        (json!({"Operations": [], "operations": []}), "invalidSyntax", "Operations"),
    ]
}

/// Single operations, the `scimType` and what the sentence says.
fn operations() -> Vec<Case> {
    vec![
        (json!({"path": "title", "value": "x"}), "invalidSyntax", "op"),
        (json!({"op": "move", "path": "title", "value": "x"}), "invalidSyntax", "move"),
        (json!({"op": 7, "path": "title", "value": "x"}), "invalidSyntax", "op"),
        (json!({"op": "replace", "path": 7, "value": "x"}), "invalidPath", "path"),
        (json!({"op": "replace", "path": "name..x", "value": "x"}), "invalidPath", "position 0"),
        (json!({"op": "replace", "path": "noSuchThing", "value": "x"}), "invalidPath", "noSuchThing"),
        (json!({"op": "replace", "path": "name.noSuchThing", "value": "x"}), "invalidPath", "noSuchThing"),
        (json!({"op": "replace", "path": "emails[type eq]", "value": "x"}), "invalidPath", "position 14"),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"", "value": "x"}),
            "invalidPath",
            "position",
        ),
        (json!({"op": "replace", "path": "title[type eq \"work\"]", "value": "x"}), "invalidPath", "title"),
        (json!({"op": "remove"}), "noTarget", "path"),
        (
            json!({"op": "replace", "path": "phoneNumbers[type eq \"pager\"].display", "value": "x"}),
            "noTarget",
            "phoneNumbers",
        ),
        (json!({"op": "add", "path": "title"}), "invalidValue", "value"),
        (json!({"op": "replace", "path": "title"}), "invalidValue", "value"),
        (json!({"op": "add", "value": "x"}), "invalidValue", "object"),
        (json!({"op": "replace", "value": [1, 2]}), "invalidValue", "object"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability", "id"),
        (
            json!({"op": "replace", "path": "meta.created", "value": "2026-01-31T08:00:00Z"}),
            "mutability",
            "meta.created",
        ),
        (json!({"op": "add", "path": "groups", "value": [{"value": "g"}]}), "mutability", "groups"),
        (
            json!({"op": "replace", "path": format!("{GANGWAY}:syncStatus"), "value": "synced"}),
            "mutability",
            "syncStatus",
        ),
        (json!({"op": "remove", "path": "userName"}), "mutability", "userName"),
        (json!({"op": "replace", "path": "userName", "value": null}), "invalidValue", "userName"),
        (json!({"op": "replace", "path": "userName", "value": " "}), "invalidValue", "userName"),
        (json!({"op": "replace", "path": "active", "value": "maybe"}), "invalidValue", "active"),
        (
            json!({"op": "replace", "path": "emails[type eq \"work\"].primary", "value": 3}),
            "invalidValue",
            "emails.primary",
        ),
        (json!({"op": "replace", "path": "title", "value": "a\u{0}"}), "invalidValue", "title"),
        (json!({"op": "replace", "path": "title", "VALUE": "a", "value": "b"}), "invalidSyntax", "value"),
    ]
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_patch_that_cannot_be_carried_out_changes_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_user(&gangway).await;
    let before = World::of(&gangway).await;
    for (body, scim_type, says) in bodies() {
        let answer = gangway.scim().patch(&path, &body).await;
        refused(&answer, 400, Some(scim_type), says, &body.to_string());
    }
    for (operation, scim_type, says) in operations() {
        let alone = json!({ "Operations": [&operation] });
        let answer = gangway.scim().patch(&path, &alone).await;
        refused(&answer, 400, Some(scim_type), says, &alone.to_string());

        let good = json!({"op": "replace", "path": "title", "value": "Changed"});
        let last = json!({ "Operations": [good, &operation] });
        let answer = gangway.scim().patch(&path, &last).await;
        let says = if is_judged_at_the_end(&operation) { says } else { "Operation 2" };
        refused(&answer, 400, Some(scim_type), says, &last.to_string());
    }
    assert_eq!(World::of(&gangway).await, before);
}

/// What must hold of the user after the last operation is no fault of one of them.
fn is_judged_at_the_end(operation: &Value) -> bool {
    operation["value"] == " "
}
