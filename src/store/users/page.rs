//! Lists of users.

use std::collections::HashMap;

use entity::account_binding;
use entity::scim_user::Entity;
use sea_orm::Select;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{User, both, living};
use crate::ids::OrganizationId;
use crate::scim::filter::Predicate;
use crate::scim::sort::{Sort, SortKey};
use crate::store::bindings::Binding;
use crate::store::list::{self, Listing, Page, Place, Resources, Table};
use crate::store::memberships::{GroupRef, groups_of};
use crate::store::{Error, Reads, resource_count};

/// A user in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct UserRow {
    /// The user.
    pub user: User,
    /// Its binding.
    pub binding: Option<Binding>,
    /// The groups that it is in, where they were asked for.
    pub groups: Vec<GroupRef>,
}

/// A page of the living users that match.
///
/// What SQL cannot decide of the filter, or sort by, is looked at in what `render` makes of a user, with `id`, `meta` and
/// read-only attributes. It is called for candidates only, and not at all when SQL decides. The groups are read for the
/// page `with_groups`, and for every candidate where the filter or the order asks for them.
pub async fn page(
    reads: &impl Reads,
    organization: OrganizationId,
    listing: &Listing<'_>,
    with_groups: bool,
    render: impl Fn(&User, Option<&Binding>, &[GroupRef]) -> Map<String, Value> + Send + Sync,
) -> Result<Page<UserRow>, Error> {
    let needs_groups = listing.filter.is_some_and(|filter| filter.mentions("groups"))
        || listing.sort.is_some_and(|sort| sort.target.attribute.name == "groups");
    let users = Users { organization, needs_groups, render };
    let mut page = list::page(reads, &users, listing).await?;
    if with_groups && !needs_groups {
        add_groups(reads, organization, &mut page.items).await?;
    }
    Ok(page)
}

struct Users<F> {
    organization: OrganizationId,
    needs_groups: bool,
    render: F,
}

impl<F> Resources for Users<F>
where
    F: Fn(&User, Option<&Binding>, &[GroupRef]) -> Map<String, Value> + Send + Sync,
{
    type Entity = Entity;
    type Item = UserRow;
    const TABLE: Table = Table::Users;

    fn organization(&self) -> OrganizationId {
        self.organization
    }

    fn living(&self) -> Select<Entity> {
        living(self.organization)
    }

    async fn number(&self, reads: &impl Reads) -> Result<u64, Error> {
        resource_count::users(reads, self.organization).await
    }

    async fn read(&self, reads: &impl Reads, rows: Select<Entity>) -> Result<Vec<UserRow>, Error> {
        let rows = rows.find_also_related(account_binding::Entity).all(&reads.executor()).await?;
        let rows = rows.into_iter().map(|row| {
            let (user, binding) = both(row)?;
            Ok(UserRow { user, binding, groups: Vec::new() })
        });
        let mut rows = rows.collect::<Result<Vec<_>, Error>>()?;
        if self.needs_groups {
            add_groups(reads, self.organization, &mut rows).await?;
        }
        Ok(rows)
    }

    fn place(row: &UserRow) -> Place {
        (row.user.created_at, row.user.id.0)
    }

    async fn matches(&self, _: &impl Reads, predicate: &Predicate, row: &UserRow) -> Result<bool, Error> {
        Ok(predicate.matches(&self.rendered(row)))
    }

    fn key(&self, sort: &Sort, row: &UserRow) -> SortKey {
        sort.key(&self.rendered(row))
    }
}

impl<F> Users<F>
where
    F: Fn(&User, Option<&Binding>, &[GroupRef]) -> Map<String, Value>,
{
    fn rendered(&self, row: &UserRow) -> Map<String, Value> {
        (self.render)(&row.user, row.binding.as_ref(), &row.groups)
    }
}

async fn add_groups(
    reads: &impl Reads,
    organization: OrganizationId,
    rows: &mut [UserRow],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.user.id.0).collect();
    let mut groups: HashMap<Uuid, Vec<GroupRef>> = HashMap::new();
    for group in groups_of(reads, organization, &ids).await? {
        groups.entry(group.member).or_default().push(group);
    }
    for row in rows {
        row.groups = groups.remove(&row.user.id.0).unwrap_or_default();
    }
    Ok(())
}
