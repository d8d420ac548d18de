use rstest::rstest;

use super::super::super::caller::Caller;
use super::super::super::tenant::TenantSeed;
use super::super::super::write::{Purpose, group};
use super::*;

const NOW: i64 = 1_790_000_000_000;
const SYNCED: &str = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
const EXCHANGE: &str = "Cannot Update a mail-enabled security groups and or distribution list.";
const DENIED: &str = "Insufficient privileges to complete the operation.";
const ALREADY: &str =
    "One or more added object references already exist for the following modified properties: 'members'.";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn act(tenant: &TenantSeed) -> Act<'static> {
    Act { tenant: Arc::new(tenant.clone()), caller: &NOBODY, now: NOW }
}

static NOBODY: Caller = Caller { app: Uuid::nil(), user: None, permissions: Vec::new(), roles: Vec::new() };

/// Users 1 to 5 and the group 10.
struct Tenant {
    directory: Directory,
}

impl Tenant {
    fn new() -> Self {
        let mut directory = Directory::default();
        for number in 1..=5 {
            let mut account = Account::new(id(number));
            account.set("userPrincipalName", json!(format!("u{number}@contoso.example")));
            directory.commit(account).unwrap();
        }
        let mut tenant = Self { directory };
        tenant.seed(10, GroupKind::Security, &[]);
        tenant
    }

    fn seed(&mut self, number: u128, kind: GroupKind, members: &[u128]) {
        let mut group = Group::new(id(number));
        group.properties = kind.properties();
        group.set("displayName", json!("g"));
        let members = members.iter().map(|&member| id(member)).collect();
        self.directory.put_group(group, Some(&members)).unwrap();
    }

    fn update(&mut self, group: u128, properties: &Value, members: &[u128]) -> Result<(), Refusal> {
        let members = members.iter().map(|&member| id(member)).collect();
        let properties = properties.as_object().cloned().unwrap_or_default();
        let change = GroupChange { properties, members, ..GroupChange::default() };
        self.directory.update_group(&id(group).to_string(), &change, &act(&TenantSeed::contoso()))
    }

    fn add(&mut self, group: u128, members: &[u128]) -> Result<(), Refusal> {
        self.update(group, &json!({}), members)
    }

    fn members(&self, group: u128) -> Vec<u128> {
        self.directory.members(id(group), None).map(|member| member.id().as_u128()).collect()
    }

    fn create(&mut self, changes: &Value) -> Result<Arc<Group>, Refusal> {
        let mut body =
            json!({"displayName": "n", "mailEnabled": false, "mailNickname": "n", "securityEnabled": true});
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let change = group::parse(&body, Purpose::Create).unwrap();
        let number = 100 + self.directory.groups().count() as u128;
        self.directory.create_group(id(number), &change, &act(&TenantSeed::contoso()))
    }
}

fn told(refusal: &Refusal) -> (u16, &str) {
    (refusal.status, refusal.message.as_str())
}

#[test]
fn members_are_added_all_or_none() {
    let mut tenant = Tenant::new();
    tenant.add(10, &[1, 2]).unwrap();
    assert_eq!(told(&tenant.add(10, &[3, 2]).unwrap_err()), (400, ALREADY));
    assert_eq!(tenant.add(10, &[3, 99]).unwrap_err(), Refusal::not_found(&id(99).to_string()));
    let both = tenant.update(10, &json!({"displayName": "New"}), &[1]).unwrap_err();
    assert_eq!(told(&both), (400, ALREADY));
    assert_eq!(tenant.members(10), [1, 2], "nothing of it took effect");
    assert_eq!(tenant.directory.group(&id(10).to_string()).unwrap().text("displayName"), Some("g"));
    tenant.update(10, &json!({"displayName": "New", "description": null}), &[3]).unwrap();
    assert_eq!(tenant.members(10), [1, 2, 3]);
    assert_eq!(tenant.directory.group(&id(10).to_string()).unwrap().text("displayName"), Some("New"));
}

