//! The pages of a list: what the options find, in their order, and the way to the next page.

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::account::Account;
use super::super::directory::Directory;
use super::super::filter::Filter;
use super::super::group::Group;
use super::super::message::Request;
use super::super::object::Object;
use super::super::refusal::Refusal;
use super::Query;

/// The size of a page where `$top` does not say.
const PAGE: usize = 100;

/// Where the page before ended; what `$skiptoken` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The value that the list is ordered by.
    key: String,
    id: Uuid,
}

/// Which users a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Source {
    Users,
    /// The deleted ones, as they are at this time (milliseconds since the Unix epoch).
    Deleted(i64),
}

/// A page of a list.
#[derive(Debug)]
pub(in crate::simulator) struct Page<T> {
    pub(in crate::simulator) items: Vec<T>,
    /// The number of all objects that the filter finds; on the first page of an advanced query only.
    pub(in crate::simulator) count: Option<usize>,
    /// The next page's `$skiptoken`.
    pub(in crate::simulator) next: Option<String>,
}

impl Query {
    fn finds(&self, object: &impl Object, issuer: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.finds(object, issuer))
            && self.search.as_ref().is_none_or(|search| search.finds(object))
    }

    /// How many users the filter finds.
    pub(in crate::simulator) fn count(&self, directory: &Directory, source: Source, issuer: &str) -> usize {
        self.users(directory, source, None).filter(|account| self.finds(account.as_ref(), issuer)).count()
    }

    /// How many groups the filter finds.
    pub(in crate::simulator) fn group_count(&self, directory: &Directory) -> usize {
        directory.groups().filter(|group| self.finds(group.as_ref(), "")).count()
    }

    fn users<'a>(
        &self,
        directory: &'a Directory,
        source: Source,
        after: Option<Uuid>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Account>> + 'a> {
        if let Source::Deleted(now) = source {
            return Box::new(
                directory.deleted(now).filter(move |account| after.is_none_or(|id| account.id > id)),
            );
        }
        let Some(keys) = self.filter.as_ref().and_then(Filter::keys) else {
            return Box::new(directory.users_after(after));
        };
        let mut few: Vec<&Arc<Account>> = keys.iter().filter_map(|key| directory.find(key)).collect();
        few.sort_by_key(|account| account.id);
        few.dedup_by_key(|account| account.id);
        Box::new(few.into_iter().filter(move |account| after.is_none_or(|id| account.id > id)))
    }

    /// The page of users that the options ask for.
    pub(in crate::simulator) fn page(
        &self,
        directory: &Directory,
        source: Source,
        issuer: &str,
    ) -> Page<Arc<Account>> {
        let count = self.counts().then(|| self.count(directory, source, issuer));
        self.paged(|after| self.users(directory, source, after), count, issuer)
    }

    /// The page of groups that the options ask for.
    pub(in crate::simulator) fn group_page(&self, directory: &Directory) -> Page<Arc<Group>> {
        let count = self.counts().then(|| self.group_count(directory));
        self.paged(|after| Box::new(directory.groups_after(after)), count, "")
    }

    /// The page of a list of objects of either type. `after` gives those behind an id, by id.
    pub(in crate::simulator) fn mixed_page<O: Object, I: Iterator<Item = O>>(
        &self,
        after: impl Fn(Option<Uuid>) -> I,
        issuer: &str,
    ) -> Page<O> {
        let count = self.counts().then(|| self.mixed_count(after(None), issuer));
        let size = self.top.unwrap_or(PAGE);
        let items: Vec<O> = match &self.order {
            None => {
                let from = self.after.as_ref().map(|cursor| cursor.id);
                after(from).filter(|object| self.finds(object, issuer)).take(size + 1).collect()
            }
            Some((property, descending)) => {
                let all = after(None).filter(|object| self.finds(object, issuer)).collect();
                self.sorted(all, property, *descending)
            }
        };
        Self::cut(items, size, count, |last| token(&self.key(last), last.id()))
    }

    /// How many of the objects the options find.
    pub(in crate::simulator) fn mixed_count<O: Object>(
        &self,
        all: impl Iterator<Item = O>,
        issuer: &str,
    ) -> usize {
        all.filter(|object| self.finds(object, issuer)).count()
    }

    /// Whether the page tells the number of all objects.
    fn counts(&self) -> bool {
        self.counted && self.after.is_none()
    }

    /// What the list is ordered by.
    fn key(&self, object: &impl Object) -> String {
        self.order.as_ref().map(|(property, _)| sort_key(object, property)).unwrap_or_default()
    }

    fn paged<'a, O: Object + 'a>(
        &self,
        candidates: impl Fn(Option<Uuid>) -> Box<dyn Iterator<Item = &'a Arc<O>> + 'a>,
        count: Option<usize>,
        issuer: &str,
    ) -> Page<Arc<O>> {
        let size = self.top.unwrap_or(PAGE);
        let finds = |object: &&Arc<O>| self.finds(object.as_ref(), issuer);
        let items: Vec<Arc<O>> = match &self.order {
            None => {
                let after = self.after.as_ref().map(|cursor| cursor.id);
                candidates(after).filter(finds).take(size + 1).cloned().collect()
            }
            Some((property, descending)) => {
                let all = candidates(None).filter(finds).cloned().collect();
                self.sorted(all, property, *descending)
            }
        };
        Self::cut(items, size, count, |last| token(&self.key(last.as_ref()), last.id()))
    }

    /// A page of `items`, which hold one more than fits if there are more.
    fn cut<T>(mut items: Vec<T>, size: usize, count: Option<usize>, token: impl Fn(&T) -> String) -> Page<T> {
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(token);
        Page { items, count, next }
    }

    fn sorted<O: Object>(&self, mut all: Vec<O>, property: &str, descending: bool) -> Vec<O> {
        let order = |a: (&str, Uuid), b: (&str, Uuid)| -> Ordering {
            let ascending = a.cmp(&b);
            if descending { ascending.reverse() } else { ascending }
        };
        let keyed = |object: &O| (sort_key(object, property), object.id());
        if let Some(cursor) = &self.after {
            all.retain(|object| {
                let (key, id) = keyed(object);
                order((&key, id), (&cursor.key, cursor.id)).is_gt()
            });
        }
        all.sort_by(|a, b| {
            let (a, b) = (keyed(a), keyed(b));
            order((&a.0, a.1), (&b.0, b.1))
        });
        all
    }
}

