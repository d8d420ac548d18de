//! A row here is a row of the table of Graph's refusals that a call can meet.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::graph::Disposition;

const OTHER: &str = "6e7b768e-07e2-4810-8459-485f84f8f204";

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        operation: Operation::CreateUser,
        status,
        request_id: Some("r".to_owned()),
        client_request_id: Uuid::nil(),
        retry_after: None,
        scarce: None,
        content_type: "application/json; charset=utf-8".to_owned(),
        body: Body::Whole(body.to_string().into_bytes()),
    }
}

fn refused(status: u16, code: &str, message: &str) -> Error {
    answer(status, &json!({"error": {"code": code, "message": message}})).accepted(None).err().unwrap()
}

/// The variant's name with what it found, so that a table can hold them.
fn kind(error: &Error) -> String {
    let property = |property: &Option<String>| property.clone().unwrap_or_default();
    match error {
        Error::Conflict { property: p, other, .. } => {
            format!("Conflict {} {}", property(p), other.map(|id| id.to_string()).unwrap_or_default())
        }
        Error::InvalidValue { property: p, .. } => format!("InvalidValue {}", property(p)),
        Error::MissingValue { property: p, .. } => format!("MissingValue {}", property(p)),
        Error::Unavailable { effect, .. } => format!("Unavailable {effect:?}"),
        Error::Malformed { oddity, effect, .. } => format!("Malformed {oddity:?} {effect:?}"),
        other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
    }
    .trim()
    .to_owned()
}

#[rstest]
#[case(
    400,
    "Request_BadRequest",
    "Another object with the same value for property userPrincipalName already exists.",
    "Conflict userPrincipalName"
)]
#[case(
    400,
    "Request_BadRequest",
    "A conflicting object with one or more of the specified property values is present in the directory.",
    "Conflict"
)]
#[case(
    409,
    "Request_MultipleObjectsWithSameKeyValue",
    "Another object with the same value for property proxyAddresses already exists.",
    "Conflict proxyAddresses"
)]
#[case(400, "Request_BadRequest", "Property netId is invalid.", "InvalidValue netId")]
#[case(400, "Request_BadRequest", "Property userPrincipalName is invalid.", "InvalidValue userPrincipalName")]
#[case(
    400,
    "Request_BadRequest",
    "A value is required for property 'mailNickname' of resource 'User'.",
    "MissingValue mailNickname"
)]
#[case(
    400,
    "Request_BadRequest",
    "Invalid value specified for property 'city' of resource 'User'.",
    "InvalidValue city"
)]
#[case(400, "Request_BadRequest", "One or more property values specified are invalid.", "InvalidValue")]
#[case(
    400,
    "Request_BadRequest",
    "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.",
    "UnverifiedDomain"
)]
#[case(
    400,
    "Request_BadRequest",
    "The specified password does not comply with password complexity requirements. Please provide a different password.",
    "WeakPassword"
)]
#[case(
    400,
    "Request_BadRequest",
    "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
    "OnPremisesSynced"
)]
#[case(
    400,
    "Request_UnsupportedQuery",
    "Property 'a' does not exist as a declared property or extension property.",
    "Other"
)]
#[case(
    400,
    "Request_UnsupportedQuery",
    "Operator 'endsWith' is not supported because the required parameters might be missing.",
    "Other"
)]
#[case(400, "Request_BadRequest", "Invalid object identifier 'x'.", "InvalidValue")]
#[case(
    404,
    "Request_ResourceNotFound",
    "Resource 'x' does not exist or one of its queried reference-property objects are not present.",
    "NotFound"
)]
#[case(404, "UnknownError", "No such segment.", "Other")]
#[case(
    400,
    "Request_BadRequest",
    "The source resource object or one of the objects being referenced don't exist.",
    "NotReplicatedYet"
)]
#[case(
    400,
    "Request_BadRequest",
    "One or more added object references already exist for the following modified properties: 'members'.",
    "AlreadyThere"
)]
#[case(
    400,
    "Request_BadRequest",
    "One or more removed object references do not exist for the following modified properties: 'members'.",
    "NotThere"
)]
#[case(
    400,
    "Request_BadRequest",
    "Cannot Update a mail-enabled security groups and or distribution list.",
    "MailEnabledGroup"
)]
#[case(400, "Request_BadRequest", "Request contains a property with duplicate values.", "Other")]
#[case(
    400,
    "Request_UnsupportedQuery",
    "Unsupported or invalid query filter clause specified for property 'createdDateTime' of resource 'Group'.",
    "Other"
)]
#[case(
    400,
    "Request_UnsupportedQuery",
    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
    "Other"
)]
#[case(400, "Request_BadRequest", "$count is not currently supported.", "Other")]
#[case(
    400,
    "Request_BadRequest",
    "Another object with the same value for property mailNickname already exists.",
    "Conflict mailNickname"
)]
#[case(
    400,
    "Request_BadRequest",
    "The group must have at least one owner, hence this owner cannot be removed.",
    "Other"
)]
#[case(
    403,
    "Directory_QuotaExceeded",
    "Unable to perform operation as '121' would exceed the maximum quota count '100' for forward-link owners.",
    "QuotaExceeded"
)]
#[case(404, "ImageNotFound", "Exception of type 'ImageNotFoundException' was thrown.", "NotFound")]
#[case(400, "BadRequest", "/me request is only valid with delegated authentication flow.", "Other")]
#[case(403, "insufficient_claims", "", "Forbidden")]
#[case(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid.", "Unauthorized")]
#[case(401, "InvalidAuthenticationToken", "Access token is empty.", "Unauthorized")]
#[case(400, "activityLimitReached", "", "Throttled")]
#[case(424, "Request_BadRequest", "Dependency failed.", "Other")]
#[case(
    403,
    "Directory_QuotaExceeded",
    "The directory object quota limit for the Tenant has been exceeded.",
    "QuotaExceeded"
)]
#[case(409, "Directory_ConcurrencyViolation", "Another update is in progress.", "ConcurrencyViolation")]
#[case(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.", "Forbidden")]
#[case(
    401,
    "InvalidAuthenticationToken",
    "Lifetime validation failed, the token is expired.",
    "Unauthorized"
)]
#[case(
    401,
    "Authorization_IdentityNotFound",
    "The identity of the calling application could not be established.",
    "Unauthorized"
)]
#[case(403, "Authorization_IdentityDisabled", "", "Unauthorized")]
#[case(429, "TooManyRequests", "Please retry after", "Throttled")]
#[case(400, "Request_ThrottledTemporarily", "Your request is throttled temporarily.", "Throttled")]
#[case(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.", "Other")]
#[case(500, "InternalServerError", "", "Unavailable Unknown")]
#[case(503, "ServiceUnavailable", "", "Unavailable None")]
#[case(504, "GatewayTimeout", "", "Unavailable Unknown")]
#[case(509, "BandwidthLimitExceeded", "", "Throttled")]
fn each_refusal_has_its_kind(
    #[case] status: u16,
    #[case] code: &str,
    #[case] message: &str,
    #[case] expected: &str,
) {
    let error = refused(status, code, message);
    assert_eq!(kind(&error), expected);
    let failure = error.failure().unwrap();
    assert_eq!((failure.status, failure.code.as_str(), failure.message.as_str()), (status, code, message));
    assert_eq!(failure.request_id.as_deref(), Some("r"));
    let advice = error.advice();
    assert!(advice.ends_with('.') && advice.len() > 40 && !advice.contains(".."), "{advice}");
}

