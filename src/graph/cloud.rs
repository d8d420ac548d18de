//! Where Microsoft's clouds are, and what a connection to a tenant in one needs.

use std::time::Duration;

use reqwest::redirect;
use time::OffsetDateTime;
use url::{Host, Url};

use super::Credential;
use super::client::reason;

/// The two hosts of a Microsoft cloud. They belong together: a token of one cloud is worthless in another
/// ("National cloud deployments").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    login: Url,
    graph: Url,
}

/// A setting that cannot work; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ConfigurationError {
    #[error("{url:?} is not the address of a host: write it as https://host, with nothing after it.")]
    NotAHost { url: String },
    #[error(
        "{url:?} is not encrypted: use https (plain http is only for this computer itself, such as http://127.0.0.1)."
    )]
    NotEncrypted { url: String },
    #[error(
        "{cloud:?} is not a cloud that Gangway knows: use global, us-gov, us-dod or china, or give both hosts."
    )]
    UnknownCloud { cloud: String },
    #[error(
        "{tenant:?} is not a tenant: use the tenant's id (a GUID) or one of its domains, not common or organizations."
    )]
    Tenant { tenant: String },
    #[error("The client id is empty: use the application (client) id of the app registration in Entra ID.")]
    ClientId,
    #[error(
        "The client secret is empty: use the value (not the id) of a client secret of the app registration."
    )]
    ClientSecret,
    #[error(
        "The text holds no certificate: give a PEM file with a CERTIFICATE section and the private key that belongs to it."
    )]
    NoCertificate,
    #[error(
        "The text holds no private key: give a PEM file with the certificate and its PRIVATE KEY section; a .cer or .crt file alone cannot sign."
    )]
    NoPrivateKey,
    #[error(
        "The private key is encrypted: decrypt it first, such as by openssl pkey -in key.pem -out plain.pem; Gangway keeps it sealed."
    )]
    EncryptedKey,
    #[error(
        "The private key is not an RSA key: Microsoft Entra ID takes RSA alone, so make a certificate with an RSA key of 2048 bits or more."
    )]
    NotRsa,
    #[error(
        "The private key cannot be read or is not of 2048 to 8192 bits: export it again as PEM (PKCS#8 or PKCS#1)."
    )]
    UnusableKey,
    #[error("The certificate cannot be read: export it again as PEM (X.509).")]
    UnreadableCertificate,
    #[error(
        "The private key does not belong to the certificate: put the two that were made together into one PEM file."
    )]
    OtherKey,
    #[error(
        "The certificate expired on {}: make a new one, upload it under Certificates & secrets of the app registration, and give it to the connection.",
        .0.date()
    )]
    ExpiredCertificate(OffsetDateTime),
    #[error(
        "The certificate is not valid before {0}: wait until then, or set the clock of this computer right."
    )]
    EarlyCertificate(OffsetDateTime),
    #[error(
        "The name of the token file is empty: give the path of the file that the identity token is written to."
    )]
    TokenFile,
    #[error("The HTTPS client could not be set up: check the certificates of this computer ({0}).")]
    Client(String),
}

impl Cloud {
    /// Microsoft 365 worldwide, also GCC.
    pub fn global() -> Result<Self, ConfigurationError> {
        Self::custom("https://login.microsoftonline.com", "https://graph.microsoft.com")
    }

    /// US Government L4 (GCC High).
    pub fn us_gov() -> Result<Self, ConfigurationError> {
        Self::custom("https://login.microsoftonline.us", "https://graph.microsoft.us")
    }

    /// US Government L5 (`DoD`).
    pub fn us_dod() -> Result<Self, ConfigurationError> {
        Self::custom("https://login.microsoftonline.us", "https://dod-graph.microsoft.us")
    }

    /// China, operated by 21Vianet.
    pub fn china() -> Result<Self, ConfigurationError> {
        Self::custom("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn")
    }

    /// The cloud of this name: `global`, `us-gov`, `us-dod` or `china`.
    pub fn named(name: &str) -> Result<Self, ConfigurationError> {
        match name {
            "global" => Self::global(),
            "us-gov" => Self::us_gov(),
            "us-dod" => Self::us_dod(),
            "china" => Self::china(),
            other => Err(ConfigurationError::UnknownCloud { cloud: other.to_owned() }),
        }
    }

    /// A cloud of one's own: two origins, `https`, or `http` on a loopback address.
    pub fn custom(login: &str, graph: &str) -> Result<Self, ConfigurationError> {
        Ok(Self { login: origin(login)?, graph: origin(graph)? })
    }

    /// The host that gives tokens.
    pub fn login(&self) -> &Url {
        &self.login
    }

    /// The host of Microsoft Graph.
    pub fn graph(&self) -> &Url {
        &self.graph
    }

    /// The resource in scopes and audiences: Graph's host without a slash at its end.
    pub(super) fn resource(&self) -> String {
        self.graph.origin().ascii_serialization()
    }

