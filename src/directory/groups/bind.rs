//! Binding a group that is bound to nothing, without a push.

use crate::directory::Directory;
use crate::directory::caller::Caller;
use crate::directory::error::Error;
use crate::ids::{ConnectionId, GroupId};
use crate::store::Tx;
use crate::store::groups;

impl Directory {
    /// Binds a group to the connection that groups belong to. False where that is another one, or where the group is
    /// bound or gone by now.
    pub(in crate::directory) async fn bind_group(
        &self,
        tx: &Tx,
        who: &Caller,
        id: GroupId,
        connection: ConnectionId,
    ) -> Result<bool, Error> {
        let Some((mut group, None)) = groups::lock(tx, who.organization, id).await? else {
            return Ok(false);
        };
        if self.group_connection(tx, who.organization).await? != Some(connection) {
            return Ok(false);
        }
        group.connection = Some(connection);
        groups::update(tx, &group).await?;
        self.mark_group_anew(tx, &group, connection, who).await?;
        Ok(true)
    }
}
