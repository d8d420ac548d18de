//! What was found, told as directory-insights events.

use serde_json::{Value, json};

use super::compare::{Difference, Watched};
use super::judge::News;
use super::memory::Gone;
use super::{Inner, Tenant};
use crate::clock::rfc3339;
use crate::directory::caller::Origin;
use crate::directory::error::Error;
use crate::directory::events;
use crate::graph::Property;
use crate::ids::OrganizationId;
use crate::insights::{Change, Event, EventType, MessageChain, Outcome, ResourceKind, ResourceRef};
use crate::provision::describe::{Report, Target, Trace};
use crate::store::Tx;
use crate::telemetry::names;

/// Something of which administrators want to know apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    SoftDeleted,
    Deleted,
    NotApplied,
    Blocked,
    Unblocked,
    Renamed,
    Changed,
    PasswordChanged,
    MembersChanged,
}

/// What an event is about.
pub(super) struct Subject<'a> {
    pub(super) organization: OrganizationId,
    pub(super) about: ResourceRef,
    /// Its id in Microsoft Graph.
    pub(super) object: &'a str,
}

/// One event to be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Telling {
    /// The one that matters most comes first.
    pub(super) kinds: Vec<Kind>,
    pub(super) changes: Vec<Change>,
    /// What follows, as a sentence.
    pub(super) consequence: Option<&'static str>,
}

impl Kind {
    /// The word for counting and filtering.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SoftDeleted => "soft_deleted",
            Self::Deleted => "deleted",
            Self::NotApplied => "not_applied",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Renamed => "renamed",
            Self::Changed => "changed",
            Self::PasswordChanged => "password_changed",
            Self::MembersChanged => "members_changed",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::SoftDeleted => {
                "It was deleted in Microsoft 365, and can be restored there for 30 days; a push for it binds it again."
            }
            Self::Deleted => "It is not in Microsoft 365 any more; a push for it makes it again.",
            Self::NotApplied => {
                "Microsoft 365 accepted Gangway's change, but does not show it: look whether another system writes it too."
            }
            Self::Blocked => "Its sign-in was blocked in Microsoft 365, though upstream allows it.",
            Self::Unblocked => "Its sign-in was unblocked in Microsoft 365, though upstream has it blocked.",
            Self::Renamed => "Its user name was changed in Microsoft 365; upstream goes on with the old one.",
            Self::Changed => "Attributes that upstream manages were changed in Microsoft 365.",
            Self::PasswordChanged => {
                "Its password was changed in Microsoft 365 after Gangway set one: the two differ until upstream sends one again."
            }
            Self::MembersChanged => "Its members were changed in Microsoft 365.",
        }
    }
}

/// What is news of an account.
pub(super) fn of_account(account: &str, news: &News<Property>) -> Telling {
    let mut telling = of_object(account, news, |difference| match (difference.property, &difference.seen) {
        (Property::AccountEnabled, Value::Bool(false)) => Kind::Blocked,
        (Property::AccountEnabled, _) => Kind::Unblocked,
        (Property::UserPrincipalName, _) => Kind::Renamed,
        _ => Kind::Changed,
    });
    if let Some((set_at, changed_at)) = news.password {
        telling.kinds.push(Kind::PasswordChanged);
        let times = (json!(rfc3339(set_at)), json!(rfc3339(changed_at)));
        telling.changes.extend(Change::new("lastPasswordChangeDateTime", times.0, times.1));
    }
    telling
}

/// What is news of an object, whose differences have these kinds.
pub(super) fn of_object<P: Watched>(
    object: &str,
    news: &News<P>,
    kind: impl Fn(&Difference<P>) -> Kind,
) -> Telling {
    let mut telling = Telling { kinds: Vec::new(), changes: Vec::new(), consequence: None };
    if let Some(gone) = news.gone {
        telling.kinds.push(if gone == Gone::SoftDeleted { Kind::SoftDeleted } else { Kind::Deleted });
        telling.changes.extend(Change::new("id", json!(object), Value::Null));
    }
    if news.not_applied {
        telling.kinds.push(Kind::NotApplied);
    }
    for difference in &news.changes {
        let kind = kind(difference);
        if !news.not_applied && !telling.kinds.contains(&kind) {
            telling.kinds.push(kind);
        }
        let Difference { property, given, seen } = difference.clone();
        telling.changes.extend(Change::new(property.name(), given, seen));
    }
    telling.kinds.sort_by_key(|kind| *kind as u8);
    telling
}