#[test]
fn details_tell_the_property_and_the_other_object() {
    let same = "Another object with the same value for property userPrincipalName already exists.";
    let body = json!({"error": {"code": "Request_BadRequest", "message": same, "details": [
        {"code": "ObjectConflict", "message": same, "target": "userPrincipalName"},
        {"code": "ConflictingObjects", "target": format!("User_{OTHER}")},
    ]}});
    let error = answer(400, &body).accepted(None).err().unwrap();
    assert_eq!(kind(&error), format!("Conflict userPrincipalName {OTHER}"));
    assert!(error.advice().contains(OTHER));
}

#[rstest]
#[case::details_as_object(json!({"code": "Request_BadRequest", "details": {"code": "ObjectConflict", "target": "mailNickname"}}), "Conflict mailNickname")]
#[case::detail_decides_without_message(json!({"code": "Request_BadRequest", "details": [{"code": "InvalidValue", "target": "city"}]}), "InvalidValue city")]
#[case::message_as_object(json!({"code": "x", "message": {"lang": "en", "value": "A value is required for property 'city' of resource 'User'."}}), "MissingValue city")]
#[case::code_in_inner_error(json!({"code": "Conflict", "message": "m", "innerError": {"code": "Directory_ConcurrencyViolation"}}), "ConcurrencyViolation")]
#[case::code_deep_in_inner_error(json!({"code": "c", "innererror": {"code": "x", "innerError": {"code": "activityLimitReached"}}}), "Throttled")]
#[case::odd_kinds(json!({"code": 7, "message": null, "details": "x", "innerError": []}), "Other")]
fn bodies_are_read_leniently(#[case] error: Value, #[case] expected: &str) {
    let error = answer(400, &json!({ "error": error })).accepted(None).err().unwrap();
    assert_eq!(kind(&error), expected);
}

