//! Which calls close the difference between what is wanted and what was given. Pure: a dry run is a call of
//! [`plan`] without the worker.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::given::{Given, Owed};
use crate::graph::{AccountId, Property, SkuId};
use crate::settings::{OnDelete, Settings};

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
        /// The licences that it must have.
        licenses: Licenses,
        /// The digest of the picture that it must have, if there is one to be sent.
        photo: Option<String>,
    },
    /// No account that can be used.
    Gone(Leaving),
}

/// What is done to a leaver's account at once; what is put off is no matter of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing yet: the account can be used for the days of grace.
    Stay,
    /// Sign-in is blocked.
    Block,
    /// The same, and the licences of its own are taken back.
    RemoveLicenses,
    /// The account is deleted.
    Delete,
}

/// Which licences an account must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Licenses {
    /// Those that it has: upstream says nothing of licences.
    Kept,
    /// These, and no other of those that Gangway gave.
    These(BTreeSet<SkuId>),
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
    /// Give and take back these licences, in one call.
    ChangeLicenses {
        /// Those that it lacks.
        add: Vec<SkuId>,
        /// Those that it has from Gangway and is to have no longer.
        remove: Vec<SkuId>,
    },
    /// Send the picture.
    SetPhoto,
    /// Take back all licences that the account has of its own.
    TakeLicenses,
    /// Delete the account, restorable for 30 days.
    Delete,
}

impl Leaving {
    /// What these settings do now, at once or after the days of grace.
    pub fn of(settings: &Settings, grace_is_over: bool) -> Self {
        let at_once = grace_is_over || settings.on_delete_grace_days.days() == 0;
        match settings.on_delete {
            OnDelete::Block if at_once => Self::Block,
            OnDelete::Block => Self::Stay,
            OnDelete::RemoveLicenses if at_once => Self::RemoveLicenses,
            OnDelete::SoftDelete if at_once => Self::Delete,
            OnDelete::RemoveLicenses | OnDelete::SoftDelete => Self::Block,
        }
    }
}

