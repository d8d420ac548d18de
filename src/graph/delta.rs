//! What has changed in the directory since the last look.
//!
//! "Use delta query to track changes": a round is read page by page; its last page has a link that begins the next round.
//! The same change may be told several times and in any order.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::group::GroupProperty;
use super::request::{Query, Request};
use super::{AccountId, Call, Error, Graph, GroupId, ObjectId, Oddity, Operation, Property, Reply, User};

/// What is tracked of an account beside its writable properties.
const READ_ONLY: [&str; 2] = ["lastPasswordChangeDateTime", "onPremisesSyncEnabled"];

/// Where a first round begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeltaStart {
    /// With every object that there is.
    Everything,
    /// With what changes from now on: one empty page.
    Now,
}

/// A link to the next page or the next round, as Graph gave it. It is opaque, and good for seven days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeltaLink(String);

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta<T> {
    /// The changed objects; there may be none.
    pub items: Vec<T>,
    /// What to read after it.
    pub next: DeltaNext,
}

/// What to read after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeltaNext {
    /// The round goes on here, at once.
    Page(DeltaLink),
    /// The round is over; the next one begins here.
    Done(DeltaLink),
}

/// How an object went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// For good.
    Deleted,
    /// It can be restored for 30 days.
    SoftDeleted,
}

/// A changed account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedUser {
    /// The account's id.
    pub id: AccountId,
    /// Whether and how it was deleted; else it is there, perhaps restored or new.
    pub removed: Option<Removed>,
    /// The properties that Graph sent: those that changed at least.
    pub user: User,
}

/// A changed group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedGroup {
    /// The group's id.
    pub id: GroupId,
    /// Whether and how it was deleted.
    pub removed: Option<Removed>,
    /// The properties that Graph sent: those that changed at least.
    pub properties: BTreeMap<GroupProperty, Value>,
    /// Members that came (true) and went (false), in Graph's order. A large group's are told over several pages.
    pub members: Vec<(ObjectId, bool)>,
}

impl Removed {
    /// By the `@removed` of an object, if it has one.
    fn of(object: &Map<String, Value>) -> Option<Self> {
        let removed = object.get("@removed")?;
        match removed.get("reason").and_then(Value::as_str) {
            Some("deleted") => Some(Self::Deleted),
            // What is said to be restorable may turn out not to be; the reverse would lose an account.
            _ => Some(Self::SoftDeleted),
        }
    }
}

impl<'de> Deserialize<'de> for ChangedUser {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::deserialize(deserializer)?;
        let removed = Removed::of(&object);
        let user = User::deserialize(Value::Object(object)).map_err(D::Error::custom)?;
        Ok(Self { id: user.id, removed, user })
    }
}

impl<'de> Deserialize<'de> for ChangedGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Map::deserialize(deserializer)?;
        let id = object.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
        Ok(Self {
            id: id.ok_or_else(|| D::Error::custom("a group without a GUID as its id"))?,
            removed: Removed::of(&object),
            members: members(object.get("members@delta")),
            properties: GroupProperty::ALL
                .into_iter()
                .filter_map(|property| Some((property, object.remove(property.name())?)))
                .collect(),
        })
    }
}

fn members(list: Option<&Value>) -> Vec<(ObjectId, bool)> {
    let list = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let member = |object: &Value| {
        let id = object.get("id")?.as_str()?.parse().ok()?;
        Some((id, object.get("@removed").is_none()))
    };
    list.iter().filter_map(member).collect()
}

/// A page as Graph sends it.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    value: Vec<T>,
    #[serde(default, rename = "@odata.nextLink")]
    next: Option<String>,
    #[serde(default, rename = "@odata.deltaLink")]
    delta: Option<String>,
}

impl Graph {
    /// The first page of a first round over the accounts: `GET /users/delta`. What Gangway writes is tracked, and when the
    /// password was changed last.
    pub async fn users_delta_start(
        &self,
        call: &Call,
        start: DeltaStart,
    ) -> Result<Reply<Delta<ChangedUser>>, Error> {
        let names: Vec<&str> = READ_ONLY.into_iter().chain(Property::ALL.map(Property::name)).collect();
        self.begin(call, Operation::UsersDelta, "users", &names.join(","), start).await
    }

    /// The page of accounts behind `link`. A link that is too old is [`Error::DeltaExpired`]: begin with
    /// [`DeltaStart::Everything`] then.
    pub async fn users_delta(
        &self,
        call: &Call,
        link: &DeltaLink,
    ) -> Result<Reply<Delta<ChangedUser>>, Error> {
        self.follow(call, Operation::UsersDelta, "users", link).await
    }

    /// The first page of a first round over the groups: `GET /groups/delta`, their names and their members.
    pub async fn groups_delta_start(
        &self,
        call: &Call,
        start: DeltaStart,
    ) -> Result<Reply<Delta<ChangedGroup>>, Error> {
        let names: Vec<&str> =
            GroupProperty::ALL.map(GroupProperty::name).into_iter().chain(["members"]).collect();
        self.begin(call, Operation::GroupsDelta, "groups", &names.join(","), start).await
    }

    /// The page of groups behind `link`. A link that is too old is [`Error::DeltaExpired`]: begin with
    /// [`DeltaStart::Everything`] then.
    pub async fn groups_delta(
        &self,
        call: &Call,
        link: &DeltaLink,
    ) -> Result<Reply<Delta<ChangedGroup>>, Error> {
        self.follow(call, Operation::GroupsDelta, "groups", link).await
    }

