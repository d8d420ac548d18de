//! The calls on groups, their members and managers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::group::Group;
use super::request::{Query, Request};
use super::users::literal;
use super::{AccountId, Call, Error, Graph, GroupId, GroupPatch, NewGroup, ObjectId, Operation, Reply};

impl Graph {
    /// Creates a security group: `POST /groups` ("Create group"), with its first members. All of it is done or nothing.
    ///
    /// Names are not unique, so a second create makes a second group: after
    /// [`Disposition::Ambiguous`](super::Disposition::Ambiguous) look with [`Graph::group_by_nickname`] before creating
    /// again.
    pub async fn create_group(&self, call: &Call, group: &NewGroup) -> Result<Reply<Group>, Error> {
        let body = group.body(|member| self.member(member));
        let request = Request::post(Operation::CreateGroup, "groups".to_owned()).json(body);
        self.0.execute(call, request).await?.json()
    }

    /// The groups whose `displayName` is `display_name` in whatever case, of every kind:
    /// `GET /groups?$filter=displayName eq '…'`. There can be several, since Microsoft 365 does not keep it unique.
    pub async fn groups_named(&self, call: &Call, display_name: &str) -> Result<Reply<Vec<Group>>, Error> {
        self.groups_where(call, "displayName", display_name).await
    }

    /// The first group whose `mailNickname` is `mail_nickname`: `GET /groups?$filter=mailNickname eq '…'`. A nickname
    /// that Gangway has made up is of one group only.
    pub async fn group_by_nickname(
        &self,
        call: &Call,
        mail_nickname: &str,
    ) -> Result<Reply<Option<Group>>, Error> {
        let groups = self.groups_where(call, "mailNickname", mail_nickname).await?;
        Ok(groups.map(|groups| groups.into_iter().next()))
    }

    async fn groups_where(
        &self,
        call: &Call,
        property: &str,
        value: &str,
    ) -> Result<Reply<Vec<Group>>, Error> {
        let query = Query::new()
            .and("$filter", &format!("{property} eq {}", literal(value)))
            .and("$select", Group::SELECT);
        self.0.list(call, Request::get(Operation::FindGroup, query.after("groups"))).await
    }

    /// The group with this id: `GET /groups/{id}`. None is [`Error::NotFound`], which right after a create can be a
    /// replica that lags.
    pub async fn group(&self, call: &Call, id: &GroupId) -> Result<Reply<Group>, Error> {
        let query = Query::new().and("$select", Group::SELECT);
        let request = Request::get(Operation::ReadGroup, query.after(&format!("groups/{id}")));
        self.0.execute(call, request).await?.json()
    }

    /// Who is in the group, over all pages: `GET /groups/{id}/members` ("List group members"), ids alone. Members that are
    /// in it by a nested group are not among them.
    pub async fn members(&self, call: &Call, id: &GroupId) -> Result<Reply<Vec<ObjectId>>, Error> {
        #[derive(Deserialize)]
        struct Member {
            id: ObjectId,
        }
        let query = Query::new().and("$select", "id").and("$top", "999");
        let request = Request::get(Operation::ReadGroup, query.after(&format!("groups/{id}/members")));
        let members = self.0.list::<Member>(call, request).await?;
        Ok(members.map(|members| members.into_iter().map(|member| member.id).collect()))
    }

    /// Writes the given properties and no others: `PATCH /groups/{id}` ("Update group"). An empty patch is not sent at
    /// all: the reply is then ours, with 204 and no `request-id`.
    pub async fn update_group(
        &self,
        call: &Call,
        id: &GroupId,
        patch: &GroupPatch,
    ) -> Result<Reply<()>, Error> {
        if patch.is_empty() {
            return Ok(call.not_sent());
        }
        let request = Request::patch(Operation::UpdateGroup, format!("groups/{id}")).json(patch.body());
        self.0.execute(call, request).await?.nothing()
    }

    /// Adds members, at most [`MOST_MEMBERS`](super::MOST_MEMBERS), more are refused by Graph:
    /// `PATCH /groups/{id}` with `members@odata.bind`. All or nothing: when one of them is a member already nothing is
    /// done ([`Error::is_already_there`]), so add them one by one then ([`Graph::add_member`]). A member that is named
    /// twice is sent once; without members nothing is sent.
    pub async fn add_members(
        &self,
        call: &Call,
        id: &GroupId,
        members: &[ObjectId],
    ) -> Result<Reply<()>, Error> {
        if members.is_empty() {
            return Ok(call.not_sent());
        }
        let each: std::collections::BTreeSet<ObjectId> = members.iter().copied().collect();
        let bound: Vec<Value> = each.into_iter().map(|member| json!(self.member(member))).collect();
        let body = json!({ "members@odata.bind": bound });
        let request = Request::patch(Operation::AddMembers, format!("groups/{id}")).json(body);
        self.0.execute(call, request).await?.nothing()
    }

    /// Adds one member: `POST /groups/{id}/members/$ref` ("Add members"). One that is there already is
    /// [`Error::is_already_there`]; which of the two Graph does not know is [`Error::missing`].
    pub async fn add_member(
        &self,
        call: &Call,
        id: &GroupId,
        member: impl Into<ObjectId>,
    ) -> Result<Reply<()>, Error> {
        let body = json!({ "@odata.id": self.member(member.into()) });
        let request = Request::post(Operation::AddMember, format!("groups/{id}/members/$ref")).json(body);
        self.0.execute(call, request).await?.nothing()
    }

    /// Removes one member: `DELETE /groups/{id}/members/{id}/$ref` ("Remove member"). One that is none is
    /// [`Error::is_not_a_member`].
    ///
    /// Without `/$ref` the same request deletes the account itself. There is no other call on a member's address.
    pub async fn remove_member(
        &self,
        call: &Call,
        id: &GroupId,
        member: impl Into<ObjectId>,
    ) -> Result<Reply<()>, Error> {
        let target = format!("groups/{id}/members/{}/$ref", member.into());
        let request = Request::delete(Operation::RemoveMember, target);
        self.0.execute(call, request).await?.nothing()
    }

    /// Deletes the group: `DELETE /groups/{id}`. A security group is gone for good.
    pub async fn delete_group(&self, call: &Call, id: &GroupId) -> Result<Reply<()>, Error> {
        let request = Request::delete(Operation::DeleteGroup, format!("groups/{id}"));
        self.0.execute(call, request).await?.nothing()
    }

    /// Makes `manager` the manager of `account`, in the place of another: `PUT /users/{id}/manager/$ref` ("Assign
    /// manager"). Which of the two Graph does not know is [`Error::missing`].
    pub async fn set_manager(
        &self,
        call: &Call,
        account: &AccountId,
        manager: &AccountId,
    ) -> Result<Reply<()>, Error> {
        let body = json!({ "@odata.id": self.0.address(&format!("users/{manager}")) });
        let request = Request::put(Operation::SetManager, format!("users/{account}/manager/$ref")).json(body);
        self.0.execute(call, request).await?.nothing()
    }

    /// Leaves the account without a manager: `DELETE /users/{id}/manager/$ref` ("Remove manager"). One that has none is
    /// [`Error::NotFound`].
    pub async fn remove_manager(&self, call: &Call, account: &AccountId) -> Result<Reply<()>, Error> {
        let request = Request::delete(Operation::RemoveManager, format!("users/{account}/manager/$ref"));
        self.0.execute(call, request).await?.nothing()
    }

    fn member(&self, member: ObjectId) -> String {
        self.0.address(&format!("directoryObjects/{member}"))
    }
}
