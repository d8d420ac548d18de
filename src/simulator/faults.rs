//! Faults on demand: which requests go wrong, and how.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A rule that makes requests go wrong. The first rule that matches a request decides it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// The method, in any case; every method if it is absent.
    #[serde(default)]
    pub method: Option<String>,
    /// The path, with or without `/v1.0` in front; `*` stands for any text, also across segments, e.g. `/users/*`.
    pub path: String,
    /// Which of the matching requests.
    #[serde(default)]
    pub when: When,
    /// What happens to them.
    pub action: Action,
}

/// Which of the requests that match a rule it concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Every one.
    #[default]
    All,
    /// The first so many.
    First(u64),
    /// Only the n-th, counted from 1.
    Nth(u64),
    /// A share from 0 to 1, chosen by the simulator's seeded generator.
    Share(f64),
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It is answered with this error and has no effect. The token endpoint says `code` and `message` in its own shape.
    #[serde(rename_all = "camelCase")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// `error.code`.
        code: String,
        /// `error.message`.
        message: String,
        /// The header `Retry-After`, in seconds.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// It is answered with this text, whatever it is, and has no effect: a proxy's page, JSON under another media type.
    #[serde(rename_all = "camelCase")]
    Raw {
        /// The HTTP status.
        status: u16,
        /// The media type.
        content_type: String,
        /// The body as it is sent.
        body: String,
    },
    /// It takes effect, and the connection closes in the middle of the answer's body.
    HalfBody,
    /// It is sent to its own address again and again (302), without effect.
    Redirect,
    /// It is answered 200 with a body of so many bytes, which never was in memory as a whole; no effect.
    Huge(u64),
    /// It is taken up so many milliseconds later.
    Delay(u64),
    /// It waits, without effect, until the held requests are released.
    Hold,
    /// It takes effect, and its answer waits until the held requests are released.
    HoldAfter,
    /// The connection closes without an answer; nothing has happened.
    ResetBefore,
    /// The connection closes without an answer; what was asked has happened.
    ResetAfter,
}

#[derive(Debug)]
struct Active {
    id: u64,
    rule: FaultRule,
    seen: u64,
}

/// The rules in force and the requests that they hold.
#[derive(Debug)]
pub(super) struct Faults {
    rules: Mutex<Rules>,
    held: watch::Sender<usize>,
    /// Counts the releases: a held request waits for the next one.
    releases: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Rules {
    last: u64,
    active: Vec<Active>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { rules: Mutex::default(), held: watch::Sender::new(0), releases: watch::Sender::new(0) }
    }
}

impl Faults {
    fn rules(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule behind the others and returns its number.
    pub(super) fn add(&self, rule: FaultRule) -> u64 {
        let mut rules = self.rules();
        rules.last += 1;
        let id = rules.last;
        rules.active.push(Active { id, rule, seen: 0 });
        id
    }

    /// Takes one rule out.
    pub(super) fn remove(&self, id: u64) -> bool {
        let mut rules = self.rules();
        let before = rules.active.len();
        rules.active.retain(|active| active.id != id);
        rules.active.len() < before
    }

    /// Takes every rule out and lets go of what they hold.
    pub(super) fn clear(&self) {
        self.rules().active.clear();
        self.release();
    }

    /// The rules in force, with their numbers.
    pub(super) fn list(&self) -> Vec<(u64, FaultRule)> {
        self.rules().active.iter().map(|active| (active.id, active.rule.clone())).collect()
    }

    /// What happens to a request. `chance` gives numbers from 0 to 1.
    pub(super) fn decide(&self, method: &str, path: &str, mut chance: impl FnMut() -> f64) -> Option<Action> {
        let mut rules = self.rules();
        for active in rules.active.iter_mut().filter(|active| matches(&active.rule, method, path)) {
            active.seen += 1;
            let hit = match active.rule.when {
                When::All => true,
                When::First(n) => active.seen <= n,
                When::Nth(n) => active.seen == n,
                When::Share(share) => chance() < share,
            };
            if hit {
                return Some(active.rule.action.clone());
            }
        }
        None
    }

    /// Waits for the next release.
    pub(super) async fn hold(&self) {
        let mut releases = self.releases.subscribe();
        releases.mark_unchanged();
        self.held.send_modify(|held| *held += 1);
        let _guard = Held(self);
        // The sender lives in `self`, so that this ends by a release only.
        let _ = releases.changed().await;
    }

    /// Lets the requests go that are held now.
    pub(super) fn release(&self) {
        self.releases.send_modify(|releases| *releases += 1);
    }

    /// Waits until at least `count` requests are held.
    pub(super) async fn wait_held(&self, count: usize) {
        let _ = self.held.subscribe().wait_for(|held| *held >= count).await;
    }
}

/// A held request; one whose client has gone is not held any more.
struct Held<'a>(&'a Faults);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.send_modify(|held| *held = held.saturating_sub(1));
    }
}

