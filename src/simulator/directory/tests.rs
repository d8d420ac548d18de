use rstest::rstest;

use super::super::object::Object as _;
use super::super::write::{self, Purpose};
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_790_000_000_000;

fn act(tenant: &TenantSeed, now: i64) -> Act<'static> {
    static NOBODY: Caller =
        Caller { app: Uuid::nil(), user: None, permissions: Vec::new(), roles: Vec::new() };
    Act { tenant: Arc::new(tenant.clone()), caller: &NOBODY, now }
}

struct Tenant {
    seed: TenantSeed,
    directory: Directory,
    last: u128,
}

impl Tenant {
    fn new() -> Self {
        Self { seed: TenantSeed::contoso(), directory: Directory::default(), last: 0 }
    }

    fn create(&mut self, changes: &Value) -> Result<Arc<Account>, Refusal> {
        let mut body = json!({
            "accountEnabled": true,
            "displayName": "Morgan",
            "mailNickname": "morgan",
            "userPrincipalName": "morgan@contoso.example",
            "passwordProfile": { "password": "Correct-Horse-1" },
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.last += 1;
        let change = write::parse(&body, Purpose::Create).unwrap();
        let seed = self.seed.clone();
        self.directory.create(Uuid::from_u128(self.last), &change, &act(&seed, NOW))
    }

    fn update(&mut self, key: &str, body: &Value) -> Result<Arc<Account>, Refusal> {
        let change = write::parse(body, Purpose::Update).unwrap();
        let seed = self.seed.clone();
        self.directory.update(key, &change, &act(&seed, NOW + 60_000))
    }

    /// Sets what no request can.
    fn flag(&mut self, key: &str, set: impl FnOnce(&mut Account)) {
        let mut account = Account::clone(self.directory.find(key).unwrap());
        set(&mut account);
        self.directory.commit(account).unwrap();
    }
}

const MORGAN: &str = "morgan@contoso.example";

#[test]
fn a_name_is_taken_without_regard_to_case() {
    let mut tenant = Tenant::new();
    let first = tenant.create(&json!({})).unwrap();
    let refusal = tenant.create(&json!({"userPrincipalName": "MORGAN@contoso.example"})).unwrap_err();
    let text = "Another object with the same value for property userPrincipalName already exists.";
    assert_eq!(
        (refusal.status, refusal.code.as_str(), refusal.message.as_str()),
        (400, "Request_BadRequest", text)
    );
    let other = format!("User_{}", first.id);
    assert_eq!(
        refusal.details,
        [
            json!({"code": "ObjectConflict", "message": text, "target": "userPrincipalName"}),
            json!({"code": "ConflictingObjects", "message": text, "target": other}),
        ]
    );
    tenant.create(&json!({"userPrincipalName": "sam@contoso.example"})).unwrap();
    let refusal = tenant.update("sam@contoso.example", &json!({"userPrincipalName": MORGAN})).unwrap_err();
    assert_eq!(refusal.message, text, "on a change too");
    assert!(
        tenant.update(MORGAN, &json!({"userPrincipalName": "Morgan@contoso.example"})).is_ok(),
        "its own"
    );
    assert_eq!(tenant.directory.find(MORGAN).unwrap().upn(), "Morgan@contoso.example");
}

#[rstest]
#[case("onPremisesImmutableId", json!("i-1"), "onPremisesImmutableId")]
#[case("mail", json!("m@contoso.example"), "proxyAddresses")]
fn other_values_are_unique_too(#[case] name: &str, #[case] value: Value, #[case] reported: &str) {
    let mut tenant = Tenant::new();
    tenant.create(&json!({ name: value })).unwrap();
    let twin = json!({"userPrincipalName": "sam@contoso.example", name: value});
    let refusal = tenant.create(&twin).unwrap_err();
    let text = format!("Another object with the same value for property {reported} already exists.");
    assert_eq!(refusal.message, text);
}

#[rstest]
#[case("morgan@fabrikam.example")]
#[case("morgan@nowhere.example")]
#[case("morgan@federated.example")]
fn a_domain_that_is_not_verified_or_federated_without_an_immutable_id(#[case] name: &str) {
    let mut tenant = Tenant::new();
    let refusal = tenant.create(&json!({ "userPrincipalName": name })).unwrap_err();
    let text = "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.";
    assert_eq!(
        (refusal.status, refusal.code.as_str(), refusal.message.as_str()),
        (400, "Request_BadRequest", text)
    );
    let detail = json!({"code": "InvalidValue", "message": text, "target": "userPrincipalName"});
    assert_eq!(refusal.details, [detail]);
    tenant.create(&json!({})).unwrap();
    let refusal = tenant.update(MORGAN, &json!({ "userPrincipalName": name })).unwrap_err();
    assert_eq!(refusal.message, text);
}

#[test]
fn a_federated_user_needs_an_immutable_id_and_takes_no_password() {
    let mut tenant = Tenant::new();
    let name = "morgan@federated.example";
    tenant.create(&json!({"userPrincipalName": name, "onPremisesImmutableId": "i-1"})).unwrap();
    let refusal =
        tenant.update(name, &json!({"passwordProfile": {"password": "Correct-Horse-2"}})).unwrap_err();
    assert_eq!(refusal.message, "Invalid value specified for property 'passwordProfile' of resource 'User'.");
    assert!(tenant.update(name, &json!({"jobTitle": "Pilot"})).is_ok());
}

#[rstest]
#[case("short-1")]
#[case("alllowercase")]
#[case("Morgan-2026")]
#[case("Ünïcode-1")]
fn a_weak_password(#[case] password: &str) {
    let mut tenant = Tenant::new();
    let text = "The specified password does not comply with password complexity requirements. Please provide a different password.";
    let weak = json!({"passwordProfile": {"password": password}});
    let refusal = tenant.create(&weak).unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str(), refusal.message.as_str()),
        (400, "Request_BadRequest", text)
    );
    assert!(tenant.directory.find(MORGAN).is_none(), "nothing of it took effect");
    tenant.create(&json!({})).unwrap();
    let refusal = tenant.update(MORGAN, &weak).unwrap_err();
    assert_eq!(refusal.message, text);
}

