//! How many users and groups live, kept by the database itself as rows come and go: counting 100,000 rows for the total
//! of each list would cost more than the list.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, small_integer, text, uuid};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(resource_count()).await?;
        let db = manager.get_connection();
        let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        if !sqlite {
            db.execute_unprepared(POSTGRES_FUNCTION).await?;
        }
        for (table, kind) in COUNTED {
            db.execute_unprepared(&format!(
                "INSERT INTO resource_count (organization_id, kind, slot, count)
                 SELECT organization_id, '{kind}', 0, count(*) FROM {table}
                 WHERE deleted_at IS NULL GROUP BY organization_id"
            ))
            .await?;
            for event in &EVENTS {
                let head = event.head(table);
                let body = if sqlite { event.sqlite(kind) } else { event.postgres(kind) };
                db.execute_unprepared(&format!("{head} {body}")).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        for (table, _) in COUNTED {
            for event in &EVENTS {
                let on = if sqlite { String::new() } else { format!("ON {table}") };
                db.execute_unprepared(&format!("DROP TRIGGER {table}_{} {on}", event.name)).await?;
            }
        }
        if !sqlite {
            db.execute_unprepared("DROP FUNCTION gangway_count_resource()").await?;
        }
        manager.drop_table(Table::drop().table("resource_count").to_owned()).await
    }
}

/// Without foreign keys, which would refuse the last departures when an organization goes with all its rows.
fn resource_count() -> TableCreateStatement {
    Table::create()
        .table("resource_count")
        .col(uuid("organization_id"))
        .col(text("kind"))
        .col(small_integer("slot"))
        .col(big_integer("count"))
        .primary_key(Index::create().col("organization_id").col("kind").col("slot"))
        .to_owned()
}

const COUNTED: [(&str, &str); 2] = [("scim_user", "user"), ("scim_group", "group")];

/// A living row comes or goes.
struct Event {
    name: &'static str,
    on: &'static str,
    when: &'static str,
    /// The side of the change that names the organization.
    row: &'static str,
    change: i8,
}

const EVENTS: [Event; 4] = [
    Event { name: "comes", on: "INSERT", when: "NEW.deleted_at IS NULL", row: "NEW", change: 1 },
    Event { name: "goes", on: "DELETE", when: "OLD.deleted_at IS NULL", row: "OLD", change: -1 },
    Event {
        name: "dies",
        on: "UPDATE OF deleted_at",
        when: "OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL",
        row: "NEW",
        change: -1,
    },
    Event {
        name: "wakes",
        on: "UPDATE OF deleted_at",
        when: "OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL",
        row: "NEW",
        change: 1,
    },
];

impl Event {
    fn head(&self, table: &str) -> String {
        let Self { name, on, when, .. } = self;
        format!("CREATE TRIGGER {table}_{name} AFTER {on} ON {table} FOR EACH ROW WHEN ({when})")
    }

    fn sqlite(&self, kind: &str) -> String {
        let Self { row, change, .. } = self;
        format!(
            "BEGIN
                INSERT INTO resource_count (organization_id, kind, slot, count)
                VALUES ({row}.organization_id, '{kind}', 0, {change})
                ON CONFLICT (organization_id, kind, slot) DO UPDATE SET count = count + excluded.count;
            END"
        )
    }

    fn postgres(&self, kind: &str) -> String {
        format!("EXECUTE FUNCTION gangway_count_resource('{kind}', '{}')", self.change)
    }
}

/// Transactions that run beside each other do so in processes of their own: with a slot for each process they do not wait
/// for each other, and one transaction never holds two slots of a kind, so that no two wait crosswise.
const POSTGRES_FUNCTION: &str = "
    CREATE FUNCTION gangway_count_resource() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        counted_for uuid;
    BEGIN
        IF TG_OP = 'DELETE' THEN counted_for := OLD.organization_id; ELSE counted_for := NEW.organization_id; END IF;
        INSERT INTO resource_count AS part (organization_id, kind, slot, count)
        VALUES (counted_for, TG_ARGV[0], pg_backend_pid() % 32, TG_ARGV[1]::bigint)
        ON CONFLICT (organization_id, kind, slot) DO UPDATE SET count = part.count + excluded.count;
        RETURN NULL;
    END $$";
