//! What the OpenAPI document says of SCIM's bodies, parameters and answers, each said once. The whole truth about
//! resources is at `/scim/v2/Schemas`.

use serde_json::Value;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use crate::http::fault::SCIM_JSON;

/// A user (RFC 7643 §4.1) with the enterprise extension and Gangway's own.
#[derive(ToSchema)]
#[schema(as = User)]
pub(in crate::http) struct UserBody {
    /// The schemas in use.
    pub(in crate::http) schemas: Vec<String>,
    /// Ours; read-only.
    pub(in crate::http) id: Option<String>,
    /// The client's own id.
    #[schema(rename = "externalId")]
    pub(in crate::http) external_id: Option<String>,
    /// The address in Microsoft 365; unique without regard to case.
    #[schema(rename = "userName")]
    pub(in crate::http) user_name: String,
    /// Whether the person may sign in.
    pub(in crate::http) active: Option<bool>,
    /// The name's parts.
    pub(in crate::http) name: Option<Value>,
    /// The name as it is shown.
    #[schema(rename = "displayName")]
    pub(in crate::http) display_name: Option<String>,
    /// Set, never returned.
    #[schema(write_only)]
    pub(in crate::http) password: Option<String>,
    /// E-mail addresses.
    pub(in crate::http) emails: Option<Vec<Value>>,
    /// The groups that the user is in, directly or not; read-only.
    #[schema(read_only)]
    pub(in crate::http) groups: Option<Vec<Value>>,
    /// Gangway's extension: syncStatus, syncError, accountId, passwordExpired, locked and more.
    #[schema(rename = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User")]
    pub(in crate::http) gangway: Option<Value>,
}

/// A group (RFC 7643 §4.2) with Gangway's extension.
#[derive(ToSchema)]
#[schema(as = Group)]
pub(in crate::http) struct GroupBody {
    /// The schemas in use.
    pub(in crate::http) schemas: Vec<String>,
    /// Ours; read-only.
    pub(in crate::http) id: Option<String>,
    /// The client's own id.
    #[schema(rename = "externalId")]
    pub(in crate::http) external_id: Option<String>,
    /// The name as it is shown.
    #[schema(rename = "displayName")]
    pub(in crate::http) display_name: String,
    /// Who is in it: `value` is the id of a user or of a group; `$ref`, `display` and `type` are read-only.
    pub(in crate::http) members: Option<Vec<Value>>,
    /// Gangway's extension: syncStatus, syncError, groupId, description.
    #[schema(rename = "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group")]
    pub(in crate::http) gangway: Option<Value>,
}

/// A page of resources (RFC 7644 §3.4.2).
#[derive(ToSchema)]
pub(in crate::http) struct ListResponse {
    /// The URN of a list.
    pub(in crate::http) schemas: Vec<String>,
    /// How many match, on all pages.
    #[schema(rename = "totalResults")]
    pub(in crate::http) total_results: u64,
    /// The first one's place, from 1; not there with a cursor.
    #[schema(rename = "startIndex")]
    pub(in crate::http) start_index: Option<u64>,
    /// With a cursor: that of the next page. The last page has none.
    #[schema(rename = "nextCursor")]
    pub(in crate::http) next_cursor: Option<String>,
    /// How many are on this page.
    #[schema(rename = "itemsPerPage")]
    pub(in crate::http) items_per_page: u64,
    /// The resources.
    #[schema(rename = "Resources")]
    pub(in crate::http) resources: Vec<Value>,
}

/// A query in a body (RFC 7644 §3.4.3); its parts are those of a list's address.
#[derive(ToSchema)]
pub(in crate::http) struct SearchRequest {
    /// The URN of a search.
    pub(in crate::http) schemas: Vec<String>,
    /// RFC 7644 §3.4.2.2
    pub(in crate::http) filter: Option<String>,
    /// From 1
    #[schema(rename = "startIndex")]
    pub(in crate::http) start_index: Option<i64>,
    /// Instead of startIndex: empty for the first page, then each `nextCursor` as it came (RFC 9865)
    pub(in crate::http) cursor: Option<String>,
    /// At most 1000; default 100
    pub(in crate::http) count: Option<i64>,
    /// An attribute; without one the oldest resource is first
    #[schema(rename = "sortBy")]
    pub(in crate::http) sort_by: Option<String>,
    /// ascending (the default) or descending
    #[schema(rename = "sortOrder")]
    pub(in crate::http) sort_order: Option<String>,
    /// The attributes to return
    pub(in crate::http) attributes: Option<Vec<String>>,
    /// The attributes to leave out
    #[schema(rename = "excludedAttributes")]
    pub(in crate::http) excluded_attributes: Option<Vec<String>>,
}

/// A PATCH (RFC 7644 §3.5.2).
#[derive(ToSchema)]
pub(in crate::http) struct PatchOp {
    /// The URN of a PATCH.
    pub(in crate::http) schemas: Vec<String>,
    /// `op`, `path` and `value` of each operation.
    #[schema(rename = "Operations")]
    pub(in crate::http) operations: Vec<Value>,
}

