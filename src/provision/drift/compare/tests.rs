use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn rules() -> Rules {
    Rules::of(&Settings::default())
}

fn differing(property: Property, given: Value, seen: Value) -> Vec<Difference<Property>> {
    let rules = rules();
    compare(&BTreeMap::from([(property, given)]), &BTreeMap::from([(property, seen)]), |one| {
        rules.watches(one)
    })
}

#[rstest]
#[case::case_of_the_name(Property::UserPrincipalName, json!("ann@contoso.example"), json!("Ann@Contoso.example"))]
#[case::null_and_empty_text(Property::JobTitle, json!(null), json!(""))]
#[case::null_and_empty_list(Property::BusinessPhones, json!([]), json!(null))]
#[case::order_of_addresses(Property::OtherMails, json!(["a@x.example", "B@x.example"]), json!(["b@x.example", "a@x.example"]))]
#[case::time_zone(Property::EmployeeHireDate, json!("2026-01-31T00:00:00Z"), json!("2026-01-31T01:00:00.000+01:00"))]
#[case::parts_left_out(Property::EmployeeOrgData, json!({"costCenter": "7", "division": null}), json!({"costCenter": "7"}))]
#[case::all_parts_empty(Property::EmployeeOrgData, json!(null), json!({"costCenter": null, "division": null}))]
#[case::case_of_a_country(Property::UsageLocation, json!("SE"), json!("se"))]
fn what_is_the_same_to_microsoft_is_no_difference(
    #[case] property: Property,
    #[case] given: Value,
    #[case] seen: Value,
) {
    assert_eq!(differing(property, given.clone(), seen.clone()), []);
    assert_eq!(differing(property, seen, given), []);
}

#[rstest]
#[case(Property::JobTitle, json!("Boss"), json!("boss"))]
#[case(Property::JobTitle, json!("Boss"), json!(null))]
#[case(Property::AccountEnabled, json!(true), json!(false))]
#[case(Property::AccountEnabled, json!(false), json!(null))]
#[case(Property::BusinessPhones, json!(["1"]), json!(["2"]))]
#[case(Property::OtherMails, json!(["a@x.example"]), json!(["a@x.example", "b@x.example"]))]
#[case(Property::EmployeeHireDate, json!("2026-01-31T00:00:00Z"), json!("2026-02-01T00:00:00Z"))]
#[case(Property::EmployeeHireDate, json!("2026-01-31T00:00:00Z"), json!("soon"))]
#[case(Property::EmployeeOrgData, json!({"costCenter": "7", "division": "N"}), json!({"costCenter": "7"}))]
#[case(Property::UserPrincipalName, json!("ann@contoso.example"), json!("anne@contoso.example"))]
fn what_differs_is_told_from_and_to(#[case] property: Property, #[case] given: Value, #[case] seen: Value) {
    assert_eq!(differing(property, given.clone(), seen.clone()), [Difference { property, given, seen }]);
}

#[test]
fn only_what_was_given_and_is_gangways_is_compared() {
    let settings = Settings { rules_off: vec!["jobTitle".to_owned()], ..Settings::default() };
    let rules = Rules::of(&settings);
    let given = BTreeMap::from([
        (Property::JobTitle, json!("a")),
        (Property::MailNickname, json!("a")),
        (Property::City, json!("a")),
    ]);
    let shown = BTreeMap::from([
        (Property::JobTitle, json!("b")),
        (Property::MailNickname, json!("b")),
        (Property::Department, json!("b")),
    ]);
    assert_eq!(compare(&given, &shown, |property| rules.watches(property)), []);
    let all = Rules::of(&Settings::default());
    let found = compare(&given, &shown, |property| all.watches(property));
    assert_eq!(found.iter().map(|one| one.property).collect::<Vec<_>>(), [Property::JobTitle]);
}

#[test]
fn a_change_shows_all_when_every_value_is_there() {
    let rules = rules();
    let watched = |property| rules.watches(property);
    let given = BTreeMap::from([(Property::JobTitle, json!("a")), (Property::City, Value::Null)]);
    assert!(covers(&given, &BTreeMap::from([(Property::JobTitle, json!("b"))]), watched));
    assert!(!covers(&given, &BTreeMap::from([(Property::City, json!("b"))]), watched));
}

#[test]
fn a_groups_description_may_be_empty_or_absent() {
    assert!(GroupProperty::Description.same(&Value::Null, &json!("")));
    assert!(!GroupProperty::DisplayName.same(&json!("Sales"), &json!("sales")));
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "[a-bA-B@ ]{0,3}".prop_map(Value::from),
        proptest::collection::vec("[a-bA-B]{0,2}", 0..3).prop_map(Value::from),
        ("[ab]?", "[ab]?").prop_map(|(one, two)| json!({"costCenter": one, "division": two})),
        Just(json!("2026-01-31T00:00:00Z")),
    ]
}

fn properties() -> impl Strategy<Value = BTreeMap<Property, Value>> {
    proptest::collection::btree_map(proptest::sample::select(&Property::ALL[..]), value(), 0..12)
}

proptest! {
    #[test]
    fn equals_have_no_differences(given in properties()) {
        prop_assert_eq!(compare(&given, &given, |_| true), []);
        prop_assert!(covers(&given, &given, |_| true));
    }

    #[test]
    fn sameness_works_both_ways(property in proptest::sample::select(&Property::ALL[..]), one in value(), two in value()) {
        prop_assert_eq!(property.same(&one, &two), property.same(&two, &one));
        prop_assert!(property.same(&one, &one));
    }

    /// Taking what is seen for given leaves nothing to tell: what a repair begins with.
    #[test]
    fn what_is_taken_over_differs_no_more(mut given in properties(), shown in properties()) {
        for difference in compare(&given, &shown, |_| true) {
            given.insert(difference.property, difference.seen);
        }
        prop_assert_eq!(compare(&given, &shown, |_| true), []);
    }
}
