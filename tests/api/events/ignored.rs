//! What of a push was passed over stands in its event, so that nobody looks for it in vain.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    Backend, ENTERPRISE, GANGWAY, GANGWAY_GROUP, Gangway, gangway, group, patch, replace, user,
};

impl Gangway {
    /// The names of what was passed over, of each event about one resource.
    async fn passed_over(&self, id: &str) -> Vec<(String, Value)> {
        let mut events = self.events().await;
        events.retain(|event| event["resource"]["id"] == id);
        events
            .iter()
            .map(|event| {
                let mut names = event["initiated_by"]["source_metadata"]["ignored_attributes"].clone();
                if let Some(names) = names.as_array_mut() {
                    names.sort_by_key(Value::to_string);
                }
                (event["event_type"].as_str().unwrap().to_owned(), names)
            })
            .collect()
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_push_of_a_user_says_in_vain_is_named(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = user("ann.berg");
    body["id"] = json!("theirs");
    body["shoeSize"] = json!(44);
    body["emails"] = json!([{"value": "ann@contoso.example", "colour": "red"}]);
    body[ENTERPRISE] = json!({"department": "Sales", "desk": 7});
    body[GANGWAY] = json!({"accountId": "theirs"});
    body["urn:example:params:scim:schemas:extension:hr:2.0:User"] = json!({"grade": 5});
    let created = gangway.scim().post("/Users", &body).await.expect(201);
    let path = created.path();
    let change = patch([json!({"op": "replace", "value": {"title": "Buyer", "hat": "bowler"}})]);
    gangway.scim().patch(&path, &change).await.expect(200);
    gangway.scim().patch(&path, &replace("title", "Seller")).await.expect(200);
    assert_eq!(
        gangway.passed_over(&created.id()).await,
        [
            (
                "user_create_provision".to_owned(),
                json!([
                    "emails.colour",
                    "id",
                    "shoeSize",
                    "urn:example:params:scim:schemas:extension:hr:2.0:User",
                    format!("{ENTERPRISE}:desk"),
                    format!("{GANGWAY}:accountId"),
                ])
            ),
            ("user_update_provision".to_owned(), json!(["hat"])),
            ("user_update_provision".to_owned(), Value::Null),
        ]
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_push_of_a_group_says_in_vain_is_named(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let people = gangway.people(2).await;
    let mut body = group("Sales", &[]);
    body["id"] = json!("theirs");
    body["shoeSize"] = json!(44);
    body["members"] = json!([{"value": people[0], "shoe": 38}]);
    body[GANGWAY_GROUP] = json!({"groupId": "theirs"});
    let created = gangway.scim().post("/Groups", &body).await.expect(201);
    let path = created.path();
    let change = patch([
        json!({"op": "replace", "value": {"displayName": "Sellers", "hat": "bowler"}}),
        json!({"op": "add", "path": "members", "value": [{"value": people[1], "shoe": 39}]}),
    ]);
    gangway.scim().patch(&path, &change).await.expect(204);
    gangway.scim().patch(&path, &replace("displayName", "Buyers")).await.expect(204);
    assert_eq!(
        gangway.passed_over(&created.id()).await,
        [
            (
                "group_create_provision".to_owned(),
                json!(["id", "members.shoe", "shoeSize", format!("{GANGWAY_GROUP}:groupId")])
            ),
            ("group_update_provision".to_owned(), json!(["hat", "members.shoe"])),
            ("group_update_provision".to_owned(), Value::Null),
        ]
    );
}
