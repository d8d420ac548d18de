use rstest::rstest;
use uuid::Uuid;

use super::*;
use crate::doctor::Level;
use crate::graph::{Effect, Failure as Answer, Operation, SkuId};

const NOW: i64 = 1_700_000_000_000;
const DAY: i64 = 24 * 60 * 60 * 1000;
const TENANT: Uuid = Uuid::from_u128(0x72f9_88bf_0000_4000_8000_c0a7_0500_0001);

fn domain(name: &str, verified: bool, kind: &str) -> Domain {
    serde_json::from_value(
        serde_json::json!({"id": name, "isVerified": verified, "authenticationType": kind}),
    )
    .unwrap()
}

fn organization_of(id: Uuid) -> Organization {
    serde_json::from_value(serde_json::json!({"id": id, "displayName": "Contoso"})).unwrap()
}

fn sku(part_number: &str, enabled: i64, consumed: i64) -> Sku {
    Sku {
        id: Uuid::nil().to_string().parse::<SkuId>().unwrap(),
        part_number: part_number.to_owned(),
        enabled,
        warning: 0,
        consumed,
        usable: true,
    }
}

fn answer(operation: Operation, status: u16) -> Answer {
    Answer {
        operation,
        status,
        code: String::new(),
        message: String::new(),
        request_id: None,
        client_request_id: Uuid::nil(),
    }
}

fn permissions_of_all() -> Vec<String> {
    crate::graph::PERMISSIONS.iter().map(|permission| permission.name.to_owned()).collect()
}

fn good() -> Tenant {
    Tenant {
        name: "contoso".to_owned(),
        state: State::Active,
        only_in_server: false,
        settings: Ok(Settings::default()),
        credential: Credential::Secret,
        tenant: TENANT.to_string(),
        claims: vec![claim()],
        work: Work::default(),
        seen: Some(seen()),
    }
}

fn claim() -> Claim {
    Claim { name: "contoso.example".to_owned(), is_default: true, has_another: false }
}

fn seen() -> Seen {
    Seen {
        login: Some(Ok(Login { ahead: Some(1), odd: None })),
        token: Some(Ok(())),
        permissions: Some(permissions_of_all()),
        roles: Some(vec!["User Administrator".to_owned()]),
        organization: Some(Ok(organization_of(TENANT))),
        domains: Some(Ok(vec![domain("contoso.example", true, "Managed")])),
        skus: Some(Ok(vec![sku("SPE_E3", 10, 3)])),
        unknown_names: Vec::new(),
    }
}

/// What is not well; each of these says what to do, and of which connection.
fn bad(tenant: &Tenant) -> Vec<(Check, Level, &'static str)> {
    let findings = super::tenant(tenant, NOW);
    assert!(findings.iter().all(|finding| finding.connection.as_deref() == Some("contoso")));
    let bad = findings.into_iter().filter(|finding| finding.level > Level::Ok);
    bad.map(|finding| {
        assert!(finding.advice.len() > 10 && !finding.code.is_empty(), "{finding:?}");
        (finding.check, finding.level, finding.code)
    })
    .collect()
}

#[test]
fn a_good_tenant_has_no_fault() {
    assert_eq!(bad(&good()), []);
    let checks: Vec<Check> = super::tenant(&good(), NOW).iter().map(|finding| finding.check).collect();
    let mut sorted = checks.clone();
    sorted.sort_unstable();
    assert_eq!(checks.first(), Some(&Check::Connection));
    assert_eq!(checks.last(), Some(&Check::Work));
    assert!(checks.contains(&Check::Permissions) && checks.contains(&Check::Role), "{checks:?}");
    sorted.dedup();
    assert!(sorted.len() >= 10, "{checks:?}");
}

#[rstest]
#[case::inactive(State::Inactive, vec![])]
#[case::ended(
    State::NeedsAuthorization("the password was changed".to_owned()),
    vec![(Check::Connection, Level::Fail, "needs_authorization")]
)]
fn a_state_is_judged(#[case] state: State, #[case] expected: Vec<(Check, Level, &'static str)>) {
    assert_eq!(bad(&Tenant { state, seen: None, ..good() }), expected);
}

