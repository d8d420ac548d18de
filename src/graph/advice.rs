//! What a tired administrator reads: one sentence on what happened and what to do.
//!
//! Permissions and roles: "Microsoft Graph permissions reference", and the permissions tables of each call's page.

use std::fmt::Write as _;

use super::{Error, Failure, Oddity, Operation, TokenFailure, TokenFault, TransportFault};

impl Error {
    /// One sentence, in an administrator's words: what happened and what to do.
    pub fn advice(&self) -> String {
        match self {
            Self::Transport { operation, fault, reason, .. } => transport(*operation, *fault, reason),
            Self::Token(failure) => token(failure),
            Self::Throttled { failure, .. } => format!(
                "Microsoft Graph has too many requests to {} now: it is tried again as soon as Microsoft allows, nothing has to be done.",
                act(failure.operation)
            ),
            Self::Unavailable { failure, .. } => format!(
                "Microsoft Graph could not {} because of a fault of its own (HTTP {}): it is tried again, look at Microsoft 365's service health if it lasts.",
                act(failure.operation),
                failure.status
            ),
            Self::ConcurrencyViolation { failure, .. } => format!(
                "Microsoft Graph could not {} because something else is changing it at this moment: it is tried again, nothing has to be done.",
                act(failure.operation)
            ),
            Self::NotReplicatedYet(failure) => format!(
                "Microsoft Graph could not {} because it was made moments ago: it is tried again, nothing has to be done.",
                act(failure.operation)
            ),
            Self::Malformed { oddity, failure, .. } => malformed(*oddity, failure),
            Self::Unauthorized(failure) => unauthorized(failure),
            Self::Forbidden(failure) => forbidden(failure),
            Self::NotFound(failure) if is_of_group(failure.operation) => match self.missing() {
                Some(id) => format!(
                    "Microsoft 365 could not {} because it does not know the object {id}: it was deleted there or made only moments ago, so look for it in Microsoft Entra ID.",
                    act(failure.operation)
                ),
                None => format!(
                    "Microsoft 365 could not {} because the group or the member is not there: it was deleted there or made only moments ago, so look for it in Microsoft Entra ID.",
                    act(failure.operation)
                ),
            },
            Self::AlreadyThere(failure) => format!(
                "Microsoft 365 did not {} because it is there already: nothing has to be done.",
                act(failure.operation)
            ),
            Self::NotThere(failure) => format!(
                "Microsoft 365 did not {} because it is not there: nothing has to be done.",
                act(failure.operation)
            ),
            Self::MailEnabledGroup(failure) => format!(
                "Microsoft 365 did not {} because it is a mail-enabled security group or a distribution list, which only Exchange can change: manage it in the Exchange admin center, or push a security group of another name.",
                act(failure.operation)
            ),
            Self::NotFound(failure) => format!(
                "Microsoft 365 has no such object to {}: it was deleted there or made only moments ago, so look for it in Microsoft Entra ID, also among the deleted users.",
                act(failure.operation)
            ),
            Self::Conflict { property, other, failure } => {
                let property = property.as_deref().unwrap_or("one of the values");
                let mut by = "another object of the tenant".to_owned();
                if let Some(id) = other {
                    let _ = write!(by, " (user {id})");
                }
                format!(
                    "Microsoft 365 did not {} because {property} is taken by {by}: change or delete that one, or use another value.",
                    act(failure.operation)
                )
            }
            Self::UnverifiedDomain(failure) => format!(
                "Microsoft 365 did not {} because the domain of its user name is not one that the tenant has verified and manages itself: verify the domain in the Microsoft 365 admin center or use another.",
                act(failure.operation)
            ),
            Self::WeakPassword(_) => "Microsoft 365 refused the password as too weak or as banned: choose one of at least 8 characters with three of lower case, upper case, digits and symbols, without the person's or the company's name.".to_owned(),
            Self::OnPremisesSynced(failure) => format!(
                "Microsoft 365 did not {} because {} is synchronised from an on-premises Active Directory: change it there, or move its source of authority to the cloud.",
                act(failure.operation),
                if is_of_group(failure.operation) { "the group" } else { "the account" }
            ),
            Self::QuotaExceeded(failure) => format!(
                "Microsoft 365 did not {} because the tenant or the application has reached its quota of directory objects: delete objects that are not needed, verify a domain, or ask Microsoft for more.",
                act(failure.operation)
            ),
            Self::InvalidValue { property, failure } => invalid(property.as_deref(), failure),
            Self::MissingValue { property, failure } => format!(
                "Microsoft 365 did not {} because {} has no value: give it one upstream.",
                act(failure.operation),
                property.as_deref().unwrap_or("a required property")
            ),
            Self::Other(failure) => format!(
                "Microsoft Graph refused to {} with HTTP {} {}{}{}",
                act(failure.operation),
                failure.status,
                failure.code,
                if failure.message.is_empty() { "" } else { ": " },
                ended(&failure.message)
            ),
        }
    }
}