/// The steps from `given` to `wanted`, in the order in which they are made: what keeps people out first.
///
/// [`Step::Bind`] and [`Step::Find`] come alone: what follows them depends on what they find.
pub fn plan(wanted: &Wanted, given: &Given, bound: bool) -> Vec<Step> {
    match wanted {
        Wanted::Present { .. } if !bound => vec![Step::Bind],
        Wanted::Present { properties, password, manager, licenses, photo } => {
            let mut steps = present(properties, *password, given);
            steps.extend(change_of_licenses(licenses, given));
            steps.extend(change_of_manager(*manager, given));
            if photo.is_some() && *photo != given.photo {
                steps.push(Step::SetPhoto);
            }
            steps
        }
        Wanted::Gone(_) if !bound && !given.tried.is_empty() => vec![Step::Find],
        Wanted::Gone(_) if !bound => Vec::new(),
        Wanted::Gone(leaving) => gone(given, *leaving),
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

/// After the properties, since a licence needs a usageLocation.
fn change_of_licenses(wanted: &Licenses, given: &Given) -> Option<Step> {
    let Licenses::These(wanted) = wanted else {
        return None;
    };
    let add: Vec<SkuId> = wanted.difference(&given.licenses).copied().collect();
    let remove: Vec<SkuId> = given.licenses.difference(wanted).copied().collect();
    (!add.is_empty() || !remove.is_empty()).then_some(Step::ChangeLicenses { add, remove })
}

fn gone(given: &Given, leaving: Leaving) -> Vec<Step> {
    if leaving == Leaving::Delete || given.owed.contains(&Owed::Restored) {
        return vec![Step::Delete];
    }
    let mut steps = Vec::new();
    let blocked = given.properties.get(&Property::AccountEnabled) == Some(&json!(false));
    if !blocked && leaving != Leaving::Stay {
        steps.push(Step::Block);
    }
    if !steps.is_empty() || given.owes_revocation() {
        steps.push(Step::RevokeSessions);
    }
    if leaving == Leaving::RemoveLicenses && !given.unlicensed {
        steps.push(Step::TakeLicenses);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::GraceDays;
    use proptest::prelude::*;
    use rstest::rstest;

    fn properties(enabled: bool, title: &str) -> BTreeMap<Property, Value> {
        BTreeMap::from([(Property::AccountEnabled, json!(enabled)), (Property::JobTitle, json!(title))])
    }

    fn present(enabled: bool, title: &str, password: bool) -> Wanted {
        Wanted::Present {
            properties: properties(enabled, title),
            password,
            manager: Manager::Kept,
            licenses: Licenses::Kept,
            photo: None,
        }
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
        assert_eq!(plan(&Wanted::Gone(Leaving::Block), &given, true), [Step::RevokeSessions]);
    }

    #[test]
    fn a_manager_is_set_changed_and_removed() {
        let [one, two] = [1, 2].map(|number| AccountId::from(uuid::Uuid::from_u128(number)));
        let wanted = |manager| Wanted::Present {
            properties: properties(true, "x"),
            password: false,
            manager,
            licenses: Licenses::Kept,
            photo: None,
        };
        let given = |manager| Given { manager, ..given(true, "x") };
        assert_eq!(plan(&wanted(Manager::Account(one)), &given(None), true), [Step::SetManager(one)]);
        assert_eq!(plan(&wanted(Manager::Account(two)), &given(Some(one)), true), [Step::SetManager(two)]);
        assert_eq!(plan(&wanted(Manager::Nobody), &given(Some(one)), true), [Step::RemoveManager]);
        assert_eq!(plan(&wanted(Manager::Account(one)), &given(Some(one)), true), []);
        assert_eq!(plan(&wanted(Manager::Kept), &given(Some(one)), true), []);
    }

    #[test]
    fn the_gone_are_blocked_or_deleted() {
        let block = plan(&Wanted::Gone(Leaving::Block), &given(true, "x"), true);
        assert_eq!(block, [Step::Block, Step::RevokeSessions]);
        assert_eq!(plan(&Wanted::Gone(Leaving::Block), &given(false, "x"), true), []);
        assert_eq!(plan(&Wanted::Gone(Leaving::Delete), &given(false, "x"), true), [Step::Delete]);
        assert_eq!(plan(&Wanted::Gone(Leaving::Block), &Given::default(), false), []);
        let mut restored = given(true, "x");
        restored.owed.insert(Owed::Restored);
        assert_eq!(plan(&Wanted::Gone(Leaving::Block), &restored, true), [Step::Delete]);
        let unsure = Given { tried: ["a@b.example".to_owned()].into(), ..Given::default() };
        assert_eq!(plan(&Wanted::Gone(Leaving::Block), &unsure, false), [Step::Find]);
    }

    #[rstest]
    #[case(OnDelete::Block, 0, Leaving::Block)]
    #[case(OnDelete::Block, 30, Leaving::Stay)]
    #[case(OnDelete::RemoveLicenses, 0, Leaving::RemoveLicenses)]
    #[case(OnDelete::RemoveLicenses, 30, Leaving::Block)]
    #[case(OnDelete::SoftDelete, 0, Leaving::Delete)]
    #[case(OnDelete::SoftDelete, 30, Leaving::Block)]
    fn grace_puts_off_what_the_setting_does(
        #[case] on_delete: OnDelete,
        #[case] days: u16,
        #[case] leaving: Leaving,
    ) {
        let on_delete_grace_days = days.try_into().unwrap();
        let settings = Settings { on_delete, on_delete_grace_days, ..Settings::default() };
        assert_eq!(Leaving::of(&settings, false), leaving);
        let at_once = Settings { on_delete_grace_days: GraceDays::default(), ..settings.clone() };
        assert_eq!(Leaving::of(&settings, true), Leaving::of(&at_once, false));
    }

    #[test]
    fn a_leaver_loses_the_licences_once_after_the_block() {
        let leaving = Wanted::Gone(Leaving::RemoveLicenses);
        assert_eq!(
            plan(&leaving, &given(true, "x"), true),
            [Step::Block, Step::RevokeSessions, Step::TakeLicenses]
        );
        let done = Given { unlicensed: true, ..given(false, "x") };
        assert_eq!(plan(&leaving, &done, true), []);
        assert_eq!(plan(&Wanted::Gone(Leaving::Stay), &given(true, "x"), true), []);
    }

    #[test]
    fn licences_are_given_and_taken_back_in_one_call_and_others_are_left() {
        let [one, two, three] = [1, 2, 3].map(|number| SkuId::from(uuid::Uuid::from_u128(number)));
        let wanted = |licenses| Wanted::Present {
            properties: properties(true, "x"),
            password: false,
            manager: Manager::Kept,
            licenses,
            photo: None,
        };
        let given = Given { licenses: [one, two].into(), ..given(true, "x") };
        let change = Step::ChangeLicenses { add: vec![three], remove: vec![one] };
        assert_eq!(plan(&wanted(Licenses::These([two, three].into())), &given, true), [change]);
        assert_eq!(plan(&wanted(Licenses::These([one, two].into())), &given, true), []);
        assert_eq!(plan(&wanted(Licenses::Kept), &given, true), []);
    }

    #[test]
    fn a_picture_is_sent_when_it_is_another_one() {
        let wanted = |photo: Option<&str>| Wanted::Present {
            properties: properties(true, "x"),
            password: false,
            manager: Manager::Kept,
            licenses: Licenses::Kept,
            photo: photo.map(str::to_owned),
        };
        let given = Given { photo: Some("a".to_owned()), ..given(true, "x") };
        assert_eq!(plan(&wanted(Some("b")), &given, true), [Step::SetPhoto]);
        assert_eq!(plan(&wanted(Some("a")), &given, true), []);
        assert_eq!(plan(&wanted(None), &given, true), [], "Graph has no way to take a picture away");
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
