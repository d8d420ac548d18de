//! Where the database is.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::Error;

/// How many connections a store keeps when nobody says.
const MAX_CONNECTIONS: u32 = 10;

/// What a [`Store`](super::Store) is opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://path` or `postgres://user:password@host/database`.
    pub url: SecretString,
    /// At most so many connections; on SQLite this counts those that read.
    pub max_connections: u32,
}

impl From<&str> for Options {
    fn from(url: &str) -> Self {
        Self::from(SecretString::from(url))
    }
}

impl From<String> for Options {
    fn from(url: String) -> Self {
        Self::from(SecretString::from(url))
    }
}

impl From<SecretString> for Options {
    fn from(url: SecretString) -> Self {
        Self { url, max_connections: MAX_CONNECTIONS }
    }
}

/// A checked address. `Display` never shows a password.
pub(super) enum Address {
    /// The whole address of a file.
    Sqlite(String),
    /// The whole address of a server's database.
    Postgres(Url),
}

impl Address {
    pub(super) fn parse(options: &Options) -> Result<Self, Error> {
        let url = options.url.expose_secret();
        if let Some(path) = url.strip_prefix("sqlite:") {
            let file = path.trim_start_matches("//");
            if file.is_empty()
                || file.starts_with('?')
                || file.contains(":memory:")
                || file.contains("mode=memory")
            {
                return Err(Error::InMemory);
            }
            return Ok(Self::Sqlite(url.to_owned()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Url::parse(url).map(Self::Postgres).map_err(|_| Error::Address);
        }
        Err(Error::Address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(url) => f.write_str(url),
            Self::Postgres(url) => {
                write!(f, "postgres://{}", url.host_str().unwrap_or("localhost"))?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("")]
    #[case("mysql://localhost/gangway")]
    #[case("postgres:/localhost")]
    #[case("postgres://host:notaport/x")]
    #[case("sqlite::memory:")]
    #[case("sqlite://")]
    #[case("sqlite://?mode=memory")]
    fn an_address_that_cannot_be_used_is_refused(#[case] url: &str) {
        assert!(Address::parse(&url.into()).is_err());
    }

    #[test]
    fn the_password_is_never_shown() {
        let options = Options::from("postgres://gangway:hunter2@db.example:5433/gangway?password=hunter2");
        assert!(!format!("{options:?}").contains("hunter2"));
        let address = Address::parse(&options).unwrap();
        assert_eq!(address.to_string(), "postgres://db.example:5433/gangway");
    }
}
