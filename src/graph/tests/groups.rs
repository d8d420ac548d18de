//! The calls on groups, their members and managers.

use rstest::rstest;
use serde_json::{Value, json};

use super::support::{ID, Server, id};
use crate::graph::{Disposition, Error, GroupId, GroupKind, GroupPatch, GroupProperty, NewGroup, ObjectId};

const GROUP: &str = "0f1c6a2e-4f50-4b8e-9a39-0a6d7c1e2b11";
const OTHER: &str = "1b7a2c33-9f63-4f0c-8a52-31c5c2a7f9d0";

fn group() -> GroupId {
    GROUP.parse().unwrap()
}

fn other() -> ObjectId {
    OTHER.parse().unwrap()
}

fn security(name: &str) -> Value {
    json!({"id": GROUP, "displayName": name, "mailNickname": "nurses", "description": null,
        "groupTypes": [], "mailEnabled": false, "securityEnabled": true})
}

/// What was sent: method, path and body.
async fn sent(server: &Server) -> Vec<(String, String, Value)> {
    let requests = server.graph_requests().await;
    let read = |request: &wiremock::Request| serde_json::from_slice(&request.body).unwrap_or_default();
    requests
        .iter()
        .map(|request| (request.method.to_string(), request.url.path().to_owned(), read(request)))
        .collect()
}

fn refusal(code: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message}})
}

#[tokio::test]
async fn a_group_is_created_with_its_first_members() {
    let server = Server::start().await;
    server.answer("POST", "/v1.0/groups", 201, security("Nurses")).await;
    let new = NewGroup::new("Nurses", "nurses").with_members([other(), id().into(), other()]).unwrap();

    let reply = server.graph.create_group(&server.call(), &new).await.unwrap();

    assert_eq!((reply.status, reply.value.id, reply.value.kind), (201, group(), GroupKind::Security));
    let address = |id: &str| format!("{}/v1.0/directoryObjects/{id}", server.uri());
    let body = json!({
        "displayName": "Nurses", "mailNickname": "nurses", "mailEnabled": false, "securityEnabled": true,
        "members@odata.bind": [address(OTHER), address(ID)],
    });
    assert_eq!(sent(&server).await, [("POST".to_owned(), "/v1.0/groups".to_owned(), body)]);
}

#[tokio::test]
async fn groups_are_found_by_their_names() {
    let server = Server::start().await;
    let list =
        json!({"value": [security("O'Neil"), {"id": OTHER, "groupTypes": ["Unified"], "mailEnabled": true}]});
    server.answer("GET", "/v1.0/groups", 200, list).await;
    let (graph, call) = (&server.graph, server.call());

    let found = graph.groups_named(&call, "O'Neil & co").await.unwrap().value;
    let kinds: Vec<GroupKind> = found.iter().map(|group| group.kind).collect();
    assert_eq!(kinds, [GroupKind::Security, GroupKind::Microsoft365]);
    let first = graph.group_by_nickname(&call, "nurses").await.unwrap().value.unwrap();
    assert_eq!(first.mail_nickname.as_deref(), Some("nurses"));

    let requests = server.graph_requests().await;
    let query = |at: usize| requests[at].url.query().unwrap().to_owned();
    assert!(
        query(0).contains("$filter=displayName%20eq%20%27O%27%27Neil%20%26%20co%27&$select=id"),
        "{}",
        query(0)
    );
    assert!(query(1).contains("$filter=mailNickname%20eq%20%27nurses%27"), "{}", query(1));
    for name in
        ["groupTypes", "mailEnabled", "securityEnabled", "onPremisesSyncEnabled", "isAssignableToRole"]
    {
        assert!(query(0).contains(name), "{name} tells the kind");
    }
    assert!(!requests[0].headers.contains_key("consistencylevel"));
}

#[tokio::test]
async fn no_such_group_is_no_error() {
    let server = Server::start().await;
    server.answer("GET", "/v1.0/groups", 200, json!({"value": []})).await;
    assert_eq!(server.graph.group_by_nickname(&server.call(), "nurses").await.unwrap().value, None);
}

#[tokio::test]
async fn a_group_is_read_changed_and_deleted() {
    let server = Server::start().await;
    let path = format!("/v1.0/groups/{GROUP}");
    server.answer("GET", &path, 200, security("Nurses")).await;
    server.answer("PATCH", &path, 204, Value::Null).await;
    server.answer("DELETE", &path, 204, Value::Null).await;
    let (graph, call, id) = (&server.graph, server.call(), group());

    assert_eq!(graph.group(&call, &id).await.unwrap().value.display_name.as_deref(), Some("Nurses"));
    let change = GroupPatch::new()
        .with(GroupProperty::DisplayName, "Doctors")
        .with(GroupProperty::Description, Value::Null);
    graph.update_group(&call, &id, &change).await.unwrap();
    assert_eq!(graph.update_group(&call, &id, &GroupPatch::new()).await.unwrap().request_id, None);
    graph.delete_group(&call, &id).await.unwrap();

    let body = json!({"displayName": "Doctors", "description": null});
    assert_eq!(
        sent(&server).await,
        [
            ("GET".to_owned(), path.clone(), Value::Null),
            ("PATCH".to_owned(), path.clone(), body),
            ("DELETE".to_owned(), path, Value::Null),
        ]
    );
}

