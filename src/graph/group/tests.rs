use rstest::rstest;
use uuid::Uuid;

use super::*;

const ID: &str = "0f1c6a2e-4f50-4b8e-9a39-0a6d7c1e2b11";

fn member(number: u128) -> ObjectId {
    Uuid::from_u128(number).into()
}

#[test]
fn the_name_is_the_serialised_form() {
    for property in GroupProperty::ALL {
        assert_eq!(serde_json::to_value(property).unwrap(), json!(property.name()));
    }
    assert!(GroupProperty::ALL.is_sorted_by_key(|property| property.name()));
}

#[rstest]
#[case(GroupProperty::DisplayName, json!("Ärzte & Pflege, 2. Stock"))]
#[case(GroupProperty::DisplayName, json!("é".repeat(256)))]
#[case(GroupProperty::MailNickname, json!("nurses_2-a!#$%&*+=?^`{|}~"))]
#[case(GroupProperty::Description, json!(null))]
#[case(GroupProperty::Description, json!("x".repeat(1024)))]
fn values_graph_takes(#[case] property: GroupProperty, #[case] value: Value) {
    assert_eq!(property.check(&value), Ok(()));
}

#[rstest]
#[case(GroupProperty::DisplayName, json!("x".repeat(257)), "displayName of the group holds at most 256 characters, this value has 257.")]
#[case(GroupProperty::DisplayName, json!(""), "displayName of the group cannot be empty.")]
#[case(GroupProperty::DisplayName, json!(null), "displayName of the group cannot be cleared.")]
#[case(GroupProperty::MailNickname, json!("x".repeat(65)), "mailNickname of the group holds at most 64 characters, this value has 65.")]
#[case(GroupProperty::MailNickname, json!("a.b"), "mailNickname of the group cannot contain '.'; Microsoft allows ASCII without blanks and @ ( ) \\ [ ] \" ; : < > , . / '.")]
#[case(GroupProperty::MailNickname, json!("é"), "mailNickname of the group cannot contain 'é'; Microsoft allows ASCII without blanks and @ ( ) \\ [ ] \" ; : < > , . / '.")]
#[case(GroupProperty::Description, json!(5), "description of the group must be text.")]
fn values_graph_refuses(#[case] property: GroupProperty, #[case] value: Value, #[case] says: &str) {
    assert_eq!(property.check(&value).unwrap_err().to_string(), says);
}

#[test]
fn a_new_group_is_a_security_group_with_each_member_once() {
    let group =
        NewGroup::new("Nurses", "nurses").described("All").with_members([member(2), member(1), member(2)]);
    assert_eq!(
        group.unwrap().body(|member| format!("x/{member}")),
        json!({
            "displayName": "Nurses", "mailEnabled": false, "mailNickname": "nurses", "securityEnabled": true,
            "description": "All",
            "members@odata.bind":
                ["x/00000000-0000-0000-0000-000000000001", "x/00000000-0000-0000-0000-000000000002"],
        })
    );
    let bare = NewGroup::new("Nurses", "nurses").described("").body(|_| String::new());
    assert_eq!(bare.get("description").or(bare.get("members@odata.bind")), None);
}

#[test]
fn a_new_group_names_at_most_twenty_members() {
    let group = |count: u128| NewGroup::new("g", "g").with_members((0..count).map(member));
    assert_eq!(group(20).unwrap().members().count(), 20);
    assert_eq!(group(21), Err(TooManyMembers));
}

#[rstest]
#[case(json!({"groupTypes": [], "mailEnabled": false, "securityEnabled": true}), GroupKind::Security)]
#[case(json!({"groupTypes": null, "securityEnabled": true, "onPremisesSyncEnabled": null, "isAssignableToRole": false}), GroupKind::Security)]
#[case(json!({"groupTypes": ["Unified"], "mailEnabled": true, "securityEnabled": true}), GroupKind::Microsoft365)]
#[case(json!({"groupTypes": [], "mailEnabled": true, "securityEnabled": true}), GroupKind::MailEnabledSecurity)]
#[case(json!({"mailEnabled": true, "securityEnabled": false}), GroupKind::Distribution)]
#[case(json!({"groupTypes": ["DynamicMembership"], "securityEnabled": true}), GroupKind::Dynamic)]
#[case(json!({"groupTypes": ["Unified", "DynamicMembership"], "mailEnabled": true}), GroupKind::Dynamic)]
#[case(json!({"securityEnabled": true, "onPremisesSyncEnabled": true}), GroupKind::OnPremises)]
#[case(json!({"securityEnabled": true, "isAssignableToRole": true}), GroupKind::RoleAssignable)]
#[case(json!({}), GroupKind::Other)]
#[case(json!({"groupTypes": "Unified", "securityEnabled": "true"}), GroupKind::Other)]
fn the_kind_is_told_by_its_properties(#[case] mut group: Value, #[case] kind: GroupKind) {
    group["id"] = json!(ID);
    group["displayName"] = json!("Nurses");
    let group: Group = serde_json::from_value(group).unwrap();
    assert_eq!(group.kind, kind);
    assert_eq!(group.refusal().is_none(), kind.is_manageable());
    if let Some(refusal) = group.refusal() {
        assert!(refusal.starts_with("The group \"Nurses\" of Microsoft 365 is "), "{refusal}");
        assert!(refusal.contains("does not touch it: ") && refusal.ends_with('.'), "{refusal}");
    }
}

#[test]
fn a_group_of_odd_kinds_is_still_read() {
    let group: Group = serde_json::from_value(json!({
        "@odata.context": "x", "id": ID, "displayName": 7, "description": "All", "unheardOf": {},
    }))
    .unwrap();
    assert_eq!((group.id.to_string().as_str(), group.display_name, group.mail_nickname), (ID, None, None));
    assert_eq!(group.description.as_deref(), Some("All"));
    assert!(serde_json::from_value::<Group>(json!({"id": "7"})).is_err());
}

proptest::proptest! {
    #[test]
    fn no_value_makes_a_check_fail(text: String) {
        for property in GroupProperty::ALL {
            let _ = property.check(&json!(text));
        }
    }
}
