//! Graph's errors: status, code, message and details as they were captured.

use serde_json::{Value, json};

use super::schema::Entity;

/// An error answer of Graph, before it has its request ids.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) details: Vec<Value>,
    pub(super) headers: Vec<(&'static str, String)>,
    /// `innerError.code`, which only throttling sets.
    pub(super) inner: Option<&'static str>,
}

impl Refusal {
    /// An error without details.
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: Vec::new(),
            headers: Vec::new(),
            inner: None,
        }
    }

    /// 400 `Request_BadRequest`, under which the directory puts most of its refusals.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 400 `Request_UnsupportedQuery`.
    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    fn detail(mut self, code: &str, target: &str) -> Self {
        self.details.push(json!({ "code": code, "message": self.message, "target": target }));
        self
    }

    /// Another object has the value already.
    pub(super) fn conflict(property: &str, other: &str) -> Self {
        Self::bad(format!("Another object with the same value for property {property} already exists."))
            .detail("ObjectConflict", property)
            .detail("ConflictingObjects", &format!("User_{other}"))
    }

    /// A value that the property cannot have.
    pub(super) fn value(property: &str) -> Self {
        Self::bad(format!("Invalid value specified for property '{property}' of resource 'User'."))
            .detail("InvalidValue", property)
    }

    /// A value that is too long.
    pub(super) fn length(property: &str) -> Self {
        Self::bad(format!("Invalid value specified for property '{property}' of resource 'User'."))
            .detail("InvalidLength", property)
    }

    /// A property that a create needs.
    pub(super) fn required(entity: Entity, property: &str) -> Self {
        let resource = entity.resource();
        Self::bad(format!("A value is required for property '{property}' of resource '{resource}'."))
    }

    /// The same about a group, where the words are about a user.
    pub(super) fn of_group(mut self) -> Self {
        let about = |text: &str| text.replace("of resource 'User'", "of resource 'Group'");
        self.message = about(&self.message);
        for detail in &mut self.details {
            detail["message"] = json!(about(detail["message"].as_str().unwrap_or_default()));
        }
        self
    }

    /// A member or owner that the group has already; with several in one request none is added.
    pub(super) fn already(property: &str) -> Self {
        Self::bad(format!(
            "One or more added object references already exist for the following modified properties: '{property}'."
        ))
    }

    /// 403: more than the directory takes.
    pub(super) fn quota(message: impl Into<String>) -> Self {
        Self::new(403, "Directory_QuotaExceeded", message)
    }

    /// One object twice in one list of references.
    pub(super) fn duplicates() -> Self {
        Self::bad("Request contains a property with duplicate values.")
    }

    /// A group that Exchange keeps.
    pub(super) fn mail_enabled() -> Self {
        Self::bad("Cannot Update a mail-enabled security groups and or distribution list.")
    }

    /// A property that only the service sets.
    pub(super) fn read_only(property: &str) -> Self {
        Self::bad(format!("Property '{property}' is read-only and cannot be set."))
    }

    /// A property that a user does not have; the words are the service's OData library's (unverified here).
    pub(super) fn undeclared(property: &str, kind: &str) -> Self {
        Self::bad(format!(
            "The property '{property}' does not exist on type '{kind}'. Make sure to only use property names that are defined by the type."
        ))
    }

    /// A user name of the wrong shape.
    pub(super) fn user_name() -> Self {
        Self::bad("Property userPrincipalName is invalid.").detail("InvalidValue", "userPrincipalName")
    }

    /// A user name in a domain that the tenant has not verified.
    pub(super) fn domain() -> Self {
        Self::bad(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
        )
        .detail("InvalidValue", "userPrincipalName")
    }

    /// A password that breaks a rule.
    pub(super) fn password() -> Self {
        Self::bad(
            "The specified password does not comply with password complexity requirements. Please provide a different password.",
        )
        .detail("InvalidValue", "password")
    }

    /// An object that is mastered on-premises.
    pub(super) fn synced() -> Self {
        Self::bad(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
        )
    }

    /// 403: a permission or a role is missing.
    pub(super) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    /// 401: the application is gone from the tenant, or switched off. The status is not known.
    pub(super) fn identity() -> Self {
        Self::new(
            401,
            "Authorization_IdentityNotFound",
            "The identity of the calling application could not be established.",
        )
    }

    /// A reference to something that was made a moment ago.
    pub(super) fn unseen_reference() -> Self {
        Self::bad("The source resource object or one of the objects being referenced don't exist.")
    }

    /// A licence for a user without a usage location, or with one that is too new.
    pub(super) fn usage_location() -> Self {
        Self::bad("License assignment cannot be done for user with invalid usage location.")
    }

    /// 404: no such object.
    pub(super) fn not_found(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// A property in a query that a user does not have.
    pub(super) fn unknown_property(name: &str) -> Self {
        Self::query(format!("Property '{name}' does not exist as a declared property or extension property."))
    }

    /// A filter that the property never takes, or takes only in an advanced query.
    pub(super) fn unsupported_filter(entity: Entity, path: &str) -> Self {
        let resource = entity.resource();
        Self::query(format!(
            "Unsupported or invalid query filter clause specified for property '{path}' of resource '{resource}'."
        ))
    }

    /// An operator that only an advanced query has.
    pub(super) fn advanced(operator: &str) -> Self {
        Self::query(format!(
            "Operator '{operator}' is not supported because the required parameters might be missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
        ))
    }

    /// 401.
    pub(super) fn token(message: &str) -> Self {
        let mut refusal = Self::new(401, "InvalidAuthenticationToken", message);
        refusal.headers.push((
            "WWW-Authenticate",
            "Bearer realm=\"\", client_id=\"00000003-0000-0000-c000-000000000000\"".to_owned(),
        ));
        refusal
    }

    /// What Graph has and this simulator does not (yet).
    pub(super) fn not_built(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("The simulator does not implement {what}."))
    }

    /// Graph's own error body.
    pub(super) fn body(&self, date: &str, request_id: &str, client_request_id: &str) -> Value {
        let mut inner = json!({
            "date": date,
            "request-id": request_id,
            "client-request-id": client_request_id,
        });
        if let Some(code) = self.inner {
            inner["code"] = code.into();
        }
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.details.is_empty() {
            error["details"] = self.details.clone().into();
        }
        error["innerError"] = inner;
        json!({ "error": error })
    }
}
