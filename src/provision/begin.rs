//! What a run needs beside the row, and the run itself: for users and for groups.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::carry::{Finished, Run};
use super::describe::Trace;
use super::end::Later;
use super::given::Given;
use super::groups::{self, GivenGroup};
use super::plan::{Licenses, Manager};
use super::worker::Inner;
use crate::directory::caller::Origin;
use crate::directory::connections::{SIMULATOR_CLOUD, Target};
use crate::directory::error::Error;
use crate::directory::password::Password;
use crate::graph::{self, Graph, Pace};
use crate::ids::{BindingId, GroupBindingId, UserId};
use crate::scim::Resource;
use crate::scim::schema::ENTERPRISE_USER;
use crate::settings::{Settings, TenantSize};
use crate::store::bindings::{self, Binding};
use crate::store::connections::{Connection, ConnectionState};
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups::Group;
use crate::store::queue::WorkId;
use crate::store::users::{self, User};

/// How long a run is put off that cannot begin before an administrator has acted.
const UNTIL_REPAIRED: Duration = Duration::from_mins(1);

impl Inner {
    pub(super) async fn carry(self: &Arc<Self>, id: WorkId) -> Result<(), Error> {
        match id {
            WorkId::Account(id) => self.carry_account(id).await,
            WorkId::Group(id) => self.carry_group(id).await,
        }
    }

    async fn carry_account(self: &Arc<Self>, id: BindingId) -> Result<(), Error> {
        let Some((binding, user)) = bindings::get(&self.store, id).await? else {
            return Ok(());
        };
        let began_at = self.clock.millis();
        let finished = self.run_account(binding, user).await?;
        self.record(finished, began_at).await
    }

    async fn carry_group(self: &Arc<Self>, id: GroupBindingId) -> Result<(), Error> {
        let Some((binding, group)) = group_bindings::get(&self.store, id).await? else {
            return Ok(());
        };
        let began_at = self.clock.millis();
        let finished = self.run_group(binding, group).await?;
        self.record_group(finished, began_at).await
    }

    async fn run_account(&self, binding: Binding, user: User) -> Result<Finished, Error> {
        let origin = self.origin(binding.request.as_ref())?;
        let given = Given::stored(binding.given.clone())?;
        let account = binding.account_id.as_deref().and_then(|id| id.parse().ok());
        let resource = Resource::from(user.resource.clone());
        match self.prepare(&binding, &user).await {
            Ok((place, graph, password)) => {
                let manager = self.manager(&binding, &user, &resource, &place.settings).await?;
                let mut run = Run {
                    store: &self.store,
                    clock: &self.clock,
                    graph,
                    connection: place.connection,
                    settings: place.settings,
                    origin,
                    resource,
                    binding,
                    user,
                    address: place.address,
                    password,
                    manager,
                    manager_missing: false,
                    password_used: false,
                    catalogues: &self.catalogues,
                    deleted: &self.deleted,
                    licenses: Licenses::Kept,
                    impossible: BTreeSet::new(),
                    photo: None,
                    given,
                    account,
                    reports: Vec::new(),
                    trace: Trace::default(),
                    faults: Vec::new(),
                    left_out: None,
                    regained: Vec::new(),
                    unverified: false,
                    released: None,
                    is_alone: self.share().get() == 1,
                    unrevoked: None,
                    unsuspended: Vec::new(),
                };
                let end = run.carry_out().await;
                Ok(run.finished(end))
            }
            Err(sentence) => Ok(Finished {
                began: binding,
                user,
                origin,
                connection_name: String::new(),
                account,
                given,
                password_used: false,
                reports: Vec::new(),
                left_out: None,
                regained: Vec::new(),
                unverified: false,
                released: None,
                end: not_ready(sentence).into(),
            }),
        }
    }

    async fn run_group(&self, binding: GroupBinding, group: Group) -> Result<groups::Finished, Error> {
        let origin = self.origin(binding.request.as_ref())?;
        let given = GivenGroup::stored(binding.given.clone())?;
        let object = binding.object_id.as_deref().and_then(|id| id.parse().ok());
        match self.prepare_group(&binding).await {
            Ok((connection, graph)) => {
                let mut run = groups::Run {
                    store: &self.store,
                    clock: &self.clock,
                    graph,
                    connection,
                    binding,
                    group,
                    done: groups::Work::new(given, object),
                    removals: Vec::new(),
                    additions: Vec::new(),
                };
                let end = run.carry_out().await;
                Ok(run.finished(origin, end))
            }
            Err(sentence) => {
                Ok(groups::Finished::put_off(binding, group, origin, given, not_ready(sentence)))
            }
        }
    }

