//! Finding, restoring or creating the account of a user that has none yet.

use serde_json::json;

use super::{Fault, Run, check};
use crate::directory::Address;
use crate::directory::password::Password;
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::graph::{self, NewUser, Property};
use crate::provision::given::{Given, Owed};
use crate::provision::mapping;
use crate::store::bindings;

impl Run<'_> {
    /// An account with that address is adopted, a deleted one is restored, else one is created. A create is the
    /// likely case, so the look for an existing account waits for Graph to say that there is one, unless an
    /// earlier create may have been carried out.
    pub(super) async fn bind(&mut self) -> Result<(), Fault> {
        let Some(address) = self.address.clone() else {
            return Ok(());
        };
        for tried in self.given.tried.clone() {
            if self.adopt_by(&tried).await? {
                return Ok(());
            }
        }
        let deleted = self.graph.deleted_user_by_upn(&self.call(), address.as_str()).await?;
        self.note(&deleted);
        if let Some(deleted) = deleted.value {
            return self.restore(&address, &deleted).await;
        }
        self.create(&address).await
    }

    /// What an unanswered create may have left: found, it can be blocked; not found, there is nothing to block.
    pub(super) async fn find(&mut self) -> Result<(), Fault> {
        for tried in std::mem::take(&mut self.given.tried) {
            let found = self.graph.user_by_upn(&self.call(), &tried).await?;
            self.note(&found);
            if let Some(user) = found.value {
                self.take(&user);
                return Ok(());
            }
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
                self.account = Some(created.value.id);
                let mut given = mapping::properties(&self.resource, address, &self.settings).properties;
                given.extend(properties);
                self.given = Given { properties: given, owed: [Owed::Creation].into(), ..Given::default() };
                self.password_used = own;
                Ok(())
            }
            Err(conflict @ graph::Error::Conflict { .. }) => {
                if self.adopt_by(address.as_str()).await? {
                    return Ok(());
                }
                // The address belongs to something that is no user, or not to be seen yet.
                Err(conflict.into())
            }
            Err(error) => Err(error.into()),
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
        self.check_unbound(user).await?;
        self.take(user);
        self.given.found.clone_from(&self.given.properties);
        self.given.owed.insert(Owed::Creation);
        Ok(())
    }

    async fn restore(&mut self, address: &Address, deleted: &graph::User) -> Result<(), Fault> {
        if self.adopt_by(address.as_str()).await? {
            return Ok(());
        }
        // Known also when the answer is lost: a refused create sends the account back to the deleted.
        self.given.restoring = Some(deleted.id);
        let restored = self.graph.restore_user(&self.call(), &deleted.id, Some(address.as_str())).await?;
        self.note(&restored);
        self.check_unbound(&restored.value).await?;
        self.take(&restored.value);
        // What the answer does not say is not known, and so it is sent.
        self.given.properties.insert(Property::UserPrincipalName, json!(address.as_str()));
        self.given.owed.insert(Owed::Creation);
        Ok(())
    }

    fn take(&mut self, user: &graph::User) {
        let mut owed = std::mem::take(&mut self.given.owed);
        if self.given.restoring == Some(user.id) {
            owed.insert(Owed::Restored);
        }
        self.account = Some(user.id);
        self.given = Given { properties: user.properties.clone(), owed, ..Given::default() };
    }

    /// Two users never share an account: the second would overwrite the first.
    async fn check_unbound(&self, user: &graph::User) -> Result<(), Fault> {
        let holder = bindings::holder_of(self.store, self.connection.id, &user.id.to_string())
            .await
            .map_err(|error| Fault::Later(error.to_string()))?;
        match holder {
            None => Ok(()),
            Some((holder, _)) if holder == self.binding.id => Ok(()),
            Some((_, holder)) if holder.deleted_at.is_some() => Err(Fault::Busy),
            Some((_, holder)) => {
                let sentence = format!(
                    "the account with this address is bound to the user \"{}\" already; give one of the two another userName",
                    holder.user_name
                );
                Err(refused(RefusalKind::Uniqueness, &sentence))
            }
        }
    }
}

fn refused(kind: RefusalKind, sentence: &str) -> Fault {
    Fault::Refused(Refusal { kind, sentence: sentence.to_owned(), code: None })
}
