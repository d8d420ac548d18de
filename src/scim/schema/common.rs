//! The attributes that every resource has (RFC 7643 §3.1). They are part of no schema's list.

use super::Attribute;

/// `schemas`.
pub static SCHEMAS: Attribute = ATTRIBUTES[0];
/// `id`.
pub static ID: Attribute = ATTRIBUTES[1];
/// `externalId`.
pub static EXTERNAL_ID: Attribute = ATTRIBUTES[2];
/// `meta`.
pub static META: Attribute = ATTRIBUTES[3];

pub(super) static ATTRIBUTES: [Attribute; 4] = [
    Attribute::reference("schemas", &["uri"], "The URNs of the schemas in use.").list().read_only().always(),
    Attribute::string("id", "The identifier that the server gave.").exact().read_only().always().unique(),
    Attribute::string("externalId", "The identifier that the client gave.").looked_up().exact(),
    Attribute::complex("meta", META_PARTS, "What the server knows about the resource.").read_only(),
];

const META_PARTS: &[Attribute] = &[
    Attribute::string("resourceType", "The name of the resource type.").exact().read_only(),
    Attribute::date_time("created", "When the resource was created.").read_only(),
    Attribute::date_time("lastModified", "When the resource was last changed.").read_only(),
    Attribute::reference("location", &["uri"], "The URI of the resource.").read_only(),
    Attribute::string("version", "The version, equal to the ETag header.").exact().read_only(),
];