    fn origin(&self, request: Option<&Value>) -> Result<Origin, Error> {
        match request {
            Some(request) => Ok(serde_json::from_value(request.clone())?),
            None => Ok(Origin::system(self.clock.uuid())),
        }
    }

    /// The error is a sentence for `syncError`: an administrator must act first.
    async fn prepare(
        &self,
        binding: &Binding,
        user: &User,
    ) -> Result<(Target, Graph, Option<Password>), String> {
        let target = self.directory.target(binding, user).await.map_err(|error| error.to_string())?;
        let graph = self.client(&target.connection, &target.settings)?;
        let password = match &binding.sealed_password {
            Some(sealed) => {
                let secret = self.key.open(sealed, binding.id.0);
                Some(Password::from(
                    secret.map_err(|error| format!("the waiting password cannot be read: {error}"))?,
                ))
            }
            None => None,
        };
        Ok((target, graph, password))
    }

    /// The connection's client, which knows how much of the quota is ours.
    fn client(&self, connection: &Connection, settings: &Settings) -> Result<Graph, String> {
        let graph = self.clients.of(connection).map_err(|error| error.to_string())?;
        graph.set_share(self.share());
        let size = match settings.tenant_size.unwrap_or_default() {
            TenantSize::Small => graph::TenantSize::Small,
            TenantSize::Medium => graph::TenantSize::Medium,
            TenantSize::Large => graph::TenantSize::Large,
        };
        let metered = settings.tenant_size.is_some() || connection.cloud != SIMULATOR_CLOUD;
        graph.set_pace(Pace { size, metered, ..Pace::default() });
        Ok(graph)
    }

    async fn prepare_group(&self, binding: &GroupBinding) -> Result<(Connection, Graph), String> {
        let connection = self.directory.connection_of(binding.organization, binding.connection).await;
        let connection = connection.map_err(|error| error.to_string())?;
        if connection.state != ConnectionState::Active {
            return Err(format!("the connection \"{}\" is not in use; activate it", connection.name));
        }
        let settings = self.directory.settings(&connection.settings).map_err(|error| error.to_string())?;
        let graph = self.client(&connection, &settings)?;
        Ok((connection, graph))
    }

    /// Whom the account must have as its manager: somebody who has an account in the same tenant.
    async fn manager(
        &self,
        binding: &Binding,
        user: &User,
        resource: &Resource,
        settings: &Settings,
    ) -> Result<Manager, Error> {
        if settings.rules_off.iter().any(|name| name == "manager") {
            return Ok(Manager::Kept);
        }
        let Some(id) = manager_of(resource).filter(|id| *id != user.id) else {
            return Ok(Manager::Nobody);
        };
        let manager = users::get(&self.store, user.organization, id).await?.and_then(|(_, binding)| binding);
        let here = manager.filter(|manager| manager.connection == binding.connection);
        let account = here.and_then(|manager| manager.account_id?.parse().ok());
        Ok(account.map_or(Manager::Nobody, Manager::Account))
    }
}

/// The SCIM id of the manager, if what stands there can be one.
fn manager_of(resource: &Resource) -> Option<UserId> {
    let manager = resource.extension(ENTERPRISE_USER.id)?.get("manager")?;
    manager.get("value")?.as_str().and_then(|id| Uuid::try_parse(id).ok()).map(UserId)
}

fn not_ready(sentence: String) -> Later {
    Later { after: Some(UNTIL_REPAIRED), ..Later::soon(sentence) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_manager_is_an_id_of_ours() {
        let with = |value: Value| Resource::from(json!({ (ENTERPRISE_USER.id): { "manager": value } }));
        let id = Uuid::from_u128(7);
        assert_eq!(manager_of(&with(json!({ "value": id }))), Some(UserId(id)));
        assert_eq!(manager_of(&with(json!({ "value": "boss@contoso.example" }))), None);
        assert_eq!(manager_of(&with(json!({ "displayName": "Boss" }))), None);
        assert_eq!(manager_of(&Resource::default()), None);
    }
}
