//! `/directory/deletedItems`: users and Microsoft 365 groups that can be restored for 30 days.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::caller::Caller;
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
    let page = query.page(&service.read_for(request), Source::Deleted(service.clock.millis()), issuer);
    let select = query.select.as_deref();
    let values = page.items.iter().map(|account| account.view(select, issuer).into()).collect();
    let context = context(request, "users", select, false);
    Ok(Response::json(200, page.body(request, values, &context)))
}

/// `GET /directory/deletedItems/{id}`.
pub(super) fn get(service: &Service, request: &Request, id: &str) -> Result<Response, Refusal> {
    let (key, now) = (identifier(id)?, service.clock.millis());
    let directory = service.read();
    if let Some(group) = directory.find_deleted_group(key, now) {
        let query = Query::parse_single(request, Entity::Group)?;
        let select = query.select.as_deref();
        return Ok(Response::json(200, typed(request, Entity::Group, group.view(select), select)));
    }
    let query = Query::parse_single(request, Entity::User)?;
    let account = directory.find_deleted(key, now).ok_or_else(|| Refusal::not_found(id))?;
    let select = query.select.as_deref();
    let view = account.view(select, service.tenant.default_domain());
    Ok(Response::json(200, typed(request, Entity::User, view, select)))
}

fn typed(request: &Request, entity: Entity, object: Map<String, Value>, select: Option<&[String]>) -> Value {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(request, "directoryObjects", select, true)));
    body.insert("@odata.type".to_owned(), json!(format!("#{}", entity.kind())));
    body.extend(object);
    body.into()
}

/// `DELETE /directory/deletedItems/{id}`: for good.
pub(super) fn purge(service: &Service, id: &str, caller: &Caller) -> Result<Response, Refusal> {
    service.write().purge(identifier(id)?, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `POST /directory/deletedItems/{id}/restore`.
pub(super) fn restore(
    service: &Service,
    request: &Request,
    id: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    let body = if request.body.is_empty() { json!({}) } else { request.json()? };
    let wish = write::restoration(&body)?;
    let id = identifier(id)?;
    let act = service.act(caller);
    let mut directory = service.write();
    if directory.find_deleted_group(id, act.now).is_some() {
        let group = directory.restore_group(id, act.now)?;
        return Ok(Response::json(200, typed(request, Entity::Group, group.view(None), None)));
    }
    let account = directory.restore(id, wish.upn.as_deref(), wish.reconcile, &act)?;
    let object = account.view(None, service.tenant.default_domain());
    Ok(Response::json(200, typed(request, Entity::User, object, None)))
}
