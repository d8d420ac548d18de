//! What differs between SQLite and PostgreSQL: how they are opened, how a transaction begins, and who may migrate.

use std::fs::File;
use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions as _};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions,
    TransactionTrait as _,
};

use super::options::Address;

/// How long SQLite waits for another process's write, and a request for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// PostgreSQL's advisory lock of those that migrate: an arbitrary number, the same in every version.
const MIGRATION_LOCK: i64 = 0x6761_6e67_7761_7900;

/// Where the units of work go.
pub(super) struct Pools {
    pub(super) writes: DatabaseConnection,
    /// Units share commits; else each has its own connection.
    pub(super) one_writer: bool,
}

/// Waits until no other process is opening the same SQLite file, until the file that is returned is dropped: SQLite does
/// not wait when two make a new file at once and turn it to WAL, but fails with "database is locked".
pub(super) async fn hold_opening(address: &Address) -> Result<Option<File>, DbErr> {
    let Address::Sqlite(url) = address else {
        return Ok(None);
    };
    let mut path = sqlite(url)?.get_filename().as_os_str().to_owned();
    path.push(".lock");
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::create(path)?;
        file.lock()?;
        Ok(file)
    });
    match locked.await.map_err(std::io::Error::from).flatten() {
        Ok(file) => Ok(Some(file)),
        Err(error) => Err(refused(error.into())),
    }
}

/// Opens the connections that write. Not through `sea_orm::Database`, whose trace spans show the password.
pub(super) async fn connect(address: &Address, max_connections: u32) -> Result<Pools, DbErr> {
    match address {
        Address::Sqlite(url) => {
            let options = sqlite(url)?
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .foreign_keys(true);
            let pool = lasting(SqlitePoolOptions::new(), 1).connect_with(options).await.map_err(refused)?;
            Ok(Pools { writes: SqlxSqliteConnector::from_sqlx_sqlite_pool(pool), one_writer: true })
        }
        Address::Postgres(url) => {
            let options = PgConnectOptions::from_str(url.as_str())
                .map_err(refused)?
                .application_name("gangway")
                .disable_statement_logging();
            // All connections are made here and by the pool's own task, so that they live on this runtime and not on one
            // of the web server's, which end before the work does.
            let pool = lasting(PgPoolOptions::new(), max_connections.max(2))
                .min_connections(max_connections.max(2))
                .connect_with(options)
                .await
                .map_err(refused)?;
            Ok(Pools { writes: SqlxPostgresConnector::from_sqlx_postgres_pool(pool), one_writer: false })
        }
    }
}

/// Opens the connections that only read an existing SQLite file; in WAL mode they never wait for the one that writes.
pub(super) async fn connect_sqlite_readers(
    url: &str,
    max_connections: u32,
) -> Result<DatabaseConnection, DbErr> {
    let pool = lasting(SqlitePoolOptions::new(), max_connections.max(1))
        .connect_with(sqlite(url)?.read_only(true))
        .await
        .map_err(refused)?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

fn sqlite(url: &str) -> Result<SqliteConnectOptions, DbErr> {
    Ok(SqliteConnectOptions::from_str(url)
        .map_err(refused)?
        .busy_timeout(PATIENCE)
        .disable_statement_logging())
}

/// A pool whose connections stay: opening one costs more than keeping it, and a broken one is replaced.
fn lasting<DB: sqlx::Database>(
    options: sqlx::pool::PoolOptions<DB>,
    most: u32,
) -> sqlx::pool::PoolOptions<DB> {
    options.max_connections(most).acquire_timeout(PATIENCE).idle_timeout(None).max_lifetime(None)
}

fn refused(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(error.into()))
}

/// Begins a transaction that may write. On SQLite it takes the write lock at once: one that reads first and writes later
/// fails with "database is locked" when another has written meanwhile, whatever the time-out.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
}

/// Waits until nobody else migrates, until the transaction ends. On SQLite the write lock is that already.
pub(super) async fn lock_migrations(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock_until_end(transaction, "pg_advisory_xact_lock", MIGRATION_LOCK).await
}

/// Whether transactions are committed beside each other, so that one that began earlier may appear later.
pub(super) fn commits_concurrently(db: &impl ConnectionTrait) -> bool {
    db.get_database_backend() == DbBackend::Postgres
}

/// A text as it is compared and sorted by its bytes, which are in the order of the code points: SQLite does so by itself,
/// PostgreSQL else in the order of the database's locale.
pub(super) fn by_bytes(backend: DbBackend, text: Expr) -> Expr {
    match backend {
        DbBackend::Postgres => Expr::cust_with_expr("$1 COLLATE \"C\"", text),
        _ => text,
    }
}

/// PostgreSQL's advisory lock of those that write events, shared, and of those that wait for them.
const EVENTS_LOCK: i64 = 0x6761_6e67_7761_7901;

pub(super) async fn share_events(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock_until_end(transaction, "pg_advisory_xact_lock_shared", EVENTS_LOCK).await
}

pub(super) async fn hold_events(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock_until_end(transaction, "pg_advisory_xact_lock", EVENTS_LOCK).await
}

async fn lock_until_end(transaction: &DatabaseTransaction, function: &str, key: i64) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared(&format!("SELECT {function}({key})")).await?;
    }
    Ok(())
}
