use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn body() -> Value {
    json!({
        "accountEnabled": true,
        "displayName": "Adele",
        "mailNickname": "adele",
        "userPrincipalName": "adele@contoso.example",
        "passwordProfile": { "password": "Correct-Horse-1" },
    })
}

fn refused(body: &Value, purpose: Purpose) -> (u16, String, String) {
    let refusal = parse(body, purpose).unwrap_err();
    (refusal.status, refusal.code, refusal.message)
}

const BAD: &str = "Request_BadRequest";

#[rstest]
#[case("accountEnabled")]
#[case("displayName")]
#[case("mailNickname")]
#[case("passwordProfile")]
#[case("userPrincipalName")]
fn a_create_needs(#[case] name: &str) {
    let mut without = body();
    without.as_object_mut().unwrap().shift_remove(name);
    let message = format!("A value is required for property '{name}' of resource 'User'.");
    assert_eq!(refused(&without, Purpose::Create), (400, BAD.to_owned(), message));
}

#[test]
fn a_password_profile_without_a_password_makes_no_user() {
    let mut without = body();
    without["passwordProfile"] = json!({"forceChangePasswordNextSignIn": true});
    let message = "A value is required for property 'passwordProfile' of resource 'User'.";
    assert_eq!(refused(&without, Purpose::Create), (400, BAD.to_owned(), message.to_owned()));
    assert!(parse(&json!({"passwordProfile": without["passwordProfile"]}), Purpose::Update).is_ok());
}

/// Each value is refused, with this code in `details`.
#[rstest]
#[case("employeeId", json!("12345678901234567"), "InvalidLength")]
#[case("displayName", json!("x".repeat(257)), "InvalidLength")]
#[case("displayName", json!(""), "InvalidValue")]
#[case("displayName", json!(null), "InvalidValue")]
#[case("givenName", json!("x".repeat(65)), "InvalidLength")]
#[case("surname", json!("x".repeat(65)), "InvalidLength")]
#[case("jobTitle", json!("x".repeat(129)), "InvalidLength")]
#[case("jobTitle", json!(""), "InvalidValue")]
#[case("department", json!("x".repeat(65)), "InvalidLength")]
#[case("companyName", json!("x".repeat(65)), "InvalidLength")]
#[case("mobilePhone", json!("1".repeat(65)), "InvalidLength")]
#[case("streetAddress", json!("x".repeat(1025)), "InvalidLength")]
#[case("postalCode", json!("1".repeat(41)), "InvalidLength")]
#[case("businessPhones", json!(["1", "2"]), "InvalidValue")]
#[case("businessPhones", json!(null), "InvalidValue")]
#[case("otherMails", json!(["no address"]), "InvalidValue")]
#[case("otherMails", json!(["é@contoso.example"]), "InvalidValue")]
#[case("mail", json!(null), "InvalidValue")]
#[case("mail", json!("adele"), "InvalidValue")]
#[case("mailNickname", json!("a b"), "InvalidValue")]
#[case("mailNickname", json!("a@b"), "InvalidValue")]
#[case("mailNickname", json!("x".repeat(65)), "InvalidValue")]
#[case("usageLocation", json!("us"), "InvalidValue")]
#[case("usageLocation", json!("USA"), "InvalidValue")]
#[case("usageLocation", json!(null), "InvalidValue")]
#[case("accountEnabled", json!(null), "InvalidValue")]
#[case("ageGroup", json!("Child"), "InvalidValue")]
#[case("userType", json!("Admin"), "InvalidValue")]
#[case("passwordPolicies", json!("Never"), "InvalidValue")]
#[case("employeeHireDate", json!("2026-01-01"), "InvalidValue")]
#[case("onPremisesImmutableId", json!("a_b"), "InvalidValue")]
#[case("passwordProfile", json!(null), "InvalidValue")]
fn a_value_that_a_property_cannot_have(#[case] name: &str, #[case] value: Value, #[case] code: &str) {
    let refusal = parse(&json!({ name: value }), Purpose::Update).unwrap_err();
    let message = format!("Invalid value specified for property '{name}' of resource 'User'.");
    assert_eq!((refusal.status, refusal.code.as_str(), &refusal.message), (400, BAD, &message));
    assert_eq!(refusal.details, [json!({"code": code, "message": message, "target": name})]);
}

#[rstest]
#[case("accountEnabled", json!("true"), "Cannot convert a value of the type Edm.String to the expected type 'Edm.Boolean'.")]
#[case("jobTitle", json!(5), "Cannot convert a value of the type Edm.Decimal to the expected type 'Edm.String'.")]
#[case("businessPhones", json!("1"), "Cannot convert a value of the type Edm.String to the expected type 'Collection(Edm.String)'.")]
#[case("passwordProfile", json!("Secret-1"), "Cannot convert a value of the type Edm.String to the expected type 'microsoft.graph.passwordProfile'.")]
#[case("id", json!("x"), "Property 'id' is read-only and cannot be set.")]
#[case("proxyAddresses", json!([]), "Property 'proxyAddresses' is read-only and cannot be set.")]
#[case("onPremisesSyncEnabled", json!(true), "Property 'onPremisesSyncEnabled' is read-only and cannot be set.")]
#[case("colour", json!("red"), "The property 'colour' does not exist on type 'microsoft.graph.user'. Make sure to only use property names that are defined by the type.")]
#[case("employeeOrgData", json!({"team": "x"}), "The property 'team' does not exist on type 'microsoft.graph.employeeOrgData'. Make sure to only use property names that are defined by the type.")]
#[case("manager@odata.bind", json!("x"), "The property 'manager@odata.bind' does not exist on type 'microsoft.graph.user'. Make sure to only use property names that are defined by the type.")]
fn a_body_that_does_not_fit(#[case] name: &str, #[case] value: Value, #[case] message: &str) {
    assert_eq!(refused(&json!({ name: value }), Purpose::Update), (400, BAD.to_owned(), message.to_owned()));
}

