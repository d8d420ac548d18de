//! The client against HTTP servers that answer as it is told.

mod bounds;
mod credentials;
mod delegated;
mod directory;
mod dispatch;
mod faults;
mod groups;
mod sign_in;
mod support;
mod token;

use rstest::rstest;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, ResponseTemplate};

use self::support::{ID, Server, id, new_user};
use super::*;

#[tokio::test]
async fn an_account_is_created_in_one_request() {
    let server = Server::start().await;
    let created = json!({"id": ID, "userPrincipalName": "ada@contoso.example"});
    server.answer("POST", "/v1.0/users", 201, created).await;
    let call = server.call();

    let reply = server.graph.create_user(&call, &new_user()).await.unwrap();

    assert_eq!((reply.status, reply.request_id.as_deref()), (201, Some("their-id")));
    assert_eq!(reply.client_request_id, call.client_request_id);
    assert_eq!(reply.value.user.id.to_string(), ID);
    assert!(reply.value.not_applied.is_empty());
    let requests = server.graph_requests().await;
    let [request] = requests.as_slice() else { panic!("one request: {requests:?}") };
    let header = |name: &str| request.headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), "Bearer token-1");
    assert_eq!(header("client-request-id"), call.client_request_id.to_string());
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("accept"), "application/json");
    assert!(header("user-agent").starts_with("Gangway/"));
    let body: Value = request.body_json().unwrap();
    assert_eq!(body["passwordProfile"]["password"], json!("Sesame-0pen!"));
    assert_eq!(body["accountEnabled"], json!(true));
}

#[tokio::test]
async fn only_what_is_given_is_written() {
    let server = Server::start().await;
    let user = format!("/v1.0/users/{ID}");
    server.answer("PATCH", &user, 204, Value::Null).await;
    let (graph, call, id) = (&server.graph, server.call(), id());

    let patch = UserPatch::new().with(Property::JobTitle, "Countess").with(Property::City, Value::Null);
    graph.update_user(&call, &id, &patch).await.unwrap();
    graph.set_password(&call, &id, &"Sesame-0pen!".into(), false).await.unwrap();
    let block = UserPatch::new().with(Property::AccountEnabled, false);
    assert_eq!(graph.update_user(&call, &id, &block).await.unwrap().status, 204);
    graph.update_user(&call, &id, &UserPatch::new()).await.unwrap();

    let bodies: Vec<Value> =
        server.graph_requests().await.iter().map(|request| request.body_json().unwrap()).collect();
    let password = json!({"password": "Sesame-0pen!", "forceChangePasswordNextSignIn": false});
    assert_eq!(
        bodies,
        [
            json!({"city": null, "jobTitle": "Countess"}),
            json!({ "passwordProfile": password }),
            json!({"accountEnabled": false}),
        ]
    );
}

#[rstest]
#[case(200, json!({"value": true}))]
#[case(204, Value::Null)]
#[tokio::test]
async fn signing_out_takes_any_success(#[case] status: u16, #[case] body: Value) {
    let server = Server::start().await;
    let target = format!("/v1.0/users/{ID}/revokeSignInSessions");
    server.answer("POST", &target, status, body).await;
    let reply = server.graph.revoke_sessions(&server.call(), &id()).await.unwrap();
    assert_eq!(reply.status, status);
    assert!(server.graph_requests().await[0].body.is_empty());
}

#[tokio::test]
async fn an_account_is_found_by_its_user_name() {
    let server = Server::start().await;
    let found = json!({"value": [{"id": ID, "userPrincipalName": "o'neil@contoso.example", "accountEnabled": false}]});
    server.answer("GET", "/v1.0/users", 200, found).await;

    let reply = server.graph.user_by_upn(&server.call(), "o'neil#EXT#@contoso.example").await.unwrap();

    assert_eq!(reply.value.unwrap().account_enabled(), Some(false));
    let request = &server.graph_requests().await[0];
    let query = request.url.query().unwrap();
    assert!(query.contains("eq%20%27o%27%27neil%23EXT%23%40contoso.example%27"), "{query}");
    assert!(query.contains("accountEnabled") && query.contains("onPremisesSyncEnabled"), "{query}");
    assert!(!request.headers.contains_key("consistencylevel"));
}

