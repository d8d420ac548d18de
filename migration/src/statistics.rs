//! What SQLite's planner must know of a new table or index; see `m0006_statistics`.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// Writes rows of `sqlite_stat1`: the table, the index, and how many rows share the first column, the first two, ….
pub(crate) async fn assume(manager: &SchemaManager<'_>, rows: &[[&str; 3]]) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    let db = manager.get_connection();
    for [table, index, numbers] in rows {
        let row =
            format!("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{table}', '{index}', '{numbers}')");
        db.execute_unprepared(&row).await?;
    }
    // Makes this connection read them.
    db.execute_unprepared("ANALYZE sqlite_schema").await?;
    Ok(())
}
