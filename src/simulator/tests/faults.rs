//! What goes wrong on demand.

use serde_json::{Value, json};

use super::client::{Client, user};
use super::*;

fn rule(method: &str, path: &str, when: When, action: Action) -> FaultRule {
    FaultRule { method: Some(method.to_owned()), path: path.to_owned(), when, action }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_forced_on_the_nth_request() {
    let client = Client::plain().await;
    let action = Action::Answer {
        status: 429,
        code: "TooManyRequests".to_owned(),
        message: "Slow down.".to_owned(),
        retry_after: Some(7),
    };
    client.simulator.directory().add_fault(rule("POST", "/users", When::Nth(2), action));
    assert_eq!(client.call("POST /users", user("one")).await.status, 201);
    let reply = client.call("POST /users", user("two")).await;
    assert_eq!(reply.error(), (429, "TooManyRequests".to_owned(), "Slow down.".to_owned()));
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert!(client.simulator.directory().user("two@contoso.example").is_none());
    assert_eq!(client.call("POST /users", user("two")).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_can_fail_too() {
    let client = Client::rough().await;
    let action = Action::Answer {
        status: 503,
        code: "temporarily_unavailable".to_owned(),
        message: "Later.".to_owned(),
        retry_after: None,
    };
    client.simulator.directory().add_fault(rule("POST", "*/token", When::First(1), action));
    let reply = client.grant(&[]).await;
    assert_eq!((reply.status, &reply.json()["error"]), (503, &json!("temporarily_unavailable")));
    assert_eq!(client.grant(&[]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_closes_before_or_after_the_effect() {
    let client = Client::plain().await;
    let directory = client.simulator.directory();
    for (action, name, made) in [(Action::ResetBefore, "before", false), (Action::ResetAfter, "after", true)]
    {
        let id = directory.add_fault(rule("POST", "/users", When::All, action));
        assert!(client.try_call("POST /users", &[], &user(name)).await.is_none(), "no answer");
        assert_eq!(directory.user(&format!("{name}@contoso.example")).is_some(), made, "{name}");
        assert!(directory.remove_fault(id));
    }
    let exchanges = directory.exchanges();
    assert!(exchanges.last().unwrap().get("status").is_none(), "it was not answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_held_until_it_is_released() {
    let client = std::sync::Arc::new(Client::plain().await);
    let directory = client.simulator.directory();
    for (action, made) in [(Action::Hold, false), (Action::HoldAfter, true)] {
        let name = format!("held{made}");
        directory.add_fault(rule("POST", "/users", When::All, action));
        let waiting = tokio::spawn({
            let (client, body) = (std::sync::Arc::clone(&client), user(&name));
            async move { client.call("POST /users", body).await }
        });
        directory.held(1).await;
        assert!(!waiting.is_finished());
        assert_eq!(directory.user(&format!("{name}@contoso.example")).is_some(), made);
        directory.clear_faults();
        assert_eq!(waiting.await.unwrap().status, 201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_throttled_or_unavailable_and_tokens_are_not() {
    let options = Options { throttle: 1.0, ..Options::default() };
    let client = Client::start(options, Clock::system()).await;
    let reply = client.call("POST /users", user("one")).await;
    assert_eq!(reply.error(), (429, "TooManyRequests".to_owned(), "Please retry after".to_owned()));
    assert_eq!(reply.json()["error"]["innerError"]["code"], "429");
    assert_eq!(reply.header("retry-after"), Some("1"));
    let scope = format!("Tenant_Application/ReadWrite/{}/{}", app().0, TenantSeed::contoso().tenant_id);
    assert_eq!(reply.header("x-ms-throttle-scope"), Some(scope.as_str()));
    assert_eq!(reply.header("x-ms-throttle-information"), Some("WriteLimitExceeded"));

    let options = Options { unavailable: 0.5, seed: 7, ..Options::default() };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let client = Client::start(options.clone(), Clock::system()).await;
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(client.get("/organization").await.status);
        }
        assert!(statuses.contains(&503) && statuses.contains(&200), "{statuses:?}");
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1], "the same seed chooses alike");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_creates_at_once_make_one_user() {
    let client = std::sync::Arc::new(Client::plain().await);
    let calls = (0..8).map(|_| {
        let client = std::sync::Arc::clone(&client);
        tokio::spawn(async move { client.call("POST /users", user("race")).await.status })
    });
    let mut statuses = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 400, 400, 400, 400, 400, 400, 400]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_simulator_answers_no_more() {
    let client = Client::plain().await;
    let (url, address) = (client.simulator.url(), client.simulator.url().socket_addrs(|| None).unwrap()[0]);
    client.simulator.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "{url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json() {
    let client = Client::rough().await;
    let bearer = format!("Bearer {}", client.token);
    let text = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";
    let send = async |kind: &str, body: &str| {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        super::client::send(&client.simulator.url(), "POST /v1.0/users", &headers, body)
            .await
            .unwrap()
            .error()
    };
    let expected = |text: &str| (400, "BadRequest".to_owned(), text.to_owned());
    assert_eq!(send("application/json", "{\"password\":\"Sec").await, expected(text));
    assert_eq!(send("text/plain", "{}").await, expected(text));
    assert_eq!(send("application/json", "").await, expected("Empty Payload. JSON content expected."));
    let kept = client.simulator.directory().exchanges();
    assert!(kept.iter().all(|exchange| !exchange.to_string().contains("Sec")));
    assert_eq!(client.call("POST /users", json!([])).await.status, 400);
    assert_eq!(client.call("PATCH /users/x", Value::Null).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_no_graph_gives() {
    let client = Client::rough().await;
    let directory = client.simulator.directory();
    let page = Action::Raw {
        status: 200,
        content_type: "text/html".to_owned(),
        body: "<h1>Sign in to the hotel</h1>".to_owned(),
    };
    let id = directory.add_fault(rule("GET", "/organization", When::All, page));
    let reply = client.get("/organization").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
    assert_eq!(reply.text, "<h1>Sign in to the hotel</h1>");
    directory.remove_fault(id);

    let id = directory.add_fault(rule("GET", "/organization", When::All, Action::Redirect));
    let reply = client.get("/organization?$select=id").await;
    let here = format!("{}v1.0/organization?$select=id", client.simulator.url());
    assert_eq!((reply.status, reply.header("location")), (302, Some(here.as_str())));
    directory.remove_fault(id);

    directory.add_fault(rule("POST", "/users", When::First(1), Action::HalfBody));
    let reply = client.call("POST /users", user("half")).await;
    let announced: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert!(reply.text.len() < announced && reply.text.starts_with('{'), "{reply:?}");
    assert!(directory.user("half@contoso.example").is_some(), "it took effect");

    let id = directory.add_fault(rule("GET", "/organization", When::All, Action::Huge(10_000_000)));
    let reply = client.get("/organization").await;
    assert_eq!((reply.status, reply.text.len()), (200, 10_000_000));
    directory.remove_fault(id);
    let exchanges = directory.exchanges();
    let answered = exchanges.iter().filter(|exchange| exchange.get("status").is_some()).count();
    assert_eq!(answered, 1, "only the token was an answer of Microsoft's");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_turns_calls_away_and_says_how_near_it_is() {
    let limits = Limits { writes: Quota { amount: 5, seconds: 10 }, ..Limits::default() };
    let clock = Clock::fixed(1_790_000_000_000);
    let client = Client::start(Options { limits: Some(limits), ..Options::default() }, clock.clone()).await;
    let mut near = Vec::new();
    for name in ["a1", "a2", "a3", "a4", "a5"] {
        let reply = client.call("POST /users", user(name)).await;
        assert_eq!((reply.status, reply.header("x-ms-resource-unit")), (201, Some("1")));
        near.push(reply.header("x-ms-throttle-limit-percentage").map(str::to_owned));
    }
    assert_eq!(near, [None, None, None, None, Some("1.00".to_owned())]);
    let refused = client.call("POST /users", user("a6")).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("2")));
    assert_eq!(refused.header("x-ms-throttle-information"), Some("WriteLimitExceeded"));
    assert_eq!(client.get("/organization").await.status, 200, "reading has another quota");
    let one = |id: &str| {
        json!({"id": id, "method": "POST", "url": "/users",
        "headers": {"Content-Type": "application/json"}, "body": user(&format!("b{id}"))})
    };
    clock.advance(2000);
    let batch = client.call("POST /$batch", json!({"requests": [one("1"), one("2")]})).await.json();
    let answers = batch["responses"].as_array().unwrap();
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer["status"].as_u64().unwrap()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 429], "each is metered alone: {batch}");
    let refused = answers.iter().find(|answer| answer["status"] == 429).unwrap();
    assert!(refused["headers"]["Retry-After"].is_string(), "{refused}");
    clock.advance(10_000);
    assert_eq!(client.call("POST /users", user("a6")).await.status, 201);
}
