//! The tenant that the simulator starts with, and what `/domains` and `/organization` say of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::application::AppSeed;
use super::handle::{GroupSeed, UserSeed};
use super::sku::SkuSeed;

/// A Microsoft 365 tenant: what exists before the first request. In JSON, what is left out is Contoso's.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TenantSeed {
    /// The directory's id; also the first segment of its token endpoint.
    pub tenant_id: Uuid,
    /// The organization's name.
    pub display_name: String,
    /// How large Microsoft counts it: what its quota of resource units follows.
    pub size: TenantSize,
    /// Its domains. A name with `.onmicrosoft.` in it is the initial domain.
    pub domains: Vec<DomainSeed>,
    /// The applications that may ask for tokens.
    pub apps: Vec<AppSeed>,
    /// The subscriptions that it bought.
    pub skus: Vec<SkuSeed>,
    /// The users of an empty directory, each with a password that signs in at the login page.
    pub users: Vec<UserSeed>,
    /// The groups of an empty directory.
    pub groups: Vec<GroupSeed>,
}

/// The sizes of a tenant that Microsoft tells apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TenantSize {
    /// Fewer than 50 users.
    Small,
    /// 50 to 500 users.
    #[default]
    Medium,
    /// More than 500 users.
    Large,
}

/// A domain of the tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DomainSeed {
    /// The domain's name, which is its id in Graph too.
    pub name: String,
    /// Whether new users get it when nothing else is said.
    #[serde(default)]
    pub is_default: bool,
    /// Whether its ownership has been proven: only then may a user name end in it.
    pub verified: bool,
    /// Whether another identity provider signs its users in: passwords are then not managed in Entra.
    #[serde(default)]
    pub federated: bool,
}

impl Default for TenantSeed {
    fn default() -> Self {
        Self::contoso()
    }
}

impl TenantSeed {
    /// The tenant of the built-in simulator: `contoso.example` (default), `contoso.onmicrosoft.example` (initial),
    /// `fabrikam.example` (not verified), `federated.example` (federated), one application, five subscriptions and
    /// the administrator `admin@contoso.example` with the password `Simulator-Admin-1`.
    pub fn contoso() -> Self {
        let domain = |name: &str, is_default, verified, federated| DomainSeed {
            name: name.to_owned(),
            is_default,
            verified,
            federated,
        };
        Self {
            tenant_id: Uuid::from_u128(0x72f9_88bf_0000_4000_8000_c0a7_0500_0001),
            display_name: "Contoso".to_owned(),
            size: TenantSize::Medium,
            domains: vec![
                domain("contoso.example", true, true, false),
                domain("contoso.onmicrosoft.example", false, true, false),
                domain("fabrikam.example", false, false, false),
                domain("federated.example", false, true, true),
            ],
            apps: vec![AppSeed::contoso()],
            skus: SkuSeed::contoso(),
            users: vec![administrator()],
            groups: Vec::new(),
        }
    }

    /// The domain `name`, without regard to case.
    pub(super) fn domain(&self, name: &str) -> Option<&DomainSeed> {
        self.domains.iter().find(|domain| domain.name.eq_ignore_ascii_case(name))
    }

    /// Whether `name`, the first segment of a token endpoint, means this tenant: its id or one of its domains.
    pub(super) fn is(&self, name: &str) -> bool {
        Uuid::parse_str(name).is_ok_and(|id| id == self.tenant_id)
            || self.domain(name).is_some_and(|domain| domain.verified)
    }

    /// The name of the default domain, which is the issuer of its users' names.
    pub(super) fn default_domain(&self) -> &str {
        let default = self.domains.iter().find(|domain| domain.is_default);
        default.or(self.domains.first()).map_or("", |domain| domain.name.as_str())
    }

    /// The single item of `GET /organization`.
    pub(super) fn organization(&self) -> Value {
        let verified: Vec<Value> = self
            .domains
            .iter()
            .filter(|domain| domain.verified)
            .map(|domain| {
                json!({
                    "capabilities": "Email, OfficeCommunicationsOnline",
                    "isDefault": domain.is_default,
                    "isInitial": domain.is_initial(),
                    "name": domain.name,
                    "type": domain.kind(),
                })
            })
            .collect();
        json!({
            "id": self.tenant_id,
            "deletedDateTime": null,
            "businessPhones": [],
            "city": null,
            "country": null,
            "countryLetterCode": "US",
            "createdDateTime": "2020-01-01T00:00:00Z",
            "displayName": self.display_name,
            "onPremisesLastSyncDateTime": null,
            "onPremisesSyncEnabled": null,
            "postalCode": null,
            "preferredLanguage": "en",
            "state": null,
            "street": null,
            "technicalNotificationMails": [],
            "tenantType": "AAD",
            "assignedPlans": [],
            "provisionedPlans": [],
            "verifiedDomains": verified,
        })
    }
}

/// Who signs in at the login page and consents.
fn administrator() -> UserSeed {
    UserSeed {
        id: Some(Uuid::from_u128(0xad31_0000_0000_4000_8000_c0a7_0500_0003)),
        password: Some("Simulator-Admin-1".into()),
        roles: Some(vec!["Global Administrator".to_owned()]),
        ..UserSeed::new("admin@contoso.example")
    }
    .with("displayName", json!("Contoso Administrator"))
}

impl DomainSeed {
    fn is_initial(&self) -> bool {
        self.name.contains(".onmicrosoft.")
    }

    fn kind(&self) -> &'static str {
        if self.federated { "Federated" } else { "Managed" }
    }

    /// The item of `GET /domains`.
    pub(super) fn item(&self) -> Value {
        let services = if self.verified { json!(["Email", "OfficeCommunicationsOnline"]) } else { json!([]) };
        json!({
            "authenticationType": self.kind(),
            "availabilityStatus": null,
            "id": self.name,
            "isAdminManaged": true,
            "isDefault": self.is_default,
            "isInitial": self.is_initial(),
            "isRoot": true,
            "isVerified": self.verified,
            "manufacturer": null,
            "model": null,
            "passwordNotificationWindowInDays": 14,
            "passwordValidityPeriodInDays": i32::MAX,
            "state": null,
            "supportedServices": services,
        })
    }
}
