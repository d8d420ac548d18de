//! Lists of users, filtered and paged.

use entity::account_binding;
use entity::scim_user::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, Condition, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};

use super::{User, both, living};
use crate::ids::OrganizationId;
use crate::scim::filter::Predicate;
use crate::store::bindings::Binding;
use crate::store::filter::{self, Translated};
use crate::store::{Error, Reads};

/// So many rows are held at once while those that SQL cannot decide are looked at.
const AT_ONCE: u64 = 256;

/// A page of users (RFC 7644 §3.4.2.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// How many users match, on all pages.
    pub total: u64,
    /// This page's users with their bindings, oldest first.
    pub items: Vec<(User, Option<Binding>)>,
}

/// The living users that match, oldest first, from the `start_index`-th on (the first is 1), at most `count`.
///
/// What SQL cannot decide of the filter is left to `accept`: it says whether the whole filter matches the user, as
/// [`Predicate::matches`] does on the rendered one. It is asked about candidates only, and not at all when SQL decides.
pub async fn page(
    reads: &impl Reads,
    organization: OrganizationId,
    filter: Option<&Predicate>,
    accept: impl Fn(&User, Option<&Binding>) -> bool + Send + Sync,
    start_index: u64,
    count: u64,
) -> Result<Page, Error> {
    let skip = start_index.saturating_sub(1);
    let all = living(organization);
    match filter.map(|filter| filter::translate(organization, filter)) {
        None => decided(reads, all, skip, count).await,
        Some(Translated { condition, exact: true }) => {
            decided(reads, all.filter(condition), skip, count).await
        }
        Some(Translated { condition, .. }) => {
            looked_at(reads, all.filter(condition), accept, skip, count).await
        }
    }
}

/// SQL decides: the database counts and cuts.
async fn decided(reads: &impl Reads, users: Select<Entity>, skip: u64, count: u64) -> Result<Page, Error> {
    let db = reads.executor();
    let rows = if count == 0 {
        Vec::new()
    } else {
        let page = in_order(users.clone()).offset(skip).limit(count);
        page.find_also_related(account_binding::Entity).all(&db).await?
    };
    let read = rows.len() as u64;
    // A page that is not full ends the list, and so tells its length.
    let total = if read > 0 && read < count { skip + read } else { users.count(&db).await? };
    let items = rows.into_iter().map(both).collect::<Result<_, _>>()?;
    Ok(Page { total, items })
}

/// SQL only narrows down: each candidate is looked at, and no more than the page is kept.
async fn looked_at(
    reads: &impl Reads,
    users: Select<Entity>,
    accept: impl Fn(&User, Option<&Binding>) -> bool + Send + Sync,
    skip: u64,
    count: u64,
) -> Result<Page, Error> {
    let db = reads.executor();
    let mut page = Page { total: 0, items: Vec::new() };
    let mut last: Option<(i64, uuid::Uuid)> = None;
    loop {
        let rest = match last {
            Some(last) => users.clone().filter(after(last)),
            None => users.clone(),
        };
        let rows: Vec<(Model, Option<account_binding::Model>)> =
            in_order(rest).limit(AT_ONCE).find_also_related(account_binding::Entity).all(&db).await?;
        let ended = (rows.len() as u64) < AT_ONCE;
        last = rows.last().map(|(user, _)| (user.created_at, user.id));
        for row in rows {
            let (user, binding) = both(row)?;
            if !accept(&user, binding.as_ref()) {
                continue;
            }
            if page.total >= skip && page.total - skip < count {
                page.items.push((user, binding));
            }
            page.total += 1;
        }
        if ended {
            return Ok(page);
        }
    }
}

pub(super) fn in_order(users: Select<Entity>) -> Select<Entity> {
    users.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id)
}

/// Behind this place in the order. The first part lets the index find it.
fn after((created_at, id): (i64, uuid::Uuid)) -> Condition {
    let later = Expr::col((Entity, Column::CreatedAt)).gt(created_at);
    Condition::all()
        .add(Column::CreatedAt.gte(created_at))
        .add(Condition::any().add(later).add(Column::Id.gt(id)))
}
