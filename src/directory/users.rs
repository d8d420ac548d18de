//! Users as upstream wants them: create, replace, patch, delete, read.

mod bind;
mod change;
mod gone;
mod mark;
mod settle;
mod untouched;
mod view;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use change::TRIED;
pub(super) use change::set_resource;
pub use gone::remove_user;
pub use view::UserView;

use super::Directory;
use super::caller::Caller;
use super::error::Error;
use super::settle::{Precondition, Pushed, Wait};
use crate::ids::{OrganizationId, UserId};
use crate::scim::patch::PatchRequest;
use crate::scim::resource::Input;
use crate::store::list::{Listing, Page};
use crate::store::memberships;
use crate::store::users::{self, User, UserRow};

impl Directory {
    /// Takes a new user (RFC 7644 §3.3).
    pub async fn create_user(
        self: &Arc<Self>,
        who: &Caller,
        input: Input,
        wait: Wait,
    ) -> Result<Pushed<UserView>, Error> {
        let id = UserId(self.clock.uuid());
        let name = input.resource.user_name().map(str::to_owned);
        let watch = self.handover.users.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| Box::pin(async move { this.write_new(tx, &caller, id, input, wait).await }))
            .await;
        self.settle_user(who, id, name, written, watch, wait).await
    }

    /// Replaces a user (RFC 7644 §3.5.1). An omitted `active` stays as it is.
    pub async fn replace_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        input: Input,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed<UserView>, Error> {
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
    ) -> Result<Pushed<UserView>, Error> {
        self.change_user(who, id, change::Change::Patch(request), precondition, wait).await
    }

    async fn change_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        change: change::Change,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed<UserView>, Error> {
        let (_turn, wait) = self.take_turn::<User>(id, wait).await;
        let watch = self.handover.users.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move { this.write_change(tx, &caller, id, change, &precondition, wait).await })
            })
            .await;
        let mut pushed = self.settle_user(who, id, None, written, watch, wait).await?;
        match memberships::groups_of(&self.store, who.organization, &[id.0]).await {
            Ok(groups) => pushed.view_mut().groups = groups,
            // The change is made; its answer is no reason to say that it is not.
            Err(error) => {
                tracing::warn!(user = %id, %error, "the groups of a changed user could not be read");
            }
        }
        Ok(pushed)
    }

    /// Deletes a user (RFC 7644 §3.6): it is gone at once; its account follows `on_delete`.
    pub async fn delete_user(
        self: &Arc<Self>,
        who: &Caller,
        id: UserId,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<(), Error> {
        let (_turn, wait) = self.take_turn::<User>(id, wait).await;
        let watch = self.handover.users.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move { this.write_gone(tx, &caller, id, &precondition, wait).await })
            })
            .await;
        self.settle_user(who, id, None, written, watch, wait).await.map(|_| ())
    }

    /// One user, with its groups where they are wanted.
    pub async fn user(
        &self,
        organization: OrganizationId,
        id: UserId,
        with_groups: bool,
    ) -> Result<UserView, Error> {
        let found = users::get(&self.store, organization, id).await?;
        let (user, binding) = found.ok_or_else(|| Error::NoSuchUser(id.to_string()))?;
        let view = UserView::new(user, binding);
        if !with_groups {
            return Ok(view);
        }
        let groups = memberships::groups_of(&self.store, organization, &[id.0]).await?;
        Ok(view.in_groups(groups))
    }

    /// The users that are asked for. `render` shows one whole, where the database can only narrow a filter down or
    /// cannot sort.
    pub async fn users(
        &self,
        organization: OrganizationId,
        listing: &Listing<'_>,
        with_groups: bool,
        render: impl Fn(&UserView) -> Map<String, Value> + Send + Sync,
    ) -> Result<Page<UserView>, Error> {
        let page = users::page(&self.store, organization, listing, with_groups, |user, binding, groups| {
            render(&UserView::new(user.clone(), binding.cloned()).in_groups(groups.to_vec()))
        })
        .await?;
        let view = |row: UserRow| UserView::new(row.user, row.binding).in_groups(row.groups);
        Ok(Page { total: page.total, items: page.items.into_iter().map(view).collect(), next: page.next })
    }
}

/// The resource as JSON, for the column that holds it.
fn stored(resource: crate::scim::Resource) -> Value {
    resource.into()
}
