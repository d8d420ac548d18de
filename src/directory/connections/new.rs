//! A connection as an administrator describes it: how it is added, changed and removed.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::fault::ConnectionError;
use super::telling::Tale;
use crate::directory::caller::Origin;
use crate::directory::{Directory, DomainName};
use crate::ids::{ConnectionId, OrganizationId};
use crate::insights::EventType;
use crate::store::connections::{self, Connection, ConnectionState, GrantKind};
use crate::store::domains::{self, Domain};
use crate::store::{self, Reads, Sealed, Tx, grants};

/// A Microsoft 365 tenant to be connected.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// Unique in the organization.
    pub name: String,
    /// `global`, `us-gov`, `us-dod`, `china` or `simulator`.
    pub cloud: String,
    /// The login host and the Graph host, where they are not the cloud's own.
    pub hosts: Option<(String, String)>,
    /// The tenant's id or one of its domains.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// How it signs in.
    pub credential: NewCredential,
    /// The domains whose users belong to it.
    pub domains: Wish,
    /// The domain for users whose own is not the tenant's; else the tenant's own default.
    pub default_domain: Option<DomainName>,
    /// What differs from the installation's defaults; a JSON object.
    pub settings: Value,
}

/// How a connection signs in.
#[derive(Clone, Debug)]
pub enum NewCredential {
    /// As the application, by its client secret.
    ClientSecret(SecretString),
    /// As the application, by its certificate: the certificate and its private key, both in PEM.
    Certificate(SecretString),
    /// As the application, by the token in this file, which another issuer keeps fresh.
    Federated(PathBuf),
    /// For the administrator who signs in in the browser; with the application's secret, where it has one.
    Delegated(Option<SecretString>),
}

/// Which of the tenant's domains a connection takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// All that the tenant has verified.
    All,
    /// These, once the tenant says that it has verified them; until it is asked they are taken on trust.
    Named(Vec<DomainName>),
}

impl NewCredential {
    fn grant(&self) -> GrantKind {
        match self {
            Self::ClientSecret(_) => GrantKind::ClientSecret,
            Self::Certificate(_) => GrantKind::Certificate,
            Self::Federated(_) => GrantKind::Federated,
            Self::Delegated(_) => GrantKind::Delegated,
        }
    }

    fn secret(&self) -> Result<Option<SecretString>, ConnectionError> {
        match self {
            Self::ClientSecret(secret) | Self::Certificate(secret) => Ok(Some(secret.clone())),
            Self::Federated(path) => Ok(Some(path.to_str().ok_or(ConnectionError::Path)?.into())),
            Self::Delegated(secret) => Ok(secret.clone()),
        }
    }
}

impl Directory {
    /// The row of a new connection, checked as far as that goes without the database: for a look at whether a client
    /// can be made of it.
    pub fn draft(
        &self,
        organization: OrganizationId,
        new: &NewConnection,
    ) -> Result<Connection, ConnectionError> {
        let id = ConnectionId(self.clock.uuid());
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 64 || new.name.chars().any(char::is_control) {
            return Err(ConnectionError::Name);
        }
        self.settings(&new.settings)?;
        let wished: Option<Vec<String>> = match &new.domains {
            Wish::All => None,
            Wish::Named(named) if named.is_empty() => {
                return Err(ConnectionError::NoDomain(new.name.clone()));
            }
            Wish::Named(named) => Some(named.iter().map(ToString::to_string).collect()),
        };
        let default = new.default_domain.as_ref().map(ToString::to_string);
        if let (Some(default), Some(wished)) = (&default, &wished)
            && !wished.contains(default)
        {
            return Err(ConnectionError::DefaultDomain(default.clone()));
        }
        let first = wished.as_ref().and_then(|wished| wished.first().cloned());
        let (login_url, graph_url) = new.hosts.clone().unzip();
        let credential = new.credential.secret()?;
        let state = state_of(new.credential.grant(), false);
        Ok(Connection {
            id,
            organization,
            name: new.name.clone(),
            cloud: new.cloud.clone(),
            login_url,
            graph_url,
            tenant: new.tenant.clone(),
            client_id: new.client_id.clone(),
            grant: new.credential.grant(),
            credential: credential.map(|secret| self.seal(&secret, id)),
            settings: new.settings.clone(),
            // Until the tenant says which is its own.
            default_domain: default.clone().or(first),
            state,
            state_detail: (state == ConnectionState::NeedsAuthorization).then(|| UNAUTHORIZED.to_owned()),
            clearing: false,
            wished_domains: wished,
            wished_default: default,
            domains_read_at: None,
            created_at: self.clock.millis(),
        })
    }

