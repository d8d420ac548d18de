//! What an account belongs to, and whose account it is.

use serde::Deserialize;

use super::request::{Query, Request};
use super::{AccountId, Call, Error, Graph, GroupId, Operation, Reply};

/// The directory roles and groups that an account is a direct member of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belonging {
    /// The roles' names, such as `User Administrator`; the id of one whose name may not be read.
    pub roles: Vec<String>,
    /// The groups, and whether each can hold roles itself (`isAssignableToRole`).
    pub groups: Vec<(GroupId, bool)>,
}

impl Belonging {
    /// Whether it may hold an administrator's rights: then only a higher role may change its password, its state and its
    /// names ("Who can perform sensitive actions").
    pub fn is_privileged(&self) -> bool {
        !self.roles.is_empty() || self.groups.iter().any(|(_, assignable)| *assignable)
    }
}

/// One object that an account is a member of.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Membership {
    id: String,
    #[serde(default, rename = "@odata.type")]
    kind: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    is_assignable_to_role: Option<bool>,
}

impl FromIterator<Membership> for Belonging {
    fn from_iter<I: IntoIterator<Item = Membership>>(memberships: I) -> Self {
        let mut belonging = Self::default();
        for membership in memberships {
            match membership.kind.as_deref() {
                Some("#microsoft.graph.directoryRole") => {
                    belonging.roles.push(membership.display_name.unwrap_or(membership.id));
                }
                Some("#microsoft.graph.group") => {
                    let assignable = membership.is_assignable_to_role == Some(true);
                    belonging.groups.extend(membership.id.parse().map(|id| (id, assignable)));
                }
                // Administrative units give no rights to their members.
                _ => {}
            }
        }
        belonging
    }
}

/// The id alone.
#[derive(Deserialize)]
struct Known {
    id: AccountId,
}

impl Graph {
    /// The roles and groups that the account is a direct member of, over all pages: `GET /users/{id}/memberOf` ("List a
    /// user's direct memberships").
    pub async fn belonging(&self, call: &Call, account: &AccountId) -> Result<Reply<Belonging>, Error> {
        let query = Query::new().and("$select", "id,displayName,isAssignableToRole").and("$top", "999");
        let target = query.after(&format!("users/{account}/memberOf"));
        let request = Request::get(Operation::ReadBelonging, target);
        let memberships = self.0.list::<Membership>(call, request).await?;
        Ok(memberships.map(Belonging::from_iter))
    }

    /// The account of the administrator who has signed in: `GET /me`. Only with a delegated grant.
    pub async fn me(&self, call: &Call) -> Result<Reply<AccountId>, Error> {
        let target = Query::new().and("$select", "id").after("me");
        let known = self.0.execute(call, Request::get(Operation::ReadMe, target)).await?.json::<Known>()?;
        Ok(known.map(|known| known.id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "0f1c6a2e-4f50-4b8e-9a39-0a6d7c1e2b11";

    fn belonging(list: Value) -> Belonging {
        serde_json::from_value::<Vec<Membership>>(list).unwrap().into_iter().collect()
    }

    #[test]
    fn roles_and_groups_are_told_apart() {
        let found = belonging(json!([
            {"@odata.type": "#microsoft.graph.directoryRole", "id": ID, "displayName": "User Administrator"},
            {"@odata.type": "#microsoft.graph.directoryRole", "id": ID, "displayName": null},
            {"@odata.type": "#microsoft.graph.group", "id": ID, "displayName": "Nurses", "isAssignableToRole": null},
            {"@odata.type": "#microsoft.graph.group", "id": ID, "isAssignableToRole": true},
            {"@odata.type": "#microsoft.graph.administrativeUnit", "id": ID},
            {"id": ID},
        ]));
        let id: GroupId = ID.parse().unwrap();
        assert_eq!(found.roles, ["User Administrator", ID]);
        assert_eq!(found.groups, [(id, false), (id, true)]);
    }

    #[test]
    fn a_role_or_a_group_that_can_hold_one_makes_an_account_privileged() {
        let kind = |kind: &str, assignable: bool| json!([{"@odata.type": kind, "id": ID, "isAssignableToRole": assignable}]);
        assert!(belonging(kind("#microsoft.graph.directoryRole", false)).is_privileged());
        assert!(belonging(kind("#microsoft.graph.group", true)).is_privileged());
        assert!(!belonging(kind("#microsoft.graph.group", false)).is_privileged());
    }
}
