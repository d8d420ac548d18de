//! `entitlements` and the licences of the account.

use std::collections::BTreeSet;

use gangway::simulator::{LicenseSeed, UserSeed};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Backend, GANGWAY, Gangway, eventually, gangway_on, gangway_with, replace, simulator_with, user,
};

const PREMIUM: &str = "O365_BUSINESS_PREMIUM";
const PREMIUM_ID: &str = "f245ecc8-75af-4f8e-b61f-27d8114de5f3";
/// One seat.
const POWER_BI: &str = "POWER_BI_PRO";

/// A server whose users are in Sweden unless they say otherwise.
async fn sweden(backend: Backend) -> Option<Gangway> {
    gangway_with(backend, |config| {
        config.defaults.usage_location = Some("SE".to_owned().try_into().unwrap());
    })
    .await
}

fn licensed(local: &str, licences: &[&str]) -> Value {
    let mut body = user(local);
    body["entitlements"] = licences.iter().map(|licence| json!({ "value": licence })).collect();
    body
}

/// The licences that the account has, by their ids.
fn licences_of(gangway: &Gangway, local: &str) -> BTreeSet<String> {
    gangway.account(local).licenses.into_iter().map(|licence| licence.sku).collect()
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// `syncError`, asked for.
async fn sync_error(gangway: &Gangway, path: &str) -> String {
    let read = gangway.scim().get(&format!("{path}?attributes={GANGWAY}:syncError")).await.expect(200);
    read.body[GANGWAY]["syncError"].as_str().unwrap_or_default().to_owned()
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_licence_is_given_by_name_or_id_and_taken_back(#[case] backend: Backend) {
    let Some(gangway) = sweden(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &licensed("ann.berg", &[PREMIUM])).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(licences_of(&gangway, "ann.berg"), ids(&[PREMIUM_ID]));
    assert_eq!(gangway.account("ann.berg").get("usageLocation"), "SE");
    // The id is the same licence: nothing is to be done.
    gangway.changes();
    scim.put(&created.path(), &licensed("ann.berg", &[PREMIUM_ID])).await.expect(200);
    assert_eq!(gangway.changes(), Vec::<Value>::new());

    // One call exchanges them.
    scim.put(&created.path(), &licensed("ann.berg", &["SPE_E3"])).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(gangway.changes().len(), 1);
    assert!(!licences_of(&gangway, "ann.berg").contains(PREMIUM_ID));
    scim.put(&created.path(), &licensed("ann.berg", &[])).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(licences_of(&gangway, "ann.berg"), ids(&[]));
    let told = gangway.told(&created.id()).await;
    assert_eq!(told[0], "user_create_provision");
    assert!(told[1..].iter().all(|event| event == "user_update_provision"), "{told:?}");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_seat_the_user_is_made_all_the_same_and_can_leave(#[case] backend: Backend) {
    let Some(gangway) = sweden(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let first = scim.post("/Users", &licensed("ann.berg", &[POWER_BI])).await.expect(201);
    assert_eq!(gangway.settled(&first.path()).await, "synced");
    let second = scim.post("/Users", &licensed("bo.vik", &[POWER_BI, PREMIUM])).await.expect(201);
    gangway.settled(&second.path()).await;
    assert_eq!(licences_of(&gangway, "bo.vik"), ids(&[PREMIUM_ID]), "the other one is given");
    let error = sync_error(&gangway, &second.path()).await;
    assert!(error.contains(POWER_BI) && error.contains("seat"), "{error:?}");
    let told = gangway.told(&second.id()).await;
    assert!(told.contains(&"user_create_provision".to_owned()), "{told:?}");

    // It is no hindrance to anything else.
    scim.patch(&second.path(), &replace("title", "Buyer")).await.expect(200);
    assert_eq!(gangway.account("bo.vik").get("jobTitle"), "Buyer");
    scim.delete(&second.path()).await.expect(204);
    assert_eq!(gangway.account("bo.vik").get("accountEnabled"), false);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_nobody_sells_is_named(#[case] backend: Backend) {
    let Some(gangway) = sweden(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &licensed("ann.berg", &["SPE_E9"])).await.expect(201);
    gangway.settled(&created.path()).await;
    let error = sync_error(&gangway, &created.path()).await;
    assert!(error.contains("SPE_E9"), "{error:?}");
    assert_eq!(gangway.account("ann.berg").get("accountEnabled"), true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_usage_location_no_licence_is_asked_for() {
    let gangway = gangway_with(Backend::Sqlite, |_| {}).await.unwrap();
    let scim = gangway.scim();
    let created = scim.post("/Users", &licensed("ann.berg", &[PREMIUM])).await.expect(201);
    gangway.settled(&created.path()).await;
    let error = sync_error(&gangway, &created.path()).await;
    assert!(error.contains("usageLocation"), "{error:?}");
    assert_eq!(gangway.simulator().count("POST /users/{id}/assignLicense"), 0);
    // Its own attribute is enough.
    let mut body = licensed("ann.berg", &[PREMIUM]);
    body[GANGWAY] = json!({"usageLocation": "no"});
    scim.put(&created.path(), &body).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(licences_of(&gangway, "ann.berg"), ids(&[PREMIUM_ID]));
    assert_eq!(sync_error(&gangway, &created.path()).await, "");
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_licence_of_a_group_is_left_alone(#[case] backend: Backend) {
    let Some(gangway) = sweden(backend).await else {
        return;
    };
    let scim = gangway.scim();
    let created = scim.post("/Users", &licensed("ann.berg", &[POWER_BI])).await.expect(201);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    let inherited = LicenseSeed { assigned_by_group: Some(Uuid::from_u128(7)), ..LicenseSeed::new(PREMIUM) };
    let seed = UserSeed {
        id: Some(gangway.account("ann.berg").id),
        licenses: Some(vec![LicenseSeed::new(POWER_BI), inherited]),
        ..UserSeed::default()
    };
    gangway.simulator().put(&seed).unwrap();
    assert_eq!(licences_of(&gangway, "ann.berg").len(), 2);
    scim.put(&created.path(), &licensed("ann.berg", &[])).await.expect(200);
    assert_eq!(gangway.settled(&created.path()).await, "synced");
    assert_eq!(licences_of(&gangway, "ann.berg"), ids(&[PREMIUM_ID]), "that of the group stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_users_never_take_more_seats_than_there_are() {
    let simulator = simulator_with(|options| {
        for sku in &mut options.tenant.skus {
            sku.enabled = 5;
        }
    })
    .await;
    let gangway = gangway_on(Backend::Sqlite, simulator, |config| {
        config.defaults.usage_location = Some("SE".to_owned().try_into().unwrap());
    })
    .await
    .unwrap();
    let mut pushes = tokio::task::JoinSet::new();
    for n in 0..20 {
        let scim = gangway.scim();
        pushes.spawn(async move {
            let created = scim.post("/Users", &licensed(&format!("p{n}.berg"), &[PREMIUM])).await.expect(201);
            created.path()
        });
    }
    let paths = pushes.join_all().await;
    let mut served = 0;
    for path in &paths {
        let status = eventually("it settles", async || {
            let status = gangway.status_of(path).await;
            (status != "pending").then_some(status)
        })
        .await;
        served += u32::from(status == "synced" && sync_error(&gangway, path).await.is_empty());
    }
    let with_licence = (0..20).filter(|n| !licences_of(&gangway, &format!("p{n}.berg")).is_empty()).count();
    assert_eq!(with_licence, 5);
    assert_eq!(served, 5, "the others are told");
}