/// Many operations in one request (RFC 7644 §3.7).
#[derive(ToSchema)]
#[schema(as = BulkRequest)]
pub(in crate::http) struct BulkBody {
    /// The URN of a bulk.
    pub(in crate::http) schemas: Vec<String>,
    /// After so many errors the rest is not tried.
    #[schema(rename = "failOnErrors")]
    pub(in crate::http) fail_on_errors: Option<u64>,
    /// `method`, `path`, `bulkId`, `version` and `data` of each operation.
    #[schema(rename = "Operations")]
    pub(in crate::http) operations: Vec<Value>,
}

/// What became of the operations of a bulk (RFC 7644 §3.7.3).
#[derive(ToSchema)]
pub(in crate::http) struct BulkResponse {
    /// The URN of a bulk's answer.
    pub(in crate::http) schemas: Vec<String>,
    /// `method`, `bulkId`, `location`, `version` and `status` of each operation that was tried, and `response` with
    /// the error where it failed.
    #[schema(rename = "Operations")]
    pub(in crate::http) operations: Vec<Value>,
}

/// An error (RFC 7644 §3.12).
#[derive(ToSchema)]
#[schema(as = Error)]
pub(in crate::http) struct ErrorBody {
    /// The URN of an error.
    pub(in crate::http) schemas: Vec<String>,
    /// The HTTP status, as a string.
    pub(in crate::http) status: String,
    /// The keyword of RFC 7644 table 9.
    #[schema(rename = "scimType")]
    pub(in crate::http) scim_type: Option<String>,
    /// What happened and what to do.
    pub(in crate::http) detail: String,
}

/// The parameters of a list (RFC 7644 §3.4.2).
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct ListParameters {
    /// RFC 7644 §3.4.2.2, such as `userName eq "ann@contoso.example"`
    pub(in crate::http) filter: Option<String>,
    /// From 1
    #[param(rename = "startIndex")]
    pub(in crate::http) start_index: Option<i64>,
    /// Instead of startIndex: empty for the first page, then each `nextCursor` as it came (RFC 9865)
    pub(in crate::http) cursor: Option<String>,
    /// At most 1000; default 100
    pub(in crate::http) count: Option<i64>,
    /// An attribute, such as `userName` or `meta.lastModified`; without one the oldest resource is first
    #[param(rename = "sortBy")]
    pub(in crate::http) sort_by: Option<String>,
    /// ascending (the default) or descending
    #[param(rename = "sortOrder")]
    pub(in crate::http) sort_order: Option<String>,
    /// The attributes to return, with commas between
    pub(in crate::http) attributes: Option<String>,
    /// The attributes to leave out, with commas between
    #[param(rename = "excludedAttributes")]
    pub(in crate::http) excluded_attributes: Option<String>,
}

/// The choice of attributes in an answer (RFC 7644 §3.9).
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Choice {
    /// The attributes to return, with commas between
    pub(in crate::http) attributes: Option<String>,
    /// The attributes to leave out, with commas between
    #[param(rename = "excludedAttributes")]
    pub(in crate::http) excluded_attributes: Option<String>,
}

/// What every endpoint may answer.
#[derive(IntoResponses)]
pub(in crate::http) enum Guarded {
    #[response(status = 401, description = "No valid token", content_type = SCIM_JSON)]
    Unauthorized(ErrorBody),
    #[response(status = 403, description = "The token has not the scope scim, or Microsoft does not allow this; the detail says which", content_type = SCIM_JSON)]
    Forbidden(ErrorBody),
    #[response(status = 503, description = "Nothing was changed; repeat later", content_type = SCIM_JSON)]
    Unavailable(ErrorBody),
}

/// What an endpoint that reads a query or a body may answer.
#[derive(IntoResponses)]
pub(in crate::http) enum Read {
    #[response(status = 400, description = "It cannot be read, or a value does not fit; the detail says which and where", content_type = SCIM_JSON)]
    Bad(ErrorBody),
}

/// What an endpoint that takes a body may answer.
#[derive(IntoResponses)]
pub(in crate::http) enum Taken {
    #[response(status = 413, description = "The body is too large", content_type = SCIM_JSON)]
    TooLarge(ErrorBody),
    #[response(status = 415, description = "The body is neither application/scim+json nor application/json", content_type = SCIM_JSON)]
    MediaType(ErrorBody),
}

/// What an endpoint of one resource may answer.
#[derive(IntoResponses)]
pub(in crate::http) enum Found {
    #[response(status = 404, description = "There is no such resource", content_type = SCIM_JSON)]
    NotFound(ErrorBody),
}

/// What an endpoint that writes unique values may answer.
#[derive(IntoResponses)]
pub(in crate::http) enum Unique {
    #[response(status = 409, description = "A value that must be unique is taken", content_type = SCIM_JSON)]
    Taken(ErrorBody),
}

/// What an endpoint that changes a resource may answer.
#[derive(IntoResponses)]
pub(in crate::http) enum Conditional {
    #[response(status = 412, description = "If-Match names another version", content_type = SCIM_JSON)]
    Stale(ErrorBody),
}
