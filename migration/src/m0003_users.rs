//! SCIM users and the addresses that they are looked up by.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, json_binary, json_binary_null, pk_uuid, text, text_null,
    uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(scim_user()).await?;
        manager.create_index(living_name()).await?;
        manager.create_index(tombstone_name()).await?;
        for (name, columns) in [
            ("scim_user_external_id", ["organization_id", "external_id"].as_slice()),
            ("scim_user_display_name", ["organization_id", "display_name_key"].as_slice()),
            ("scim_user_order", ["organization_id", "created_at", "id"].as_slice()),
            ("scim_user_active", ["organization_id", "active", "created_at", "id"].as_slice()),
        ] {
            manager.create_index(of_the_living(name, columns)).await?;
        }
        manager.create_table(user_email()).await?;
        manager.create_index(email_value()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["user_email", "scim_user"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// What is deleted is never looked up by these, and so not in them.
fn of_the_living(name: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table("scim_user").to_owned();
    for column in columns {
        index.col(*column);
    }
    index.and_where(Expr::col("deleted_at").is_null()).to_owned()
}

fn scim_user() -> TableCreateStatement {
    Table::create()
        .table("scim_user")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid_null("connection_id"))
        .col(big_integer("version"))
        .col(text("user_name"))
        .col(text("user_name_key"))
        .col(text_null("external_id"))
        .col(text_null("display_name_key"))
        .col(boolean("active"))
        .col(json_binary("resource"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(big_integer_null("deleted_at"))
        .col(json_binary_null("rollback"))
        .foreign_key(
            ForeignKey::create()
                .from("scim_user", "organization_id")
                .to("organization", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("scim_user", "connection_id")
                .to("connection", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .to_owned()
}

/// A tombstone frees its name.
fn living_name() -> IndexCreateStatement {
    Index::create()
        .name("scim_user_living_name")
        .table("scim_user")
        .col("organization_id")
        .col("user_name_key")
        .unique()
        .and_where(Expr::col("deleted_at").is_null())
        .to_owned()
}

fn tombstone_name() -> IndexCreateStatement {
    Index::create()
        .name("scim_user_tombstone_name")
        .table("scim_user")
        .col("organization_id")
        .col("user_name_key")
        .and_where(Expr::col("deleted_at").is_not_null())
        .to_owned()
}

fn user_email() -> TableCreateStatement {
    Table::create()
        .table("user_email")
        .col(uuid("user_id"))
        .col(integer("position"))
        .col(uuid("organization_id"))
        .col(text("value_key"))
        .primary_key(Index::create().col("user_id").col("position"))
        .foreign_key(
            ForeignKey::create()
                .from("user_email", "user_id")
                .to("scim_user", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn email_value() -> IndexCreateStatement {
    Index::create()
        .name("user_email_value")
        .table("user_email")
        .col("organization_id")
        .col("value_key")
        .to_owned()
}
