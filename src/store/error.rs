//! What the database layer can fail with, in words for the admin who reads the log.

use std::fmt;

use sea_orm::{DbErr, RuntimeErr, SqlErr, sqlx};

use super::options::Address;

/// Why the database did not do what was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The address is no address.
    #[error(
        "The database address is not valid: set GANGWAY_DATABASE_URL to sqlite://FILE or to postgres://USER:PASSWORD@HOST/DATABASE."
    )]
    Address,
    /// A SQLite database without a file.
    #[error(
        "Gangway keeps its SQLite database in a file, since work must outlive a restart: give a path, as in sqlite://data/gangway.db."
    )]
    InMemory,
    /// The database could not be opened.
    #[error(
        "The database at {place} could not be opened: {reason}. Check that it runs and that Gangway may use it; for SQLite, that the folder exists and can be written to."
    )]
    Open {
        /// The address, without a password.
        place: String,
        /// In the database's words.
        reason: String,
    },
    /// The tables could not be brought up to date.
    #[error(
        "The tables in the database at {place} could not be brought up to date: {reason}. Nothing was changed; check that Gangway may create tables there and that no newer version of Gangway has used it."
    )]
    Migrate {
        /// The address, without a password.
        place: String,
        /// In the database's words.
        reason: String,
    },
    /// Another row has what must be unique.
    #[error("{0} is taken already: choose another, or change the one that has it.")]
    Taken(Unique),
    /// The row to change is gone.
    #[error("The {0} to change is no longer there: somebody removed it meanwhile. Read again and repeat.")]
    Missing(&'static str),
    /// A row refers to one that is gone.
    #[error("What this refers to was removed meanwhile. Read again and repeat.")]
    Reference,
    /// A text that the database cannot hold.
    #[error("A text holds the character U+0000, which the database cannot store: send it without.")]
    Text,
    /// A row that this version cannot read.
    #[error(
        "The database holds a {table} with {what}, which this version of Gangway does not know: start the version that wrote it, or a newer one."
    )]
    Unreadable {
        /// The table.
        table: &'static str,
        /// What is wrong in it.
        what: String,
    },
    /// Too much is going on at once; the same may succeed at once.
    #[error("The database is busy with other changes; repeat the request in a moment.")]
    Busy,
    /// There is no connection.
    #[error(
        "The database cannot be reached: {0}. Check that it runs; Gangway goes on by itself when it is back."
    )]
    Unavailable(String),
    /// There is no room.
    #[error("The database has no room left: free space on its disk; nothing was changed.")]
    Full,
    /// The store is closed.
    #[error("Gangway is stopping and takes no more changes; repeat the request when it is back.")]
    Closed,
    /// The unit of work panicked.
    #[error(
        "A change was given up because of a fault in Gangway; nothing was changed. Please report it with the log."
    )]
    Panicked,
    /// Anything else.
    #[error("The database refused a request: {0}. Please report it with the log.")]
    Database(#[source] DbErr),
}

/// What is unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// An organization's name.
    Organization,
    /// An upstream's name in its organization.
    Upstream,
    /// A connection's name in its organization.
    Connection,
    /// A domain in the installation.
    Domain,
    /// A living user's `userName` in its organization, without regard to case.
    UserName,
    /// A living group's `displayName` and `externalId` together in its organization.
    Group,
    /// A user's binding.
    Binding,
    /// A group's binding, or the group that it has in Microsoft Graph.
    GroupBinding,
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organization => "The organization's name",
            Self::Upstream => "The upstream's name",
            Self::Connection => "The connection's name",
            Self::Domain => "The domain",
            Self::UserName => "The userName",
            Self::Group => "The displayName with this externalId",
            Self::Binding => "The user's place in a connection",
            Self::GroupBinding => "The group's place in a connection",
        })
    }
}

impl Error {
    pub(super) fn open(address: &Address, error: &DbErr) -> Self {
        Self::Open { place: address.to_string(), reason: error.to_string() }
    }

    pub(super) fn migrate(address: &Address, error: &DbErr) -> Self {
        Self::Migrate { place: address.to_string(), reason: error.to_string() }
    }

    /// For a statement that can hit only this unique index.
    pub(super) fn unique(unique: Unique) -> impl FnOnce(DbErr) -> Self {
        move |error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Taken(unique),
            _ => error.into(),
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::ForeignKeyConstraintViolation(_)) = error.sql_err() {
            return Self::Reference;
        }
        match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return Self::Unavailable(error.to_string()),
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
                if let Some(known) = known(cause) {
                    return known;
                }
            }
            _ => {}
        }
        Self::Database(error)
    }
}

/// The faults that have a remedy, by SQLite's result codes (sqlite.org/rescode.html) and PostgreSQL's SQLSTATE (its
/// manual, appendix A).
fn known(cause: &sqlx::Error) -> Option<Error> {
    match cause {
        sqlx::Error::Io(error) => Some(Error::Unavailable(error.to_string())),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Some(Error::Unavailable(cause.to_string()))
        }
        sqlx::Error::Database(database) => match database.code()?.as_ref() {
            "5" | "261" | "517" | "773" | "40001" | "40P01" | "55P03" => Some(Error::Busy),
            "13" | "53100" => Some(Error::Full),
            "22021" | "22P05" => Some(Error::Text),
            "57P01" | "57P02" | "57P03" | "53300" => Some(Error::Unavailable(database.message().to_owned())),
            _ => None,
        },
        _ => None,
    }
}
