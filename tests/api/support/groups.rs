//! Groups: short bodies, and what the simulated tenant has of them.

use std::collections::BTreeSet;

use gangway::simulator::SimulatedGroup;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::bodies::{GANGWAY_GROUP, group, members, patch, user};
use super::{Gangway, eventually};

/// The PATCH that adds these members.
pub(crate) fn add_members(ids: &[&str]) -> Value {
    members("add", ids)
}

/// The PATCH that removes this member.
pub(crate) fn remove_member(id: &str) -> Value {
    patch([json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})])
}

impl Gangway {
    /// So many users with accounts, "p0.berg" and so on; their ids in that order.
    pub(crate) async fn people(&self, count: usize) -> Vec<String> {
        let scim = self.scim();
        let mut pushes = JoinSet::new();
        for n in 0..count {
            let scim = scim.clone();
            pushes.spawn(async move {
                let created = scim.post("/Users", &user(&format!("p{n}.berg"))).await.expect(201);
                assert_eq!(created.sync_status(), "synced");
                (n, created.id())
            });
        }
        let mut made = pushes.join_all().await;
        made.sort();
        made.into_iter().map(|(_, id)| id).collect()
    }

    /// A group of this name with these members, in Microsoft 365 as well. Its path.
    pub(crate) async fn a_group(&self, name: &str, members: &[&str]) -> String {
        let created = self.scim().post("/Groups", &group(name, members)).await.expect(201);
        assert_eq!(self.group_settled(&created.path()).await, "synced", "{}", created.text);
        created.path()
    }

    /// The one group of this name in the simulated tenant.
    #[track_caller]
    pub(crate) fn graph_group(&self, name: &str) -> SimulatedGroup {
        let mut named = self.simulator().groups();
        named.retain(|group| group.display_name == name);
        assert_eq!(named.len(), 1, "groups of the name {name:?}: {named:?}");
        named.remove(0)
    }

    /// The ids of a SCIM group's members.
    pub(crate) async fn members(&self, path: &str) -> BTreeSet<String> {
        let group = self.scim().get(path).await.expect(200);
        let members = group.body["members"].as_array().cloned().unwrap_or_default();
        let ids: BTreeSet<String> =
            members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), members.len(), "a member is listed twice: {}", group.text);
        ids
    }

    /// The object ids in Graph of these SCIM users.
    pub(crate) async fn objects(&self, users: impl IntoIterator<Item = impl AsRef<str>>) -> BTreeSet<Uuid> {
        let mut ids = BTreeSet::new();
        for user in users {
            let asked = format!("/Users/{}?attributes={}:accountId", user.as_ref(), super::GANGWAY);
            let user = self.scim().get(&asked).await.expect(200);
            let id = user.body[super::GANGWAY]["accountId"].as_str().expect("the user has an account");
            ids.insert(id.parse().unwrap());
        }
        ids
    }

    /// Checks that the SCIM group at `path` has these members, and its group in Graph their accounts.
    pub(crate) async fn has_members(&self, path: &str, users: &[&str]) {
        let wanted: BTreeSet<String> = users.iter().map(|&user| user.to_owned()).collect();
        assert_eq!(self.members(path).await, wanted, "in SCIM");
        let name = self.scim().get(path).await.expect(200).body["displayName"].clone();
        let accounts = self.objects(users).await;
        let there = self.graph_group(name.as_str().unwrap()).members;
        assert_eq!(there.into_iter().collect::<BTreeSet<_>>(), accounts, "in Graph");
    }

    /// Waits until the group is not pending any more; its `syncStatus` then.
    pub(crate) async fn group_settled(&self, path: &str) -> String {
        let asked = format!("{path}?attributes={GANGWAY_GROUP}:syncStatus");
        eventually("the group settles", async || {
            let answer = self.scim().get(&asked).await.expect(200);
            let status = answer.body[GANGWAY_GROUP]["syncStatus"].as_str().unwrap_or_default().to_owned();
            (status != "pending").then_some(status)
        })
        .await
    }
}
