//! Why there is no token, and what to do about it.

use std::time::Duration;

use super::super::advice::ended;

/// Why the login host gave no token. The numbers are those of `AADSTS` codes ("Microsoft Entra authentication and
/// authorization error codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenFault {
    /// The login host was not reached or did not answer in time.
    Unreachable,
    /// Too many requests for tokens.
    Throttled,
    /// The login host has a fault of its own (5xx).
    Unavailable,
    /// The answer is not one of a login host.
    Malformed,
    /// The refresh token cannot be read or kept in the database.
    GrantStore,
    /// 7000215: the client secret is wrong.
    WrongSecret,
    /// 7000222: the client secret has expired.
    ExpiredSecret,
    /// 7000218: the application must prove itself and did not.
    NoCredential,
    /// 700025: a public client must not prove itself and did.
    PublicClient,
    /// 700027: the assertion's signature is wrong, or the certificate is not one of the application's.
    WrongAssertion,
    /// 700021, 700023 and 50027: the assertion is for another application or another token endpoint.
    OtherAssertion,
    /// 700024: the assertion is outside its time, so a clock is wrong or an identity token was not renewed.
    AssertionTime,
    /// The certificate has expired; nothing was sent.
    ExpiredCertificate,
    /// The file of the identity token; nothing was sent.
    AssertionFile(FileFault),
    /// 70021 and 700211 to 700213: no federated credential of the application matches the identity token.
    NoFederation,
    /// 700016 and 7000229: the tenant does not know the application.
    UnknownApplication,
    /// 7000112: the application is disabled in the tenant.
    DisabledApplication,
    /// 90002 and 900023: there is no such tenant.
    UnknownTenant,
    /// 65001: nobody consented.
    ConsentMissing,
    /// 50076, 50079, 53000 to 53004: conditional access or multi-factor authentication stands in the way.
    ConditionalAccess,
    /// 70011, 500011 and `invalid_scope`: the resource is not of this cloud.
    BadScope,
    /// `invalid_grant` or `interaction_required` of a delegated connection, or nobody has authorised it yet: an
    /// administrator must sign in.
    NeedsAuthorization,
    /// The code that the browser brought is used up, too old or another's.
    WrongCode,
    /// 50011: the address that the browser is sent back to is not registered.
    RedirectUri,
    /// `invalid_grant` of a connection that acts as the application.
    InvalidGrant,
    /// Anything else.
    Other,
}

/// What is wrong with the file of an identity token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFault {
    /// It is not there, or Gangway may not read it.
    Unreadable,
    /// It is empty.
    Empty,
    /// It is longer than 64 KiB.
    TooLong,
    /// It holds something other than a signed JWT.
    NotAToken,
}

/// The login host's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFailure {
    /// What it means.
    pub fault: TokenFault,
    /// The number of the `AADSTS` code.
    pub aadsts: Option<u32>,
    /// OAuth's `error`, such as `invalid_client`; empty when there was no such answer.
    pub error: String,
    /// The first line of the description, shortened.
    pub message: String,
    /// The `correlation_id`, by which Entra's sign-in log knows the request.
    pub correlation_id: Option<String>,
    /// How long the login host asks to wait.
    pub retry_after: Option<Duration>,
    /// The tenant that was asked.
    pub tenant: String,
    /// The application that asked.
    pub client_id: String,
}

