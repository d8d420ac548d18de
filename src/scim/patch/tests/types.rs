//! Wrong types at every attribute of every schema, by every way that a PATCH has; generated from the schemas.

use serde_json::{Value, json};

use super::super::*;
use crate::scim::resource::tests::misfits;
use crate::scim::schema::{Attribute, Schema};
use crate::scim::{GROUP, GroupInput, GroupPatch, ResourceType, USER};

fn patched(rt: &'static ResourceType, operation: &Value) -> Result<(), Error> {
    let body = json!({"Operations": [operation]});
    let request = if std::ptr::eq(rt, &raw const GROUP) {
        GroupPatch::parse(body, Dialect::Auto)?.attributes
    } else {
        Some(PatchRequest::parse(body, Dialect::Auto)?)
    };
    let Some(request) = request else {
        return Ok(());
    };
    let before = json!({"userName": "ann", "displayName": "Ann"});
    let before = Resource::parse(rt, before, Dialect::Auto).unwrap().resource;
    apply(rt, &before, &request, Dialect::Auto).map(drop)
}

/// An attribute, or a part of one, with the ways to name it in a path.
struct Place {
    rt: &'static ResourceType,
    schema: &'static Schema,
    attribute: &'static Attribute,
    sub: Option<&'static Attribute>,
}

impl Place {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for rt in [&USER, &GROUP] {
            for schema in rt.schemas() {
                for attribute in schema.attributes {
                    let subs = attribute.sub_attributes.iter().map(Some);
                    all.extend(std::iter::once(None).chain(subs).map(|sub| Self {
                        rt,
                        schema,
                        attribute,
                        sub,
                    }));
                }
            }
        }
        all
    }

    fn leaf(&self) -> &'static Attribute {
        self.sub.unwrap_or(self.attribute)
    }

    fn is_read_only(&self) -> bool {
        self.attribute.is_read_only() || self.leaf().is_read_only()
    }

    fn paths(&self) -> Vec<String> {
        let whole = format!("{}:{}", self.schema.id, self.attribute.name);
        let Some(sub) = self.sub else {
            return vec![whole];
        };
        let mut paths = vec![format!("{whole}.{}", sub.name)];
        if self.attribute.multi_valued {
            let by = self.attribute.sub_attributes.iter().find(|other| other.name == "type");
            paths.extend(by.map(|by| format!("{whole}[{} eq \"work\"].{}", by.name, sub.name)));
        }
        paths
    }

    /// A value without path that has `value` here.
    fn nested(&self, value: &Value) -> Value {
        let value = match self.sub {
            Some(sub) => json!({sub.name: value}),
            None => value.clone(),
        };
        let own = json!({self.attribute.name: value});
        if self.schema.is_extension() { json!({self.schema.id: own}) } else { own }
    }
}

#[test]
fn a_wrong_type_is_refused_by_every_way() {
    let mut checked = 0;
    for place in Place::all() {
        for value in misfits(place.leaf().kind) {
            for op in ["add", "replace"] {
                for path in place.paths() {
                    let operation = json!({"op": op, "path": path, "value": value});
                    let error = patched(place.rt, &operation).expect_err(&operation.to_string());
                    let expected: &[ErrorKind] = match (place.is_read_only(), path.contains('[')) {
                        (true, _) => &[ErrorKind::Mutability],
                        (false, false) => &[ErrorKind::InvalidValue],
                        // There is no such value to replace, whatever with.
                        (false, true) => &[ErrorKind::InvalidValue, ErrorKind::NoTarget],
                    };
                    assert!(expected.contains(&error.kind), "{operation}: {error}");
                    checked += 1;
                }
                let operation = json!({"op": op, "value": place.nested(&value)});
                match patched(place.rt, &operation) {
                    Ok(()) => assert!(place.is_read_only(), "{operation}"),
                    Err(error) => assert_eq!(error.kind, ErrorKind::InvalidValue, "{operation}: {error}"),
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 2_000, "{checked}");
}

#[test]
fn what_is_read_only_or_required_cannot_be_removed() {
    for place in Place::all() {
        for path in place.paths() {
            let operation = json!({"op": "remove", "path": path});
            let outcome = patched(place.rt, &operation);
            let is_id = place.attribute.name == "members" && place.leaf().name == "value";
            if place.is_read_only() || place.leaf().required || is_id {
                assert_eq!(outcome.expect_err(&path).kind, ErrorKind::Mutability, "{path}");
            } else {
                outcome.unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        }
    }
}

#[test]
fn a_body_of_a_group_refuses_wrong_types() {
    let mut checked = 0;
    for place in Place::all().into_iter().filter(|place| std::ptr::eq(place.rt, &raw const GROUP)) {
        for value in misfits(place.leaf().kind) {
            let mut body = place.nested(&value);
            if body.get("displayName").is_none() {
                body["displayName"] = "Sales".into();
            }
            match GroupInput::parse(body.clone(), Dialect::Auto) {
                Ok(_) => assert!(place.is_read_only(), "{body}"),
                Err(error) => assert_eq!(error.kind, ErrorKind::InvalidValue, "{body}: {error}"),
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
}
