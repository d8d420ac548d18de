//! `/directory/deletedItems`: users that can be restored for 30 days (graph-facts §11).

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::message::{Request, Response};
use super::query::{Query, Source};
use super::refusal::Refusal;
use super::schema::Entity;
use super::service::Service;
use super::users::context;
use super::write;

fn identifier(text: &str) -> Result<Uuid, Refusal> {
    Uuid::parse_str(text).map_err(|_| Refusal::bad(format!("Invalid object identifier '{text}'.")))
}

/// `GET /directory/deletedItems/microsoft.graph.user`.
pub(super) fn list(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let query = Query::parse(request, Entity::User)?;
    let issuer = service.tenant.default_domain();
    let page = query.page(&service.read(), Source::Deleted(service.clock.millis()), issuer);
    let select = query.select.as_deref();
    let values = page.items.iter().map(|account| account.view(select, issuer).into()).collect();
    let context = context(request, "users", select, false);
    Ok(Response::json(200, page.body(request, values, &context)))
}

/// `GET /directory/deletedItems/{id}`.
pub(super) fn get(service: &Service, request: &Request, id: &str) -> Result<Response, Refusal> {
    let query = Query::parse_single(request, Entity::User)?;
    let now = service.clock.millis();
    let found = service.read().find_deleted(identifier(id)?, now).cloned();
    let account = found.ok_or_else(|| Refusal::not_found(id))?;
    let select = query.select.as_deref();
    Ok(Response::json(200, typed(request, account.view(select, service.tenant.default_domain()), select)))
}

fn typed(request: &Request, object: Map<String, Value>, select: Option<&[String]>) -> Value {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(request, "directoryObjects", select, true)));
    body.insert("@odata.type".to_owned(), json!("#microsoft.graph.user"));
    body.extend(object);
    body.into()
}

/// `DELETE /directory/deletedItems/{id}`: for good.
pub(super) fn purge(service: &Service, id: &str) -> Result<Response, Refusal> {
    service.write().purge(identifier(id)?, service.clock.millis())?;
    Ok(Response::no_content())
}

/// `POST /directory/deletedItems/{id}/restore`.
pub(super) fn restore(service: &Service, request: &Request, id: &str) -> Result<Response, Refusal> {
    let body = if request.body.is_empty() { json!({}) } else { request.json()? };
    let wish = write::restoration(&body)?;
    let id = identifier(id)?;
    let now = service.clock.millis();
    let account = service.write().restore(id, wish.upn.as_deref(), wish.reconcile, &service.tenant, now)?;
    let object = account.view(None, service.tenant.default_domain());
    Ok(Response::json(200, typed(request, object, None)))
}
