//! Several requests as one, and their answers ("Combine multiple HTTP requests using JSON batching"). Pure.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::Call;
use super::request::{Item, Request};

/// The most requests of a batch.
pub(super) const MOST_ITEMS: usize = 20;

/// How many answers are kept, of however many come: enough to see that one came twice.
const MOST_ANSWERS: usize = 2 * MOST_ITEMS;

#[derive(Serialize)]
struct Envelope<'a> {
    requests: Vec<Item<'a>>,
}

/// The body of a batch. The ids are the places in the list, from 1.
pub(super) fn body<'a>(requests: impl Iterator<Item = (&'a Call, &'a Request)>) -> String {
    let requests =
        requests.enumerate().map(|(place, (call, request))| request.item(place + 1, call)).collect();
    // A list of texts and JSON values can always be written.
    serde_json::to_string(&Envelope { requests }).unwrap_or_default()
}

/// The answer to one request of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ItemAnswer {
    pub(super) status: u16,
    headers: Map<String, Value>,
    pub(super) body: Option<Value>,
}

impl ItemAnswer {
    /// A header, by its name in whatever case.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(told, _)| told.eq_ignore_ascii_case(name))?;
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The place that it answers, and the answer; None for what is no answer to anything.
    fn read(answer: Value) -> Option<(usize, Self)> {
        let Value::Object(mut answer) = answer else {
            return None;
        };
        let place = match answer.get("id")? {
            Value::String(id) => id.parse().ok()?,
            Value::Number(id) => usize::try_from(id.as_u64()?).ok()?,
            _ => return None,
        };
        let status =
            u16::try_from(answer.get("status")?.as_u64()?).ok().filter(|s| (100..600).contains(s))?;
        let headers = match answer.remove("headers") {
            Some(Value::Object(headers)) => headers,
            _ => Map::new(),
        };
        let body = answer.remove("body").filter(|body| !body.is_null());
        Some((place, Self { status, headers, body }))
    }
}

/// The answers to a batch of `count` requests, each in the place of its request. None where none came, or more than one:
/// then nobody knows which is true.
pub(super) fn answers(body: &[u8], count: usize) -> Option<Vec<Option<ItemAnswer>>> {
    let Answers { responses } = serde_json::from_slice(body).ok()?;
    let mut places: Vec<Vec<ItemAnswer>> = vec![Vec::new(); count];
    for (place, answer) in responses.0.into_iter().filter_map(ItemAnswer::read) {
        if let Some(answers) = place.checked_sub(1).and_then(|place| places.get_mut(place)) {
            answers.push(answer);
        }
    }
    Some(places.into_iter().map(|mut answers| answers.pop().filter(|_| answers.is_empty())).collect())
}

#[derive(Deserialize)]
struct Answers {
    responses: Kept,
}

/// The first [`MOST_ANSWERS`] of a list; the others are not even kept while they are read.
struct Kept(Vec<Value>);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;

        impl<'de> Visitor<'de> for First {
            type Value = Kept;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of answers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kept, A::Error> {
                let mut answers = Vec::new();
                while answers.len() < MOST_ANSWERS {
                    match list.next_element()? {
                        Some(answer) => answers.push(answer),
                        None => return Ok(Kept(answers)),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Kept(answers))
            }
        }

        deserializer.deserialize_seq(First)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::graph::{Operation, Priority};

    fn read(body: &Value, count: usize) -> Option<Vec<Option<u16>>> {
        let answers = answers(body.to_string().as_bytes(), count)?;
        Some(answers.into_iter().map(|answer| answer.map(|answer| answer.status)).collect())
    }

    #[test]
    fn a_batch_numbers_its_requests() {
        let call = Call { client_request_id: Uuid::nil(), priority: Priority::Update };
        let one = Request::delete(Operation::DeleteUser, "users/1".to_owned());
        let two = Request::post(Operation::CreateUser, "users".to_owned()).json(json!({"city": "Zürich"}));
        let body: Value = serde_json::from_str(&body([(&call, &one), (&call, &two)].into_iter())).unwrap();
        let ids: Vec<_> = body["requests"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
        assert_eq!(ids, ["1", "2"]);
        assert_eq!(body["requests"][0]["method"], json!("DELETE"));
        assert_eq!(body["requests"][1]["body"], json!({"city": "Zürich"}));
    }

    #[rstest]
    #[case::in_order(json!([{"id": "1", "status": 200}, {"id": "2", "status": 204}]), [Some(200), Some(204)])]
    #[case::any_order(json!([{"id": "2", "status": 204}, {"id": "1", "status": 200}]), [Some(200), Some(204)])]
    #[case::numbers(json!([{"id": 2, "status": 204}, {"id": 1, "status": 200}]), [Some(200), Some(204)])]
    #[case::one_is_missing(json!([{"id": "2", "status": 204}]), [None, Some(204)])]
    #[case::one_came_twice(json!([{"id": "1", "status": 200}, {"id": "2", "status": 204}, {"id": "1", "status": 400}]), [None, Some(204)])]
    #[case::nobodys(json!([{"id": "0", "status": 200}, {"id": "3", "status": 200}, {"id": "2", "status": 204}]), [None, Some(204)])]
    #[case::odd(json!([7, null, {"id": "1"}, {"id": "1", "status": "200"}, {"id": "1", "status": 70000}, {"id": "2", "status": 204}]), [None, Some(204)])]
    fn each_answer_finds_its_request(#[case] responses: Value, #[case] expected: [Option<u16>; 2]) {
        assert_eq!(read(&json!({ "responses": responses }), 2).unwrap(), expected);
    }

    #[rstest]
    #[case(json!({}))]
    #[case(json!([]))]
    #[case(json!({"responses": {}}))]
    #[case(json!({"error": {"code": "x"}}))]
    fn what_is_no_answer_to_a_batch(#[case] body: Value) {
        assert_eq!(read(&body, 1), None);
    }

    #[test]
    fn a_hundred_thousand_answers_are_not_kept() {
        let one = json!({"id": "2", "status": 204});
        let mut list = vec![json!({"id": "1", "status": 200})];
        list.resize(100_000, one);
        assert_eq!(read(&json!({ "responses": list }), 2).unwrap(), [Some(200), None]);
    }

    #[test]
    fn headers_are_found_in_any_case() {
        let body = json!({"responses": [
            {"id": "1", "status": 429, "headers": {"retry-after": 7, "Request-Id": "r"}, "body": null},
        ]});
        let answers = answers(body.to_string().as_bytes(), 1).unwrap();
        let answer = answers[0].as_ref().unwrap();
        assert_eq!(answer.header("Retry-After").as_deref(), Some("7"));
        assert_eq!(answer.header("request-id").as_deref(), Some("r"));
        assert_eq!((answer.header("x"), answer.body.clone()), (None, None));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_fail(body: Vec<u8>, text: String) {
            let _ = answers(&body, 3);
            let _ = answers(format!("{{\"responses\":[{text}]}}").as_bytes(), 3);
        }
    }
}
