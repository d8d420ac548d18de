//! Leavers: what is done at once, and what after days of grace.

use super::{Run, Wanted, plan};
use crate::insights::EventType;
use crate::provision::end::End;
use crate::provision::mapping;
use crate::provision::plan::Leaving;

impl Run<'_> {
    /// When the days of grace of a user who is gone end.
    fn grace_ends(&self) -> Option<i64> {
        let gone = self.user.deleted_at?;
        Some(gone.saturating_add(self.settings.on_delete_grace_days.millis()))
    }

    /// What is done to a leaver's account. Who was not to sign in any more when he left gets no days of grace for it.
    pub(super) fn leaving(&self, grace_is_over: bool) -> Leaving {
        match Leaving::of(&self.settings, grace_is_over) {
            Leaving::Stay if !mapping::may_sign_in(&self.resource, &self.settings) => Leaving::Block,
            leaving => leaving,
        }
    }

    pub(super) fn grace_is_over(&self) -> bool {
        self.grace_ends().is_some_and(|end| end <= self.clock.millis())
    }

    /// How a run ends for which nothing is left to do now: for a leaver something may follow after days of grace.
    pub(super) fn rest(&self) -> End {
        let follows = || {
            let later = Wanted::Gone(self.leaving(true));
            !plan(&later, &self.given, self.account.is_some()).is_empty()
        };
        match self.grace_ends() {
            Some(end) if !self.grace_is_over() && follows() => End::Grace { until: end },
            _ => End::Done,
        }
    }

    /// A leaver's departure is told once: when the account can no longer be used.
    pub(super) fn conclude_departure(&mut self) {
        let stays = self.leaving(self.grace_is_over()) == Leaving::Stay;
        let had_account = self.binding.account_id.is_some() || self.account.is_some();
        let told = self.reports.iter().any(|report| report.event_type == EventType::UserDeprovision);
        if had_account && !told && !stays && !self.given.departed {
            self.report(EventType::UserDeprovision, Vec::new());
            self.given.departed = true;
        }
    }
}
