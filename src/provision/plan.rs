//! Which calls close the difference between what is wanted and what was given. Pure: a dry run is a call of
//! [`plan`] without the worker.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::given::{Given, Owed};
use crate::graph::{AccountId, Property};
use crate::settings::OnDelete;

/// What one user wants in one connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// An account with these properties.
    Present {
        /// As [`mapping::properties`](super::mapping::properties) makes them.
        properties: BTreeMap<Property, Value>,
        /// Whether a password waits to be set.
        password: bool,
        /// Whom it must have as its manager.
        manager: Manager,
    },
    /// No account that can be used.
    Gone(OnDelete),
}

/// Whom an account must have as its manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// Whoever it is: that is not Gangway's to say.
    Kept,
    /// Nobody.
    Nobody,
    /// This account.
    Account(AccountId),
}

/// One act in Microsoft 365.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Find, restore or create the account.
    Bind,
    /// Find what an unanswered create may have left, in order to block it.
    Find,
    /// Block sign-in.
    Block,
    /// Set the password that waits.
    SetPassword,
    /// Sign the person out everywhere.
    RevokeSessions,
    /// Change these properties and no others.
    Update(BTreeMap<Property, Value>),
    /// Make this account the manager.
    SetManager(AccountId),
    /// Leave the account without a manager.
    RemoveManager,
    /// Delete the account, restorable for 30 days.
    Delete,
}

/// The steps from `given` to `wanted`, in the order in which they are made: what keeps people out first.
///
/// [`Step::Bind`] and [`Step::Find`] come alone: what follows them depends on what they find.
pub fn plan(wanted: &Wanted, given: &Given, bound: bool) -> Vec<Step> {
    match wanted {
        Wanted::Present { .. } if !bound => vec![Step::Bind],
        Wanted::Present { properties, password, manager } => {
            let mut steps = present(properties, *password, given);
            steps.extend(change_of_manager(*manager, given));
            steps
        }
        Wanted::Gone(_) if !bound && !given.tried.is_empty() => vec![Step::Find],
        Wanted::Gone(_) if !bound => Vec::new(),
        Wanted::Gone(on_delete) => gone(given, *on_delete),
    }
}

fn present(properties: &BTreeMap<Property, Value>, password: bool, given: &Given) -> Vec<Step> {
    let mut differing: BTreeMap<Property, Value> = properties
        .iter()
        .filter(|(property, value)| given.properties.get(property) != Some(value))
        .map(|(property, value)| (*property, value.clone()))
        .collect();
    let mut steps = Vec::new();
    // Alone, so that no fault of another property keeps a leaver's door open.
    if differing.get(&Property::AccountEnabled) == Some(&json!(false)) {
        differing.remove(&Property::AccountEnabled);
        steps.push(Step::Block);
    }
    if !steps.is_empty() || given.owes_revocation() {
        steps.push(Step::RevokeSessions);
    }
    if !differing.is_empty() {
        steps.push(Step::Update(differing));
    }
    // After what may be refused: a request whose attributes are refused must not have changed the password.
    if password {
        steps.extend([Step::SetPassword, Step::RevokeSessions]);
    }
    steps
}

fn change_of_manager(wanted: Manager, given: &Given) -> Option<Step> {
    match wanted {
        Manager::Account(manager) => (given.manager != Some(manager)).then_some(Step::SetManager(manager)),
        Manager::Nobody => given.manager.map(|_| Step::RemoveManager),
        Manager::Kept => None,
    }
}

