//! What a page of changed accounts says of those that Gangway has bound.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::compare::Rules;
use super::judge::{Expected, Note, Shown, is_settled, judge};
use super::memory::{Gone, Memory};
use super::missing::Present;
use super::tell::{Subject, of_account};
use super::{Fault, Inner, Tenant};
use crate::clock;
use crate::graph::{self, AccountId, ChangedUser, ObjectId, Property, Removed};
use crate::ids::BindingId;
use crate::insights::ResourceKind;
use crate::provision::describe::Trace;
use crate::provision::given::Given;
use crate::store::bindings::{self, Binding};
use crate::store::users::User;
use crate::store::{Tx, drift};

/// Objects that are written down at the same time: on SQLite they share a commit.
pub(super) const AT_ONCE: usize = 16;

/// What is to be written down of one account.
pub(super) struct Look {
    pub(super) id: BindingId,
    pub(super) account: String,
    pub(super) shown: Shown<Property>,
    /// Whether it was read because it was unverified.
    pub(super) read: bool,
    pub(super) trace: Trace,
}

impl Inner {
    /// Notes and tells what a page of changes says.
    pub(super) async fn see_accounts(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        page: Vec<ChangedUser>,
        trace: &Trace,
        present: Option<&mut Present>,
    ) -> Result<(), Fault> {
        let mut shown: BTreeMap<AccountId, Shown<Property>> = BTreeMap::new();
        for changed in page {
            shown.entry(changed.id).or_default().add(Shown::from(changed));
        }
        if let Some(present) = present {
            let there = shown.iter().filter(|(_, shown)| shown.gone.is_none());
            present.objects.extend(there.map(|(id, _)| ObjectId::from(*id)));
        }
        let ids: Vec<String> = shown.keys().map(ToString::to_string).collect();
        let mut looks = Vec::new();
        let mut verified = Vec::new();
        for (binding, user) in drift::accounts(&self.store, tenant.connection.id, &ids).await? {
            let account = binding.account_id.clone().unwrap_or_default();
            let Some(shown) = account.parse().ok().and_then(|id: AccountId| shown.remove(&id)) else {
                continue;
            };
            match self.judge_account(tenant, &binding, &user, &shown, false)? {
                None => {}
                // Nothing but that it is as it was given: that needs no row of its own.
                Some(note) if note.news.is_empty() && remembers(&binding, &note)? => {
                    verified.extend(binding.unverified_at.map(|at| (binding.id, at)));
                }
                Some(_) => {
                    looks.push(Look { id: binding.id, account, shown, read: false, trace: trace.clone() });
                }
            }
        }
        self.note_accounts(tenant, looks).await?;
        if !verified.is_empty() {
            self.store.write(move |tx| Box::pin(async move { drift::verified(tx, &verified).await })).await?;
        }
        Ok(())
    }

    /// Writes down what is to be noted of these accounts, each in a transaction of its own.
    pub(super) async fn note_accounts(
        self: &Arc<Self>,
        tenant: &Arc<Tenant>,
        looks: Vec<Look>,
    ) -> Result<(), Fault> {
        let write = |look: Look| {
            let (this, tenant) = (Arc::clone(self), Arc::clone(tenant));
            async move {
                let store = this.store.clone();
                store
                    .write(move |tx| Box::pin(async move { this.note_account(tx, &tenant, look).await }))
                    .await
            }
        };
        let repaired: Vec<bool> =
            stream::iter(looks).map(write).buffer_unordered(AT_ONCE).try_collect().await?;
        if repaired.contains(&true) {
            // An account that is bound again may be among those that were deleted since they were read.
            self.deleted.forget(tenant.connection.id);
            self.handover.wake();
        }
        Ok(())
    }

