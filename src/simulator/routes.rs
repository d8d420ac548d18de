//! Which operation a request means. What Graph has and the simulator has not is said plainly (501).

use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};

use super::directory::Directory;
use super::login;
use super::message::{Request, Response};
use super::refusal::Refusal;
use super::service::Service;
use super::{deleted, groups, organization, users};

/// A request's place in Graph.
#[derive(Debug)]
pub(super) struct Route {
    /// The path with its ids as names, e.g. `/users/{id}`; it is what calls are counted by.
    pub(super) template: &'static str,
    methods: &'static [&'static str],
    /// The ids in the path.
    ids: Vec<String>,
}

const TOKEN: &str = "/oauth2/v2.0/token";
const UNKNOWN: &str = "(unknown)";

impl Route {
    /// Whether it is the token endpoint, which is not Graph.
    pub(super) fn is_token(&self) -> bool {
        self.template == TOKEN
    }

    /// Resource units (graph-facts §4).
    pub(super) fn cost(&self, request: &Request) -> i32 {
        if request.method != "GET" {
            return 1;
        }
        let base = match self.template {
            "/groups/{id}/members" => 3,
            "/users" | "/users/{id}/memberOf" => 2,
            _ => 1,
        };
        let options = request.options();
        let has = |name: &str| options.iter().any(|(key, _)| key == name);
        let small =
            options.iter().any(|(key, value)| key == "$top" && value.parse().is_ok_and(|top: u32| top < 20));
        let cost = base - i32::from(has("$select")) + i32::from(has("$expand")) - i32::from(small);
        cost.max(1)
    }
}

/// Finds a request's place.
pub(super) fn find(request: &Request) -> Route {
    let segments = request.segments();
    if login::is_token_path(&segments) {
        return Route { template: TOKEN, methods: &["POST"], ids: Vec::new() };
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
    Route { template, methods, ids }
}

fn unknown(segments: &[String]) -> Route {
    Route { template: UNKNOWN, methods: &[], ids: segments.to_vec() }
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
        ["$batch"] => ("/$batch", &["POST"]),
        _ => return None,
    };
    Some(found)
}

/// Carries the operation out.
pub(super) fn answer(service: &Service, request: &Request, route: &Route) -> Result<Response, Refusal> {
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
    let id = route.ids.first().map_or("", String::as_str);
    let member = route.ids.get(1).map_or("", String::as_str);
    match (request.method.as_str(), route.template) {
        ("GET", "/users") => users::list(service, request),
        ("GET", "/users/$count") => users::count(service, request),
        ("POST", "/users") => users::create(service, request),
        ("GET", "/users/{id}") => users::get(service, request, id),
        ("PATCH", "/users/{id}") => users::update(service, request, id),
        ("DELETE", "/users/{id}") => users::delete(service, id),
        ("POST", "/users/{id}/revokeSignInSessions") => users::revoke(service, request, id),
        ("GET", "/users/{id}/manager") => users::manager(service, request, id),
        ("PUT", "/users/{id}/manager/$ref") => users::set_manager(service, request, id),
        ("DELETE", "/users/{id}/manager/$ref") => users::remove_manager(service, id),
        ("GET", "/users/{id}/memberOf") => groups::member_of(service, request, id),
        ("GET", "/groups") => groups::list(service, request),
        ("GET", "/groups/$count") => groups::count(service, request),
        ("POST", "/groups") => groups::create(service, request),
        ("GET", "/groups/{id}") => groups::get(service, request, id),
        ("PATCH", "/groups/{id}") => groups::update(service, request, id),
        ("DELETE", "/groups/{id}") => groups::delete(service, id),
        ("GET", "/groups/{id}/members") => groups::members(service, request, id),
        ("GET", "/groups/{id}/members/$count") => groups::member_count(service, request, id),
        ("GET", "/groups/{id}/members/$ref") => groups::references(service, request, id),
        ("POST", "/groups/{id}/members/$ref") => groups::add_member(service, request, id),
        ("DELETE", "/groups/{id}/members/{member}/$ref") => groups::remove_member(service, id, member),
        ("DELETE", "/groups/{id}/members/{member}") => groups::delete_member(service, id, member),
        ("GET", "/directory/deletedItems/microsoft.graph.user") => deleted::list(service, request),
        ("GET", "/directory/deletedItems/{id}") => deleted::get(service, request, id),
        ("DELETE", "/directory/deletedItems/{id}") => deleted::purge(service, id),
        ("POST", "/directory/deletedItems/{id}/restore") => deleted::restore(service, request, id),
        ("GET", "/domains") => organization::domains(service, request),
        ("GET", "/domains/{id}") => organization::domain(service, request, id),
        ("GET", "/organization") => organization::organization(service, request),
        ("GET", "/me") => Err(Refusal::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        )),
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
    /// The directory, to read.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory, to change.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.directory.write().unwrap_or_else(PoisonError::into_inner)
    }
}
