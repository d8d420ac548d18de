use proptest::prelude::*;
use rstest::rstest;

use super::*;

const BASE: &str = "https://bridge.example/scim/v2";
const LIMITS: BulkLimits<'_> = BulkLimits { max_operations: 1_000, base_url: BASE };
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn request(operations: &Value) -> Result<BulkRequest, Error> {
    BulkRequest::parse(json!({"schemas": [BULK_REQUEST], "Operations": operations}), LIMITS)
}

/// Carries everything out; what makes a resource gives it the id `id-BULKID`, and `fails` says which bulkIds do not.
/// Comes back with the steps as they were asked for, and with the answer.
fn carry_out(request: BulkRequest, fails: &dyn Fn(&str) -> bool) -> (Vec<Value>, Value) {
    let names: Vec<String> = request
        .operations
        .iter()
        .enumerate()
        .map(|(at, operation)| operation.bulk_id.clone().unwrap_or_else(|| at.to_string()))
        .collect();
    let mut run = BulkRun::new(request);
    let mut steps = Vec::new();
    while let Some(step) = run.next_step() {
        assert!(steps.len() <= 3 * names.len(), "the run does not end");
        match step {
            Step::Run { index, method, resource_type, id, data, .. } => {
                steps.push(json!({"run": index, "to": format!("{}/{}", resource_type.name, id.as_deref().unwrap_or_default()), "data": data}));
                let name = &names[index];
                let made = Made {
                    id: id.unwrap_or_else(|| format!("id-{name}")),
                    status: if method == Method::Post { 201 } else { 200 },
                    version: Some("W/\"1\"".to_owned()),
                };
                let refused = || Error::value("no").into();
                run.done(index, if fails(name) { Err(refused()) } else { Ok(made) });
            }
            Step::Link { index, id, patch, .. } => {
                steps.push(json!({"link": index, "data": patch["Operations"][0]["value"]}));
                run.done(index, Ok(Made { id, status: 200, version: Some("W/\"2\"".to_owned()) }));
            }
        }
    }
    (steps, response(run.into_results()))
}

fn outcome(operations: &Value, fails: &dyn Fn(&str) -> bool) -> (Vec<Value>, Vec<String>) {
    let (steps, body) = carry_out(request(operations).unwrap(), fails);
    let statuses = body["Operations"].as_array().unwrap().iter();
    (steps, statuses.map(|one| one["status"].as_str().unwrap().to_owned()).collect())
}

fn user(bulk_id: &str, manager: Option<&str>) -> Value {
    let mut data = json!({"userName": bulk_id});
    if let Some(manager) = manager {
        data[ENTERPRISE] = json!({"department": "it", "manager": {"value": format!("bulkId:{manager}")}});
    }
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": format!("bulkId:{id}")})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": bulk_id, "members": members}})
}

#[test]
fn the_answer_is_that_of_the_rfc() {
    let operations = json!([
        user("a", None),
        {"method": "put", "path": "/Users/b7c14771", "version": "W/\"3\"", "data": {"userName": "b"}},
        {"method": "PATCH", "path": format!("{BASE}/Groups/bulkId:g"), "data": {"Operations": []}},
        {"method": "DELETE", "path": "/scim/v2/Users/e9025315", "version": "W/\"0\""},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"members": [{"value": "bulkId:a", "$ref": "../Users/bulkId:a"}]}},
    ]);
    let (steps, body) = carry_out(request(&operations).unwrap(), &|name| name == "1");
    let told: Vec<(Value, Value)> =
        steps.iter().map(|step| (step["run"].clone(), step["to"].clone())).collect();
    let expected =
        [(0, "User/"), (1, "User/b7c14771"), (3, "User/e9025315"), (4, "Group/"), (2, "Group/id-g")];
    // The PATCH waits for its group, and goes as soon as there is one.
    assert_eq!(told, expected.map(|(index, to)| (json!(index), json!(to))));
    assert_eq!(steps[3]["data"]["members"], json!([{"value": "id-a", "$ref": "../Users/id-a"}]));
    assert_eq!(
        body,
        json!({"schemas": [BULK_RESPONSE], "Operations": [
            {"location": format!("{BASE}/Users/id-a"), "method": "POST", "bulkId": "a", "version": "W/\"1\"", "status": "201"},
            {"location": format!("{BASE}/Users/b7c14771"), "method": "put", "status": "400", "response": Error::value("no").body(400)},
            {"location": format!("{BASE}/Groups/id-g"), "method": "PATCH", "version": "W/\"1\"", "status": "200"},
            {"location": format!("{BASE}/Users/e9025315"), "method": "DELETE", "version": "W/\"1\"", "status": "200"},
            {"location": format!("{BASE}/Groups/id-g"), "method": "POST", "bulkId": "g", "version": "W/\"1\"", "status": "201"},
        ]})
    );
}

