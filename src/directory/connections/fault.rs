//! Why a connection was not changed. Each message says what to do.

use crate::settings::SettingsError;
use crate::store;

/// Why a connection was not changed. Nothing of the change took effect.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No such connection in this organization.
    #[error("there is no connection \"{0}\"; `gangway connection list` shows those that there are")]
    NoSuch(String),
    /// A name that cannot be shown.
    #[error("a connection's name has 1 to 64 characters without control characters; choose another")]
    Name,
    /// Another connection has the domain.
    #[error(
        "the domain {domain} is taken already{owner}: a domain belongs to one connection; leave it out, or remove it there first"
    )]
    DomainTaken {
        /// The domain.
        domain: String,
        /// Who has it, as a part of the sentence, where that may be told.
        owner: String,
    },
    /// A list of domains without any.
    #[error("the connection \"{0}\" needs at least one domain, or no user would ever belong to it")]
    NoDomain(String),
    /// A default domain that is not among the domains.
    #[error(
        "the default domain {0} is none of the domains that were named; name it too, or choose another default"
    )]
    DefaultDomain(String),
    /// The connection must be switched off first.
    #[error("the connection \"{0}\" is in use; deactivate it first: `gangway connection deactivate {0}`")]
    InUse(String),
    /// The connection must be switched on first.
    #[error("the connection \"{0}\" is not in use; activate it first: `gangway connection activate {0}`")]
    NotInUse(String),
    /// The simulator decides over its own connection.
    #[error("the connection \"{0}\" is the simulator's, which is off; set simulator.mode to switch it on")]
    SimulatorOff(String),
    /// The connection does not sign in for a person.
    #[error(
        "the connection \"{0}\" signs in as the application, not for a person, so there is nothing to authorize; \
         replace its credential with `gangway connection credential` if it is no longer good"
    )]
    NotDelegated(String),
    /// A user who is to be bound again is none.
    #[error("there is no user \"{0}\"; give a userName or an id")]
    NoSuchUser(String),
    /// A user who is to be bound again belongs elsewhere.
    #[error("the user \"{user}\" does not belong to the connection \"{connection}\": {why}")]
    OtherUser {
        /// The userName.
        user: String,
        /// The connection's name.
        connection: String,
        /// Why not.
        why: String,
    },
    /// The tenant says that it has no verified domain, which no tenant can.
    #[error(
        "Microsoft 365 named no verified domain of the tenant, though every tenant has one; its domains stay as they were"
    )]
    NoVerifiedDomain,
    /// A setting that there is not, or a value that it cannot have.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// A setting without a value.
    #[error("\"{0}\" is no setting: write KEY=VALUE, such as password.max=64; KEY= takes a setting back")]
    NoSetting(String),
    /// The path of a token file must be text.
    #[error("the path of the federated token's file cannot be read as text; give it another name")]
    Path,
    /// A user cannot be bound.
    #[error(transparent)]
    User(Box<crate::directory::Error>),
    /// The database does not do its part.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<crate::directory::Error> for ConnectionError {
    fn from(error: crate::directory::Error) -> Self {
        match error {
            crate::directory::Error::Store(error) => Self::Store(error),
            crate::directory::Error::Settings(error) => Self::Settings(error),
            other => Self::User(Box::new(other)),
        }
    }
}