/// What was to be done, after "to".
const fn act(operation: Operation) -> &'static str {
    match operation {
        Operation::CreateUser => "create the account",
        Operation::FindUser => "look for the account",
        Operation::ReadUser => "read the account",
        Operation::UpdateUser => "change the account",
        Operation::EnableUser => "block or unblock the account",
        Operation::SetPassword => "set the password",
        Operation::RevokeSessions => "sign the account out",
        Operation::DeleteUser => "delete the account",
        Operation::FindDeletedUser => "look among the deleted accounts",
        Operation::RestoreUser => "restore the account",
        Operation::CreateGroup => "create the group",
        Operation::FindGroup => "look for the group",
        Operation::ReadGroup => "read the group",
        Operation::UpdateGroup => "change the group",
        Operation::AddMembers => "add members to the group",
        Operation::AddMember => "add a member to the group",
        Operation::RemoveMember => "remove a member from the group",
        Operation::DeleteGroup => "delete the group",
        Operation::SetManager => "set the manager of the account",
        Operation::RemoveManager => "remove the manager of the account",
        Operation::ListDomains => "read the tenant's domains",
        Operation::ReadOrganization => "read the tenant",
    }
}

const fn is_of_group(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::CreateGroup
            | Operation::FindGroup
            | Operation::ReadGroup
            | Operation::UpdateGroup
            | Operation::AddMembers
            | Operation::AddMember
            | Operation::RemoveMember
            | Operation::DeleteGroup
    )
}

/// The application permission that the call needs.
const fn permission(operation: Operation) -> &'static str {
    match operation {
        Operation::CreateUser | Operation::SetManager | Operation::RemoveManager => "User.ReadWrite.All",
        Operation::FindUser | Operation::ReadUser | Operation::FindDeletedUser => "User.Read.All",
        Operation::UpdateUser => {
            "User.ReadWrite.All (also User-Phone.ReadWrite.All for telephone numbers and User-Mail.ReadWrite.All for other mail addresses)"
        }
        Operation::EnableUser => "User.EnableDisableAccount.All (and User.ReadWrite.All)",
        Operation::SetPassword => "User-PasswordProfile.ReadWrite.All",
        Operation::RevokeSessions => "User.RevokeSessions.All",
        Operation::DeleteUser | Operation::RestoreUser => "User.DeleteRestore.All",
        Operation::FindGroup | Operation::ReadGroup => "Group.Read.All",
        Operation::CreateGroup | Operation::UpdateGroup | Operation::DeleteGroup => "Group.ReadWrite.All",
        Operation::AddMembers | Operation::AddMember | Operation::RemoveMember => "GroupMember.ReadWrite.All",
        Operation::ListDomains => "Domain.Read.All",
        Operation::ReadOrganization => "Organization.Read.All",
    }
}

fn forbidden(failure: &Failure) -> String {
    let (act, permission) = (act(failure.operation), permission(failure.operation));
    let grant = format!(
        "Microsoft Graph refused to {act} (HTTP {}): grant the application {permission} with admin consent in Microsoft Entra ID",
        failure.status
    );
    match failure.operation {
        Operation::SetPassword => format!(
            "{grant} and assign it the User Administrator role; for an account that holds an administrator role it needs Privileged Authentication Administrator."
        ),
        Operation::UpdateUser | Operation::EnableUser | Operation::DeleteUser | Operation::RestoreUser => {
            format!(
                "{grant}; for an account that holds an administrator role the application needs a higher role as well, such as Privileged Authentication Administrator."
            )
        }
        Operation::AddMembers | Operation::AddMember | Operation::RemoveMember => format!(
            "{grant}; if it has that, the group is probably one that Gangway cannot change: dynamic (its members follow a rule), assignable to roles, or mail-enabled, so look at its type in Microsoft Entra ID and push an ordinary security group instead."
        ),
        Operation::UpdateGroup | Operation::DeleteGroup => format!(
            "{grant}; if it has that, the group is probably assignable to roles or mail-enabled, so change it in Microsoft Entra ID or Exchange and push an ordinary security group instead."
        ),
        _ => format!("{grant}."),
    }
}

fn unauthorized(failure: &Failure) -> String {
    if failure.code.starts_with("Authorization_Identity") {
        return "Microsoft Graph does not know the application's identity any more: enable or re-create its enterprise application in Microsoft Entra ID and grant admin consent again.".to_owned();
    }
    format!(
        "Microsoft Graph refused to {} because it does not take the access token, not even a fresh one: check that the connection's login host and Graph host are of the same cloud as the tenant.",
        act(failure.operation)
    )
}

