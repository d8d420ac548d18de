//! Licences, photos, roles, the deleted and what has changed.

use serde_json::{Value, json};
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, ResponseTemplate};

use super::support::{ID, Server, id};
use crate::graph::{DeltaNext, DeltaStart, Error, LicenseChange, Oddity, Photo, Property, Removed, SkuId};

const SKU: &str = "f245ecc8-75af-4f8e-b61f-27d8114de5f3";

fn sku() -> SkuId {
    SKU.parse().unwrap()
}

#[tokio::test]
async fn licences_are_listed_given_and_read() {
    let server = Server::start().await;
    let list = json!({"value": [{"skuId": SKU, "skuPartNumber": "SPE_E3", "appliesTo": "User",
        "capabilityStatus": "Enabled", "consumedUnits": 3, "prepaidUnits": {"enabled": 10}}]});
    server.answer("GET", "/v1.0/subscribedSkus", 200, list).await;
    server.answer("POST", &format!("/v1.0/users/{ID}/assignLicense"), 200, json!({"id": ID})).await;
    let states =
        json!({"id": ID, "licenseAssignmentStates": [{"skuId": SKU, "state": "Active", "error": "None"}]});
    server.answer("GET", &format!("/v1.0/users/{ID}"), 200, states).await;
    let (graph, call) = (&server.graph, server.call());

    let skus = graph.subscribed_skus(&call).await.unwrap().value;
    let change = LicenseChange { add: vec![skus[0].id], remove: vec![] };
    graph.assign_license(&call, &id(), &change).await.unwrap();
    graph.assign_license(&call, &id(), &LicenseChange::default()).await.unwrap();
    let licenses = graph.licenses_of(&call, &id()).await.unwrap().value;

    assert_eq!((skus[0].free(), skus[0].part_number.as_str()), (7, "SPE_E3"));
    assert_eq!((licenses[0].sku, licenses[0].by_group, licenses.len()), (sku(), None, 1));
    let requests = server.graph_requests().await;
    assert_eq!(requests.len(), 3, "an empty change is not sent");
    let body: Value = requests[1].body_json().unwrap();
    assert_eq!(body, json!({"addLicenses": [{"skuId": SKU, "disabledPlans": []}], "removeLicenses": []}));
}

#[tokio::test]
async fn a_photo_is_sent_as_it_is() {
    let server = Server::start().await;
    let target = format!("/v1.0/users/{ID}/photo/$value");
    server.answer("PUT", &target, 200, Value::Null).await;
    let bytes = b"\x89PNG\r\n\x1a\nrest".to_vec();

    let photo = Photo::new(bytes.clone()).unwrap();
    assert_eq!(server.graph.set_photo(&server.call(), &id(), &photo).await.unwrap().status, 200);

    let request = &server.graph_requests().await[0];
    assert_eq!(request.headers["content-type"], "image/png");
    assert_eq!(request.body, bytes);
}

