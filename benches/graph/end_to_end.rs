//! Changes a second from SCIM to Graph, at 50 ms latency without throttle.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::json;

use crate::people;
use crate::world::{Microsoft, World};
use crate::{Limit, Row};

/// Created and changed, they stay below the 3,000 writes that the client's own budget lets through at once.
const USERS: usize = 1_200;
const AT_ONCE: usize = 64;

/// Creates users and changes every one of them once.
#[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
pub(crate) async fn measure() -> Vec<Row> {
    let world =
        World::start(Microsoft::start(&["--latency", "50ms"]), &[("GANGWAY_WORKER__CONCURRENCY", "64")]);
    let began = Instant::now();
    let paths = people::push(&world, USERS).await;
    people::settled(&world, &paths).await;
    let created = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let change = json!({"Operations": [{"op": "replace", "path": "title", "value": "Buyer"}]});
    let (world_of, change) = (&world, &change);
    stream::iter(&paths)
        .for_each_concurrent(AT_ONCE, |path| async move {
            world_of.push_on(Method::PATCH, path, change).await;
        })
        .await;
    people::settled(&world, &paths).await;
    let changed = began.elapsed().as_secs_f64();
    let row = |name: &str, took: f64| Row {
        name: name.to_owned(),
        measured: USERS as f64 / took,
        unit: "a second",
        limit: Limit::None,
    };
    vec![
        row("creates from SCIM to Graph at 50 ms", created),
        row("changes from SCIM to Graph at 50 ms", changed),
    ]
}
