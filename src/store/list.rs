//! Lists of users and of groups: filtered, sorted, paged.
//!
//! SQL decides and cuts where it can. What it cannot decide of a filter is looked at row by row, what it cannot sort is
//! ranked in memory: both in pieces, so that neither holds more rows than a piece and the page. Ranking keeps the sort key
//! of all those up to the end of the page besides, and so more the farther behind the page is.

use std::collections::{BinaryHeap, HashMap};

use sea_orm::sea_query::{Expr, ExprTrait as _, Order};
use sea_orm::{
    Condition, ConnectionTrait as _, EntityTrait, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};
use uuid::Uuid;

pub use crate::scim::cursor::Position;

use super::filter::{Scope, Translated};
use super::{Error, Reads, dialect};
use crate::ids::OrganizationId;
use crate::scim::filter::Predicate;
use crate::scim::list::SortOrder;
use crate::scim::sort::{Sort, SortKey};

/// So many rows are held at once while those that SQL cannot decide are looked at.
const PIECE: u64 = 256;

/// What is asked of a list.
#[derive(Clone, Copy, Debug)]
pub struct Listing<'a> {
    /// Which resources; all living ones without.
    pub filter: Option<&'a Predicate>,
    /// In which order; in that of their creation without.
    pub sort: Option<&'a Sort>,
    /// Where the page begins.
    pub from: From,
    /// At most so many; 0 asks for the total only.
    pub count: u64,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// At this resource; the first is 1 (RFC 7644 §3.4.2.4).
    Index(u64),
    /// Where a cursor points (RFC 9865). One that names a resource finds its place at once, however far behind.
    Cursor(Position),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// How many resources match, on all pages.
    pub total: u64,
    /// This page's.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end of the list.
    pub next: Option<Position>,
}

/// The tables that are listed. They share the names of most columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Users,
    Groups,
}

impl Table {
    pub(super) fn column(self, name: &'static str) -> Expr {
        let table = match self {
            Self::Users => "scim_user",
            Self::Groups => "scim_group",
        };
        Expr::col((table, name))
    }
}

/// What differs between the lists of users and those of groups.
pub(super) trait Resources: Sync {
    type Entity: EntityTrait;
    type Item: Send + Sync;
    const TABLE: Table;

    fn organization(&self) -> OrganizationId;
    fn living(&self) -> Select<Self::Entity>;
    /// How many live.
    fn number(&self, reads: &impl Reads) -> impl Future<Output = Result<u64, Error>> + Send;
    /// The rows with what belongs to them, in the order of `rows`.
    fn read(
        &self,
        reads: &impl Reads,
        rows: Select<Self::Entity>,
    ) -> impl Future<Output = Result<Vec<Self::Item>, Error>> + Send;
    fn place(item: &Self::Item) -> Place;
    fn matches(
        &self,
        reads: &impl Reads,
        predicate: &Predicate,
        item: &Self::Item,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
    fn key(&self, sort: &Sort, item: &Self::Item) -> SortKey;
}

/// A place in the order of creation.
pub(super) type Place = (i64, Uuid);

/// What of the matches is the page.
#[derive(Clone, Copy)]
struct Cut {
    skip: u64,
    after: Option<Place>,
    count: u64,
}

/// The living resources that match.
pub(super) async fn page<R: Resources>(
    reads: &impl Reads,
    resources: &R,
    listing: &Listing<'_>,
) -> Result<Page<R::Item>, Error> {
    let backend = reads.executor().get_database_backend();
    let scope = Scope { table: R::TABLE, organization: resources.organization(), backend };
    let mut list = List {
        reads,
        resources,
        rows: resources.living(),
        undecided: None,
        filtered: listing.filter.is_some(),
    };
    if let Some(filter) = listing.filter {
        let Translated { condition, exact } = scope.translate(filter);
        list.rows = list.rows.filter(condition);
        list.undecided = (!exact).then_some(filter);
    }
    let cut = Cut::of(listing);
    match (Ordering::of(scope, listing.sort), listing.sort, list.undecided) {
        (Some(ordering), _, None) => list.decided(&ordering, cut).await,
        (_, None, _) => list.looked_at(cut).await,
        (_, Some(sort), _) => list.ranked(sort, cut).await,
    }
}

impl Cut {
    fn of(listing: &Listing<'_>) -> Self {
        let (skip, after) = match listing.from {
            From::Index(index) => (index.saturating_sub(1), None),
            From::Cursor(Position::Offset(skip)) => (skip, None),
            // A place in the order of creation says nothing about another order.
            From::Cursor(Position::After { created_at, id }) if listing.sort.is_none() => {
                (0, Some((created_at, id)))
            }
            From::Cursor(Position::Start | Position::After { .. }) => (0, None),
        };
        Self { skip, after, count: listing.count }
    }

