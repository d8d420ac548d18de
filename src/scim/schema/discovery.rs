//! The discovery documents (RFC 7643 §5 to §7, RFC 7644 §4). They say what works, from the same data that does the work.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Attribute, Kind, Mutability, ResourceType, Returned, Schema, Uniqueness};

/// What the server offers (RFC 7643 §5).
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a boolean of the RFC's own document, independent of the others"
)]
pub struct Capabilities {
    /// Whether PATCH works.
    pub patch: bool,
    /// `/Bulk` and its bounds, if it works.
    pub bulk: Option<Bulk>,
    /// The largest page of a filtered list, if filters work.
    pub filter_max_results: Option<u64>,
    /// Whether a client may set passwords.
    pub change_password: bool,
    /// Whether `sortBy` works.
    pub sort: bool,
    /// Whether versions work (`ETag`, `If-Match`).
    pub etag: bool,
    /// How lists are paged.
    pub pagination: Pagination,
    /// How clients authenticate.
    pub authentication_schemes: Vec<AuthenticationScheme>,
    /// Where people read about the server, if anywhere.
    pub documentation_uri: Option<String>,
}

/// The bounds of `/Bulk`.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// Operations in one request, at most.
    pub max_operations: u64,
    /// Bytes in one request, at most.
    pub max_payload_size: u64,
}

/// How lists are paged (RFC 9865 §4).
#[derive(Clone, Copy, Debug)]
pub struct Pagination {
    /// Whether cursors work.
    pub cursor: bool,
    /// Whether `startIndex` works.
    pub index: bool,
    /// Resources on a page when the client does not say.
    pub default_page_size: u64,
    /// Resources on a page, at most.
    pub max_page_size: u64,
}

/// One way to authenticate (RFC 7643 §5).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationScheme {
    /// `oauthbearertoken`, `httpbasic` and the like.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name, for people.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// The standard that defines it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_uri: Option<String>,
    /// Whether it is the preferred one.
    pub primary: bool,
}

/// `/ServiceProviderConfig`. `base_url` has no slash at its end.
pub fn service_provider_config(offered: &Capabilities, base_url: &str) -> Value {
    let bulk = offered.bulk.unwrap_or(Bulk { max_operations: 0, max_payload_size: 0 });
    let mut document = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": offered.patch},
        "bulk": {
            "supported": offered.bulk.is_some(),
            "maxOperations": bulk.max_operations,
            "maxPayloadSize": bulk.max_payload_size,
        },
        "filter": {
            "supported": offered.filter_max_results.is_some(),
            "maxResults": offered.filter_max_results.unwrap_or(0),
        },
        "changePassword": {"supported": offered.change_password},
        "sort": {"supported": offered.sort},
        "etag": {"supported": offered.etag},
        "pagination": {
            "cursor": offered.pagination.cursor,
            "index": offered.pagination.index,
            "defaultPaginationMethod": "index",
            "defaultPageSize": offered.pagination.default_page_size,
            "maxPageSize": offered.pagination.max_page_size,
        },
        "authenticationSchemes": offered.authentication_schemes,
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    });
    if let Some(uri) = &offered.documentation_uri {
        document["documentationUri"] = uri.as_str().into();
    }
    document
}

/// The resources of `/ResourceTypes`, for the types that the server offers.
pub fn resource_types(offered: &[&ResourceType], base_url: &str) -> Vec<Value> {
    offered.iter().map(|rt| resource_type(rt, base_url)).collect()
}

/// One of `/ResourceTypes` (RFC 7643 §6).
pub fn resource_type(rt: &ResourceType, base_url: &str) -> Value {
    let extensions: Vec<Value> = rt
        .extensions
        .iter()
        .map(|(schema, required)| json!({"schema": schema.id, "required": required}))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": rt.name,
        "name": rt.name,
        "endpoint": rt.endpoint,
        "description": rt.description,
        "schema": rt.schema.id,
        "schemaExtensions": extensions,
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base_url}/ResourceTypes/{}", rt.name),
        },
    })
}

/// The resources of `/Schemas`: those of the types that the server offers.
pub fn schemas(offered: &[&ResourceType], base_url: &str) -> Vec<Value> {
    offered.iter().flat_map(|rt| rt.schemas()).map(|it| schema(it, base_url)).collect()
}

/// One of `/Schemas` (RFC 7643 §7).
pub fn schema(schema: &Schema, base_url: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes(schema.attributes),
        "meta": {
            "resourceType": "Schema",
            "location": format!("{base_url}/Schemas/{}", schema.id),
        },
    })
}

/// The offered resource type of this name (names are exact: it is an id).
pub fn find_resource_type<'a>(offered: &[&'a ResourceType], name: &str) -> Option<&'a ResourceType> {
    offered.iter().find(|rt| rt.name == name).copied()
}

/// The offered schema of this URN, in any case.
pub fn find_schema(offered: &[&ResourceType], urn: &str) -> Option<&'static Schema> {
    offered.iter().flat_map(|rt| rt.schemas()).find(|schema| schema.id.eq_ignore_ascii_case(urn))
}

fn attributes(list: &[Attribute]) -> Vec<Value> {
    list.iter().map(attribute).collect()
}

fn attribute(attribute: &Attribute) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("name", attribute.name.into());
    put("type", kind(attribute.kind).into());
    put("multiValued", attribute.multi_valued.into());
    put("description", attribute.description.into());
    put("required", attribute.required.into());
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", attribute.canonical_values.into());
    }
    put("caseExact", attribute.case_exact.into());
    put("mutability", mutability(attribute.mutability).into());
    put("returned", returned(attribute.returned).into());
    put("uniqueness", uniqueness(attribute.uniqueness).into());
    if attribute.kind == Kind::Reference {
        put("referenceTypes", attribute.reference_types.into());
    }
    if attribute.kind == Kind::Complex {
        put("subAttributes", attributes(attribute.sub_attributes).into());
    }
    Value::Object(out)
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "string",
        Kind::Boolean => "boolean",
        Kind::Decimal => "decimal",
        Kind::Integer => "integer",
        Kind::DateTime => "dateTime",
        Kind::Binary => "binary",
        Kind::Reference => "reference",
        Kind::Complex => "complex",
    }
}

const fn mutability(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::Immutable => "immutable",
        Mutability::WriteOnly => "writeOnly",
    }
}

const fn returned(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Never => "never",
        Returned::Default => "default",
        Returned::Request => "request",
    }
}

const fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
        Uniqueness::Global => "global",
    }
}
