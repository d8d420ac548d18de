//! What SQLite's planner must know of a table that has no rows yet.
//!
//! Without statistics it takes ten rows for a whole organization and reads all of them in the order of the pages, in
//! place of looking one up by its externalId or e-mail address. PostgreSQL gathers its own. The numbers are rows in
//! the table, and how many of them share the first column, the first two, …
//! (sqlite.org/fileformat2.html#stat1tab); a later `ANALYZE` replaces them by what it finds.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        // The first makes the table of statistics, the last makes this connection read it.
        for statement in ["ANALYZE", STATISTICS, "ANALYZE sqlite_schema"] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}

const STATISTICS: &str = "
    DELETE FROM sqlite_stat1 WHERE tbl IN ('scim_user', 'user_email');
    INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
        ('scim_user', 'sqlite_autoindex_scim_user_1', '100000 1'),
        ('scim_user', 'scim_user_living_name', '100000 100000 1'),
        ('scim_user', 'scim_user_external_id', '100000 100000 1'),
        ('scim_user', 'scim_user_display_name', '100000 100000 2'),
        ('scim_user', 'scim_user_order', '100000 100000 1 1'),
        ('scim_user', 'scim_user_active', '100000 100000 90000 1 1'),
        ('user_email', 'sqlite_autoindex_user_email_1', '100000 1 1'),
        ('user_email', 'user_email_value', '100000 100000 1')";
