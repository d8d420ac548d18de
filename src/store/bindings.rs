//! Bindings: what Microsoft Graph was given, and the queue of the work that is left.

use serde_json::Value;
use uuid::Uuid;

use super::users::User;
use super::{Error, Reads, Sealed, Tx};
use crate::ids::{BindingId, ConnectionId, OrganizationId, UserId};

/// Which work goes first: a leaver is blocked before any update, whatever the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Block, revoke sessions, passwords.
    Security = 0,
    /// Changes of accounts that exist.
    Update = 1,
    /// New accounts.
    Create = 2,
    /// Imports and drift.
    Background = 3,
}

/// The link from a user to one account.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Its id.
    pub id: BindingId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The tenant that the account is in.
    pub connection: ConnectionId,
    /// The user; it has at most one binding.
    pub user: UserId,
    /// The account's object id, once it is known.
    pub account_id: Option<String>,
    /// The properties that Graph was last given; a JSON object.
    pub given: Value,
    /// The user's version that is wanted in the tenant.
    pub wanted_version: i64,
    /// The user's version that Graph was last given.
    pub given_version: i64,
    /// Where the work waits; `None` when there is nothing to do.
    pub lane: Option<Lane>,
    /// Since when it waits: within a lane the oldest goes first.
    pub queued_at: i64,
    /// How often it was tried without success.
    pub attempts: i32,
    /// Not to be tried before.
    pub next_attempt_at: i64,
    /// The worker that holds it.
    pub lease_owner: Option<Uuid>,
    /// Until when that worker holds it; 0 when none does.
    pub lease_until: i64,
    /// The password to set; erased once used.
    pub sealed_password: Option<Sealed>,
    /// Who asked for the waiting work, for its event.
    pub request: Option<Value>,
    /// Why the last try failed.
    pub failure: Option<Value>,
    /// When Graph was last given something.
    pub given_at: Option<i64>,
}

/// Adds a binding; [`Error::Taken`] when the user has one.
pub async fn insert(tx: &Tx, binding: &Binding) -> Result<(), Error> { todo!() }
/// Writes the whole row by its id; [`Error::Missing`] when it is gone. Hold it with [`lock`] or
/// [`users::lock`](super::users::lock) first, or another's lease is overwritten.
pub async fn update(tx: &Tx, binding: &Binding) -> Result<(), Error> { todo!() }
/// Removes the row; false when there was none.
pub async fn remove(tx: &Tx, organization: OrganizationId, id: BindingId) -> Result<bool, Error> { todo!() }
/// The binding and its user, a deleted one too: for the worker, which serves all organizations.
pub async fn get(reads: &impl Reads, id: BindingId) -> Result<Option<(Binding, User)>, Error> { todo!() }
/// Like [`get`], holding both rows until the unit of work ends.
pub async fn lock(tx: &Tx, id: BindingId) -> Result<Option<(Binding, User)>, Error> { todo!() }
/// The binding of a user.
pub async fn by_user(reads: &impl Reads, organization: OrganizationId, user: UserId) -> Result<Option<Binding>, Error> { todo!() }
/// Takes at most `limit` bindings that are due at `now` for `owner` until `lease_until`: lane by lane, the oldest first,
/// none that another holds, only of these `lanes`, none of the `paused` connections.
pub async fn claim(tx: &Tx, claim: &Claim<'_>) -> Result<Vec<BindingId>, Error> { todo!() }
/// What [`claim`] asks for.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The worker that takes them.
    pub owner: Uuid,
    /// Now.
    pub now: i64,
    /// Until when the worker holds them.
    pub lease_until: i64,
    /// Only these lanes.
    pub lanes: &'a [Lane],
    /// None of these connections.
    pub paused: &'a [ConnectionId],
    /// At most so many.
    pub limit: u64,
}
/// The earliest time after `now` at which a waiting binding becomes due: its back-off ends or its lease runs out.
pub async fn next_due(reads: &impl Reads, now: i64) -> Result<Option<i64>, Error> { todo!() }
/// How many bindings wait in each lane that has any, in the lanes' order.
pub async fn backlog(reads: &impl Reads) -> Result<Vec<(Lane, i64)>, Error> { todo!() }
/// Holds what `owner` has among `ids` until `lease_until`; how many those are. Fewer than `ids`: a lease was lost.
pub async fn renew(tx: &Tx, owner: Uuid, ids: &[BindingId], lease_until: i64) -> Result<u64, Error> { todo!() }
/// Gives back all that `owner` holds, at an orderly stop; how many those were.
pub async fn release_all(tx: &Tx, owner: Uuid) -> Result<u64, Error> { todo!() }