#[test]
fn a_chain_in_reverse_order_needs_no_links() {
    let operations = json!([user("a", Some("b")), user("b", Some("c")), user("c", None)]);
    let (steps, statuses) = outcome(&operations, &|_| false);
    let order: Vec<&Value> = steps.iter().map(|step| &step["run"]).collect();
    assert_eq!(order, [2, 1, 0]);
    assert_eq!(steps[2]["data"][ENTERPRISE]["manager"]["value"], "id-b");
    assert_eq!(statuses, ["201", "201", "201"]);
}

#[test]
fn users_who_manage_each_other_are_linked_afterwards() {
    let operations = json!([user("a", Some("b")), user("b", Some("a")), user("self", Some("self"))]);
    let (steps, statuses) = outcome(&operations, &|_| false);
    assert_eq!(
        steps,
        [
            json!({"run": 0, "to": "User/", "data": {"userName": "a", ENTERPRISE: {"department": "it"}}}),
            json!({"run": 1, "to": "User/", "data": {"userName": "b", ENTERPRISE: {"department": "it", "manager": {"value": "id-a"}}}}),
            json!({"link": 0, "data": {ENTERPRISE: {"manager": {"value": "id-b"}}}}),
            json!({"run": 2, "to": "User/", "data": {"userName": "self", ENTERPRISE: {"department": "it"}}}),
            json!({"link": 2, "data": {ENTERPRISE: {"manager": {"value": "id-self"}}}}),
        ]
    );
    assert_eq!(statuses, ["201", "201", "201"]);
}

#[test]
fn groups_in_a_circle_keep_the_members_that_are_known() {
    let operations = json!([group("g", &["u", "h"]), group("h", &["g"]), user("u", None)]);
    let (steps, statuses) = outcome(&operations, &|_| false);
    assert_eq!(
        steps,
        [
            json!({"run": 2, "to": "User/", "data": {"userName": "u"}}),
            json!({"run": 0, "to": "Group/", "data": {"displayName": "g", "members": [{"value": "id-u"}]}}),
            json!({"run": 1, "to": "Group/", "data": {"displayName": "h", "members": [{"value": "id-g"}]}}),
            json!({"link": 0, "data": {"members": [{"value": "id-h"}]}}),
        ]
    );
    assert_eq!(statuses, ["201", "201", "201"]);
}

#[test]
fn who_refers_to_a_failure_fails() {
    let operations = json!([
        group("g", &["u"]),
        group("h", &["g"]),
        user("u", None),
        group("i", &["nobody"]),
        user("v", None)
    ]);
    let (steps, statuses) = outcome(&operations, &|name| name == "u");
    assert_eq!(steps.len(), 2);
    assert_eq!(statuses, ["409", "409", "400", "400", "201"]);
}

#[test]
fn a_resource_whose_references_failed_is_still_told_of() {
    let operations = json!([group("g", &["h"]), group("h", &["g"])]);
    let (_, body) = carry_out(request(&operations).unwrap(), &|name| name == "h");
    let first = &body["Operations"][0];
    assert_eq!(
        (&first["status"], &first["location"]),
        (&json!("409"), &json!(format!("{BASE}/Groups/id-g")))
    );
    assert!(first["response"]["detail"].as_str().unwrap().contains("\"h\""), "{first}");
    assert_eq!(body["Operations"][1]["status"], "400");
    assert_eq!(body["Operations"][1].get("location"), None);
}

#[test]
fn so_many_errors_end_it() {
    let operations: Vec<Value> = ["a", "b", "c", "d"].map(|id| user(id, None)).to_vec();
    let body = json!({"failOnErrors": 2, "Operations": operations});
    let request = BulkRequest::parse(body, LIMITS).unwrap();
    let (steps, body) = carry_out(request, &|name| name != "b");
    assert_eq!(steps.len(), 3);
    assert_eq!(body["Operations"].as_array().unwrap().len(), 3);
}

