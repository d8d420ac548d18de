//! Which client a connection gets, and when another.

use futures_util::FutureExt as _;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;
use wiremock::matchers::{body_string_contains, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::ids::OrganizationId;
use crate::store::connections::{self, ConnectionState};
use crate::store::organizations::{self, Organization};

struct House {
    clients: Clients,
    store: Store,
    key: MasterKey,
    login: MockServer,
    _folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("gangway.db").display());
        let store = Store::open(url.as_str()).await.unwrap();
        let key = MasterKey::load_or_create(folder.path()).unwrap();
        let limit = Duration::from_secs(10);
        let clock = Clock::fixed(1_700_000_000_000);
        let clients = Clients::new(store.clone(), key.clone(), clock, None, limit, limit);
        Self { clients, store, key, login: MockServer::start().await, _folder: folder }
    }

    fn connection(&self, grant: GrantKind, credential: Option<&str>) -> Connection {
        let id = ConnectionId(Uuid::from_u128(7));
        Connection {
            id,
            organization: OrganizationId(Uuid::from_u128(1)),
            name: "contoso".to_owned(),
            cloud: "custom".to_owned(),
            login_url: Some(self.login.uri()),
            graph_url: Some(self.login.uri()),
            tenant: "contoso.example".to_owned(),
            client_id: "the-app".to_owned(),
            grant,
            credential: credential.map(|text| self.key.seal(&text.into(), id.0)),
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

    /// Puts the connection into the database, with a refresh token.
    async fn grant(&self, connection: &Connection, refresh: &str) {
        let sealed = self.key.seal(&refresh.into(), connection.id.0);
        let (connection, id) = (connection.clone(), connection.id);
        let organization =
            Organization { id: connection.organization, name: "contoso".to_owned(), created_at: 1 };
        let grant = grants::Grant {
            connection: id,
            refresh_token: sealed,
            user_id: "u".to_owned(),
            user_name: "admin@contoso.example".to_owned(),
            scopes: Vec::new(),
            granted_at: 1,
        };
        let work = self.store.write::<_, store::Error, _>(move |tx| {
            async move {
                organizations::insert(tx, &organization).await?;
                connections::insert(tx, &connection).await?;
                grants::put(tx, &grant).await
            }
            .boxed()
        });
        work.await.unwrap();
    }

    async fn tokens(&self, asked: &str, refresh: Option<&str>) {
        let mut body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "access"});
        if let Some(refresh) = refresh {
            body["refresh_token"] = json!(refresh);
        }
        let mock = Mock::given(method("POST")).and(body_string_contains(asked));
        mock.respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&self.login).await;
    }

    async fn asked(&self) -> usize {
        self.login.received_requests().await.unwrap().len()
    }

    async fn ensure(&self, connection: &Connection) {
        self.clients.of(connection).unwrap().ensure_token().await.unwrap();
    }
}

#[tokio::test]
async fn a_client_and_its_token_stay_until_the_credential_changes() {
    let house = House::new().await;
    house.tokens("client_secret=", None).await;
    let connection = house.connection(GrantKind::ClientSecret, Some("one"));
    house.ensure(&connection).await;
    let elsewhere = Connection {
        name: "renamed".to_owned(),
        state: ConnectionState::NeedsAuthorization,
        state_detail: Some("because".to_owned()),
        domains_read_at: Some(9),
        settings: json!({"on_delete": "block"}),
        ..connection.clone()
    };
    house.ensure(&elsewhere).await;
    assert_eq!(house.asked().await, 1);
    house.ensure(&house.connection(GrantKind::ClientSecret, Some("two"))).await;
    assert_eq!(house.asked().await, 2);
}

#[tokio::test]
async fn a_refresh_token_is_read_from_and_kept_in_the_database() {
    let house = House::new().await;
    house.tokens("refresh_token=r1", Some("r2")).await;
    let connection = house.connection(GrantKind::Delegated, None);
    let none = house.clients.of(&connection).unwrap().ensure_token().await.unwrap_err();
    assert!(none.needs_authorization());
    house.grant(&connection, "r1").await;
    house.ensure(&connection).await;
    let kept = grants::get(&house.store, connection.id).await.unwrap().unwrap();
    let token = house.key.open(&kept.refresh_token, connection.id.0).unwrap();
    assert_eq!((token.expose_secret(), kept.user_id.as_str()), ("r2", "u"));
    // The client is the same: it still has its token.
    house.ensure(&connection).await;
    assert_eq!(house.asked().await, 1);
}