impl TokenFault {
    /// The name in metrics and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
            Self::GrantStore => "grant_store",
            Self::WrongSecret => "wrong_secret",
            Self::ExpiredSecret => "expired_secret",
            Self::NoCredential => "no_credential",
            Self::PublicClient => "public_client",
            Self::WrongAssertion => "wrong_assertion",
            Self::OtherAssertion => "other_assertion",
            Self::AssertionTime => "assertion_time",
            Self::ExpiredCertificate => "expired_certificate",
            Self::AssertionFile(_) => "assertion_file",
            Self::NoFederation => "no_federation",
            Self::UnknownApplication => "unknown_application",
            Self::DisabledApplication => "disabled_application",
            Self::UnknownTenant => "unknown_tenant",
            Self::ConsentMissing => "consent_missing",
            Self::ConditionalAccess => "conditional_access",
            Self::BadScope => "bad_scope",
            Self::NeedsAuthorization => "needs_authorization",
            Self::WrongCode => "wrong_code",
            Self::RedirectUri => "redirect_uri",
            Self::InvalidGrant => "invalid_grant",
            Self::Other => "other",
        }
    }

    /// Whether it may go away by itself, so that the same is worth another try.
    pub const fn passes(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Throttled | Self::Unavailable | Self::Malformed | Self::GrantStore
        )
    }

    /// What the login host's refusal means by its number, which Microsoft does not promise to keep, else by OAuth's own
    /// word (RFC 6749 §5.2).
    pub(super) fn told(aadsts: Option<u32>, error: &str) -> Self {
        match aadsts {
            Some(7_000_215) => Self::WrongSecret,
            Some(7_000_222) => Self::ExpiredSecret,
            Some(7_000_218) => Self::NoCredential,
            Some(700_025) => Self::PublicClient,
            Some(700_027) => Self::WrongAssertion,
            Some(700_021 | 700_023 | 50_027) => Self::OtherAssertion,
            Some(700_024) => Self::AssertionTime,
            Some(70_021 | 700_211..=700_213) => Self::NoFederation,
            Some(700_016 | 7_000_229) => Self::UnknownApplication,
            Some(7_000_112) => Self::DisabledApplication,
            Some(90_002 | 900_023) => Self::UnknownTenant,
            Some(65_001) => Self::ConsentMissing,
            Some(50_076 | 50_079 | 53_000..=53_004) => Self::ConditionalAccess,
            Some(70_011 | 500_011) => Self::BadScope,
            Some(50_011) => Self::RedirectUri,
            Some(50_148 | 501_481) => Self::WrongCode,
            _ => match error {
                "invalid_grant" | "interaction_required" => Self::InvalidGrant,
                "invalid_scope" | "invalid_resource" => Self::BadScope,
                "unauthorized_client" => Self::UnknownApplication,
                "temporarily_unavailable" => Self::Unavailable,
                _ => Self::Other,
            },
        }
    }
}

impl TokenFailure {
    /// One sentence, in an administrator's words: what happened and what to do.
    pub fn advice(&self) -> String {
        let Self { tenant, client_id, .. } = self;
        let app = format!("App registrations > {client_id}");
        match self.fault {
            TokenFault::Unreachable => "Microsoft's login host was not reached: check the network, name resolution, the proxy and the login host of the connection; it is tried again.".to_owned(),
            TokenFault::Throttled => "Microsoft's login host has too many requests now: it is tried again, nothing has to be done.".to_owned(),
            TokenFault::Unavailable => "Microsoft's login host has a fault of its own: it is tried again, look at Microsoft 365's service health if it lasts.".to_owned(),
            TokenFault::Malformed => "The login host's answer is not one of Microsoft's: check that the login host of the connection is right and that no proxy answers in its place.".to_owned(),
            TokenFault::GrantStore => "The authorisation of the connection cannot be read from or kept in Gangway's database: it is tried again, look at the database if it lasts.".to_owned(),
            TokenFault::WrongSecret => format!("The client secret of application {client_id} is wrong: in Microsoft Entra ID open {app} > Certificates & secrets, make a new client secret and enter its Value (not its Secret ID)."),
            TokenFault::ExpiredSecret => format!("The client secret of application {client_id} has expired: in Microsoft Entra ID open {app} > Certificates & secrets, make a new client secret and enter its Value."),
            TokenFault::NoCredential => format!("The application {client_id} must prove itself: give the connection a client secret or a certificate of it, or in Microsoft Entra ID open {app} > Authentication and set Allow public client flows to Yes."),
            TokenFault::PublicClient => format!("The application {client_id} is a public client, which must not prove itself: take the client secret or certificate off the connection, or in Microsoft Entra ID open {app} > Authentication and register the redirect URI for the platform Web."),
            TokenFault::WrongAssertion => format!("Microsoft does not take the signature of application {client_id}: in Microsoft Entra ID open {app} > Certificates & secrets > Certificates and upload the certificate that the connection uses."),
            TokenFault::OtherAssertion => format!("Microsoft finds the signed assertion made for something else than application {client_id}: compare the connection's client id with Application (client) ID under {app} > Overview in Microsoft Entra ID, check the login host, and for an identity token its sub and aud."),
            TokenFault::AssertionTime => "Microsoft finds the signed assertion outside its time: set the clock of this computer right (time synchronisation), or, for an identity token from a file, check that it is renewed.".to_owned(),
            TokenFault::ExpiredCertificate => format!("The certificate of application {client_id} has expired: make a new one, in Microsoft Entra ID open {app} > Certificates & secrets > Certificates to upload it, and give it to the connection."),
            TokenFault::AssertionFile(fault) => format!("The identity token of application {client_id} is not to be had: {}.", fault.advice()),
            TokenFault::NoFederation => format!("Microsoft finds no federated credential for the identity token: in Microsoft Entra ID open {app} > Certificates & secrets > Federated credentials and set Issuer, Subject identifier and Audience to the token's iss, sub and aud."),
            TokenFault::UnknownApplication => format!("The tenant {tenant} does not know the application {client_id}: compare it with Application (client) ID under App registrations > Overview in Microsoft Entra ID and the tenant with Directory (tenant) ID there, and grant admin consent in that tenant."),
            TokenFault::DisabledApplication => format!("The application {client_id} is disabled in the tenant {tenant}: in Microsoft Entra ID open Enterprise applications > {client_id} > Properties and set Enabled for users to sign-in to Yes."),
            TokenFault::UnknownTenant => format!("Microsoft knows no tenant {tenant}: enter the Directory (tenant) ID of Microsoft Entra ID > Overview, and check that the login host is of the tenant's cloud."),
            TokenFault::ConsentMissing => format!("Nobody has consented to application {client_id} in the tenant {tenant}: in Microsoft Entra ID open {app} > API permissions and press Grant admin consent."),
            TokenFault::ConditionalAccess => format!("A conditional access policy of the tenant {tenant} stands in the way of application {client_id}: in Microsoft Entra ID open Protection > Conditional Access and exempt it, or the place that it signs in from."),
            TokenFault::BadScope => "The Graph host does not belong to the login host: set both to the pair of the cloud that the tenant lives in (global, us-gov, us-dod or china).".to_owned(),
            TokenFault::NeedsAuthorization => format!("{}: an administrator must authorise the connection again.", self.why_ended()),
            TokenFault::WrongCode => "Microsoft did not take the code that the browser brought, which is good for ten minutes and for one use: begin the authorisation again.".to_owned(),
            TokenFault::RedirectUri => format!("The address that Microsoft sends the browser back to is not registered: in Microsoft Entra ID open {app} > Authentication and add Gangway's address ending in /oauth/callback as a redirect URI of the platform Web."),
            TokenFault::InvalidGrant => format!("Microsoft no longer lets the application {client_id} sign in to the tenant {tenant}{}: check its credentials under {app} > Certificates & secrets and its consent under API permissions in Microsoft Entra ID.", self.said()),
            TokenFault::Other => format!(
                "Microsoft's login host refused application {client_id} with {}{}{}",
                self.error,
                if self.message.is_empty() { "" } else { ": " },
                ended(&self.message)
            ),
        }
    }