#[test]
fn the_request_id_is_found_in_the_body_too() {
    let body = json!({"error": {"code": "x", "innerError": {"request-id": "inner"}}});
    let mut answer = answer(400, &body);
    answer.request_id = None;
    let error = answer.accepted(None).err().unwrap();
    assert_eq!(error.failure().unwrap().request_id.as_deref(), Some("inner"));
}

#[test]
fn a_secret_in_the_message_is_not_kept() {
    let body = json!({"error": {"code": "x", "message": "'Sesame-0pen!' is no password"}});
    let error = answer(400, &body).accepted(Some(&"Sesame-0pen!".into())).err().unwrap();
    assert!(!format!("{error:?} {error}").contains("Sesame"), "{error:?}");
}

#[test]
fn a_long_message_is_shortened() {
    let error = refused(400, "x", &"é".repeat(10_000));
    assert_eq!(error.failure().unwrap().message.chars().count(), LONGEST_MESSAGE);
}

#[rstest]
#[case::html_instead_of_a_user(200, "text/html", "<html>", "Malformed ContentType Unknown")]
#[case::half_a_body(201, "application/json", "{\"id\": \"6e7", "Malformed Syntax Unknown")]
#[case::no_user(200, "application/json", "{\"id\": \"7\"}", "Malformed Shape Unknown")]
#[case::a_proxys_404(404, "text/html", "<html>", "Malformed ContentType None")]
#[case::an_odd_404(404, "application/json", "{}", "Malformed Shape None")]
#[case::a_redirect(302, "text/html", "", "Malformed Redirect None")]
#[case::a_proxys_503(503, "text/html", "<html>", "Unavailable None")]
#[case::a_proxys_502(502, "text/html", "<html>", "Unavailable Unknown")]
#[case::a_proxys_429(429, "text/html", "<html>", "Throttled")]
fn what_is_not_graphs(
    #[case] status: u16,
    #[case] content_type: &str,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let mut answer = answer(status, &Value::Null);
    answer.content_type = content_type.to_owned();
    answer.body = Body::Whole(body.as_bytes().to_vec());
    let outcome = answer.accepted(None).and_then(Answer::json::<crate::graph::User>);
    assert_eq!(kind(&outcome.unwrap_err()), expected);
}

#[rstest]
#[case(Operation::CreateUser, 500, Disposition::Ambiguous)]
#[case(Operation::CreateUser, 503, Disposition::Retry { after: Some(Duration::from_secs(2)) })]
#[case(Operation::CreateUser, 429, Disposition::Retry { after: Some(Duration::from_secs(2)) })]
#[case(Operation::RestoreUser, 504, Disposition::Ambiguous)]
#[case(Operation::UpdateUser, 504, Disposition::Retry { after: Some(Duration::from_secs(2)) })]
#[case(Operation::DeleteUser, 500, Disposition::Retry { after: Some(Duration::from_secs(2)) })]
#[case(Operation::CreateGroup, 500, Disposition::Ambiguous)]
#[case(Operation::AddMembers, 504, Disposition::Retry { after: Some(Duration::from_secs(2)) })]
#[case(Operation::RemoveMember, 500, Disposition::Retry { after: Some(Duration::from_secs(2)) })]
#[case(Operation::CreateUser, 401, Disposition::Blocked)]
#[case(Operation::CreateUser, 403, Disposition::Refused)]
fn only_what_is_safe_is_repeated(
    #[case] operation: Operation,
    #[case] status: u16,
    #[case] expected: Disposition,
) {
    let mut answer = answer(status, &json!({"error": {"code": "x", "message": "m"}}));
    answer.operation = operation;
    answer.retry_after = Some(Duration::from_secs(2));
    assert_eq!(answer.accepted(None).err().unwrap().disposition(), expected);
}

#[rstest]
#[case(Operation::SetPassword, "User-PasswordProfile.ReadWrite.All")]
#[case(Operation::SetPassword, "User Administrator role")]
#[case(Operation::SetPassword, "Privileged Authentication Administrator")]
#[case(Operation::EnableUser, "never-touch list")]
#[case(Operation::AssignLicense, "LicenseAssignment.ReadWrite.All")]
#[case(Operation::SetPhoto, "ProfilePhoto.ReadWrite.All")]
#[case(Operation::ReadBelonging, "Directory.Read.All")]
#[case(Operation::EnableUser, "User.EnableDisableAccount.All")]
#[case(Operation::RevokeSessions, "User.RevokeSessions.All")]
#[case(Operation::DeleteUser, "User.DeleteRestore.All")]
#[case(Operation::CreateGroup, "Group.ReadWrite.All")]
#[case(Operation::UpdateGroup, "Group.ReadWrite.All")]
#[case(Operation::AddMembers, "GroupMember.ReadWrite.All")]
#[case(Operation::RemoveMember, "dynamic (its members follow a rule)")]
#[case(Operation::AddMember, "assignable to roles")]
#[case(Operation::SetManager, "User.ReadWrite.All")]
#[case(Operation::ListDomains, "Domain.Read.All")]
fn a_missing_permission_is_named(#[case] operation: Operation, #[case] named: &str) {
    let mut answer = answer(403, &json!({"error": {"code": "Authorization_RequestDenied", "message": "m"}}));
    answer.operation = operation;
    let advice = answer.accepted(None).err().unwrap().advice();
    assert!(advice.contains(named), "{advice}");
}

