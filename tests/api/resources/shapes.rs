//! PATCH in the shapes that clients really send (product.md §6).

use gangway::directory::Scope;
use gangway::scim::Dialect;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Client, ENTERPRISE, GANGWAY, Gangway, USER, gangway, patch, user};

/// A user with something in every place.
fn whole() -> Value {
    let mut body = user("ann.berg");
    body["title"] = json!("Engineer");
    body["active"] = json!(true);
    body["emails"] = json!([
        {"type": "work", "value": "ann.berg@contoso.example", "primary": true},
        {"type": "other", "value": "ann@other.example"},
    ]);
    body["phoneNumbers"] = json!([{"type": "work", "value": "+47 1"}]);
    body["addresses"] = json!([{"type": "work", "locality": "Oslo", "postalCode": "0001"}]);
    body[ENTERPRISE] = json!({"department": "Sales", "employeeNumber": "1"});
    body
}

/// One PATCH: its name, its body, and what is then at these places (JSON pointers) of the resource.
type Shape = (&'static str, Value, Vec<(String, Value)>);

fn shape(
    name: &'static str,
    body: Value,
    expected: impl IntoIterator<Item = (&'static str, Value)>,
) -> Shape {
    let expected = expected.into_iter().map(|(place, value)| {
        let place = place.replace("ENTERPRISE", ENTERPRISE).replace("GANGWAY", GANGWAY);
        (place, value)
    });
    (name, body, expected.collect())
}

fn one(operation: Value) -> Value {
    patch([operation])
}

fn paths() -> Vec<Shape> {
    let title = |path: &str| one(json!({"op": "replace", "path": path, "value": "Boss"}));
    vec![
        shape("a plain path", title("title"), [("/title", json!("Boss"))]),
        shape("a path in another case", title("TITLE"), [("/title", json!("Boss"))]),
        shape("blanks around a path", title("  title "), [("/title", json!("Boss"))]),
        shape("the core URN in front", title(&format!("{USER}:title")), [("/title", json!("Boss"))]),
        shape(
            "the core URN in another case",
            title(&format!("{}:title", USER.to_uppercase())),
            [("/title", json!("Boss"))],
        ),
        shape(
            "a dotted path",
            title("name.familyName"),
            [("/name", json!({"givenName": "Ann", "familyName": "Boss"}))],
        ),
        shape(
            "an extension's path",
            title(&format!("{ENTERPRISE}:department")),
            [("/ENTERPRISE", json!({"department": "Boss", "employeeNumber": "1"}))],
        ),
        shape(
            "a dotted path of an extension",
            title(&format!("{ENTERPRISE}:manager.value")),
            [("/ENTERPRISE/manager", json!({"value": "Boss"}))],
        ),
        shape(
            "manager as a bare string",
            title(&format!("{ENTERPRISE}:manager")),
            [("/ENTERPRISE/manager", json!({"value": "Boss"}))],
        ),
        shape(
            "a value filter",
            one(json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "a@b.example"})),
            [
                ("/emails/0", json!({"value": "a@b.example", "type": "work", "primary": true})),
                ("/emails/1/value", json!("ann@other.example")),
            ],
        ),
        shape(
            "a value filter with blanks and another case",
            one(json!({"op": "Replace", "path": "Emails[ Type EQ \"WORK\" ].Value", "value": "a@b.example"})),
            [("/emails/0/value", json!("a@b.example"))],
        ),
        shape(
            "two conditions in a filter",
            one(
                json!({"op": "replace", "path": "emails[type eq \"work\" and primary eq true].value", "value": "a@b.example"}),
            ),
            [("/emails/0/value", json!("a@b.example"))],
        ),
        shape(
            "a filter that matches nothing makes the element",
            one(json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "a@b.example"})),
            [("/emails/2", json!({"value": "a@b.example", "type": "home"}))],
        ),
        shape(
            "add does so for any part",
            one(json!({"op": "add", "path": "addresses[type eq \"home\"].postalCode", "value": "0150"})),
            [("/addresses/1", json!({"postalCode": "0150", "type": "home"}))],
        ),
        shape(
            "a role by its primary as a string",
            one(json!({"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "buyer"})),
            [("/roles", json!([{"value": "buyer", "primary": true}]))],
        ),
    ]
}

fn values() -> Vec<Shape> {
    let extension = format!("{ENTERPRISE}:department");
    vec![
        shape(
            "no path, nested and dotted keys",
            one(
                json!({"op": "replace", "value": {"title": "Boss", "name.familyName": "Vik", "name": {"middleName": "M"}}}),
            ),
            [
                ("/title", json!("Boss")),
                ("/name", json!({"familyName": "Vik", "givenName": "Ann", "middleName": "M"})),
            ],
        ),
        shape(
            "no path, URN keys",
            one(
                json!({"op": "add", "value": {(extension.as_str()): "IT", (ENTERPRISE): {"division": "North"}, (GANGWAY): {"officeLocation": "B2"}}}),
            ),
            [
                ("/ENTERPRISE", json!({"employeeNumber": "1", "division": "North", "department": "IT"})),
                ("/GANGWAY/officeLocation", json!("B2")),
            ],
        ),
        shape(
            "no path, a filter as a key",
            one(json!({"op": "add", "value": {"emails[type eq \"work\"].value": "a@b.example"}})),
            [("/emails/0/value", json!("a@b.example"))],
        ),
        shape(
            "no path, unknown keys and read-only ones",
            one(
                json!({"op": "replace", "value": {"id": "x", "meta": {}, "groups": [], "shoeSize": 1, "title": "Boss"}}),
            ),
            [("/title", json!("Boss")), ("/shoeSize", Value::Null)],
        ),
        shape(
            "a whole extension by its URN",
            one(json!({"op": "replace", "path": ENTERPRISE, "value": {"division": "North"}})),
            [("/ENTERPRISE/division", json!("North"))],
        ),
        shape(
            "active as text",
            one(json!({"op": "Replace", "path": "active", "value": "False"})),
            [("/active", json!(false))],
        ),
        shape(
            "active in a value as text",
            one(json!({"op": "replace", "value": {"active": "FALSE"}})),
            [("/active", json!(false))],
        ),
        shape(
            "a list of one for a single value",
            one(json!({"op": "replace", "path": "title", "value": ["Boss"]})),
            [("/title", json!("Boss"))],
        ),
        shape(
            "one object for a list",
            one(json!({"op": "add", "path": "emails", "value": {"type": "home", "value": "h@b.example"}})),
            [("/emails/2", json!({"value": "h@b.example", "type": "home"}))],
        ),
        shape(
            "a list of one object without a path",
            one(json!({"op": "replace", "value": [{"title": "Boss"}]})),
            [("/title", json!("Boss"))],
        ),
        shape(
            "a complex value merges",
            one(json!({"op": "replace", "path": "name", "value": {"givenName": "Anna"}})),
            [("/name", json!({"givenName": "Anna", "familyName": "Berg"}))],
        ),
        shape(
            "a list is replaced as a whole",
            one(json!({"op": "replace", "path": "emails", "value": [{"value": "only@b.example"}]})),
            [("/emails", json!([{"value": "only@b.example"}]))],
        ),
        shape(
            "an element that is there is not added again",
            one(
                json!({"op": "add", "path": "emails", "value": [{"type": "other", "value": "ann@other.example"}]}),
            ),
            [("/emails/1/value", json!("ann@other.example")), ("/emails/2", Value::Null)],
        ),
        shape(
            "a new primary takes it from the old one",
            one(json!({"op": "replace", "path": "emails[type eq \"other\"].primary", "value": true})),
            [("/emails/0/primary", json!(false)), ("/emails/1/primary", json!(true))],
        ),
        shape(
            "null clears",
            one(json!({"op": "replace", "path": "title", "value": null})),
            [("/title", Value::Null)],
        ),
    ]
}

fn removals() -> Vec<Shape> {
    let remove = |path: &str| one(json!({"op": "remove", "path": path}));
    vec![
        shape("an attribute", remove("title"), [("/title", Value::Null)]),
        shape("one that is not there", remove("nickName"), [("/title", json!("Engineer"))]),
        shape("a part", remove("name.givenName"), [("/name", json!({"familyName": "Berg"}))]),
        shape(
            "an element",
            remove("emails[type eq \"work\"]"),
            [("/emails", json!([{"value": "ann@other.example", "type": "other"}]))],
        ),
        shape(
            "an element that is not there",
            remove("emails[type eq \"home\"]"),
            [("/emails/1/type", json!("other"))],
        ),
        shape(
            "a part of an element",
            remove("addresses[type eq \"work\"].locality"),
            [("/addresses", json!([{"postalCode": "0001", "type": "work"}]))],
        ),
        shape("a whole list", remove("emails"), [("/emails", Value::Null)]),
        shape(
            "an extension's attribute",
            remove(&format!("{ENTERPRISE}:department")),
            [("/ENTERPRISE", json!({"employeeNumber": "1"}))],
        ),
        shape("a whole extension", remove(ENTERPRISE), [("/ENTERPRISE", Value::Null)]),
        shape(
            "only the values that are named",
            one(json!({"op": "Remove", "path": "emails", "value": [{"value": "ann@other.example"}]})),
            [("/emails/0/type", json!("work")), ("/emails/1", Value::Null)],
        ),
    ]
}

fn envelopes() -> Vec<Shape> {
    let operation = json!({"op": "replace", "path": "title", "value": "Boss"});
    let boss = [("/title", json!("Boss"))];
    vec![
        shape("operations in lower case", json!({ "operations": [operation] }), boss.clone()),
        shape("without schemas", json!({ "Operations": [operation] }), boss.clone()),
        shape("foreign schemas", json!({"schemas": ["urn:x"], "Operations": [operation]}), boss.clone()),
        shape("one operation without a list", json!({ "Operations": operation }), boss.clone()),
        shape(
            "op in capitals",
            one(json!({"OP": "REPLACE", "PATH": "title", "Value": "Boss"})),
            boss.clone(),
        ),
        shape(
            "further members",
            one(json!({"op": "replace", "path": "title", "value": "Boss", "name": "x"})),
            boss,
        ),
        shape(
            "several operations in their order",
            patch([
                json!({"op": "replace", "path": "title", "value": "Boss"}),
                json!({"op": "remove", "path": "title"}),
                json!({"op": "add", "path": "nickName", "value": "A"}),
                json!({"op": "replace", "path": "nickName", "value": "B"}),
            ]),
            [("/title", Value::Null), ("/nickName", json!("B"))],
        ),
    ]
}

async fn hold(gangway: &Gangway, shapes: Vec<Shape>) {
    let created = gangway.scim().post("/Users", &whole()).await.expect(201);
    let path = created.path();
    let mut wrong = Vec::new();
    for (name, body, expected) in shapes {
        gangway.scim().put(&path, &whole()).await.expect(200);
        let answer = gangway.scim().patch(&path, &body).await;
        if answer.status != 200 {
            wrong.push(format!("{name}: {} {}", answer.status, answer.text));
            continue;
        }
        let read = gangway.scim().get(&path).await.expect(200).body;
        for (place, value) in expected {
            let there = read.pointer(&place).unwrap_or(&Value::Null);
            if there != &value {
                wrong.push(format!("{name}: {place} is {there} instead of {value}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn paths_in_every_shape_are_understood(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    hold(&gangway, paths()).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn values_in_every_shape_are_understood(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    hold(&gangway, values()).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_remove_takes_what_it_names_and_no_more(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    hold(&gangway, removals()).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_body_of_a_patch_may_differ_from_the_rfcs(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    hold(&gangway, envelopes()).await;
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_patch_changes_reaches_the_account_and_nothing_else_does(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let created = gangway.scim().post("/Users", &whole()).await.expect(201);
    let before = gangway.account("ann.berg");
    gangway.simulator().clear_exchanges();
    let body = patch([
        json!({"op": "replace", "path": "title", "value": "Boss"}),
        json!({"op": "replace", "path": "addresses[type eq \"work\"].locality", "value": "Bergen"}),
        json!({"op": "replace", "path": "nickName", "value": "Annie"}),
        json!({"op": "replace", "path": "active", "value": "True"}),
    ]);
    gangway.scim().patch(&created.path(), &body).await.expect(200);
    let sent = gangway.simulator().exchanges();
    let changes = sent.iter().filter(|exchange| exchange["method"] != "GET");
    let bodies: Vec<&Value> = changes.map(|exchange| &exchange["body"]).collect();
    assert_eq!(bodies, [&json!({"jobTitle": "Boss", "city": "Bergen"})], "one call with what changed");
    let mut expected = before;
    expected.properties["jobTitle"] = json!("Boss");
    expected.properties["city"] = json!("Bergen");
    assert_eq!(gangway.account("ann.berg"), expected);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn unquoted_text_in_a_filter_is_for_the_client_that_is_known_for_it(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let mut body = whole();
    body["externalId"] = json!("annb");
    gangway.scim().post("/Users", &body).await.expect(201);
    let entra = gangway.token(Dialect::Entra, &[Scope::Scim], None).await;
    let okta = gangway.token(Dialect::Okta, &[Scope::Scim], None).await;
    let search = async |client: Client| client.get("/Users?filter=externalId%20eq%20annb").await;
    let found = search(gangway.scim().bearer(&entra)).await.expect(200);
    assert_eq!(found.body["totalResults"], 1);
    for client in [gangway.scim(), gangway.scim().bearer(&okta)] {
        let answer = search(client).await.expect(400);
        assert_eq!(answer.body["scimType"], "invalidFilter");
        assert!(answer.detail().contains("double quotes"), "{}", answer.text);
    }
}
