//! Licences, seats and photos.

use serde_json::{Value, json};

use super::client::{Client, send};
use super::*;

const PREMIUM: &str = "f245ecc8-75af-4f8e-b61f-27d8114de5f3";
const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
const POWER_BI: &str = "f8a1db68-be16-40ed-86d5-cb42ce701560";
const EXCHANGE: &str = "4b9405b0-7788-4568-add1-99614e613b69";
const MEETINGS: &str = "0c266dff-15dd-4b49-8397-2bb16070ed52";

impl Client {
    async fn located(&self, name: &str) -> String {
        let id = self.create(name).await;
        let reply = self.call(&format!("PATCH /users/{id}"), json!({"usageLocation": "DE"})).await;
        assert_eq!(reply.status, 204);
        id
    }

    async fn license(&self, id: &str, add: &[&str], remove: &[&str]) -> (u16, String) {
        let add: Vec<Value> = add.iter().map(|sku| json!({"skuId": sku, "disabledPlans": []})).collect();
        let body = json!({"addLicenses": add, "removeLicenses": remove});
        let reply = self.call(&format!("POST /users/{id}/assignLicense"), body).await;
        let message = reply.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        (reply.status, message)
    }

    async fn consumed(&self, sku: &str) -> Value {
        let skus = self.get("/subscribedSkus?$select=skuId,consumedUnits,prepaidUnits").await.json();
        let found = skus["value"].as_array().unwrap().iter().find(|one| one["skuId"] == sku).cloned();
        found.unwrap()["consumedUnits"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_is_given_shown_and_taken() {
    let client = Client::plain().await;
    let id = client.create("ann").await;
    let nowhere = "License assignment cannot be done for user with invalid usage location.";
    assert_eq!(client.license(&id, &[PREMIUM], &[]).await, (400, nowhere.to_owned()));
    client.call(&format!("PATCH /users/{id}"), json!({"usageLocation": "DE"})).await;
    assert_eq!(client.license(&id, &[PREMIUM, E3], &[]).await.0, 200);
    assert_eq!(client.consumed(E3).await, 1);
    let shown =
        client.get(&format!("/users/{id}?$select=assignedLicenses,licenseAssignmentStates")).await.json();
    assert_eq!(shown["assignedLicenses"].as_array().unwrap().len(), 2);
    let state = &shown["licenseAssignmentStates"][0];
    assert_eq!((&state["assignedByGroup"], &state["state"]), (&Value::Null, &json!("Active")));
    let details = client.get(&format!("/users/{id}/licenseDetails")).await.json();
    assert_eq!(details["value"][1]["skuPartNumber"], "SPE_E3");
    assert_eq!(details["value"][1]["servicePlans"][0]["provisioningStatus"], "Success");
    let found = client
        .get(&format!("/users?$filter=assignedLicenses/any(l:l/skuId%20eq%20{E3})&$select=id"))
        .await
        .json();
    assert_eq!(found["value"][0]["id"], id);

    assert_eq!(client.license(&id, &[], &[E3]).await.0, 200);
    assert_eq!(client.consumed(E3).await, 0);
    let none = "User does not have a corresponding license.";
    assert_eq!(client.license(&id, &[], &[E3]).await, (400, none.to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_run_out_and_nothing_of_the_request_happens() {
    let client = Client::plain().await;
    let (ann, bob) = (client.located("ann").await, client.located("bob").await);
    assert_eq!(client.license(&ann, &[POWER_BI], &[]).await.0, 200);
    assert_eq!(client.license(&ann, &[POWER_BI], &[]).await.0, 200, "the same again");
    let full = format!("Subscription with SKU {POWER_BI} does not have any available licenses.");
    assert_eq!(client.license(&bob, &[PREMIUM, POWER_BI], &[]).await, (400, full));
    assert_eq!(client.consumed(PREMIUM).await, 0);
    client.call(&format!("DELETE /users/{ann}"), Value::Null).await;
    assert_eq!(client.license(&bob, &[POWER_BI], &[]).await.0, 200, "a deleted user frees its seat");
    let unknown = client.license(&bob, &["00000000-0000-0000-0000-00000000000a"], &[]).await;
    assert!(unknown.0 == 400 && unknown.1.contains("does not correspond to a valid company License"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_that_need_or_exclude_others() {
    let client = Client::plain().await;
    let id = client.located("ann").await;
    assert!(client.license(&id, &[MEETINGS], &[]).await.1.contains("depends on the service plan(s)"));
    assert_eq!(client.license(&id, &[MEETINGS, E3], &[]).await.0, 200);
    assert!(client.license(&id, &[], &[E3]).await.1.contains("depends on the service plan(s)"));
    assert!(client.license(&id, &[EXCHANGE], &[]).await.1.contains("that conflicts with"));
    assert_eq!(client.license(&id, &[EXCHANGE], &[E3, MEETINGS]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inherited_licence_stays() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    let group = directory.add_group(&GroupSeed::new("Licensed", GroupKind::Security)).unwrap().id;
    let inherited = LicenseSeed { assigned_by_group: Some(group), ..LicenseSeed::new("SPE_E3") };
    let failed = LicenseSeed { error: Some("CountViolation".to_owned()), ..LicenseSeed::new("POWER_BI_PRO") };
    let seed = UserSeed {
        licenses: Some(vec![inherited, failed]),
        ..UserSeed::new("ann@contoso.example").with("usageLocation", json!("DE"))
    };
    let id = directory.put(&seed).unwrap().id.to_string();
    let told =
        "User license is inherited from a group membership and it cannot be removed directly from the user.";
    assert_eq!(client.license(&id, &[], &[E3]).await, (400, told.to_owned()));
    let shown =
        client.get(&format!("/users/{id}?$select=assignedLicenses,licenseAssignmentStates")).await.json();
    assert_eq!(shown["assignedLicenses"], json!([{"disabledPlans": [], "skuId": E3}]));
    assert_eq!(shown["licenseAssignmentStates"][0]["assignedByGroup"], group.to_string());
    assert_eq!(shown["licenseAssignmentStates"][1]["error"], "CountViolation");
    assert_eq!((client.consumed(E3).await, client.consumed(POWER_BI).await), (json!(1), json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_put_and_read() {
    let client = Client::plain().await;
    let id = client.create("ann").await;
    let path = format!("/v1.0/users/{id}/photo/$value");
    assert_eq!(client.get(&format!("/users/{id}/photo/$value")).await.error().1, "ImageNotFound");
    let bearer = format!("Bearer {}", client.token);
    let put = async |kind: &str, body: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        send(&client.simulator.url(), &format!("PUT {path}"), &headers, body).await.unwrap()
    };
    assert_eq!(put("image/png", "no image").await.status, 400);
    let batched = json!({"requests": [{
        "id": "1", "method": "PUT", "url": format!("/users/{id}/photo/$value"),
        "headers": {"Content-Type": "image/png"}, "body": "iVBORw0KGgo=",
    }]});
    let reply = client.call("POST /$batch", batched).await.json();
    assert_eq!(reply["responses"][0]["status"], 200, "{reply}");
    let read =
        json!({"requests": [{"id": "1", "method": "GET", "url": format!("/users/{id}/photo/$value")}]});
    let read = client.call("POST /$batch", read).await.json();
    assert_eq!(read["responses"][0]["body"], "iVBORw0KGgo=");
    assert_eq!(read["responses"][0]["headers"]["Content-Type"], "image/png");
    assert!(client.simulator.directory().user(&id).unwrap().photo.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_among_what_a_user_is_a_member_of() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    let seed = UserSeed {
        roles: Some(vec!["Exchange Administrator".to_owned()]),
        ..UserSeed::new("admin2@contoso.example")
    };
    let id = directory.put(&seed).unwrap().id;
    let group = GroupSeed::new("Holders", GroupKind::RoleAssignable).with_members([id]);
    let group = directory.add_group(&group).unwrap().id;
    let list = client.get(&format!("/users/{id}/memberOf")).await.json();
    let of =
        |kind: &str| list["value"].as_array().unwrap().iter().find(|one| one["@odata.type"] == kind).cloned();
    assert_eq!(of("#microsoft.graph.directoryRole").unwrap()["displayName"], "Exchange Administrator");
    let shown = of("#microsoft.graph.group").unwrap();
    assert_eq!((&shown["id"], &shown["isAssignableToRole"]), (&json!(group), &json!(true)));
    let blocked = client.call(&format!("PATCH /users/{id}"), json!({"accountEnabled": false})).await;
    assert_eq!(blocked.error().1, "Authorization_RequestDenied");

    let plain = directory.put(&UserSeed::new("plain@contoso.example")).unwrap().id;
    assert_eq!(
        client.call(&format!("PATCH /users/{plain}"), json!({"accountEnabled": false})).await.status,
        204
    );
    directory
        .add_group(&GroupSeed { id: Some(group), ..GroupSeed::default() }.with_members([id, plain]))
        .unwrap();
    let blocked = client.call(&format!("PATCH /users/{plain}"), json!({"accountEnabled": true})).await;
    assert_eq!(blocked.error().0, 403, "a member of a group that can hold roles");
}
