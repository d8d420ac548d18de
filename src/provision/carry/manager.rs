//! The manager, who is a reference to another account (product contract, section 2).

use serde_json::json;

use super::{Fault, Run};
use crate::graph::{self, AccountId};
use crate::insights::{Change, EventType};
use crate::provision::end::{REPLICATION, REPLICATION_TRIES};
use crate::store::{self, bindings};

impl Run<'_> {
    pub(super) async fn set_manager(&mut self, manager: AccountId) -> Result<(), Fault> {
        match self.graph.set_manager(&self.call(), &self.account()?, &manager).await {
            Ok(reply) => self.note(&reply),
            Err(error) if is_of_another(&error, self.account()?) => {
                if self.is_fresh(manager).await? {
                    let sentence = "Microsoft 365 does not show the manager's new account everywhere yet; it is tried again";
                    return Err(Fault::Later(sentence.to_owned()));
                }
                self.manager_missing = true;
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.have_manager(Some(manager));
        Ok(())
    }

    /// Whether the manager's account was made so lately that a replica of Graph may not know it.
    async fn is_fresh(&self, manager: AccountId) -> Result<bool, Fault> {
        if self.binding.attempts >= REPLICATION_TRIES {
            return Ok(false);
        }
        let stored = |error: store::Error| Fault::Later(error.to_string());
        let holder = bindings::holder_of(self.store, self.connection.id, &manager.to_string()).await;
        let Some((id, _)) = holder.map_err(stored)? else {
            return Ok(false);
        };
        let found = bindings::get(self.store, id).await.map_err(stored)?;
        let given_at = found.and_then(|(binding, _)| binding.given_at);
        Ok(given_at.is_some_and(|at| self.clock.millis() - at < REPLICATION))
    }

    pub(super) async fn remove_manager(&mut self) -> Result<(), Fault> {
        match self.graph.remove_manager(&self.call(), &self.account()?).await {
            Ok(reply) => self.note(&reply),
            // None is what was wanted, whoever removed him.
            Err(error) if error.is_not_a_member() => {}
            Err(error) => return Err(error.into()),
        }
        self.have_manager(None);
        Ok(())
    }

    fn have_manager(&mut self, manager: Option<AccountId>) {
        let before = std::mem::replace(&mut self.given.manager, manager);
        if !self.is_new() {
            let text = |account: Option<AccountId>| json!(account.map(|account| account.to_string()));
            let change = Change::new("manager", text(before), text(manager));
            self.report(EventType::UserUpdateProvision, change.into_iter().collect());
        }
    }
}

/// Whether Graph does not know somebody, and it is not said to be the account itself.
fn is_of_another(error: &graph::Error, account: AccountId) -> bool {
    matches!(error, graph::Error::NotFound(_)) && error.missing() != Some(account.into())
}
