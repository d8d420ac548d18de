//! Bindings, which are also the queue of the work.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob_null, integer, json_binary, json_binary_null, pk_uuid,
    small_integer_null, text_null, uuid, uuid_null, uuid_uniq,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(account_binding()).await?;
        manager.create_index(queue()).await?;
        manager.create_index(of_connection()).await?;
        manager.create_index(held()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("account_binding").to_owned()).await
    }
}

fn account_binding() -> TableCreateStatement {
    Table::create()
        .table("account_binding")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("connection_id"))
        .col(uuid_uniq("user_id"))
        .col(text_null("account_id"))
        .col(json_binary("given"))
        .col(big_integer("wanted_version"))
        .col(big_integer("given_version"))
        .col(small_integer_null("lane"))
        .col(big_integer("queued_at"))
        .col(integer("attempts"))
        .col(big_integer("next_attempt_at"))
        .col(uuid_null("lease_owner"))
        .col(big_integer("lease_until"))
        .col(blob_null("sealed_password"))
        .col(json_binary_null("request"))
        .col(json_binary_null("failure"))
        .col(big_integer_null("given_at"))
        .foreign_key(
            ForeignKey::create()
                .from("account_binding", "user_id")
                .to("scim_user", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("account_binding", "connection_id")
                .to("connection", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

/// In the order in which work is taken; what has nothing to do is not in it.
fn queue() -> IndexCreateStatement {
    Index::create()
        .name("account_binding_queue")
        .table("account_binding")
        .col("lane")
        .col("queued_at")
        .col("id")
        .and_where(Expr::col("lane").is_not_null())
        .to_owned()
}

fn of_connection() -> IndexCreateStatement {
    Index::create()
        // Two users never share an account: the second would overwrite the first.
        .name("account_binding_connection")
        .table("account_binding")
        .col("connection_id")
        .col("account_id")
        .unique()
        .to_owned()
}

fn held() -> IndexCreateStatement {
    Index::create()
        .name("account_binding_held")
        .table("account_binding")
        .col("lease_owner")
        .and_where(Expr::col("lease_owner").is_not_null())
        .to_owned()
}