#[test]
fn a_member_is_removed_once() {
    let mut tenant = Tenant::new();
    tenant.add(10, &[1, 2]).unwrap();
    let (group, member) = (id(10).to_string(), id(1).to_string());
    tenant.directory.remove_member(&group, &member, &act(&TenantSeed::contoso())).unwrap();
    assert_eq!(
        tenant.directory.remove_member(&group, &member, &act(&TenantSeed::contoso())).unwrap_err(),
        Refusal::not_found(&member)
    );
    assert_eq!(tenant.members(10), [2]);
    let nowhere = tenant
        .directory
        .remove_member(&id(11).to_string(), &member, &act(&TenantSeed::contoso()))
        .unwrap_err();
    assert_eq!(nowhere, Refusal::not_found(&id(11).to_string()));
    assert_eq!(tenant.directory.group("x").unwrap_err().message, "Invalid object identifier 'x'.");
}

#[test]
fn a_deleted_user_leaves_the_lists_and_comes_back_on_restore() {
    let seed = TenantSeed::contoso();
    let mut tenant = Tenant::new();
    tenant.add(10, &[1, 2]).unwrap();
    tenant.directory.delete(&id(1).to_string(), &act(&seed)).unwrap();
    assert_eq!(tenant.members(10), [2]);
    let gone = Refusal::not_found(&id(1).to_string());
    assert_eq!(
        tenant
            .directory
            .remove_member(&id(10).to_string(), &id(1).to_string(), &act(&TenantSeed::contoso()))
            .unwrap_err(),
        gone
    );
    assert_eq!(tenant.add(10, &[1]).unwrap_err(), gone);
    tenant.directory.restore(id(1), None, false, &act(&seed)).unwrap();
    assert_eq!(tenant.members(10), [1, 2]);

    tenant.directory.delete(&id(1).to_string(), &act(&seed)).unwrap();
    tenant.directory.purge(id(1), &act(&seed)).unwrap();
    assert!(!tenant.directory.is_member(id(10), id(1)));
}

#[test]
fn a_deleted_group_is_gone_and_in_no_group() {
    let mut tenant = Tenant::new();
    tenant.seed(11, GroupKind::Security, &[1]);
    tenant.add(10, &[11, 2]).unwrap();
    tenant.directory.delete_group(&id(11).to_string(), &act(&TenantSeed::contoso())).unwrap();
    assert_eq!(tenant.members(10), [2]);
    assert!(tenant.directory.group(&id(11).to_string()).is_err());
    assert!(tenant.directory.find(&id(1).to_string()).is_some(), "its members are still there");
}

#[test]
fn without_the_reference_the_member_itself_is_deleted() {
    let seed = TenantSeed::contoso();
    let mut tenant = Tenant::new();
    tenant.add(10, &[1]).unwrap();
    let other = tenant.directory.delete_member(&id(10).to_string(), &id(2).to_string(), &act(&seed));
    assert_eq!(other.unwrap_err().status, 404);
    tenant.directory.delete_member(&id(10).to_string(), &id(1).to_string(), &act(&seed)).unwrap();
    assert!(tenant.directory.find(&id(1).to_string()).is_none());
    assert!(tenant.directory.find_deleted(id(1), NOW).is_some());
}

#[rstest]
#[case(GroupKind::MailEnabledSecurity, 400, EXCHANGE)]
#[case(GroupKind::Distribution, 400, EXCHANGE)]
#[case(GroupKind::OnPremises, 400, SYNCED)]
#[case(GroupKind::RoleAssignable, 403, DENIED)]
fn a_group_that_graph_does_not_change(#[case] kind: GroupKind, #[case] status: u16, #[case] message: &str) {
    let mut tenant = Tenant::new();
    tenant.seed(11, kind, &[1]);
    assert_eq!(tenant.directory.group(&id(11).to_string()).unwrap().kind(), kind);
    let group = id(11).to_string();
    let refusals = [
        tenant.add(11, &[2]),
        tenant.update(11, &json!({"displayName": "New"}), &[]),
        tenant.directory.remove_member(&group, &id(1).to_string(), &act(&TenantSeed::contoso())),
        tenant.directory.delete_group(&group, &act(&TenantSeed::contoso())),
    ];
    for refusal in refusals {
        assert_eq!(told(&refusal.unwrap_err()), (status, message));
    }
    assert_eq!(tenant.members(11), [1]);
}

