//! The requests that are timed, one after the other on one connection.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::directory::{email, external_id, user_name};
use crate::figures::{Figures, Streamed};
use crate::process::Server;

const WARM_UP: usize = 20;
const READS_OF_THE_GROUP: usize = 3;

/// A sequence that looks random and is always the same.
pub(crate) struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound).expect("a count");
        usize::try_from(self.0 % bound).expect("below a usize")
    }
}

/// Times every kind of request, so often each.
pub(crate) async fn measure(
    server: &Server,
    people: &[String],
    group: &str,
    dice: &mut Dice,
    samples: usize,
    figures: &mut Figures,
) {
    let some = |dice: &mut Dice| dice.below(people.len());
    let cursors = cursors(server).await;

    let paths = timed(samples, || format!("/Users/{}", people[some(dice)]));
    figures.add("GET /Users/{id}", gets(server, &paths).await);
    let paths = timed(samples, || filter("userName", &user_name(some(dice))));
    figures.add("userName eq", found(server, &paths).await);
    let paths = timed(samples, || filter("emails.value", &email(some(dice))));
    figures.add("emails.value eq", found(server, &paths).await);
    let paths = timed(samples, || filter("externalId", &external_id(some(dice))));
    figures.add("externalId eq", found(server, &paths).await);
    let paths = timed(samples, || "/Users?startIndex=1&count=100".to_owned());
    figures.add("page of 100 at the start", gets(server, &paths).await);
    let paths = timed(samples, || {
        let cursor = &cursors[dice.below(cursors.len())];
        format!("/Users?count=100&cursor={cursor}")
    });
    figures.add("page of 100 by cursor", gets(server, &paths).await);
    let paths = timed(samples, || format!("{group}?excludedAttributes=members"));
    figures.add("GET group, no members", gets(server, &paths).await);
    let changes: Vec<Value> = (0..WARM_UP + samples)
        .scan(0, |member, n| {
            // Out, and in again.
            if n % 2 == 0 {
                *member = some(dice);
            }
            let id = &people[*member];
            Some(if n % 2 == 0 {
                json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
            } else {
                json!({"op": "add", "path": "members", "value": [{"value": id}]})
            })
        })
        .collect();
    figures.add("PATCH of one member", patches(server, group, &changes).await);
    figures.streamed = Some(read_whole(server, group, people.len()).await);
}

fn timed(samples: usize, path: impl FnMut() -> String) -> Vec<String> {
    std::iter::repeat_with(path).take(WARM_UP + samples).collect()
}

fn filter(attribute: &str, value: &str) -> String {
    let filter = format!("{attribute} eq \"{value}\"");
    let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    format!("/Users?filter={encoded}")
}

/// The cursors of all pages of 1,000, or of smaller ones where there are few users.
async fn cursors(server: &Server) -> Vec<String> {
    let total = server.get("/Users?count=0").await["totalResults"].as_u64().expect("a total");
    let count = (total / 20).clamp(1, 1_000);
    let mut cursors = vec![String::new()];
    loop {
        let cursor = cursors.last().expect("one at least");
        let page = server.get(&format!("/Users?count={count}&attributes=userName&cursor={cursor}")).await;
        match page["nextCursor"].as_str() {
            Some(next) => cursors.push(next.to_owned()),
            None => return cursors,
        }
    }
}

async fn get(server: &Server, path: &str) -> (Duration, Vec<u8>) {
    let began = Instant::now();
    let response = server.send(Method::GET, path, None).await;
    let body = response.bytes().await.unwrap();
    (began.elapsed(), body.to_vec())
}

async fn gets(server: &Server, paths: &[String]) -> Vec<Duration> {
    let mut times = Vec::with_capacity(paths.len());
    for path in paths {
        times.push(get(server, path).await.0);
    }
    times.split_off(WARM_UP)
}

/// Filters that must find one user each.
async fn found(server: &Server, paths: &[String]) -> Vec<Duration> {
    let mut times = Vec::with_capacity(paths.len());
    for path in paths {
        let (took, body) = get(server, path).await;
        let page: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(page["totalResults"], 1, "{path}");
        times.push(took);
    }
    times.split_off(WARM_UP)
}

async fn patches(server: &Server, group: &str, changes: &[Value]) -> Vec<Duration> {
    let mut times = Vec::with_capacity(changes.len());
    for change in changes {
        let body = json!({ "Operations": [change] });
        let began = Instant::now();
        server.send(Method::PATCH, group, Some(&body)).await;
        times.push(began.elapsed());
    }
    times.split_off(WARM_UP)
}

/// The best of several reads of the whole group.
async fn read_whole(server: &Server, group: &str, expected: usize) -> Streamed {
    let mut best: Option<Streamed> = None;
    for _ in 0..READS_OF_THE_GROUP {
        let began = Instant::now();
        let mut response = server.send(Method::GET, group, None).await;
        let (mut first_byte, mut body) = (None, Vec::new());
        while let Some(chunk) = response.chunk().await.unwrap() {
            first_byte.get_or_insert_with(|| began.elapsed());
            body.extend_from_slice(&chunk);
        }
        let whole = began.elapsed();
        let read: Value = serde_json::from_slice(&body).unwrap();
        let members = read["members"].as_array().map_or(0, Vec::len);
        // One may be out, where the number of changes was odd.
        assert!(members.abs_diff(expected) <= 1, "{members} of {expected} members were read");
        let first_byte = first_byte.expect("a body");
        if best.as_ref().is_none_or(|best| whole < best.whole) {
            best = Some(Streamed { first_byte, whole, bytes: body.len(), members });
        }
    }
    best.expect("it was read")
}
