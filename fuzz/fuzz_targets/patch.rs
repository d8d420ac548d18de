//! Any resource under any PATCH, both as JSON with a line between them: no panic, and what a PATCH leaves is a resource like
//! any other, without members in it. `src/scim/patch/tests/random.rs` asserts the same of random requests made of the
//! schemas' words. Run with `cargo fuzz run patch`.
#![no_main]

use gangway::scim::patch::{self, PatchRequest, Patched};
use gangway::scim::{Dialect, Error, GROUP, GroupInput, GroupPatch, Resource, ResourceType, USER};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: (bool, bool, &str)| {
    let (is_group, is_entra, text) = input;
    let dialect = if is_entra { Dialect::Entra } else { Dialect::Auto };
    let Some((body, operations)) = text.split_once('\n') else {
        return;
    };
    let (Ok(body), Ok(operations)) = (serde_json::from_str(body), serde_json::from_str(operations)) else {
        return;
    };
    if is_group {
        if let Ok(Some(patched)) = group(body, operations, dialect) {
            stands(&GROUP, &patched, dialect);
            assert_eq!(patched.resource.get("members"), None);
        }
    } else if let Ok(patched) = user(body, operations, dialect) {
        stands(&USER, &patched, dialect);
    }
});

fn user(body: Value, operations: Value, dialect: Dialect) -> Result<Patched, Error> {
    let before = Resource::parse(&USER, body, dialect)?.resource;
    patch::apply(&USER, &before, &PatchRequest::parse(operations, dialect)?, dialect)
}

fn group(body: Value, operations: Value, dialect: Dialect) -> Result<Option<Patched>, Error> {
    let before = GroupInput::parse(body, dialect)?.resource;
    let request = GroupPatch::parse(operations, dialect)?.attributes;
    request.map(|request| patch::apply(&GROUP, &before, &request, dialect)).transpose()
}

fn stands(rt: &'static ResourceType, patched: &Patched, dialect: Dialect) {
    let body = Value::Object(patched.resource.as_map().clone());
    let read = Resource::parse(rt, body, dialect).expect("what a PATCH leaves can be read");
    assert!(read.ignored.is_empty(), "{:?}", read.ignored);
    assert!(read.resource.same_as(&patched.resource));
}