    /// Whether there is work to do now.
    async fn note_account(&self, tx: &Tx, tenant: &Tenant, look: Look) -> Result<bool, Fault> {
        // Before any row is held: whoever waits for the events' order would hold up those who wait for the row.
        crate::store::events::announce(tx).await?;
        let Some((mut binding, user)) = bindings::lock(tx, look.id).await? else {
            return Ok(false);
        };
        if binding.account_id.as_deref() != Some(&look.account) {
            return Ok(false);
        }
        let Some(note) = self.judge_account(tenant, &binding, &user, &look.shown, look.read)? else {
            return Ok(false);
        };
        let Note { mut memory, unverified_at, news } = note;
        binding.unverified_at = unverified_at;
        if news.is_empty() {
            binding.drift = memory.stored()?;
            bindings::update(tx, &binding).await?;
            return Ok(false);
        }
        let mut telling = of_account(&look.account, &news);
        let is_repairable = news.gone.is_some() || !memory.seen.is_empty();
        let repair = tenant.is_repaired() && is_repairable;
        let spared = repair.then(|| spared(tenant, &binding, &memory, &user)).flatten();
        telling.consequence = spared.or(repair.then_some("Gangway undoes it."));
        let about = ResourceKind::User.named(user.id, Some(&user.user_name));
        let subject = Subject { organization: user.organization, about, object: &look.account };
        self.tell(tx, tenant, subject, telling, &look.trace).await?;
        let repair = repair && spared.is_none();
        match news.gone {
            Some(_) if repair => self.rebind(tx, &mut binding, &user).await?,
            _ if repair => {
                self.repair_properties(&mut binding, &mut memory)?;
                binding.drift = memory.stored()?;
            }
            _ => binding.drift = memory.stored()?,
        }
        bindings::update(tx, &binding).await?;
        Ok(repair)
    }

    /// What is to be noted of an account; `None` when that is nothing.
    fn judge_account(
        &self,
        tenant: &Tenant,
        binding: &Binding,
        user: &User,
        shown: &Shown<Property>,
        read: bool,
    ) -> Result<Option<Note<Property>>, Fault> {
        // Who leaves is Gangway's own work until the end.
        if user.deleted_at.is_some() {
            return Ok(None);
        }
        let account = binding.account_id.as_deref().unwrap_or_default();
        let given = Given::stored(binding.given.clone())?;
        let rules = Rules::of(&tenant.settings);
        let now = self.clock.millis();
        let times = [binding.given_at, binding.unverified_at];
        let expected = Expected {
            given: &given.properties,
            password_at: given.password_at,
            unverified_at: binding.unverified_at,
            settled: is_settled(binding.lane.is_some(), binding.lease_until, times, now, tenant.lag),
            read,
            now,
        };
        let memory = Memory::of(binding.drift.as_ref(), account);
        let note = judge(memory, shown, &expected, |property| rules.watches(property));
        let is_news = !note.news.is_empty() || note.unverified_at != binding.unverified_at;
        Ok((is_news || !remembers(binding, &note)?).then_some(note))
    }
}

/// Whether the binding has what the note remembers.
fn remembers(binding: &Binding, note: &Note<Property>) -> Result<bool, Fault> {
    Ok(binding.drift == note.memory.stored()?)
}

/// Why an account is not repaired though the connection repairs.
fn spared(
    tenant: &Tenant,
    binding: &Binding,
    memory: &Memory<Property>,
    user: &User,
) -> Option<&'static str> {
    let account = binding.account_id.as_deref().unwrap_or_default();
    let given = binding.given.pointer("/properties/userPrincipalName").and_then(serde_json::Value::as_str);
    let named = [account, &user.user_name, given.unwrap_or_default()];
    if named.iter().any(|name| tenant.settings.must_not_touch(name)) {
        return Some("Gangway leaves it so, since the account is on the never-touch list.");
    }
    memory.synced.then_some(
        "Gangway leaves it so, since the account is synchronised from an on-premises directory, which alone can change it.",
    )
}

impl From<ChangedUser> for Shown<Property> {
    fn from(changed: ChangedUser) -> Self {
        let gone = changed.removed.map(Gone::from);
        let shown = Self::from(changed.user);
        // Of what is gone nothing else counts.
        if gone.is_some() { Self { gone, ..Self::default() } } else { shown }
    }
}

impl From<graph::User> for Shown<Property> {
    fn from(user: graph::User) -> Self {
        Self {
            gone: None,
            properties: user.properties,
            synced: user.on_premises_sync_enabled,
            password_at: user.last_password_change.map(clock::millis),
        }
    }
}

impl From<Removed> for Gone {
    fn from(removed: Removed) -> Self {
        match removed {
            Removed::Deleted => Self::Deleted,
            Removed::SoftDeleted => Self::SoftDeleted,
        }
    }
}