fn gone(given: &Given, on_delete: OnDelete) -> Vec<Step> {
    if on_delete == OnDelete::SoftDelete || given.owed.contains(&Owed::Restored) {
        return vec![Step::Delete];
    }
    let blocked = given.properties.get(&Property::AccountEnabled) == Some(&json!(false));
    match (blocked, given.owes_revocation()) {
        (false, _) => vec![Step::Block, Step::RevokeSessions],
        (true, true) => vec![Step::RevokeSessions],
        (true, false) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn properties(enabled: bool, title: &str) -> BTreeMap<Property, Value> {
        BTreeMap::from([(Property::AccountEnabled, json!(enabled)), (Property::JobTitle, json!(title))])
    }

    fn present(enabled: bool, title: &str, password: bool) -> Wanted {
        Wanted::Present { properties: properties(enabled, title), password, manager: Manager::Kept }
    }

    fn given(enabled: bool, title: &str) -> Given {
        Given { properties: properties(enabled, title), ..Given::default() }
    }

    #[test]
    fn an_unbound_user_is_bound_first() {
        assert_eq!(plan(&present(true, "x", true), &Given::default(), false), [Step::Bind]);
    }

    #[test]
    fn what_is_the_same_is_not_sent() {
        assert_eq!(plan(&present(true, "x", false), &given(true, "x"), true), []);
        let changed = BTreeMap::from([(Property::JobTitle, json!("y"))]);
        assert_eq!(plan(&present(true, "y", false), &given(true, "x"), true), [Step::Update(changed)]);
    }

    #[test]
    fn a_block_goes_first_and_alone() {
        let changed = BTreeMap::from([(Property::JobTitle, json!("y"))]);
        assert_eq!(
            plan(&present(false, "y", true), &given(true, "x"), true),
            [
                Step::Block,
                Step::RevokeSessions,
                Step::Update(changed),
                Step::SetPassword,
                Step::RevokeSessions
            ]
        );
    }

    #[test]
    fn an_unblock_travels_with_the_rest() {
        assert_eq!(
            plan(&present(true, "y", false), &given(false, "x"), true),
            [Step::Update(properties(true, "y"))]
        );
    }

    #[test]
    fn a_revocation_that_is_owed_is_made_up_for() {
        let mut given = given(false, "x");
        given.owed.insert(Owed::Block);
        assert_eq!(plan(&present(false, "x", false), &given, true), [Step::RevokeSessions]);
        assert_eq!(plan(&Wanted::Gone(OnDelete::Block), &given, true), [Step::RevokeSessions]);
    }

    #[test]
    fn a_manager_is_set_changed_and_removed() {
        let [one, two] = [1, 2].map(|number| AccountId::from(uuid::Uuid::from_u128(number)));
        let wanted =
            |manager| Wanted::Present { properties: properties(true, "x"), password: false, manager };
        let given = |manager| Given { manager, ..given(true, "x") };
        assert_eq!(plan(&wanted(Manager::Account(one)), &given(None), true), [Step::SetManager(one)]);
        assert_eq!(plan(&wanted(Manager::Account(two)), &given(Some(one)), true), [Step::SetManager(two)]);
        assert_eq!(plan(&wanted(Manager::Nobody), &given(Some(one)), true), [Step::RemoveManager]);
        assert_eq!(plan(&wanted(Manager::Account(one)), &given(Some(one)), true), []);
        assert_eq!(plan(&wanted(Manager::Kept), &given(Some(one)), true), []);
    }

    #[test]
    fn the_gone_are_blocked_or_deleted() {
        let block = plan(&Wanted::Gone(OnDelete::Block), &given(true, "x"), true);
        assert_eq!(block, [Step::Block, Step::RevokeSessions]);
        assert_eq!(plan(&Wanted::Gone(OnDelete::Block), &given(false, "x"), true), []);
        assert_eq!(plan(&Wanted::Gone(OnDelete::SoftDelete), &given(false, "x"), true), [Step::Delete]);
        assert_eq!(plan(&Wanted::Gone(OnDelete::Block), &Given::default(), false), []);
        let mut restored = given(true, "x");
        restored.owed.insert(Owed::Restored);
        assert_eq!(plan(&Wanted::Gone(OnDelete::Block), &restored, true), [Step::Delete]);
        let unsure = Given { tried: ["a@b.example".to_owned()].into(), ..Given::default() };
        assert_eq!(plan(&Wanted::Gone(OnDelete::Block), &unsure, false), [Step::Find]);
    }

    proptest! {
        /// Whatever the two states are, giving what the plan says leaves nothing to do.
        #[test]
        fn a_plan_closes_the_difference(
            want in (any::<bool>(), "[a-c]"), have in (any::<bool>(), "[a-c]"), password: bool
        ) {
            let wanted = present(want.0, &want.1, password);
            let mut state = given(have.0, &have.1);
            let mut password_waits = password;
            for step in plan(&wanted, &state, true) {
                match step {
                    Step::Block => { state.properties.insert(Property::AccountEnabled, json!(false)); }
                    Step::SetPassword => password_waits = false,
                    Step::Update(changes) => state.properties.extend(changes),
                    _ => {}
                }
            }
            prop_assert_eq!(plan(&present(want.0, &want.1, password_waits), &state, true), []);
        }

        /// `accountEnabled` false never shares a call with anything else.
        #[test]
        fn a_block_never_travels_with_others(want in (any::<bool>(), "[a-c]"), have in (any::<bool>(), "[a-c]")) {
            for step in plan(&present(want.0, &want.1, false), &given(have.0, &have.1), true) {
                if let Step::Update(changes) = step {
                    prop_assert_ne!(changes.get(&Property::AccountEnabled), Some(&json!(false)));
                }
            }
        }
    }
}