fn matches(rule: &FaultRule, method: &str, path: &str) -> bool {
    let method_fits = rule.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
    let relative = path.strip_prefix("/v1.0").unwrap_or(path);
    method_fits && (fits(&rule.path, path) || fits(&rule.path, relative))
}

/// Whether `text` is `pattern`, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in between {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/users", "/users", true)]
    #[case("/users", "/users/1", false)]
    #[case("/users/*", "/users/1", true)]
    #[case("/users/*/revoke*", "/users/1/revokeSignInSessions", true)]
    #[case("*Sessions", "/users/1/revokeSignInSessions", true)]
    #[case("/users/*", "/groups/1", false)]
    #[case("*", "", true)]
    fn patterns(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(fits(pattern, text), expected);
    }

    fn rule(when: When) -> FaultRule {
        FaultRule {
            method: Some("post".to_owned()),
            path: "/users".to_owned(),
            when,
            action: Action::ResetBefore,
        }
    }

    #[rstest]
    #[case(When::All, [true, true, true])]
    #[case(When::First(2), [true, true, false])]
    #[case(When::Nth(2), [false, true, false])]
    #[case(When::Share(0.5), [true, false, true])]
    fn which_requests(#[case] when: When, #[case] expected: [bool; 3]) {
        let faults = Faults::default();
        faults.add(rule(when));
        let mut chances = [0.1, 0.9, 0.2].into_iter().cycle();
        let hits =
            expected.map(|_| faults.decide("POST", "/v1.0/users", || chances.next().unwrap()).is_some());
        assert_eq!(hits, expected);
        assert_eq!(faults.decide("GET", "/v1.0/users", || 0.0), None, "another method");
    }

    #[test]
    fn rules_are_numbered_and_taken_out_by_number() {
        let faults = Faults::default();
        let (first, second) = (faults.add(rule(When::All)), faults.add(rule(When::All)));
        assert!(faults.remove(first) && !faults.remove(first));
        assert_eq!(faults.list().iter().map(|(id, _)| *id).collect::<Vec<_>>(), [second]);
        faults.clear();
        assert!(faults.list().is_empty());
    }

    #[tokio::test]
    async fn a_held_request_waits_for_the_release_and_is_counted_meanwhile() {
        let faults = std::sync::Arc::new(Faults::default());
        let waiting = tokio::spawn({
            let faults = std::sync::Arc::clone(&faults);
            async move { faults.hold().await }
        });
        faults.wait_held(1).await;
        assert!(!waiting.is_finished());
        faults.release();
        waiting.await.unwrap();
        assert_eq!(*faults.held.borrow(), 0);
    }

    #[test]
    fn a_rule_is_readable_as_json() {
        let text = r#"{"method":"POST","path":"/users","when":{"nth":2},
            "action":{"answer":{"status":503,"code":"ServiceUnavailable","message":"Later.","retryAfter":1}}}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(rule.when, When::Nth(2));
        assert!(matches!(rule.action, Action::Answer { status: 503, retry_after: Some(1), .. }));
        let raw = r#"{"path":"*","when":{"share":0.5},"action":{"raw":{"status":502,"contentType":"text/html","body":"<h1>"}}}"#;
        let raw: FaultRule = serde_json::from_str(raw).unwrap();
        assert!(matches!(raw.action, Action::Raw { status: 502, .. }));
        for text in [r#""halfBody""#, r#""redirect""#, r#"{"huge":5}"#, r#""resetAfter""#] {
            assert!(serde_json::from_str::<Action>(text).is_ok(), "{text}");
        }
        let plain: FaultRule = serde_json::from_str(r#"{"path":"*","action":"hold"}"#).unwrap();
        assert_eq!((plain.when, plain.action), (When::All, Action::Hold));
    }
}
