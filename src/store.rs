//! THE DATABASE: the only place that names `sea_orm`. SQLite and PostgreSQL answer the same queries; what differs
//! between them is in `dialect`.
//!
//! Every finder takes the organization; only the worker's claims go across all of them. Times are milliseconds since
//! the Unix epoch. What changes rows takes a [`Tx`], so that rows, dirty mark and event always share one transaction;
//! what only reads takes anything that [`Reads`]: the [`Store`], or the `Tx` to see its own changes.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use migration::{Migrator, MigratorTrait as _};
use sea_orm::{DatabaseConnection, DatabaseExecutor};

pub mod authorizations;
pub mod bindings;
pub mod clearing;
pub mod connections;
pub mod delta;
pub mod domains;
pub mod drift;
pub mod events;
pub mod grants;
pub mod group_bindings;
pub mod groups;
pub mod inspect;
pub mod list;
pub mod memberships;
pub mod organizations;
pub mod queue;
pub mod replicas;
pub mod tokens;
pub mod unbound;
pub mod upstreams;
pub mod users;

mod dialect;
mod error;
mod filter;
mod options;
mod resource_count;
mod writer;

#[cfg(test)]
mod authorization_tests;
#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod clearing_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use crate::secret::Sealed;
pub use error::{Error, Unique};
pub use options::Options;
pub use writer::Tx;

use options::Address;
use writer::Writer;

/// So many ids or rows go to the database in one statement: far below what either can take, and enough of work.
const AT_ONCE: usize = 1000;

/// What one can read from: the [`Store`], or the [`Tx`] of a unit of work.
pub trait Reads: sealed::Executor {}

impl Reads for Store {}
impl Reads for Tx {}

mod sealed {
    use sea_orm::DatabaseExecutor;

    /// Runs queries; sealed, so that no other layer can bring SQL of its own.
    pub trait Executor: Sync {
        /// Where the queries go.
        fn executor(&self) -> DatabaseExecutor<'_>;
    }
}

impl sealed::Executor for Store {
    fn executor(&self) -> DatabaseExecutor<'_> {
        (&self.0.reads).into()
    }
}

/// The database, shared by all that work with it; clones are cheap.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    /// Where everything outside of a unit of work is read. On SQLite these connections cannot write and never wait for
    /// the writer; on PostgreSQL the pool is the writer's too.
    reads: DatabaseConnection,
    writer: Writer,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database, makes the SQLite file when there is none, and brings the tables up to date; of several that
    /// start at once on one database one does this and the others wait. Call it on the main runtime: the writer lives
    /// there.
    pub async fn open(options: impl Into<Options>) -> Result<Self, Error> {
        let options = options.into();
        let address = Address::parse(&options)?;
        let opening = dialect::hold_opening(&address).await;
        let _held = opening.map_err(|error| Error::open(&address, &error))?;
        let pools = dialect::connect(&address, options.max_connections).await;
        let pools = pools.map_err(|error| Error::open(&address, &error))?;
        migrate(&pools.writes).await.map_err(|error| Error::migrate(&address, &error))?;
        let reads = match address {
            Address::Sqlite(ref sqlite) => dialect::connect_sqlite_readers(sqlite, options.max_connections)
                .await
                .map_err(|error| Error::open(&address, &error))?,
            Address::Postgres(_) => pools.writes.clone(),
        };
        let writer = Writer::start(pools);
        Ok(Self(Arc::new(Inner { reads, writer })))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(self.0.reads.ping().await?)
    }

    /// Whether other processes may work on the same database: then a claim may be another's, and alive.
    pub fn is_shared(&self) -> bool {
        dialect::commits_concurrently(&self.0.reads)
    }

    fn connection(&self) -> &DatabaseConnection {
        &self.0.reads
    }

    /// Runs one unit of work: all of it is committed, durably, before this returns `Ok`, or none of it.
    ///
    /// An `Err` of the work, or its panic, rolls it back. Dropping the returned future does not stop work that was handed
    /// over. On SQLite one writer runs the units one after another and shares a commit between those that wait, so the
    /// work must not wait for anything but the database.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        self.0.writer.run(work).await
    }

    /// Finishes the units of work that were handed over and closes the database. Later ones are refused.
    pub async fn close(self) {
        self.0.writer.stop().await;
        // Only a broken connection makes this fail, and that one is closed.
        drop(self.0.reads.close_by_ref().await);
    }
}

/// Brings the tables up to date in one transaction under the database's own lock, so that of many replicas that start
/// together one does the work and none dies of "already exists".
async fn migrate(db: &DatabaseConnection) -> Result<(), sea_orm::DbErr> {
    let transaction = dialect::begin(db).await?;
    dialect::lock_migrations(&transaction).await?;
    Migrator::up(&transaction, None).await?;
    transaction.commit().await
}