#[test]
fn what_could_not_be_linked_before_the_end_is_told() {
    let operations = json!([group("g", &["h"]), user("u", None), group("h", &["g"])]);
    let body = json!({"failOnErrors": 1, "Operations": operations});
    let (_, body) = carry_out(BulkRequest::parse(body, LIMITS).unwrap(), &|name| name == "h");
    let statuses: Vec<&Value> =
        body["Operations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["409", "201", "400"]);
}

#[rstest]
#[case(json!({"method": "GET", "path": "/Users/1"}), "GET")]
#[case(json!({"path": "/Users/1"}), "method")]
#[case(json!({"method": "POST", "path": "/Users", "data": {}}), "bulkId")]
#[case(json!({"method": "POST", "path": "/Users", "bulkId": " ", "data": {}}), "bulkId")]
#[case(json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}), "/Users")]
#[case(json!({"method": "POST", "path": "/Users", "bulkId": "a"}), "data")]
#[case(json!({"method": "PATCH", "path": "/Users/1", "data": null}), "data")]
#[case(json!({"method": "DELETE", "path": "/Users"}), "/Users/ID")]
#[case(json!({"method": "DELETE", "path": "/Devices/1"}), "/Devices/1")]
#[case(json!({"method": "DELETE", "path": "https://elsewhere.example/scim/v2/Users/1"}), "elsewhere")]
#[case(json!({"method": "DELETE", "path": "/Users/1/2"}), "/Users/1/2")]
#[case(json!({"method": "DELETE"}), "path")]
#[case(json!({"method": "PATCH", "path": "/Users/bulkId:p", "bulkId": "p", "data": {}}), "waits")]
fn what_is_wrong_with_one_operation_ends_it_alone(#[case] operation: Value, #[case] named: &str) {
    let (steps, body) = carry_out(request(&json!([operation, user("ok", None)])).unwrap(), &|_| false);
    assert_eq!(steps.len(), 1, "{steps:?}");
    let first = &body["Operations"][0];
    assert!(first["status"].as_str().unwrap().starts_with('4'), "{first}");
    assert!(first["response"]["detail"].as_str().unwrap().contains(named), "{first}");
    assert_eq!(body["Operations"][1]["status"], "201");
}

#[rstest]
#[case(json!([]), "invalidSyntax", "object")]
#[case(json!({}), "invalidSyntax", "Operations")]
#[case(json!({"Operations": {}}), "invalidSyntax", "Operations")]
#[case(json!({"Operations": [7]}), "invalidSyntax", "operation")]
#[case(json!({"Operations": [{"method": 7}]}), "invalidSyntax", "method")]
#[case(json!({"Operations": [], "operations": []}), "invalidSyntax", "Operations")]
#[case(json!({"Operations": [], "failOnErrors": 0}), "invalidValue", "failOnErrors")]
#[case(json!({"Operations": [], "failOnErrors": "1"}), "invalidValue", "failOnErrors")]
#[case(json!({"Operations": [user("twin", None), user("twin", None)]}), "invalidValue", "twin")]
fn what_is_no_bulk_is_refused_whole(#[case] body: Value, #[case] scim_type: &str, #[case] named: &str) {
    let error = BulkRequest::parse(body, LIMITS).unwrap_err();
    assert_eq!(error.scim_type(), Some(scim_type), "{error}");
    assert!(error.detail.contains(named), "{error}");
}

#[test]
fn too_many_operations_are_too_large() {
    let error = request(&vec![json!({}); 1_001].into()).unwrap_err();
    assert_eq!((error.kind, error.kind.status()), (ErrorKind::TooLarge, 413));
    assert!(error.detail.contains("1001") && error.detail.contains("1000"), "{error}");
    let request = request(&json!([])).unwrap();
    assert!(request.is_empty());
}

#[test]
fn debug_shows_no_data() {
    let operation =
        json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {"password": "Zx9-qwerty"}});
    let shown = format!("{:?}", request(&json!([operation])).unwrap());
    assert!(shown.contains("\"a\"") && !shown.contains("Zx9"), "{shown}");
}

/// Users and groups that refer to one another, and now and then to nobody.
fn operations() -> impl Strategy<Value = Vec<Value>> {
    let references = prop::collection::vec((any::<bool>(), prop::collection::vec(0..10_usize, 0..3)), 1..9);
    references.prop_map(|all| {
        let operation = |(at, (is_group, to)): (usize, &(bool, Vec<usize>))| {
            let to: Vec<String> = to.iter().map(usize::to_string).collect();
            let to: Vec<&str> = to.iter().map(String::as_str).collect();
            match is_group {
                true => group(&at.to_string(), &to),
                false => user(&at.to_string(), to.first().copied()),
            }
        };
        all.iter().enumerate().map(operation).collect()
    })
}

proptest! {
    #[test]
    fn all_is_tried_and_no_reference_is_left(operations in operations(), failing in prop::option::of(0..9_usize)) {
        let fails = |name: &str| Some(name) == failing.map(|at| at.to_string()).as_deref();
        let count = operations.len();
        let (steps, statuses) = outcome(&operations.into(), &fails);
        prop_assert_eq!(statuses.len(), count);
        for step in &steps {
            prop_assert!(!step.to_string().contains("bulkId:"), "{}", step);
        }
        // Without a failure and with nobody unknown, all is made.
        if failing.is_none() && !statuses.iter().any(|status| status == "400") {
            prop_assert!(statuses.iter().all(|status| status == "201"), "{:?}", statuses);
        }
    }

    #[test]
    fn no_body_panics(method in "(POST|PATCH|DELETE|.{0,5})", path in "(/Users|/Groups|.{0,8})(/.{0,8})?", bulk_id in ".{0,4}", text in "(bulkId:|x/bulkId:)?.{0,4}") {
        let operations = json!([{"method": method, "path": path, "bulkId": bulk_id, "data": {"a": [text]}}]);
        if let Ok(request) = request(&operations) {
            carry_out(request, &|_| false);
        }
    }
}