#[rstest]
#[case("adele")]
#[case("adele@")]
#[case("@contoso.example")]
#[case("adele.@contoso.example")]
#[case(".adele@contoso.example")]
#[case("a b@contoso.example")]
#[case("adèle@contoso.example")]
#[case("a@b@contoso.example")]
#[case("a+b@contoso.example")]
fn a_user_name_of_the_wrong_shape(#[case] name: &str) {
    let message = "Property userPrincipalName is invalid.".to_owned();
    let body = json!({ "userPrincipalName": name });
    assert_eq!(refused(&body, Purpose::Update), (400, BAD.to_owned(), message));
}

#[test]
fn a_user_name_is_bounded_on_both_sides() {
    let name = |local: usize, domain: usize| format!("{}@{}", "x".repeat(local), "y".repeat(domain));
    assert!(user_name(&name(64, 48)));
    assert!(!user_name(&name(65, 1)) && !user_name(&name(1, 49)));
    assert!(user_name("O'Brien.a-b_c!d#e^f~@contoso.example"));
}

#[rstest]
#[case("customSecurityAttributes")]
#[case("skills")]
#[case("aboutMe")]
fn what_an_application_may_not_set(#[case] name: &str) {
    let message = "Insufficient privileges to complete the operation.".to_owned();
    let expected = (403, "Authorization_RequestDenied".to_owned(), message);
    assert_eq!(refused(&json!({ name: "x" }), Purpose::Update), expected);
}

#[test]
fn an_empty_change_is_none() {
    let message = "Empty Payload. JSON content expected.".to_owned();
    assert_eq!(refused(&json!({}), Purpose::Update), (400, "BadRequest".to_owned(), message));
    assert_eq!(refused(&json!([]), Purpose::Update).0, 400);
}

#[test]
fn what_fits_is_kept_as_the_directory_writes_it() {
    let extension = format!("extension_{}_costCode", "a".repeat(32));
    let change = parse(
        &json!({
            "@odata.type": "#microsoft.graph.user",
            "employeeOrgData": {"division": "North"},
            "employeeHireDate": "2026-01-01T01:00:00.5+01:00",
            "jobTitle": null,
            "businessPhones": [],
            "passwordPolicies": "DisablePasswordExpiration, DisableStrongPassword",
            extension.as_str(): "c-1",
        }),
        Purpose::Update,
    )
    .unwrap();
    let kept = &change.properties;
    assert_eq!(kept["employeeOrgData"], json!({"division": "North", "costCenter": null}));
    assert_eq!(kept["employeeHireDate"], "2026-01-01T00:00:00Z");
    assert_eq!(
        (&kept["jobTitle"], &kept["businessPhones"], &kept[&extension]),
        (&json!(null), &json!([]), &json!("c-1"))
    );
}

#[rstest]
#[case("https://graph.microsoft.com/v1.0/users/8a256a2b-b617-496d-b51b-e76466e88db0", true)]
#[case("http://127.0.0.1:8080/v1.0/directoryObjects/8a256a2b-b617-496d-b51b-e76466e88db0", true)]
#[case("8a256a2b-b617-496d-b51b-e76466e88db0", false)]
#[case("https://graph.microsoft.com/v1.0/groups/8a256a2b-b617-496d-b51b-e76466e88db0", false)]
#[case("https://graph.microsoft.com/v1.0/users/adele", false)]
fn references(#[case] text: &str, #[case] fits: bool) {
    assert_eq!(reference(&json!(text), &["users"]).is_ok(), fits);
}

#[test]
fn a_restore_takes_two_wishes_only() {
    assert!(!restoration(&json!({})).unwrap().reconcile);
    let wish = restoration(
        &json!({"newUserPrincipalName": "a@contoso.example", "autoReconcileProxyConflict": true}),
    );
    assert_eq!(wish.unwrap().upn.as_deref(), Some("a@contoso.example"));
    assert_eq!(restoration(&json!({"upn": "a@contoso.example"})).unwrap_err().status, 400);
    let bad = restoration(&json!({"newUserPrincipalName": "a"})).unwrap_err();
    assert_eq!(bad.message, "Property userPrincipalName is invalid.");
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(
        name in "displayName|passwordProfile|businessPhones|employeeOrgData|identities|employeeHireDate|.{0,12}",
        text in ".{0,60}",
        number in any::<i64>(),
    ) {
        for value in [json!(text), json!([text]), json!({ text.as_str(): text }), json!(number), Value::Null] {
            let body = json!({ name.as_str(): value });
            let _ = parse(&body, Purpose::Create);
            let _ = parse(&body, Purpose::Update);
            let _ = group::parse(&body, Purpose::Update);
            let _ = restoration(&body);
            let _ = reference(&value, &["users"]);
        }
    }
}
