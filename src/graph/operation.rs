//! The calls by name: for errors, metrics and traces.

/// Which call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `POST /users`
    CreateUser,
    /// `GET /users` by user name
    FindUser,
    /// `GET /users/{id}`
    ReadUser,
    /// `PATCH /users/{id}` without `accountEnabled`
    UpdateUser,
    /// `PATCH /users/{id}` with `accountEnabled`, perhaps among others
    EnableUser,
    /// `PATCH /users/{id}` with `passwordProfile` alone
    SetPassword,
    /// `POST /users/{id}/revokeSignInSessions`
    RevokeSessions,
    /// `DELETE /users/{id}`
    DeleteUser,
    /// `GET /directory/deletedItems/microsoft.graph.user` by user name
    FindDeletedUser,
    /// `GET /directory/deletedItems/microsoft.graph.user`, all of them
    ListDeletedUsers,
    /// `POST /directory/deletedItems/{id}/restore`
    RestoreUser,
    /// `POST /users/{id}/assignLicense`
    AssignLicense,
    /// `GET /users/{id}` with `licenseAssignmentStates`
    ReadLicenses,
    /// `GET /subscribedSkus`
    ListSkus,
    /// `PUT /users/{id}/photo/$value`
    SetPhoto,
    /// `GET /users/{id}/memberOf`
    ReadBelonging,
    /// `GET /users/delta`
    UsersDelta,
    /// `POST /groups`
    CreateGroup,
    /// `GET /groups` by name or nickname
    FindGroup,
    /// `GET /groups/{id}`
    ReadGroup,
    /// `PATCH /groups/{id}` with properties
    UpdateGroup,
    /// `PATCH /groups/{id}` with `members@odata.bind`
    AddMembers,
    /// `POST /groups/{id}/members/$ref`
    AddMember,
    /// `DELETE /groups/{id}/members/{id}/$ref`
    RemoveMember,
    /// `DELETE /groups/{id}`
    DeleteGroup,
    /// `GET /groups/delta`
    GroupsDelta,
    /// `PUT /users/{id}/manager/$ref`
    SetManager,
    /// `DELETE /users/{id}/manager/$ref`
    RemoveManager,
    /// `GET /domains`
    ListDomains,
    /// `GET /organization`
    ReadOrganization,
    /// `GET /me`
    ReadMe,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 31] = [
        Self::CreateUser,
        Self::FindUser,
        Self::ReadUser,
        Self::UpdateUser,
        Self::EnableUser,
        Self::SetPassword,
        Self::RevokeSessions,
        Self::DeleteUser,
        Self::FindDeletedUser,
        Self::ListDeletedUsers,
        Self::RestoreUser,
        Self::AssignLicense,
        Self::ReadLicenses,
        Self::ListSkus,
        Self::SetPhoto,
        Self::ReadBelonging,
        Self::UsersDelta,
        Self::CreateGroup,
        Self::FindGroup,
        Self::ReadGroup,
        Self::UpdateGroup,
        Self::AddMembers,
        Self::AddMember,
        Self::RemoveMember,
        Self::DeleteGroup,
        Self::GroupsDelta,
        Self::SetManager,
        Self::RemoveManager,
        Self::ListDomains,
        Self::ReadOrganization,
        Self::ReadMe,
    ];

    /// The name in metrics and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateUser => "create_user",
            Self::FindUser => "find_user",
            Self::ReadUser => "read_user",
            Self::UpdateUser => "update_user",
            Self::EnableUser => "enable_user",
            Self::SetPassword => "set_password",
            Self::RevokeSessions => "revoke_sessions",
            Self::DeleteUser => "delete_user",
            Self::FindDeletedUser => "find_deleted_user",
            Self::ListDeletedUsers => "list_deleted_users",
            Self::RestoreUser => "restore_user",
            Self::AssignLicense => "assign_license",
            Self::ReadLicenses => "read_licenses",
            Self::ListSkus => "list_skus",
            Self::SetPhoto => "set_photo",
            Self::ReadBelonging => "read_belonging",
            Self::UsersDelta => "users_delta",
            Self::CreateGroup => "create_group",
            Self::FindGroup => "find_group",
            Self::ReadGroup => "read_group",
            Self::UpdateGroup => "update_group",
            Self::AddMembers => "add_members",
            Self::AddMember => "add_member",
            Self::RemoveMember => "remove_member",
            Self::DeleteGroup => "delete_group",
            Self::GroupsDelta => "groups_delta",
            Self::SetManager => "set_manager",
            Self::RemoveManager => "remove_manager",
            Self::ListDomains => "list_domains",
            Self::ReadOrganization => "read_organization",
            Self::ReadMe => "read_me",
        }
    }

    /// Whether doing it twice is as good as doing it once, so that it may be repeated when nobody knows whether the
    /// first request was carried out. (A second DELETE is answered 404 and a second addition with
    /// [`Error::AlreadyThere`](super::Error::AlreadyThere), which say that it is done.)
    pub const fn is_repeatable(self) -> bool {
        !matches!(self, Self::CreateUser | Self::RestoreUser | Self::CreateGroup)
    }

    /// What was to be done, after "to".
    pub(super) const fn act(self) -> &'static str {
        match self {
            Self::CreateUser => "create the account",
            Self::FindUser => "look for the account",
            Self::ReadUser => "read the account",
            Self::UpdateUser => "change the account",
            Self::EnableUser => "block or unblock the account",
            Self::SetPassword => "set the password",
            Self::RevokeSessions => "sign the account out",
            Self::DeleteUser => "delete the account",
            Self::FindDeletedUser => "look among the deleted accounts",
            Self::ListDeletedUsers => "read the deleted accounts",
            Self::RestoreUser => "restore the account",
            Self::AssignLicense => "change the licences of the account",
            Self::ReadLicenses => "read the licences of the account",
            Self::ListSkus => "read the tenant's licences",
            Self::SetPhoto => "set the photo of the account",
            Self::ReadBelonging => "read the groups and roles of the account",
            Self::UsersDelta => "read what has changed among the accounts",
            Self::CreateGroup => "create the group",
            Self::FindGroup => "look for the group",
            Self::ReadGroup => "read the group",
            Self::UpdateGroup => "change the group",
            Self::AddMembers => "add members to the group",
            Self::AddMember => "add a member to the group",
            Self::RemoveMember => "remove a member from the group",
            Self::DeleteGroup => "delete the group",
            Self::GroupsDelta => "read what has changed among the groups",
            Self::SetManager => "set the manager of the account",
            Self::RemoveManager => "remove the manager of the account",
            Self::ListDomains => "read the tenant's domains",
            Self::ReadOrganization => "read the tenant",
            Self::ReadMe => "read the signed-in administrator's account",
        }
    }

    /// Whether its answer is a page of a list that can be long.
    pub(super) const fn is_list(self) -> bool {
        matches!(
            self,
            Self::ListDeletedUsers
                | Self::ListSkus
                | Self::ReadBelonging
                | Self::UsersDelta
                | Self::GroupsDelta
                | Self::ListDomains
        )
    }

    pub(super) const fn is_of_group(self) -> bool {
        matches!(
            self,
            Self::CreateGroup
                | Self::FindGroup
                | Self::ReadGroup
                | Self::UpdateGroup
                | Self::AddMembers
                | Self::AddMember
                | Self::RemoveMember
                | Self::DeleteGroup
        )
    }

    /// The least permission that the call needs ("Microsoft Graph permissions reference" and each call's page).
    pub(super) const fn permission(self) -> &'static str {
        match self {
            Self::CreateUser | Self::SetManager | Self::RemoveManager => "User.ReadWrite.All",
            Self::FindUser
            | Self::ReadUser
            | Self::ReadLicenses
            | Self::FindDeletedUser
            | Self::ListDeletedUsers
            | Self::UsersDelta => "User.Read.All",
            Self::UpdateUser => {
                "User.ReadWrite.All (also User-Phone.ReadWrite.All for telephone numbers and User-Mail.ReadWrite.All for other mail addresses)"
            }
            Self::EnableUser => "User.EnableDisableAccount.All (and User.ReadWrite.All)",
            Self::SetPassword => "User-PasswordProfile.ReadWrite.All",
            Self::RevokeSessions => "User.RevokeSessions.All",
            Self::DeleteUser | Self::RestoreUser => "User.DeleteRestore.All",
            Self::AssignLicense => "LicenseAssignment.ReadWrite.All",
            Self::ListSkus => "LicenseAssignment.Read.All",
            Self::SetPhoto => "ProfilePhoto.ReadWrite.All",
            Self::ReadBelonging => "Directory.Read.All",
            Self::FindGroup | Self::ReadGroup | Self::GroupsDelta => "Group.Read.All",
            Self::CreateGroup | Self::UpdateGroup | Self::DeleteGroup => "Group.ReadWrite.All",
            Self::AddMembers | Self::AddMember | Self::RemoveMember => "GroupMember.ReadWrite.All",
            Self::ListDomains => "Domain.Read.All",
            Self::ReadOrganization => "Organization.Read.All",
            Self::ReadMe => "User.Read",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let names: BTreeSet<_> = Operation::ALL.map(Operation::name).into();
        let acts: BTreeSet<_> = Operation::ALL.map(Operation::act).into();
        assert_eq!((names.len(), acts.len()), (Operation::ALL.len(), Operation::ALL.len()));
    }

    #[test]
    fn only_what_makes_something_new_is_not_repeated_blindly() {
        let once: Vec<_> =
            Operation::ALL.into_iter().filter(|operation| !operation.is_repeatable()).collect();
        assert_eq!(once, [Operation::CreateUser, Operation::RestoreUser, Operation::CreateGroup]);
    }
}