#[rstest]
#[case::good(Credential::Certificate(NOW + 31 * DAY), None)]
#[case::soon(Credential::Certificate(NOW + 29 * DAY), Some((Level::Warn, "expires")))]
#[case::ended(Credential::Certificate(NOW), Some((Level::Fail, "expired")))]
#[case::unusable(Credential::Unusable("It is no certificate: set another.".to_owned()), Some((Level::Fail, "unusable")))]
#[case::person(Credential::Delegated { person: "admin@contoso.example".to_owned(), granted_at: NOW }, None)]
fn a_credential_is_judged(#[case] credential: Credential, #[case] expected: Option<(Level, &'static str)>) {
    let expected: Vec<_> =
        expected.map(|(level, code)| (Check::Credential, level, code)).into_iter().collect();
    assert_eq!(bad(&Tenant { credential, ..good() }), expected);
}

#[rstest]
#[case(Some(0), false)]
#[case(Some(120), false)]
#[case(Some(-120), false)]
#[case(Some(121), true)]
#[case(Some(-3_600), true)]
#[case(None, false)]
fn a_clock_is_judged(#[case] ahead: Option<i64>, #[case] skewed: bool) {
    let seen = Seen { login: Some(Ok(Login { ahead, odd: None })), ..seen() };
    let expected = if skewed { vec![(Check::Clock, Level::Warn, "skewed")] } else { vec![] };
    assert_eq!(bad(&Tenant { seen: Some(seen), ..good() }), expected);
}

#[test]
fn what_could_not_be_asked_is_not_told() {
    let unreachable = Unreachable { host: "login.example".to_owned(), reason: "refused".to_owned() };
    let seen = Seen { login: Some(Err(unreachable)), ..Seen::default() };
    assert_eq!(bad(&Tenant { seen: Some(seen), ..good() }), [(Check::LoginHost, Level::Fail, "unreachable")]);
    let page = Login { ahead: None, odd: Some("HTTP 200 text/html".to_owned()) };
    let seen = Seen { login: Some(Ok(page)), ..Seen::default() };
    assert_eq!(
        bad(&Tenant { seen: Some(seen), ..good() }),
        [(Check::LoginHost, Level::Fail, "not_microsoft")]
    );
}

#[rstest]
#[case::connect(TransportFault::Connect, "unreachable")]
#[case::slow(TransportFault::TimedOut, "no_answer")]
fn a_graph_host_that_does_not_answer_is_named(#[case] fault: TransportFault, #[case] code: &'static str) {
    let error = Error::Transport {
        operation: Operation::ReadOrganization,
        fault,
        effect: Effect::None,
        reason: "x".to_owned(),
        client_request_id: Uuid::nil(),
    };
    let seen = Seen { organization: Some(Err(error)), domains: None, skus: None, ..seen() };
    assert_eq!(bad(&Tenant { seen: Some(seen), ..good() }), [(Check::GraphHost, Level::Fail, code)]);
}

#[rstest]
#[case::page(Oddity::ContentType, "not_microsoft")]
#[case::redirect(Oddity::Redirect, "redirect")]
fn a_graph_host_that_is_none_is_named(#[case] oddity: Oddity, #[case] code: &'static str) {
    let error = Error::Malformed {
        oddity,
        effect: Effect::None,
        failure: Box::new(answer(Operation::ReadOrganization, 200)),
    };
    let seen = Seen { organization: Some(Err(error)), domains: None, skus: None, ..seen() };
    assert_eq!(bad(&Tenant { seen: Some(seen), ..good() }), [(Check::GraphHost, Level::Fail, code)]);
}

#[test]
fn a_token_of_another_cloud_is_named() {
    let error = Error::Unauthorized(Box::new(answer(Operation::ReadOrganization, 401)));
    let seen = Seen { organization: Some(Err(error)), domains: None, skus: None, ..seen() };
    assert_eq!(
        bad(&Tenant { seen: Some(seen), ..good() }),
        [(Check::GraphHost, Level::Fail, "token_refused")]
    );
}

#[test]
fn another_tenant_is_named() {
    let seen =
        Seen { organization: Some(Ok(organization_of(Uuid::nil()))), domains: None, skus: None, ..seen() };
    let tenant = Tenant { seen: Some(seen), ..good() };
    assert_eq!(bad(&tenant), [(Check::Tenant, Level::Fail, "other_tenant")]);
    // Where a domain was configured there is nothing to compare.
    assert_eq!(bad(&Tenant { tenant: "contoso.example".to_owned(), ..tenant }), []);
}

