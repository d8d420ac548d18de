//! The query options of a list: which Graph takes, what they find, and the way to the next page (graph-facts §7).

use std::cmp::Ordering;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::account::Account;
use super::directory::Directory;
use super::filter::{Filter, orderable};
use super::group::Group;
use super::message::Request;
use super::object::Object;
use super::refusal::Refusal;
use super::schema::Entity;

/// The size of a page where `$top` does not say.
const PAGE: usize = 100;

/// A list's options.
#[derive(Debug, Default)]
pub(super) struct Query {
    entity: Entity,
    filter: Option<Filter>,
    pub(super) select: Option<Vec<String>>,
    top: Option<usize>,
    order: Option<(String, bool)>,
    after: Option<Cursor>,
    pub(super) expand: Option<Expansion>,
    /// `$count=true` together with `ConsistencyLevel: eventual`.
    advanced: bool,
}

/// `$expand=manager`, with the properties chosen for it.
#[derive(Debug)]
pub(super) struct Expansion {
    pub(super) select: Option<Vec<String>>,
}

/// Where the page before ended; what `$skiptoken` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Cursor {
    /// The value that the list is ordered by.
    key: String,
    id: Uuid,
}

/// Which users a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Users,
    /// The deleted ones, as they are at this time (milliseconds since the Unix epoch).
    Deleted(i64),
}

/// A page of a list.
#[derive(Debug)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The number of all objects that the filter finds; on the first page of an advanced query only.
    pub(super) count: Option<usize>,
    /// The next page's `$skiptoken`.
    pub(super) next: Option<String>,
}

impl Query {
    fn of(request: &Request, entity: Entity) -> Self {
        let counted = request.options().iter().any(|(name, value)| name == "$count" && value == "true");
        Self { entity, advanced: counted && request.eventual(), ..Self::default() }
    }

    /// Reads the options of a list of objects of one type.
    pub(super) fn parse(request: &Request, entity: Entity) -> Result<Self, Refusal> {
        let mut query = Self::of(request, entity);
        for (name, value) in &request.options() {
            query.option(name, value, request.eventual())?;
        }
        query.check()?;
        Ok(query)
    }

    /// Reads the options of a list of objects of either type, such as a group's members. Graph filters and orders
    /// these too, in advanced queries.
    pub(super) fn parse_mixed(request: &Request) -> Result<Self, Refusal> {
        let mut query = Self::of(request, Entity::User);
        for (name, value) in &request.options() {
            match name.as_str() {
                "$filter" | "$orderby" | "$search" | "$expand" => {
                    return Err(Refusal::not_built(&format!("{name} on members")));
                }
                "$select" => query.select = Some(selected(value, &[Entity::User, Entity::Group])?),
                _ => query.option(name, value, request.eventual())?,
            }
        }
        Ok(query)
    }

    /// Reads the options of a single object: `$select` and `$expand`.
    pub(super) fn parse_single(request: &Request, entity: Entity) -> Result<Self, Refusal> {
        let mut query = Self { entity, ..Self::default() };
        for (name, value) in &request.options() {
            match name.as_str() {
                "$select" | "$expand" => query.option(name, value, false)?,
                _ if name.starts_with('$') => return Err(unsupported(name)),
                _ => {}
            }
        }
        Ok(query)
    }

    fn option(&mut self, name: &str, value: &str, eventual: bool) -> Result<(), Refusal> {
        match name {
            "$filter" => self.filter = Some(Filter::parse(value)?),
            "$select" => self.select = Some(selected(value, &[self.entity])?),
            "$expand" if self.entity == Entity::Group => {
                return Err(Refusal::not_built(&format!("$expand={value} on groups")));
            }
            "$expand" => self.expand = Some(expanded(value)?),
            "$top" => self.top = Some(top(value)?),
            "$orderby" => self.order = Some(order(value, self.entity)?),
            "$skiptoken" => self.after = Some(cursor(value)?),
            "$count" if matches!(value, "true" | "false") => {}
            "$count" => return Err(Refusal::new(400, "BadRequest", "Invalid value for $count.")),
            "$search" if !eventual => {
                return Err(Refusal::query(
                    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
                ));
            }
            "$search" => return Err(Refusal::not_built("$search")),
            _ if name.starts_with('$') && name != "$format" => return Err(unsupported(name)),
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Refusal> {
        if let Some(filter) = &self.filter {
            filter.check(self.entity, self.advanced)?;
        }
        if let Some((property, _)) = &self.order {
            let advanced = orderable(self.entity, property).unwrap_or(true) || self.filter.is_some();
            if advanced && !self.advanced {
                return Err(Refusal::query("Sorting not supported for current query."));
            }
        }
        if self.expand.is_some() && self.advanced {
            return Err(Refusal::query("$expand is not supported in advanced queries."));
        }
        Ok(())
    }

    fn finds(&self, object: &impl Object, issuer: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.finds(object, issuer))
    }

    /// How many users the filter finds.
    pub(super) fn count(&self, directory: &Directory, source: Source, issuer: &str) -> usize {
        self.users(directory, source, None).filter(|account| self.finds(account.as_ref(), issuer)).count()
    }

    /// How many groups the filter finds.
    pub(super) fn group_count(&self, directory: &Directory) -> usize {
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
            return match after {
                Some(id) => Box::new(directory.users_after(id)),
                None => Box::new(directory.users()),
            };
        };
        let mut few: Vec<&Arc<Account>> = keys.iter().filter_map(|key| directory.find(key)).collect();
        few.sort_by_key(|account| account.id);
        few.dedup_by_key(|account| account.id);
        Box::new(few.into_iter().filter(move |account| after.is_none_or(|id| account.id > id)))
    }

