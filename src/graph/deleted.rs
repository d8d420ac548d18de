//! The accounts that were deleted and can still be restored.

use time::OffsetDateTime;

use super::request::{Query, Request};
use super::{AccountId, Call, Error, Graph, Operation, Reply, User};

/// An account among the deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedUser {
    /// The account's id.
    pub id: AccountId,
    /// The user name that it had, in lower case: Entra puts the id before the name of a deleted account.
    pub name: String,
    /// When it was deleted; 30 days later it is gone.
    pub deleted: Option<OffsetDateTime>,
}

impl DeletedUser {
    /// None for an account without a name.
    fn of(user: &User) -> Option<Self> {
        let name = user.user_principal_name()?.to_lowercase();
        let name = name.strip_prefix(&user.id.without_dashes()).unwrap_or(&name).to_owned();
        Some(Self { id: user.id, name, deleted: user.deleted })
    }
}

impl Graph {
    /// All deleted accounts, over all pages: `GET /directory/deletedItems/microsoft.graph.user`. A list of more than
    /// 100,000 is given up as [`Oddity::TooLarge`](super::Oddity::TooLarge).
    pub async fn deleted_users(&self, call: &Call) -> Result<Reply<Vec<DeletedUser>>, Error> {
        let query = Query::new().and("$select", "id,userPrincipalName,deletedDateTime").and("$top", "999");
        let target = query.after("directory/deletedItems/microsoft.graph.user");
        let users = self.0.list::<User>(call, Request::get(Operation::ListDeletedUsers, target)).await?;
        Ok(users.map(|users| users.iter().filter_map(DeletedUser::of).collect()))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!("6E7B768E07E248108459485F84F8F204Ada@contoso.example"), Some("ada@contoso.example"))]
    #[case(json!("ada@contoso.example"), Some("ada@contoso.example"))]
    #[case(json!("11111111111141118111111111111111ada@contoso.example"), Some("11111111111141118111111111111111ada@contoso.example"))]
    #[case(json!(null), None)]
    fn the_name_is_the_one_before_the_deletion(#[case] name: serde_json::Value, #[case] was: Option<&str>) {
        let user = json!({
            "id": "6e7b768e-07e2-4810-8459-485f84f8f204", "userPrincipalName": name,
            "deletedDateTime": "2026-01-02T03:04:05Z",
        });
        let deleted = DeletedUser::of(&serde_json::from_value(user).unwrap());
        assert_eq!(deleted.as_ref().map(|deleted| deleted.name.as_str()), was);
        assert!(deleted.is_none_or(|deleted| deleted.deleted.is_some()));
    }
}
