//! Who a user's manager is, as a column: when a manager comes or goes, those who report to them are looked up.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::uuid_null;
use sea_orm_migration::sea_orm::DbBackend;

use crate::statistics;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = Table::alter().table("scim_user").add_column(uuid_null("manager_id")).to_owned();
        manager.alter_table(column).await?;
        let fill = match manager.get_database_backend() {
            DbBackend::Sqlite => FILL_SQLITE,
            _ => FILL_POSTGRES,
        };
        manager.get_connection().execute_unprepared(fill).await?;
        let reports = Index::create()
            .name("scim_user_manager")
            .table("scim_user")
            .col("organization_id")
            .col("manager_id")
            .and_where(Expr::col("deleted_at").is_null())
            .to_owned();
        manager.create_index(reports).await?;
        statistics::assume(manager, &[["scim_user", "scim_user_manager", "100000 100000 10"]]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name("scim_user_manager").table("scim_user").to_owned()).await?;
        let column = Table::alter().table("scim_user").drop_column("manager_id").to_owned();
        manager.alter_table(column).await
    }
}

/// A UUID is 16 bytes in SQLite. What is none cannot be anybody's id and stays NULL.
const FILL_SQLITE: &str = "
    WITH named AS (SELECT id AS user_id, unhex(replace(
        resource -> 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User' -> 'manager' ->> 'value', '-', ''
    )) AS manager_id FROM scim_user)
    UPDATE scim_user SET manager_id = named.manager_id FROM named
    WHERE named.user_id = scim_user.id AND length(named.manager_id) = 16";

const FILL_POSTGRES: &str = "
    UPDATE scim_user SET manager_id =
        (resource -> 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User' -> 'manager' ->> 'value')::uuid
    WHERE (resource -> 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User' -> 'manager' ->> 'value')
        ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'";
