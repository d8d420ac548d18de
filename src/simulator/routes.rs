//! Which operation a request means. What Graph has and the simulator has not is said plainly (501).

use std::sync::{Arc, PoisonError};

use uuid::Uuid;

use super::caller::Caller;
use super::directory::Act;
use super::login::{self, Page};
use super::message::{Request, Response};
use super::refusal::Refusal;
use super::schema::Entity;
use super::service::Service;
use super::tenant::TenantSeed;
use super::{audit, deleted, delta, groups, licences, mail, organization, photo, users};

/// A request's place in Graph.
#[derive(Debug)]
pub(super) struct Route {
    /// The path with its ids as names, e.g. `/users/{id}`; it is what calls are counted by.
    pub(super) template: &'static str,
    methods: &'static [&'static str],
    /// The ids in the path.
    pub(super) ids: Vec<String>,
    /// The page of the login host that it means.
    pub(super) page: Option<Page>,
}

const TOKEN: &str = "/oauth2/v2.0/token";
const PAGE: &str = "/oauth2/v2.0/authorize";
const BATCH: &str = "/$batch";
const UNKNOWN: &str = "(unknown)";

impl Route {
    /// Whether it is the token endpoint.
    pub(super) fn is_token(&self) -> bool {
        self.template == TOKEN
    }

    /// The first id in the path, where it is one.
    pub(super) fn id(&self) -> Option<Uuid> {
        Uuid::parse_str(self.ids.first()?).ok()
    }

    /// Whether it belongs to the login host, which is not Graph.
    pub(super) fn is_login(&self) -> bool {
        self.is_token() || self.page.is_some()
    }

    /// Whether it is a batch, whose requests are metered one by one.
    pub(super) fn is_batch(&self) -> bool {
        self.template == BATCH
    }
}

/// Finds a request's place.
pub(super) fn find(request: &Request) -> Route {
    let segments = request.segments();
    if login::is_token_path(&segments) {
        return Route { template: TOKEN, methods: &["POST"], ids: Vec::new(), page: None };
    }
    if let Some(page) = login::page(&segments) {
        return Route { template: PAGE, methods: &["GET", "POST"], ids: Vec::new(), page: Some(page) };
    }
    let Some((version, path)) = segments.split_first() else {
        return unknown(&segments);
    };
    if version != "v1.0" {
        return unknown(&segments);
    }
    let lower: Vec<String> =
        path.iter().map(|part| part.to_lowercase().replace("microsoft.graph.", "")).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let Some((template, methods)) = place(&lower) else {
        return unknown(&segments);
    };
    let names = template.split('/').filter(|part| !part.is_empty());
    let ids = names.zip(path).filter(|(name, _)| name.starts_with('{')).map(|(_, id)| id.clone()).collect();
    Route { template, methods, ids, page: None }
}

fn unknown(segments: &[String]) -> Route {
    Route { template: UNKNOWN, methods: &[], ids: segments.to_vec(), page: None }
}