#[tokio::test]
async fn roles_are_read_over_all_pages() {
    let server = Server::start().await;
    let target = format!("/v1.0/users/{ID}/memberOf");
    let role = json!({"@odata.type": "#microsoft.graph.directoryRole", "id": ID, "displayName": "User Administrator"});
    Mock::given(path(&target))
        .and(query_param("$skiptoken", "2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "value": [role] })))
        .mount(server.http())
        .await;
    let group = json!({"@odata.type": "#microsoft.graph.group", "id": ID, "isAssignableToRole": true});
    let next = format!("{}{target}?$skiptoken=2", server.uri());
    server.answer("GET", &target, 200, json!({"value": [group], "@odata.nextLink": next})).await;

    let belonging = server.graph.belonging(&server.call(), &id()).await.unwrap().value;

    assert_eq!(belonging.roles, ["User Administrator"]);
    assert_eq!(belonging.groups, [(ID.parse().unwrap(), true)]);
    assert!(belonging.is_privileged());
}

#[tokio::test]
async fn the_deleted_are_listed_by_the_names_they_had() {
    let server = Server::start().await;
    let name = "6e7b768e07e248108459485f84f8f204ada@contoso.example";
    let list = json!({"value": [{"id": ID, "userPrincipalName": name}, {"id": ID}]});
    server.answer("GET", "/v1.0/directory/deletedItems/microsoft.graph.user", 200, list).await;
    let deleted = server.graph.deleted_users(&server.call()).await.unwrap().value;
    let names: Vec<_> = deleted.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["ada@contoso.example"]);
    let query = server.graph_requests().await[0].url.query().unwrap().to_owned();
    assert!(query.contains("$top=999") && !query.contains("$count"), "{query}");
}

#[tokio::test]
async fn the_signed_in_account_is_read() {
    let server = Server::start().await;
    server.answer("GET", "/v1.0/me", 200, json!({ "id": ID })).await;
    assert_eq!(server.graph.me(&server.call()).await.unwrap().value, id());
}

#[tokio::test]
async fn a_round_goes_from_page_to_page_and_to_the_next_round() {
    let server = Server::start().await;
    let target = "/v1.0/users/delta";
    let link = |token: &str| format!("{}{target}?{token}", server.uri());
    let page = |token: &str, body: Value| {
        let (name, value) = token.split_once('=').unwrap();
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path(target)).and(query_param(name, value)).respond_with(answer)
    };
    let removed = json!({"id": ID, "@removed": {"reason": "changed"}});
    let last = json!({"value": [removed], "@odata.deltaLink": link("$deltatoken=2")});
    page("$skiptoken=1", last).mount(server.http()).await;
    page("$deltatoken=2", json!({"value": [], "@odata.deltaLink": link("$deltatoken=3")}))
        .mount(server.http())
        .await;
    let first =
        json!({"value": [{"id": ID, "jobTitle": "Countess"}], "@odata.nextLink": link("$skiptoken=1")});
    server.answer("GET", target, 200, first).await;
    let (graph, call) = (&server.graph, server.call());

    let first = graph.users_delta_start(&call, DeltaStart::Everything).await.unwrap().value;
    assert_eq!(first.items[0].user.get(Property::JobTitle), Some(&json!("Countess")));
    let DeltaNext::Page(link) = first.next else { panic!("more to come: {first:?}") };
    let second = graph.users_delta(&call, &link).await.unwrap().value;
    assert_eq!(second.items[0].removed, Some(Removed::SoftDeleted));
    let DeltaNext::Done(link) = second.next else { panic!("the end: {second:?}") };
    assert!(graph.users_delta(&call, &link).await.unwrap().value.items.is_empty());

    let requests = server.graph_requests().await;
    let queries: Vec<_> = requests.iter().map(|request| request.url.query().unwrap()).collect();
    assert!(queries[0].contains("userPrincipalName") && queries[0].contains("lastPasswordChangeDateTime"));
    assert_eq!(queries[1..], ["$skiptoken=1", "$deltatoken=2"]);
    // A link of accounts is none of groups.
    let error = graph.groups_delta(&call, &link).await.unwrap_err();
    assert!(matches!(error, Error::DeltaExpired(_)), "{error:?}");
}

#[tokio::test]
async fn a_round_can_begin_with_nothing() {
    let server = Server::start().await;
    let link = format!("{}/v1.0/groups/delta?$deltatoken=1", server.uri());
    server.answer("GET", "/v1.0/groups/delta", 200, json!({"value": [], "@odata.deltaLink": link})).await;
    let page = server.graph.groups_delta_start(&server.call(), DeltaStart::Now).await.unwrap().value;
    assert!(page.items.is_empty() && matches!(page.next, DeltaNext::Done(_)));
    let query = server.graph_requests().await[0].url.query().unwrap().to_owned();
    assert!(query.ends_with("members&$deltatoken=latest"), "{query}");
}

#[tokio::test]
async fn a_round_does_not_lead_elsewhere() {
    let server = Server::start().await;
    let page =
        json!({"value": [], "@odata.deltaLink": "https://elsewhere.example/v1.0/users/delta?$deltatoken=1"});
    server.answer("GET", "/v1.0/users/delta", 200, page).await;
    let error = server.graph.users_delta_start(&server.call(), DeltaStart::Now).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::ForeignLink, .. }), "{error:?}");
}
