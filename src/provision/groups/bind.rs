//! Finding or creating the group that has none in Microsoft 365 yet.

use serde_json::Value;

use super::carry::{Fault, Run, check};
use super::given::GivenGroup;
use super::mapping;
use super::members::object_of;
use crate::directory::refusal::{Refusal, RefusalKind};
use crate::graph::{self, Disposition, Group, GroupProperty, MOST_MEMBERS, NewGroup, ObjectId};
use crate::provision::end::Later;
use crate::store::group_bindings;

/// How often it is looked for what a create may have made, with growing pauses: for about a minute. Names and nicknames are
/// not unique, so that a second create would make a second group.
const LOOKS: i32 = 8;

/// What to do where groups of the wanted name were found.
#[derive(Debug, PartialEq)]
enum Choice<'a> {
    /// This one was made for us by a create whose answer was lost.
    Ours(&'a Group),
    /// This one was there before, and may be taken over.
    Adopt(&'a Group),
    /// There is only one that must not be touched, for this reason.
    Refuse(String),
    /// None is in the way.
    Create,
}

/// `is_free` says whether no other SCIM group has the group. Names are not unique in Microsoft 365: of several that
/// could be meant none is taken.
fn choose<'a>(found: &'a [Group], nickname: &str, is_free: impl Fn(&Group) -> bool) -> Choice<'a> {
    let is_ours = |group: &&Group| group.mail_nickname.as_deref() == Some(nickname);
    if let Some(ours) = found.iter().find(is_ours) {
        return Choice::Ours(ours);
    }
    let mut manageable = found.iter().filter(|group| group.kind.is_manageable() && is_free(group));
    match (manageable.next(), manageable.next()) {
        (Some(only), None) => Choice::Adopt(only),
        (Some(_), Some(_)) => Choice::Create,
        (None, _) => match found.iter().find_map(Group::refusal) {
            // Beside one that another SCIM group has there may be a second of the name.
            Some(why) if !found.iter().any(|group| group.kind.is_manageable()) => Choice::Refuse(why),
            _ => Choice::Create,
        },
    }
}

impl Run<'_> {
    pub(super) async fn bind(&mut self) -> Result<(), Fault> {
        let mapping::Mapped { properties, .. } = mapping::properties(&self.resource());
        check(&properties)?;
        let name = self.group.display_name.clone();
        let found = self.graph.groups_named(&self.call(), &name).await?;
        self.note(&found);
        let mut found = found.value;
        let again = self.done.given.tried || self.binding.attempts > 0;
        if again && let Some(ours) = self.ours().await? {
            found.push(ours);
        } else if self.done.given.tried && self.binding.attempts < LOOKS {
            return Err(Fault::Later(Later::soon(
                "Microsoft 365 may have made the group without showing it yet; it is looked for again",
            )));
        }
        let mut free = Vec::with_capacity(found.len());
        for group in &found {
            let holder =
                group_bindings::holder_of(self.store, self.connection.id, &group.id.to_string()).await?;
            if holder.is_none_or(|(id, _)| id == self.binding.id) {
                free.push(group.id);
            }
        }
        let nickname = self.done.given.nickname.clone();
        match choose(&found, &nickname, |group| free.contains(&group.id)) {
            Choice::Ours(group) => self.take(group, false),
            Choice::Adopt(group) => self.take(group, true),
            Choice::Refuse(sentence) => {
                return Err(Fault::Refused(Refusal { kind: RefusalKind::Uniqueness, sentence, code: None }));
            }
            Choice::Create => return self.create().await,
        }
        Ok(())
    }

    /// What an unanswered create may have left: found, it can be deleted; not found, there is nothing to delete.
    pub(super) async fn find(&mut self) -> Result<(), Fault> {
        if let Some(ours) = self.ours().await? {
            self.take(&ours, false);
        } else if self.binding.attempts < LOOKS {
            return Err(Fault::Later(Later::soon(
                "Microsoft 365 may have made the group that is gone; it is looked for again",
            )));
        }
        self.done.given.tried = false;
        Ok(())
    }

    /// The group that was made for us, also when it has been renamed since.
    async fn ours(&mut self) -> Result<Option<Group>, Fault> {
        let nickname = self.done.given.nickname.clone();
        let found = self.graph.group_by_nickname(&self.call(), &nickname).await?;
        self.note(&found);
        Ok(found.value)
    }

    fn take(&mut self, group: &Group, adopted: bool) {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::String);
        let properties = [
            (GroupProperty::DisplayName, text(&group.display_name)),
            (GroupProperty::Description, text(&group.description)),
        ]
        .into();
        let nickname = self.done.given.nickname.clone();
        self.have_bound(group.id, GivenGroup { nickname, properties, adopted, tried: false });
    }

    /// With as many members as one request takes. A member that Graph does not know must not keep the group from being
    /// made: then it is made without any, and they follow.
    async fn create(&mut self) -> Result<(), Fault> {
        let mapping::Mapped { properties, .. } = mapping::properties(&self.resource());
        let first: Vec<ObjectId> = self.additions.iter().filter_map(object_of).take(MOST_MEMBERS).collect();
        let mut group = NewGroup::new(self.group.display_name.clone(), self.done.given.nickname.clone());
        if let Some(Value::String(description)) = properties.get(&GroupProperty::Description) {
            group = group.described(description.clone());
        }
        let with_members = group.clone().with_members(first.iter().copied());
        let with_members = with_members.map_err(|fault| {
            Fault::Refused(Refusal {
                kind: RefusalKind::InvalidValue,
                sentence: fault.to_string(),
                code: None,
            })
        })?;
        let (created, members) = match self.graph.create_group(&self.call(), &with_members).await {
            Ok(created) => (created, first),
            Err(error) if !first.is_empty() && can_be_a_members_fault(&error) => {
                (self.graph.create_group(&self.call(), &group).await?, Vec::new())
            }
            Err(error) => return Err(error.into()),
        };
        self.note(&created);
        let nickname = self.done.given.nickname.clone();
        let given = GivenGroup { nickname, properties, ..GivenGroup::default() };
        self.have_bound(created.value.id, given);
        self.have_added(&members);
        Ok(())
    }
}

