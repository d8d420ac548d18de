//! `/users` and what hangs beneath a user.

use serde_json::{Map, Value, json};

use super::account::Account;
use super::caller::Caller;
use super::message::{Request, Response};
use super::query::{Query, Source};
use super::refusal::Refusal;
use super::schema::Entity;
use super::service::Service;
use super::write::{self, Purpose};

const TIPS: &str = "This request only returns a subset of the resource's properties. Your app will need to use $select to return non-default properties. To find out what other properties are available for this resource see https://learn.microsoft.com/graph/api/resources/user";

/// `@odata.context` of `set`, with the selected properties, for a list or (`/$entity`) one object.
pub(super) fn context(request: &Request, set: &str, select: Option<&[String]>, entity: bool) -> String {
    let chosen = select.map(|names| format!("({})", names.join(","))).unwrap_or_default();
    let suffix = if entity { "/$entity" } else { "" };
    format!("{}/v1.0/$metadata#{set}{chosen}{suffix}", request.base)
}

/// One object with its context.
pub(super) fn entity(request: &Request, set: &str, query: &Query, object: Map<String, Value>) -> Value {
    let mut body = Map::new();
    let select = query.select.as_deref();
    body.insert("@odata.context".to_owned(), json!(context(request, set, select, true)));
    if select.is_none() && request.method == "GET" {
        body.insert("@microsoft.graph.tips".to_owned(), json!(TIPS));
    }
    body.extend(object);
    body.into()
}

/// `account` as the options ask for it, with what they expand.
fn shown(service: &Service, query: &Query, account: &Account) -> Map<String, Value> {
    let issuer = service.tenant.default_domain();
    let mut object = account.view(query.select.as_deref(), issuer);
    if let Some(expansion) = &query.expand {
        let related = expansion.of_user(&service.read(), account, issuer);
        object.extend(related.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

/// `GET /users`.
pub(super) fn list(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let query = Query::parse(request, Entity::User)?;
    let page = query.page(&service.read_for(request), Source::Users, service.tenant.default_domain());
    let values = page.items.iter().map(|account| shown(service, &query, account).into()).collect();
    let context = context(request, "users", query.select.as_deref(), false);
    Ok(Response::json(200, page.body(request, values, &context)))
}

/// `GET /users/$count`.
pub(super) fn count(service: &Service, request: &Request) -> Result<Response, Refusal> {
    if !request.eventual() {
        return Err(Refusal::bad("$count is not currently supported."));
    }
    let query = Query::parse(&counted(request), Entity::User)?;
    let count = query.count(&service.read_for(request), Source::Users, service.tenant.default_domain());
    Ok(Response::text(count.to_string()))
}

/// A request for `…/$count`: the segment is the other half of an advanced query.
pub(super) fn counted(request: &Request) -> Request {
    Request { query: format!("{}&$count=true", request.query), ..request.clone() }
}

/// `POST /users`.
pub(super) fn create(service: &Service, request: &Request, caller: &Caller) -> Result<Response, Refusal> {
    let change = write::parse(&request.json()?, Purpose::Create)?;
    let id = service.clock.uuid();
    let account = service.write().create(id, &change, &service.act(caller))?;
    let body = entity(request, "users", &Query::default(), shown(service, &Query::default(), &account));
    let mut response = Response::json(201, body);
    response.headers.push(("Location", format!("{}/v1.0/users/{id}", request.base)));
    Ok(response)
}

/// `GET /users/{id or userPrincipalName}`.
pub(super) fn get(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let query = Query::parse_single(request, Entity::User)?;
    let account = service.read().find(key).cloned().ok_or_else(|| Refusal::not_found(key))?;
    Ok(Response::json(200, entity(request, "users", &query, shown(service, &query, &account))))
}

/// `PATCH /users/{id or userPrincipalName}`.
pub(super) fn update(
    service: &Service,
    request: &Request,
    key: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    let change = write::parse(&request.json()?, Purpose::Update)?;
    service.write().update(key, &change, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `DELETE /users/{id or userPrincipalName}`: a soft delete.
pub(super) fn delete(service: &Service, key: &str, caller: &Caller) -> Result<Response, Refusal> {
    service.write().delete(key, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `POST /users/{id}/revokeSignInSessions`: 200 with `true`, where the documentation says 204.
pub(super) fn revoke(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    service.write().revoke(key, service.clock.millis())?;
    let context = format!("{}/v1.0/$metadata#Edm.Boolean", request.base);
    Ok(Response::json(200, json!({ "@odata.context": context, "value": true })))
}

/// `GET /me`: the person who signed in; an application is nobody (the words are unverified).
pub(super) fn me(service: &Service, request: &Request, caller: &Caller) -> Result<Response, Refusal> {
    match caller.user {
        Some(id) => get(service, request, &id.to_string()),
        None => Err(Refusal::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        )),
    }
}

/// `GET /users/{id}/manager`.
pub(super) fn manager(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let query = Query::parse_single(request, Entity::User)?;
    let manager = {
        let directory = service.read();
        let account = directory.find(key).ok_or_else(|| Refusal::not_found(key))?;
        account.manager.and_then(|id| directory.find(&id.to_string())).cloned()
    };
    let manager = manager.ok_or_else(|| Refusal::not_found("manager"))?;
    let mut object = Map::new();
    object.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
    object.extend(shown(service, &query, &manager));
    Ok(Response::json(200, entity(request, "directoryObjects", &query, object)))
}

/// `PUT /users/{id}/manager/$ref`.
pub(super) fn set_manager(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let body = request.json()?;
    let manager = write::reference(body.get("@odata.id").unwrap_or(&Value::Null), &["users"])?;
    service.write().set_manager(key, Some(manager))?;
    Ok(Response::no_content())
}

/// `DELETE /users/{id}/manager/$ref`.
pub(super) fn remove_manager(service: &Service, key: &str) -> Result<Response, Refusal> {
    service.write().set_manager(key, None)?;
    Ok(Response::no_content())
}
