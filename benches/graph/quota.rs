//! Many creates against Microsoft's own quota of writes.

use std::time::{Duration, Instant};

use crate::people;
use crate::world::{Microsoft, World};
use crate::{Limit, Row};

/// Writes that an application may make in a tenant at once, and how many more each second: 3,000 in 150 s ("Throttling
/// limits", identity and access).
const BURST: f64 = 3_000.0;
const A_SECOND: f64 = 20.0;
/// So much longer than the quota alone the 10,000 may take: 3 % of 350 s. Fewer get the same seconds, since what is lost
/// is lost once: the reserve for leavers, and the end.
const SLACK: f64 = 10.5;
/// How often it is looked whether all are there.
const PAUSE: Duration = Duration::from_millis(100);

/// Creates so many users as fast as the quota lets it.
#[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
pub(crate) async fn measure(count: usize) -> Vec<Row> {
    let world = World::start(Microsoft::start(&[]), &[("GANGWAY_DEFAULTS__TENANT_SIZE", "medium")]);
    world.microsoft.limit().await;
    let began = Instant::now();
    let paths = people::push(&world, count).await;
    eprintln!("{count} users are pushed after {:.1?}", began.elapsed());
    while world.microsoft.count("POST /users").await < count as u64 {
        tokio::time::sleep(PAUSE).await;
    }
    people::settled(&world, &paths).await;
    let took = began.elapsed().as_secs_f64();
    let alone = (count as f64 - BURST).max(0.0) / A_SECOND;
    let (calls, refused) = world.calls().await;
    vec![
        Row {
            name: format!("{count} creates, against {alone:.0} s of the quota alone"),
            measured: took / alone,
            unit: "of its time",
            limit: Limit::AtMost(1.0 + SLACK / alone),
        },
        Row {
            name: "calls answered 429 among them".to_owned(),
            measured: 100.0 * refused / calls,
            unit: "%",
            limit: Limit::AtMost(1.0),
        },
    ]
}
