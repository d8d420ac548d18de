//! `/domains` and `/organization`.

use serde_json::{Map, Value, json};

use super::message::{Request, Response};
use super::refusal::Refusal;
use super::service::Service;
use super::users::context;

/// `GET /domains`.
pub(super) fn domains(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let items = service.tenant_now().domains.iter().map(super::tenant::DomainSeed::item).collect();
    collection(request, "domains", items)
}

/// `GET /domains/{name}`.
pub(super) fn domain(service: &Service, request: &Request, name: &str) -> Result<Response, Refusal> {
    let tenant = service.tenant_now();
    let domain = tenant.domain(name).ok_or_else(|| Refusal::not_found(name))?;
    let select = selection(request);
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context(request, "domains", select.as_deref(), true)));
    body.extend(chosen(domain.item(), select.as_deref())?);
    Ok(Response::json(200, body.into()))
}

/// `GET /domains/{name}/serviceConfigurationRecords`: the DNS records that Microsoft's mail and devices ask for.
pub(super) fn records(service: &Service, request: &Request, name: &str) -> Result<Response, Refusal> {
    let tenant = service.tenant_now();
    let domain = tenant.domain(name).ok_or_else(|| Refusal::not_found(name))?;
    let name = domain.name.as_str();
    let record = |kind: &str, label: String, more: (&str, Value)| {
        json!({
            "@odata.type": format!("#microsoft.graph.domainDns{}Record", kind),
            "id": format!("{}-{}", kind.to_lowercase(), label),
            "isOptional": false,
            "label": label,
            "recordType": kind,
            "supportedService": "Email",
            "ttl": 3600,
            more.0: more.1,
        })
    };
    let exchanger = format!("{}.mail.protection.outlook.com", name.replace('.', "-"));
    let items = vec![
        record("Mx", name.to_owned(), ("mailExchange", json!(exchanger))),
        record("Txt", name.to_owned(), ("text", json!("v=spf1 include:spf.protection.outlook.com -all"))),
        record("CName", format!("autodiscover.{name}"), ("canonicalName", json!("autodiscover.outlook.com"))),
    ];
    collection(request, &format!("domains('{name}')/serviceConfigurationRecords"), items)
}

/// `GET /organization`.
pub(super) fn organization(service: &Service, request: &Request) -> Result<Response, Refusal> {
    collection(request, "organization", vec![service.tenant_now().organization()])
}

/// A list of `items` without pages, with the properties that the request selects.
pub(super) fn collection(request: &Request, set: &str, items: Vec<Value>) -> Result<Response, Refusal> {
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
