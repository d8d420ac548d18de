//! Connections and their domains.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob_null, boolean, json_binary, pk_uuid, text, text_null, uuid,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(connection()).await?;
        manager.create_index(connection_name()).await?;
        manager.create_table(domain()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["domain", "connection"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn connection() -> TableCreateStatement {
    Table::create()
        .table("connection")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(text("name"))
        .col(text("cloud"))
        .col(text_null("login_url"))
        .col(text_null("graph_url"))
        .col(text("tenant"))
        .col(text("client_id"))
        .col(blob_null("credential"))
        .col(json_binary("settings"))
        .col(text_null("default_domain"))
        .col(text("state"))
        .col(big_integer("created_at"))
        .foreign_key(
            ForeignKey::create()
                .from("connection", "organization_id")
                .to("organization", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn connection_name() -> IndexCreateStatement {
    Index::create()
        .name("connection_name")
        .table("connection")
        .col("organization_id")
        .col("name")
        .unique()
        .to_owned()
}

fn domain() -> TableCreateStatement {
    Table::create()
        .table("domain")
        .col(text("name").primary_key())
        .col(uuid("organization_id"))
        .col(uuid("connection_id"))
        .col(boolean("is_default"))
        .col(big_integer("created_at"))
        .foreign_key(
            ForeignKey::create()
                .from("domain", "connection_id")
                .to("connection", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
