//! The end of a user: its row, and what refers to it.

use serde_json::Value;

use crate::directory::groups::leave_groups;
use crate::ids::{OrganizationId, UserId};
use crate::store::{self, Tx, bindings, users};

/// Removes a user for good. It leaves its groups, and those whose manager it was have none. `account` is
/// what it had in Microsoft 365, `request` the one that the events will name.
pub async fn remove_user(
    tx: &Tx,
    organization: OrganizationId,
    id: UserId,
    account: Option<&str>,
    request: Option<&Value>,
    now: i64,
) -> Result<(), store::Error> {
    users::remove(tx, organization, id).await?;
    bindings::mark_reports(tx, organization, id, request, now).await?;
    leave_groups(tx, organization, id.0, account, request, now).await
}
