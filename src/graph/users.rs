//! The calls on accounts.

use secrecy::SecretString;
use serde_json::{Value, json};

use super::request::{Query, Request};
use super::types::password_profile;
use super::{AccountId, Call, Created, Error, Graph, NewUser, Operation, Property, Reply, User, UserPatch};

/// What is read of an account beside its writable properties: what tells whether it can be adopted.
const READ_ONLY: [&str; 5] =
    ["id", "createdDateTime", "lastPasswordChangeDateTime", "onPremisesSyncEnabled", "userType"];

impl Graph {
    /// Creates an account: `POST /users` ("Create user"). The answer has Graph's default properties only, so
    /// `accountEnabled` is not among them; those that it has are compared with what was sent.
    ///
    /// A user name that is taken is [`Error::Conflict`]. After [`Disposition::Ambiguous`](super::Disposition::Ambiguous)
    /// look with [`Graph::user_by_upn`] before creating again.
    pub async fn create_user(&self, call: &Call, user: &NewUser) -> Result<Reply<Created>, Error> {
        let request = Request::post(Operation::CreateUser, "users".to_owned())
            .json(user.body())
            .hiding(user.password());
        let created = self.0.execute(call, request).await?.json::<User>()?;
        Ok(created.map(|created| Created { not_applied: user.not_applied(&created), user: created }))
    }

    /// The account whose `userPrincipalName` is `upn` in whatever case, with all that is needed to adopt it:
    /// `GET /users?$filter=userPrincipalName eq '…'`. A filter, not a path, since any text can stand in it and since
    /// "none" is then an empty list, which no other fault looks like.
    pub async fn user_by_upn(&self, call: &Call, upn: &str) -> Result<Reply<Option<User>>, Error> {
        let query = Query::new()
            .and("$filter", &format!("userPrincipalName eq {}", literal(upn)))
            .and("$select", &selection(&[]));
        let request = Request::get(Operation::FindUser, query.after("users"));
        let users = self.0.list::<User>(call, request).await?;
        Ok(users.map(|users| users.into_iter().next()))
    }

    /// The account with this id, with all writable properties: `GET /users/{id}`. None is [`Error::NotFound`], which
    /// right after a create can be a replica that lags.
    pub async fn user(&self, call: &Call, id: &AccountId) -> Result<Reply<User>, Error> {
        let query = Query::new().and("$select", &selection(&[]));
        let request = Request::get(Operation::ReadUser, query.after(&format!("users/{id}")));
        self.0.execute(call, request).await?.json()
    }

    /// Writes the given properties and no others: `PATCH /users/{id}` ("Update user"). An empty patch is not
    /// sent at all: the reply is then ours, with 204 and no `request-id`.
    pub async fn update_user(
        &self,
        call: &Call,
        id: &AccountId,
        patch: &UserPatch,
    ) -> Result<Reply<()>, Error> {
        if patch.is_empty() {
            return Ok(call.not_sent());
        }
        let operation = match patch.get(Property::AccountEnabled) {
            Some(_) => Operation::EnableUser,
            None => Operation::UpdateUser,
        };
        let request = Request::patch(operation, format!("users/{id}")).json(Value::Object(patch.body()));
        self.0.execute(call, request).await?.nothing()
    }

    /// Sets the password: `PATCH /users/{id}` with `passwordProfile` and nothing else. It does not sign the account out.
    pub async fn set_password(
        &self,
        call: &Call,
        id: &AccountId,
        password: &SecretString,
        force_change: bool,
    ) -> Result<Reply<()>, Error> {
        let body = Value::Object(password_profile(password, force_change));
        let request =
            Request::patch(Operation::SetPassword, format!("users/{id}")).json(body).hiding(password);
        self.0.execute(call, request).await?.nothing()
    }

    /// Signs the account out everywhere: `POST /users/{id}/revokeSignInSessions`. It takes effect within minutes; an
    /// access token that is out already can live for an hour.
    pub async fn revoke_sessions(&self, call: &Call, id: &AccountId) -> Result<Reply<()>, Error> {
        let target = format!("users/{id}/revokeSignInSessions");
        let request = Request::post(Operation::RevokeSessions, target);
        // 200 with {"value": true} or 204: any 2xx will do.
        self.0.execute(call, request).await?.nothing()
    }

    /// Deletes the account: `DELETE /users/{id}`. For 30 days it is among the deleted and can be restored.
    pub async fn delete_user(&self, call: &Call, id: &AccountId) -> Result<Reply<()>, Error> {
        let request = Request::delete(Operation::DeleteUser, format!("users/{id}"));
        self.0.execute(call, request).await?.nothing()
    }

    /// The account that was deleted last among those that had the user name `upn`. Entra puts the id before the name of
    /// a deleted account, so this is an advanced query for names that end so; its index can lag by minutes.
    pub async fn deleted_user_by_upn(&self, call: &Call, upn: &str) -> Result<Reply<Option<User>>, Error> {
        let filter = format!("endsWith(userPrincipalName,{})", literal(upn));
        let query = Query::new()
            .and("$filter", &filter)
            .and("$count", "true")
            .and("$select", &selection(&["deletedDateTime"]));
        let target = query.after("directory/deletedItems/microsoft.graph.user");
        let request = Request::get(Operation::FindDeletedUser, target).advanced();
        let users = self.0.list::<User>(call, request).await?;
        Ok(users.map(|users| {
            users.into_iter().filter(|user| user.was_called(upn)).max_by_key(|user| user.deleted)
        }))
    }

    /// Brings a deleted account back: `POST /directory/deletedItems/{id}/restore`, under `new_upn` if given, else under
    /// its old user name. When that name is taken meanwhile it is [`Error::Conflict`].
    pub async fn restore_user(
        &self,
        call: &Call,
        id: &AccountId,
        new_upn: Option<&str>,
    ) -> Result<Reply<User>, Error> {
        let target = format!("directory/deletedItems/{id}/restore");
        let mut request = Request::post(Operation::RestoreUser, target);
        if let Some(upn) = new_upn {
            request = request.json(json!({ "newUserPrincipalName": upn }));
        }
        self.0.execute(call, request).await?.json()
    }
}

/// A string in a filter: in single quotes, with those inside doubled (OData 4.01 URL Conventions §5.1.1.14).
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn selection(more: &[&str]) -> String {
    let names: Vec<&str> =
        READ_ONLY.iter().chain(more).copied().chain(Property::ALL.map(Property::name)).collect();
    names.join(",")
}
