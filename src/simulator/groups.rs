//! `/groups`, their members, and the groups that a user is in.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::directory::Member;
use super::group::Group;
use super::message::{Request, Response};
use super::object::Object as _;
use super::query::{Page, Query};
use super::refusal::Refusal;
use super::schema::Entity;
use super::service::Service;
use super::users::{context, counted, entity};
use super::write::Purpose;
use super::write::group::{self, GroupChange};

/// `GET /groups`.
pub(super) fn list(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let query = Query::parse(request, Entity::Group)?;
    let page = query.group_page(&service.read_for(request));
    let select = query.select.as_deref();
    let values = page.items.iter().map(|group| shown(service, &query, group).into()).collect();
    let context = context(request, "groups", select, false);
    Ok(Response::json(200, page.body(request, values, &context)))
}

/// `group` as the options ask for it, with what they expand.
fn shown(service: &Service, query: &Query, group: &Group) -> Map<String, Value> {
    let mut object = group.view(query.select.as_deref());
    if let Some(expansion) = &query.expand {
        let issuer = service.tenant.default_domain();
        let (name, value) = expansion.of_group(&service.read(), group, issuer);
        object.insert(name.to_owned(), value);
    }
    object
}

/// `GET /groups/$count`.
pub(super) fn count(service: &Service, request: &Request) -> Result<Response, Refusal> {
    if !request.eventual() {
        return Err(Refusal::bad("$count is not currently supported."));
    }
    let query = Query::parse(&counted(request), Entity::Group)?;
    Ok(Response::text(query.group_count(&service.read_for(request)).to_string()))
}

/// `POST /groups`.
pub(super) fn create(service: &Service, request: &Request, caller: &Caller) -> Result<Response, Refusal> {
    let change = group::parse(&request.json()?, Purpose::Create)?;
    let id = service.clock.uuid();
    let group = service.write().create_group(id, &change, &service.act(caller))?;
    let body = entity(request, "groups", &Query::default(), group.view(None));
    let mut response = Response::json(201, body);
    response.headers.push(("Location", format!("{}/v1.0/groups/{id}", request.base)));
    Ok(response)
}

/// `GET /groups/{id}`.
pub(super) fn get(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let query = Query::parse_single(request, Entity::Group)?;
    let group = service.read().group(key)?.clone();
    Ok(Response::json(200, entity(request, "groups", &query, shown(service, &query, &group))))
}

/// `PATCH /groups/{id}`: properties, and members to add.
pub(super) fn update(
    service: &Service,
    request: &Request,
    key: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    let change = group::parse(&request.json()?, Purpose::Update)?;
    service.write().update_group(key, &change, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `DELETE /groups/{id}`: for good, but that a Microsoft 365 group can be restored.
pub(super) fn delete(service: &Service, key: &str, caller: &Caller) -> Result<Response, Refusal> {
    service.write().delete_group(key, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `GET /groups/{id}/members`.
pub(super) fn members(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let query = Query::parse_mixed(request)?;
    let page = page_of_members(service, &query, key)?;
    Ok(mixed(service, request, &query, &page))
}

/// `GET /groups/{id}/members/$count`.
pub(super) fn member_count(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    if !request.eventual() {
        return Err(Refusal::bad("$count is not currently supported."));
    }
    let query = Query::parse_mixed(&counted(request))?;
    let directory = service.read();
    let group = directory.group(key)?.id;
    let count = query.mixed_count(directory.members(group, None), service.tenant.default_domain());
    Ok(Response::text(count.to_string()))
}

/// `GET /groups/{id}/members/$ref`.
pub(super) fn references(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let query = Query::parse_mixed(request)?;
    let page = page_of_members(service, &query, key)?;
    let address = |member: &Member| format!("{}/v1.0/directoryObjects/{}", request.base, member.id());
    let values = page.items.iter().map(|member| json!({ "@odata.id": address(member) })).collect();
    let context = format!("{}/v1.0/$metadata#Collection($ref)", request.base);
    Ok(Response::json(200, page.body(request, values, &context)))
}

/// `POST /groups/{id}/members/$ref`.
pub(super) fn add_member(
    service: &Service,
    request: &Request,
    key: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    let body = request.json()?;
    let member = group::member_reference(body.get("@odata.id").unwrap_or(&Value::Null))?;
    let change = GroupChange { members: [member].into(), ..GroupChange::default() };
    service.write().update_group(key, &change, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `DELETE /groups/{id}/members/{member}/$ref`.
pub(super) fn remove_member(
    service: &Service,
    key: &str,
    member: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    service.write().remove_member(key, member, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `DELETE /groups/{id}/members/{member}`, without `/$ref`: deletes the member itself ("Remove member" warns of it).
pub(super) fn delete_member(
    service: &Service,
    key: &str,
    member: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    service.write().delete_member(key, member, &service.act(caller))?;
    Ok(Response::no_content())
}

/// `GET /users/{id}/memberOf`: the roles that the user holds, and the groups whose direct member it is.
pub(super) fn member_of(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let query = Query::parse_mixed(request)?;
    let directory = service.read();
    let user = directory.find(key).ok_or_else(|| Refusal::not_found(key))?;
    let belonging = |after: Option<Uuid>| directory.belonging(user, after).into_iter();
    let page = query.mixed_page(belonging, service.tenant.default_domain());
    Ok(mixed(service, request, &query, &page))
}

fn page_of_members(service: &Service, query: &Query, key: &str) -> Result<Page<Member>, Refusal> {
    let directory = service.read();
    let group = directory.group(key)?.id;
    Ok(query.mixed_page(|after| directory.members(group, after), service.tenant.default_domain()))
}

/// A page of objects of either type, each with its type.
fn mixed(service: &Service, request: &Request, query: &Query, page: &Page<Member>) -> Response {
    let select = query.select.as_deref();
    let values = page.items.iter().map(|member| {
        let mut view = Map::new();
        view.insert("@odata.type".to_owned(), json!(member.kind()));
        view.extend(member.view(select, service.tenant.default_domain()));
        view.into()
    });
    let values = values.collect();
    let context = context(request, "directoryObjects", select, false);
    Response::json(200, page.body(request, values, &context))
}
