//! From a resource to what a client sees (RFC 7643 §3).

use serde_json::{Map, Value, json};

use super::resource::Resource;
use super::schema::ResourceType;
use crate::clock::rfc3339;

/// What the server knows of a resource beside its attributes (RFC 7643 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `id`.
    pub id: String,
    /// `meta.created`, in milliseconds since the Unix epoch.
    pub created: i64,
    /// `meta.lastModified`, in milliseconds since the Unix epoch.
    pub last_modified: i64,
    /// `meta.version`: the `ETag` as it stands in the header, quotes and `W/` included.
    pub version: String,
    /// `meta.location`: the absolute URI.
    pub location: String,
}

/// The whole representation, before any projection: `schemas` first, `meta` last, everything in canonical order.
///
/// `read_only` holds the attributes that the server fills in, in the shape of a resource: `groups` at the top,
/// `syncStatus` and its like in an object under the extension's URN. Where both have an attribute, it wins.
pub fn render(
    rt: &ResourceType,
    resource: &Resource,
    identity: &Identity,
    mut read_only: Map<String, Value>,
) -> Map<String, Value> {
    let own = resource.as_map();
    let mut out = Map::with_capacity(own.len() + read_only.len() + 3);
    out.insert("schemas".to_owned(), Value::Null);
    out.insert("id".to_owned(), identity.id.as_str().into());
    if let Some(external_id) = own.get("externalId") {
        out.insert("externalId".to_owned(), external_id.clone());
    }
    for attribute in rt.schema.attributes {
        let value = read_only.swap_remove(attribute.name).or_else(|| own.get(attribute.name).cloned());
        if let Some(value) = value.filter(is_assigned) {
            out.insert(attribute.name.to_owned(), value);
        }
    }
    let mut schemas = vec![Value::from(rt.schema.id)];
    for (schema, _) in rt.extensions {
        let mut given = match read_only.swap_remove(schema.id) {
            Some(Value::Object(given)) => given,
            _ => Map::new(),
        };
        let own = resource.extension(schema.id);
        let mut object = Map::new();
        for attribute in schema.attributes {
            let value = given.swap_remove(attribute.name).or_else(|| own?.get(attribute.name).cloned());
            if let Some(value) = value.filter(is_assigned) {
                object.insert(attribute.name.to_owned(), value);
            }
        }
        if !object.is_empty() {
            schemas.push(schema.id.into());
            out.insert(schema.id.to_owned(), Value::Object(object));
        }
    }
    out.insert("schemas".to_owned(), Value::Array(schemas));
    out.insert("meta".to_owned(), meta(rt, identity));
    out
}

/// RFC 7643 §2.5: null and the empty list are the absence of a value.
fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        _ => true,
    }
}

fn meta(rt: &ResourceType, identity: &Identity) -> Value {
    json!({
        "resourceType": rt.name,
        "created": rfc3339(identity.created),
        "lastModified": rfc3339(identity.last_modified),
        "location": identity.location,
        "version": identity.version,
    })
}

#[cfg(test)]
pub(in crate::scim) mod tests {
    use super::*;
    use crate::scim::{Dialect, GROUP, USER};

    pub(in crate::scim) fn identity() -> Identity {
        Identity {
            id: "2819c223".to_owned(),
            created: 1_700_000_000_120,
            last_modified: 1_700_000_001_000,
            version: "W/\"3\"".to_owned(),
            location: "https://bridge.example/scim/v2/Users/2819c223".to_owned(),
        }
    }

    fn names(map: &Map<String, Value>) -> Vec<&str> {
        map.keys().map(String::as_str).collect()
    }

    #[test]
    fn the_order_is_canonical_and_read_only_attributes_are_merged() {
        let body = json!({
            "urn:ietf:params:scim:schemas:extension:gangway:2.0:User": {"usageLocation": "NO"},
            "emails": [{"value": "ann@contoso.example"}],
            "USERNAME": "ann@contoso.example",
            "externalId": "e1",
        });
        let resource = Resource::parse(&USER, body, Dialect::Auto).unwrap().resource;
        let read_only = json!({
            "groups": [{"value": "g1"}],
            "urn:ietf:params:scim:schemas:extension:gangway:2.0:User": {"accountId": "a1", "syncStatus": "synced"},
        });
        let Value::Object(read_only) = read_only else { unreachable!() };
        let out = render(&USER, &resource, &identity(), read_only);
        let gangway = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User";
        assert_eq!(
            names(&out),
            ["schemas", "id", "externalId", "userName", "emails", "groups", gangway, "meta"]
        );
        assert_eq!(names(out[gangway].as_object().unwrap()), ["syncStatus", "accountId", "usageLocation"]);
        assert_eq!(out["schemas"], json!([USER.schema.id, gangway]));
        assert_eq!(
            out["meta"],
            json!({
                "resourceType": "User",
                "created": "2023-11-14T22:13:20.120Z",
                "lastModified": "2023-11-14T22:13:21.000Z",
                "location": "https://bridge.example/scim/v2/Users/2819c223",
                "version": "W/\"3\"",
            })
        );
    }

    #[test]
    fn an_empty_list_of_members_is_not_rendered() {
        let resource =
            Resource::parse(&GROUP, json!({"displayName": "Sales"}), Dialect::Auto).unwrap().resource;
        let out = render(&GROUP, &resource, &identity(), Map::from_iter([("members".to_owned(), json!([]))]));
        assert_eq!(names(&out), ["schemas", "id", "displayName", "meta"]);
    }
}
