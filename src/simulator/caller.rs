//! Who calls: what the token said, as far as an operation needs it.

use uuid::Uuid;

/// The caller of an operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    /// The application that the token was given to.
    pub(super) app: Uuid,
    /// The person on whose behalf it calls; nobody with an application's own token.
    pub(super) user: Option<Uuid>,
    /// What the token permits: its `roles`, or its `scp` where it acts for a person.
    pub(super) permissions: Vec<String>,
    /// The names of the directory roles that count: the person's, else those of the application's service principal.
    pub(super) roles: Vec<String>,
}

impl Caller {
    /// Whether the token holds this permission.
    pub(super) fn has(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held.eq_ignore_ascii_case(permission))
    }

    /// Whether the caller holds this directory role.
    pub(super) fn holds(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held.eq_ignore_ascii_case(role))
    }
}
