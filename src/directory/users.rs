//! Users as upstream wants them: create, replace, patch, delete, read.

mod change;
mod mark;
mod settle;
mod view;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use change::TRIED;
pub(super) use change::set_resource;
pub use settle::{Pushed, Wait};
pub use view::{SyncStatus, UserView};

use super::Directory;
use super::caller::Caller;
use super::error::Error;
use super::handover::Turn;
use crate::ids::{OrganizationId, UserId};
use crate::scim::filter::Predicate;
use crate::scim::patch::PatchRequest;
use crate::scim::resource::Input;
use crate::store::bindings::Binding;
use crate::store::users::{self, User};

/// How long a push that does not want to wait for Microsoft waits for the one before it to be answered.
const LONGEST_TURN: Duration = Duration::from_secs(5);

/// The versions that `If-Match` asks for (RFC 7644 §3.14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// No header.
    #[default]
    None,
    /// `*`, or one of these versions; an entity tag that is none of ours matches nothing.
    OneOf(Vec<i64>),
}

/// A page of users.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// How many users match in all.
    pub total: u64,
    /// Those of this page.
    pub users: Vec<UserView>,
}

impl Precondition {
    fn check(&self, current: i64) -> Result<(), Error> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current) => Err(Error::Stale { current }),
            _ => Ok(()),
        }
    }
}

impl Directory {
    /// Takes a new user (RFC 7644 §3.3).
    pub async fn create_user(
        self: &Arc<Self>,
        who: &Caller,
        input: Input,
        wait: Wait,
    ) -> Result<Pushed, Error> {
        let id = UserId(self.clock.uuid());
        let name = input.resource.user_name().map(str::to_owned);
        let watch = self.handover.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| Box::pin(async move { this.write_new(tx, &caller, id, input, wait).await }))
            .await;
        self.settle(who, id, name, written, watch, wait).await
    }

    /// Replaces a user (RFC 7644 §3.5.1). An omitted `active` stays as it is.
    pub async fn replace_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        input: Input,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed, Error> {
        self.change_user(who, id, change::Change::Replace(input), precondition, wait).await
    }

    /// Patches a user (RFC 7644 §3.5.2): every operation or none.
    pub async fn patch_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        request: PatchRequest,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed, Error> {
        self.change_user(who, id, change::Change::Patch(request), precondition, wait).await
    }

    async fn change_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        change: change::Change,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed, Error> {
        let (_turn, wait) = self.take_turn(id, wait).await;
        let watch = self.handover.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move { this.write_change(tx, &caller, id, change, &precondition, wait).await })
            })
            .await;
        self.settle(who, id, None, written, watch, wait).await
    }

    /// Deletes a user (RFC 7644 §3.6): it is gone at once; its account follows `on_delete`.
    pub async fn delete_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<(), Error> {
        let (_turn, wait) = self.take_turn(id, wait).await;
        let watch = self.handover.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move { this.write_gone(tx, &caller, id, &precondition, wait).await })
            })
            .await;
        self.settle(who, id, None, written, watch, wait).await.map(|_| ())
    }

    /// Waits for the change before this one to be answered. What the wait takes is no longer there for Microsoft.
    async fn take_turn(&self, id: UserId, wait: Wait) -> (Turn, Wait) {
        let began = Instant::now();
        let longest = match wait {
            Wait::AtMost(longest) => longest / 2,
            Wait::Not => LONGEST_TURN,
        };
        let turn = self.handover.turn(id, longest).await;
        let left = match wait {
            Wait::AtMost(longest) => Wait::AtMost(longest.saturating_sub(began.elapsed())),
            Wait::Not => Wait::Not,
        };
        (turn, left)
    }

    /// One user.
    pub async fn user(&self, organization: OrganizationId, id: UserId) -> Result<UserView, Error> {
        let found = users::get(&self.store, organization, id).await?;
        let (user, binding) = found.ok_or_else(|| Error::NoSuchUser(id.to_string()))?;
        Ok(UserView::new(user, binding))
    }

    /// The users that match, in a stable order, from the 1-based `start_index`. `exactly` decides where the
    /// database can only narrow the search down.
    pub async fn users(
        &self,
        organization: OrganizationId,
        filter: Option<&Predicate>,
        exactly: impl Fn(&UserView) -> bool + Send + Sync,
        start_index: u64,
        count: u64,
    ) -> Result<UserPage, Error> {
        let accept =
            |user: &User, binding: Option<&Binding>| exactly(&UserView::new(user.clone(), binding.cloned()));
        let page = users::page(&self.store, organization, filter, accept, start_index, count).await?;
        let users = page.items.into_iter().map(|(user, binding)| UserView::new(user, binding)).collect();
        Ok(UserPage { total: page.total, users })
    }
}

/// The resource as JSON, for the column that holds it.
fn stored(resource: crate::scim::Resource) -> Value {
    resource.into()
}
