//! The wanted state: users, where they belong, and the rules that hold before anything is written.

mod access;
mod address;
pub mod authorize;
mod bootstrap;
pub mod caller;
pub mod connections;
pub mod error;
pub mod events;
pub mod groups;
pub mod handover;
mod mark;
pub mod password;
pub mod refusal;
pub mod rollback;
pub mod routing;
mod settle;
mod sync;
#[cfg(test)]
mod testing;
pub mod users;

pub use crate::store::list::{From, Listing, Page, Position};
pub use crate::store::memberships::{GroupRef, Member, MemberKind};
pub use access::{Access, AccessError, NewAccess, Scope, TokenView};
pub use address::{Address, AddressFault, DomainName, domain_of};
pub use bootstrap::{Bootstrap, BootstrapError, DEFAULT_NAME, Simulated, simulator_connection};
pub use connections::{ConnectionError, NewConnection, NewCredential, Wish};
pub use error::Error;
pub use settle::{Precondition, Pushed, Wait};
pub use sync::SyncStatus;

use crate::clock::Clock;
use crate::directory::handover::Handover;
use crate::secret::MasterKey;
use crate::settings::Settings;
use crate::store::Store;

/// What upstream wants, and the rules for it.
#[derive(Clone, Debug)]
pub struct Directory {
    /// The database.
    store: Store,
    /// Where the time comes from.
    clock: Clock,
    /// Seals passwords that wait and credentials.
    key: MasterKey,
    /// What a connection does not set itself.
    defaults: Settings,
    /// Whether failures are recorded as events.
    record_failures: bool,
    /// To the worker and back.
    handover: Handover,
}

impl Directory {
    /// The directory over `store`.
    pub fn new(
        store: Store,
        clock: Clock,
        key: MasterKey,
        defaults: Settings,
        record_failures: bool,
        handover: Handover,
    ) -> Self {
        Self { store, clock, key, defaults, record_failures, handover }
    }
}