#[tokio::test]
async fn no_such_account_is_no_error() {
    let server = Server::start().await;
    server.answer("GET", "/v1.0/users", 200, json!({"value": []})).await;
    let reply = server.graph.user_by_upn(&server.call(), "ada@contoso.example").await.unwrap();
    assert_eq!((reply.value, reply.status), (None, 200));
}

#[tokio::test]
async fn the_account_deleted_last_is_found_among_the_deleted() {
    let server = Server::start().await;
    let deleted = |id: &str, name: &str, when: &str| json!({"id": id, "userPrincipalName": name, "deletedDateTime": when});
    let (older, newest) = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222");
    let old_name = "11111111111141118111111111111111ada@contoso.example";
    let list = json!({"value": [
        deleted(older, old_name, "2026-01-01T00:00:00Z"),
        deleted(newest, "22222222222242228222222222222222ada@contoso.example", "2026-02-01T00:00:00Z"),
        // Another's name that ends alike, and a prefix that is not the object's own id.
        deleted(ID, "6e7b768e07e248108459485f84f8f204granada@contoso.example", "2026-03-01T00:00:00Z"),
        deleted("33333333-3333-4333-8333-333333333333", old_name, "2026-03-01T00:00:00Z"),
    ]});
    server.answer("GET", "/v1.0/directory/deletedItems/microsoft.graph.user", 200, list).await;

    let reply = server.graph.deleted_user_by_upn(&server.call(), "Ada@contoso.example").await.unwrap();

    assert_eq!(reply.value.unwrap().id.to_string(), newest);
    let request = &server.graph_requests().await[0];
    assert_eq!(request.headers["consistencylevel"], "eventual");
    assert!(request.url.query().unwrap().contains("$count=true"));
}

#[rstest]
#[case(None, Value::Null)]
#[case(Some("ada@contoso.example"), json!({"newUserPrincipalName": "ada@contoso.example"}))]
#[tokio::test]
async fn an_account_is_restored(#[case] upn: Option<&str>, #[case] body: Value) {
    let server = Server::start().await;
    let target = format!("/v1.0/directory/deletedItems/{ID}/restore");
    server.answer("POST", &target, 200, json!({"id": ID, "@odata.type": "#microsoft.graph.user"})).await;
    let reply = server.graph.restore_user(&server.call(), &id(), upn).await.unwrap();
    assert_eq!(reply.value.id, id());
    let sent = &server.graph_requests().await[0].body;
    assert_eq!(serde_json::from_slice::<Value>(sent).unwrap_or_default(), body);
}

#[tokio::test]
async fn an_account_is_read_and_deleted() {
    let server = Server::start().await;
    let user = format!("/v1.0/users/{ID}");
    server.answer("GET", &user, 200, json!({"id": ID, "onPremisesSyncEnabled": true})).await;
    server.answer("DELETE", &user, 204, Value::Null).await;
    let (call, id) = (server.call(), id());
    assert!(server.graph.user(&call, &id).await.unwrap().value.is_synced());
    assert_eq!(server.graph.delete_user(&call, &id).await.unwrap().status, 204);
}

#[tokio::test]
async fn the_domains_are_read() {
    let server = Server::start().await;
    let list = json!({"value": [
        {"id": "contoso.example", "isVerified": true, "isDefault": true, "unheardOf": []},
        {"id": "federated.example", "authenticationType": "Federated"},
    ]});
    server.answer("GET", "/v1.0/domains", 200, list).await;
    let domains = server.graph.domains(&server.call()).await.unwrap().value;
    let names: Vec<_> = domains.iter().map(|d| (d.name.as_str(), d.is_verified, d.is_federated())).collect();
    assert_eq!(names, [("contoso.example", true, false), ("federated.example", false, true)]);
}

#[tokio::test]
async fn a_list_is_read_over_its_pages() {
    let server = Server::start().await;
    let target = "/v1.0/directory/deletedItems/microsoft.graph.user";
    let second = json!({"value": [{"id": ID, "userPrincipalName": "ada@contoso.example"}]});
    Mock::given(path(target))
        .and(query_param("$skiptoken", "a b"))
        .respond_with(ResponseTemplate::new(200).set_body_json(second))
        .mount(server.http())
        .await;
    let next = format!("{}{target}?$skiptoken=a%20b", server.uri());
    server.answer("GET", target, 200, json!({"value": [], "@odata.nextLink": next})).await;

    let reply = server.graph.deleted_user_by_upn(&server.call(), "ada@contoso.example").await.unwrap();

    assert_eq!(reply.value.unwrap().id, id());
    let requests = server.graph_requests().await;
    assert_eq!(requests[1].url.query(), Some("$skiptoken=a%20b"));
    // A link does not carry headers, so they are sent again.
    assert_eq!(requests[1].headers["consistencylevel"], "eventual");
}

