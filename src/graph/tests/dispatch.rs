//! Calls that wait: together, in their order, within the quota.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, Respond, ResponseTemplate};

use super::support::{ID, Server, id, new_user};
use crate::graph::{
    AccountId, Disposition, Effect, Error, Graph, Oddity, Pace, Photo, Priority, Property, Reply, UserPatch,
};

/// Answers each request of a batch.
struct Batch<F>(F);

impl<F: Fn(&Value) -> Value + Send + Sync> Respond for Batch<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        let mut answers: Vec<Value> = items(&body).iter().map(&self.0).collect();
        // In any order.
        answers.reverse();
        ResponseTemplate::new(200)
            .insert_header("request-id", "the-batch")
            .set_body_json(json!({ "responses": answers }))
    }
}

fn items(body: &Value) -> Vec<Value> {
    body["requests"].as_array().unwrap().clone()
}

fn done(item: &Value) -> Value {
    json!({"id": item["id"], "status": 204, "headers": {}})
}

fn refused(item: &Value, status: u16, code: &str) -> Value {
    json!({
        "id": item["id"], "status": status, "headers": {"Content-Type": "application/json"},
        "body": {"error": {"code": code, "message": "m", "innerError": {"request-id": "the-item"}}},
    })
}

async fn batches(server: &Server, answer: impl Respond + 'static) {
    Mock::given(method("POST")).and(path("/v1.0/$batch")).respond_with(answer).mount(server.http()).await;
}

async fn singles(server: &Server, answer: impl Respond + 'static) {
    Mock::given(method("PATCH")).respond_with(answer).mount(server.http()).await;
}

fn account(number: usize) -> AccountId {
    Uuid::from_u128(number as u128).into()
}

/// What so many updates of different accounts at the same time come to.
async fn updates(server: &Server, count: usize) -> Vec<Result<Reply<()>, Error>> {
    let calls = (0..count).map(|number| async move {
        let patch = UserPatch::new().with(Property::City, number.to_string());
        server.graph.update_user(&server.call(), &account(number), &patch).await
    });
    join_all(calls).await
}

/// What was sent: for each request its path, and how many it held.
async fn sent(server: &Server) -> Vec<(String, usize)> {
    let count = |request: &Request| match request.url.path() {
        "/v1.0/$batch" => ("$batch".to_owned(), items(&request.body_json().unwrap()).len()),
        _ => (request.method.to_string(), 1),
    };
    server.graph_requests().await.iter().map(count).collect()
}

fn pace(graph: &Graph, patience: Duration, longest_wait: Duration) {
    graph.set_pace(Pace { patience, longest_wait, ..Pace::default() });
}

#[tokio::test]
async fn those_that_wait_together_travel_together() {
    let server = Server::start().await;
    batches(&server, Batch(done)).await;
    singles(&server, ResponseTemplate::new(204)).await;

    let replies = updates(&server, 41).await;

    assert!(replies.iter().all(|reply| reply.as_ref().unwrap().status == 204));
    let mut sent = sent(&server).await;
    sent.sort();
    let batch = |count: usize| ("$batch".to_owned(), count);
    assert_eq!(sent, [batch(20), batch(20), ("PATCH".to_owned(), 1)]);
    let requests = server.graph_requests().await;
    let request = requests.iter().find(|request| request.url.path() == "/v1.0/$batch").unwrap();
    assert!(Uuid::parse_str(request.headers["client-request-id"].to_str().unwrap()).is_ok());
    let item = &items(&request.body_json().unwrap())[0];
    assert_eq!(item["body"].as_object().unwrap().len(), 1);
    assert_eq!(item["headers"]["Content-Type"], json!("application/json"));
    assert!(item["url"].as_str().unwrap().starts_with("/users/0"), "{item}");
}

#[tokio::test]
async fn each_of_a_batch_has_its_own_answer() {
    let server = Server::start().await;
    let answer = |item: &Value| match item["body"]["city"].as_str().unwrap() {
        "1" => refused(item, 404, "Request_ResourceNotFound"),
        "2" => refused(item, 403, "Authorization_RequestDenied"),
        "3" => {
            json!({"id": item["id"], "status": 400, "headers": {"Content-Type": "text/html"}, "body": "<html>"})
        }
        "4" => json!({"id": "99", "status": 204}),
        _ => done(item),
    };
    batches(&server, Batch(answer)).await;

    let replies = updates(&server, 6).await;

    let error = |number: usize| replies[number].as_ref().unwrap_err();
    assert_eq!(replies[0].as_ref().unwrap().request_id.as_deref(), Some("the-batch"));
    assert!(
        matches!(error(1), Error::NotFound(failure) if failure.request_id.as_deref() == Some("the-item"))
    );
    assert!(matches!(error(2), Error::Forbidden(_)));
    assert!(matches!(error(3), Error::Malformed { oddity: Oddity::ContentType, .. }), "{:?}", error(3));
    let lost = error(4);
    assert!(matches!(lost, Error::Malformed { effect: Effect::Unknown, .. }), "{lost:?}");
    assert_eq!(replies[5].as_ref().unwrap().status, 204);
}

