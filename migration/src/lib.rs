//! The changes of the database's tables, one file a change, in order. They run in a transaction of their own each, so
//! that a failure leaves no half schema, and the store runs all of them under one lock.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` elides them, and `async_trait` tells `T` from `T<'_>`"
)]

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

mod m0001_organizations;
mod m0002_connections;
mod m0003_users;
mod m0004_bindings;
mod m0005_events;
mod m0006_statistics;
mod m0007_groups;
mod m0008_managers;
mod m0009_counts;
mod m0010_authorization;
mod m0011_drift;
mod statistics;

/// All changes, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_organizations::Migration),
            Box::new(m0002_connections::Migration),
            Box::new(m0003_users::Migration),
            Box::new(m0004_bindings::Migration),
            Box::new(m0005_events::Migration),
            Box::new(m0006_statistics::Migration),
            Box::new(m0007_groups::Migration),
            Box::new(m0008_managers::Migration),
            Box::new(m0009_counts::Migration),
            Box::new(m0010_authorization::Migration),
            Box::new(m0011_drift::Migration),
        ]
    }
}
