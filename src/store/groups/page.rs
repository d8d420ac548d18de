//! Lists of groups.

use std::cell::Cell;

use entity::group_binding;
use entity::scim_group::Entity;
use sea_orm::Select;
use serde_json::{Map, Value, json};

use super::{Group, both, living};
use crate::ids::{GroupId, OrganizationId};
use crate::scim::filter::Predicate;
use crate::scim::sort::{Sort, SortKey};
use crate::store::group_bindings::GroupBinding;
use crate::store::list::{self, Listing, Page, Place, Resources, Table};
use crate::store::memberships::{self, Member};
use crate::store::{AT_ONCE, Error, Reads, resource_count};

/// A group in a list.
type Row = (Group, Option<GroupBinding>);

/// A page of the living groups that match.
///
/// What SQL cannot decide of the filter, or sort by, is looked at in what `render` makes of a group, with `id`, `meta` and
/// read-only attributes but without members: what a filter asks of these is answered from their rows, in pieces, with
/// `value`, `type` and `display`. A list cannot be sorted by members; that leaves it in the order of creation.
pub async fn page(
    reads: &impl Reads,
    organization: OrganizationId,
    listing: &Listing<'_>,
    render: impl Fn(&Group, Option<&GroupBinding>) -> Map<String, Value> + Send + Sync,
) -> Result<Page<Row>, Error> {
    list::page(reads, &Groups { organization, render }, listing).await
}

struct Groups<F> {
    organization: OrganizationId,
    render: F,
}

impl<F> Resources for Groups<F>
where
    F: Fn(&Group, Option<&GroupBinding>) -> Map<String, Value> + Send + Sync,
{
    type Entity = Entity;
    type Item = Row;
    const TABLE: Table = Table::Groups;

    fn organization(&self) -> OrganizationId {
        self.organization
    }

    fn living(&self) -> Select<Entity> {
        living(self.organization)
    }

    async fn number(&self, reads: &impl Reads) -> Result<u64, Error> {
        resource_count::groups(reads, self.organization).await
    }

    async fn read(&self, reads: &impl Reads, rows: Select<Entity>) -> Result<Vec<Row>, Error> {
        let rows = rows.find_also_related(group_binding::Entity).all(&reads.executor()).await?;
        rows.into_iter().map(both).collect()
    }

    fn place((group, _): &Row) -> Place {
        (group.created_at, group.id.0)
    }

    async fn matches(
        &self,
        reads: &impl Reads,
        predicate: &Predicate,
        (group, binding): &Row,
    ) -> Result<bool, Error> {
        let rendered = (self.render)(group, binding.as_ref());
        let leaves = predicate.member_leaves();
        if let Some(matches) = decide(predicate, &rendered, &leaves, None) {
            return Ok(matches);
        }
        let answers = self.of_members(reads, group.id, &leaves).await?;
        Ok(decide(predicate, &rendered, &leaves, Some(&answers)).unwrap_or(false))
    }

    fn key(&self, sort: &Sort, (group, binding): &Row) -> SortKey {
        sort.key(&(self.render)(group, binding.as_ref()))
    }
}

/// Whether the predicate matches, given the answers to the leaves that ask for members; none where it depends on them
/// and they are not known.
fn decide(
    predicate: &Predicate,
    rendered: &Map<String, Value>,
    leaves: &[&Predicate],
    answers: Option<&[bool]>,
) -> Option<bool> {
    let is_asked = Cell::new(false);
    let matches = predicate.matches_with(rendered, &|leaf| {
        let at = leaves.iter().position(|known| std::ptr::eq(*known, leaf))?;
        is_asked.set(true);
        Some(answers.is_some_and(|answers| answers[at]))
    });
    (answers.is_some() || !is_asked.get()).then_some(matches)
}

impl<F: Sync> Groups<F> {
    /// Of each leaf, whether one of the group's members fulfils it. The members are read once, however many leaves.
    async fn of_members(
        &self,
        reads: &impl Reads,
        group: GroupId,
        leaves: &[&Predicate],
    ) -> Result<Vec<bool>, Error> {
        let mut answers = vec![false; leaves.len()];
        let mut last = None;
        loop {
            let members = memberships::page(reads, self.organization, group, last, AT_ONCE as u64).await?;
            last = members.last().map(|member| member.id);
            let ended = members.len() < AT_ONCE;
            let members: Vec<Value> = members.iter().map(rendered_member).collect();
            let rendered = Map::from_iter([("members".to_owned(), members.into())]);
            for (answer, leaf) in std::iter::zip(&mut answers, leaves) {
                *answer = *answer || leaf.matches(&rendered);
            }
            if ended || answers.iter().all(|answer| *answer) {
                return Ok(answers);
            }
        }
    }
}

fn rendered_member(member: &Member) -> Value {
    json!({ "value": member.id, "type": member.kind.as_str(), "display": member.display })
}
