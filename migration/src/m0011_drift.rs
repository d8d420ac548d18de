//! What others change in a tenant: how far its changes were read, what was seen and told, and what is to be looked at
//! again.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, json_binary_null, text, text_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Both kinds of bindings have the same columns for it.
const BINDINGS: [(&str, &str); 2] =
    [("account_binding", "account_binding_unverified"), ("group_binding", "group_binding_unverified")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, index) in BINDINGS {
            for column in [json_binary_null("drift"), big_integer_null("unverified_at")] {
                manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
            }
            manager.create_index(unverified(table, index)).await?;
        }
        manager.create_table(delta_link()).await?;
        manager.create_table(member_drift()).await?;
        manager.create_index(untold()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["member_drift", "delta_link"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        for (table, index) in BINDINGS {
            manager.drop_index(Index::drop().name(index).table(table).to_owned()).await?;
            for column in ["drift", "unverified_at"] {
                manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
            }
        }
        Ok(())
    }
}

fn unverified(table: &'static str, name: &'static str) -> IndexCreateStatement {
    Index::create()
        .name(name)
        .table(table)
        .col("connection_id")
        .col("unverified_at")
        .and_where(Expr::col("unverified_at").is_not_null())
        .to_owned()
}

fn delta_link() -> TableCreateStatement {
    Table::create()
        .table("delta_link")
        .col(uuid("connection_id"))
        .col(text("kind"))
        .col(text_null("link"))
        .col(boolean("walking"))
        .col(boolean("complete"))
        .col(big_integer("round"))
        .col(big_integer_null("finished_at"))
        .col(big_integer("next_at"))
        .col(uuid_null("lease_owner"))
        .col(big_integer("lease_until"))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("connection_id").col("kind"))
        .foreign_key(
            ForeignKey::create()
                .from("delta_link", "connection_id")
                .to("connection", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn member_drift() -> TableCreateStatement {
    Table::create()
        .table("member_drift")
        .col(uuid("group_binding_id"))
        .col(text("object_id"))
        .col(boolean("inside"))
        .col(boolean("told"))
        .col(big_integer("seen_at"))
        .primary_key(Index::create().col("group_binding_id").col("object_id"))
        .foreign_key(
            ForeignKey::create()
                .from("member_drift", "group_binding_id")
                .to("group_binding", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn untold() -> IndexCreateStatement {
    Index::create()
        .name("member_drift_untold")
        .table("member_drift")
        .col("group_binding_id")
        .and_where(Expr::col("told").not())
        .to_owned()
}
