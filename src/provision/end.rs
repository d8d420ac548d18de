//! How a piece of work ended, and what a fault of Graph means for it: the same for users and groups.

use std::time::Duration;

use crate::directory::refusal::{Refusal, RefusalKind};
use crate::graph::{self, Disposition, Priority};
use crate::store::queue::Lane;

/// How long a connection rests that an administrator must repair.
pub(super) const REPAIR: Duration = Duration::from_mins(1);
/// How long after an object was made Graph may still say that it does not exist.
pub(super) const REPLICATION: i64 = 10 * 60 * 1000;
/// How often that is believed before the object counts as gone.
pub(super) const REPLICATION_TRIES: i32 = 12;

/// How the work ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing is left to do.
    Done,
    /// A part is done and written down; the rest follows at once.
    More,
    /// What can be done now is done; the rest of a leaver's way follows after days of grace.
    Grace {
        /// When, in milliseconds since the Unix epoch.
        until: i64,
    },
    /// To be tried again.
    Later(Later),
    /// Microsoft refused for good.
    Refused(Refusal),
}

/// Why and when to try again.
#[derive(Debug)]
pub(super) struct Later {
    /// How long to wait; None for our own back-off.
    pub(super) after: Option<Duration>,
    /// Whether the whole connection must wait.
    pub(super) pause: bool,
    /// Whether it waits for an administrator who authorizes it anew.
    pub(super) unauthorized: bool,
    /// What happened.
    pub(super) sentence: String,
}

impl Later {
    /// After our own back-off.
    pub(super) fn soon(sentence: impl Into<String>) -> Self {
        Self { after: None, pause: false, unauthorized: false, sentence: sentence.into() }
    }
}

impl From<Later> for End {
    fn from(later: Later) -> Self {
        Self::Later(later)
    }
}

/// How urgent the calls of work are that waits in `lane`.
pub(super) fn priority(lane: Option<Lane>) -> Priority {
    match lane {
        Some(Lane::Security) => Priority::Security,
        Some(Lane::Update) | None => Priority::Update,
        Some(Lane::Create) => Priority::Create,
        Some(Lane::Background) => Priority::Background,
    }
}

/// What an error of Graph means for the work.
pub(super) fn of_error(error: &graph::Error) -> End {
    let sentence = error.advice();
    match error.disposition() {
        Disposition::Retry { after } => {
            // A wait of a second is that of our own budget, in which security calls go first: only what Microsoft asks for
            // stops the whole connection.
            let short = after.is_some_and(|after| after <= Duration::from_secs(1));
            let throttled = matches!(error, graph::Error::Throttled { .. }) && !short;
            let pause = throttled || matches!(error, graph::Error::Token(_));
            Later { after, pause, ..Later::soon(sentence) }.into()
        }
        Disposition::Ambiguous => Later { after: error.retry_after(), ..Later::soon(sentence) }.into(),
        Disposition::Blocked => {
            let unauthorized = error.needs_authorization();
            Later { after: Some(REPAIR), pause: true, unauthorized, sentence }.into()
        }
        Disposition::Refused => {
            let code = error.failure().map(|failure| failure.code.clone());
            End::Refused(Refusal { kind: kind_of(error), sentence, code })
        }
    }
}

fn kind_of(error: &graph::Error) -> RefusalKind {
    match error {
        graph::Error::Conflict { .. } => RefusalKind::Uniqueness,
        graph::Error::Forbidden(_)
        | graph::Error::OnPremisesSynced(_)
        | graph::Error::MailEnabledGroup(_)
        | graph::Error::QuotaExceeded(_)
        | graph::Error::Unauthorized(_) => RefusalKind::Forbidden,
        _ => RefusalKind::InvalidValue,
    }
}
