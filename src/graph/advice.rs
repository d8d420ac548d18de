//! What a tired administrator reads: one sentence on what happened and what to do.
//!
//! Permissions and roles: "Microsoft Graph permissions reference", and the permissions tables of each call's page.

use std::fmt::Write as _;

use super::{Error, Failure, ObjectId, Oddity, Operation, TransportFault};

impl Error {
    /// One sentence, in an administrator's words: what happened and what to do.
    pub fn advice(&self) -> String {
        match self {
            Self::Transport { operation, fault, reason, .. } => transport(*operation, *fault, reason),
            Self::Token(failure) => failure.advice(),
            Self::Malformed { oddity, failure, .. } => malformed(*oddity, failure),
            Self::Unauthorized(failure) => unauthorized(failure),
            Self::Forbidden(failure) => forbidden(failure),
            Self::NotFound(failure) => not_found(self.missing(), failure),
            Self::Conflict { property, other, failure } => {
                let property = property.as_deref().unwrap_or("one of the values");
                let mut by = "another object of the tenant".to_owned();
                if let Some(id) = other {
                    let _ = write!(by, " (user {id})");
                }
                format!(
                    "Microsoft 365 did not {} because {property} is taken by {by}: change or delete that one, or use another value.",
                    failure.operation.act()
                )
            }
            Self::InvalidValue { property, failure } => invalid(property.as_deref(), failure),
            Self::MissingValue { property, failure } => format!(
                "Microsoft 365 did not {} because {} has no value: give it one upstream.",
                failure.operation.act(),
                property.as_deref().unwrap_or("a required property")
            ),
            Self::Throttled { failure, .. }
            | Self::Unavailable { failure, .. }
            | Self::ConcurrencyViolation { failure, .. }
            | Self::NotReplicatedYet(failure)
            | Self::DeltaExpired(failure) => self.passing(failure),
            Self::NoUsageLocation(failure)
            | Self::NoLicenseLeft(failure)
            | Self::LicenseConflict(failure)
            | Self::InheritedLicense(failure) => self.license(failure),
            Self::UnverifiedDomain(failure)
            | Self::WeakPassword(failure)
            | Self::OnPremisesSynced(failure)
            | Self::QuotaExceeded(failure)
            | Self::AlreadyThere(failure)
            | Self::NotThere(failure)
            | Self::MailEnabledGroup(failure)
            | Self::Other(failure) => self.refused(failure),
        }
    }

    /// What passes by itself.
    fn passing(&self, failure: &Failure) -> String {
        let act = failure.operation.act();
        match self {
            Self::Throttled { .. } => format!(
                "Microsoft Graph has too many requests to {act} now: it is tried again as soon as Microsoft allows, nothing has to be done."
            ),
            Self::ConcurrencyViolation { .. } => format!(
                "Microsoft Graph could not {act} because something else is changing it at this moment: it is tried again, nothing has to be done."
            ),
            Self::NotReplicatedYet(_) => format!(
                "Microsoft Graph could not {act} because it was made moments ago: it is tried again, nothing has to be done."
            ),
            Self::DeltaExpired(_) => format!(
                "Microsoft Graph no longer knows the place from which to {act}: everything is read anew, nothing has to be done."
            ),
            _ => format!(
                "Microsoft Graph could not {act} because of a fault of its own (HTTP {}): it is tried again, look at Microsoft 365's service health if it lasts.",
                failure.status
            ),
        }
    }

    /// What stands in the way of a licence.
    fn license(&self, failure: &Failure) -> String {
        let act = failure.operation.act();
        match self {
            Self::NoUsageLocation(_) => "Microsoft 365 did not give the licence because the account has no usage location, without which Microsoft may not offer its services: send usageLocation upstream, or set the connection's usage_location.".to_owned(),
            Self::NoLicenseLeft(_) => format!(
                "Microsoft 365 did not {act} because no seat is left: take the licence from somebody who does not need it, or buy more in the Microsoft 365 admin center."
            ),
            Self::InheritedLicense(_) => format!(
                "Microsoft 365 did not {act} because the licence comes from a group: take the account out of that group, or the licence from the group."
            ),
            _ => format!(
                "Microsoft 365 did not {act} because the licence needs another one or does not go together with one that the account has: choose licences that go together. Microsoft says: {}",
                ended(&failure.message)
            ),
        }
    }

    fn refused(&self, failure: &Failure) -> String {
        let act = failure.operation.act();
        match self {
            Self::UnverifiedDomain(_) => format!(
                "Microsoft 365 did not {act} because the domain of its user name is not one that the tenant has verified and manages itself: verify the domain in the Microsoft 365 admin center or use another."
            ),
            Self::WeakPassword(_) => "Microsoft 365 refused the password as too weak or as banned: choose one of at least 8 characters with three of lower case, upper case, digits and symbols, without the person's or the company's name.".to_owned(),
            Self::OnPremisesSynced(_) => format!(
                "Microsoft 365 did not {act} because {} is synchronised from an on-premises Active Directory: change it there, or move its source of authority to the cloud.",
                if failure.operation.is_of_group() { "the group" } else { "the account" }
            ),
            Self::QuotaExceeded(_) => quota(failure),
            Self::AlreadyThere(_) => format!(
                "Microsoft 365 did not {act} because it is there already: nothing has to be done."
            ),
            Self::NotThere(_) => {
                format!("Microsoft 365 did not {act} because it is not there: nothing has to be done.")
            }
            Self::MailEnabledGroup(_) => format!(
                "Microsoft 365 did not {act} because it is a mail-enabled security group or a distribution list, which only Exchange can change: manage it in the Exchange admin center, or push a security group of another name."
            ),
            _ => format!(
                "Microsoft Graph refused to {act} with HTTP {} {}{}{}",
                failure.status,
                failure.code,
                if failure.message.is_empty() { "" } else { ": " },
                ended(&failure.message)
            ),
        }
    }
}

