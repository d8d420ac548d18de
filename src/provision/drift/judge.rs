//! What is to be done about what Microsoft Graph shows of one account or group. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::compare::{Difference, Watched, compare, covers};
use super::memory::{Gone, Memory};

/// So far Microsoft's clock and ours may be apart before a password counts as set by others (ms).
const CLOCKS: i64 = 2 * 60 * 1000;

/// What Graph shows of one object, in a page of changes or when it is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown<P> {
    /// How it went; `None` when it is there.
    pub(super) gone: Option<Gone>,
    /// The properties that were sent.
    pub(super) properties: BTreeMap<P, Value>,
    /// Whether it is mastered on-premises, if that was said.
    pub(super) synced: Option<bool>,
    /// When its password was changed last (ms).
    pub(super) password_at: Option<i64>,
}

impl<P> Default for Shown<P> {
    fn default() -> Self {
        Self { gone: None, properties: BTreeMap::new(), synced: None, password_at: None }
    }
}

impl<P: Ord> Shown<P> {
    /// Takes what is shown later in the same page on top.
    pub(super) fn add(&mut self, later: Self) {
        if later.gone.is_some() || self.gone.is_some() {
            *self = later;
            return;
        }
        self.properties.extend(later.properties);
        self.synced = later.synced.or(self.synced);
        self.password_at = later.password_at.or(self.password_at);
    }
}

/// What a binding says of the object.
#[derive(Clone, Debug)]
pub(super) struct Expected<'a, P> {
    pub(super) given: &'a BTreeMap<P, Value>,
    /// When Gangway set the password last (ms).
    pub(super) password_at: Option<i64>,
    pub(super) unverified_at: Option<i64>,
    /// Whether nothing of Gangway's own is on its way to the object, or back from it.
    pub(super) settled: bool,
    /// Whether the object was read because it was unverified, not shown among changes.
    pub(super) read: bool,
    pub(super) now: i64,
}

/// What to note.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Note<P> {
    pub(super) memory: Memory<P>,
    pub(super) unverified_at: Option<i64>,
    pub(super) news: News<P>,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct News<P> {
    pub(super) changes: Vec<Difference<P>>,
    pub(super) gone: Option<Gone>,
    /// Gangway's last change of the password, and the later one of others (ms).
    pub(super) password: Option<(i64, i64)>,
    /// Whether it is Gangway's own change that never came to be seen.
    pub(super) not_applied: bool,
}

impl<P> Default for News<P> {
    fn default() -> Self {
        Self { changes: Vec::new(), gone: None, password: None, not_applied: false }
    }
}

impl<P> News<P> {
    /// The same of an object that was read because of Gangway's own change: if that is not to be seen, it was not made.
    fn read(self, of_own: bool) -> Self {
        Self { not_applied: of_own && !self.changes.is_empty(), ..self }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.gone.is_none() && self.password.is_none()
    }
}

/// Whether nothing of Gangway's own is on its way: no work waits or is under way, and what was given last had time to be
/// seen everywhere. `lag` is how long that takes; all in milliseconds.
pub(super) fn is_settled(work: bool, lease_until: i64, times: [Option<i64>; 2], now: i64, lag: i64) -> bool {
    let had_time = |at: &Option<i64>| at.is_none_or(|at| at <= now.saturating_sub(lag));
    !work && lease_until <= now && times.iter().all(had_time)
}

/// What to note of `shown`, where `memory` is what was known. While something of Gangway's own is on its way a difference
/// is not told but suspected: the object is looked at again.
pub(super) fn judge<P>(
    memory: Memory<P>,
    shown: &Shown<P>,
    expected: &Expected<'_, P>,
    watched: impl Fn(P) -> bool,
) -> Note<P>
where
    P: Watched + Serialize + DeserializeOwned,
{
    let was_suspected = memory.suspected;
    let differences = compare(expected.given, &shown.properties, &watched);
    let differs = !differences.is_empty();
    let mut calm = memory;
    calm.synced = shown.synced.unwrap_or(calm.synced);
    calm.forget(&shown.properties, &differences);
    if shown.gone.is_none() {
        calm.gone = None;
    }
    let mut memory = calm.clone();
    let mut news = News::default();
    if let Some(gone) = shown.gone {
        news.gone = memory.lose(gone).then_some(gone);
    } else {
        news.changes = memory.learn(differences);
        news.password = expected
            .password_at
            .zip(shown.password_at)
            .filter(|(set_at, changed_at)| memory.hear_of_password(*set_at, *changed_at, CLOCKS));
    }
    if !expected.settled && !news.is_empty() {
        // The doubt's time counts from what Gangway gave: a page that shows the same again does not put its end off.
        let unverified_at = expected.unverified_at.or(Some(expected.now));
        let memory = Memory { suspected: true, ..calm };
        return Note { memory, unverified_at, news: News::default() };
    }
    let is_whole = covers(expected.given, &shown.properties, &watched);
    let verified = shown.gone.is_some() || (!differs && is_whole) || (expected.read && expected.settled);
    if verified {
        memory.suspected = false;
        return Note { memory, unverified_at: None, news: news.read(expected.read && !was_suspected) };
    }
    let unverified_at = expected.unverified_at;
    if unverified_at.is_some() || is_whole || shown.properties.is_empty() {
        return Note { memory, unverified_at, news };
    }
    // What is not shown beside others may have been cleared: Graph leaves out what has no value.
    memory.suspected = true;
    Note { memory, unverified_at: Some(expected.now), news }
}

#[cfg(test)]
mod tests;
