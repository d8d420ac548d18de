//! The query: who may ask, what is answered, what is refused.

use gangway::clock::Clock;
use gangway::directory::Scope;
use gangway::scim::Dialect;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Client, Gangway, TOKEN, gangway, replace, user};

const EVENTS: &str = "/insights/directory/v1/events";

fn all() -> Value {
    json!({"service": ["directory"], "start_time": "2020-01-01T00:00:00Z"})
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_the_scope_insights_may_ask(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    gangway.scim().post("/Users", &user("ann.berg")).await.expect(201);
    let client = Client::new(gangway.url()).with("content-type", "application/json");
    let insights = gangway.token(Dialect::Auto, &[Scope::Insights], None).await;
    let scim = gangway.token(Dialect::Auto, &[Scope::Scim], None).await;
    for accepted in [
        client.clone().bearer(TOKEN),
        client.clone().with("x-api-key", TOKEN),
        client.clone().bearer(&insights),
        client.clone().with("x-api-key", &insights),
    ] {
        let page = accepted.post(EVENTS, &all()).await.expect(200);
        assert_eq!(page.body.as_array().unwrap().len(), 1);
        assert_eq!(page.header("content-type"), "application/json");
    }
    for (refused, status) in [
        (client.clone(), 401),
        (client.clone().bearer("no-such-token-0123456789"), 401),
        (client.clone().with("x-api-key", "no-such-token-0123456789"), 401),
        (client.clone().bearer(&scim), 403),
        (client.clone().with("x-api-key", &scim), 403),
    ] {
        let answer = refused.post(EVENTS, &all()).await.expect(status);
        assert!(answer.body["message"].is_string(), "{}", answer.text);
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
    }
    // The key of the events' API is no key of SCIM's, nor is its scope.
    let scim_base = Client::new(format!("{}/scim/v2", gangway.url()));
    scim_base.clone().with("x-api-key", TOKEN).get("/Users").await.expect(401);
    scim_base.bearer(&insights).get("/Users").await.expect(403);
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_query_chooses_times_fields_and_services(#[case] backend: Backend) {
    let Some(mut gangway) = Gangway::prepare(backend, |_| {}).await else {
        return;
    };
    let clock = Clock::fixed(1_769_846_400_000); // 2026-01-31T08:00:00Z
    gangway.set_clock(clock.clone());
    gangway.start().await;
    let scim = gangway.scim();
    let created = scim.post("/Users", &user("ann.berg")).await.expect(201);
    clock.advance(60_000);
    scim.patch(&created.path(), &replace("title", "One")).await.expect(200);
    clock.advance(60_000);
    scim.patch(&created.path(), &replace("title", "Two")).await.expect(200);

    let asked = async |more: Value| {
        let mut query =
            json!({"service": ["directory"], "start_time": "2026-01-31T08:00:00Z", "fields": ["timestamp"]});
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gangway.query(&query).await.expect(200).body
    };
    let at = |minutes: &[u8]| -> Value {
        minutes
            .iter()
            .map(|minute| json!({"timestamp": format!("2026-01-31T08:0{minute}:00.000Z")}))
            .collect()
    };
    assert_eq!(asked(json!({})).await, at(&[0, 1, 2]));
    assert_eq!(asked(json!({"sort": "DESC"})).await, at(&[2, 1, 0]));
    assert_eq!(asked(json!({"start_time": "2026-01-31T08:00:00.001Z"})).await, at(&[1, 2]));
    assert_eq!(asked(json!({"end_time": "2026-01-31T08:01:00Z"})).await, at(&[0, 1]));
    assert_eq!(asked(json!({"start_time": "2026-01-31T09:01:00+01:00"})).await, at(&[1, 2]));
    assert_eq!(asked(json!({"start_time": "2026-02-01"})).await, json!([]));
    assert_eq!(asked(json!({"limit": 1, "skip": 1})).await, at(&[1]));
    assert_eq!(asked(json!({"limit": "nonsense", "sort": "sideways"})).await, at(&[0, 1, 2]));
    assert_eq!(asked(json!({"service": ["all"]})).await, at(&[0, 1, 2]));
    assert_eq!(asked(json!({"service": ["sso", "radius"]})).await, json!([]));
    assert_eq!(
        asked(json!({"fields": ["resource.username", "changes.to", "nonsense"], "limit": 1, "skip": 2}))
            .await,
        json!([{"resource": {"username": "ann.berg@contoso.example"}, "changes": [{"to": "Two"}]}])
    );
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_headers_say_what_was_applied(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    for (limit, applied) in [
        (json!(null), "1000"),
        (json!(20_000), "10000"),
        (json!(0), "1000"),
        (json!("7"), "7"),
        (json!("many"), "1000"),
    ] {
        let mut query = all();
        query["limit"] = limit.clone();
        let page = gangway.query(&query).await.expect(200);
        assert_eq!(page.header("x-limit"), applied, "{limit}");
        assert_eq!(page.header("x-sort"), "ASC");
        assert_eq!(page.header("x-result-count"), "0");
        assert_eq!(page.header("x-search_after"), "[]");
        assert_eq!(page.body, json!([]));
    }
}

#[rstest]
#[case::sqlite(Backend::Sqlite)]
#[case::postgres(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_cannot_be_read_is_refused_with_its_fault(#[case] backend: Backend) {
    let Some(gangway) = gangway(backend).await else {
        return;
    };
    let start = "2026-01-31T00:00:00Z";
    for (query, words) in [
        (json!([]), "JSON object"),
        (json!({"start_time": start}), "service"),
        (json!({"service": [], "start_time": start}), "service"),
        (json!({"service": ["directory", "unknown"], "start_time": start}), "unknown"),
        (json!({"service": ["unknown"], "start_time": start}), "directory"),
        (json!({"service": ["directory"]}), "start_time"),
        (json!({"service": ["directory"], "start_time": "yesterday"}), "start_time"),
        (json!({"service": ["directory"], "start_time": start, "end_time": 5}), "end_time"),
        (json!({"service": ["directory"], "start_time": start, "colour": 1, "size": 2}), "colour, size"),
        (json!({"service": ["directory"], "start_time": start, "search_after": [1]}), "search_after"),
        (json!({"service": ["directory"], "start_time": start, "search_after": ["x", "y"]}), "search_after"),
        (json!({"service": ["directory"], "start_time": start, "fields": []}), "fields"),
        (json!({"service": ["directory"], "start_time": start, "fields": ["colour"]}), "colour"),
        (json!({"service": ["directory"], "start_time": start, "skip": -1}), "skip"),
        (json!({"service": ["directory"], "start_time": start, "q": "ann"}), "q"),
    ] {
        let answer = gangway.query(&query).await.expect(400);
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{query}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let client = gangway.http().with("content-type", "application/json");
    let broken =
        client.send_bytes(reqwest::Method::POST, EVENTS, Some(b"{\"service\":".to_vec())).await.unwrap();
    assert!(broken.expect(400).body["message"].as_str().unwrap().contains("JSON"));
}
