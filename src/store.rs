//! THE DATABASE: the only place that names `sea_orm`. SQLite and PostgreSQL answer the same queries; what differs
//! between them is in [`dialect`].
//!
//! Every finder takes the organization; only the worker's claims go across all of them. Times are milliseconds since
//! the Unix epoch. What changes rows takes a [`Tx`], so that rows, dirty mark and event always share one transaction;
//! what only reads takes anything that [`Reads`]: the [`Store`], or the `Tx` to see its own changes.

use futures_util::future::BoxFuture;

pub mod bindings;
pub mod connections;
pub mod domains;
pub mod error;
pub mod events;
pub mod organizations;
pub mod tokens;
pub mod upstreams;
pub mod users;

mod dialect;
mod options;
mod writer;

pub use error::{Error, Unique};
pub use options::Options;
pub use writer::Tx;

/// What one can read from: the [`Store`], or the [`Tx`] of a unit of work.
pub trait Reads: sealed::Executor {}

impl Reads for Store {}
impl Reads for Tx {}

/// Bytes that only the installation's key opens. `Debug` does not show them.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

/// The database, shared by all that work with it; clones are cheap.
#[derive(Clone)]
pub struct Store;

impl Store {
    /// Opens the database, makes the SQLite file when there is none, and brings the tables up to date; of several that
    /// start at once on one database one does this and the others wait.
    pub async fn open(options: impl Into<Options>) -> Result<Self, Error> { todo!() }
    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> { todo!() }
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
    { todo!() }
    /// Finishes the units of work that were handed over and closes the database. Later ones are refused.
    pub async fn close(self) { todo!() }
}