#[tokio::test]
async fn a_photo_goes_beside_the_batch() {
    let server = Server::start().await;
    batches(&server, Batch(done)).await;
    server.answer("PUT", &format!("/v1.0/users/{ID}/photo/$value"), 200, Value::Null).await;
    let (calls, photo) = (server.call(), Photo::new(vec![0xFF, 0xD8, 0xFF]).unwrap());
    let id = id();

    let (picture, replies) = tokio::join!(server.graph.set_photo(&calls, &id, &photo), updates(&server, 3));

    assert!(picture.is_ok() && replies.iter().all(Result::is_ok));
    let mut sent = sent(&server).await;
    sent.sort();
    assert_eq!(sent, [("$batch".to_owned(), 3), ("PUT".to_owned(), 1)]);
}

#[tokio::test]
async fn calls_on_one_account_are_made_one_after_the_other() {
    let server = Server::start().await;
    let under_way = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&under_way);
    singles(&server, move |_: &Request| {
        seen.fetch_add(1, Ordering::SeqCst);
        ResponseTemplate::new(204).set_delay(Duration::from_millis(30))
    })
    .await;
    let calls = (0..4).map(|number: i32| {
        let server = &server;
        async move {
            let patch = UserPatch::new().with(Property::City, number.to_string());
            server.graph.update_user(&server.call(), &id(), &patch).await.unwrap();
        }
    });
    let started = std::time::Instant::now();
    join_all(calls).await;
    assert!(started.elapsed() >= Duration::from_millis(120), "they overlapped");
    let cities: Vec<Value> = server
        .graph_requests()
        .await
        .iter()
        .map(|request| request.body_json::<Value>().unwrap()["city"].clone())
        .collect();
    assert_eq!(cities, [json!("0"), json!("1"), json!("2"), json!("3")]);
}

