use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Map, Value, json};

use super::*;
use crate::scim::render::tests::identity;
use crate::scim::{GROUP, Resource, USER, render};

const GANGWAY: &str = "urn:ietf:params:scim:schemas:extension:gangway:2.0:User";

fn user() -> Map<String, Value> {
    let body = json!({
        "externalId": "Ext-1",
        "userName": "Ann.Berg@contoso.example",
        "name": {"givenName": "Ann", "familyName": "O'Malley", "middleName": ""},
        "displayName": "Ünï Berg",
        "active": true,
        "emails": [
            {"value": "ann@contoso.example", "type": "work", "primary": true},
            {"value": "berg@home.example", "type": "home"},
        ],
        "addresses": [{"postalCode": "88283", "locality": "Boston"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sales", "manager": {"value": "m1"}},
        GANGWAY: {"employeeHireDate": "2024-03-01"},
    });
    let resource = Resource::parse(&USER, body, Dialect::Auto).unwrap().resource;
    render(&USER, &resource, &identity(), Map::new())
}

fn matches(text: &str) -> bool {
    parse(&USER, text, Dialect::Auto).unwrap_or_else(|error| panic!("{text}: {error}")).matches(&user())
}

#[rstest]
// Case: names, operators and values that are not case-exact (RFC 7643 §2.1, §7).
#[case(r#"USERNAME EQ "ann.berg@CONTOSO.example""#, true)]
#[case(r#"externalId eq "Ext-1""#, true)]
#[case(r#"externalId eq "ext-1""#, false)]
#[case(r#"displayName eq "üNÏ berg""#, true)]
#[case(r#"displayName co "NÏ""#, true)]
#[case(r#"id eq "2819c223""#, true)]
// Operators (RFC 7644 table 3).
#[case(r#"userName sw "ann""#, true)]
#[case(r#"userName ew ".EXAMPLE""#, true)]
#[case(r#"userName sw "berg""#, false)]
#[case(r#"userName gt "ann""#, true)]
#[case(r#"userName le "ann""#, false)]
#[case(r#"name.familyName co "O'Malley""#, true)]
#[case("active eq true", true)]
#[case("active ne true", false)]
#[case(r#"active eq "True""#, true)]
#[case("title pr", false)]
#[case("name pr", true)]
#[case("name.middleName pr", false)]
#[case("emails.primary pr", true)]
#[case("nickName eq null", true)]
#[case("userName ne null", true)]
#[case("userName eq null", false)]
// `ne` is the opposite of `eq`, for absent and for multi-valued attributes.
#[case(r#"title ne "x""#, true)]
#[case(r#"emails.type ne "work""#, false)]
#[case(r#"emails.type ne "pager""#, true)]
// Multi-valued and complex attributes.
#[case(r#"emails eq "ANN@contoso.example""#, true)]
#[case(r#"emails co "home.example""#, true)]
#[case(r#"emails.value eq "berg@home.example""#, true)]
#[case(r#"emails[type eq "work" and value co "contoso"]"#, true)]
#[case(r#"emails[type eq "home" and value co "contoso"]"#, false)]
#[case(r#"emails[not (type eq "work") and value pr]"#, true)]
#[case(r#"addresses[postalCode eq "88283" and locality ne "Austin"]"#, true)]
#[case(r#"ims[type eq "xmpp"]"#, false)]
// URNs (RFC 7644 §3.10).
#[case(r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "A""#, true)]
#[case(r#"URN:ietf:params:scim:schemas:extension:enterprise:2.0:user:DEPARTMENT eq "sales""#, true)]
#[case(r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq "m1""#, true)]
#[case(r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#, true)]
// Moments, not texts.
#[case(r#"meta.lastModified ge "2023-11-14T22:13:21Z""#, true)]
#[case(r#"meta.lastModified gt "2023-11-14T23:13:20.9990000+01:00""#, true)]
#[case(r#"meta.lastModified lt "2023-11-14T22:13:21.0000000Z""#, false)]
#[case(r#"meta.created eq "2023-11-14T23:13:20.12+01:00""#, true)]
// Attributes that are not there are attributes without a value.
#[case("shoeSize pr", false)]
#[case(r#"shoeSize eq "44""#, false)]
#[case(r#"shoeSize ne "44""#, true)]
#[case("not (shoeSize pr)", true)]
#[case(r#"emails[shoe eq "x"]"#, false)]
// Precedence: not, and, or.
#[case("title pr or userName pr and nickName pr", false)]
#[case("userName pr or title pr and nickName pr", true)]
#[case("(userName pr or title pr) and nickName pr", false)]
fn filters_decide(#[case] text: &str, #[case] expected: bool) {
    assert_eq!(matches(text), expected, "{text}");
}

#[rstest]
#[case("active gt true", "active")]
#[case("active co true", "active")]
#[case(r#"active eq "yes""#, "active")]
#[case("active eq 1", "active")]
#[case("userName eq 7", "userName")]
#[case("userName co true", "userName")]
#[case("userName gt null", "userName")]
#[case(r#"name eq "Ann""#, "name.formatted")]
#[case(r#"addresses co "x""#, "addresses")]
#[case(r#"meta.lastModified eq "yesterday""#, "meta.lastModified")]
#[case(r#"meta.lastModified sw "2023""#, "meta.lastModified")]
#[case(r#"x509Certificates.value gt "aa""#, "x509Certificates.value")]
#[case("emails.primary le false", "emails.primary")]
#[case("emails[primary gt true]", "emails.primary")]
#[case(r#"userName[value eq "x"]"#, "userName")]
#[case(r#"password eq "Secret-1""#, "password")]
#[case(r#"password sw "S""#, "password")]
#[case("password pr", "password")]
#[case("userName eq bjensen", "12")]
fn what_does_not_fit_is_invalid_filter_by_name(#[case] text: &str, #[case] named: &str) {
    let error = parse(&USER, text, Dialect::Auto).expect_err(text);
    assert_eq!(error.scim_type(), Some("invalidFilter"), "{text}");
    assert!(error.detail.contains(named), "{text}: {error}");
    assert!(!error.detail.contains("Secret"), "{error}");
}

#[rstest]
#[case("externalId eq Ext-1", true)]
#[case("externalId eq ext-1", false)]
#[case("userName eq 4711", false)]
#[case("displayName ne true", true)]
fn entra_may_leave_out_the_quotes(#[case] text: &str, #[case] expected: bool) {
    let predicate = parse(&USER, text, Dialect::Entra).unwrap();
    assert_eq!(predicate.matches(&user()), expected);
}

#[rstest]
#[case("STRAßE", "straße")]
#[case("ÅSA", "åsa")]
#[case("ΣΊΣΥΦΟΣ", "σίσυφοσ")]
#[case("σίσυφος", "σίσυφοσ")]
fn folding_goes_character_by_character(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(fold(text), expected);
}

#[test]
fn what_the_store_matches_on_is_public() {
    let predicate = parse(&USER, r#"userName eq "ANN" and active eq true"#, Dialect::Auto).unwrap();
    let Predicate::And(parts) = predicate else { panic!("{predicate:?}") };
    let [Predicate::Compare(name), Predicate::Compare(active)] = parts.as_slice() else {
        panic!("{parts:?}")
    };
    assert!(name.target.is_core("userName", None));
    assert_eq!(name.operand, Operand::Text("ann".to_owned()));
    assert!(active.target.is_core("active", None));
    assert_eq!(active.operand, Operand::Bool(true));
}

fn atom() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "userName",
        "displayName",
        "emails",
        "emails.type",
        "emails.primary",
        "active",
        "title",
        "meta.created",
        "schemas",
        "shoeSize",
        "name.givenName",
        "id",
    ]);
    let op = prop::sample::select(vec!["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("-3.5".to_owned()),
        "[a-zA-Z0-9ünïΣ.@:-]{0,6}".prop_map(|text| format!("{text:?}")),
        Just("\"2024-01-01T00:00:00Z\"".to_owned()),
    ];
    prop_oneof![
        (name.clone(), op, value).prop_map(|(name, op, value)| format!("{name} {op} {value}")),
        name.prop_map(|name| format!("{name} pr")),
    ]
}

proptest! {
    #[test]
    fn no_filter_panics_and_not_is_the_opposite(text in atom(), body in any::<String>()) {
        let _ = parse(&USER, &body, Dialect::Entra);
        if let Ok(predicate) = parse(&USER, &text, Dialect::Auto) {
            let negated = parse(&USER, &format!("not ({text})"), Dialect::Auto).unwrap();
            prop_assert_ne!(predicate.matches(&user()), negated.matches(&user()));
            predicate.matches(&Map::new());
        }
    }

    #[test]
    fn a_part_of_a_text_is_found_in_it_in_any_case(text in "\\PC{1,12}", from in 0_usize..12, length in 1_usize..12) {
        let part: String = text.chars().skip(from).take(length).collect();
        prop_assert!(fold(&text).contains(&fold(&part)));
        let upper: String = part.to_uppercase();
        // Not every character comes back from upper case (ß, ı); where it does, folding hides the difference.
        if upper.to_lowercase() == part.to_lowercase() && upper.chars().count() == part.chars().count() {
            prop_assert_eq!(fold(&upper), fold(&part));
        }
    }
}

#[rstest]
#[case("members.value eq \"u1\"", 1)]
#[case("members eq \"u1\" and not (members[type eq \"User\"] or members pr)", 3)]
#[case("displayName eq \"members\"", 0)]
#[case("members.colour eq \"x\" or displayName pr", 0)]
fn the_leaves_at_members_are_found_and_answered(#[case] text: &str, #[case] expected: usize) {
    let predicate = parse(&GROUP, text, Dialect::Auto).unwrap();
    let leaves = predicate.member_leaves();
    assert_eq!(leaves.len(), expected);
    assert_eq!(predicate.mentions("members"), expected > 0);
    assert!(leaves.iter().all(|leaf| leaf.target().unwrap().attribute.name == "members"));
}

#[test]
fn an_answered_leaf_is_not_looked_up() {
    let group = json!({"displayName": "Sales", "members": [{"value": "u1"}]});
    let group = group.as_object().unwrap();
    let text = "displayName eq \"sales\" and members[value eq \"u1\"]";
    let predicate = parse(&GROUP, text, Dialect::Auto).unwrap();
    assert!(predicate.matches(group));
    for answer in [true, false] {
        let only_members = |leaf: &Predicate| (!leaf.member_leaves().is_empty()).then_some(answer);
        assert_eq!(predicate.matches_with(group, &only_members), answer);
    }
    assert!(predicate.mentions("displayName") && !predicate.mentions("externalId"));
}

#[test]
fn an_extension_attribute_is_no_core_one() {
    let predicate = parse(
        &GROUP,
        "urn:ietf:params:scim:schemas:extension:gangway:2.0:Group:description pr",
        Dialect::Auto,
    );
    assert!(!predicate.unwrap().mentions("description"));
}