#[test]
fn a_policy_waives_the_classes() {
    let mut tenant = Tenant::new();
    let weak =
        json!({"passwordPolicies": "DisableStrongPassword", "passwordProfile": {"password": "alllowercase"}});
    assert!(tenant.create(&weak).is_ok());
}

#[test]
fn a_password_change_is_dated_and_ends_the_sessions() {
    let mut tenant = Tenant::new();
    tenant.create(&json!({})).unwrap();
    let body =
        json!({"passwordProfile": {"password": "Correct-Horse-2", "forceChangePasswordNextSignIn": true}});
    let account = tenant.update(MORGAN, &body).unwrap();
    assert!(account.password.as_ref().is_some_and(|hash| hash.is("Correct-Horse-2")));
    assert!(account.must_change);
    for name in ["lastPasswordChangeDateTime", "signInSessionsValidFromDateTime"] {
        assert_eq!(account.text(name), Some("2026-09-21T14:14:20Z"));
    }
    assert!(!format!("{account:?}").contains("Correct"));
}

#[rstest]
#[case(json!({"jobTitle": "Pilot"}), false)]
#[case(json!({"accountEnabled": false}), false)]
#[case(json!({"passwordProfile": {"password": "Correct-Horse-2"}}), false)]
#[case(json!({"usageLocation": "DE"}), true)]
#[case(json!({"usageLocation": "DE", "jobTitle": "Pilot"}), false)]
fn an_account_that_is_mastered_on_premises(#[case] body: Value, #[case] taken: bool) {
    let mut tenant = Tenant::new();
    tenant.create(&json!({})).unwrap();
    tenant.flag(MORGAN, |account| {
        account.set("onPremisesSyncEnabled", json!(true));
    });
    let result = tenant.update(MORGAN, &body);
    let text = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
    let expected = if taken { None } else { Some((400, "Request_BadRequest".to_owned(), text.to_owned())) };
    assert_eq!(result.err().map(|refusal| (refusal.status, refusal.code, refusal.message)), expected);
}

#[rstest]
#[case(json!({"accountEnabled": false}), false)]
#[case(json!({"passwordProfile": {"password": "Correct-Horse-2"}}), false)]
#[case(json!({"businessPhones": ["1"]}), false)]
#[case(json!({"mobilePhone": null}), false)]
#[case(json!({"otherMails": []}), false)]
#[case(json!({"userPrincipalName": "other@contoso.example"}), false)]
#[case(json!({"jobTitle": "Pilot"}), true)]
fn an_account_with_an_administrator_role(#[case] body: Value, #[case] taken: bool) {
    let mut tenant = Tenant::new();
    tenant.create(&json!({})).unwrap();
    tenant.flag(MORGAN, |account| account.privileged = true);
    let result = tenant.update(MORGAN, &body);
    let text = "Insufficient privileges to complete the operation.";
    let expected =
        if taken { None } else { Some((403, "Authorization_RequestDenied".to_owned(), text.to_owned())) };
    assert_eq!(result.err().map(|refusal| (refusal.status, refusal.code, refusal.message)), expected);
    assert_eq!(
        tenant.directory.delete(MORGAN, &act(&TenantSeed::contoso(), NOW)).unwrap_err(),
        Refusal::denied()
    );
}

