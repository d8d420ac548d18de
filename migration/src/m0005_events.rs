//! Directory-insights events.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, boolean, json_binary, pk_uuid, text, text_null, uuid};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(event()).await?;
        manager.create_index(order()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("event").to_owned()).await
    }
}

/// Without foreign keys: an event outlives what it tells of.
fn event() -> TableCreateStatement {
    Table::create()
        .table("event")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(big_integer("at"))
        .col(text("event_type"))
        .col(text("service"))
        .col(boolean("success"))
        .col(text_null("resource_id"))
        .col(text_null("username"))
        .col(json_binary("document"))
        .to_owned()
}

/// The order of the pages; the id decides among equal times.
fn order() -> IndexCreateStatement {
    Index::create().name("event_order").table("event").col("organization_id").col("at").col("id").to_owned()
}
