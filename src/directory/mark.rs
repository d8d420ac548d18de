//! The dirty mark: that there is something to carry out, and who asked for it.

use serde_json::Value;

use super::Directory;
use super::caller::Caller;
use super::error::Error;
use crate::ids::EventId;
use crate::store::bindings::Binding;
use crate::store::group_bindings::GroupBinding;
use crate::store::queue::Lane;
use crate::store::{Tx, events};

/// Names of ignored attributes that are remembered, and characters of each: they come from outside.
const MOST_IGNORED: usize = 50;
const LONGEST_NAME: usize = 200;

/// What waits in the queue of the work: a user's binding or a group's.
pub(super) trait Marked {
    /// Its place in the queue.
    fn place(&mut self) -> Place<'_>;

    /// Makes it dirty: one more version is wanted. What waits already keeps its place, unless it gets a better one.
    fn mark(&mut self, lane: Lane, now: i64) {
        let place = self.place();
        *place.wanted_version += 1;
        if place.lane.is_none() {
            *place.queued_at = now;
        }
        *place.lane = Some(place.lane.map_or(lane, |waiting| waiting.min(lane)));
        *place.attempts = 0;
        *place.next_attempt_at = now;
    }

    /// Makes it dirty as if it had never been tried.
    fn mark_anew(&mut self, lane: Lane, now: i64) {
        *self.place().lane = None;
        self.mark(lane, now);
        let place = self.place();
        *place.failure = None;
    }
}

/// The columns of a binding that make it wait.
pub(super) struct Place<'a> {
    wanted_version: &'a mut i64,
    lane: &'a mut Option<Lane>,
    queued_at: &'a mut i64,
    attempts: &'a mut i32,
    next_attempt_at: &'a mut i64,
    failure: &'a mut Option<Value>,
}

macro_rules! marked {
    ($binding:ty) => {
        impl Marked for $binding {
            fn place(&mut self) -> Place<'_> {
                Place {
                    wanted_version: &mut self.wanted_version,
                    lane: &mut self.lane,
                    queued_at: &mut self.queued_at,
                    attempts: &mut self.attempts,
                    next_attempt_at: &mut self.next_attempt_at,
                    failure: &mut self.failure,
                }
            }
        }
    };
}

marked!(Binding);
marked!(GroupBinding);

impl Directory {
    /// Fails closed: what could not be told afterwards is not begun.
    pub(super) async fn ensure_events(&self, tx: &Tx, who: &Caller) -> Result<(), Error> {
        Ok(events::ensure_writable(tx, who.organization, EventId(self.clock.uuid())).await?)
    }
}

/// Who asks, as the binding remembers it for the event, with the attributes of the request that were left out.
pub(super) fn request(who: &Caller, ignored: &[String]) -> Result<Value, Error> {
    let mut origin = who.origin.clone();
    origin.ignored = ignored.iter().take(MOST_IGNORED).map(|name| printable(name)).collect();
    Ok(serde_json::to_value(&origin)?)
}

/// PostgreSQL cannot store U+0000, and nobody wants to read control characters.
fn printable(name: &str) -> String {
    name.chars()
        .take(LONGEST_NAME)
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}
