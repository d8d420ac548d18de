//! Which calls close the difference between what is wanted of a group and what was given. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::given::GivenGroup;
use crate::graph::{GroupProperty, MOST_MEMBERS, ObjectId};

/// What one group wants in one connection.
#[derive(Clone, Debug, PartialEq)]
pub enum WantedGroup {
    /// A security group with these properties.
    Present(BTreeMap<GroupProperty, Value>),
    /// No such group.
    Gone,
}

/// The members that differ, as far as they were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Differing {
    /// To be taken out.
    pub removals: Vec<ObjectId>,
    /// To be put in.
    pub additions: Vec<ObjectId>,
}

/// One act in Microsoft 365.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Find the group or create it, with its first members.
    Bind,
    /// Find what an unanswered create may have left, in order to delete it.
    Find,
    /// Take this member out.
    Remove(ObjectId),
    /// Change these properties and no others.
    Update(BTreeMap<GroupProperty, Value>),
    /// Put these members in, at most [`MOST_MEMBERS`].
    Add(Vec<ObjectId>),
    /// Delete the group for good.
    Delete,
}

/// The steps from `given` to `wanted`, in the order in which they are made: what takes access away first.
///
/// [`Step::Bind`] and [`Step::Find`] come alone: what follows them depends on what they find.
pub fn plan(wanted: &WantedGroup, given: &GivenGroup, bound: bool, members: &Differing) -> Vec<Step> {
    match wanted {
        WantedGroup::Present(_) if !bound => vec![Step::Bind],
        WantedGroup::Present(properties) => present(properties, given, members),
        WantedGroup::Gone if !bound && given.tried => vec![Step::Find],
        WantedGroup::Gone if !bound => Vec::new(),
        // What Gangway did not make it does not delete: only those whom it has put in go.
        WantedGroup::Gone if given.adopted => removals(members).collect(),
        WantedGroup::Gone => vec![Step::Delete],
    }
}

fn present(
    properties: &BTreeMap<GroupProperty, Value>,
    given: &GivenGroup,
    members: &Differing,
) -> Vec<Step> {
    let mut steps: Vec<Step> = removals(members).collect();
    let differing: BTreeMap<GroupProperty, Value> = properties
        .iter()
        .filter(|(property, value)| given.properties.get(property) != Some(value))
        .map(|(property, value)| (*property, value.clone()))
        .collect();
    if !differing.is_empty() {
        steps.push(Step::Update(differing));
    }
    steps.extend(members.additions.chunks(MOST_MEMBERS).map(|some| Step::Add(some.to_vec())));
    steps
}

fn removals(members: &Differing) -> impl Iterator<Item = Step> + '_ {
    members.removals.iter().copied().map(Step::Remove)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    fn named(name: &str) -> BTreeMap<GroupProperty, Value> {
        BTreeMap::from([(GroupProperty::DisplayName, json!(name))])
    }

    fn given(name: &str) -> GivenGroup {
        GivenGroup { properties: named(name), ..GivenGroup::default() }
    }

    fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<ObjectId> {
        numbers.into_iter().map(|number| ObjectId::from(Uuid::from_u128(number))).collect()
    }

    #[test]
    fn an_unbound_group_is_bound_first() {
        let members = Differing { removals: ids([1]), additions: ids([2]) };
        let steps = plan(&WantedGroup::Present(named("a")), &GivenGroup::default(), false, &members);
        assert_eq!(steps, [Step::Bind]);
    }

    #[test]
    fn removals_come_first_and_additions_in_twenties() {
        let members = Differing { removals: ids([1, 2]), additions: ids(10..35) };
        let steps = plan(&WantedGroup::Present(named("b")), &given("a"), true, &members);
        assert_eq!(steps[..2], [Step::Remove(members.removals[0]), Step::Remove(members.removals[1])]);
        assert_eq!(steps[2], Step::Update(named("b")));
        assert_eq!(steps[3], Step::Add(members.additions[..20].to_vec()));
        assert_eq!(steps[4], Step::Add(members.additions[20..].to_vec()));
        assert_eq!(steps.len(), 5);
    }

    #[test]
    fn what_is_the_same_is_not_sent() {
        let steps = plan(&WantedGroup::Present(named("a")), &given("a"), true, &Differing::default());
        assert_eq!(steps, []);
    }

    #[test]
    fn only_what_gangway_made_is_deleted() {
        let members = Differing { removals: ids([1]), additions: Vec::new() };
        assert_eq!(plan(&WantedGroup::Gone, &given("a"), true, &members), [Step::Delete]);
        let adopted = GivenGroup { adopted: true, ..given("a") };
        assert_eq!(plan(&WantedGroup::Gone, &adopted, true, &members), [Step::Remove(members.removals[0])]);
        assert_eq!(plan(&WantedGroup::Gone, &GivenGroup::default(), false, &members), []);
        let tried = GivenGroup { tried: true, ..GivenGroup::default() };
        assert_eq!(plan(&WantedGroup::Gone, &tried, false, &members), [Step::Find]);
    }

    proptest! {
        /// Whatever differs, doing the first step again and again comes to rest, and has named every member once.
        #[test]
        fn a_plan_closes_the_difference(removed in 0..30_u128, added in 0..90_u128, have in "[ab]") {
            let wanted = WantedGroup::Present(named("a"));
            let (mut state, mut members) = (given(&have), Differing {
                removals: ids(0..removed),
                additions: ids(100..100 + added),
            });
            let mut done = Vec::new();
            while let Some(step) = plan(&wanted, &state, true, &members).into_iter().next() {
                match step {
                    Step::Remove(id) => { members.removals.retain(|other| *other != id); done.push(id); }
                    Step::Add(some) => {
                        prop_assert!(some.len() <= MOST_MEMBERS);
                        members.additions.retain(|other| !some.contains(other));
                        done.extend(some);
                    }
                    Step::Update(changes) => state.properties.extend(changes),
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert_eq!(done.len() as u128, removed + added);
        }
    }
}
