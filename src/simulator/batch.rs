//! `POST /$batch`: up to twenty requests in one, each carried out, metered and answered by itself.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::message::{Body, Request, Response};
use super::refusal::Refusal;
use super::routes;
use super::service::Service;

/// How many requests one batch may hold.
const MOST: usize = 20;

/// What is told of the whole answer only.
const OUTER: &[&str] = &["request-id", "client-request-id", "x-ms-ags-diagnostic"];

/// A request of a batch.
#[derive(Debug)]
struct Item {
    id: String,
    request: Request,
    /// The places in the batch of those that must succeed before.
    needs: Vec<usize>,
}

/// Carries a batch out. `None`: the connection is to be closed without an answer.
pub(super) async fn answer(
    service: &Service,
    request: &Request,
    caller: &Caller,
) -> Option<Result<Response, Refusal>> {
    let (items, order) = match read(service, request) {
        Ok(read) => read,
        Err(refusal) => return Some(Err(refusal)),
    };
    let mut done: HashMap<usize, Response> = HashMap::new();
    for at in order {
        let Some(item) = items.get(at) else {
            continue;
        };
        let failed = |place: &usize| done.get(place).is_none_or(|response| response.status >= 400);
        let response = if item.needs.iter().any(failed) {
            service.finish(&item.request, &routes::find(&item.request), Err(dependency()))
        } else {
            service.handle(&item.request, Some(caller)).await?
        };
        done.insert(at, response);
    }
    let mut places: Vec<usize> = (0..items.len()).collect();
    service.shuffle(&mut places);
    let responses = places.iter().filter_map(|at| Some(shown(items.get(*at)?, done.get(at)?)));
    let responses: Vec<Value> = responses.collect();
    Some(Ok(Response::json(200, json!({ "responses": responses }))))
}

/// The requests, and an order in which each comes behind those that it needs, by chance otherwise.
fn read(service: &Service, request: &Request) -> Result<(Vec<Item>, Vec<usize>), Refusal> {
    let items = parse(&request.json()?, &request.base)?;
    let mut waiting: Vec<usize> = (0..items.len()).collect();
    service.shuffle(&mut waiting);
    let order = ordered(&items, waiting)?;
    Ok((items, order))
}

fn ordered(items: &[Item], mut waiting: Vec<usize>) -> Result<Vec<usize>, Refusal> {
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let ready = |at: &usize| {
            items.get(*at).is_some_and(|item| item.needs.iter().all(|need| order.contains(need)))
        };
        let Some(next) = waiting.iter().position(ready) else {
            return Err(invalid("The dependencies of the requests form a circle."));
        };
        order.push(waiting.remove(next));
    }
    Ok(order)
}

fn parse(body: &Value, base: &str) -> Result<Vec<Item>, Refusal> {
    let requests = body.get("requests").and_then(Value::as_array);
    let requests = requests.ok_or_else(|| invalid("Invalid batch payload format."))?;
    if requests.is_empty() || requests.len() > MOST {
        return Err(invalid(format!("Number of batch request steps exceeds the maximum value of '{MOST}'.")));
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    for (at, one) in requests.iter().enumerate() {
        let id = text(one, "id")?.to_lowercase();
        if let Some(twice) = places.insert(id.clone(), at).map(|_| id) {
            return Err(invalid(format!("Request Id {twice} has to be unique in a batch.")));
        }
    }
    requests.iter().map(|one| item(one, &places, base)).collect()
}

fn item(one: &Value, places: &HashMap<String, usize>, base: &str) -> Result<Item, Refusal> {
    let id = text(one, "id")?.to_owned();
    let method = text(one, "method")?.to_uppercase();
    let url = text(one, "url")?;
    if url.contains("://") {
        return Err(invalid(format!("Invalid request URL in batch request id : {id}. It must be relative.")));
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let headers = headers(one)?;
    let kind = headers.iter().find(|(name, _)| name == "content-type").map(|(_, kind)| kind.as_str());
    let body = match (one.get("body").filter(|body| !body.is_null()), kind) {
        (None, _) => Vec::new(),
        (Some(_), None) => {
            let message = format!("Write request id : {id} does not contain Content-Type header or body.");
            return Err(invalid(message));
        }
        (Some(body), Some(kind)) => bytes(body, kind)?,
    };
    let needs = one.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
    let needs = needs.map(|need| {
        let place = need.as_str().and_then(|need| places.get(&need.to_lowercase()));
        place.copied().ok_or_else(|| invalid(format!("Request id : {id} depends on an unknown request.")))
    });
    let needs = needs.collect::<Result<Vec<usize>, Refusal>>()?;
    let request = Request {
        method,
        path: format!("/v1.0/{}", path.trim_start_matches('/')),
        query: query.to_owned(),
        headers,
        body,
        base: base.to_owned(),
    };
    Ok(Item { id, request, needs })
}

fn text<'a>(one: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let found = one.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.ok_or_else(|| invalid(format!("Invalid batch payload format. A request has no '{name}'.")))
}

fn headers(one: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let headers = one.get("headers").and_then(Value::as_object);
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().ok_or_else(|| invalid("Invalid batch payload format."))?;
        Ok((name.to_lowercase(), value.to_owned()))
    });
    headers.collect()
}