    /// Connects a tenant: its users are routed there from now on.
    pub async fn add_connection(
        self: &Arc<Self>,
        organization: OrganizationId,
        new: NewConnection,
        origin: Origin,
    ) -> Result<ConnectionId, ConnectionError> {
        let connection = self.draft(organization, &new)?;
        let (this, row) = (Arc::clone(self), connection.clone());
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let connection = row;
                    this.prepare_tale(tx, organization).await?;
                    this.insert_connection(tx, &connection).await?;
                    this.tell(tx, &connection, &origin, Tale::success(EventType::ConnectionActivate)).await?;
                    for name in connection.wished_domains.iter().flatten() {
                        let tale = Tale::success(EventType::DomainAdd).of_domain(name);
                        this.tell(tx, &connection, &origin, tale).await?;
                    }
                    Ok::<_, ConnectionError>(())
                })
            })
            .await?;
        self.bind_waiting(&connection, connection.wished_domains.as_deref().unwrap_or_default()).await?;
        Ok(connection.id)
    }

    /// Writes the connection and the domains that were named.
    pub(in crate::directory) async fn insert_connection(
        &self,
        tx: &Tx,
        connection: &Connection,
    ) -> Result<(), ConnectionError> {
        connections::insert(tx, connection).await?;
        for name in connection.wished_domains.iter().flatten() {
            let domain = Domain {
                name: name.clone(),
                organization: connection.organization,
                connection: connection.id,
                is_default: connection.default_domain.as_ref() == Some(name),
                federated: false,
                created_at: connection.created_at,
            };
            match domains::insert(tx, &domain).await {
                Ok(()) => {}
                Err(store::Error::Taken(_)) => {
                    let owner = self.owner_in_words(tx, connection.organization, name).await?;
                    return Err(ConnectionError::DomainTaken { domain: name.clone(), owner });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Who has a domain, as a part of a sentence: not told where it is another organization.
    pub(super) async fn owner_in_words(
        &self,
        reads: &impl Reads,
        organization: OrganizationId,
        domain: &str,
    ) -> Result<String, store::Error> {
        let Some(domain) = domains::get(reads, organization, domain).await? else {
            return Ok(String::new());
        };
        let owner = connections::get(reads, organization, domain.connection).await?;
        Ok(owner.map(|owner| format!(" by the connection \"{}\"", owner.name)).unwrap_or_default())
    }

    /// The connection of that name, or with that id.
    pub async fn connection_named(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Connection, ConnectionError> {
        if let Some(found) = connections::by_name(&self.store, organization, name).await? {
            return Ok(found);
        }
        let by_id = match name.parse() {
            Ok(id) => connections::get(&self.store, organization, id).await?,
            Err(_) => None,
        };
        by_id.ok_or_else(|| ConnectionError::NoSuch(name.to_owned()))
    }

    /// The domains of one connection, by name.
    pub async fn domains_of(&self, connection: &Connection) -> Result<Vec<Domain>, store::Error> {
        domains::of_connection(&self.store, connection.organization, connection.id).await
    }

    /// Puts a new way to sign in into a connection's row, for a look at whether a client can be made of it.
    pub fn recredential(
        &self,
        connection: &mut Connection,
        new: &NewCredential,
    ) -> Result<(), ConnectionError> {
        let secret = new.secret()?;
        connection.grant = new.grant();
        connection.credential = secret.map(|secret| self.seal(&secret, connection.id));
        Ok(())
    }

    /// Replaces how the connection signs in. What waits is due at once.
    pub async fn set_credential(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        new: NewCredential,
    ) -> Result<Connection, ConnectionError> {
        let this = Arc::clone(self);
        let changed = self
            .change(organization, id, move |tx, connection| {
                Box::pin(async move {
                    this.recredential(connection, &new)?;
                    let granted = grants::get(tx, connection.id).await?.is_some();
                    if connection.is_in_use() {
                        connection.state = state_of(connection.grant, granted);
                        connection.state_detail = None;
                    }
                    if connection.state == ConnectionState::NeedsAuthorization {
                        connection.state_detail = Some(UNAUTHORIZED.to_owned());
                    }
                    this.make_due(tx, connection).await
                })
            })
            .await?;
        self.handover.resume(id);
        Ok(changed)
    }

    /// Sets, or with `None` takes back, settings by their dotted names, such as `password.max`: all of them or none.
    pub async fn set_settings(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
        changes: Vec<(String, Option<Value>)>,
    ) -> Result<Connection, ConnectionError> {
        let this = Arc::clone(self);
        self.change(organization, id, move |_, connection| {
            Box::pin(async move {
                for (key, value) in changes {
                    set_key(&mut connection.settings, &key, value);
                }
                this.settings(&connection.settings)?;
                Ok(())
            })
        })
        .await
    }

    /// Removes a connection that is not in use: its domains are free, its users are kept and bound to nothing.
    pub async fn remove_connection(
        self: &Arc<Self>,
        organization: OrganizationId,
        id: ConnectionId,
    ) -> Result<(), ConnectionError> {
        let connection = connections::get(&self.store, organization, id).await?;
        let connection = connection.ok_or_else(|| ConnectionError::NoSuch(id.to_string()))?;
        if connection.is_in_use() {
            return Err(ConnectionError::InUse(connection.name));
        }
        self.clear(&connection).await?;
        let remove = async move |tx: &Tx| {
            let still = connections::lock(tx, organization, id).await?;
            match still {
                Some(found) if found.is_in_use() => Err(ConnectionError::InUse(found.name)),
                _ => Ok(connections::remove(tx, organization, id).await.map(|_| ())?),
            }
        };
        self.store.write(move |tx| Box::pin(async move { remove(tx).await })).await
    }

    pub(in crate::directory) fn seal(&self, secret: &SecretString, id: ConnectionId) -> Sealed {
        self.key.seal(secret, id.0)
    }
}

/// What an administrator reads of a connection that nobody has authorized yet.
const UNAUTHORIZED: &str = "No administrator has signed in for this connection yet.";

/// Without a grant there is nothing that a delegated connection could sign in with.
fn state_of(grant: GrantKind, granted: bool) -> ConnectionState {
    if grant == GrantKind::Delegated && !granted {
        ConnectionState::NeedsAuthorization
    } else {
        ConnectionState::Active
    }
}

/// Reads `KEY=VALUE`. The value is JSON, or else the text itself; without a value the setting is taken back.
pub fn parse_setting(text: &str) -> Result<(String, Option<Value>), ConnectionError> {
    let no_setting = || ConnectionError::NoSetting(text.to_owned());
    let (key, value) = text.split_once('=').ok_or_else(no_setting)?;
    let key = key.trim();
    if key.split('.').any(|part| part.trim().is_empty()) {
        return Err(no_setting());
    }
    let value =
        (!value.is_empty()).then(|| serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)));
    Ok((key.to_owned(), value))
}

/// The settings that these changes make of none.
pub fn settings_of(changes: Vec<(String, Option<Value>)>) -> Value {
    let mut settings = Value::Object(Map::new());
    for (key, value) in changes {
        set_key(&mut settings, &key, value);
    }
    settings
}

/// Sets or removes what a dotted name stands for; objects that are left empty go with it.
pub(super) fn set_key(settings: &mut Value, key: &str, value: Option<Value>) {
    if !settings.is_object() {
        *settings = Value::Object(Map::new());
    }
    let Some(object) = settings.as_object_mut() else {
        return;
    };
    let Some((first, rest)) = key.split_once('.') else {
        match value {
            Some(value) => object.insert(key.to_owned(), value),
            None => object.remove(key),
        };
        return;
    };
    if value.is_none() && !object.contains_key(first) {
        return;
    }
    let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
    set_key(inner, rest, value);
    if inner.as_object().is_some_and(Map::is_empty) {
        object.remove(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("password.max=64", "password.max", Some(json!(64)))]
    #[case("photo=true", "photo", Some(json!(true)))]
    #[case("usage_location=NO", "usage_location", Some(json!("NO")))]
    #[case("never_touch=[\"a@b.example\"]", "never_touch", Some(json!(["a@b.example"])))]
    #[case("drift.interval=15m", "drift.interval", Some(json!("15m")))]
    #[case("on_delete=", "on_delete", None)]
    #[case(" on_delete =a=b", "on_delete", Some(json!("a=b")))]
    fn a_setting_is_read(#[case] text: &str, #[case] key: &str, #[case] value: Option<Value>) {
        assert_eq!(parse_setting(text).unwrap(), (key.to_owned(), value));
    }

    #[rstest]
    #[case("password")]
    #[case("=1")]
    #[case("password.=1")]
    #[case(".max=1")]
    fn what_is_no_setting_is_refused(#[case] text: &str) {
        assert!(matches!(parse_setting(text), Err(ConnectionError::NoSetting(_))));
    }

    #[test]
    fn settings_are_set_and_taken_back_by_their_names() {
        let mut settings = json!({ "password": { "min": 8 } });
        set_key(&mut settings, "password.max", Some(json!(64)));
        set_key(&mut settings, "photo", Some(json!(true)));
        assert_eq!(settings, json!({ "password": { "min": 8, "max": 64 }, "photo": true }));
        set_key(&mut settings, "password.min", None);
        set_key(&mut settings, "password.max", None);
        set_key(&mut settings, "drift.interval", None);
        assert_eq!(settings, json!({ "photo": true }));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", parts in proptest::collection::vec("[a-z.=]{0,8}", 0..6)) {
            for text in [text, parts.join("=")] {
                if let Ok((key, value)) = parse_setting(&text) {
                    let mut settings = json!({ "a": 1 });
                    set_key(&mut settings, &key, value);
                    prop_assert!(settings.is_object());
                }
            }
        }
    }
}
