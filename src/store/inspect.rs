//! Looking at a database without making, migrating or changing anything: for the doctor.

use entity::{account_binding, group_binding};
use migration::{Migrator, MigratorTrait as _};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DatabaseConnection, EntityTrait as _, QueryFilter as _};
use sea_orm::{QueryOrder as _, QuerySelect as _};
use serde_json::Value;
use std::str::FromStr as _;
use std::sync::Arc;

use super::options::Address;
use super::queue::SOON;
use super::writer::Writer;
use super::{Error, Inner, Options, Reads, Store, dialect};
use crate::ids::ConnectionId;

/// So many failures are read of one connection: enough to name every kind of them.
const MOST_FAILURES: u64 = 1_000;

/// What a database is like.
#[derive(Debug)]
pub enum Inspection {
    /// There is no SQLite file yet.
    Absent {
        /// The address.
        place: String,
    },
    /// It was opened.
    Opened {
        /// The address, without a password.
        place: String,
        /// The database. Its tables fit only when `tables` says so.
        store: Store,
        /// How the tables are.
        tables: Tables,
        /// Why it cannot be written; None where it can be, or where there are no tables to try it on.
        read_only: Option<String>,
    },
}

/// How the tables of a database are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tables {
    /// As this version wants them.
    UpToDate,
    /// So many migrations are missing.
    Behind(usize),
    /// A version was there that knows more, or something else is wrong with them; in the database's words.
    Unknown(String),
}

/// The work of one connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// How many users and groups wait.
    pub waiting: i64,
    /// Since when the oldest of them waits, in milliseconds since the Unix epoch.
    pub oldest: Option<i64>,
    /// Why users and groups failed or wait, as their bindings remember it; at most 1,000 of each, the newest first.
    pub failures: Vec<Value>,
}

impl Store {
    /// Opens a database as it is.
    pub async fn inspect(options: impl Into<Options>) -> Result<Inspection, Error> {
        let options = options.into();
        let address = Address::parse(&options)?;
        let place = address.to_string();
        if is_absent(&address) {
            return Ok(Inspection::Absent { place });
        }
        let opened = |error| Error::open(&address, &error);
        let pools = dialect::connect(&address, options.max_connections).await.map_err(opened)?;
        let tables = tables(&pools.writes).await;
        let read_only = match tables {
            Tables::UpToDate => try_writing(&pools.writes).await.err().map(|error| error.to_string()),
            _ => None,
        };
        let reads = match address {
            Address::Sqlite(ref sqlite) => {
                dialect::connect_sqlite_readers(sqlite, options.max_connections).await.map_err(opened)?
            }
            Address::Postgres(_) => pools.writes.clone(),
        };
        let store = Self(Arc::new(Inner { reads, writer: Writer::start(pools) }));
        Ok(Inspection::Opened { place, store, tables, read_only })
    }
}

fn is_absent(address: &Address) -> bool {
    match address {
        Address::Sqlite(url) => {
            SqliteConnectOptions::from_str(url).is_ok_and(|options| !options.get_filename().exists())
        }
        Address::Postgres(_) => false,
    }
}

async fn tables(db: &DatabaseConnection) -> Tables {
    match Migrator::get_pending_migrations_read_only(db).await {
        Ok(pending) if pending.is_empty() => Tables::UpToDate,
        Ok(pending) => Tables::Behind(pending.len()),
        Err(error) => Tables::Unknown(error.to_string()),
    }
}

/// A change of no row, taken back: what refuses it would refuse any.
async fn try_writing(db: &DatabaseConnection) -> Result<(), sea_orm::DbErr> {
    let transaction = dialect::begin(db).await?;
    let nothing = Query::update()
        .table("organization")
        .value("name", Expr::col("name"))
        .and_where(Expr::col("created_at").is_null())
        .to_owned();
    transaction.execute(&nothing).await?;
    transaction.rollback().await
}

/// What waits and what failed in one connection.
pub async fn work_of(reads: &impl Reads, connection: ConnectionId, now: i64) -> Result<Work, Error> {
    let mut work = Work::default();
    for table in ["account_binding", "group_binding"] {
        let select = Query::select()
            .expr_as(Expr::col("id").count(), "waiting")
            .expr_as(Expr::col("queued_at").min(), "oldest")
            .from(table)
            .and_where(Expr::col("connection_id").eq(connection.0))
            .and_where(Expr::col("lane").is_not_null())
            // A leaver's account can wait for days on purpose.
            .and_where(Expr::col("next_attempt_at").lt(now.saturating_add(SOON)))
            .to_owned();
        if let Some(row) = reads.executor().query_one(&select).await? {
            work.waiting += row.try_get::<i64>("", "waiting")?;
            let oldest: Option<i64> = row.try_get("", "oldest")?;
            work.oldest = work.oldest.into_iter().chain(oldest).min();
        }
    }
    let accounts = account_binding::Entity::find()
        .select_only()
        .column(account_binding::Column::Failure)
        .filter(account_binding::Column::ConnectionId.eq(connection.0))
        .filter(account_binding::Column::Failure.is_not_null())
        .order_by_desc(account_binding::Column::Id)
        .limit(MOST_FAILURES)
        .into_tuple::<Value>()
        .all(&reads.executor())
        .await?;
    let groups = group_binding::Entity::find()
        .select_only()
        .column(group_binding::Column::Failure)
        .filter(group_binding::Column::ConnectionId.eq(connection.0))
        .filter(group_binding::Column::Failure.is_not_null())
        .order_by_desc(group_binding::Column::Id)
        .limit(MOST_FAILURES)
        .into_tuple::<Value>()
        .all(&reads.executor())
        .await?;
    work.failures = accounts.into_iter().chain(groups).collect();
    Ok(work)
}