#[tokio::test]
async fn the_urgent_find_a_place_when_all_are_taken() {
    let server = Server::start().await;
    singles(&server, ResponseTemplate::new(204)).await;
    // Slow lists, which go by themselves, take all the places.
    let slow =
        ResponseTemplate::new(200).set_body_json(json!({"value": []})).set_delay(Duration::from_secs(20));
    Mock::given(path("/v1.0/domains")).respond_with(slow).mount(server.http()).await;
    let (graph, call) = (&server.graph, server.call());
    let lists = join_all((0..9).map(|_| graph.domains(&call)));
    let block = async {
        while sent(&server).await.len() < 8 {
            tokio::task::yield_now().await;
        }
        let patch = UserPatch::new().with(Property::AccountEnabled, false);
        let urgent = server.call().with_priority(Priority::Security);
        graph.update_user(&urgent, &id(), &patch).await
    };
    tokio::select! {
        _ = lists => panic!("they are slow"),
        blocked = block => assert!(blocked.is_ok()),
    }
    assert_eq!(sent(&server).await.len(), 9, "the ninth list waits");
    assert_eq!(graph.budget().waiting, 0, "a caller that goes away leaves nothing behind");
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_hinder_the_others() {
    let server = Server::start().await;
    batches(&server, |request: &Request| Batch(done).respond(request).set_delay(Duration::from_millis(50)))
        .await;
    let gone = updates(&server, 5);
    let ended = tokio::time::timeout(Duration::from_millis(20), gone).await;
    assert!(ended.is_err());
    let replies = updates(&server, 5).await;
    assert!(replies.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_renewed_for_the_whole_batch() {
    let server = Server::start().await;
    batches(&server, |request: &Request| match request.headers["authorization"].to_str().unwrap() {
        "Bearer token-1" => ResponseTemplate::new(401),
        _ => Batch(done).respond(request),
    })
    .await;
    assert!(updates(&server, 3).await.iter().all(Result::is_ok));
    assert_eq!(server.token_requests().await.len(), 2);
}

#[tokio::test]
async fn one_that_is_not_signed_in_is_tried_alone_with_a_fresh_token() {
    let server = Server::start().await;
    batches(
        &server,
        Batch(|item: &Value| match item["body"]["city"].as_str() {
            Some("1") => refused(item, 401, "InvalidAuthenticationToken"),
            _ => done(item),
        }),
    )
    .await;
    singles(&server, ResponseTemplate::new(204)).await;
    assert!(updates(&server, 3).await.iter().all(Result::is_ok));
    assert_eq!(sent(&server).await, [("$batch".to_owned(), 3), ("PATCH".to_owned(), 1)]);
}

#[tokio::test]
async fn a_host_without_batches_gets_single_requests() {
    let server = Server::start().await;
    batches(&server, ResponseTemplate::new(501)).await;
    singles(&server, ResponseTemplate::new(204)).await;
    assert!(updates(&server, 3).await.iter().all(Result::is_ok));
    assert!(updates(&server, 3).await.iter().all(Result::is_ok));
    let batches = sent(&server).await.into_iter().filter(|(what, _)| what == "$batch").count();
    assert_eq!((batches, sent(&server).await.len()), (1, 7));
}

#[tokio::test]
async fn a_batch_that_breaks_leaves_it_open_for_each() {
    let server = Server::start().await;
    batches(&server, ResponseTemplate::new(504)).await;
    let users: Vec<_> = [new_user(), new_user()].into();
    let create = |user| {
        let server = &server;
        async move { server.graph.create_user(&server.call(), user).await }
    };
    let created = join_all(users.iter().map(create)).await;
    for outcome in created {
        assert_eq!(outcome.unwrap_err().disposition(), Disposition::Ambiguous);
    }
    assert_eq!(sent(&server).await, [("$batch".to_owned(), 2)], "nothing is made twice");
    // What can be repeated is repeated, and then left to the durable queue.
    for outcome in updates(&server, 2).await {
        assert_eq!(outcome.unwrap_err().disposition(), Disposition::Retry { after: None });
    }
    let requests = sent(&server).await;
    let count: usize = requests[1..].iter().map(|(_, count)| count).sum();
    assert_eq!(count, 6, "{requests:?}");
}

#[tokio::test]
async fn a_batch_of_html_says_nothing_of_any() {
    let server = Server::start().await;
    batches(&server, ResponseTemplate::new(200).set_body_raw("<html>", "text/html")).await;
    for outcome in updates(&server, 3).await {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, Error::Malformed { oddity: Oddity::ContentType, effect: Effect::Unknown, .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_short_pause_is_waited_out_by_the_one_that_was_refused() {
    let server = Server::start().await;
    let first = AtomicUsize::new(0);
    batches(
        &server,
        Batch(move |item: &Value| {
            if item["body"]["city"] == json!("1") && first.fetch_add(1, Ordering::SeqCst) == 0 {
                let mut answer = refused(item, 429, "TooManyRequests");
                answer["headers"]["Retry-After"] = json!("1");
                return answer;
            }
            done(item)
        }),
    )
    .await;
    singles(&server, ResponseTemplate::new(204)).await;
    let started = std::time::Instant::now();
    assert!(updates(&server, 3).await.iter().all(Result::is_ok));
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(sent(&server).await, [("$batch".to_owned(), 3), ("PATCH".to_owned(), 1)]);
}

#[tokio::test]
async fn a_long_pause_is_told_to_all_who_wait_and_nothing_is_sent() {
    let server = Server::start().await;
    let body = json!({"error": {"code": "TooManyRequests", "message": "m"}});
    let wait = ResponseTemplate::new(429).insert_header("Retry-After", "60").set_body_json(body);
    singles(&server, wait).await;
    let error = updates(&server, 1).await.remove(0).unwrap_err();
    assert_eq!(error.disposition(), Disposition::Retry { after: Some(Duration::from_mins(1)) });
    for outcome in updates(&server, 3).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Throttled { .. }), "{error:?}");
        assert!(error.retry_after().unwrap() > Duration::from_secs(55));
        assert!(error.advice().contains("as soon as Microsoft allows"), "{error}");
    }
    assert_eq!(sent(&server).await.len(), 1);
    let state = server.graph.budget();
    assert!(state.paused_until.unwrap() > server.clock.now() + Duration::from_secs(55));
    assert_eq!(state.writes_left, 0);
}

#[tokio::test]
async fn what_cannot_be_sent_for_long_goes_back_to_its_caller() {
    let server = Server::start().await;
    batches(&server, Batch(done)).await;
    singles(&server, ResponseTemplate::new(204)).await;
    server.graph.set_share(100_000.try_into().unwrap());
    pace(&server.graph, Duration::from_secs(2), Duration::from_millis(50));
    // A share of a quota is 20 writes at least, with a reserve for security.
    let replies = updates(&server, 30).await;
    let (sent, waiting): (Vec<_>, Vec<_>) = replies.into_iter().partition(Result::is_ok);
    assert_eq!((sent.len(), waiting.len()), (19, 11));
    for outcome in waiting {
        let error = outcome.unwrap_err();
        assert!(matches!(error, Error::Throttled { retry_after: Some(_), .. }), "{error:?}");
    }
    assert_eq!(server.graph.budget().waiting, 0);
}

#[tokio::test]
async fn an_account_that_another_writes_is_tried_again() {
    let server = Server::start().await;
    let count = AtomicUsize::new(0);
    singles(&server, move |_: &Request| {
        let body = json!({"error": {"code": "Directory_ConcurrencyViolation", "message": "m"}});
        match count.fetch_add(1, Ordering::SeqCst) {
            0..3 => ResponseTemplate::new(409).set_body_json(body),
            _ => ResponseTemplate::new(204),
        }
    })
    .await;
    assert!(updates(&server, 1).await[0].is_ok());
    assert_eq!(sent(&server).await.len(), 4);
}

#[tokio::test]
async fn batches_and_their_items_are_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _recorder = metrics::set_default_local_recorder(&recorder);
    let server = Server::start().await;
    batches(&server, Batch(done)).await;
    updates(&server, 3).await;
    let text = recorder.handle().render();
    for line in [
        "gangway_graph_batches_total{status=\"200\"} 1",
        "gangway_graph_batch_items_total 3",
        "gangway_graph_calls_total{operation=\"update_user\",status=\"204\"} 3",
        "gangway_graph_waiting 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