impl Inner {
    /// Writes the event, in the transaction of what it tells.
    pub(super) async fn tell(
        &self,
        tx: &Tx,
        tenant: &Tenant,
        subject: Subject<'_>,
        telling: Telling,
        trace: &Trace,
    ) -> Result<(), Error> {
        let Subject { organization, about, object } = subject;
        let event_type = match about.kind {
            ResourceKind::Group => EventType::GroupDriftDetected,
            _ => EventType::UserDriftDetected,
        };
        for kind in &telling.kinds {
            metrics::counter!(names::DRIFT, "kind" => kind.as_str()).increment(1);
        }
        let message = telling.message();
        let report =
            Report { event_type, outcome: Outcome::Success, changes: telling.changes, trace: trace.clone() };
        let target = Target {
            connection: tenant.connection.id,
            connection_name: &tenant.connection.name,
            kind: about.kind,
            id: Some(object.to_owned()),
        };
        let origin = Origin::system(self.clock.uuid());
        let now = self.clock.millis();
        let mut event: Event = report.event(self.clock.uuid(), now, &origin, organization, &about, &target);
        event.chain = message.map(|(kind, details)| MessageChain {
            response_code: event.chain.map_or(200, |chain| chain.response_code),
            response_message: kind.to_owned(),
            message_details: Some(details),
        });
        if self.directory.records(&event) {
            crate::store::events::append(tx, &[events::row(&event)]).await?;
        }
        Ok(())
    }
}

impl Telling {
    /// The first kind, and all of them in sentences.
    fn message(&self) -> Option<(&'static str, String)> {
        let first = self.kinds.first()?;
        let sentences = self.kinds.iter().map(|kind| kind.sentence()).chain(self.consequence);
        Some((first.as_str(), sentences.collect::<Vec<_>>().join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(property: Property, given: Value, seen: Value) -> Difference<Property> {
        Difference { property, given, seen }
    }

    #[test]
    fn a_loss_is_told_by_the_id() {
        let news = News { gone: Some(Gone::SoftDeleted), ..News::default() };
        let telling = of_account("a-1", &news);
        assert_eq!(telling.kinds, [Kind::SoftDeleted]);
        assert_eq!((telling.changes[0].field(), telling.changes[0].from()), ("id", &json!("a-1")));
        assert!(telling.message().unwrap().1.contains("30 days"));
    }

    #[test]
    fn kinds_are_told_once_each_and_the_gravest_first() {
        let news = News {
            changes: vec![
                change(Property::JobTitle, json!("a"), json!("b")),
                change(Property::City, json!("a"), Value::Null),
                change(Property::AccountEnabled, json!(true), json!(false)),
            ],
            password: Some((0, 1_000)),
            ..News::default()
        };
        let telling = of_account("a-1", &news);
        assert_eq!(telling.kinds, [Kind::Blocked, Kind::Changed, Kind::PasswordChanged]);
        let fields: Vec<_> = telling.changes.iter().map(Change::field).collect();
        assert_eq!(fields, ["jobTitle", "city", "accountEnabled", "lastPasswordChangeDateTime"]);
        assert_eq!(telling.changes[3].to(), &json!("1970-01-01T00:00:01.000Z"));
        assert_eq!(telling.message().unwrap().0, "blocked");
    }

    #[test]
    fn what_was_not_applied_is_nobodys_change() {
        let changes = vec![change(Property::AccountEnabled, json!(false), json!(true))];
        let telling = of_account("a-1", &News { changes, not_applied: true, ..News::default() });
        assert_eq!(telling.kinds, [Kind::NotApplied]);
        assert_eq!(telling.changes.len(), 1);
    }
}
