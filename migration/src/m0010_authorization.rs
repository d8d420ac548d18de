//! How a connection signs in, what its tenant says of its domains, and who works on the database.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary_len, blob, blob_null, boolean, json_binary_null, pk_uuid, text,
    text_null, uuid,
};
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in columns() {
            let alter = Table::alter().table("connection").add_column(column).to_owned();
            manager.alter_table(alter).await?;
        }
        let federated = boolean("federated").default(false).to_owned();
        manager.alter_table(Table::alter().table("domain").add_column(federated).to_owned()).await?;
        let db = manager.get_connection();
        db.execute_unprepared(match manager.get_database_backend() {
            DbBackend::Sqlite => WISHES_SQLITE,
            _ => WISHES_POSTGRES,
        })
        .await?;
        manager.create_table(authorization_grant()).await?;
        manager.create_table(authorization_request()).await?;
        manager.create_index(requests_of_connection()).await?;
        manager.create_table(replica()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["replica", "authorization_request", "authorization_grant"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("domain").drop_column("federated").to_owned()).await?;
        for column in
            ["grant_kind", "state_detail", "clearing", "wished_domains", "wished_default", "domains_read_at"]
        {
            manager.alter_table(Table::alter().table("connection").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}

fn columns() -> [ColumnDef; 6] {
    [
        // All that there were until now.
        text("grant_kind").default("client_secret").to_owned(),
        text_null("state_detail"),
        boolean("clearing").default(false).to_owned(),
        json_binary_null("wished_domains"),
        text_null("wished_default"),
        big_integer_null("domains_read_at"),
    ]
}

/// Until now every domain was named by an administrator, the first as the default.
const WISHES_SQLITE: &str = "UPDATE connection SET wished_default = default_domain, wished_domains =
    (SELECT json_group_array(name) FROM domain WHERE domain.connection_id = connection.id)";

const WISHES_POSTGRES: &str = "UPDATE connection SET wished_default = default_domain, wished_domains =
    (SELECT coalesce(jsonb_agg(name), '[]'::jsonb) FROM domain WHERE domain.connection_id = connection.id)";

fn of_connection(table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, "connection_id")
        .to("connection", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

fn authorization_grant() -> TableCreateStatement {
    Table::create()
        .table("authorization_grant")
        .col(pk_uuid("connection_id"))
        .col(blob("refresh_token"))
        .col(text("user_id"))
        .col(text("user_name"))
        .col(text("scopes"))
        .col(big_integer("granted_at"))
        .foreign_key(&mut of_connection("authorization_grant"))
        .to_owned()
}

fn authorization_request() -> TableCreateStatement {
    Table::create()
        .table("authorization_request")
        .col(binary_len("state_hash", 32).primary_key())
        .col(binary_len("browser_hash", 32))
        .col(uuid("connection_id"))
        .col(text("kind"))
        .col(blob_null("sealed"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut of_connection("authorization_request"))
        .to_owned()
}

fn requests_of_connection() -> IndexCreateStatement {
    Index::create()
        .name("authorization_request_connection")
        .table("authorization_request")
        .col("connection_id")
        .col("expires_at")
        .to_owned()
}

fn replica() -> TableCreateStatement {
    Table::create().table("replica").col(pk_uuid("id")).col(big_integer("seen_at")).to_owned()
}