    /// The page of users that the options ask for.
    pub(super) fn page(&self, directory: &Directory, source: Source, issuer: &str) -> Page<Arc<Account>> {
        let count = self.counts().then(|| self.count(directory, source, issuer));
        self.paged(|after| self.users(directory, source, after), count, issuer)
    }

    /// The page of groups that the options ask for.
    pub(super) fn group_page(&self, directory: &Directory) -> Page<Arc<Group>> {
        let count = self.counts().then(|| self.group_count(directory));
        self.paged(|after| Box::new(directory.groups_after(after)), count, "")
    }

    /// The page of a list of objects of either type, by id. `after` gives those behind an id.
    pub(super) fn mixed_page<T, I: Iterator<Item = T>>(
        &self,
        after: impl Fn(Option<Uuid>) -> I,
        id: impl Fn(&T) -> Uuid,
    ) -> Page<T> {
        let count = self.counts().then(|| after(None).count());
        let size = self.top.unwrap_or(PAGE);
        let from = self.after.as_ref().map(|cursor| cursor.id);
        let items: Vec<T> = after(from).take(size + 1).collect();
        Self::cut(items, size, count, |last| token("", id(last)))
    }

    /// Whether the page tells the number of all objects.
    fn counts(&self) -> bool {
        self.advanced && self.after.is_none()
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
        let key = |object: &O| match &self.order {
            Some((property, _)) => sort_key(object, property),
            None => String::new(),
        };
        Self::cut(items, size, count, |last| token(&key(last), last.id()))
    }

    /// A page of `items`, which hold one more than fits if there are more.
    fn cut<T>(mut items: Vec<T>, size: usize, count: Option<usize>, token: impl Fn(&T) -> String) -> Page<T> {
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(token);
        Page { items, count, next }
    }

    fn sorted<O: Object>(&self, mut all: Vec<Arc<O>>, property: &str, descending: bool) -> Vec<Arc<O>> {
        let order = |a: (&str, Uuid), b: (&str, Uuid)| -> Ordering {
            let ascending = a.cmp(&b);
            if descending { ascending.reverse() } else { ascending }
        };
        let keyed = |object: &Arc<O>| (sort_key(object.as_ref(), property), object.id());
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
    pub(super) fn body(&self, request: &Request, values: Vec<Value>, context: &str) -> Value {
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

fn next_link(request: &Request, token: &str) -> String {
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

fn unsupported(name: &str) -> Refusal {
    Refusal::new(400, "BadRequest", format!("The query parameter '{name}' is not supported."))
}

/// The names in `$select`, each of a property of one of these types.
fn selected(value: &str, entities: &[Entity]) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = value.split(',').map(|name| name.trim().to_owned()).collect();
    let known = |name: &str| entities.iter().any(|entity| entity.exists(name) || entity.is_navigation(name));
    match names.iter().find(|name| !known(name)) {
        Some(unknown) => Err(Refusal::unknown_property(unknown)),
        None => Ok(names),
    }
}

/// `manager` or `manager($select=…)`.
fn expanded(value: &str) -> Result<Expansion, Refusal> {
    let (relation, options) = match value.split_once('(') {
        Some((relation, options)) => (relation, options.strip_suffix(')').unwrap_or(options)),
        None => (value, ""),
    };
    if relation != "manager" {
        return Err(Refusal::not_built(&format!("$expand={relation}")));
    }
    match options.strip_prefix("$select=") {
        Some(names) => Ok(Expansion { select: Some(selected(names, &[Entity::User])?) }),
        None if options.is_empty() => Ok(Expansion { select: None }),
        None => Err(Refusal::not_built(&format!("$expand with {options}"))),
    }
}

fn top(value: &str) -> Result<usize, Refusal> {
    let number = value.parse().ok().filter(|top| (1..=999).contains(top));
    number.ok_or_else(|| {
        Refusal::query(format!(
            "Invalid page size specified: '{value}'. Must be between 1 and 999 inclusive."
        ))
    })
}

fn order(value: &str, entity: Entity) -> Result<(String, bool), Refusal> {
    let mut words = value.split_whitespace();
    let property = words.next().unwrap_or_default();
    let descending = match words.next() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(Refusal::query("Sorting not supported for current query.")),
    };
    if !entity.exists(property) {
        return Err(Refusal::unknown_property(property));
    }
    if orderable(entity, property).is_none() {
        return Err(Refusal::query("Sorting not supported for current query."));
    }
    Ok((property.to_owned(), descending))
}

fn cursor(value: &str) -> Result<Cursor, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(value).ok();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| {
        Refusal::new(
            400,
            "Directory_ExpiredPageToken",
            "The specified page token value has expired and can no longer be included in your request.",
        )
    })
}

#[cfg(test)]
mod tests;
