//! Organizations, their upstreams and their tokens.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary_len, pk_uuid, text, text_uniq, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(organization()).await?;
        manager.create_table(upstream()).await?;
        manager.create_index(upstream_name()).await?;
        manager.create_table(token()).await?;
        manager.create_index(token_lookup()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["token", "upstream", "organization"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn organization() -> TableCreateStatement {
    Table::create()
        .table("organization")
        .col(pk_uuid("id"))
        .col(text_uniq("name"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn upstream() -> TableCreateStatement {
    Table::create()
        .table("upstream")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(text("name"))
        .col(text("dialect"))
        .col(big_integer("created_at"))
        .foreign_key(
            ForeignKey::create()
                .from("upstream", "organization_id")
                .to("organization", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn upstream_name() -> IndexCreateStatement {
    Index::create()
        .name("upstream_name")
        .table("upstream")
        .col("organization_id")
        .col("name")
        .unique()
        .to_owned()
}

fn token() -> TableCreateStatement {
    Table::create()
        .table("token")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid_null("upstream_id"))
        .col(text("name"))
        .col(text("lookup"))
        .col(binary_len("hash", 32))
        .col(text("prefix"))
        .col(text("scopes"))
        .col(big_integer("created_at"))
        .col(big_integer_null("expires_at"))
        .col(big_integer_null("revoked_at"))
        .foreign_key(
            ForeignKey::create()
                .from("token", "organization_id")
                .to("organization", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("token", "upstream_id")
                .to("upstream", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn token_lookup() -> IndexCreateStatement {
    Index::create().name("token_lookup").table("token").col("lookup").to_owned()
}