    /// Where the page behind this one begins, when there is one, in any other order than that of creation.
    fn next_by_offset(self, more: bool) -> Option<Position> {
        (more && self.count > 0).then(|| Position::Offset(self.skip.saturating_add(self.count)))
    }
}

/// An order that SQL knows; the time of creation and the id decide what it leaves open.
enum Ordering {
    Created,
    By { column: Expr, nullable: bool, order: Order },
}

impl Ordering {
    /// `None`: only a look at each resource tells. What has no value is last in ascending and first in descending order
    /// (RFC 7644 §3.4.2.3).
    fn of(scope: Scope, sort: Option<&Sort>) -> Option<Self> {
        let Some(sort) = sort else {
            return Some(Self::Created);
        };
        let target = sort.target;
        let column = |name| scope.table.column(name);
        let text = |name| dialect::by_bytes(scope.backend, column(name));
        let (column, nullable) = if target.is_core("userName", None) {
            (text("user_name_key"), false)
        } else if target.is_core("displayName", None) {
            (text("display_name_key"), scope.table == Table::Users)
        } else if target.is_core("externalId", None) {
            (text("external_id"), true)
        } else if target.is_core("id", None) {
            (column("id"), false)
        } else if target.is_core("meta", Some("created")) {
            (column("created_at"), false)
        } else if target.is_core("meta", Some("lastModified")) {
            (column("updated_at"), false)
        } else {
            return None;
        };
        let order = match sort.order {
            SortOrder::Ascending => Order::Asc,
            SortOrder::Descending => Order::Desc,
        };
        Some(Self::By { column, nullable, order })
    }

    fn apply<E: EntityTrait>(&self, table: Table, mut rows: Select<E>) -> Select<E> {
        if let Self::By { column, nullable, order } = self {
            if *nullable {
                rows = rows.order_by(column.clone().is_null(), order.clone());
            }
            rows = rows.order_by(column.clone(), order.clone());
        }
        rows.order_by_asc(table.column("created_at")).order_by_asc(table.column("id"))
    }
}

/// Where the page behind `last` begins, when there is one, in the order of creation.
fn next_by_place(more: bool, last: Option<Place>) -> Option<Position> {
    let (created_at, id) = last.filter(|_| more)?;
    Some(Position::After { created_at, id })
}

/// Behind this place in the order of creation. The first part lets the index find it.
fn behind(table: Table, (created_at, id): Place) -> Condition {
    let created = || table.column("created_at");
    Condition::all()
        .add(created().gte(created_at))
        .add(created().gt(created_at).or(table.column("id").gt(id)))
}

/// A list about to be read.
struct List<'a, Q, R: Resources> {
    reads: &'a Q,
    resources: &'a R,
    /// What SQL can tell of the filter is in it.
    rows: Select<R::Entity>,
    /// The filter, where SQL cannot tell all of it.
    undecided: Option<&'a Predicate>,
    filtered: bool,
}

