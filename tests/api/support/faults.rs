//! Fault rules for the simulator, in short.

use gangway::simulator::{Action, FaultRule, When};

/// A rule for every request of this method to this path (`*` stands for any text).
pub(crate) fn on(method: &str, path: &str, action: Action) -> FaultRule {
    FaultRule { method: Some(method.to_owned()), path: path.to_owned(), when: When::All, action }
}

/// Requests wait, without effect, until they are released.
pub(crate) fn hold(method: &str, path: &str) -> FaultRule {
    on(method, path, Action::Hold)
}

/// The first request is not answered; nothing has happened.
pub(crate) fn reset_before(method: &str, path: &str) -> FaultRule {
    FaultRule { when: When::First(1), ..on(method, path, Action::ResetBefore) }
}

/// The first request is not answered; what was asked has happened.
pub(crate) fn reset_after(method: &str, path: &str) -> FaultRule {
    FaultRule { when: When::First(1), ..on(method, path, Action::ResetAfter) }
}

/// An error that Graph answers, with `Retry-After` in seconds.
pub(crate) fn answer(status: u16, code: &str, retry_after: Option<u64>) -> Action {
    Action::Answer {
        status,
        code: code.to_owned(),
        message: format!("{code}, as the test ordered."),
        retry_after,
    }
}
