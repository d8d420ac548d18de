//! How an application proves who it is, and on whose behalf.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use url::Url;

use super::token::{FileFault, TokenFault};
use super::{Certificate, ConfigurationError};
use crate::clock::Clock;

/// The longest identity token that is read from a file, in bytes; real ones have a few thousand.
const LONGEST_ASSERTION: u64 = 64 * 1024;

/// How a connection signs in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// As the application: the value of a client secret of the app registration.
    ClientSecret(SecretString),
    /// As the application: a certificate of the app registration.
    Certificate(Certificate),
    /// As the application: an identity token of another issuer that the app registration trusts (workload identity).
    Federated(FederatedToken),
    /// On behalf of the administrator who authorised the connection.
    Delegated(Delegated),
    /// One access token, for checks right after an authorisation. It is not replaced.
    Given(SecretString),
}

/// A file that another issuer's identity token is written to, as Kubernetes does. It is read anew for each access
/// token, since it is replaced every hour or so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FederatedToken {
    /// The file.
    pub file: PathBuf,
}

/// What a connection needs to act on behalf of an administrator.
#[derive(Clone, Debug)]
pub struct Delegated {
    /// How the application itself is known.
    pub application: ApplicationCredential,
    /// Where the refresh token is.
    pub grant: Grant,
}

/// How the application proves itself beside an administrator's authorisation.
#[derive(Clone, Debug)]
pub enum ApplicationCredential {
    /// Not at all: a public client.
    None,
    /// By the value of a client secret.
    Secret(SecretString),
    /// By a certificate.
    Certificate(Certificate),
}

/// Reads the newest refresh token; none when nobody has authorised the connection.
pub type LoadGrant = dyn Fn() -> BoxFuture<'static, Result<Option<SecretString>, String>> + Send + Sync;
/// Keeps the refresh token that has taken the place of the last one.
pub type KeepGrant = dyn Fn(SecretString) -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// Where the refresh token of a delegated connection is kept: not here, since it outlives the process and other
/// replicas replace it too. The errors are for the log.
#[derive(Clone)]
pub struct Grant {
    /// Asked before each access token.
    pub load: Arc<LoadGrant>,
    /// Called before the access token that came with the new refresh token is used.
    pub keep: Arc<KeepGrant>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grant(…)")
    }
}

/// What proves the application in one request for a token.
pub(super) enum Proof {
    None,
    Secret(SecretString),
    /// A signed JWT (RFC 7523 §2.2).
    Assertion(SecretString),
}

impl Credential {
    pub(super) fn check(&self) -> Result<(), ConfigurationError> {
        match self {
            Self::ClientSecret(secret) => check_secret(secret),
            Self::Federated(token) if token.file.as_os_str().is_empty() => Err(ConfigurationError::TokenFile),
            Self::Delegated(delegated) => delegated.application.check(),
            Self::Certificate(_) | Self::Federated(_) | Self::Given(_) => Ok(()),
        }
    }

    /// The certificate that it signs with.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Certificate(certificate)
            | Self::Delegated(Delegated {
                application: ApplicationCredential::Certificate(certificate),
                ..
            }) => Some(certificate),
            _ => None,
        }
    }
}

impl ApplicationCredential {
    pub(super) fn check(&self) -> Result<(), ConfigurationError> {
        match self {
            Self::Secret(secret) => check_secret(secret),
            Self::None | Self::Certificate(_) => Ok(()),
        }
    }

    /// What proves the application to the token endpoint `audience`.
    pub(super) fn proof(&self, audience: &Url, client_id: &str, clock: &Clock) -> Result<Proof, TokenFault> {
        match self {
            Self::None => Ok(Proof::None),
            Self::Secret(secret) => Ok(Proof::Secret(secret.clone())),
            Self::Certificate(certificate) => {
                certificate.assertion(audience, client_id, clock).map(Proof::Assertion)
            }
        }
    }
}

fn check_secret(secret: &SecretString) -> Result<(), ConfigurationError> {
    if secret.expose_secret().is_empty() {
        return Err(ConfigurationError::ClientSecret);
    }
    Ok(())
}

impl FederatedToken {
    /// The identity token that the file holds now.
    pub(super) async fn read(&self) -> Result<SecretString, TokenFault> {
        let unreadable = |error| {
            tracing::debug!(%error, "the file of the identity token cannot be read");
            TokenFault::AssertionFile(FileFault::Unreadable)
        };
        // What is no file can keep its reader waiting for ever.
        if !tokio::fs::metadata(&self.file).await.map_err(unreadable)?.is_file() {
            return Err(TokenFault::AssertionFile(FileFault::Unreadable));
        }
        let file = File::open(&self.file).await.map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(LONGEST_ASSERTION + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
        identity_token(bytes).map_err(TokenFault::AssertionFile)
    }
}

/// What is in the file, if it looks like a signed JWT (RFC 7515 §7.1).
fn identity_token(bytes: Vec<u8>) -> Result<SecretString, FileFault> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST_ASSERTION) {
        return Err(FileFault::TooLong);
    }
    let text = SecretString::from(String::from_utf8(bytes).map_err(|_| FileFault::NotAToken)?);
    let token = text.expose_secret().trim();
    if token.is_empty() {
        return Err(FileFault::Empty);
    }
    let base64url = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let parts: Vec<&str> = token.split('.').collect();
    if parts.len() != 3 || parts.iter().any(|part| part.is_empty() || !part.chars().all(base64url)) {
        return Err(FileFault::NotAToken);
    }
    Ok(token.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(" aGVh.cGF5-_.c2ln\n", Ok("aGVh.cGF5-_.c2ln"))]
    #[case("", Err(FileFault::Empty))]
    #[case(" \r\n", Err(FileFault::Empty))]
    #[case("a.b", Err(FileFault::NotAToken))]
    #[case("a..c", Err(FileFault::NotAToken))]
    #[case("a.b.c.d", Err(FileFault::NotAToken))]
    #[case("a.b c.d", Err(FileFault::NotAToken))]
    #[case("<html>not.a.token</html>", Err(FileFault::NotAToken))]
    fn an_identity_token_is_told_from_other_files(
        #[case] text: &str,
        #[case] expected: Result<&str, FileFault>,
    ) {
        let read = identity_token(text.as_bytes().to_vec());
        assert_eq!(read.as_ref().map(ExposeSecret::expose_secret), expected.as_ref().copied());
    }

    #[tokio::test]
    async fn a_file_is_read_in_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let token = FederatedToken { file: folder.path().join("token") };
        let fault = |fault| TokenFault::AssertionFile(fault);
        assert_eq!(token.read().await.unwrap_err(), fault(FileFault::Unreadable));
        std::fs::write(&token.file, "a".repeat(70_000)).unwrap();
        assert_eq!(token.read().await.unwrap_err(), fault(FileFault::TooLong));
        std::fs::write(&token.file, [0xff, 0xfe]).unwrap();
        assert_eq!(token.read().await.unwrap_err(), fault(FileFault::NotAToken));
        std::fs::write(&token.file, "a.b.c").unwrap();
        assert_eq!(token.read().await.unwrap().expose_secret(), "a.b.c");
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = identity_token(bytes);
        }
    }
}