fn not_found(missing: Option<ObjectId>, failure: &Failure) -> String {
    let act = failure.operation.act();
    if !failure.operation.is_of_group() {
        return format!(
            "Microsoft 365 has no such object to {act}: it was deleted there or made only moments ago, so look for it in Microsoft Entra ID, also among the deleted users."
        );
    }
    let what = match missing {
        Some(id) => format!("it does not know the object {id}"),
        None => "the group or the member is not there".to_owned(),
    };
    format!(
        "Microsoft 365 could not {act} because {what}: it was deleted there or made only moments ago, so look for it in Microsoft Entra ID."
    )
}

/// 403. Roles: "Working with users in Microsoft Graph", who can perform sensitive actions and who can reset passwords.
fn forbidden(failure: &Failure) -> String {
    let (act, permission) = (failure.operation.act(), failure.operation.permission());
    if [&failure.code, &failure.message].iter().any(|text| text.contains("insufficient_claims")) {
        return format!(
            "Microsoft Graph refused to {act} (HTTP {}) because a conditional access policy of the tenant stands in the way: exempt the application in Microsoft Entra ID, or have an administrator authorise the connection again.",
            failure.status
        );
    }
    let grant = format!(
        "Microsoft Graph refused to {act} (HTTP {}): grant the application {permission} with admin consent in Microsoft Entra ID",
        failure.status
    );
    match failure.operation {
        Operation::SetPassword => format!("{grant} and assign it the User Administrator role; {PRIVILEGED}."),
        Operation::UpdateUser | Operation::EnableUser | Operation::DeleteUser | Operation::RestoreUser => {
            format!("{grant}; {PRIVILEGED}.")
        }
        Operation::AddMembers | Operation::AddMember | Operation::RemoveMember => format!(
            "{grant}; if it has that, the group is probably one that Gangway cannot change: dynamic (its members follow a rule), assignable to roles, or mail-enabled, so look at its type in Microsoft Entra ID and push an ordinary security group instead."
        ),
        Operation::UpdateGroup | Operation::DeleteGroup => format!(
            "{grant}; if it has that, the group is probably assignable to roles or mail-enabled, so change it in Microsoft Entra ID or Exchange and push an ordinary security group instead."
        ),
        Operation::AssignLicense => format!(
            "{grant}; with an administrator's authorisation that person needs the License Administrator or User Administrator role as well."
        ),
        _ => format!("{grant}."),
    }
}

/// Who may act on accounts with rights of their own.
const PRIVILEGED: &str = "if it has that, the account holds an administrator role or is in a group that can hold one, and then the application (or the administrator who authorised it) needs the role Privileged Authentication Administrator, or the account must be managed by hand and put on the never-touch list";

fn quota(failure: &Failure) -> String {
    let act = failure.operation.act();
    if failure.message.contains("-link") {
        return format!(
            "Microsoft 365 did not {act} because the object has as many links of this kind as it may have: remove some of them first. Microsoft says: {}",
            ended(&failure.message)
        );
    }
    format!(
        "Microsoft 365 did not {act} because the tenant or the application has reached its quota of directory objects (deleted ones count for 30 days): delete objects that are not needed, verify a domain, or ask Microsoft for more."
    )
}

fn unauthorized(failure: &Failure) -> String {
    if failure.code.starts_with("Authorization_Identity") {
        return "Microsoft Graph does not know the application's identity any more: enable or re-create its enterprise application in Microsoft Entra ID and grant admin consent again.".to_owned();
    }
    if failure.message.to_ascii_lowercase().contains("audience") {
        return format!(
            "Microsoft Graph refused to {} because the access token is for another cloud: set the connection's login host and Graph host to the pair of the cloud that the tenant lives in (global, us-gov, us-dod or china).",
            failure.operation.act()
        );
    }
    format!(
        "Microsoft Graph refused to {} because it does not take the access token, not even a fresh one: check that the connection's login host and Graph host are of the same cloud as the tenant.",
        failure.operation.act()
    )
}

fn invalid(property: Option<&str>, failure: &Failure) -> String {
    let act = failure.operation.act();
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
        failure.operation.act(),
        failure.status
    )
}

fn transport(operation: Operation, fault: TransportFault, reason: &str) -> String {
    let act = operation.act();
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

/// The text with a full stop at its end.
pub(super) fn ended(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) {
        return text.to_owned();
    }
    format!("{text}.")
}
