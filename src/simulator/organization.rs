//! `/domains` and `/organization`.

use serde_json::{Map, Value, json};

use super::message::{Request, Response};
use super::refusal::Refusal;
use super::service::Service;
use super::users::context;

/// `GET /domains`.
pub(super) fn domains(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let items = service.tenant.domains.iter().map(super::tenant::DomainSeed::item).collect();
    collection(request, "domains", items)
}

/// `GET /domains/{name}`.
pub(super) fn domain(service: &Service, request: &Request, name: &str) -> Result<Response, Refusal> {
    let domain = service.tenant.domain(name).ok_or_else(|| Refusal::not_found(name))?;
    let select = selection(request);
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(request, "domains", select.as_deref(), true)));
    body.extend(chosen(domain.item(), select.as_deref())?);
    Ok(Response::json(200, body.into()))
}

/// `GET /organization`.
pub(super) fn organization(service: &Service, request: &Request) -> Result<Response, Refusal> {
    collection(request, "organization", vec![service.tenant.organization()])
}

fn collection(request: &Request, set: &str, items: Vec<Value>) -> Result<Response, Refusal> {
    let select = selection(request);
    let items: Result<Vec<Value>, Refusal> =
        items.into_iter().map(|item| chosen(item, select.as_deref()).map(Value::Object)).collect();
    let context = context(request, set, select.as_deref(), false);
    Ok(Response::json(200, json!({ "@odata.context": context, "value": items? })))
}

fn selection(request: &Request) -> Option<Vec<String>> {
    let options = request.options();
    let (_, value) = options.into_iter().find(|(name, _)| name == "$select")?;
    Some(value.split(',').map(|name| name.trim().to_owned()).collect())
}

fn chosen(item: Value, select: Option<&[String]>) -> Result<Map<String, Value>, Refusal> {
    let Value::Object(members) = item else {
        return Ok(Map::new());
    };
    let Some(names) = select else {
        return Ok(members);
    };
    names
        .iter()
        .map(|name| match members.get(name) {
            Some(value) => Ok((name.clone(), value.clone())),
            None => Err(Refusal::unknown_property(name)),
        })
        .collect()
}
