//! What a fault of a step means: to be tried again, refused for good, or a reason to plan anew.

use std::time::Duration;

use serde_json::Value;

use super::{Fault, Run, is_refusal};
use crate::graph::{self, Disposition, Property};
use crate::insights::EventType;
use crate::provision::describe::{Trace, event_type};
use crate::provision::drift::memory::is_known_lost;
use crate::provision::end::{self, End, Later, REPLICATION, REPLICATION_TRIES};
use crate::provision::given::{Given, Owed};
use crate::provision::plan::Step;

/// After so many tries it is asked whether an account that Graph does not show was deleted.
const ASK_AFTER: i32 = 3;

impl Run<'_> {
    /// What a fault means. None: the plan goes on with what is known now.
    pub(super) async fn judge(&mut self, step: Option<&Step>, fault: Fault) -> Option<End> {
        match fault {
            Fault::Graph(graph::Error::NotFound(_)) if self.account.is_some() => self.judge_missing().await,
            Fault::Graph(error) if step == Some(&Step::RevokeSessions) && is_refusal(&error) => {
                self.go_on_unrevoked(&error);
                None
            }
            Fault::Graph(error) => Some(self.judge_error(step, &error).await),
            Fault::Refused(refusal) => {
                self.report_failure(self.failed_event(step), &refusal.sentence, Trace::default());
                Some(End::Refused(refusal))
            }
            Fault::Busy => {
                let sentence =
                    "the account is being released by a user that was deleted a moment ago".to_owned();
                Some(Later { after: Some(Duration::from_secs(1)), ..Later::soon(sentence) }.into())
            }
            Fault::Later(sentence) => Some(Later::soon(sentence).into()),
        }
    }

    /// As which event the failure of a step is told.
    fn failed_event(&self, step: Option<&Step>) -> EventType {
        match step {
            _ if self.is_new() => EventType::UserCreateProvision,
            Some(step) => event_type(step),
            None if self.is_gone() => EventType::UserDeprovision,
            None if self.account.is_none() => EventType::UserCreateProvision,
            None => EventType::UserUpdateProvision,
        }
    }

    /// Sessions that Microsoft refuses to revoke end by themselves; that must keep neither a block nor an unblock
    /// from being carried out. It is told as a failure.
    fn go_on_unrevoked(&mut self, error: &graph::Error) {
        let sentence = error.advice();
        let blocked = self.given.owed.remove(&Owed::Block);
        let changed = self.given.owed.remove(&Owed::Password);
        if blocked {
            self.report_failure(EventType::UserDeprovision, &sentence, Trace::of_error(error));
        }
        if changed {
            self.report_failure(EventType::UserPasswordUpdateProvision, &sentence, Trace::of_error(error));
        }
        self.unrevoked = Some(sentence);
    }

    /// Graph does not know the account: not yet, or no longer.
    async fn judge_missing(&mut self) -> Option<End> {
        let account = self.account.map(|account| account.to_string()).unwrap_or_default();
        // Drift has seen the account deleted: that is no lag.
        let known = is_known_lost(self.binding.drift.as_ref(), &account);
        if !known && self.may_not_be_shown_yet() && !self.was_deleted_by_others().await {
            let sentence = "Microsoft 365 does not show the new account everywhere yet; it is tried again";
            return Some(Later::soon(sentence).into());
        }
        if !self.is_gone() && !known {
            self.report(EventType::UserDriftDetected, Vec::new());
        }
        self.account = None;
        self.given = Given::default();
        // Whoever deleted it did so since the deleted were read.
        self.deleted.forget(self.connection.id);
        None
    }

    /// Whether an account that is not shown is among the deleted: after some tries that is asked, so that nobody waits for
    /// replicas that will never show it.
    async fn was_deleted_by_others(&self) -> bool {
        let name = self.given.properties.get(&Property::UserPrincipalName).and_then(Value::as_str);
        let Some(name) = name.filter(|_| self.binding.attempts >= ASK_AFTER) else {
            return false;
        };
        let found = self.graph.deleted_user_by_upn(&self.call(), name).await;
        found.is_ok_and(|found| found.value.map(|user| user.id) == self.account)
    }

    /// Whether the account was given something so lately that a replica of Graph may not know it.
    pub(super) fn may_not_be_shown_yet(&self) -> bool {
        let now = self.clock.millis();
        let fresh = now - self.binding.given_at.unwrap_or(now) < REPLICATION;
        fresh && self.binding.attempts < REPLICATION_TRIES
    }

    async fn judge_error(&mut self, step: Option<&Step>, error: &graph::Error) -> End {
        if error.disposition() == Disposition::Ambiguous
            && let (Some(Step::Bind), Some(address)) = (step, &self.address)
        {
            self.given.tried.insert(address.to_string());
        }
        let mut end = end::of_error(error);
        if let End::Refused(refusal) = &mut end {
            if let Some(sentence) = self.explain(error).await {
                refusal.sentence = sentence;
            }
            let sentence = refusal.sentence.clone();
            self.report_failure(self.failed_event(step), &sentence, Trace::of_error(error));
        }
        end
    }
}