#[tokio::test]
async fn a_new_authorisation_is_not_overwritten_by_the_old_one() {
    let house = House::new().await;
    let connection = house.connection(GrantKind::Delegated, None);
    house.grant(&connection, "r1").await;
    let grant = house.clients.grant(connection.id);
    assert_eq!((grant.load)().await.unwrap().unwrap().expose_secret(), "r1");
    let anew = house.key.seal(&"of another administrator".into(), connection.id.0);
    let (id, sealed) = (connection.id, anew.clone());
    let work = house
        .store
        .write::<_, store::Error, _>(move |tx| async move { grants::rotate(tx, id, &sealed).await }.boxed());
    work.await.unwrap();

    (grant.keep)("r2".into()).await.unwrap();

    let kept = grants::get(&house.store, connection.id).await.unwrap().unwrap();
    assert_eq!(kept.refresh_token, anew);
}

#[tokio::test]
async fn a_connection_that_is_gone_keeps_nothing() {
    let house = House::new().await;
    let grant = house.clients.grant(ConnectionId(Uuid::from_u128(9)));
    assert!((grant.load)().await.unwrap().is_none());
    assert!((grant.keep)("r2".into()).await.is_err());
}

#[tokio::test]
async fn an_identity_token_comes_from_the_file_that_is_named() {
    let house = House::new().await;
    house.tokens("client_assertion=aaa.bbb.ccc", None).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "aaa.bbb.ccc\n").unwrap();
    house.ensure(&house.connection(GrantKind::Federated, file.to_str())).await;
}

#[tokio::test]
async fn what_keeps_a_client_from_being_made_is_told() {
    let house = House::new().await;
    let refused = |connection: &Connection| house.clients.of(connection).unwrap_err().to_string();
    assert!(refused(&house.connection(GrantKind::ClientSecret, None)).contains("has no credential"));
    assert!(refused(&house.connection(GrantKind::Certificate, Some("x"))).contains("no private key"));
    assert!(refused(&house.connection(GrantKind::Federated, Some(""))).contains("token file"));
    assert!(refused(&house.connection(GrantKind::Delegated, Some(""))).contains("client secret is empty"));
    let other = ConnectionId(Uuid::from_u128(8));
    let moved = Connection { id: other, ..house.connection(GrantKind::ClientSecret, Some("one")) };
    assert!(refused(&moved).contains("cannot be read"));
    let simulated = Connection {
        cloud: SIMULATOR_CLOUD.to_owned(),
        ..house.connection(GrantKind::ClientSecret, Some("one"))
    };
    assert!(refused(&simulated).contains("belongs to the simulator"));
}

#[tokio::test]
async fn only_a_delegated_connection_is_authorised_in_the_browser() {
    let house = House::new().await;
    let by_secret = house.connection(GrantKind::ClientSecret, Some("one"));
    assert!(matches!(house.clients.application(&by_secret), Err(ClientError::NotDelegated(_))));
    assert!(house.clients.consent(&by_secret).is_ok());
    let public = house.clients.application(&house.connection(GrantKind::Delegated, None)).unwrap();
    assert!(matches!(public.credential, ApplicationCredential::None));
    let confidential = house.clients.application(&house.connection(GrantKind::Delegated, Some("s"))).unwrap();
    assert!(matches!(confidential.credential, ApplicationCredential::Secret(_)));
    assert!(!format!("{confidential:?} {:?}", house.clients).contains("\"s\""));
}

#[tokio::test]
async fn a_given_token_is_no_connections_own() {
    let house = House::new().await;
    let connection = house.connection(GrantKind::Delegated, None);
    house.clients.with_token(&connection, "access".into()).unwrap().ensure_token().await.unwrap();
    assert_eq!(house.asked().await, 0);
    assert!(house.clients.of(&connection).unwrap().ensure_token().await.is_err());
}
