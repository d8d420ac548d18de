//! Accounts that hold administrator roles: told apart before they are taken over, and named when Graph refuses an act on one.

use super::{Fault, Run, refused};
use crate::directory::refusal::RefusalKind;
use crate::graph::{self, AccountId, Belonging, Operation};

/// The roles whose holders a User Administrator may act on ("user resource type", "who can perform sensitive actions").
const HARMLESS: [&str; 9] = [
    "Directory Readers",
    "Guest Inviter",
    "Groups Administrator",
    "Helpdesk Administrator",
    "Message Center Reader",
    "Password Administrator",
    "Reports Reader",
    "User Administrator",
    "Usage Summary Reports Reader",
];

impl Run<'_> {
    /// A user of an upstream must not become an administrator of the tenant by having his address.
    pub(super) async fn check_privilege(&mut self, account: AccountId) -> Result<(), Fault> {
        if self.settings.adopt_administrators {
            return Ok(());
        }
        let belonging = match self.graph.belonging(&self.call(), &account).await {
            // Without the permission to read it nobody knows, and what is sensitive is refused by Graph.
            Err(graph::Error::Forbidden(_)) => return Ok(()),
            Err(error @ graph::Error::NotFound(_)) => return Err(Fault::Later(error.advice())),
            read => read?.value,
        };
        self.refuse_power(&belonging)
    }

    /// The same of what was read.
    pub(super) fn refuse_power(&self, belonging: &Belonging) -> Result<(), Fault> {
        let power = power_of(belonging).filter(|_| !self.settings.adopt_administrators);
        let Some(power) = power else {
            return Ok(());
        };
        let sentence = format!(
            "the account with this address {power}, so it is not taken over; manage it by hand, or set adopt_administrators for the connection"
        );
        Err(refused(RefusalKind::Forbidden, &sentence))
    }

    /// Why Graph refused a sensitive act, where that is the account's own power.
    pub(super) async fn explain(&mut self, error: &graph::Error) -> Option<String> {
        let graph::Error::Forbidden(failure) = error else {
            return None;
        };
        let sensitive = matches!(
            failure.operation,
            Operation::EnableUser | Operation::SetPassword | Operation::UpdateUser | Operation::DeleteUser
        );
        let account = self.account.filter(|_| sensitive)?;
        let belonging = self.graph.belonging(&self.call(), &account).await.ok()?.value;
        let power = power_of(&belonging)?;
        Some(format!(
            "the account {power}, so Microsoft 365 lets only a Privileged Authentication Administrator or a Global Administrator \
             change its sign-in, password and phone numbers: change it by hand, put it on the never-touch list, or give that role to \
             the application ({})",
            error.advice()
        ))
    }
}

/// What makes an account privileged, as the rest of a sentence about it.
fn power_of(belonging: &Belonging) -> Option<String> {
    let roles: Vec<&str> =
        belonging.roles.iter().map(String::as_str).filter(|role| !HARMLESS.contains(role)).collect();
    if !roles.is_empty() {
        return Some(format!("holds the administrator role {}", roles.join(" and ")));
    }
    let assignable = belonging.groups.iter().any(|(_, assignable)| *assignable);
    assignable.then(|| "is in a group that roles can be assigned to".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_a_role_that_a_user_administrator_may_not_act_on() {
        let with = |roles: &[&str], assignable: bool| {
            let groups = assignable.then(|| (uuid::Uuid::from_u128(1).into(), true));
            let roles = roles.iter().map(|role| (*role).to_owned()).collect();
            power_of(&Belonging { roles, groups: groups.into_iter().collect() })
        };
        assert_eq!(with(&[], false), None);
        assert_eq!(with(&["Directory Readers", "User Administrator"], false), None);
        assert!(with(&["Global Administrator"], false).unwrap().contains("Global Administrator"));
        assert!(with(&["Some custom role"], false).is_some());
        assert!(with(&[], true).is_some());
    }
}
