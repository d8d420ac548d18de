//! Finding, restoring or creating the account of a user that has none yet.

use serde_json::{Value, json};

use super::{Fault, Run, check, refused};
use crate::clock::millis;
use crate::directory::Address;
use crate::directory::password::Password;
use crate::directory::refusal::{Failure, Refusal, RefusalKind};
use crate::graph::{self, AccountId, NewUser, Property};
use crate::insights::{Change, EventType};
use crate::provision::given::{Given, Owed};
use crate::provision::mapping;
use crate::store;
use crate::store::bindings::{self, Binding};

/// How far the clocks of Microsoft and of this machine may be apart, in milliseconds.
const SKEW: i64 = 2 * 60 * 1000;
/// How often it is looked for what a create may have made, with growing pauses: for about a minute.
const LOOKS: i32 = 8;

impl Run<'_> {
    /// An account with that address is adopted, a deleted one is restored, else one is created. A create is the
    /// likely case, so the look for an existing account waits for Graph to say that there is one, unless an
    /// earlier create may have been carried out.
    pub(super) async fn bind(&mut self) -> Result<(), Fault> {
        let Some(address) = self.address.clone() else {
            return Ok(());
        };
        for tried in self.given.tried.clone() {
            if self.adopt_tried(&tried, &address).await? {
                return Ok(());
            }
        }
        if let Some(deleted) = self.look_among_deleted(address.as_str()).await?
            && self.restore(&address, deleted).await?
        {
            return Ok(());
        }
        self.create(&address).await
    }

    /// Under a name that the user has no longer there can only be an account that was made for him.
    async fn adopt_tried(&mut self, tried: &str, address: &Address) -> Result<bool, Fault> {
        if tried.eq_ignore_ascii_case(address.as_str()) {
            return self.adopt_by(tried).await;
        }
        let found = self.graph.user_by_upn(&self.call(), tried).await?;
        self.note(&found);
        match found.value.filter(|user| self.is_of_ours(user)) {
            Some(user) => self.adopt(&user).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Whether the account can be one that a create for this user has made.
    fn is_of_ours(&self, user: &graph::User) -> bool {
        user.created.is_some_and(|created| millis(created) >= self.user.created_at - SKEW)
    }

    async fn look_among_deleted(&self, name: &str) -> Result<Option<AccountId>, Fault> {
        if self.is_alone {
            return Ok(self.deleted.may_have(self.connection.id, name, &self.graph, &self.call()).await?);
        }
        // Another process may have deleted it a moment ago.
        let found = self.graph.deleted_user_by_upn(&self.call(), name).await?;
        Ok(found.value.map(|user| user.id))
    }

    /// What an unanswered create may have left, or the time before a connection was switched off: found, it can be blocked; not
    /// found for a minute, there is nothing to block. What cannot be of our making is left alone, and that is told.
    pub(super) async fn find(&mut self) -> Result<(), Fault> {
        let mut strangers = Vec::new();
        for tried in self.given.tried.clone() {
            let found = self.graph.user_by_upn(&self.call(), &tried).await?;
            self.note(&found);
            let Some(user) = found.value else {
                continue;
            };
            let is_free = self.is_of_ours(&user) && !user.is_synced() && self.check_named(&user).is_ok();
            if is_free && self.check_unbound(user.id).await.is_ok() {
                self.take(&user);
                return Ok(());
            }
            strangers.push(tried);
        }
        if strangers.is_empty() && self.binding.attempts < LOOKS {
            let sentence =
                "Microsoft 365 may have made an account for the user who is gone; it is looked for again";
            return Err(Fault::Later(sentence.to_owned()));
        }
        self.given.tried.clear();
        for stranger in strangers {
            let sentence = format!(
                "the account {stranger} was left as it is, since Gangway did not make it for the user who is gone; if it is that \
                 person's, block it in Microsoft Entra ID"
            );
            self.report_failure(EventType::UserDeprovision, &sentence, self.trace.clone());
        }
        Ok(())
    }

    async fn create(&mut self, address: &Address) -> Result<(), Fault> {
        let properties = mapping::new_properties(&self.resource, address, &self.settings);
        check(&properties)?;
        let own = self.password.is_some();
        let password =
            self.password.clone().unwrap_or_else(|| Password::generate(self.settings.password.length));
        let user = NewUser::new(properties.clone().into(), password.secret().clone()).map_err(|missing| {
            Fault::Refused(Refusal {
                kind: RefusalKind::InvalidValue,
                sentence: missing.to_string(),
                code: None,
            })
        })?;
        match self.graph.create_user(&self.call(), &user).await {
            Ok(created) => {
                self.note(&created);
                self.account = Some(created.value.user.id);
                let mut given = mapping::properties(&self.resource, address, &self.settings).properties;
                given.extend(properties);
                let password_at = Some(self.clock.millis());
                let owed = [Owed::Creation].into();
                self.given = Given { properties: given, owed, password_at, ..Given::default() };
                self.password_used = own;
                self.compare_created(&created.value);
                Ok(())
            }
            Err(conflict @ graph::Error::Conflict { .. }) => {
                if self.adopt_by(address.as_str()).await? {
                    return Ok(());
                }
                // Not to be seen yet, where an earlier create may have made it; else the address is that of something
                // that is no user.
                let begun = self.binding.attempts > 0 || !self.given.tried.is_empty();
                if begun && self.binding.attempts < LOOKS {
                    self.given.tried.insert(address.to_string());
                    return Err(Fault::Later(conflict.advice()));
                }
                Err(conflict.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Graph can take a value and not apply it. What its answer shows counts as given, so that the plan sends the rest again.
    fn compare_created(&mut self, created: &graph::Created) {
        let shown = |property: Property| created.user.get(property).cloned().unwrap_or(Value::Null);
        let mut changes = Vec::new();
        for property in &created.not_applied {
            let seen = shown(*property);
            let sent = self.given.properties.insert(*property, seen.clone()).unwrap_or(Value::Null);
            changes.extend(Change::new(property.name(), sent, seen));
        }
        if !changes.is_empty() {
            self.report(EventType::UserDriftDetected, changes);
        }
    }

    async fn adopt_by(&mut self, address: &str) -> Result<bool, Fault> {
        let found = self.graph.user_by_upn(&self.call(), address).await?;
        self.note(&found);
        match found.value {
            Some(user) => self.adopt(&user).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Takes an account over: what it has counts as given, so that the plan overwrites what differs.
    async fn adopt(&mut self, user: &graph::User) -> Result<(), Fault> {
        if user.is_synced() {
            let sentence = "the account is synchronised from an on-premises directory, which alone can change it; \
                            manage the person there, or take the account out of the synchronisation first";
            return Err(refused(RefusalKind::Forbidden, sentence));
        }
        self.check_named(user)?;
        self.check_privilege(user.id).await?;
        self.check_unbound(user.id).await?;
        self.take(user);
        self.given.found.clone_from(&self.given.properties);
        self.given.owed.insert(Owed::Creation);
        self.recognise_licenses().await
    }

    /// False: it is not among the deleted any more, and no account has the address.
    async fn restore(&mut self, address: &Address, deleted: AccountId) -> Result<bool, Fault> {
        if self.adopt_by(address.as_str()).await? {
            return Ok(true);
        }
        if self.settings.must_not_touch(&deleted.to_string()) {
            return Err(super::never_touched(&deleted.to_string()));
        }
        self.check_unbound(deleted).await?;
        // Known also when the answer is lost: a refused create sends the account back to the deleted.
        self.given.restoring = Some(deleted);
        let restored = self.graph.restore_user(&self.call(), &deleted, Some(address.as_str())).await;
        let restored = match restored {
            Err(graph::Error::NotFound(_)) => {
                self.given.restoring = None;
                self.deleted.remove(self.connection.id, deleted);
                return Ok(false);
            }
            answer => answer?,
        };
        self.note(&restored);
        self.deleted.remove(self.connection.id, deleted);
        self.take(&restored.value);
        // What the answer does not say is not known, and so it is sent.
        self.given.properties.insert(Property::UserPrincipalName, json!(address.as_str()));
        self.given.owed.extend([Owed::Creation, Owed::Regain]);
        self.regain().await?;
        self.recognise_licenses().await?;
        Ok(true)
    }

    /// A restored account is again in the groups that it was in when it was deleted, whatever has become of the person; and
    /// it has its roles.
    pub(super) async fn regain(&mut self) -> Result<(), Fault> {
        let Some(account) = self.account else {
            return Ok(());
        };
        match self.graph.belonging(&self.call(), &account).await {
            Ok(belonging) => {
                if !self.is_gone() {
                    self.refuse_power(&belonging.value)?;
                }
                self.regained = belonging.value.groups.into_iter().map(|(group, _)| group).collect();
            }
            Err(error @ graph::Error::Forbidden(_)) => {
                tracing::warn!(binding = %self.binding.id, %error, "the groups of a restored account cannot be read, so it stays in those that it was in");
            }
            Err(error @ graph::Error::NotFound(_)) => return Err(Fault::Later(error.advice())),
            Err(error) => return Err(error.into()),
        }
        self.given.owed.remove(&Owed::Regain);
        Ok(())
    }

    fn check_named(&self, user: &graph::User) -> Result<(), Fault> {
        let id = user.id.to_string();
        if self.settings.must_not_touch(&id) { Err(super::never_touched(&id)) } else { Ok(()) }
    }

    fn take(&mut self, user: &graph::User) {
        let mut owed = std::mem::take(&mut self.given.owed);
        if self.given.restoring == Some(user.id) {
            owed.insert(Owed::Restored);
        }
        self.account = Some(user.id);
        self.given = Given { properties: user.properties.clone(), owed, ..Given::default() };
    }

    /// Two users never share an account: the second would overwrite the first. A leaver whose days of grace run gives it up,
    /// when it is written down who has it now.
    async fn check_unbound(&mut self, account: AccountId) -> Result<(), Fault> {
        let stored = |error: store::Error| Fault::Later(error.to_string());
        let holder = bindings::holder_of(self.store, self.connection.id, &account.to_string()).await;
        match holder.map_err(stored)? {
            None => Ok(()),
            Some((holder, _)) if holder == self.binding.id => Ok(()),
            Some((holder, user)) if user.deleted_at.is_some() => {
                let found = bindings::get(self.store, holder).await.map_err(stored)?;
                let now = self.clock.millis();
                if found.is_some_and(|(binding, _)| !gives_way(&binding, now)) {
                    return Err(Fault::Busy);
                }
                self.released = Some(holder);
                Ok(())
            }
            Some((_, user)) => {
                let sentence = format!(
                    "the account with this address is bound to the user \"{}\" already; give one of the two another userName",
                    user.user_name
                );
                Err(refused(RefusalKind::Uniqueness, &sentence))
            }
        }
    }
}

/// Whether a leaver's binding gives its account up: what was to be done at once is done, or was refused.
pub(in crate::provision) fn gives_way(binding: &Binding, now: i64) -> bool {
    let failure = binding.failure.clone().and_then(|failure| serde_json::from_value(failure).ok());
    let waits = matches!(failure, Some(Failure::Grace { .. } | Failure::Refused { .. }));
    binding.lease_until <= now && (binding.lane.is_none() || waits)
}
