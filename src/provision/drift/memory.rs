//! What was seen of one account or group and told, so that no change is told twice, however often Graph shows it. Pure.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::compare::{Difference, Watched};

/// What is remembered with a binding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "P: Watched + Serialize", deserialize = "P: Watched + DeserializeOwned"), default)]
pub struct Memory<P> {
    /// The object that all this is about: what is remembered of an earlier one is void.
    pub object: String,
    /// Properties that others have changed, and were told.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<P, Told>,
    /// Whether the object is gone, which was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
    /// The time of the password that others have set, and which was told (ms).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_at: Option<i64>,
    /// Whether a difference was seen while it could still be Gangway's own change on its way: the object is looked at
    /// again.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub suspected: bool,
    /// The doubt (`unverified_at`) in which the properties were shown as they were given: when its time is over, nothing of
    /// them need be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_in: Option<i64>,
    /// Whether the object is mastered on-premises, which a repair could not change.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub synced: bool,
    /// Whether all members of a group that Gangway has taken over were seen once: from then on a new one is told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub members_known: bool,
}

/// A difference that was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// What Gangway had given then: what it gives later is another story.
    pub given: Value,
    /// What Graph showed.
    pub seen: Value,
}

/// How an object went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// It can be restored for 30 days.
    SoftDeleted,
    /// For good, as far as can be seen.
    Deleted,
}

impl<P> Default for Memory<P> {
    fn default() -> Self {
        Self {
            object: String::new(),
            seen: BTreeMap::new(),
            gone: None,
            password_at: None,
            suspected: false,
            shown_in: None,
            synced: false,
            members_known: false,
        }
    }
}

impl<P: Watched + Serialize + DeserializeOwned> Memory<P> {
    /// What is remembered of `object`: nothing where there is nothing, or only of another object.
    pub fn of(stored: Option<&Value>, object: &str) -> Self {
        let read = stored.and_then(|stored| serde_json::from_value::<Self>(stored.clone()).ok());
        read.filter(|memory| memory.object == object)
            .unwrap_or_else(|| Self { object: object.to_owned(), ..Self::default() })
    }

    /// As it is stored; nothing where there is nothing to remember.
    pub fn stored(&self) -> Result<Option<Value>, serde_json::Error> {
        if *self == (Self { object: self.object.clone(), ..Self::default() }) {
            return Ok(None);
        }
        serde_json::to_value(self).map(Some)
    }

    /// Forgets what is shown as it was given; of what is not shown nothing is said.
    pub fn forget(&mut self, shown: &BTreeMap<P, Value>, differences: &[Difference<P>]) {
        let differs = |property: &P| differences.iter().any(|one| one.property == *property);
        self.seen.retain(|property, _| !shown.contains_key(property) || differs(property));
    }

    /// Takes notice of differences; those that were not told yet.
    pub fn learn(&mut self, differences: Vec<Difference<P>>) -> Vec<Difference<P>> {
        let mut news = Vec::new();
        for difference in differences {
            let Difference { property, given, seen } = &difference;
            let told = self.seen.get(property);
            if told.is_some_and(|told| property.same(&told.given, given) && property.same(&told.seen, seen)) {
                continue;
            }
            self.seen.insert(*property, Told { given: given.clone(), seen: seen.clone() });
            news.push(difference);
        }
        news
    }

    /// Takes notice that the object is gone; whether that is news.
    pub fn lose(&mut self, gone: Gone) -> bool {
        self.gone.replace(gone).is_none()
    }

    /// Takes notice of the last change of the password, against the time when Gangway set one last; whether it is news
    /// that others have changed it since. The clocks of both may be `slack` milliseconds apart.
    pub fn hear_of_password(&mut self, set_at: i64, changed_at: i64, slack: i64) -> bool {
        if changed_at <= set_at.saturating_add(slack) {
            self.password_at = None;
            return false;
        }
        self.password_at.replace(changed_at) != Some(changed_at)
    }
}

/// Whether it was told that `object` is gone, and it has not come back since.
pub fn is_known_lost(stored: Option<&Value>, object: &str) -> bool {
    let has = |name| stored.and_then(|stored| stored.get(name)).and_then(Value::as_str);
    has("object") == Some(object) && has("gone").is_some()
}

#[cfg(test)]
mod tests;