    /// Why an administrator's authorisation does not hold any more.
    fn why_ended(&self) -> String {
        let tenant = &self.tenant;
        match self.aadsts {
            _ if self.error.is_empty() => {
                format!("Nobody has authorised the connection to the tenant {tenant} yet")
            }
            Some(50_173 | 50_133) => format!(
                "The authorisation of the tenant {tenant} has ended because the administrator's password was changed or their sessions were revoked"
            ),
            Some(700_082 | 70_008 | 70_043 | 700_084) => format!(
                "The authorisation of the tenant {tenant} has ended because it was not used for too long or its time is over"
            ),
            Some(50_057 | 50_034 | 50_053) => format!(
                "The authorisation of the tenant {tenant} has ended because the account of the administrator who gave it is blocked or gone"
            ),
            Some(50_076 | 50_079 | 50_078 | 50_158 | 53_000..=53_004) => format!(
                "The authorisation of the tenant {tenant} has ended because multi-factor authentication or conditional access asks the administrator to sign in again"
            ),
            Some(65_001) => format!(
                "The authorisation of the tenant {tenant} has ended because the consent to application {} was withdrawn",
                self.client_id
            ),
            _ => format!("The authorisation of the tenant {tenant} has ended{}", self.said()),
        }
    }

    fn said(&self) -> String {
        if self.message.is_empty() {
            return String::new();
        }
        format!(" ({})", self.message.trim_end_matches('.'))
    }
}

impl FileFault {
    const fn advice(self) -> &'static str {
        match self {
            Self::Unreadable => {
                "its file is not there or Gangway may not read it, so check the path and the mount or mode of the file"
            }
            Self::Empty => "its file is empty, so check what writes it",
            Self::TooLong => "its file is longer than 64 KiB, so check the path",
            Self::NotAToken => {
                "its file does not hold a signed token (JWT), so check the path and what writes it"
            }
        }
    }
}