#[tokio::test]
async fn members_are_added_together_and_one_by_one_and_removed_by_their_reference_only() {
    let server = Server::start().await;
    let path = format!("/v1.0/groups/{GROUP}");
    let one = format!("{path}/members/$ref");
    let reference = format!("{path}/members/{ID}/$ref");
    server.answer("PATCH", &path, 204, Value::Null).await;
    server.answer("POST", &one, 204, Value::Null).await;
    server.answer("DELETE", &reference, 204, Value::Null).await;
    let (graph, call, group) = (&server.graph, server.call(), group());

    graph.add_members(&call, &group, &[other(), id().into(), other()]).await.unwrap();
    assert_eq!(graph.add_members(&call, &group, &[]).await.unwrap().request_id, None);
    graph.add_member(&call, &group, id()).await.unwrap();
    graph.remove_member(&call, &group, id()).await.unwrap();

    let address = |id: &str| format!("{}/v1.0/directoryObjects/{id}", server.uri());
    assert_eq!(
        sent(&server).await,
        [
            ("PATCH".to_owned(), path, json!({"members@odata.bind": [address(OTHER), address(ID)]})),
            ("POST".to_owned(), one, json!({"@odata.id": address(ID)})),
            ("DELETE".to_owned(), reference, Value::Null),
        ]
    );
}

#[tokio::test]
async fn a_manager_is_set_and_removed() {
    let server = Server::start().await;
    let path = format!("/v1.0/users/{ID}/manager/$ref");
    server.answer("PUT", &path, 204, Value::Null).await;
    server.answer("DELETE", &path, 404, refusal("Request_ResourceNotFound", "Resource 'manager' does not exist or one of its queried reference-property objects are not present.")).await;
    let (graph, call) = (&server.graph, server.call());

    graph.set_manager(&call, &id(), &OTHER.parse().unwrap()).await.unwrap();
    let none = graph.remove_manager(&call, &id()).await.unwrap_err();

    assert!(none.is_not_a_member() && none.missing().is_none(), "{none:?}");
    let body = json!({"@odata.id": format!("{}/v1.0/users/{OTHER}", server.uri())});
    assert_eq!(
        sent(&server).await,
        [("PUT".to_owned(), path.clone(), body), ("DELETE".to_owned(), path, Value::Null)]
    );
}

#[rstest]
#[case(
    400,
    "Request_BadRequest",
    "One or more removed object references do not exist for the following modified properties: 'members'.",
    None
)]
#[case(
    404,
    "Request_ResourceNotFound",
    "Resource '6e7b768e-07e2-4810-8459-485f84f8f204' does not exist or one of its queried reference-property objects are not present.",
    Some(ID)
)]
#[tokio::test]
async fn removing_one_that_is_no_member_is_known(
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
    #[case] missing: Option<&str>,
) {
    let server = Server::start().await;
    let path = format!("/v1.0/groups/{GROUP}/members/{ID}/$ref");
    server.answer("DELETE", &path, status, refusal(code, message)).await;
    let error = server.graph.remove_member(&server.call(), &group(), id()).await.unwrap_err();
    assert!(error.is_not_a_member() && !error.is_already_there(), "{error:?}");
    assert_eq!(error.missing().map(|id| id.to_string()).as_deref(), missing);
}

#[rstest]
#[case(GROUP)]
#[case(OTHER)]
#[tokio::test]
async fn an_addition_tells_which_of_the_two_is_missing(#[case] gone: &str) {
    let server = Server::start().await;
    let path = format!("/v1.0/groups/{GROUP}/members/$ref");
    let message = format!(
        "Resource '{gone}' does not exist or one of its queried reference-property objects are not present."
    );
    server.answer("POST", &path, 404, refusal("Request_ResourceNotFound", &message)).await;
    let error = server.graph.add_member(&server.call(), &group(), other()).await.unwrap_err();
    assert_eq!(error.missing().unwrap().to_string(), gone);
    assert_eq!(error.missing() == Some(group().into()), gone == GROUP);
    assert!(!error.is_not_a_member() && error.advice().contains(gone), "{error}");
}

#[tokio::test]
async fn one_member_that_is_there_already_fails_the_whole_addition() {
    let server = Server::start().await;
    let message =
        "One or more added object references already exist for the following modified properties: 'members'.";
    let path = format!("/v1.0/groups/{GROUP}");
    server.answer("PATCH", &path, 400, refusal("Request_BadRequest", message)).await;
    let error = server.graph.add_members(&server.call(), &group(), &[other()]).await.unwrap_err();
    assert!(error.is_already_there() && matches!(error, Error::AlreadyThere(_)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Refused);
}

#[tokio::test]
async fn a_group_that_may_have_been_created_is_ambiguous() {
    let server = Server::start().await;
    server.answer("POST", "/v1.0/groups", 504, refusal("x", "m")).await;
    let error = server.graph.create_group(&server.call(), &NewGroup::new("g", "g")).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Ambiguous);
}
