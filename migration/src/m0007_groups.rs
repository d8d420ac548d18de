//! SCIM groups, their bindings and their members.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, boolean, integer, json_binary, json_binary_null, pk_uuid,
    small_integer_null, text, text_null, uuid, uuid_null, uuid_uniq,
};

use crate::statistics;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(scim_group()).await?;
        for (name, columns) in [
            ("scim_group_external_id", ["organization_id", "external_id"].as_slice()),
            ("scim_group_order", ["organization_id", "created_at", "id"].as_slice()),
        ] {
            let living = Expr::col("deleted_at").is_null();
            manager.create_index(index(name, "scim_group", columns).and_where(living).to_owned()).await?;
        }
        manager.get_connection().execute_unprepared(IDENTITY).await?;
        manager.create_table(group_binding()).await?;
        manager.create_index(queue()).await?;
        // Two groups never share one in Microsoft Graph: the second would overwrite the first.
        let of_connection = ["connection_id", "object_id"];
        let mut of_connection = index("group_binding_connection", "group_binding", &of_connection);
        manager.create_index(of_connection.unique().to_owned()).await?;
        manager.create_index(held()).await?;
        manager.create_table(membership()).await?;
        manager.create_index(index("membership_member", "membership", &["member_id", "wanted"])).await?;
        for (name, dirty) in [
            ("membership_to_add", Expr::col("wanted").and(Expr::col("given_as").is_null())),
            ("membership_to_remove", Expr::col("wanted").not()),
        ] {
            let mut pending = index(name, "membership", &["group_id", "member_id"]);
            manager.create_index(pending.and_where(dirty).to_owned()).await?;
        }
        statistics::assume(manager, STATISTICS).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["membership", "group_binding", "scim_group"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// Groups may share a name, but not name and externalId: a create that is sent twice makes one group. By the name they
/// are looked up, too.
const IDENTITY: &str = "CREATE UNIQUE INDEX scim_group_identity \
    ON scim_group (organization_id, display_name_key, COALESCE(external_id, '')) WHERE deleted_at IS NULL";

/// As many groups as an organization of 100,000 people has, one of them of all.
const STATISTICS: &[[&str; 3]] = &[
    ["scim_group", "sqlite_autoindex_scim_group_1", "10000 1"],
    ["scim_group", "scim_group_identity", "10000 10000 2 1"],
    ["scim_group", "scim_group_external_id", "10000 10000 1"],
    ["scim_group", "scim_group_order", "10000 10000 1 1"],
    ["membership", "sqlite_autoindex_membership_1", "1000000 1000 1"],
    ["membership", "membership_member", "1000000 10 10"],
    ["membership", "membership_to_add", "10000 1000 1"],
    ["membership", "membership_to_remove", "1000 100 1"],
];

fn index(name: &'static str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

fn scim_group() -> TableCreateStatement {
    Table::create()
        .table("scim_group")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid_null("connection_id"))
        .col(big_integer("version"))
        .col(text("display_name"))
        .col(text("display_name_key"))
        .col(text_null("external_id"))
        .col(json_binary("resource"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(big_integer_null("deleted_at"))
        .col(json_binary_null("rollback"))
        .foreign_key(
            ForeignKey::create()
                .from("scim_group", "organization_id")
                .to("organization", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("scim_group", "connection_id")
                .to("connection", "id")
                .on_delete(ForeignKeyAction::SetNull),
        )
        .to_owned()
}

fn group_binding() -> TableCreateStatement {
    Table::create()
        .table("group_binding")
        .col(pk_uuid("id"))
        .col(uuid("organization_id"))
        .col(uuid("connection_id"))
        .col(uuid_uniq("group_id"))
        .col(text_null("object_id"))
        .col(json_binary("given"))
        .col(big_integer("wanted_version"))
        .col(big_integer("given_version"))
        .col(small_integer_null("lane"))
        .col(big_integer("queued_at"))
        .col(integer("attempts"))
        .col(big_integer("next_attempt_at"))
        .col(uuid_null("lease_owner"))
        .col(big_integer("lease_until"))
        .col(json_binary_null("request"))
        .col(json_binary_null("failure"))
        .col(big_integer_null("given_at"))
        .foreign_key(
            ForeignKey::create()
                .from("group_binding", "group_id")
                .to("scim_group", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .foreign_key(
            ForeignKey::create()
                .from("group_binding", "connection_id")
                .to("connection", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

/// In the order in which work is taken; what has nothing to do is not in it.
fn queue() -> IndexCreateStatement {
    let mut queue = index("group_binding_queue", "group_binding", &["lane", "queued_at", "id"]);
    queue.and_where(Expr::col("lane").is_not_null()).to_owned()
}

fn held() -> IndexCreateStatement {
    let mut held = index("group_binding_held", "group_binding", &["lease_owner"]);
    held.and_where(Expr::col("lease_owner").is_not_null()).to_owned()
}

/// Without a foreign key to the member, which is a user or a group: the row outlives it until Microsoft Graph has taken
/// it out of the group.
fn membership() -> TableCreateStatement {
    Table::create()
        .table("membership")
        .col(uuid("group_id"))
        .col(uuid("member_id"))
        .col(uuid("organization_id"))
        .col(text("member_kind"))
        .col(boolean("wanted"))
        .col(text_null("given_as"))
        .primary_key(Index::create().col("group_id").col("member_id"))
        .foreign_key(
            ForeignKey::create()
                .from("membership", "group_id")
                .to("scim_group", "id")
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}
