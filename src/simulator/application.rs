//! The applications that a tenant knows: how each proves itself, and what it may do.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;
use uuid::Uuid;

/// The permissions that Gangway asks for, and those it needs to read what it wrote.
pub(super) const PRACTICAL: [&str; 13] = [
    "User.ReadWrite.All",
    "User.EnableDisableAccount.All",
    "User-PasswordProfile.ReadWrite.All",
    "User-Phone.ReadWrite.All",
    "User-Mail.ReadWrite.All",
    "User.DeleteRestore.All",
    "User.RevokeSessions.All",
    "LicenseAssignment.ReadWrite.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "Domain.Read.All",
    "Organization.Read.All",
    "AuditLog.Read.All",
];

/// An application that is installed in the tenant.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AppSeed {
    /// The application's id.
    pub client_id: Uuid,
    /// Its name, as the consent page and the audit log show it.
    pub display_name: String,
    /// Its secret. One that is empty is never right.
    pub client_secret: SecretString,
    /// When the secret ends, in milliseconds since the Unix epoch; none: never.
    pub secret_expires: Option<i64>,
    /// The certificates whose keys may sign its assertions, each as PEM text (`BEGIN CERTIFICATE`, RSA).
    pub certificates: Vec<String>,
    /// The workloads of other issuers that may act as it.
    pub federated: Vec<FederatedSeed>,
    /// The permissions that its registration lists: what an administrator is asked to consent to.
    pub requested: Vec<String>,
    /// The application permissions that an administrator consented to: the `roles` of its own tokens.
    pub permissions: Vec<String>,
    /// The delegated permissions that were consented to for everybody: the `scp` of the tokens of persons.
    pub delegated: Vec<String>,
    /// The directory roles that its service principal holds, by their names, e.g. `User Administrator`.
    pub roles: Vec<String>,
    /// Where the login page may send a person back to; compared as text, but that one of the
    /// loopback without a port takes any port.
    pub redirect_uris: Vec<String>,
    /// Whether it is a public client, which redeems codes without a secret.
    pub public: bool,
    /// Whether its service principal is switched off.
    pub disabled: bool,
}

/// A federated credential: assertions that another issuer signs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct FederatedSeed {
    /// `iss` of the assertions.
    pub issuer: String,
    /// `sub` of the assertions.
    pub subject: String,
    /// `aud` of the assertions; empty: `api://AzureADTokenExchange`.
    pub audience: String,
    /// The issuer's RSA public key, or a certificate of it, as PEM text.
    pub public_key: String,
}

impl AppSeed {
    /// The application of the built-in tenant: every permission of the practical set, application and delegated, and
    /// the role User Administrator.
    pub(super) fn contoso() -> Self {
        let permissions: Vec<String> = PRACTICAL.map(str::to_owned).into();
        let mut delegated: Vec<String> =
            ["openid", "profile", "offline_access", "User.Read"].map(str::to_owned).into();
        delegated.extend(permissions.iter().cloned());
        Self {
            client_id: Uuid::from_u128(0x6a7e_57a9_0000_4000_8000_c0a7_0500_0002),
            display_name: "Gangway".to_owned(),
            client_secret: SecretString::from("simulator-secret"),
            requested: permissions.clone(),
            permissions,
            delegated,
            roles: vec!["User Administrator".to_owned()],
            redirect_uris: ["http://127.0.0.1/oauth/callback", "http://localhost/oauth/callback"]
                .map(str::to_owned)
                .into(),
            ..Self::default()
        }
    }
}

impl AppSeed {
    /// Whether the login page may send a person back to `address`.
    pub(super) fn redirects_to(&self, address: &str) -> bool {
        self.redirect_uris.iter().any(|known| known == address || known == &without_port(address))
    }

    /// The application as the control endpoint shows it: without its secret.
    pub(super) fn shown(&self) -> Value {
        json!({
            "clientId": self.client_id,
            "displayName": self.display_name,
            "secretExpires": self.secret_expires,
            "certificates": self.certificates,
            "federated": self.federated,
            "requested": self.requested,
            "permissions": self.permissions,
            "delegated": self.delegated,
            "roles": self.roles,
            "redirectUris": self.redirect_uris,
            "public": self.public,
            "disabled": self.disabled,
        })
    }

    /// The application with what `change` names laid over it.
    pub(super) fn with(&self, change: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut all = self.shown();
        for (name, value) in change {
            all[name.as_str()] = value.clone();
        }
        let changed: Self = serde_json::from_value(all)?;
        let secret = if change.contains_key("clientSecret") {
            changed.client_secret.clone()
        } else {
            self.client_secret.clone()
        };
        Ok(Self { client_secret: secret, ..changed })
    }
}

/// A loopback address without its port; another as it is.
fn without_port(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else {
        return address.to_owned();
    };
    let loopback =
        url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if loopback && url.set_port(None).is_ok() { url.to_string() } else { address.to_owned() }
}

impl FederatedSeed {
    /// The audience that the assertions must name.
    pub(super) fn audience(&self) -> &str {
        if self.audience.is_empty() { "api://AzureADTokenExchange" } else { &self.audience }
    }
}