/// The body as it would be sent: what is no JSON is written in base64.
fn bytes(body: &Value, kind: &str) -> Result<Vec<u8>, Refusal> {
    if kind.to_lowercase().starts_with("application/json") {
        return Ok(body.to_string().into_bytes());
    }
    let text = body.as_str().unwrap_or_default();
    let decoded = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).or_else(|_| STANDARD.decode(text));
    decoded.map_err(|_| invalid("Invalid batch payload format. A body that is not JSON must be base64."))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "BadRequest", message)
}

fn dependency() -> Refusal {
    Refusal::new(
        424,
        "FailedDependency",
        "The request was not carried out because a request that it depends on failed.",
    )
}

fn shown(item: &Item, response: &Response) -> Value {
    let mut headers: Map<String, Value> = response
        .headers
        .iter()
        .filter(|(name, _)| !OUTER.contains(name))
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let (kind, body) = match &response.body {
        // The answer of a batch is one body: there is no half of a part.
        Body::Empty | Body::Half(_) | Body::Huge(_) => (None, Value::Null),
        Body::Json(body) => (Some("application/json"), body.clone()),
        Body::Text(text) | Body::Raw(_, text) => (Some("text/plain"), json!(text)),
        Body::Bytes(kind, bytes) => (Some(*kind), json!(STANDARD.encode(bytes))),
    };
    if let Some(kind) = kind {
        headers.insert("Content-Type".to_owned(), json!(kind));
    }
    let mut shown = json!({ "id": item.id, "status": response.status, "headers": headers });
    if !body.is_null() {
        shown["body"] = body;
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn parsed(requests: &Value) -> Result<Vec<Item>, Refusal> {
        parse(&json!({ "requests": requests }), "http://127.0.0.1:1")
    }

    #[test]
    fn a_request_is_read_as_if_it_had_come_alone() {
        let items = parsed(&json!([
            {"id": "a", "method": "patch", "url": "/users/1?$select=id", "headers": {"Content-Type": "application/json"}, "body": {"x": 1}},
            {"id": "b", "method": "PUT", "url": "users/1/photo/$value", "headers": {"content-type": "image/png"}, "body": "_-8", "dependsOn": ["A"]},
        ]))
        .unwrap();
        let [first, second] = items.as_slice() else { panic!("two") };
        assert_eq!((first.request.method.as_str(), first.request.path.as_str()), ("PATCH", "/v1.0/users/1"));
        assert_eq!(
            (first.request.query.as_str(), first.request.body.as_slice()),
            ("$select=id", &b"{\"x\":1}"[..])
        );
        assert_eq!((second.request.body.as_slice(), second.needs.as_slice()), (&[0xff, 0xef][..], &[0][..]));
    }

    #[rstest]
    #[case(json!([]))]
    #[case(json!([{"method": "GET", "url": "/me"}]))]
    #[case(json!([{"id": 1, "method": "GET", "url": "/me"}]))]
    #[case(json!([{"id": "1", "url": "/me"}]))]
    #[case(json!([{"id": "1", "method": "GET"}]))]
    #[case(json!([{"id": "a", "method": "GET", "url": "/me"}, {"id": "A", "method": "GET", "url": "/me"}]))]
    #[case(json!([{"id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/me"}]))]
    #[case(json!([{"id": "1", "method": "PATCH", "url": "/users/1", "body": {"x": 1}}]))]
    #[case(json!([{"id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"]}]))]
    #[case(json!([{"id": "1", "method": "PUT", "url": "/x", "headers": {"Content-Type": "image/png"}, "body": "%"}]))]
    #[case(json!((0..21).map(|id| json!({"id": id.to_string(), "method": "GET", "url": "/me"})).collect::<Vec<_>>()))]
    fn a_batch_that_is_refused_as_a_whole(#[case] requests: Value) {
        let refusal = parsed(&requests).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "BadRequest"));
    }

    #[test]
    fn a_circle_has_no_order() {
        let items = parsed(&json!([
            {"id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"]},
            {"id": "2", "method": "GET", "url": "/me", "dependsOn": ["1"]},
        ]));
        assert_eq!(ordered(&items.unwrap(), vec![0, 1]).unwrap_err().status, 400);
    }

    #[test]
    fn each_comes_behind_what_it_needs() {
        let items = parsed(&json!([
            {"id": "1", "method": "GET", "url": "/me", "dependsOn": ["3"]},
            {"id": "2", "method": "GET", "url": "/me"},
            {"id": "3", "method": "GET", "url": "/me", "dependsOn": ["2"]},
        ]));
        assert_eq!(ordered(&items.unwrap(), vec![0, 2, 1]).unwrap(), [1, 2, 0]);
    }

    proptest! {
        #[test]
        fn any_request_is_read_or_refused(id in ".{0,4}", method in ".{0,8}", url in ".{0,40}", body in ".{0,40}") {
            let one = json!({"id": id, "method": method, "url": url, "body": body, "headers": {"Content-Type": "image/png"}});
            let _ = parsed(&json!([one]));
        }
    }
}