fn invalid(property: Option<&str>, failure: &Failure) -> String {
    let act = act(failure.operation);
    match property {
        Some("netId") => format!(
            "Microsoft 365 did not {act} because the user name belongs to a personal Microsoft account: use another user name."
        ),
        Some("passwordProfile") => format!(
            "Microsoft 365 did not {act} because the account's domain is federated: its passwords are kept by the identity provider that signs these people in; stop sending passwords for this domain, or set the password there."
        ),
        Some(property) => format!(
            "Microsoft 365 did not {act} because it does not take the value of {property}: correct it upstream."
        ),
        None => format!(
            "Microsoft 365 did not {act} because it does not take one of the values: {}",
            ended(&failure.message)
        ),
    }
}

fn malformed(oddity: Oddity, failure: &Failure) -> String {
    let what = match oddity {
        Oddity::Redirect => "a redirect",
        Oddity::ContentType => "something other than JSON",
        Oddity::Syntax => "JSON that is incomplete",
        Oddity::Shape => "JSON that is not Microsoft Graph's",
        Oddity::TooLarge => "more than any answer of Microsoft Graph holds",
        Oddity::ForeignLink => "a link to another host",
    };
    format!(
        "The attempt to {} was answered with {what} (HTTP {}): check that the Graph host of the connection is right and that no proxy answers in its place.",
        act(failure.operation),
        failure.status
    )
}

fn transport(operation: Operation, fault: TransportFault, reason: &str) -> String {
    let act = act(operation);
    match fault {
        TransportFault::Connect => format!(
            "Microsoft Graph was not reached to {act} ({reason}): check the network, name resolution, the proxy and the Graph host of the connection; it is tried again."
        ),
        TransportFault::TimedOut => format!(
            "Microsoft Graph did not answer in time to {act}: it is tried again, check the network if it lasts."
        ),
        TransportFault::Broken => format!(
            "The connection to Microsoft Graph broke before it answered to {act} ({reason}): it is tried again, check the network and the proxy if it lasts."
        ),
    }
}

fn token(failure: &TokenFailure) -> String {
    let TokenFailure { tenant, client_id, .. } = failure;
    match failure.fault {
        TokenFault::Unreachable => "Microsoft's login host was not reached: check the network, name resolution, the proxy and the login host of the connection; it is tried again.".to_owned(),
        TokenFault::Throttled => "Microsoft's login host has too many requests now: it is tried again, nothing has to be done.".to_owned(),
        TokenFault::Unavailable => "Microsoft's login host has a fault of its own: it is tried again, look at Microsoft 365's service health if it lasts.".to_owned(),
        TokenFault::Malformed => "The login host's answer is not one of Microsoft's: check that the login host of the connection is right and that no proxy answers in its place.".to_owned(),
        TokenFault::WrongSecret => format!("The client secret of application {client_id} is wrong: enter the value (not the id) of a client secret of its app registration."),
        TokenFault::ExpiredSecret => format!("The client secret of application {client_id} has expired: make a new one in its app registration and enter its value."),
        TokenFault::WrongAssertion => format!("Microsoft does not take the signature of application {client_id}: upload the certificate in use to its app registration."),
        TokenFault::AssertionTime => "Microsoft finds the signed assertion outside its time: set the clock of this computer right.".to_owned(),
        TokenFault::UnknownApplication => format!("The tenant {tenant} does not know the application {client_id}: check both ids, and grant admin consent in that tenant."),
        TokenFault::DisabledApplication => format!("The application {client_id} is disabled in the tenant {tenant}: enable its enterprise application in Microsoft Entra ID."),
        TokenFault::UnknownTenant => format!("Microsoft knows no tenant {tenant}: check the tenant's id and that the login host is of its cloud."),
        TokenFault::ConsentMissing => format!("Nobody has consented to application {client_id} in the tenant {tenant}: have an administrator grant admin consent."),
        TokenFault::ConditionalAccess => format!("A conditional access policy of the tenant {tenant} stands in the way of application {client_id}: exempt it in Microsoft Entra ID."),
        TokenFault::BadScope => "The Graph host does not belong to the login host: set both to hosts of the cloud that the tenant lives in.".to_owned(),
        TokenFault::InvalidGrant => format!("The authorisation of the tenant {tenant} has ended: an administrator must authorise the connection again."),
        TokenFault::Other => format!(
            "Microsoft's login host refused application {client_id} with {}{}{}",
            failure.error,
            if failure.message.is_empty() { "" } else { ": " },
            ended(&failure.message)
        ),
    }
}

/// The text with a full stop at its end.
fn ended(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) {
        return text.to_owned();
    }
    format!("{text}.")
}