impl<Q: Reads, R: Resources> List<'_, Q, R> {
    /// SQL decides, sorts and cuts.
    async fn decided(&self, ordering: &Ordering, cut: Cut) -> Result<Page<R::Item>, Error> {
        let mut items = Vec::new();
        if cut.count > 0 {
            let mut rows = ordering.apply(R::TABLE, self.rows.clone());
            if let Some(place) = cut.after {
                rows = rows.filter(behind(R::TABLE, place));
            }
            // One more tells whether there is a next page.
            rows = rows.limit(cut.count.saturating_add(1));
            let is_simple = cut.skip == 0 && matches!(ordering, Ordering::Created);
            items = if is_simple {
                self.resources.read(self.reads, rows).await?
            } else {
                self.skipped(rows, cut.skip).await?
            };
        }
        let more = items.len() as u64 > cut.count;
        items.truncate(usize::try_from(cut.count).unwrap_or(usize::MAX));
        let read = items.len() as u64;
        let total = if !self.filtered {
            self.resources.number(self.reads).await?
        } else if cut.after.is_none() && cut.count > 0 && !more && (read > 0 || cut.skip == 0) {
            // A page that ends the list tells its length.
            cut.skip + read
        } else {
            self.counted().await?
        };
        let next = match ordering {
            Ordering::Created => next_by_place(more, items.last().map(R::place)),
            Ordering::By { .. } => cut.next_by_offset(more),
        };
        Ok(Page { total, items, next })
    }

    async fn counted(&self) -> Result<u64, Error> {
        let number = self.rows.clone().select_only().expr(R::TABLE.column("id").count());
        let number: Option<i64> = number.into_tuple().one(&self.reads.executor()).await?;
        Ok(number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0))
    }

    /// Without reading the whole of what is skipped or sorted: the ids are in the index.
    async fn skipped(&self, rows: Select<R::Entity>, skip: u64) -> Result<Vec<R::Item>, Error> {
        let ids = rows.offset(skip).select_only().expr(R::TABLE.column("id"));
        let ids: Vec<Uuid> = ids.into_tuple().all(&self.reads.executor()).await?;
        self.by_ids(&ids).await
    }

    /// In the order of `ids`; one that is gone meanwhile is left out.
    async fn by_ids(&self, ids: &[Uuid]) -> Result<Vec<R::Item>, Error> {
        let mut found = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(super::AT_ONCE) {
            let ids = R::TABLE.column("id").is_in(ids.iter().copied());
            for item in self.resources.read(self.reads, self.resources.living().filter(ids)).await? {
                found.insert(R::place(&item).1, item);
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// SQL only narrows down: each candidate is looked at, and no more than the page is kept.
    async fn looked_at(&self, cut: Cut) -> Result<Page<R::Item>, Error> {
        let mut page = Page { total: 0, items: Vec::new(), next: None };
        let mut more = false;
        self.each(|item| {
            page.total += 1;
            let is_before = match cut.after {
                Some(place) => R::place(&item) <= place,
                None => page.total <= cut.skip,
            };
            if is_before {
                return;
            }
            if (page.items.len() as u64) < cut.count {
                page.items.push(item);
            } else {
                more = true;
            }
        })
        .await?;
        page.next = next_by_place(more, page.items.last().map(R::place));
        Ok(page)
    }

    /// In an order that SQL does not know. What is kept until all were seen is the rank and the place of those up to the
    /// end of the page.
    async fn ranked(&self, sort: &Sort, cut: Cut) -> Result<Page<R::Item>, Error> {
        let end = if cut.count == 0 { 0 } else { cut.skip.saturating_add(cut.count) };
        let most = usize::try_from(end).unwrap_or(usize::MAX);
        let mut first: BinaryHeap<(SortKey, Place)> = BinaryHeap::new();
        let mut total: u64 = 0;
        self.each(|item| {
            total += 1;
            let ranked = (self.resources.key(sort, &item), R::place(&item));
            if first.len() < most {
                first.push(ranked);
            } else if let Some(mut last) = first.peek_mut()
                && ranked < *last
            {
                *last = ranked;
            }
        })
        .await?;
        let skip = usize::try_from(cut.skip).unwrap_or(usize::MAX);
        let ids: Vec<Uuid> = first.into_sorted_vec().into_iter().skip(skip).map(|(_, (_, id))| id).collect();
        let items = self.by_ids(&ids).await?;
        Ok(Page { total, items, next: cut.next_by_offset(total > end) })
    }

    /// Shows `visit` each resource that matches, in the order of creation.
    async fn each(&self, mut visit: impl FnMut(R::Item) + Send) -> Result<(), Error> {
        let mut last = None;
        loop {
            let mut rows = Ordering::Created.apply(R::TABLE, self.rows.clone()).limit(PIECE);
            if let Some(last) = last {
                rows = rows.filter(behind(R::TABLE, last));
            }
            let items = self.resources.read(self.reads, rows).await?;
            let ended = (items.len() as u64) < PIECE;
            last = items.last().map(R::place);
            for item in items {
                let matches = match self.undecided {
                    Some(predicate) => self.resources.matches(self.reads, predicate, &item).await?,
                    None => true,
                };
                if matches {
                    visit(item);
                }
            }
            if ended {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests;