#[test]
fn an_unknown_manager_is_refused_and_nothing_is_made() {
    let mut tenant = Tenant::new();
    let nobody = Uuid::from_u128(99);
    let bind = format!("https://graph.microsoft.com/v1.0/users/{nobody}");
    let refusal = tenant.create(&json!({"manager@odata.bind": bind})).unwrap_err();
    assert_eq!(refusal, Refusal::not_found(&nobody.to_string()));
    assert!(tenant.directory.find(MORGAN).is_none());
}

#[test]
fn a_restore_can_give_up_addresses_that_were_taken_meanwhile() {
    let mut tenant = Tenant::new();
    let mail = json!({"mail": "m@contoso.example"});
    let id = tenant.create(&mail).unwrap().id;
    tenant.directory.delete(MORGAN, &act(&TenantSeed::contoso(), NOW)).unwrap();
    let other = json!({"userPrincipalName": "sam@contoso.example", "mail": "m@contoso.example"});
    tenant.create(&other).unwrap();
    let seed = tenant.seed.clone();
    let refusal = tenant.directory.restore(id, None, false, &act(&seed, NOW)).unwrap_err();
    assert!(refusal.message.contains("proxyAddresses"), "{refusal:?}");
    let back = tenant.directory.restore(id, None, true, &act(&seed, NOW)).unwrap();
    assert_eq!((back.upn(), back.text("mail")), (MORGAN, None));
}

#[test]
fn extension_attributes_are_merged_and_the_organization_data_replaced() {
    let mut tenant = Tenant::new();
    tenant.create(&json!({"onPremisesExtensionAttributes": {"extensionAttribute1": "a"}})).unwrap();
    let body = json!({
        "onPremisesExtensionAttributes": {"extensionAttribute2": "b"},
        "employeeOrgData": {"costCenter": "c"},
    });
    tenant.update(MORGAN, &body).unwrap();
    let account = tenant.update(MORGAN, &json!({"employeeOrgData": {"division": "d"}})).unwrap();
    let attributes = account.shown("onPremisesExtensionAttributes", "");
    assert_eq!(
        (&attributes["extensionAttribute1"], &attributes["extensionAttribute2"]),
        (&json!("a"), &json!("b"))
    );
    assert_eq!(account.shown("employeeOrgData", ""), json!({"costCenter": null, "division": "d"}));
}

#[test]
fn an_address_becomes_the_primary_one_and_the_old_one_stays() {
    let mut tenant = Tenant::new();
    tenant.create(&json!({"mail": "m@contoso.example"})).unwrap();
    let account = tenant.update(MORGAN, &json!({"mail": "n@contoso.example"})).unwrap();
    let proxies = json!(["SMTP:n@contoso.example", "smtp:m@contoso.example"]);
    assert_eq!(account.properties["proxyAddresses"], proxies);
}

#[test]
fn a_hundred_extension_values_and_no_more() {
    let mut tenant = Tenant::new();
    tenant.create(&json!({})).unwrap();
    let many = |count: usize| -> Value {
        (0..count).map(|n| (format!("extension_{}_n{n}", "a".repeat(32)), json!("x"))).collect()
    };
    tenant.update(MORGAN, &many(100)).unwrap();
    let refusal = tenant.update(MORGAN, &many(101)).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "Directory_QuotaExceeded"));
}

#[test]
fn a_user_administrator_acts_on_lesser_roles_only() {
    let mut tenant = Tenant::new();
    tenant.create(&json!({})).unwrap();
    let seed = tenant.seed.clone();
    let caller = Caller { roles: vec!["User Administrator".to_owned()], ..Caller::default() };
    let act = Act { tenant: Arc::new(seed), caller: &caller, now: NOW };
    let change = write::parse(&json!({"accountEnabled": false}), Purpose::Update).unwrap();
    for (role, taken) in [("Reports Reader", true), ("Exchange Administrator", false)] {
        tenant.flag(MORGAN, |account| account.roles = vec![role.to_owned()]);
        assert_eq!(tenant.directory.update(MORGAN, &change, &act).is_ok(), taken, "{role}");
    }
}
