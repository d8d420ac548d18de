//! What the tests of the directory share: a directory over a database of either kind, without a worker.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::caller::{Caller, Origin};
use super::connections::{Connection, Wish};
use super::handover::Handover;
use super::settle::{Pushed, Wait};
use super::users::UserView;
use super::{Directory, DomainName, Error, NewConnection, NewCredential};
use crate::clock::Clock;
use crate::ids::{ConnectionId, OrganizationId};
use crate::insights::Query;
use crate::scim::resource::Input;
use crate::scim::{Dialect, Resource, USER};
use crate::secret::MasterKey;
use crate::settings::Settings;
use crate::store::testing::{address, new_organization, options};
use crate::store::{Sealed, Store, events, grants};

pub(super) use crate::store::testing::Backend;

/// When the tests begin (ms).
pub(super) const START: i64 = 1_800_000_000_000;

/// A directory with one organization and no connection.
pub(super) struct World {
    pub(super) directory: Arc<Directory>,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) organization: OrganizationId,
    _folder: TempDir,
    _database: Option<TempDir>,
}

/// `None` where PostgreSQL is left out.
pub(super) async fn world(backend: Backend) -> Option<World> {
    world_with(backend, Settings::default()).await
}

pub(super) async fn world_with(backend: Backend, defaults: Settings) -> Option<World> {
    let (url, database) = address(backend).await?;
    let store = Store::open(options(&url)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = MasterKey::load_or_create(folder.path()).unwrap();
    let clock = Clock::fixed(START);
    let directory = Directory::new(store.clone(), clock.clone(), key, defaults, true, Handover::default());
    let organization = new_organization(&store).await;
    Some(World {
        directory: Arc::new(directory),
        store,
        clock,
        organization,
        _folder: folder,
        _database: database,
    })
}

/// A connection by a client secret for this domain.
pub(super) fn new(name: &str, domains: &[&str]) -> NewConnection {
    let domains: Vec<DomainName> = domains.iter().map(|name| DomainName::parse(name).unwrap()).collect();
    NewConnection {
        name: name.to_owned(),
        cloud: "global".to_owned(),
        hosts: None,
        tenant: "contoso.example".to_owned(),
        client_id: "client".to_owned(),
        credential: NewCredential::ClientSecret("secret".into()),
        domains: if domains.is_empty() { Wish::All } else { Wish::Named(domains) },
        default_domain: None,
        settings: json!({}),
    }
}

impl World {
    pub(super) fn origin(&self) -> Origin {
        Origin::command_line(self.clock.uuid())
    }

    pub(super) async fn connect(&self, new: NewConnection) -> ConnectionId {
        self.directory.add_connection(self.organization, new, self.origin()).await.unwrap()
    }

    pub(super) async fn connection(&self, id: ConnectionId) -> Connection {
        self.directory.connection_of(self.organization, id).await.unwrap()
    }

    /// The refresh token that is kept for a connection.
    pub(super) async fn refresh_token(&self, id: ConnectionId) -> Option<String> {
        let grant = grants::get(&self.store, id).await.unwrap()?;
        Some(self.opened(&grant.refresh_token, id))
    }

    /// What is sealed in a connection or its grant.
    pub(super) fn opened(&self, sealed: &Sealed, id: ConnectionId) -> String {
        self.directory.key.open(sealed, id.0).unwrap().expose_secret().to_owned()
    }

    fn caller(&self) -> Caller {
        Caller {
            organization: self.organization,
            upstream: None,
            dialect: Dialect::Auto,
            origin: self.origin(),
        }
    }

    /// Pushes a user and does not wait for Microsoft.
    pub(super) async fn push(&self, body: Value) -> Result<UserView, Error> {
        self.push_and_wait(body, Wait::Not).await.map(Pushed::view)
    }

    pub(super) async fn push_and_wait(&self, body: Value, wait: Wait) -> Result<Pushed<UserView>, Error> {
        self.directory.create_user(&self.caller(), input(body), wait).await
    }

    /// Replaces a user.
    pub(super) async fn put(&self, user: &UserView, body: Value) -> Result<UserView, Error> {
        let replaced = self
            .directory
            .replace_user(&self.caller(), user.id, input(body), super::Precondition::None, Wait::Not)
            .await;
        replaced.map(Pushed::view)
    }

    pub(super) async fn delete(&self, user: &UserView) -> Result<(), Error> {
        let none = super::Precondition::None;
        self.directory.delete_user(&self.caller(), user.id, none, Wait::Not).await
    }

    /// The types of the events that were written, in the order of the alphabet, since the clock stands; failures with an
    /// exclamation mark.
    pub(super) async fn told(&self) -> Vec<String> {
        let events = self.events().await;
        let name = |event: &Value| {
            let mark = if event["success"] == json!(true) { "" } else { "!" };
            format!("{mark}{}", event["event_type"].as_str().unwrap())
        };
        let mut told: Vec<String> = events.iter().map(name).collect();
        told.sort_unstable();
        told
    }

    pub(super) async fn events(&self) -> Vec<Value> {
        let query = json!({ "service": ["all"], "start_time": "2000-01-01" });
        let query = Query { end: None, ..Query::parse(&query).unwrap() };
        events::page(&self.store, self.organization, &query).await.unwrap().documents
    }
}

pub(super) fn input(body: Value) -> Input {
    Resource::parse(&USER, body, Dialect::Auto).unwrap()
}

pub(super) fn person(user_name: &str) -> Value {
    json!({ "userName": user_name, "displayName": user_name, "name": { "givenName": "Ann" } })
}
