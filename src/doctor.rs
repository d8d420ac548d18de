//! `gangway doctor`: what is wrong with this installation and its tenants, and what to do about it.
//!
//! - [`facts`]: what was seen, as plain data.
//! - [`judge`]: facts to findings. Pure.
//! - `gather` looks at this computer and the database, `probe` asks the tenants. Both only read: nothing is made,
//!   migrated or changed, here or in Microsoft 365. (A delegated sign-in is the one exception: Microsoft hands out the
//!   next refresh token with each, and it is kept.)

pub mod facts;
pub mod judge;

mod finding;
mod gather;
mod probe;

use futures_util::future::join_all;

pub use finding::{Check, Finding, Level, Report};

use crate::clock::Clock;
use crate::config::Config;

/// Looks at everything, or of the connections at the one called `only`.
pub async fn examine(config: &Config, clock: &Clock, only: Option<&str>) -> Report {
    let (installation, opened) = gather::installation(config).await;
    let mut findings = judge::installation(&installation);
    if let Some(opened) = &opened {
        let now = clock.millis();
        match gather::connections(config, clock, opened, only).await {
            Ok(connections) => {
                findings.extend(judge::connections(connections.len(), only));
                for tenant in join_all(connections.into_iter().map(|one| probe::tenant(one, clock))).await {
                    findings.extend(judge::tenant(&tenant, now));
                }
            }
            Err(error) => findings.push(judge::unreadable(&error)),
        }
    }
    if let Some(opened) = opened {
        opened.close().await;
    }
    Report { findings }
}
