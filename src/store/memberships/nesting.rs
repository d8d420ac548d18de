//! From a member up to its groups, and theirs.

use std::collections::{HashMap, HashSet, VecDeque};

use entity::membership::{COLUMN, Column, Entity};
use entity::scim_group;
use sea_orm::sea_query::{Expr, ExprTrait as _, Order, Query};
use sea_orm::{Condition, ConnectionTrait as _, EntityTrait as _, QueryFilter as _};
use uuid::Uuid;

use super::given::ids_of_groups;
use super::{distinct, wanted};
use crate::ids::{GroupId, OrganizationId};
use crate::store::{AT_ONCE, Error, Reads, Tx, groups};

/// A living group that a member is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRef {
    /// The SCIM id of the user or group.
    pub member: Uuid,
    /// The group.
    pub group: GroupId,
    /// Its `displayName`.
    pub display: String,
    /// Whether it is a member itself; else a group is through which it belongs to this one.
    pub direct: bool,
}

/// The living groups that each of `members` is in, directly (these first) and through groups. A cycle of groups is gone
/// round once; no member is told of itself.
pub async fn groups_of(
    reads: &impl Reads,
    organization: OrganizationId,
    members: &[Uuid],
) -> Result<Vec<GroupRef>, Error> {
    let members = distinct(members);
    let mut above: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    let mut names: HashMap<Uuid, String> = HashMap::new();
    let mut asked: HashSet<Uuid> = members.iter().copied().collect();
    let mut level = members.clone();
    while !level.is_empty() {
        let mut next = Vec::new();
        for (member, group, name) in directly_above(reads, organization, &level).await? {
            above.entry(member).or_default().push(group);
            names.insert(group, name);
            if asked.insert(group) {
                next.push(group);
            }
        }
        level = next;
    }
    let refs = members.into_iter().flat_map(|member| climb(member, &above));
    Ok(refs
        .filter_map(|(member, group, direct)| {
            let display = names.get(&group)?.clone();
            Some(GroupRef { member, group: GroupId(group), display, direct })
        })
        .collect())
}

/// All groups above a member, the nearest first, and whether they are directly above.
fn climb(member: Uuid, above: &HashMap<Uuid, Vec<Uuid>>) -> Vec<(Uuid, Uuid, bool)> {
    let mut found = Vec::new();
    let mut met = HashSet::from([member]);
    let mut waiting = VecDeque::from([member]);
    while let Some(at) = waiting.pop_front() {
        for group in above.get(&at).into_iter().flatten() {
            if met.insert(*group) {
                found.push((member, *group, at == member));
                waiting.push_back(*group);
            }
        }
    }
    found
}

/// Member, group and the group's name.
async fn directly_above(
    reads: &impl Reads,
    organization: OrganizationId,
    members: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, String)>, Error> {
    let group = |column| Expr::col((scim_group::Entity, column));
    let mut found = Vec::new();
    for members in members.chunks(AT_ONCE) {
        let select = Query::select()
            .column((Entity, Column::MemberId))
            .column((Entity, Column::GroupId))
            .column((scim_group::Entity, scim_group::Column::DisplayName))
            .from(Entity)
            .inner_join(
                scim_group::Entity,
                group(scim_group::Column::Id)
                    .eq(Expr::col((Entity, Column::GroupId)))
                    .and(group(scim_group::Column::DeletedAt).is_null()),
            )
            .and_where(Expr::col((Entity, Column::MemberId)).is_in(members.iter().copied()))
            .and_where(Expr::col((Entity, Column::OrganizationId)).eq(organization.0))
            .and_where(wanted())
            .order_by((Entity, Column::GroupId), Order::Asc)
            .to_owned();
        for row in reads.executor().query_all(&select).await? {
            found.push((
                row.try_get("", "member_id")?,
                row.try_get("", "group_id")?,
                row.try_get("", "display_name")?,
            ));
        }
    }
    Ok(found)
}

/// Wants this member out of every group, since it goes: each of those that had it is changed as of `now` and has a
/// version more. The groups in which something is to be done.
///
/// `object` is what the member was in Microsoft 365. Where it is not known whether Graph was given it, it is taken to have
/// been: nobody will know the id later, and a removal too many does no harm.
pub async fn member_gone(
    tx: &Tx,
    organization: OrganizationId,
    member: Uuid,
    object: Option<&str>,
    now: i64,
) -> Result<Vec<GroupId>, Error> {
    let of_member =
        || Condition::all().add(COLUMN.member_id.eq(member)).add(COLUMN.organization_id.eq(organization.0));
    let mut left = ids_of_groups(tx, of_member()).await?;
    for ids in left.chunks(AT_ONCE) {
        groups::hold(tx, ids).await?;
        let here = || of_member().add(COLUMN.group_id.is_in(ids.iter().copied()));
        if let Some(object) = object {
            Entity::update_many()
                .col_expr(Column::GivenAs, Expr::value(object))
                .filter(here().add(COLUMN.given_as.is_null()))
                .exec(tx.db())
                .await?;
        }
        let rows = Entity::update_many()
            .col_expr(Column::Wanted, Expr::value(false))
            .filter(here().add(wanted()))
            .exec_with_returning(tx.db())
            .await?;
        let changed: Vec<Uuid> = rows.into_iter().map(|row| row.group_id).collect();
        groups::changed(tx, &changed, now).await?;
    }
    left.sort_unstable();
    Ok(left.into_iter().map(GroupId).collect())
}