#[test]
fn the_members_of_a_dynamic_group_follow_its_rule() {
    let mut tenant = Tenant::new();
    tenant.seed(11, GroupKind::Dynamic, &[1]);
    assert_eq!(told(&tenant.add(11, &[2]).unwrap_err()), (403, DENIED));
    let removed =
        tenant.directory.remove_member(&id(11).to_string(), &id(1).to_string(), &act(&TenantSeed::contoso()));
    assert_eq!(told(&removed.unwrap_err()), (403, DENIED));
    tenant.update(11, &json!({"displayName": "New"}), &[]).unwrap();
}

#[test]
fn a_microsoft_365_group_takes_users_only() {
    let mut tenant = Tenant::new();
    tenant.seed(11, GroupKind::Microsoft365, &[]);
    tenant.add(11, &[1]).unwrap();
    assert_eq!(tenant.add(11, &[10]).unwrap_err().status, 400);
    assert_eq!(tenant.add(10, &[11]).unwrap_err().status, 400);
    tenant.directory.delete_group(&id(11).to_string(), &act(&TenantSeed::contoso())).unwrap();
    assert!(tenant.directory.group(&id(11).to_string()).is_err());
    tenant.directory.restore_group(id(11), NOW).unwrap();
    assert_eq!(tenant.members(11), [1], "its members come back with it");
}

#[test]
fn groups_nest_but_not_in_themselves() {
    let mut tenant = Tenant::new();
    tenant.seed(11, GroupKind::Security, &[]);
    tenant.add(10, &[11]).unwrap();
    assert_eq!(tenant.add(10, &[10]).unwrap_err().status, 400);
    tenant.add(11, &[10]).unwrap();
    assert_eq!((tenant.members(10), tenant.members(11)), (vec![11], vec![10]));
}

#[rstest]
#[case(json!({}), None)]
#[case(json!({"groupTypes": ["Unified"], "mailEnabled": true}), None)]
#[case(json!({"groupTypes": ["DynamicMembership"], "membershipRule": "user.city -eq \"Bern\""}), None)]
#[case(json!({"mailEnabled": true}), Some("The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set."))]
#[case(json!({"securityEnabled": false}), Some("The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set."))]
#[case(json!({"groupTypes": ["DynamicMembership"]}), Some("A value is required for property 'membershipRule' of resource 'Group'."))]
#[case(json!({"isAssignableToRole": true}), Some(DENIED))]
fn the_kinds_that_can_be_made(#[case] body: Value, #[case] message: Option<&str>) {
    let refusal = Tenant::new().create(&body).err();
    assert_eq!(refusal.as_ref().map(|refusal| refusal.message.as_str()), message);
}

#[test]
fn security_groups_share_names_and_microsoft_365_groups_no_nickname() {
    let mut tenant = Tenant::new();
    let first = tenant.create(&json!({})).unwrap();
    assert_eq!(first.text("createdDateTime"), Some("2026-09-21T14:13:20Z"));
    tenant.create(&json!({})).unwrap();
    let unified = json!({"groupTypes": ["Unified"], "mailEnabled": true});
    tenant.create(&unified).unwrap();
    let taken = tenant.create(&unified).unwrap_err();
    assert_eq!(
        told(&taken),
        (400, "Another object with the same value for property mailNickname already exists.")
    );
}

#[test]
fn a_group_whose_member_is_unknown_is_not_made() {
    let mut tenant = Tenant::new();
    let nobody = format!("https://graph.microsoft.com/v1.0/directoryObjects/{}", id(99));
    let refusal = tenant.create(&json!({"members@odata.bind": [nobody]})).unwrap_err();
    assert_eq!(refusal, Refusal::not_found(&id(99).to_string()));
    assert_eq!(tenant.directory.groups().count(), 1);
}

#[test]
fn a_seed_replaces_the_members() {
    let mut tenant = Tenant::new();
    tenant.seed(11, GroupKind::Security, &[1, 2, 3]);
    tenant.seed(11, GroupKind::Security, &[3, 4]);
    assert_eq!(tenant.members(11), [3, 4]);
    let nobody = BTreeSet::from([id(99)]);
    assert_eq!(tenant.directory.put_group(Group::new(id(11)), Some(&nobody)).unwrap_err().status, 404);
}