/// The operations of Graph that Gangway may ever call: a path's template and its methods.
fn place(path: &[&str]) -> Option<(&'static str, &'static [&'static str])> {
    let found: (&'static str, &'static [&'static str]) = match path {
        ["users"] => ("/users", &["GET", "POST"]),
        ["users", "$count"] => ("/users/$count", &["GET"]),
        ["users", "delta" | "delta()"] => ("/users/delta", &["GET"]),
        ["users", _] => ("/users/{id}", &["GET", "PATCH", "DELETE"]),
        ["users", _, "manager"] => ("/users/{id}/manager", &["GET"]),
        ["users", _, "manager", "$ref"] => ("/users/{id}/manager/$ref", &["PUT", "DELETE"]),
        ["users", _, "revokesigninsessions"] => ("/users/{id}/revokeSignInSessions", &["POST"]),
        ["users", _, "assignlicense"] => ("/users/{id}/assignLicense", &["POST"]),
        ["users", _, "licensedetails"] => ("/users/{id}/licenseDetails", &["GET"]),
        ["users", _, "photo", "$value"] => ("/users/{id}/photo/$value", &["GET", "PUT"]),
        ["users", _, "memberof"] => ("/users/{id}/memberOf", &["GET"]),
        ["users", _, "sendmail"] => ("/users/{id}/sendMail", &["POST"]),
        ["groups"] => ("/groups", &["GET", "POST"]),
        ["groups", "$count"] => ("/groups/$count", &["GET"]),
        ["groups", "delta" | "delta()"] => ("/groups/delta", &["GET"]),
        ["groups", _] => ("/groups/{id}", &["GET", "PATCH", "DELETE"]),
        ["groups", _, "members"] => ("/groups/{id}/members", &["GET"]),
        ["groups", _, "members", "$ref"] => ("/groups/{id}/members/$ref", &["GET", "POST"]),
        ["groups", _, "members", "$count"] => ("/groups/{id}/members/$count", &["GET"]),
        ["groups", _, "members", _] => ("/groups/{id}/members/{member}", &["DELETE"]),
        ["groups", _, "members", _, "$ref"] => ("/groups/{id}/members/{member}/$ref", &["DELETE"]),
        ["directory", "deleteditems", "user"] => ("/directory/deletedItems/microsoft.graph.user", &["GET"]),
        ["directory", "deleteditems", _] => ("/directory/deletedItems/{id}", &["GET", "DELETE"]),
        ["directory", "deleteditems", _, "restore"] => ("/directory/deletedItems/{id}/restore", &["POST"]),
        ["subscribedskus"] => ("/subscribedSkus", &["GET"]),
        ["domains"] => ("/domains", &["GET"]),
        ["domains", _] => ("/domains/{id}", &["GET"]),
        ["domains", _, "serviceconfigurationrecords"] => {
            ("/domains/{id}/serviceConfigurationRecords", &["GET"])
        }
        ["organization"] => ("/organization", &["GET"]),
        ["me"] => ("/me", &["GET"]),
        ["auditlogs", "directoryaudits"] => ("/auditLogs/directoryAudits", &["GET"]),
        ["$batch"] => (BATCH, &["POST"]),
        _ => return None,
    };
    Some(found)
}

/// Carries the operation out.
pub(super) fn answer(
    service: &Service,
    request: &Request,
    route: &Route,
    caller: &Caller,
) -> Result<Response, Refusal> {
    if route.template == UNKNOWN {
        return Err(lost(&route.ids));
    }
    if !route.methods.contains(&request.method.as_str()) {
        return Err(Refusal::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        ));
    }
    audit::watched(service, request, route, caller, || carry_out(service, request, route, caller))
}

fn carry_out(
    service: &Service,
    request: &Request,
    route: &Route,
    caller: &Caller,
) -> Result<Response, Refusal> {
    let id = route.ids.first().map_or("", String::as_str);
    let member = route.ids.get(1).map_or("", String::as_str);
    match (request.method.as_str(), route.template) {
        ("GET", "/users") => users::list(service, request),
        ("GET", "/users/$count") => users::count(service, request),
        ("POST", "/users") => users::create(service, request, caller),
        ("GET", "/users/{id}") => users::get(service, request, id),
        ("PATCH", "/users/{id}") => users::update(service, request, id, caller),
        ("DELETE", "/users/{id}") => users::delete(service, id, caller),
        ("POST", "/users/{id}/revokeSignInSessions") => users::revoke(service, request, id),
        ("GET", "/users/{id}/manager") => users::manager(service, request, id),
        ("PUT", "/users/{id}/manager/$ref") => users::set_manager(service, request, id),
        ("DELETE", "/users/{id}/manager/$ref") => users::remove_manager(service, id),
        ("GET", "/users/{id}/memberOf") => groups::member_of(service, request, id),
        ("GET", "/groups") => groups::list(service, request),
        ("GET", "/groups/$count") => groups::count(service, request),
        ("POST", "/groups") => groups::create(service, request, caller),
        ("GET", "/groups/{id}") => groups::get(service, request, id),
        ("PATCH", "/groups/{id}") => groups::update(service, request, id, caller),
        ("DELETE", "/groups/{id}") => groups::delete(service, id, caller),
        ("GET", "/groups/{id}/members") => groups::members(service, request, id),
        ("GET", "/groups/{id}/members/$count") => groups::member_count(service, request, id),
        ("GET", "/groups/{id}/members/$ref") => groups::references(service, request, id),
        ("POST", "/groups/{id}/members/$ref") => groups::add_member(service, request, id, caller),
        ("DELETE", "/groups/{id}/members/{member}/$ref") => {
            groups::remove_member(service, id, member, caller)
        }
        ("DELETE", "/groups/{id}/members/{member}") => groups::delete_member(service, id, member, caller),
        ("GET", "/directory/deletedItems/microsoft.graph.user") => deleted::list(service, request),
        ("GET", "/directory/deletedItems/{id}") => deleted::get(service, request, id),
        ("DELETE", "/directory/deletedItems/{id}") => deleted::purge(service, id, caller),
        ("POST", "/directory/deletedItems/{id}/restore") => deleted::restore(service, request, id, caller),
        ("GET", "/domains") => organization::domains(service, request),
        ("GET", "/domains/{id}") => organization::domain(service, request, id),
        ("GET", "/domains/{id}/serviceConfigurationRecords") => organization::records(service, request, id),
        ("GET", "/auditLogs/directoryAudits") => audit::list(service, request),
        ("POST", "/users/{id}/sendMail") => mail::send(service, request, id),
        ("GET", "/organization") => organization::organization(service, request),
        ("GET", "/me") => users::me(service, request, caller),
        ("GET", "/users/delta") => delta::answer(service, request, Entity::User),
        ("GET", "/groups/delta") => delta::answer(service, request, Entity::Group),
        ("GET", "/subscribedSkus") => licences::subscriptions(service, request),
        ("POST", "/users/{id}/assignLicense") => licences::assign(service, request, id, caller),
        ("GET", "/users/{id}/licenseDetails") => licences::details(service, request, id),
        ("GET", "/users/{id}/photo/$value") => photo::get(service, id),
        ("PUT", "/users/{id}/photo/$value") => photo::put(service, request, id),
        ("POST", BATCH) => Err(Refusal::new(400, "BadRequest", "A batch may not hold a batch.")),
        (method, template) => Err(Refusal::not_built(&format!("{method} {template}"))),
    }
}

/// A path that Graph does not have.
fn lost(segments: &[String]) -> Refusal {
    match segments.first().map(String::as_str) {
        Some("v1.0") => {
            let segment = segments.get(1).map_or("", String::as_str);
            let message = format!("Resource not found for the segment '{segment}'.");
            Refusal::new(400, "BadRequest", message)
        }
        version => {
            Refusal::new(400, "BadRequest", format!("Invalid version: {}", version.unwrap_or_default()))
        }
    }
}

impl Service {
    /// What `caller` does now.
    pub(super) fn act<'a>(&self, caller: &'a Caller) -> Act<'a> {
        Act { tenant: self.tenant_now(), caller, now: self.clock.millis() }
    }

    /// The tenant with the domains and subscriptions that it has by now.
    pub(super) fn tenant_now(&self) -> Arc<TenantSeed> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the tenant's domains or subscriptions.
    pub(super) fn change_tenant(&self, change: impl FnOnce(&mut TenantSeed)) {
        let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut present));
    }
}