    async fn begin<T: DeserializeOwned>(
        &self,
        call: &Call,
        operation: Operation,
        kind: &str,
        select: &str,
        start: DeltaStart,
    ) -> Result<Reply<Delta<T>>, Error> {
        let query = Query::new().and("$select", select);
        let query = match start {
            DeltaStart::Everything => query,
            DeltaStart::Now => query.and("$deltatoken", "latest"),
        };
        self.page(call, Request::get(operation, query.after(&format!("{kind}/delta"))), kind).await
    }

    async fn follow<T: DeserializeOwned>(
        &self,
        call: &Call,
        operation: Operation,
        kind: &str,
        link: &DeltaLink,
    ) -> Result<Reply<Delta<T>>, Error> {
        // A link that was kept while the connection moved to another cloud.
        let Some(target) = self.target(kind, &link.0) else {
            let failure = Box::new(call.nothing_from(operation));
            return Err(Error::DeltaExpired(failure));
        };
        self.page(call, Request::get(operation, target), kind).await
    }

    async fn page<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: Request,
        kind: &str,
    ) -> Result<Reply<Delta<T>>, Error> {
        let (page, answer) = self.0.execute(call, request).await?.read::<Page<T>>()?;
        let (link, next): (_, fn(DeltaLink) -> DeltaNext) = match (page.next, page.delta) {
            (Some(link), _) => (link, DeltaNext::Page),
            (None, Some(link)) => (link, DeltaNext::Done),
            (None, None) => return Err(answer.odd(Oddity::Shape)),
        };
        if self.target(kind, &link).is_none() {
            return Err(answer.odd(Oddity::ForeignLink));
        }
        Ok(answer.reply(Delta { items: page.value, next: next(DeltaLink(link)) }))
    }

    /// Where on Graph's host a link of this kind leads; None elsewhere, since the token goes along.
    fn target(&self, kind: &str, link: &str) -> Option<String> {
        self.0.target_of(link).filter(|target| target.starts_with(&format!("{kind}/")))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const ID: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";
    const OTHER: &str = "0f1c6a2e-4f50-4b8e-9a39-0a6d7c1e2b11";

    #[rstest]
    #[case(json!({}), None)]
    #[case(json!({"@removed": {"reason": "changed"}}), Some(Removed::SoftDeleted))]
    #[case(json!({"@removed": {"reason": "deleted"}}), Some(Removed::Deleted))]
    #[case(json!({"@removed": {}}), Some(Removed::SoftDeleted))]
    fn a_removal_says_whether_it_is_for_good(#[case] mut object: Value, #[case] removed: Option<Removed>) {
        object["id"] = json!(ID);
        assert_eq!(serde_json::from_value::<ChangedUser>(object.clone()).unwrap().removed, removed);
        assert_eq!(serde_json::from_value::<ChangedGroup>(object).unwrap().removed, removed);
    }

    #[test]
    fn a_changed_account_has_what_was_sent() {
        let changed: ChangedUser = serde_json::from_value(json!({
            "id": ID, "city": null, "jobTitle": "Countess",
            "lastPasswordChangeDateTime": "2026-01-02T03:04:05Z", "onPremisesSyncEnabled": null,
        }))
        .unwrap();
        assert_eq!(changed.id.to_string(), ID);
        let properties = [(Property::City, json!(null)), (Property::JobTitle, json!("Countess"))];
        assert_eq!(changed.user.properties, BTreeMap::from(properties));
        assert!(changed.user.last_password_change.is_some());
        assert!(serde_json::from_value::<ChangedUser>(json!({"jobTitle": "x"})).is_err());
    }

    #[test]
    fn a_changed_group_tells_who_came_and_who_went() {
        let group: ChangedGroup = serde_json::from_value(json!({
            "id": ID, "displayName": "Nurses", "groupTypes": [],
            "members@delta": [
                {"@odata.type": "#microsoft.graph.user", "id": OTHER},
                {"@odata.type": "#microsoft.graph.user", "id": ID, "@removed": {"reason": "deleted"}},
                {"@odata.type": "#microsoft.graph.device", "id": "7"},
            ],
        }))
        .unwrap();
        assert_eq!(group.properties, BTreeMap::from([(GroupProperty::DisplayName, json!("Nurses"))]));
        assert_eq!(group.members, [(OTHER.parse().unwrap(), true), (ID.parse().unwrap(), false)]);
    }

    #[test]
    fn a_link_is_kept_as_it_is() {
        let link = DeltaLink("https://graph.example/v1.0/users/delta?$deltatoken=a%20b".to_owned());
        let kept = serde_json::to_string(&link).unwrap();
        assert_eq!(kept, "\"https://graph.example/v1.0/users/delta?$deltatoken=a%20b\"");
        assert_eq!(serde_json::from_str::<DeltaLink>(&kept).unwrap(), link);
    }

    proptest::proptest! {
        #[test]
        fn no_members_make_it_fail(id in "[0-9a-f-]{0,40}", reason: String) {
            let list = json!([{"id": id, "@removed": {"reason": reason}}, id, null, {"id": 7}]);
            let group = json!({"id": ID, "members@delta": list, "@removed": reason});
            proptest::prop_assert!(serde_json::from_value::<ChangedGroup>(group).is_ok());
        }
    }
}