#[tokio::test]
async fn a_page_elsewhere_does_not_get_the_token() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    let first = json!({"value": [], "@odata.nextLink": format!("{}/v1.0/domains", elsewhere.uri())});
    server.answer("GET", "/v1.0/domains", 200, first).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::ForeignLink, .. }), "{error:?}");
    assert!(elsewhere.graph_requests().await.is_empty());
}

#[tokio::test]
async fn pages_without_end_are_given_up() {
    let server = Server::start().await;
    let again = json!({"value": [], "@odata.nextLink": format!("{}/v1.0/domains", server.uri())});
    server.answer("GET", "/v1.0/domains", 200, again).await;
    let error = server.graph.domains(&server.call()).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { oddity: Oddity::TooLarge, .. }), "{error:?}");
}

#[tokio::test]
async fn the_tenant_is_read() {
    let server = Server::start().await;
    let list = json!({"value": [{"id": ID, "displayName": "Contoso"}]});
    server.answer("GET", "/v1.0/organization", 200, list).await;
    let tenant = server.graph.organization(&server.call()).await.unwrap().value;
    assert_eq!((tenant.id.to_string().as_str(), tenant.display_name.as_deref()), (ID, Some("Contoso")));
}

#[tokio::test]
async fn a_refused_password_is_in_no_message() {
    let server = Server::start().await;
    let body =
        json!({"error": {"code": "Request_BadRequest", "message": "Sesame-0pen! is known to everybody"}});
    server.answer("POST", "/v1.0/users", 400, body).await;
    let error = server.graph.create_user(&server.call(), &new_user()).await.unwrap_err();
    assert!(!format!("{error:?} {error}").contains("Sesame"), "{error:?}");
}

#[tokio::test]
async fn calls_are_counted_by_operation_and_status() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let server = Server::start().await;
    server.answer("GET", "/v1.0/domains", 200, json!({"value": []})).await;
    server.graph.domains(&server.call()).await.unwrap();
    let _ = server.graph.organization(&server.call()).await.unwrap_err();
    let text = recorder.handle().render();
    for line in [
        "gangway_graph_calls_total{operation=\"list_domains\",status=\"200\"} 1",
        "gangway_graph_calls_total{operation=\"read_organization\",status=\"404\"} 1",
        "gangway_graph_calls_total{operation=\"token\",status=\"200\"} 1",
        "gangway_graph_call_seconds_count{operation=\"list_domains\"} 1",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[tokio::test]
async fn a_call_can_be_spawned() {
    let server = Server::start().await;
    server.answer("GET", "/v1.0/domains", 200, json!({"value": []})).await;
    let (graph, call) = (server.graph.clone(), server.call());
    let task = tokio::spawn(async move { graph.domains(&call).await.is_ok() });
    assert!(task.await.unwrap());
}

#[tokio::test]
async fn throttling_says_how_long_to_wait() {
    let server = Server::start().await;
    let body = json!({"error": {"code": "TooManyRequests", "message": "Please retry after"}});
    let answer = ResponseTemplate::new(429).insert_header("Retry-After", "7").set_body_json(body);
    Mock::given(method("POST")).and(path("/v1.0/users")).respond_with(answer).mount(server.http()).await;
    let error = server.graph.create_user(&server.call(), &new_user()).await.unwrap_err();
    let after = Some(std::time::Duration::from_secs(7));
    assert_eq!(error.disposition(), Disposition::Retry { after });
    assert_eq!(server.graph_requests().await.len(), 1);
}

#[test]
fn a_connection_to_microsoft_needs_nothing_set_up_before() {
    for cloud in ["global", "us-gov", "us-dod", "china"] {
        let credential = Credential::ClientSecret("x".into());
        let settings = Settings::new(Cloud::named(cloud).unwrap(), "contoso.example", "the-app", credential);
        assert!(Graph::new(settings, Clock::fixed(0)).is_ok(), "{cloud}");
    }
}
