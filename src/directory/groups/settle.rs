//! A group's part in the wait for Microsoft.

use serde_json::Value;

use super::GroupView;
use super::rollback::Rollback;
use crate::directory::handover::{Handover, Registry};
use crate::directory::settle::{Bound, Subject};
use crate::ids::{ConnectionId, GroupId, OrganizationId};
use crate::store::group_bindings::{self, GroupBinding};
use crate::store::groups::{self, Group};
use crate::store::{self, Store, Tx};

impl Subject for Group {
    type Id = GroupId;
    type Binding = GroupBinding;
    type View = GroupView;

    fn registry(handover: &Handover) -> &Registry<GroupId, GroupBinding> {
        &handover.groups
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

    /// Who was a member then is not known any more, so a later change that waits stays when it is refused.
    fn way_back(&self, _binding: &GroupBinding) -> Option<Value> {
        None
    }

    fn goes_back_behind(&self, version: i64) -> bool {
        Rollback::is_older(self, version)
    }

    fn view(self, binding: Option<GroupBinding>) -> GroupView {
        GroupView::new(self, binding)
    }

    async fn get(
        store: &Store,
        organization: OrganizationId,
        id: GroupId,
    ) -> Result<Option<(Self, Option<GroupBinding>)>, store::Error> {
        groups::get(store, organization, id).await
    }

    async fn lock(tx: &Tx, binding: &GroupBinding) -> Result<Option<(GroupBinding, Self)>, store::Error> {
        group_bindings::lock(tx, binding.id).await
    }

    async fn set_rollback(&self, tx: &Tx, rollback: Option<Value>) -> Result<(), store::Error> {
        groups::set_rollback(tx, self.organization, self.id, rollback).await
    }
}

impl Bound for GroupBinding {
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