    /// What the login host serves for `tenant` at `path`.
    pub(super) fn login_page(&self, tenant: &str, path: &str) -> Result<Url, ConfigurationError> {
        let page = self.login.join(&format!("/{tenant}/{path}"));
        page.map_err(|_| ConfigurationError::Tenant { tenant: tenant.to_owned() })
    }

    /// An HTTP client that reaches this cloud only: it follows no redirects, and no proxy gets what is not encrypted.
    pub(super) fn http(
        &self,
        timeout: Duration,
        connect_timeout: Duration,
    ) -> Result<reqwest::Client, ConfigurationError> {
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(timeout)
            .connect_timeout(connect_timeout)
            .https_only(!self.is_plain())
            .user_agent(concat!("Gangway/", env!("CARGO_PKG_VERSION")));
        if self.is_plain() {
            http = http.no_proxy();
        }
        http.build().map_err(|error| ConfigurationError::Client(reason(error)))
    }

    /// Whether one of the two is reached without encryption, which is on this computer.
    pub(super) fn is_plain(&self) -> bool {
        [&self.login, &self.graph].iter().any(|url| url.scheme() == "http")
    }
}

fn origin(text: &str) -> Result<Url, ConfigurationError> {
    // What stands before an @ may be a password.
    let shown = text.rsplit('@').next().unwrap_or_default();
    let not_a_host = || ConfigurationError::NotAHost { url: shown.to_owned() };
    let url = Url::parse(text).map_err(|_| not_a_host())?;
    let bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare || !matches!(url.scheme(), "http" | "https") {
        return Err(not_a_host());
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(ConfigurationError::NotEncrypted { url: shown.to_owned() });
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What a connection to one tenant needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The cloud that the tenant lives in.
    pub cloud: Cloud,
    /// The tenant's id or one of its domains.
    pub tenant: String,
    /// The application (client) id of the app registration.
    pub client_id: String,
    /// Its credential.
    pub credential: Credential,
    /// How long one call may take in all.
    pub timeout: Duration,
    /// How long reaching the host may take.
    pub connect_timeout: Duration,
}

impl Settings {
    /// Settings with 30 seconds for a call and 5 for reaching the host.
    pub fn new(cloud: Cloud, tenant: &str, client_id: &str, credential: Credential) -> Self {
        Self {
            cloud,
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            credential,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigurationError> {
        check_names(&self.tenant, &self.client_id)?;
        self.credential.check()
    }
}

/// Whether a tenant and a client id can be what they are meant to be.
pub(super) fn check_names(tenant: &str, client_id: &str) -> Result<(), ConfigurationError> {
    let named = !matches!(tenant, "" | "common" | "organizations" | "consumers");
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    // The tenant is part of the login host's paths, so it must not be able to change them.
    if !named || !tenant.chars().all(plain) || tenant.starts_with('.') {
        return Err(ConfigurationError::Tenant { tenant: tenant.to_owned() });
    }
    if client_id.trim().is_empty() {
        return Err(ConfigurationError::ClientId);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://graph.example")]
    #[case("http://127.0.0.1:8080")]
    #[case("http://[::1]:8080/")]
    #[case("http://localhost:8080")]
    fn hosts_that_are_taken(#[case] url: &str) {
        assert!(Cloud::custom(url, url).is_ok());
    }

    #[rstest]
    #[case("http://graph.example", "is not encrypted")]
    #[case("http://localhost.example", "is not encrypted")]
    #[case("http://127.0.0.1.example", "is not encrypted")]
    #[case("http://0.0.0.0", "is not encrypted")]
    #[case("https://graph.example/v1.0", "is not the address of a host")]
    #[case("https://me:secret@graph.example", "is not the address of a host")]
    #[case("ftp://127.0.0.1", "is not the address of a host")]
    #[case("graph.example", "is not the address of a host")]
    fn hosts_that_are_refused(#[case] url: &str, #[case] says: &str) {
        let error = Cloud::custom("https://login.example", url).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn the_named_clouds_are_pairs_of_hosts() {
        for name in ["global", "us-gov", "us-dod", "china"] {
            assert!(!Cloud::named(name).unwrap().is_plain(), "{name}");
        }
        assert!(Cloud::named("mars").is_err());
    }

    #[rstest]
    #[case("", "app", "secret", false)]
    #[case("common", "app", "secret", false)]
    #[case("contoso.example/../x", "app", "secret", false)]
    #[case("..", "app", "secret", false)]
    #[case("contoso.example", " ", "secret", false)]
    #[case("contoso.example", "app", "", false)]
    #[case("contoso.example", "app", "secret", true)]
    fn settings_are_checked(
        #[case] tenant: &str,
        #[case] app: &str,
        #[case] secret: &str,
        #[case] good: bool,
    ) {
        let credential = Credential::ClientSecret(secret.into());
        let settings = Settings::new(Cloud::global().unwrap(), tenant, app, credential);
        assert_eq!(settings.check().is_ok(), good);
        assert!(!format!("{settings:?}").contains("\"secret\""));
    }
}
