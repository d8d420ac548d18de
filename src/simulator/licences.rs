//! `/subscribedSkus`, `assignLicense` and `/licenseDetails`.

use serde_json::{Value, json};
use uuid::Uuid;

use super::caller::Caller;
use super::directory::LicenceChange;
use super::message::{Request, Response};
use super::organization::collection;
use super::query::Query;
use super::refusal::Refusal;
use super::service::Service;
use super::users::entity;
use super::write;

/// `GET /subscribedSkus`.
pub(super) fn subscriptions(service: &Service, request: &Request) -> Result<Response, Refusal> {
    let directory = service.read();
    let tenant = service.tenant_now();
    let items = tenant
        .skus
        .iter()
        .map(|sku| sku.item(tenant.tenant_id, &tenant.display_name, directory.consumed(sku.sku_id)))
        .collect();
    collection(request, "subscribedSkus", items)
}

/// `POST /users/{id}/assignLicense`.
pub(super) fn assign(
    service: &Service,
    request: &Request,
    key: &str,
    caller: &Caller,
) -> Result<Response, Refusal> {
    let change = parse(&request.json()?)?;
    let account = service.write().assign(key, &change, &service.act(caller))?;
    let view = account.view(None, service.tenant.default_domain());
    Ok(Response::json(200, entity(request, "users", &Query::default(), view)))
}

/// `GET /users/{id}/licenseDetails`.
pub(super) fn details(service: &Service, request: &Request, key: &str) -> Result<Response, Refusal> {
    let account = service.read().find(key).cloned().ok_or_else(|| Refusal::not_found(key))?;
    let tenant = service.tenant_now();
    let skus = tenant.skus.iter();
    let items = skus.filter(|sku| account.skus().contains(&sku.sku_id)).map(|sku| {
        json!({
            "id": format!("{}_{}", account.id.simple(), sku.sku_id.simple()),
            "skuId": sku.sku_id,
            "skuPartNumber": sku.part_number,
            "servicePlans": sku.plans(&account.disabled_plans(sku.sku_id)),
        })
    });
    collection(request, &format!("users('{}')/licenseDetails", account.id), items.collect())
}

fn parse(body: &Value) -> Result<LicenceChange, Refusal> {
    let name = "assignLicense";
    let members =
        write::object(body, name, "microsoft.graph.assignLicense", &["addLicenses", "removeLicenses"])?;
    let list = |name: &str| members.get(name).and_then(Value::as_array).ok_or_else(|| missing(name));
    let add = list("addLicenses")?.iter().map(licence).collect::<Result<Vec<_>, _>>()?;
    let remove = list("removeLicenses")?.iter().map(identifier).collect::<Result<Vec<_>, _>>()?;
    if add.is_empty() && remove.is_empty() {
        return Err(Refusal::bad(
            "The license assignment request contains neither licenses to add nor to remove.",
        ));
    }
    if add.iter().any(|(sku, _)| remove.contains(sku)) {
        return Err(Refusal::duplicates());
    }
    Ok(LicenceChange { add, remove })
}

fn licence(value: &Value) -> Result<(Uuid, Vec<Uuid>), Refusal> {
    let kind = "microsoft.graph.assignedLicense";
    let members = write::object(value, "addLicenses", kind, &["skuId", "disabledPlans"])?;
    let disabled = members.get("disabledPlans").and_then(Value::as_array).into_iter().flatten();
    let sku = identifier(members.get("skuId").unwrap_or(&Value::Null))?;
    Ok((sku, disabled.map(identifier).collect::<Result<_, _>>()?))
}

fn identifier(value: &Value) -> Result<Uuid, Refusal> {
    let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
    id.ok_or_else(|| {
        Refusal::new(400, "Request_BadRequest", "Cannot convert the literal to the expected type 'Edm.Guid'.")
    })
}

fn missing(name: &str) -> Refusal {
    Refusal::bad(format!(
        "One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: {name}."
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";

    #[test]
    fn a_body_is_read() {
        let body = json!({"addLicenses": [{"skuId": E3, "disabledPlans": [E3]}], "removeLicenses": []});
        let id = Uuid::parse_str(E3).unwrap();
        let expected = LicenceChange { add: vec![(id, vec![id])], remove: Vec::new() };
        assert_eq!(parse(&body).unwrap(), expected);
    }

    #[rstest]
    #[case(json!({"addLicenses": [{"skuId": E3}]}), "The missing parameters are: removeLicenses.")]
    #[case(json!({"removeLicenses": [E3]}), "The missing parameters are: addLicenses.")]
    #[case(json!({"addLicenses": [], "removeLicenses": []}), "neither licenses to add nor to remove")]
    #[case(json!({"addLicenses": [{"skuId": "SPE_E3"}], "removeLicenses": []}), "'Edm.Guid'")]
    #[case(json!({"addLicenses": [{"skuId": E3}], "removeLicenses": [E3]}), "duplicate values")]
    #[case(json!({"addLicenses": [], "removeLicenses": [E3], "more": 1}), "The property 'more' does not exist")]
    #[case(json!([]), "expected type")]
    fn a_body_that_does_not_fit(#[case] body: Value, #[case] told: &str) {
        let refusal = parse(&body).unwrap_err();
        assert!(refusal.status == 400 && refusal.message.contains(told), "{refusal:?}");
    }

    proptest! {
        #[test]
        fn any_body_is_read_or_refused(name in "addLicenses|removeLicenses|skuId|.{0,5}", text in ".{0,40}") {
            let _ = parse(&json!({ name: [{"skuId": text}], "removeLicenses": [text] }));
        }
    }
}