#[rstest]
#[case("License assignment cannot be done for user with invalid usage location.", "NoUsageLocation")]
#[case(
    "Subscription with SKU f245ecc8-75af-4f8e-b61f-27d8114de5f3 does not have any available licenses.",
    "NoLicenseLeft"
)]
#[case(
    "License assignment failed because service plan 1 depends on the service plan(s) 2.",
    "LicenseConflict"
)]
#[case(
    "License assignment failed because it contains service plan 1 that conflicts with 2.",
    "LicenseConflict"
)]
#[case(
    "User license is inherited from a group membership and it cannot be removed directly from the user.",
    "InheritedLicense"
)]
#[case("User does not have a corresponding license.", "NotThere")]
#[case("Something new.", "Other")]
fn each_refusal_of_a_licence_has_its_kind(#[case] message: &str, #[case] expected: &str) {
    let mut answer = answer(400, &json!({"error": {"code": "Request_BadRequest", "message": message}}));
    answer.operation = Operation::AssignLicense;
    let error = answer.accepted(None).err().unwrap();
    assert_eq!((kind(&error).as_str(), error.disposition()), (expected, Disposition::Refused));
    let advice = error.advice();
    assert!(advice.ends_with('.') && advice.len() > 40 && !advice.contains(".."), "{advice}");
}

#[rstest]
#[case(410, json!({"error": {"code": "syncStateNotFound", "message": "m"}}))]
#[case(410, Value::Null)]
#[case(400, json!({"error": {"code": "resyncRequired", "message": "m"}}))]
#[case(404, json!({"error": {"code": "BadRequest", "innerError": {"code": "SyncStateNotFound"}}}))]
fn a_round_that_is_too_old_begins_anew(#[case] status: u16, #[case] body: Value) {
    let mut answer = answer(status, &body);
    answer.operation = Operation::UsersDelta;
    let error = answer.accepted(None).err().unwrap();
    assert!(matches!(error, Error::DeltaExpired(_)), "{error:?}");
    assert!(error.advice().contains("anew"));
}

#[rstest]
#[case("The directory object quota limit for the Tenant has been exceeded.", "quota of directory objects")]
#[case(
    "Unable to perform operation as '121' would exceed the maximum quota count '100' for forward-link owners.",
    "as many links"
)]
fn a_quota_is_called_by_its_kind(#[case] message: &str, #[case] says: &str) {
    let advice = refused(403, "Directory_QuotaExceeded", message).advice();
    assert!(advice.contains(says), "{advice}");
}

#[rstest]
fn every_refusal_for_lack_of_rights_names_a_permission(
    #[values("Authorization_RequestDenied", "")] code: &str,
) {
    for operation in Operation::ALL {
        let mut answer = answer(403, &json!({"error": {"code": code, "message": "m"}}));
        answer.operation = operation;
        let advice = answer.accepted(None).err().unwrap().advice();
        assert!(advice.contains(operation.permission()) && advice.contains(operation.act()), "{advice}");
    }
}

#[rstest]
#[case(Operation::UpdateUser, "the account is synchronised")]
#[case(Operation::AddMember, "the group is synchronised")]
fn a_synced_object_is_called_what_it_is(#[case] operation: Operation, #[case] says: &str) {
    let message = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.";
    let mut answer = answer(400, &json!({"error": {"code": "Request_BadRequest", "message": message}}));
    answer.operation = operation;
    let advice = answer.accepted(None).err().unwrap().advice();
    assert!(advice.contains(says), "{advice}");
}

proptest::proptest! {
    #[test]
    fn no_message_makes_it_fail(status in 400_u16..500, message: String, quoted: String) {
        let message = format!("{message}Resource '{quoted}");
        let mut answer = answer(status, &json!({"error": {"code": "Request_ResourceNotFound", "message": message}}));
        answer.operation = Operation::AddMember;
        let error = answer.accepted(None).err().unwrap();
        proptest::prop_assert!(!error.advice().is_empty());
        let _ = error.missing();
    }

    #[test]
    fn no_body_makes_it_fail(status in 300_u16..600, body: Vec<u8>) {
        let mut answer = answer(status, &Value::Null);
        answer.body = Body::Whole(body);
        proptest::prop_assert!(!answer.accepted(None).err().unwrap().advice().is_empty());
    }
}
