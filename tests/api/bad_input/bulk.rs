//! Bulk requests that are refused whole, before anything of them is done.

use rstest::rstest;
use serde_json::{Value, json};

use super::{World, a_settled_group, refused, send_text};
use crate::support::{Backend, gangway, gangway_with, group, user};

fn post(bulk_id: &Value, data: &Value) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_request_of_the_wrong_shape_does_nothing(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    a_settled_group(&gangway).await;
    let before = World::of(&gangway).await;
    let good = post(&json!("good"), &user("bo.lind"));
    let x = user("x");
    let wrong = [
        (json!([good, post(&json!("same"), &x), post(&json!("same"), &user("y"))]), "same"),
        (json!([good, {"method": "POST", "path": 7, "bulkId": "x", "data": x}]), "path"),
        (json!([good, 42]), "operation"),
        (
            json!([good, {"method": "POST", "METHOD": "PUT", "path": "/Users", "bulkId": "x", "data": x}]),
            "method",
        ),
        (json!(42), "Operations"),
        (Value::Null, "Operations"),
    ];
    for (operations, says) in wrong {
        let answer = gangway.scim().post("/Bulk", &json!({ "Operations": operations })).await;
        assert_eq!(answer.status, 400, "{operations}: {}", answer.text);
        assert!(answer.detail().contains(says), "{operations}: {}", answer.text);
    }
    let answer = gangway.scim().post("/Bulk", &json!({"failOnErrors": 1})).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    for fail_on_errors in [json!(0), json!(-1), json!("many"), json!({})] {
        let request = json!({"Operations": [good], "failOnErrors": fail_on_errors});
        let answer = gangway.scim().post("/Bulk", &request).await;
        assert_eq!(answer.status, 400, "{fail_on_errors}: {}", answer.text);
    }
    for text in ["", "{", "[]", "42"] {
        let answer = send_text(&gangway.scim(), &reqwest::Method::POST, "/Bulk", text).await;
        refused(&answer, 400, Some("invalidSyntax"), "", text);
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_single_operation_must_not_is_its_own_failure(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let path = a_settled_group(&gangway).await;
    let before = World::of(&gangway).await;
    let itself = path.rsplit('/').next().unwrap();
    let operations = [
        json!({"method": "POST", "path": "/Users", "data": user("x")}),
        json!({"method": "POST", "path": "/Users", "bulkId": "x"}),
        json!({"method": "POST", "path": "/Users/7", "bulkId": "x", "data": user("x")}),
        json!({"method": "PATCH", "path": path}),
        json!({"method": "PATCH", "path": path, "data": 42}),
        json!({"method": "PATCH", "path": "/Groups", "data": {}}),
        json!({"method": "BREW", "path": "/Users", "bulkId": "x", "data": user("x")}),
        json!({"method": "GET", "path": path}),
        json!({"path": "/Users", "bulkId": "x", "data": user("x")}),
        json!({"method": "POST", "bulkId": "x", "data": user("x")}),
        json!({}),
        json!({"method": "POST", "path": "/Nowhere", "bulkId": "a", "data": user("x")}),
        json!({"method": "DELETE", "path": "/Users"}),
        json!({"method": "PUT", "path": "/Groups/bulkId:nobody", "data": group("Other", &[])}),
        json!({"method": "PUT", "path": "/ServiceProviderConfig", "data": {}}),
        json!({"method": "POST", "path": "/Bulk", "bulkId": "b", "data": {}}),
        json!({"method": "POST", "path": "/Groups", "bulkId": "c", "data": group("C", &["bulkId:nobody"])}),
        json!({"method": "PUT", "path": path, "data": group("Sales", &[itself])}),
        json!({"method": "POST", "path": "/Users", "bulkId": "d", "data": {"userName": 42}}),
    ];
    for operation in operations {
        let answer = gangway.scim().post("/Bulk", &json!({ "Operations": [operation] })).await;
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text);
        let done = &answer.body["Operations"][0];
        assert!(done["status"].as_str().unwrap().starts_with('4'), "{operation}: {}", answer.text);
        assert_eq!(done["response"]["status"], done["status"]);
    }
    assert_eq!(World::of(&gangway).await, before);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_operations_are_refused_at_once(#[case] backend: Backend) {
    let Some(gangway) = gangway_with(backend, |config| config.max_body_bytes = 64 << 20).await else {
        return;
    };
    let before = World::of(&gangway).await;
    let operations: Vec<Value> =
        (0..100_000).map(|n| post(&json!(n.to_string()), &user(&format!("u{n}")))).collect();
    let answer = gangway.scim().post("/Bulk", &json!({ "Operations": operations })).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert!(answer.detail().contains("100000") && answer.detail().contains("1000"), "{}", answer.text);
    assert_eq!(World::of(&gangway).await, before);
}
