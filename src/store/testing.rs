//! What the tests of the store share: a database of either kind, and rows to put into it.

use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait as _, DbBackend, StatementBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use super::bindings::{self, Binding, Lane};
use super::connections::{self, Connection, ConnectionState, GrantKind};
use super::group_bindings::{self, GroupBinding};
use super::groups::{self, Group};
use super::organizations::{self, Organization};
use super::sealed::Executor as _;
use super::users::{self, User};
use super::{Error, Options, Store, Tx};
use crate::clock::Clock;
use crate::ids::{BindingId, ConnectionId, GroupBindingId, GroupId, OrganizationId, UserId};

#[path = "../../tests/support/postgres.rs"]
mod postgres;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A database with one organization and one connection.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) organization: OrganizationId,
    pub(crate) connection: ConnectionId,
    _folder: Option<TempDir>,
}

/// An empty database's address; `None` where PostgreSQL is left out.
pub(crate) async fn address(backend: Backend) -> Option<(String, Option<TempDir>)> {
    match backend {
        Backend::Sqlite => {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}", folder.path().join("gangway.db").display());
            Some((url, Some(folder)))
        }
        Backend::Postgres => Some((postgres::new_database().await.unwrap()?, None)),
    }
}

pub(crate) fn options(url: &str) -> Options {
    Options { max_connections: 4, ..Options::from(url) }
}

/// `None` where PostgreSQL is left out.
pub(crate) async fn fixture(backend: Backend) -> Option<Fixture> {
    let (url, folder) = address(backend).await?;
    let store = Store::open(options(&url)).await.unwrap();
    let organization = new_organization(&store).await;
    let connection = new_connection(&store, organization).await;
    Some(Fixture { store, url, organization, connection, _folder: folder })
}

/// [`Store::write`] with the store's own error.
pub(crate) async fn write<T, F>(store: &Store, work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
{
    store.write(work).await
}

pub(crate) fn new_id() -> Uuid {
    Clock::system().uuid()
}

pub(crate) async fn new_organization(store: &Store) -> OrganizationId {
    let id = OrganizationId(new_id());
    let organization = Organization { id, name: id.to_string(), created_at: 1 };
    write(store, move |tx| Box::pin(async move { organizations::insert(tx, &organization).await }))
        .await
        .unwrap();
    id
}

pub(crate) async fn new_connection(store: &Store, organization: OrganizationId) -> ConnectionId {
    let connection = connection(organization);
    let id = connection.id;
    write(store, move |tx| Box::pin(async move { connections::insert(tx, &connection).await }))
        .await
        .unwrap();
    id
}

pub(crate) fn connection(organization: OrganizationId) -> Connection {
    let id = ConnectionId(new_id());
    Connection {
        id,
        organization,
        name: id.to_string(),
        cloud: "global".to_owned(),
        login_url: None,
        graph_url: None,
        tenant: "contoso.example".to_owned(),
        client_id: "client".to_owned(),
        grant: GrantKind::ClientSecret,
        credential: None,
        settings: json!({}),
        default_domain: None,
        state: ConnectionState::Active,
        state_detail: None,
        clearing: false,
        wished_domains: None,
        wished_default: None,
        domains_read_at: None,
        created_at: 1,
    }
}

pub(crate) fn user(organization: OrganizationId, name: &str) -> User {
    User {
        id: UserId(new_id()),
        organization,
        connection: None,
        version: 1,
        user_name: name.to_owned(),
        external_id: None,
        active: true,
        resource: json!({ "userName": name }),
        created_at: 1_000,
        updated_at: 1_000,
        deleted_at: None,
        rollback: None,
    }
}

/// With e-mail addresses.
pub(crate) fn mailed(mut user: User, addresses: &[&str]) -> User {
    let emails: Vec<Value> = addresses.iter().map(|value| json!({ "value": value })).collect();
    user.resource["emails"] = emails.into();
    user
}

pub(crate) async fn insert(store: &Store, user: &User) -> Result<(), Error> {
    let user = user.clone();
    write(store, move |tx| Box::pin(async move { users::insert(tx, &user).await })).await
}

pub(crate) async fn update(store: &Store, user: &User) -> Result<(), Error> {
    let user = user.clone();
    write(store, move |tx| Box::pin(async move { users::update(tx, &user).await })).await
}

pub(crate) fn binding(user: &User, connection: ConnectionId, lane: Option<Lane>, queued_at: i64) -> Binding {
    Binding {
        id: BindingId(new_id()),
        organization: user.organization,
        connection,
        user: user.id,
        account_id: None,
        given: json!({}),
        wanted_version: 1,
        given_version: 0,
        lane,
        queued_at,
        attempts: 0,
        next_attempt_at: 0,
        lease_owner: None,
        lease_until: 0,
        sealed_password: None,
        request: None,
        failure: None,
        given_at: None,
        drift: None,
        unverified_at: None,
    }
}

/// How SQLite would run a statement, step by step.
pub(crate) async fn plan(store: &Store, statement: &impl StatementBuilder) -> Vec<String> {
    let mut statement = DbBackend::Sqlite.build(statement);
    statement.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
    let rows = store.executor().query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect()
}

pub(crate) fn group(organization: OrganizationId, name: &str) -> Group {
    Group {
        id: GroupId(new_id()),
        organization,
        connection: None,
        version: 1,
        display_name: name.to_owned(),
        external_id: None,
        resource: json!({ "displayName": name }),
        created_at: 1_000,
        updated_at: 1_000,
        deleted_at: None,
        rollback: None,
    }
}

pub(crate) async fn insert_group(store: &Store, group: &Group) -> Result<(), Error> {
    let group = group.clone();
    write(store, move |tx| Box::pin(async move { groups::insert(tx, &group).await })).await
}

pub(crate) async fn update_group(store: &Store, group: &Group) -> Result<(), Error> {
    let group = group.clone();
    write(store, move |tx| Box::pin(async move { groups::update(tx, &group).await })).await
}

pub(crate) fn group_binding(
    group: &Group,
    connection: ConnectionId,
    lane: Option<Lane>,
    queued_at: i64,
) -> GroupBinding {
    GroupBinding {
        id: GroupBindingId(new_id()),
        organization: group.organization,
        connection,
        group: group.id,
        object_id: None,
        given: json!({}),
        wanted_version: 1,
        given_version: 0,
        lane,
        queued_at,
        attempts: 0,
        next_attempt_at: 0,
        lease_owner: None,
        lease_until: 0,
        request: None,
        failure: None,
        given_at: None,
        drift: None,
        unverified_at: None,
    }
}

impl Fixture {
    /// A new group with a binding that waits in `lane`.
    pub(crate) async fn queued_group(&self, lane: Lane, queued_at: i64) -> GroupBinding {
        let group = group(self.organization, &new_id().to_string());
        let binding = group_binding(&group, self.connection, Some(lane), queued_at);
        let row = binding.clone();
        write(&self.store, move |tx| {
            Box::pin(async move {
                groups::insert(tx, &group).await?;
                group_bindings::insert(tx, &row).await
            })
        })
        .await
        .unwrap();
        binding
    }

    /// A new user with a binding that waits in `lane`.
    pub(crate) async fn queued(&self, lane: Lane, queued_at: i64) -> Binding {
        let user = user(self.organization, &new_id().to_string());
        let binding = binding(&user, self.connection, Some(lane), queued_at);
        let row = binding.clone();
        write(&self.store, move |tx| {
            Box::pin(async move {
                users::insert(tx, &user).await?;
                bindings::insert(tx, &row).await
            })
        })
        .await
        .unwrap();
        binding
    }
}