fn can_be_a_members_fault(error: &graph::Error) -> bool {
    error.disposition() == Disposition::Refused && !matches!(error, graph::Error::Forbidden(_))
        || matches!(error, graph::Error::NotFound(_) | graph::Error::NotReplicatedYet(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GroupKind;
    use rstest::rstest;
    use uuid::Uuid;

    fn group(number: u128, nickname: &str, kind: GroupKind) -> Group {
        Group {
            id: Uuid::from_u128(number).into(),
            display_name: Some("Sales".to_owned()),
            description: None,
            mail_nickname: Some(nickname.to_owned()),
            kind,
        }
    }

    #[test]
    fn our_own_is_taken_whatever_else_is_there() {
        let found = [group(1, "x", GroupKind::Microsoft365), group(2, "ours", GroupKind::Security)];
        assert_eq!(choose(&found, "ours", |_| false), Choice::Ours(&found[1]));
    }

    #[test]
    fn the_only_free_security_group_is_adopted() {
        let found = [group(1, "x", GroupKind::Microsoft365), group(2, "y", GroupKind::Security)];
        assert_eq!(choose(&found, "ours", |_| true), Choice::Adopt(&found[1]));
        assert_eq!(choose(&found, "ours", |_| false), Choice::Create);
    }

    #[test]
    fn of_two_that_could_be_meant_none_is_taken() {
        let found = [group(1, "x", GroupKind::Security), group(2, "y", GroupKind::Security)];
        assert_eq!(choose(&found, "ours", |_| true), Choice::Create);
        assert_eq!(choose(&[], "ours", |_| true), Choice::Create);
    }

    #[rstest]
    #[case(GroupKind::Microsoft365)]
    #[case(GroupKind::Dynamic)]
    #[case(GroupKind::OnPremises)]
    #[case(GroupKind::MailEnabledSecurity)]
    #[case(GroupKind::Distribution)]
    #[case(GroupKind::RoleAssignable)]
    fn what_must_not_be_touched_is_refused_by_name(#[case] kind: GroupKind) {
        let found = [group(1, "x", kind)];
        assert!(matches!(choose(&found, "ours", |_| true), Choice::Refuse(why) if why.contains("Sales")));
    }
}