/// What `$skiptoken` holds.
fn token(key: &str, id: Uuid) -> String {
    let cursor = json!({ "key": key, "id": id });
    URL_SAFE_NO_PAD.encode(cursor.to_string())
}

impl<T> Page<T> {
    /// The whole answer. `context` is the collection's name, e.g. `users`.
    pub(in crate::simulator) fn body(&self, request: &Request, values: Vec<Value>, context: &str) -> Value {
        let mut body = Map::new();
        body.insert("@odata.context".to_owned(), json!(context));
        if let Some(count) = self.count {
            body.insert("@odata.count".to_owned(), json!(count));
        }
        if let Some(token) = &self.next {
            body.insert("@odata.nextLink".to_owned(), json!(next_link(request, token)));
        }
        body.insert("value".to_owned(), values.into());
        body.into()
    }
}

/// The address of the next page.
pub(in crate::simulator) fn next_link(request: &Request, token: &str) -> String {
    let skip = |option: &&str| option.starts_with("$skiptoken=") || option.starts_with("%24skiptoken=");
    let mut options: Vec<&str> =
        request.query.split('&').filter(|option| !option.is_empty() && !skip(option)).collect();
    let token = format!("$skiptoken={token}");
    options.push(&token);
    format!("{}{}?{}", request.base, request.path, options.join("&"))
}

fn sort_key(object: &impl Object, property: &str) -> String {
    object.shown(property, "").as_str().unwrap_or_default().to_lowercase()
}

/// What `$skiptoken` holds.
pub(super) fn cursor(value: &str) -> Result<Cursor, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(value).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(expired)
}

/// A page's token that cannot be read.
pub(in crate::simulator) fn expired() -> Refusal {
    Refusal::new(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
    )
}
