//! Binding a user who is bound to nothing, without a push.

use super::mark::Mark;
use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::error::Error;
use crate::ids::{ConnectionId, UserId};
use crate::store::Tx;
use crate::store::queue::Lane;
use crate::store::users;

impl Directory {
    /// Binds a user to the connection that it belongs to. False where that is another one or none, or where the user is
    /// bound or gone by now.
    pub(in crate::directory) async fn bind_user(
        &self,
        tx: &Tx,
        who: &Caller,
        id: UserId,
        connection: ConnectionId,
        lane: Lane,
    ) -> Result<bool, Error> {
        let Some((mut user, None)) = users::lock(tx, who.organization, id).await? else {
            return Ok(false);
        };
        let place = match self.place(tx, who.organization, &user.user_name).await {
            Ok(place) => place,
            Err(Error::Routing(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        if place.connection() != Some(connection) {
            return Ok(false);
        }
        user.connection = Some(connection);
        users::update(tx, &user).await?;
        let mark = Mark::plain(who, lane, self.clock.millis());
        self.mark_binding(tx, &user, None, connection, mark).await?;
        Ok(true)
    }
}
