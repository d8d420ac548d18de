//! A user's part in the wait for Microsoft.

use std::sync::Arc;

use serde_json::Value;

use super::UserView;
use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::error::Error;
use crate::directory::handover::{Handover, Registry, Watch};
use crate::directory::rollback::Rollback;
use crate::directory::settle::{Bound, Pushed, Subject, Wait, Written};
use crate::ids::{ConnectionId, OrganizationId, UserId};
use crate::insights::{EventType, ResourceKind};
use crate::store::bindings::{self, Binding};
use crate::store::users::{self, User};
use crate::store::{self, Store, Tx};

impl Subject for User {
    type Id = UserId;
    type Binding = Binding;
    type View = UserView;

    fn registry(handover: &Handover) -> &Registry<UserId, Binding> {
        &handover.users
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn is_deleted(&self) -> bool {
        self.deleted_at.is_some()
    }

    fn rollback(&self) -> Option<&Value> {
        self.rollback.as_ref()
    }

    fn way_back(&self, binding: &Binding) -> Option<Value> {
        Rollback::to(self, binding.sealed_password.as_ref()).stored()
    }

    fn goes_back_behind(&self, version: i64) -> bool {
        Rollback::is_older(self, version)
    }

    fn view(self, binding: Option<Binding>) -> UserView {
        UserView::new(self, binding)
    }

    async fn get(
        store: &Store,
        organization: OrganizationId,
        id: UserId,
    ) -> Result<Option<(Self, Option<Binding>)>, store::Error> {
        users::get(store, organization, id).await
    }

    async fn lock(tx: &Tx, binding: &Binding) -> Result<Option<(Binding, Self)>, store::Error> {
        bindings::lock(tx, binding.id).await
    }

    async fn set_rollback(&self, tx: &Tx, rollback: Option<Value>) -> Result<(), store::Error> {
        users::set_rollback(tx, self.organization, self.id, rollback).await
    }
}

impl Bound for Binding {
    fn connection(&self) -> ConnectionId {
        self.connection
    }

    fn wanted_version(&self) -> i64 {
        self.wanted_version
    }

    fn given_version(&self) -> i64 {
        self.given_version
    }
}

impl Directory {
    /// Waits for a user's change. `name` is that of a user who is not there yet.
    pub(super) async fn settle_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        name: Option<String>,
        written: Result<Written<User>, Error>,
        watch: Watch<UserId, Binding>,
        wait: Wait,
    ) -> Result<Pushed<UserView>, Error> {
        match written {
            Ok(written) => self.settle(who, id, written, watch, wait).await,
            Err(error) => {
                self.report_refused_password(who, id, name, &error).await;
                Err(error)
            }
        }
    }

    /// A password that was refused leaves a failure event, though nothing was changed.
    async fn report_refused_password(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        name: Option<String>,
        error: &Error,
    ) {
        let Error::Password(violation) = error else {
            return;
        };
        let (this, caller, sentence) = (Arc::clone(self), who.clone(), violation.to_string());
        let report = async move |tx: &Tx| {
            let found = users::get(tx, caller.organization, id).await?;
            let name = name.or_else(|| found.map(|(user, _)| user.user_name));
            let event_type = EventType::UserPasswordUpdateProvision;
            let subject = ResourceKind::User.named(id, name.as_deref());
            this.append_failure(tx, &caller, event_type, subject, &sentence).await
        };
        let reported = self.store.write(move |tx| Box::pin(async move { report(tx).await })).await;
        if let Err(error) = reported {
            tracing::warn!(user = %id, %error, "a refused password could not be recorded as an event");
        }
    }
}