#[rstest]
#[case::gone(vec![], Level::Fail, "gone")]
#[case::unverified(vec![domain("Contoso.example", false, "Managed")], Level::Fail, "unverified")]
#[case::federated(vec![domain("contoso.example", true, "Federated")], Level::Warn, "federated")]
fn a_domain_is_judged(#[case] there: Vec<Domain>, #[case] level: Level, #[case] code: &'static str) {
    let seen = Seen { domains: Some(Ok(there)), ..seen() };
    assert_eq!(bad(&Tenant { seen: Some(seen), ..good() }), [(Check::Domains, level, code)]);
}

#[test]
fn a_domain_of_two_connections_is_told() {
    let claims = vec![Claim { has_another: true, ..claim() }];
    assert_eq!(bad(&Tenant { claims, ..good() }), [(Check::Domains, Level::Fail, "clash")]);
}

#[test]
fn a_connection_without_a_domain_is_told() {
    assert_eq!(bad(&Tenant { claims: vec![], ..good() }), [(Check::Domains, Level::Warn, "none")]);
}

#[test]
fn licences_without_seats_are_named() {
    let skus =
        vec![sku("SPE_E3", 10, 10), sku("POWER_BI_PRO", 2, 1), Sku { usable: false, ..sku("OLD", 0, 0) }];
    let seen = Seen { skus: Some(Ok(skus)), ..seen() };
    let tenant = Tenant { seen: Some(seen), ..good() };
    assert_eq!(bad(&tenant), [(Check::Licences, Level::Warn, "no_seats")]);
    let told = super::tenant(&tenant, NOW);
    let seats: Vec<&str> = told
        .iter()
        .filter(|finding| finding.check == Check::Licences)
        .map(|finding| finding.found.as_str())
        .collect();
    assert_eq!(seats[0], "seats left: SPE_E3 0 of 10, POWER_BI_PRO 1 of 2");
    assert_eq!(seats[1], "no seat is left of SPE_E3");
}

#[test]
fn a_throttled_tenant_is_no_fault_of_anything_else() {
    let throttled = || Error::Throttled {
        retry_after: Some(Duration::from_secs(7)),
        failure: Box::new(answer(Operation::ListDomains, 429)),
    };
    let seen = Seen { domains: Some(Err(throttled())), skus: Some(Err(throttled())), ..seen() };
    let tenant = Tenant { seen: Some(seen), ..good() };
    assert_eq!(bad(&tenant), [(Check::Throttling, Level::Warn, "throttled")]);
}

#[test]
fn a_list_that_protects_nobody_is_told() {
    let settings =
        Settings { never_touch: vec!["breakglas@contoso.example".to_owned()], ..Settings::default() };
    let known = Tenant { settings: Ok(settings), ..good() };
    assert_eq!(bad(&known), []);
    let seen = Seen { unknown_names: vec!["breakglas@contoso.example".to_owned()], ..seen() };
    assert_eq!(bad(&Tenant { seen: Some(seen), ..known }), [(Check::NeverTouch, Level::Warn, "unknown")]);
}

#[test]
fn work_is_told_with_its_reasons() {
    let refused = |sentence: &str| Failure::Refused { sentence: sentence.to_owned() };
    let failures =
        vec![refused("No seat is left."), refused("The name is taken."), refused("No seat is left.")];
    let tenant = Tenant { work: Work { waiting: 1, oldest: None, failures }, ..good() };
    assert_eq!(bad(&tenant), [(Check::Work, Level::Warn, "failed")]);
    let advice = super::tenant(&tenant, NOW).pop().unwrap().advice;
    assert!(advice.starts_with("2x No seat is left. 1x The name is taken."), "{advice}");
}

#[rstest]
#[case(Duration::from_mins(59), false)]
#[case(Duration::from_mins(61), true)]
fn work_that_waits_for_an_hour_is_stuck(#[case] oldest: Duration, #[case] stuck: bool) {
    let tenant = Tenant { work: Work { waiting: 3, oldest: Some(oldest), failures: vec![] }, ..good() };
    let expected = if stuck { vec![(Check::Work, Level::Warn, "stuck")] } else { vec![] };
    assert_eq!(bad(&tenant), expected);
}

#[test]
fn settings_that_cannot_be_used_are_told() {
    let tenant = Tenant { settings: Err("unknown field `pasword`".to_owned()), ..good() };
    assert_eq!(bad(&tenant), [(Check::Settings, Level::Fail, "unusable")]);
}
