//! Groups as upstream wants them: create, replace, patch, delete, read, and who is in them.
//!
//! Who is a member is a row each, never a list that is read and written back: a change touches the rows that it names.

mod bind;
mod change;
mod members;
mod nickname;
mod rollback;
mod settle;
mod view;

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

pub use change::leave_groups;
pub use nickname::{TRIED, given_nickname};
pub use rollback::{goes_back_behind, undo};
pub use view::GroupView;

use super::Directory;
use super::caller::Caller;
use super::error::Error;
use super::settle::{Precondition, Pushed, Wait};
use crate::ids::{GroupId, OrganizationId};
use crate::scim::members::{GroupInput, GroupPatch};
use crate::store::groups::{self, Group};
use crate::store::list::{Listing, Page};
use crate::store::memberships::{self, Member};

impl Directory {
    /// Takes a new group (RFC 7644 §3.3).
    pub async fn create_group(
        self: &Arc<Self>,
        who: &Caller,
        input: GroupInput,
        wait: Wait,
    ) -> Result<Pushed<GroupView>, Error> {
        let id = GroupId(self.clock.uuid());
        let watch = self.handover.groups.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move { this.write_new_group(tx, &caller, id, input, wait).await })
            })
            .await?;
        self.settle(who, id, written, watch, wait).await
    }

    /// Replaces a group (RFC 7644 §3.5.1): also its members, of whom there are none when the body has none.
    pub async fn replace_group(
        self: &Arc<Self>,
        who: &Caller,
        id: GroupId,
        input: GroupInput,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed<GroupView>, Error> {
        self.change_group(who, id, change::Change::Replace(input), precondition, wait).await
    }

    /// Patches a group (RFC 7644 §3.5.2): every operation or none.
    pub async fn patch_group(
        self: &Arc<Self>,
        who: &Caller,
        id: GroupId,
        patch: GroupPatch,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed<GroupView>, Error> {
        self.change_group(who, id, change::Change::Patch(patch), precondition, wait).await
    }

    async fn change_group(
        self: &Arc<Self>,
        who: &Caller,
        id: GroupId,
        change: change::Change,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<Pushed<GroupView>, Error> {
        let (_turn, wait) = self.take_turn::<Group>(id, wait).await;
        let watch = self.handover.groups.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move {
                    this.write_group_change(tx, &caller, id, change, &precondition, wait).await
                })
            })
            .await?;
        self.settle(who, id, written, watch, wait).await
    }

    /// Deletes a group (RFC 7644 §3.6), here and in Microsoft 365. One that Gangway did not make stays there, without
    /// the members that Gangway gave it.
    pub async fn delete_group(
        self: &Arc<Self>,
        who: &Caller,
        id: GroupId,
        precondition: Precondition,
        wait: Wait,
    ) -> Result<(), Error> {
        let (_turn, wait) = self.take_turn::<Group>(id, wait).await;
        let watch = self.handover.groups.watch(id);
        let (this, caller) = (Arc::clone(self), who.clone());
        let written = self
            .store
            .write(move |tx| {
                Box::pin(async move { this.write_group_gone(tx, &caller, id, &precondition, wait).await })
            })
            .await?;
        self.settle(who, id, written, watch, wait).await.map(|_| ())
    }

    /// One group, without its members.
    pub async fn group(&self, organization: OrganizationId, id: GroupId) -> Result<GroupView, Error> {
        let found = groups::get(&self.store, organization, id).await?;
        let (group, binding) = found.ok_or_else(|| Error::NoSuchGroup(id.to_string()))?;
        Ok(GroupView::new(group, binding))
    }

    /// The groups that are asked for. `render` shows one whole, but for its members, where the database can only
    /// narrow a filter down or cannot sort.
    pub async fn groups(
        &self,
        organization: OrganizationId,
        listing: &Listing<'_>,
        render: impl Fn(&GroupView) -> Map<String, Value> + Send + Sync,
    ) -> Result<Page<GroupView>, Error> {
        let page = groups::page(&self.store, organization, listing, |group, binding| {
            render(&GroupView::new(group.clone(), binding.cloned()))
        })
        .await?;
        let items = page.items.into_iter().map(|(group, binding)| GroupView::new(group, binding)).collect();
        Ok(Page { total: page.total, items, next: page.next })
    }

    /// The members of a group in the order of their ids, those behind `after`, at most `limit`.
    pub async fn members(
        &self,
        organization: OrganizationId,
        group: GroupId,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<Member>, Error> {
        Ok(memberships::page(&self.store, organization, group, after, limit).await?)
    }
}
