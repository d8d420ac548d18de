//! How a connection signs in, from flags and the environment. A secret is never a flag: others would see it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use secrecy::SecretString;

use crate::directory::NewCredential;

/// Where a client secret is read from.
const SECRET: &str = "GANGWAY_CLIENT_SECRET";
/// A certificate with its key is a few thousand bytes.
const LARGEST: u64 = 256 * 1024;

/// How the connection signs in; without any of these by the application's client secret, read from
/// `GANGWAY_CLIENT_SECRET`.
#[derive(clap::Args)]
#[group(id = "way_to_sign_in", multiple = false)]
pub(in crate::cli) struct Credential {
    /// Sign in by a certificate: a PEM file with the certificate and its private key
    #[arg(long)]
    certificate: Option<PathBuf>,
    /// Sign in by a workload identity: the file in which another issuer keeps a fresh token
    #[arg(long)]
    federated_token_file: Option<PathBuf>,
    /// Sign in for an administrator, who authorizes it in the browser; the application's secret, if it has one, is read
    /// from `GANGWAY_CLIENT_SECRET`
    #[arg(long)]
    delegated: bool,
}

impl Credential {
    pub(super) fn read(self) -> anyhow::Result<NewCredential> {
        if let Some(path) = self.certificate {
            return certificate(&path).map(NewCredential::Certificate);
        }
        if let Some(path) = self.federated_token_file {
            let path = std::path::absolute(&path)
                .with_context(|| format!("{} is no path of a file", path.display()))?;
            return Ok(NewCredential::Federated(path));
        }
        let secret = env::var(SECRET).ok().filter(|secret| !secret.is_empty()).map(SecretString::from);
        if self.delegated {
            return Ok(NewCredential::Delegated(secret));
        }
        let secret = secret.with_context(|| {
            format!(
                "set {SECRET} to the application's client secret (a flag would show it to others), \
                 or give --certificate, --federated-token-file or --delegated"
            )
        })?;
        Ok(NewCredential::ClientSecret(secret))
    }
}

fn certificate(path: &Path) -> anyhow::Result<SecretString> {
    let shown = path.display();
    let about = fs::metadata(path).with_context(|| format!("the certificate {shown} cannot be read"))?;
    if !about.is_file() {
        bail!("{shown} is no file; give the PEM file with the certificate and its private key");
    }
    if about.len() > LARGEST {
        bail!("{shown} is too large to be a certificate with its private key");
    }
    let text = fs::read_to_string(path)
        .with_context(|| format!("the certificate {shown} cannot be read as text; it must be PEM"))?;
    Ok(SecretString::from(text))
}
